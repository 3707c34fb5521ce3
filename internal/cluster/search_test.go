package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// fake is an installation that says what it is told to, and can do nothing.
type fake struct {
	version  string // of PostgreSQL; empty where there is no server
	vector   string // of pgvector; empty where there is none
	noInitdb bool
}

// install writes the programs into a folder, and returns the one they lie in.
func (f fake) install(t *testing.T, name string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), name)
	bin, share := filepath.Join(root, "bin"), filepath.Join(root, "share", "postgresql")
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(share, "postgresql.conf.sample"), "", 0o644)
	if f.version != "" {
		script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", f.version)
		write(filepath.Join(bin, "postgres"), script, 0o755)
		if !f.noInitdb {
			write(filepath.Join(bin, "initdb"), script, 0o755)
		}
	}
	if f.vector != "" {
		write(filepath.Join(share, "extension", "vector.control"), "comment = 'x'\ndefault_version = '"+f.vector+"'\n", 0o644)
	}
	return bin
}

func TestFindListsTheNewestFirst(t *testing.T) {
	old, middle, newest := fake{version: "14.9 (Debian 14.9-1)"}, fake{version: "16.4", vector: "0.8.1"}, fake{version: "17beta1"}
	search := cluster.Search{
		Path:  strings.Join([]string{"relative", t.TempDir(), fake{version: "16.2", noInitdb: true}.install(t, "client"), old.install(t, "old")}, ":"),
		Globs: []string{filepath.Join(filepath.Dir(filepath.Dir(middle.install(t, "m"))), "*", "bin"), newest.install(t, "n")},
	}
	var got []string
	for _, i := range cluster.Find(t.Context(), search) {
		if i.Share != filepath.Join(filepath.Dir(i.Bin), "share", "postgresql") {
			t.Errorf("the share folder of %s is %q", i.Bin, i.Share)
		}
		got = append(got, fmt.Sprintf("%d/%s", i.Version, i.Vector))
	}
	if want := "17/ 16/0.8.1 14/"; strings.Join(got, " ") != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

func TestFindAsksPgConfig(t *testing.T) {
	bin := fake{version: "15.3", vector: "0.8.0"}.install(t, "far")
	folder := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = --bindir ] && echo %s\n", bin)
	if err := os.WriteFile(filepath.Join(folder, "pg_config"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	found := cluster.Find(t.Context(), cluster.Search{Path: folder})
	if len(found) != 1 || found[0].Bin != bin || found[0].Vector != "0.8.0" {
		t.Errorf("found %+v", found)
	}
}

func TestWhatIsMissingIsSaidWithTheCommandThatInstallsIt(t *testing.T) {
	debian12 := cluster.Platform{OS: "linux", IDs: "debian", Version: "12"}
	project := "sudo apt-get install -y postgresql-common && sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && "
	tests := map[string]struct {
		installed []fake
		platform  cluster.Platform
		data      string // content of PG_VERSION
		what      string
		problem   string
		command   string
	}{
		"no server": {
			platform: debian12, what: "PostgreSQL",
			problem: "no PostgreSQL server of version 15 to 18 is installed",
			command: project + "sudo apt-get install -y postgresql-15 postgresql-15-pgvector",
		},
		"no server that is new enough": {
			installed: []fake{{version: "14.2"}}, platform: debian12, what: "PostgreSQL",
			problem: "no PostgreSQL server of version 15 to 18 is installed (found: 14 in ",
			command: project + "sudo apt-get install -y postgresql-15 postgresql-15-pgvector",
		},
		"a server without pgvector": {
			installed: []fake{{version: "15.8"}}, platform: debian12, what: "pgvector",
			problem: "pgvector is not installed for PostgreSQL 15",
			command: project + "sudo apt-get install -y postgresql-15-pgvector",
		},
		"pgvector too old": {
			installed: []fake{{version: "16.1", vector: "0.6.0"}}, platform: cluster.Platform{OS: "linux", IDs: "ubuntu debian", Version: "24.04"},
			what: "pgvector", problem: "pgvector 0.6.0 is too old for Bartizan on PostgreSQL 16, which needs 0.8.0 or later",
			command: project + "sudo apt-get install -y postgresql-16-pgvector",
		},
		"pgvector too old for PostgreSQL 18": {
			installed: []fake{{version: "18.0", vector: "0.8.0"}}, platform: cluster.Platform{OS: "darwin"},
			what: "pgvector", problem: "pgvector 0.8.0 is too old for Bartizan on PostgreSQL 18, which needs 0.8.1 or later",
			command: "brew install pgvector",
		},
		"the data are of a version that is not installed": {
			installed: []fake{{version: "17.1", vector: "0.8.2"}}, platform: cluster.Platform{OS: "linux", IDs: "debian", Version: "13"},
			data: "15\n", what: "PostgreSQL", problem: "are of PostgreSQL 15, which is not installed (found: 17 in ",
			command: project + "sudo apt-get install -y postgresql-15 postgresql-15-pgvector",
		},
		"Debian 13":    {platform: cluster.Platform{OS: "linux", IDs: "debian", Version: "13"}, what: "PostgreSQL", command: "sudo apt-get install -y postgresql-17 postgresql-17-pgvector"},
		"Debian 14":    {platform: cluster.Platform{OS: "linux", IDs: "debian", Version: "14"}, what: "PostgreSQL", command: "sudo apt-get install -y postgresql-18 postgresql-18-pgvector"},
		"Ubuntu 22.04": {platform: cluster.Platform{OS: "linux", IDs: "ubuntu debian", Version: "22.04"}, what: "PostgreSQL", command: project + "sudo apt-get install -y postgresql-17 postgresql-17-pgvector"},
		"Ubuntu 24.04": {platform: cluster.Platform{OS: "linux", IDs: "ubuntu debian", Version: "24.04"}, what: "PostgreSQL", command: project + "sudo apt-get install -y postgresql-16 postgresql-16-pgvector"},
		"Mint":         {platform: cluster.Platform{OS: "linux", IDs: "linuxmint ubuntu debian", Version: "22"}, what: "PostgreSQL", command: project + "sudo apt-get install -y postgresql-17 postgresql-17-pgvector"},
		"Fedora":       {platform: cluster.Platform{OS: "linux", IDs: "fedora", Version: "43"}, what: "PostgreSQL", command: "sudo dnf install -y postgresql-server pgvector"},
		"Alpine":       {platform: cluster.Platform{OS: "linux", IDs: "alpine", Version: "3.22.1"}, what: "PostgreSQL", command: "apk add postgresql17 postgresql-pgvector"},
		"macOS":        {platform: cluster.Platform{OS: "darwin"}, what: "PostgreSQL", command: "brew install postgresql@17 pgvector"},
		"a system nobody thought of": {
			platform: cluster.Platform{OS: "linux", IDs: "plan9ish", Version: "4"}, what: "PostgreSQL",
			problem: "to install it see https://www.postgresql.org/download/ and https://github.com/pgvector/pgvector#installation",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			search := cluster.Search{Platform: test.platform, Globs: []string{}}
			for n, f := range test.installed {
				search.Globs = append(search.Globs, f.install(t, fmt.Sprint(n)))
			}
			if test.data != "" {
				write(t, filepath.Join(dir, "data", "PG_VERSION"), test.data)
			}
			_, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir, Search: search})
			var missing *cluster.MissingError
			if !errors.As(err, &missing) {
				t.Fatalf("Start: %v", err)
			}
			if missing.What != test.what || missing.Command != test.command {
				t.Errorf("missing is %s, to be had by\n  %s\nwant %s, by\n  %s", missing.What, missing.Command, test.what, test.command)
			}
			for _, want := range []string{test.problem, test.command} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// TestAMissingServerLeavesNothingBehind holds that whoever installs what was
// missing can start on the same folder. Packages bring the user along that the
// server then runs as; folders made before belong to another.
func TestAMissingServerLeavesNothingBehind(t *testing.T) {
	dir := folder(t)
	_, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir, Search: cluster.Search{Globs: []string{}}})
	if missing := new(cluster.MissingError); !errors.As(err, &missing) {
		t.Fatalf("Start: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Errorf("the folder %s was made", e.Name())
		}
	}
}

// write writes a file that the server's user may read, where there is one.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	give(t, filepath.Dir(path))
	give(t, path)
}

