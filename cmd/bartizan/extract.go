package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// extractCmd shows what is read from documents.
type extractCmd struct {
	Paths  []string `arg:"" name:"path" help:"Files, folders or archives."`
	Format string   `enum:"text,json,markdown" default:"text" help:"text: what the documents show, into which evidence points; json: blocks with their places; markdown."`

	Reading readingFlags `embed:""`
}

// Help is shown below the flags.
func (extractCmd) Help() string {
	return `Read are PDF, Word (.docx and its kin), Markdown, HTML, web archives (.mht), text, diagrams in Mermaid, PlantUML, draw.io and Gliffy, space exports and single pages of Confluence, and folders and archives (zip, tar, gzip) of these. What a file is, its content says, not its name. Not read are older Word files (.doc; those that Confluence exports are), workbooks and presentations, which are told of.

What pages of Confluence show or link to is a document of its own, and analysed. What is attached to a PDF and comments in it are shown with --format json, and not analysed.

Several documents come in the order of the folder or page tree; as text they are separated by a form feed, as JSON they follow one another.

Examples:
  bartizan extract design.pdf | less
  bartizan extract --format json docs/ | jq -r '.blocks[] | select(.kind == "heading") | .text'

Exit codes: 0 done; 2 nothing could be read; 3 some documents could not be read.` + readingHelp()
}

// Run prints the documents. One that cannot be read is told of, and the others
// still come.
func (c *extractCmd) Run(ctx context.Context, s streams) error {
	var failures []error
	n := 0
	opt, err := c.Reading.options(nil)
	if err != nil {
		return err
	}
	p := newProgress(s.err, false, time.Now)
	defer p.done()
	opt.Recognizing = p.recognizing
	for doc, err := range extract.ReadPaths(ctx, c.Paths, opt) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if c.Format == "text" && extract.Aside(doc) {
			continue
		}
		if n > 0 {
			fmt.Fprint(s.out, extract.Separator(c.Format))
		}
		n++
		if err := extract.Format(s.out, doc, c.Format); err != nil {
			return err
		}
	}
	switch {
	case n == 0:
		return nothingRead(failures)
	case len(failures) > 0:
		return &exitError{exitIncomplete, someNotRead(failures)}
	}
	return nil
}
