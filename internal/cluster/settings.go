package cluster

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	mebibyte = int64(1) << 20
	gibibyte = int64(1) << 30
)

// defaults suit a server that shares its machine with Bartizan. Statements
// and values stay out of the log: they hold the text of documents.
func defaults(memory int64) map[string]string {
	return map[string]string{
		"max_connections":            "100",
		"shared_buffers":             megabytes(min(max(memory/8, 64*mebibyte), gibibyte)),
		"effective_cache_size":       megabytes(max(memory/2, 256*mebibyte)),
		"maintenance_work_mem":       megabytes(min(max(memory/16, 64*mebibyte), gibibyte)),
		"work_mem":                   "16MB",
		"dynamic_shared_memory_type": sharedMemory(),
		"max_wal_size":               "1GB",
		"wal_compression":            "on",
		"random_page_cost":           "1.1",
		"jit":                        "off",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
		"lc_messages":                "C",
		"log_checkpoints":            "off",
		"log_line_prefix":            "%m [%p] ",
		"log_min_error_statement":    "panic",
		"log_error_verbosity":        "terse",
		"log_statement":              "none",
		"log_min_duration_statement": "-1",
		"log_destination":            "stderr",
		"logging_collector":          "off",
		"unix_socket_permissions":    "0700",
		"restart_after_crash":        "on",
		"default_text_search_config": "pg_catalog.english",
		"log_parameter_max_length":   "0",
		"cluster_name":               "bartizan",
	}
}

// throwaway are the settings under which a crash of the machine loses data. A
// crash of the server alone loses nothing that was committed.
func throwaway() map[string]string {
	return map[string]string{
		"fsync": "off", "full_page_writes": "off",
		"max_connections": "300", "shared_buffers": "128MB", "maintenance_work_mem": "128MB",
	}
}

// writeSettings writes all that PostgreSQL reads at its start. The files are
// ours: what somebody changes in them is gone with the next start, while
// ALTER SYSTEM stays.
func writeSettings(l layout, options Options) error {
	settings := defaults(memory())
	if options.Throwaway {
		maps.Copy(settings, throwaway())
	}
	maps.Copy(settings, options.Settings)
	maps.Copy(settings, map[string]string{
		"hba_file": filepath.Join(l.conf, "pg_hba.conf"), "ident_file": filepath.Join(l.conf, "pg_ident.conf"),
	})
	starter, err := accountName(os.Geteuid())
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"postgresql.conf": settingsText(settings),
		"pg_hba.conf":     "local all all peer map=bartizan\n",
		"pg_ident.conf":   identText(starter, append([]string{Superuser}, options.Roles...)),
	} {
		path := filepath.Join(l.conf, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the settings of PostgreSQL: %w", err)
		}
		if err := os.Chmod(path, 0o644); err != nil { // whatever the umask: the account has to read it
			return fmt.Errorf("write the settings of PostgreSQL: %w", err)
		}
	}
	return nil
}

func settingsText(settings map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return b.String()
}

// identText lets one user of the system log in as the roles, and nobody else:
// the server learns the user of a socket's other end from the kernel.
func identText(starter string, roles []string) string {
	var b strings.Builder
	for _, role := range roles {
		fmt.Fprintf(&b, "bartizan %s %s\n", quoteIdent(starter), quoteIdent(role))
	}
	return b.String()
}

func quoteIdent(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func megabytes(bytes int64) string { return strconv.FormatInt(bytes/mebibyte, 10) + "MB" }