func TestAnInstallationWithPgvectorIsTakenBeforeANewerOneWithout(t *testing.T) {
	search := cluster.DefaultSearch()
	search.Path = fake{version: "18.1"}.install(t, "newer") + ":" + search.Path
	found := cluster.Find(t.Context(), search)
	if found[0].Version != 18 || found[0].Vector != "" {
		t.Fatalf("what is looked at first is %+v, and not the fake", found[0])
	}
	// The fake can run no server: that one starts tells that another was taken.
	// It may well be of the same version.
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t), Search: search})
	taken := slices.ContainsFunc(found[1:], func(i cluster.Installation) bool { return i.Version == c.Version() && i.Vector != "" })
	if !taken {
		t.Errorf("PostgreSQL %d was taken, of %+v", c.Version(), found)
	}
}

func TestAFolderWithOtherThingsIsRefused(t *testing.T) {
	tests := map[string]struct{ file, text, want string }{
		"other files":           {"data/letters.txt", "Dear", "is no data folder of PostgreSQL, and not empty"},
		"a version too old":     {"data/PG_VERSION", "13\n", "are of PostgreSQL 13, and Bartizan works with 15 to 18"},
		"a version too new":     {"data/PG_VERSION", "19\n", "are of PostgreSQL 19, and Bartizan works with 15 to 18"},
		"a version that is not": {"data/PG_VERSION", "x\n", "read the version of the data"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			write(t, filepath.Join(dir, test.file), test.text)
			_, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Start: %v, want %q", err, test.want)
			}
			if text, _ := os.ReadFile(filepath.Join(dir, test.file)); string(text) != test.text {
				t.Errorf("the file was changed to %q", text)
			}
		})
	}
}
