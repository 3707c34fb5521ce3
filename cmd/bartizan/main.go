// Command bartizan reads the design documents of a system and keeps its threat
// model.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/report/visible"
)

// version is stamped by the build.
var version = "dev"

// Exit codes. They are a contract: see `bartizan analyze --help`.
const (
	exitOK         = 0
	exitFailOn     = 1 // --fail-on fired
	exitUsage      = 2 // wrong usage, or an input that could not be read at all
	exitIncomplete = 3 // the run is not whole
)

// exitError ends the program with a code of its own. What it says, if
// anything, has not been printed yet.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// commands is the command line.
type commands struct {
	Analyze analyzeCmd `cmd:"" help:"Read design documents and make, or bring up to date, the threat model of the system that they describe."`
	Decide  decideCmd  `cmd:"" help:"Record what a person decided about a threat."`
	Diff    diffCmd    `cmd:"" help:"Tell what changed between two threat models."`
	Report  reportCmd  `cmd:"" help:"Write the reports of a threat model again, without analysing anything."`
	Extract extractCmd `cmd:"" help:"Show the text and structure that Bartizan reads from a document."`
	Eval    evalCmd    `cmd:"" help:"Score a threat model against what people found in the same documents."`
	Init    initCmd    `cmd:"" help:"Write a commented bartizan.yaml to fill in."`
	Schema  schemaCmd  `cmd:"" help:"Print the JSON Schema of model.json."`
	Warm    warmCmd    `cmd:"" help:"Compile the PDF engine into its cache, so that the first PDF is read quickly."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Push    pushCmd    `cmd:"" help:"Send documents to a server, and with --wait or --fail-on wait for what their analysis finds."`
	Pull    pullCmd    `cmd:"" help:"Fetch a threat model from a server, as files."`
	Serve   serveCmd   `cmd:"" help:"Serve the HTTP API, and work."`
	Worker  workerCmd  `cmd:"" help:"Work for a server: read documents, analyse, call webhooks."`
	Migrate migrateCmd `cmd:"" help:"Bring the database of a server to this program's version."`
	Admin   adminCmd   `cmd:"" help:"Create organizations and tokens on the server's database."`
	Audit   auditCmd   `cmd:"" help:"Prove that the audit trail of an organization is whole."`

	Completion completionCmd `cmd:"" help:"Print a completion script for bash, zsh or fish."`

	Config string `help:"Settings file (YAML; keys are the names of flags). Default: bartizan/config.yaml in your configuration folder, if it is there." type:"path" placeholder:"FILE"`
}

// streams are the program's standard streams; tests put their own.
type streams struct {
	out, err io.Writer
	// secrets must not be printed.
	secrets *strings.Replacer
}

// complain prints a message about what went wrong, without control characters
// or secrets that file names, documents and endpoints may bring in.
func (s streams) complain(msg string) {
	if s.secrets != nil {
		msg = s.secrets.Replace(msg)
	}
	fmt.Fprintln(s.err, "bartizan:", visible.Text(msg))
}

func main() {
	extract.ChildIfAsked()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	code := run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var cli commands
	code := -1
	parser, err := kong.New(&cli,
		kong.Name("bartizan"),
		kong.Description("Bartizan reads the design documents a team already has and keeps a threat model of the system they describe: threats with the sentence that gives rise to each, the control that answers it, and whether the design really has that control.\n\nBegin with: bartizan analyze --out out docs/"),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Writers(s.out, s.err),
		kong.Exit(func(n int) { code = n }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(s.err, "bartizan:", err)
		return exitUsage
	}
	if err := config.Apply(parser, args); err != nil {
		fmt.Fprintln(s.err, "bartizan:", err)
		return exitUsage
	}
	k, err := parser.Parse(args)
	if code >= 0 {
		return code // --help has been printed
	}
	s.secrets = cli.Analyze.Model.secrets(append(cli.serverSecrets(), cli.Analyze.Reading.Password, cli.Extract.Reading.Password, cli.Push.Token, cli.Pull.Token)...)
	if err != nil {
		return usageError(s, err)
	}
	k.Bind(parser, s)
	return conclude(ctx, s, k.Run())
}

// usageError says what is wrong with the command line and how to learn more.
func usageError(s streams, err error) int {
	command := "bartizan"
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Selected() != nil {
		command += " " + p.Context.Selected().Name
	}
	s.complain(fmt.Sprintf("%s\nSee `%s --help`.", plainUsage(err.Error()), command))
	return exitUsage
}

// plainUsage words the parser's messages as a person expects them: what is
// missing is called missing, and a flag's being absent is no value of it.
func plainUsage(msg string) string {
	if args, missing := strings.CutPrefix(msg, `expected "<`); missing {
		return "missing: <" + strings.TrimSuffix(args, `"`)
	}
	return strings.Replace(msg, `,"" but got`, " but got", 1)
}

// conclude prints an error as a person wants to read it and gives the exit code.
func conclude(ctx context.Context, s streams, err error) int {
	if err == nil {
		return exitOK
	}
	code := exitUsage
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	if ctx.Err() != nil {
		s.complain("interrupted. What the model answered is kept; the same command goes on from there.")
		return exitIncomplete
	}
	if msg := err.Error(); msg != "" {
		s.complain(msg)
	}
	return code
}
