package cluster

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

var defaultVersion = regexp.MustCompile(`(?m)^\s*default_version\s*=\s*'([^']*)'`)

// installedVector reads the version of pgvector out of its control file; empty
// where there is none.
func installedVector(share string) string {
	if share == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(share, "extension", "vector.control"))
	if err != nil {
		return ""
	}
	match := defaultVersion.FindSubmatch(text)
	if match == nil {
		return ""
	}
	return string(match[1])
}

// oldestVector is the first pgvector that works with a version of PostgreSQL.
func oldestVector(postgres int) string {
	if postgres >= 18 {
		return "0.8.1"
	}
	return "0.8.0"
}

// vectorProblem says why a pgvector will not do; empty where it will.
func vectorProblem(postgres int, version string) string {
	oldest := oldestVector(postgres)
	switch {
	case version == "":
		return fmt.Sprintf("pgvector is not installed for PostgreSQL %d", postgres)
	case compareVersions(version, oldest) < 0:
		return fmt.Sprintf("pgvector %s is too old for Bartizan on PostgreSQL %d, which needs %s or later", version, postgres, oldest)
	}
	return ""
}

// compareVersions compares dotted numbers; what is no number counts as 0.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if c := cmp.Compare(part(as, i), part(bs, i)); c != 0 {
			return c
		}
	}
	return 0
}

func part(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i])
	return n
}

// checkVectors asks the running server, which knows better than a look at its
// files, for the pgvector that it would install.
func (c *Cluster) checkVectors(ctx context.Context) error {
	var version string
	err := c.do(ctx, Database, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select coalesce(max(default_version), '') from pg_available_extensions where name = 'vector'").Scan(&version)
	})
	if err != nil {
		return fmt.Errorf("ask PostgreSQL for pgvector: %w", err)
	}
	if problem := vectorProblem(c.program.Version, version); problem != "" {
		return c.options.Search.Platform.missing("pgvector", problem, c.program.Version)
	}
	return nil
}
