package service

import (
	"context"
	"sync"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	// progressEvery is how often progress is written at most, cancelEvery how
	// often it is looked whether somebody wants the run to stop at least.
	progressEvery = 500 * time.Millisecond
	cancelEvery   = 2 * time.Second
)

// follower writes down how far a run has come, and stops it where somebody asks
// for that.
type follower struct {
	round  *round
	cancel context.CancelCauseFunc
	done   chan struct{}
	ended  chan struct{}

	mu  sync.Mutex
	now analyze.Progress
}

// follow begins to write progress; the caller stops it.
func (r *round) follow(ctx context.Context, cancel context.CancelCauseFunc) *follower {
	f := &follower{round: r, cancel: cancel, done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		f.loop(ctx)
	}()
	return f
}

// stop ends the writing and waits for it.
func (f *follower) stop() {
	close(f.done)
	<-f.ended
}

// update is told by the stages.
func (f *follower) update(p analyze.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = p
}

func (f *follower) loop(ctx context.Context) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var written analyze.Progress
	var waited string
	at := time.Now()
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-f.done:
			over = true // how far it came at last is written too
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		now := f.now
		f.mu.Unlock()
		used, waiting := f.round.gate.take()
		if now == written && waiting == waited && used == (account{}) && (over || time.Since(at) < cancelEvery) {
			continue
		}
		state, err := f.write(ctx, now, used, waiting)
		if err != nil {
			f.round.gate.giveBack(used) // counted with the next
			continue
		}
		written, waited, at = now, waiting, time.Now()
		if state.Cancel {
			f.cancel(errCancelled)
			return
		}
	}
}

func (f *follower) write(ctx context.Context, now analyze.Progress, used account, waiting string) (query.AnalysisState, error) {
	r := f.round
	state := resource.AnalysisRunning
	if waiting != "" {
		state = resource.AnalysisWaiting
	}
	var row query.AnalysisState
	err := r.service.tenant(ctx, r.actor, func(tx *postgres.Tx) (err error) {
		row, err = tx.SetProgress(ctx, r.progress(state, waiting, now, used))
		if err != nil {
			return err
		}
		a := analysisOf(query.AnalysisRow{Analysis: r.analysis, AnalysisState: row})
		return tx.PutEvent(ctx, r.analysis.ID, eventProgress, a)
	})
	return row, err
}

// progress is what is written of a round's progress.
func (r *round) progress(state resource.AnalysisState, message string, p analyze.Progress, used account) query.SetProgressParams {
	return query.SetProgressParams{
		AnalysisID: r.analysis.ID, State: string(state), Message: postgres.StorableText(message), Stage: string(p.Stage),
		Done: int32(p.Done), Total: int32(p.Total), Calls: int32(used.calls), TokensIn: used.tokensIn, TokensOut: used.tokensOut,
		Cost: used.cost, Currency: used.currency,
	}
}

// giveBack adds an account that could not be written.
func (g *gate) giveBack(used account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used.calls += used.calls
	g.used.tokensIn += used.tokensIn
	g.used.tokensOut += used.tokensOut
	g.used.cost += used.cost
	g.used.currency = or(g.used.currency, used.currency)
}
