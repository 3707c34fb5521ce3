package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	_ "embed"

	"github.com/alecthomas/kong"
)

// completionCmd prints a script that completes commands, flags and values.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown below the flags.
func (completionCmd) Help() string {
	return `Examples:
  source <(bartizan completion bash)                                          in ~/.bashrc
  source <(bartizan completion zsh)                                           in ~/.zshrc, after compinit
  bartizan completion fish > ~/.config/fish/completions/bartizan.fish`
}

//go:embed completion.tmpl
var completionText string

// Run prints the script of a shell. It is made from the command line itself, so
// that it never lags behind.
func (c *completionCmd) Run(parser *kong.Kong, s streams) error {
	t, err := template.New("").Funcs(template.FuncMap{"join": strings.Join, "quote": quoteShell}).Parse(completionText)
	if err != nil {
		return fmt.Errorf("reading the embedded completion scripts: %w", err)
	}
	return t.ExecuteTemplate(io.Writer(s.out), c.Shell, completions(parser.Model.Node))
}

// completion is a command as a shell completes it.
type completion struct {
	Name, Help string
	// Subs are the commands below it.
	Subs []completion
	// Flags are its own, and those of the commands below.
	Flags []completionFlag
}

// SubNames are the names of the commands below.
func (c completion) SubNames() []string {
	var out []string
	for _, s := range c.Subs {
		out = append(out, s.Name)
	}
	return out
}

// completionFlag is a flag; Values are what it may be, where that is known.
type completionFlag struct {
	Name, Help string
	Short      string
	Values     []string
	Takes      bool // a value follows
}

// Words are what a command may be followed by.
func (c completion) Words() []string {
	var out []string
	for _, f := range c.Flags {
		out = append(out, "--"+f.Name)
	}
	return out
}

func completions(root *kong.Node) []completion {
	var out []completion
	for _, n := range root.Children {
		c := completion{Name: n.Name, Help: firstSentence(n.Help), Subs: completions(n)}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				c.add(flagOf(f))
			}
		}
		for _, sub := range c.Subs {
			for _, f := range sub.Flags {
				c.add(f)
			}
		}
		slices.SortFunc(c.Flags, func(a, b completionFlag) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, c)
	}
	return out
}

// add adds a flag, once.
func (c *completion) add(f completionFlag) {
	if !slices.ContainsFunc(c.Flags, func(x completionFlag) bool { return x.Name == f.Name }) {
		c.Flags = append(c.Flags, f)
	}
}

func flagOf(f *kong.Flag) completionFlag {
	x := completionFlag{Name: f.Name, Help: firstSentence(f.Help), Takes: !f.IsBool()}
	if f.Short != 0 {
		x.Short = string(f.Short)
	}
	for _, v := range f.EnumSlice() {
		if v != "" {
			x.Values = append(x.Values, v)
		}
	}
	return x
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, ". ")
	return strings.TrimSuffix(first, ".")
}

// quoteShell makes one word of a text in any of the shells.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
