// Command bartizan-bench measures Bartizan against other programs on documents
// that the person who runs it brings along.
//
//	bartizan-bench extract DIR   how well and fast the text of PDFs is read
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/bartizan-security/bartizan/internal/extract"
)

func main() {
	extract.ChildIfAsked()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 3 || os.Args[1] != "extract" {
		fmt.Fprintln(os.Stderr, "usage: bartizan-bench extract DIR")
		os.Exit(2)
	}
	if err := benchExtract(ctx, os.Stdout, os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "bartizan-bench:", err)
		os.Exit(1)
	}
}
