package service_test

import (
	"errors"
	"testing"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// TestLateProgressLeavesAnEndedAnalysis holds that a run which lost its lease,
// and does not know yet, makes nobody believe that an analysis still runs.
func TestLateProgressLeavesAnEndedAnalysis(t *testing.T) {
	b := newBench(t)
	system := b.system(resource.NewSystem{Name: "Orders"})
	b.upload(system, orders())
	b.drain()
	before := b.newest(system)
	if before.State != resource.AnalysisDone {
		t.Fatalf("the analysis is %s: %s", before.State, before.Message)
	}
	err := b.db.Tenant(t.Context(), b.admin.Organization, func(tx *postgres.Tx) error {
		_, err := tx.SetProgress(t.Context(), query.SetProgressParams{
			AnalysisID: key(t, identifier.Analysis, before.ID), State: string(resource.AnalysisRunning), Stage: "survey", Done: 1, Total: 2,
		})
		return err
	})
	if !errors.Is(err, postgres.ErrNoRows) {
		t.Errorf("progress of an analysis that has ended was written: %v", err)
	}
	if after := b.newest(system); after.State != before.State || after.Progress != before.Progress {
		t.Errorf("it was %s at %+v and is %s at %+v", before.State, before.Progress, after.State, after.Progress)
	}
}
