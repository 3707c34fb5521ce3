package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// initialize makes the data folder where there is none. It is made under
// another name, so that one that is there is always complete: what an
// interruption leaves is removed by the next start.
func (c *Cluster) initialize(ctx context.Context) error {
	if version, err := dataVersion(c.layout.data); version != 0 || err != nil {
		return err
	}
	fresh := c.layout.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove what an interrupted start left: %w", err)
	}
	var refused error
	for _, locale := range locales(c.program.Version) {
		if err := ownFolder(fresh, c.account); err != nil {
			return err
		}
		refused = c.initdb(ctx, fresh, locale)
		if refused == nil {
			break
		}
		if err := os.RemoveAll(fresh); err != nil || ctx.Err() != nil {
			return errors.Join(refused, err)
		}
	}
	if refused != nil {
		return refused
	}
	if err := os.Remove(c.layout.data); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the empty folder %s: %w", c.layout.data, err)
	}
	if err := os.Rename(fresh, c.layout.data); err != nil {
		return fmt.Errorf("put the new data folder in place: %w", err)
	}
	return nil
}

// locales are the arguments that make a cluster that orders by code point,
// like Go, and knows the letters of all languages. Not every system knows the
// first; the last knows English letters only.
func locales(version int) [][]string {
	unicode := []string{"--locale=C", "--encoding=UTF8"}
	if version >= 17 {
		return [][]string{append(unicode, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"), unicode}
	}
	return [][]string{
		append(unicode, "--lc-ctype=C.UTF-8"),
		append(unicode, "--lc-ctype=en_US.UTF-8"),
		unicode,
	}
}

func (c *Cluster) initdb(ctx context.Context, dir string, locale []string) error {
	args := append([]string{
		"--pgdata=" + dir, "--username=" + Superuser, "--auth-local=peer", "--auth-host=reject", "--no-instructions",
	}, locale...)
	if c.options.Throwaway {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	cmd := c.account.command(ctx, c.layout.root, filepath.Join(c.program.Bin, "initdb"), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster in %s: initdb: %w: %s", c.layout.data, err, lastLines(out.String(), 5))
	}
	return nil
}

// lastLines is the end of a text, for an error.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
