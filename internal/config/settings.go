package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// Apply makes the settings file the last resort of a parser: a flag comes
// before the environment, that before the file, that before the default. The
// file is the one that --config names in the arguments, else bartizan/config.yaml
// in the user's configuration folder, where it is there. A key that names no
// flag is an error. A variable of the environment that is empty counts as not
// set: that is how build servers pass a secret that is not there.
func Apply(parser *kong.Kong, args []string) error {
	eachFlag(parser.Model.Node, func(f *kong.Flag) {
		f.Tag.Envs = slices.DeleteFunc(slices.Clone(f.Tag.Envs), func(name string) bool {
			v, set := os.LookupEnv(name)
			return set && v == ""
		})
	})
	path, must := settingsFile(args)
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path)
	if !must && (errors.Is(err, fs.ErrNotExist) || hidden(path)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil {
		return fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false)) // its lines may hold a key
	}
	if err := unknownKeys(parser.Model.Node, values); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return kong.Resolvers(resolver(values)).Apply(parser)
}

// hidden reports whether a file lies where the user may not even look, as in a
// container that runs under another user than the one whose home it has. A file
// that is there and may not be read is not hidden.
func hidden(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrPermission)
}

func settingsFile(args []string) (path string, must bool) {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			return v, true
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1], true
		}
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", false
	}
	return filepath.Join(dir, "bartizan", "config.yaml"), false
}

// resolver answers from the file what neither a flag nor the environment says.
func resolver(values map[string]any) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if v, ok := os.LookupEnv(name); ok && v != "" {
				return nil, nil
			}
		}
		return scalar(values[flag.Name]), nil
	})
}

// scalar is a value as it would be typed: 300 for a duration is as wrong in the
// file as on the command line. Lists stay lists.
func scalar(v any) any {
	switch v.(type) {
	case nil, []any:
		return v
	}
	return fmt.Sprint(v)
}

// eachFlag visits the flags of a command and of those below it.
func eachFlag(n *kong.Node, visit func(*kong.Flag)) {
	for _, f := range n.Flags {
		visit(f)
	}
	for _, c := range n.Children {
		eachFlag(c, visit)
	}
}

func unknownKeys(root *kong.Node, values map[string]any) error {
	known := map[string]bool{}
	eachFlag(root, func(f *kong.Flag) { known[f.Name] = true })
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !known[key] || key == "config" || key == "help" {
			return fmt.Errorf("%q is no setting; settings have the names of flags, such as llm-model", key)
		}
	}
	return nil
}
