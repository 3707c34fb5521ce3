package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OldestVersion and NewestVersion bound the major versions of PostgreSQL that
// Bartizan works with.
const (
	OldestVersion = 15
	NewestVersion = 18
)

// Search says where PostgreSQL's programs are looked for.
type Search struct {
	// Path is a list of folders as in $PATH. Where pg_config is found in one,
	// the folder it names counts too.
	Path string
	// Globs are patterns of further folders.
	Globs []string
	// Platform is the system whose commands are told where something is
	// missing.
	Platform Platform
}

func (s Search) zero() bool { return s.Path == "" && s.Globs == nil && s.Platform == Platform{} }

// DefaultSearch looks along $PATH and where the packages of Debian, Fedora,
// Alpine, Homebrew and Postgres.app put their programs.
func DefaultSearch() Search {
	return Search{
		Path: os.Getenv("PATH"),
		Globs: []string{
			"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
			"/usr/libexec/postgresql*",  // Alpine
			"/usr/pgsql-*/bin",          // the PostgreSQL project's own packages for Fedora and its kin
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin",
			"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
			"/usr/local/pgsql/bin", // built from source
		},
		Platform: ThisPlatform(),
	}
}

// Installation is a PostgreSQL server that is installed.
type Installation struct {
	Bin     string // folder of postgres and initdb
	Share   string // folder of the extensions' control files is below it; empty where not found
	Version int    // major version
	Vector  string // version of pgvector installed for it; empty where none is
}

// Find lists the servers that are installed, newest first, of versions that
// Bartizan does not work with too. Of one version, what stands earlier in the
// search comes first.
func Find(ctx context.Context, search Search) []Installation {
	var found []Installation
	seen := map[string]bool{}
	for _, dir := range search.folders(ctx) {
		program := filepath.Join(dir, "postgres")
		real, err := filepath.EvalSymlinks(program)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		if one, ok := inspect(ctx, dir); ok {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b Installation) int { return b.Version - a.Version })
	return found
}

// folders lists every folder that may hold the programs.
func (s Search) folders(ctx context.Context) []string {
	var dirs []string
	for _, dir := range filepath.SplitList(s.Path) {
		if !filepath.IsAbs(dir) {
			continue // a program of the current folder is never run by accident
		}
		dirs = append(dirs, dir)
		if named := ask(ctx, filepath.Join(dir, "pg_config"), "--bindir"); named != "" {
			dirs = append(dirs, named)
		}
	}
	for _, glob := range s.Globs {
		matches, _ := filepath.Glob(glob) // the patterns are well-formed
		slices.Sort(matches)
		dirs = append(dirs, matches...)
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect looks at what is installed in a folder.
func inspect(ctx context.Context, dir string) (Installation, bool) {
	match := versionPattern.FindStringSubmatch(ask(ctx, filepath.Join(dir, "postgres"), "--version"))
	if match == nil || ask(ctx, filepath.Join(dir, "initdb"), "--version") == "" {
		return Installation{}, false
	}
	version, _ := strconv.Atoi(match[1])
	one := Installation{Bin: dir, Version: version}
	one.Share = one.findShare(ctx)
	one.Vector = installedVector(one.Share)
	return one, true
}

// findShare asks the installation's own pg_config, which not every package of
// the server brings, and else looks where packages put it.
func (i Installation) findShare(ctx context.Context) string {
	real, err := filepath.EvalSymlinks(filepath.Join(i.Bin, "postgres"))
	if err != nil {
		real = filepath.Join(i.Bin, "postgres")
	}
	prefix := filepath.Dir(filepath.Dir(real))
	major := strconv.Itoa(i.Version)
	for _, dir := range []string{
		ask(ctx, filepath.Join(i.Bin, "pg_config"), "--sharedir"),
		filepath.Join(prefix, "share", "postgresql"),
		filepath.Join(prefix, "share", "postgresql@"+major),
		filepath.Join(prefix, "share", "pgsql"),
		filepath.Join(prefix, "share"),
		"/usr/share/postgresql/" + major,
		"/usr/share/postgresql" + major,
	} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "postgresql.conf.sample")); err == nil {
			return dir
		}
	}
	return ""
}

// ask runs a program that only prints something, and returns its first line;
// empty where it cannot be run.
func ask(ctx context.Context, program string, args ...string) string {
	if _, err := os.Stat(program); err != nil {
		return ""
	}
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// choose takes the newest installation that has what it needs; for data that
// are there, one of their version, which no other can read.
func choose(ctx context.Context, search Search, l layout) (Installation, error) {
	wanted, err := dataVersion(l.data)
	if err != nil {
		return Installation{}, err
	}
	all := Find(ctx, search)
	usable := slices.DeleteFunc(slices.Clone(all), func(i Installation) bool {
		return i.Version < OldestVersion || i.Version > NewestVersion || wanted != 0 && i.Version != wanted
	})
	for _, i := range usable {
		if i.Share == "" || vectorProblem(i.Version, i.Vector) == "" {
			return i, nil
		}
	}
	if len(usable) > 0 {
		best := usable[0]
		return best, search.Platform.missing("pgvector", vectorProblem(best.Version, best.Vector), best.Version)
	}
	return Installation{}, search.Platform.missing("PostgreSQL", serverProblem(all, wanted, l.data), wanted)
}

// serverProblem says what is there instead of a server that would do.
func serverProblem(all []Installation, wanted int, data string) string {
	problem := fmt.Sprintf("no PostgreSQL server of version %d to %d is installed", OldestVersion, NewestVersion)
	if wanted != 0 {
		problem = fmt.Sprintf("the data in %s are of PostgreSQL %d, which is not installed", data, wanted)
	}
	var others []string
	for _, i := range all {
		others = append(others, fmt.Sprintf("%d in %s", i.Version, i.Bin))
	}
	if len(others) > 0 {
		problem += " (found: " + strings.Join(others, ", ") + ")"
	}
	return problem
}

// dataVersion is the major version that wrote a data folder; 0 where there is
// none.
func dataVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, _ := os.ReadDir(data); len(entries) > 0 {
			return 0, fmt.Errorf("%s is no data folder of PostgreSQL, and not empty: choose another data folder", data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the data in %s: %w", data, err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the version of the data in %s: %w", data, err)
	}
	if version < OldestVersion || version > NewestVersion {
		return 0, fmt.Errorf("the data in %s are of PostgreSQL %d, and Bartizan works with %d to %d: move them with pg_dump",
			data, version, OldestVersion, NewestVersion)
	}
	return version, nil
}
