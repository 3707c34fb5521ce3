package main

import (
	"fmt"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// readingFlags say how documents are read.
type readingFlags struct {
	Password    string `env:"BARTIZAN_PASSWORD" placeholder:"TEXT" help:"Opens encrypted documents."`
	ShowSecrets bool   `help:"Do not mask credentials that documents hold. They then reach the model and the reports."`
	Comments    bool   `help:"Also read the comments under pages of Confluence. They are no part of what is analysed."`

	confinementFlags `embed:""`
}

// confinementFlags say what reading a document may cost and reach. They hold for
// the command line and for the service.
type confinementFlags struct {
	OCR         string   `name:"ocr" enum:"auto,off,force" default:"auto" env:"BARTIZAN_OCR" help:"Recognise the text in pictures of PDF pages, by tesseract where it is installed. auto: on pages without text that can be used. force: on all pages, in place of their text. off: on none."`
	OCRLanguage string   `name:"ocr-language" default:"eng" env:"BARTIZAN_OCR_LANGUAGE" placeholder:"NAME" help:"The language of such pages as tesseract names it, or several with +, such as eng+deu."`
	Limit       []string `placeholder:"NAME=VALUE" help:"What one document may cost, such as pages=10000 or time=5m; may be given several times. Names and defaults are listed above."`
	Sandbox     string   `enum:"on,off" default:"on" env:"BARTIZAN_SANDBOX" help:"on: the processes that read documents can open no file, connection or program (Linux; other systems have no such means). off: they can."`
}

// readingHelp is shown below the flags of a command that reads.
func readingHelp() string {
	return `

Documents are read in processes of their own, with limits on memory and time. On Linux, Landlock and seccomp also keep these from files, connections and programs; nothing is read where the kernel has neither, unless with --sandbox off. Other systems have the processes and the limits alone.

Limits (--limit NAME=VALUE):
` + extract.LimitHelp()
}

// options are those of the flags.
func (r readingFlags) options(summary *extract.Summary) (extract.Options, error) {
	opt, err := r.confinementFlags.options()
	opt.Password, opt.ShowSecrets, opt.Comments, opt.Summary = r.Password, r.ShowSecrets, r.Comments, summary
	return opt, err
}

func (r confinementFlags) options() (extract.Options, error) {
	opt := extract.Options{Sandbox: extract.Sandbox(r.Sandbox), OCR: extract.OCR(r.OCR), OCRLanguage: r.OCRLanguage}
	if err := extract.CheckOCRLanguage(r.OCRLanguage); err != nil {
		return opt, fmt.Errorf("--ocr-language: %w", err)
	}
	for _, l := range r.Limit {
		if err := opt.Limits.Set(l); err != nil {
			return opt, fmt.Errorf("--limit: %w", err)
		}
	}
	return opt, nil
}
