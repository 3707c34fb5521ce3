package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// AnalysisPath leads to an analysis.
type AnalysisPath struct {
	Analysis string `path:"analysis" maxLength:"40" doc:"Id of the analysis"`
}

const aboutEvents = "Server-sent events: `progress` (stage, done, total, tokens and cost so far), `state` (the resource as it is now), `item` (one system of a batch, when it has ended), and `end` when nothing more will come. " +
	"A silent stream shows every 15 seconds that it is alive. It ends after a quarter of an hour: come back with `Last-Event-ID`, and no event is missed for a day. " +
	"Where everything is over and nothing is left to tell, the answer is 204, which tells an EventSource to stop. Who cannot follow a stream polls the resource."

func (s *server) analyses(api huma.API) {
	register(s, api, operation{
		id: "startAnalysis", method: http.MethodPost, path: "/v1/systems/{system}/analyses", tag: tagAnalyses, scope: resource.ScopeWrite, status: http.StatusAccepted,
		summary: "Start an analysis",
		text:    "Of the system's current documents. What did not change is not asked again, unless `fresh`. One analysis of a system runs at a time; one that is asked for and has not begun is given again.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Body resource.NewAnalysis
	},
	) (*placed[resource.Analysis], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Analyze(ctx, a, id, in.Body)
		return placedOf(v, nil, "/v1/analyses/"+v.ID, err)
	})
	register(s, api, operation{
		id: "listAnalyses", method: http.MethodGet, path: "/v1/systems/{system}/analyses", tag: tagAnalyses, scope: resource.ScopeRead,
		summary: "List a system's analyses", text: "Newest first.",
	}, func(ctx context.Context, a service.Actor, in *systemPage) (*answer[resource.Page[resource.Analysis]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Analyses(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "estimateAnalysis", method: http.MethodGet, path: "/v1/systems/{system}/estimate", tag: tagAnalyses, scope: resource.ScopeRead,
		summary: "Estimate an analysis", text: "What an analysis would cost now, in calls, tokens and money. No model is asked.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Fresh bool `query:"fresh" doc:"Ask everything again, also what did not change"`
	},
	) (*answer[resource.Estimate], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Estimate(ctx, a, id, resource.NewAnalysis{Fresh: in.Fresh}))
	})
	s.analysis(api)
}

// analysis is about one.
func (s *server) analysis(api huma.API) {
	register(s, api, operation{
		id: "getAnalysis", method: http.MethodGet, path: "/v1/analyses/{analysis}", tag: tagAnalyses, scope: resource.ScopeRead,
		summary: "Read an analysis", text: "`done`, `incomplete`, `failed`, `cancelled` and `superseded` are final. `incomplete` came to a model that says what is missing.",
	}, func(ctx context.Context, a service.Actor, in *AnalysisPath) (*answer[resource.Analysis], error) {
		id, err := identified(identifier.Analysis, "analysis", in.Analysis)
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Analysis(ctx, a, id))
	})
	register(s, api, operation{
		id: "cancelAnalysis", method: http.MethodPost, path: "/v1/analyses/{analysis}/cancel", tag: tagAnalyses, scope: resource.ScopeWrite, status: http.StatusAccepted,
		summary: "Cancel an analysis", text: "It stops within seconds and leaves the model as it was. Answers that were paid for are kept for the next.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *AnalysisPath) (*placed[resource.Analysis], error) {
		id, err := identified(identifier.Analysis, "analysis", in.Analysis)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.CancelAnalysis(ctx, a, id)
		return placedOf(v, nil, "/v1/analyses/"+v.ID, err)
	})
	register(s, api, operation{
		id: "followAnalysis", method: http.MethodGet, path: "/v1/analyses/{analysis}/events", tag: tagAnalyses, scope: resource.ScopeRead,
		summary: "Follow an analysis", text: aboutEvents,
	}, func(ctx context.Context, a service.Actor, in *struct {
		AnalysisPath
		Follow
	},
	) (*stream, error) {
		id, err := identified(identifier.Analysis, "analysis", in.Analysis)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Analysis(ctx, a, id)
		if err != nil {
			return nil, err
		}
		return s.events(ctx, a, id, in.Follow, v.State.Final())
	})
}
