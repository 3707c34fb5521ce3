package cluster

import (
	_ "embed"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed install.yaml
var installYAML []byte

// installEntry is one entry of install.yaml, which says what its fields mean.
type installEntry struct {
	OS         string `yaml:"os"`
	ID         string `yaml:"id"`
	Version    string `yaml:"version"`
	PostgreSQL int    `yaml:"postgresql"`
	Own        bool   `yaml:"own"`
	Repository string `yaml:"repository"`
	Server     string `yaml:"server"`
	Vector     string `yaml:"vector"`
}

var installEntries = sync.OnceValues(func() ([]installEntry, error) {
	var entries []installEntry
	err := yaml.UnmarshalWithOptions(installYAML, &entries, yaml.Strict())
	return entries, err
})

// Links for systems that install.yaml does not know.
const (
	serverLink = "https://www.postgresql.org/download/"
	vectorLink = "https://github.com/pgvector/pgvector#installation"
)

// MissingError says that PostgreSQL or pgvector is missing or too old, and how
// to install it.
type MissingError struct {
	What    string // "PostgreSQL" or "pgvector"
	Problem string // what is wrong, for a person
	Command string // installs it on this system; empty where unknown
}

func (e *MissingError) Error() string {
	how := "install it: " + e.Command
	if e.Command == "" {
		how = "to install it see " + vectorLink
		if e.What == "PostgreSQL" {
			how = "to install it see " + serverLink + " and " + vectorLink
		}
	}
	return e.Problem + "; " + how
}

// Platform names a system as install.yaml does.
type Platform struct {
	OS      string // as runtime.GOOS
	IDs     string // ID and ID_LIKE of /etc/os-release, by spaces
	Version string // VERSION_ID of /etc/os-release
}

// ThisPlatform is the system that the program runs on.
func ThisPlatform() Platform {
	text, _ := os.ReadFile("/etc/os-release") // not there on macOS
	return parsePlatform(runtime.GOOS, string(text))
}

func parsePlatform(system, release string) Platform {
	values := map[string]string{}
	for line := range strings.Lines(release) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[name] = strings.Trim(value, `"'`)
		}
	}
	return Platform{OS: system, IDs: strings.TrimSpace(values["ID"] + " " + values["ID_LIKE"]), Version: values["VERSION_ID"]}
}

// missing is the error for what is missing; version is the server's that is
// there or needed, 0 where any will do.
func (p Platform) missing(what, problem string, version int) error {
	err := &MissingError{What: what, Problem: problem}
	entry, ok := p.entry()
	if !ok {
		return err
	}
	install := entry.Server
	if what == "pgvector" {
		install = entry.Vector
	}
	err.Command = entry.command(install, version)
	return err
}

// entry finds what install.yaml says about the system. A system is matched by
// its own id before those that it says it is like.
func (p Platform) entry() (installEntry, bool) {
	entries, err := installEntries()
	if err != nil {
		return installEntry{}, false // a test loads the file
	}
	ids := strings.Fields(p.IDs)
	if len(ids) == 0 {
		ids = []string{""}
	}
	for n, id := range ids {
		for _, e := range entries {
			like := n > 0 && e.Version != "" // versions are the system's own, not those of its like
			if e.OS == p.OS && e.ID == id && !like && e.matches(p.Version) {
				return e, true
			}
		}
	}
	return installEntry{}, false
}

func (e installEntry) matches(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	return e.Version == "" || e.Version == version || e.Version == major
}

// command fills in the version. Where the distribution itself has no such
// package, the project's repository is added first.
func (e installEntry) command(install string, version int) string {
	own := e.Own && (version == 0 || version == e.PostgreSQL)
	if version == 0 {
		version = e.PostgreSQL
	}
	install = strings.ReplaceAll(install, "{version}", strconv.Itoa(version))
	if own || e.Repository == "" {
		return install
	}
	return e.Repository + " && " + install
}
