package catalog_test

import (
	"fmt"

	"github.com/bartizan-security/bartizan/internal/catalog"
)

// A tenant can export what belongs to another. Which controls may answer it?
func Example() {
	c, err := catalog.Open("iso27001-2022")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, fit := range c.Fit(639, "authorization")[:3] {
		ctl, _ := c.Control(fit.Control)
		fmt.Printf("%s %s (%s): %s\n", ctl.ID, ctl.Title, fit.Strength, fit.Reason)
	}
	// Output:
	// A.8.3 Information access restriction (primary): Checks each access to data and functions against the rules for it.
	// A.5.15 Access control (primary): Sets the rules: who may do what, with whose data.
	// A.8.26 Application security requirements (secondary): Makes the check a requirement of the application, for each object and function.
}
