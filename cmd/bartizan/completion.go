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
	Flags      []completionFlag
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
		c := completion{Name: n.Name, Help: firstSentence(n.Help)}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				x := completionFlag{Name: f.Name, Help: firstSentence(f.Help), Takes: !f.IsBool()}
				if f.Short != 0 {
					x.Short = string(f.Short)
				}
				for _, v := range f.EnumSlice() {
					if v != "" {
						x.Values = append(x.Values, v)
					}
				}
				c.Flags = append(c.Flags, x)
			}
		}
		slices.SortFunc(c.Flags, func(a, b completionFlag) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, c)
	}
	return out
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, ". ")
	return strings.TrimSuffix(first, ".")
}

// quoteShell makes one word of a text in any of the shells.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
