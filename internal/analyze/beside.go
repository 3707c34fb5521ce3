package analyze

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// beside runs two stages side by side, whose questions do not depend on each
// other's answers: so the result does not depend on which is faster. They share
// the places for questions under way. The progress of the first is told until it
// has ended, then that of the second. An error of one ends the other.
func (r *run) beside(ctx context.Context, one, other part) error {
	r.mu.Lock()
	r.ahead = one.stage
	r.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer r.caughtUp()
		return r.clock.time(one.stage, func() error { return one.do(ctx) })
	})
	g.Go(func() error { return other.do(ctx) }) // the caller's stage, whose time is taken
	return g.Wait()
}

// part is a stage, or a round of one, that runs beside another.
type part struct {
	stage threatmodel.Stage
	do    func(context.Context) error
}

// caughtUp tells how far the second of two stages has come, once the first has
// ended.
func (r *run) caughtUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind != nil {
		r.behind.TokensIn, r.behind.TokensOut = r.tokensIn, r.tokensOut
		r.cfg.Progress(*r.behind)
	}
	r.ahead, r.behind = "", nil
}
