package main

import (
	"strings"
	"testing"
)

// TestTrialGoesOn holds that whoever starts a trial again, and has lost its
// token, is told how to come by another.
func TestTrialGoesOn(t *testing.T) {
	for name, tt := range map[string]struct {
		private bool
		stopped bool
	}{"a private database": {true, true}, "a shared one": {false, false}} {
		t.Run(name, func(t *testing.T) {
			got := goesOn("dev", tt.private)
			if !strings.Contains(got, "bartizan admin create-token dev") || strings.Contains(got, "stopped") != tt.stopped {
				t.Errorf("said %q", got)
			}
		})
	}
}
