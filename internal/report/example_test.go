package report_test

import (
	"fmt"
	"os"

	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func ExampleTerminal() {
	m := &threatmodel.Model{
		System:    "Parcel Desk",
		Documents: []threatmodel.Document{{ID: "d", Name: "design.md"}},
		Elements:  []threatmodel.Element{{ID: "e", Kind: threatmodel.Process, Name: "Booking service"}},
		Threats: []threatmodel.Threat{{
			ID: "T-4K2M9Q", Title: "A merchant reads another merchant's shipments", Elements: []string{"e"}, Risk: threatmodel.High, Status: threatmodel.StatusOpen,
			Controls: []threatmodel.ControlRef{{ID: "A.8.3", Verdict: threatmodel.Claimed}},
		}},
		Analysis: threatmodel.Analysis{Analyst: "builtin"},
	}
	if err := report.Terminal(os.Stdout, m, report.TerminalOptions{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Parcel Desk  threat model
	//
	// Read      1 document: design.md
	// Map       1 element, 0 data flows, 0 trust boundaries, 0 assets
	// Found     1 threat open: 1 high
	//
	// HIGH
	// T-4K2M9Q  A merchant reads another merchant's   Booking         A.8.3 claimed
	//           shipments                             service
	//
	// Run       analyst builtin
}
