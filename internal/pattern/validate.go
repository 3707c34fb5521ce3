package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// leastFragments is how many proofs of each kind a pattern must bring.
const leastFragments = 2

var (
	idShape     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	placeholder = regexp.MustCompile(`\{([^}|]*)(\|[^}]*)?\}`)
)

// vocabulary lists the values that fields may have.
var vocabulary = map[string][]string{
	"carrier":      {"", "first", "last"},
	"prerequisite": {"none", "account", "privileged", "insider"},
	"scope":        {"one", "tenant", "all", "unknown"},
	"property":     {"confidentiality", "integrity", "availability", "accountability", "privacy"},
	"because":      {"negated", "planned", "past", "answered", "elsewhere", "harmless"},
	"placeholder":  {"element", "peer", "from", "to", "asset", "technology"},
	"type":         {"technology", "noun", "party"},
	"encrypted":    {"", "yes", "no", "optional"},
	"holds":        {"personal", "credentials", "payment", "health", "business"},
	"subject":      {string(threatmodel.Process), string(threatmodel.DataStore), string(threatmodel.DataFlow), string(threatmodel.ExternalEntity)},
	"exposure": {
		"", string(threatmodel.ExposureInternet), string(threatmodel.ExposurePartner), string(threatmodel.ExposureInternal),
		string(threatmodel.ExposureLocal), string(threatmodel.ExposureUnknown),
	},
}

// checker collects what is wrong with one entry.
type checker struct {
	what string
	errs []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: "+format, append([]any{c.what}, args...)...))
}

func (c *checker) oneOf(field, value string) {
	if !slices.Contains(vocabulary[field], value) {
		c.fail("the %s %q is none of %s", field, value, strings.Join(vocabulary[field], ", "))
	}
}

func (c *checker) filled(field, value string) {
	if strings.TrimSpace(value) == "" {
		c.fail("%s is empty", field)
	}
}

func (c *checker) template(field, text string) {
	c.filled(field, text)
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		c.oneOf("placeholder", m[1])
	}
}

// validate holds the knowledge to its schema.
func (l *Library) validate() error {
	signals, err := ground.LoadSignals()
	if err != nil {
		return err
	}
	tags := map[string]bool{}
	var errs []error
	for _, e := range l.lexicon.entries {
		errs = append(errs, e.check()...)
		for _, t := range e.Tags {
			tags[t] = true
		}
	}
	ids := map[string]bool{}
	for _, p := range l.patterns {
		errs = append(errs, p.check(ids, tags, signals.Families())...)
	}
	for _, x := range l.controls {
		errs = append(errs, x.check(ids, signals.Families())...)
	}
	for _, a := range l.assets {
		errs = append(errs, a.check()...)
	}
	return errors.Join(errs...)
}

func (a *Asset) check() []error {
	c := &checker{what: "asset " + a.Name}
	c.filled("name", a.Name)
	if !slices.Contains(threatmodel.Classes(), a.Class) {
		c.fail("there is no class %q", a.Class)
	}
	for _, k := range a.Kinds {
		c.oneOf("holds", k)
	}
	if len(a.Words) == 0 {
		c.fail("no words name it")
	}
	return c.errs
}

func (e *Entry) check() []error {
	c := &checker{what: "lexicon entry " + e.Name}
	c.filled("name", e.Name)
	c.oneOf("type", e.Type)
	c.oneOf("encrypted", e.Encrypted)
	if !slices.Contains(threatmodel.Kinds(), e.Kind) {
		c.fail("the kind %q is no kind of element", e.Kind)
	}
	if len(e.Tags) == 0 {
		c.fail("it has no tags")
	}
	return c.errs
}

func (p *Pattern) check(ids, tags map[string]bool, families map[string][]string) []error {
	c := &checker{what: "pattern " + p.ID}
	c.identity(p.ID, ids)
	c.filled("title", p.Title)
	c.oneOf("carrier", p.Carrier)
	if len(p.STRIDE) == 0 {
		c.fail("it names no STRIDE category")
	}
	for _, s := range p.STRIDE {
		if !slices.Contains(threatmodel.STRIDECategories(), s) {
			c.fail("%q is no STRIDE category", s)
		}
	}
	if families[p.Family] == nil {
		c.fail("there is no weakness family %q", p.Family)
	}
	for name, n := range map[string]int{"subjects": len(p.Subjects), "signals": len(p.Signals), "answers": len(p.Answers), "mitigations": len(p.Mitigations)} {
		if n == 0 {
			c.fail("%s is empty", name)
		}
	}
	c.conditions(p.Subjects, tags)
	c.statement(&p.Statement)
	c.oneOf("prerequisite", p.Rating.Prerequisite)
	c.oneOf("scope", p.Rating.Scope)
	c.oneOf("exposure", string(p.Rating.Exposure))
	if q := p.Question; q != nil {
		c.template("question", q.Text)
		c.filled("why", q.Why)
		c.conditions(q.When, tags)
	}
	c.fragments(&p.Fragments)
	return c.errs
}

func (c *checker) identity(id string, ids map[string]bool) {
	if !idShape.MatchString(id) {
		c.fail("the id must be lower case words joined by hyphens")
	}
	if ids[id] {
		c.fail("the id is taken")
	}
	ids[id] = true
}

func (c *checker) conditions(list []Condition, tags map[string]bool) {
	for _, x := range list {
		for _, k := range x.Kinds {
			c.oneOf("subject", string(k))
		}
		for _, e := range x.Exposure {
			c.oneOf("exposure", string(e))
		}
		for _, h := range x.Holds {
			c.oneOf("holds", h)
		}
		for _, t := range slices.Concat(x.Tags, x.NotTags, x.Peer) {
			if !tags[t] {
				c.fail("no entry of the lexicon has the tag %q", t)
			}
		}
	}
}

func (c *checker) statement(s *Statement) {
	c.template("source", s.Source)
	c.template("prerequisites", s.Prerequisites)
	c.template("action", s.Action)
	c.template("impact", s.Impact)
	if len(s.Properties) == 0 {
		c.fail("the statement names no property")
	}
	for _, p := range s.Properties {
		c.oneOf("property", p)
	}
}

func (c *checker) fragments(f *Fragments) {
	if len(f.Fires) < leastFragments || len(f.Silent) < leastFragments {
		c.fail("it needs %d fragments on which it fires and %d near misses", leastFragments, leastFragments)
	}
	for _, x := range f.Fires {
		c.filled("fragment", x.Text)
	}
	for _, x := range f.Silent {
		c.filled("fragment", x.Text)
		c.oneOf("because", x.Because)
	}
}

func (x *Control) check(ids map[string]bool, families map[string][]string) []error {
	c := &checker{what: "control " + x.ID}
	c.identity("control-"+x.ID, ids)
	c.filled("name", x.Name)
	if len(x.Mechanism) == 0 || len(x.Families) == 0 {
		c.fail("it needs mechanisms and families")
	}
	for _, f := range x.Families {
		if families[f] == nil {
			c.fail("there is no weakness family %q", f)
		}
	}
	return c.errs
}
