// Package catalog holds the control catalogs that threats are answered from, and
// the reviewed tables that say which control answers which weakness.
//
// A catalog is one YAML file; those that come with the program lie beside this
// source, each with its fit table in a second file of the same format. A company
// writes its own in the same way and names the file instead of an id:
//
//	id: acme-baseline           # in references: acme-baseline:NET-3
//	title: Acme security baseline
//	edition: "7"                # stands first in the version
//	publisher: Acme CISO office # optional
//	controls:
//	  - id: NET-3
//	    title: No plain traffic
//	    theme: network          # chapter, family or theme
//	    parent: NET-1           # optional: the control that this one refines
//	    tags: [L2, moderate]    # optional: levels, baselines, attributes
//	    summary: One or two sentences that say what the control asks for.
//	    design_visible: yes     # yes, partly or no: can a design document show it?
//	    look_for: [tls, mutual tls, https only] # words of designs, search queries
//	  - id: NET-4
//	    title: Telnet
//	    theme: network
//	    withdrawn: true         # stays known, is never proposed
//	    replaced_by: [NET-3]    # optional
//	fit:                        # optional: without it, controls are found by likeness
//	  families:                 # weakness families, see package weakness
//	    cleartext-transmission:
//	      - {control: NET-3, strength: primary, reason: Encrypts the connection.}
//	  cwes:                     # only where the family's row would be wrong
//	    523:
//	      - {control: NET-3, strength: secondary, reason: Protects the login too.}
//
// Unknown keys are errors, and so is a fit row that names a control which is
// unknown or withdrawn. Published cross-mappings between standards are no fit
// tables: they relate texts, not remedies.
package catalog

import (
	"slices"
	"sync"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

// Visibility says whether a design document can show that a control is there.
type Visibility = string

// The visibilities of a control.
const (
	Visible       Visibility = "yes"
	PartlyVisible Visibility = "partly"
	NotVisible    Visibility = "no"
)

// Control is one control of a catalog.
type Control struct {
	// ID is the standard's own, such as A.8.3, AC-2(1) or V1.2.3.
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// Theme is the chapter, family or theme that it stands in.
	Theme string `yaml:"theme"`
	// Parent is the control that it refines, or empty.
	Parent string `yaml:"parent,omitempty"`
	// Tags are levels, baselines or attributes of the standard.
	Tags []string `yaml:"tags,omitempty"`
	// Summary says in our own words what it asks for.
	Summary string `yaml:"summary"`
	// DesignVisible is yes, partly or no.
	DesignVisible Visibility `yaml:"design_visible"`
	// LookFor are words that a design document would use; search queries.
	LookFor []string `yaml:"look_for,omitempty"`
	// Withdrawn controls stay known, so that old models can be read, and are
	// never proposed. ReplacedBy says where they went.
	Withdrawn  bool     `yaml:"withdrawn,omitempty"`
	ReplacedBy []string `yaml:"replaced_by,omitempty"`
}

// Strength says how a control answers a weakness.
type Strength string

// A primary control answers the weakness itself; a secondary one limits it,
// finds it, or keeps it from coming back.
const (
	Primary   Strength = "primary"
	Secondary Strength = "secondary"
)

// Fit is a control that answers a weakness.
type Fit struct {
	Control  string   `yaml:"control"`
	Strength Strength `yaml:"strength"`
	// Reason is one line that an auditor would accept.
	Reason string `yaml:"reason"`
}

// Primary reports whether the control answers the weakness itself.
func (f Fit) Primary() bool { return f.Strength == Primary }

// Catalog is a control catalog. It is read-only and safe for use by several
// goroutines.
type Catalog struct {
	// ID stands in references to a control, before the colon.
	ID    string
	Title string
	// Edition is the standard's own, such as 2022.
	Edition string

	version  string
	controls []Control
	byID     map[string]int
	fit      fitTable
	weakness *weakness.Table
	index    func() *index
}

// fitTable is the reviewed table weakness -> controls, best first.
type fitTable struct {
	Families map[string][]Fit `yaml:"families,omitempty"`
	CWEs     map[int][]Fit    `yaml:"cwes,omitempty"`
}

// Version is the edition and a hash of what the catalog says, such as
// 2022-1a2b3c4d. Comments and layout of the file are not part of it.
func (c *Catalog) Version() string { return c.version }

// Control is the control of an id, also a withdrawn one.
func (c *Catalog) Control(id string) (Control, bool) {
	i, ok := c.byID[id]
	if !ok {
		return Control{}, false
	}
	return c.controls[i], true
}

// Controls are all controls in the order of the catalog, withdrawn ones too.
// The result is the caller's, the slices in it are not to be changed.
func (c *Catalog) Controls() []Control { return slices.Clone(c.controls) }

// Fit are the controls that answer a weakness, best first, each once: the rows
// of the weakness itself, then those of its family. Where the weakness has rows
// of its own, these alone can be primary: they were written because the family's
// are wrong for it. Without a family that of the weakness is taken. The result is
// empty where the catalog has no table; see Similar.
func (c *Catalog) Fit(cwe int, family string) []Fit {
	if family == "" {
		family = c.weakness.Family(cwe)
	}
	own := c.fit.CWEs[cwe]
	out := slices.Clone(own)
	for _, f := range c.fit.Families[family] {
		if slices.ContainsFunc(out, func(x Fit) bool { return x.Control == f.Control }) {
			continue
		}
		if len(own) > 0 {
			f.Strength = Secondary
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Fit) int { return rank(a) - rank(b) })
	return out
}

func rank(f Fit) int {
	if f.Primary() {
		return 0
	}
	return 1
}

// Similar are at most n controls that speak of what a text speaks of, best
// first: by title, summary and look_for, ties in the order of the catalog.
// Controls that are withdrawn or that no design can show are left out. The same
// text gives the same result.
func (c *Catalog) Similar(text string, n int) []string { return c.index().search(text, n) }

func newCatalog(f *file, table *weakness.Table) *Catalog {
	c := &Catalog{
		ID: f.ID, Title: f.Title, Edition: f.Edition, version: f.version(),
		controls: f.Controls, byID: make(map[string]int, len(f.Controls)), weakness: table,
	}
	if f.Fit != nil {
		c.fit = *f.Fit
	}
	for i, ctl := range c.controls {
		c.byID[ctl.ID] = i
	}
	c.index = sync.OnceValue(func() *index { return newIndex(c.controls) })
	return c
}
