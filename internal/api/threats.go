package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func threatVersion(v resource.Threat) int64 { return v.Version }

// ThreatPath leads to a threat of a system.
type ThreatPath struct {
	SystemPath
	Threat string `path:"threat" maxLength:"40" pattern:"^T-[0-9A-Z]{6,12}$" doc:"Id of the threat in the model" example:"T-7K2M9Q"`
}

// ThreatQuery selects and sorts threats. Values of one parameter are
// alternatives, parameters narrow down.
type ThreatQuery struct {
	Status    []string `query:"status" enum:"open,confirmed,rejected,accepted,mitigated,duplicate,resolved"`
	Risk      []string `query:"risk" enum:"low,medium,high,critical"`
	STRIDE    []string `query:"stride" enum:"spoofing,tampering,repudiation,information_disclosure,denial_of_service,elevation_of_privilege"`
	CWE       []int    `query:"cwe" maxItems:"50" doc:"Numbers of CWE"`
	Control   string   `query:"control" maxLength:"200" doc:"A control that answers the threat, as catalog:id" example:"iso27001-2022:A.8.24"`
	Verdict   []string `query:"verdict" enum:"enforced,partial,claimed,bypassed,inherited,absent" doc:"Verdict on one of its controls"`
	Source    []string `query:"source" enum:"pattern,model,both,person" doc:"What found it"`
	Owner     string   `query:"owner" maxLength:"200"`
	Label     string   `query:"label" maxLength:"200" doc:"A label of its system"`
	Query     string   `query:"q" maxLength:"500" doc:"Words of title, statement and quotes"`
	Open      string   `query:"open" enum:"true,false" doc:"Whether it still asks for something: open, confirmed, or up for review"`
	ReviewDue string   `query:"review_due" enum:"true,false" doc:"Whether its decision is to be looked at again"`
	Sort      string   `query:"sort" enum:"risk,-risk,updated,-updated,id,-id" default:"risk" doc:"risk: highest first; updated: latest first; id. A leading - turns it round"`
}

func (q ThreatQuery) filter() resource.ThreatFilter {
	return resource.ThreatFilter{
		Status: q.Status, Risk: q.Risk, STRIDE: q.STRIDE, CWE: q.CWE, Control: q.Control, Verdict: q.Verdict, Source: q.Source,
		Owner: q.Owner, Label: q.Label, Query: q.Query, Open: yesNo(q.Open), ReviewDue: yesNo(q.ReviewDue), Sort: q.Sort,
	}
}

// yesNo is nil for neither.
func yesNo(s string) *bool {
	if s == "" {
		return nil
	}
	return new(s == "true")
}

type (
	threatList struct {
		Paging
		ThreatQuery
		System string `query:"system" maxLength:"40" doc:"Id of a system"`
	}
	systemThreats struct {
		SystemPath
		Paging
		ThreatQuery
	}
)

func (s *server) threats(api huma.API) {
	register(s, api, operation{
		id: "listThreats", method: http.MethodGet, path: "/v1/threats", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List threats over all systems", text: "Of the current models in the token's reach. Several values of one parameter, separated by commas, are alternatives; parameters narrow down.",
	}, func(ctx context.Context, a service.Actor, in *threatList) (*answer[resource.Page[resource.Threat]], error) {
		filter := in.filter()
		filter.System = in.System
		return answerOf(s.cfg.Service.Threats(ctx, a, filter, in.list()))
	})
	register(s, api, operation{
		id: "listSystemThreats", method: http.MethodGet, path: "/v1/systems/{system}/threats", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List a system's threats", text: "Several values of one parameter, separated by commas, are alternatives; parameters narrow down.",
	}, func(ctx context.Context, a service.Actor, in *systemThreats) (*answer[resource.Page[resource.Threat]], error) {
		if _, err := in.id(); err != nil {
			return nil, err
		}
		filter := in.filter()
		filter.System = in.System
		return answerOf(s.cfg.Service.Threats(ctx, a, filter, in.list()))
	})
	register(s, api, operation{
		id: "addThreat", method: http.MethodPost, path: "/v1/systems/{system}/threats", tag: tagThreats, scope: resource.ScopeWrite, status: http.StatusCreated,
		summary: "Add a threat by hand", text: "What a person found. It keeps to the rules of the others: its quote must be a sentence of a current document, its CWE one for mapping, its controls in the system's catalogs. It stays in later analyses.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Body resource.NewThreat
	},
	) (*placed[resource.Threat], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.AddThreat(ctx, a, id, in.Body)
		return placedOf(v, threatVersion, "/v1/systems/"+in.System+"/threats/"+v.ID, err)
	})
	s.threat(api)
	s.review(api)
}

// threat is about one.
func (s *server) threat(api huma.API) {
	register(s, api, operation{
		id: "getThreat", method: http.MethodGet, path: "/v1/systems/{system}/threats/{threat}", tag: tagThreats, scope: resource.ScopeRead,
		summary: "Read a threat", text: "With its evidence, controls and verdicts, rating and its reasons, and all decisions.",
	}, func(ctx context.Context, a service.Actor, in *ThreatPath) (*tagged[resource.Threat], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Threat(ctx, a, id, in.Threat)
		return taggedOf(v, threatVersion, err)
	})
	register(s, api, operation{
		id: "editThreat", method: http.MethodPatch, path: "/v1/systems/{system}/threats/{threat}", tag: tagThreats, scope: resource.ScopeWrite, edits: true,
		summary: "Edit a threat", text: "Wording, owner, due date, treatment and ticket are a person's and stay in later analyses. What the threat rests on, and its rating, are not edited but decided.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		ThreatPath
		Guarded
		Body resource.ThreatEdit
	},
	) (*tagged[resource.Threat], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.EditThreat(ctx, a, id, in.Threat, in.Body, in.version())
		return taggedOf(v, threatVersion, err)
	})
	register(s, api, operation{
		id: "decideThreat", method: http.MethodPost, path: "/v1/systems/{system}/threats/{threat}/decisions", tag: tagThreats, scope: resource.ScopeDecide, status: http.StatusCreated, edits: true,
		summary: "Decide on a threat",
		text: "Confirm, reject, accept (with `until`, the last moment that it counts), mitigate, duplicate (`of` another), rerate (`likelihood` and `impact`), resolve, reopen. " +
			"The decision is bound to the evidence that the threat rests on now: where that changes, it is up for review. Decisions are appended, never changed.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *struct {
		ThreatPath
		Guarded
		Body resource.Decision
	},
	) (*tagged[resource.Threat], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Decide(ctx, a, id, in.Threat, in.Body, in.version())
		return taggedOf(v, threatVersion, err)
	})
}

func (s *server) review(api huma.API) {
	register(s, api, operation{
		id: "listReview", method: http.MethodGet, path: "/v1/review", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List what is up for review", text: "Threats whose decision no longer rests on what it was taken on: the text changed, or an acceptance ended. `review_due` says why, with both texts.",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Threat]], error) {
		return answerOf(s.cfg.Service.Review(ctx, a, nil, in.list()))
	})
	register(s, api, operation{
		id: "listSystemReview", method: http.MethodGet, path: "/v1/systems/{system}/review", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List what is up for review in a system",
	}, func(ctx context.Context, a service.Actor, in *systemPage) (*answer[resource.Page[resource.Threat]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Review(ctx, a, &id, in.list()))
	})
}

// QuestionPath leads to a question of a system's model.
type QuestionPath struct {
	SystemPath
	Question string `path:"question" maxLength:"100" doc:"Id of the question in the model"`
}

func (s *server) questions(api huma.API) {
	register(s, api, operation{
		id: "listQuestions", method: http.MethodGet, path: "/v1/systems/{system}/questions", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List what the design leaves open", text: "Questions of the current model, each with the answer that was given, if any.",
	}, func(ctx context.Context, a service.Actor, in *SystemPath) (*answer[resource.Page[resource.Question]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(whole(s.cfg.Service.Questions(ctx, a, id)))
	})
	register(s, api, operation{
		id: "listAnswers", method: http.MethodGet, path: "/v1/systems/{system}/answers", tag: tagThreats, scope: resource.ScopeRead,
		summary: "List answers", text: "Newest first; the newest of a question counts.",
	}, func(ctx context.Context, a service.Actor, in *systemPage) (*answer[resource.Page[resource.Answer]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Answers(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "answerQuestion", method: http.MethodPost, path: "/v1/systems/{system}/questions/{question}/answers", tag: tagThreats, scope: resource.ScopeWrite, status: http.StatusCreated,
		summary: "Answer a question", text: "The answer becomes context, cited like a document, and an analysis is asked for.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		QuestionPath
		Body resource.NewAnswer
	},
	) (*answer[resource.Answer], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Answer(ctx, a, id, in.Question, in.Body))
	})
}

type passageSearch struct {
	Query  string `query:"q" required:"true" minLength:"1" maxLength:"1000" doc:"What to look for, in words or as a question"`
	System string `query:"system" maxLength:"40" doc:"Id of a system; absent for all in the token's reach"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Most hits"`
}

func (s *server) search(api huma.API) {
	register(s, api, operation{
		id: "searchPassages", method: http.MethodGet, path: "/v1/search/passages", tag: tagSearch, scope: resource.ScopeRead,
		summary: "Search passages of documents", text: "By words and by meaning, best first, each with the place where it stands.",
	}, func(ctx context.Context, a service.Actor, in *passageSearch) (*answer[resource.Page[resource.PassageHit]], error) {
		if in.System == "" {
			return answerOf(whole(s.cfg.Service.SearchPassages(ctx, a, in.Query, nil, in.Limit)))
		}
		id, err := identified(identifier.System, "system", in.System)
		if err != nil {
			return nil, err
		}
		return answerOf(whole(s.cfg.Service.SearchPassages(ctx, a, in.Query, &id, in.Limit)))
	})
	register(s, api, operation{
		id: "searchControls", method: http.MethodGet, path: "/v1/search/controls", tag: tagSearch, scope: resource.ScopeRead,
		summary: "Search controls of catalogs", text: "By words and by meaning, best first, without those withdrawn. Catalogs that come with Bartizan and the organization's own are searched alike.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		Query   string `query:"q" required:"true" minLength:"1" maxLength:"1000" doc:"What to look for, in words or as a question"`
		Catalog string `query:"catalog" maxLength:"64" doc:"Id of a catalog; absent for all"`
		Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Most hits"`
	},
	) (*answer[resource.Page[resource.Control]], error) {
		return answerOf(whole(s.cfg.Service.SearchControls(ctx, a, in.Query, in.Catalog, in.Limit)))
	})
	register(s, api, operation{
		id: "searchThreats", method: http.MethodGet, path: "/v1/search/threats", tag: tagSearch, scope: resource.ScopeRead,
		summary: "Search threats", text: "By words of title, statement and quotes.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		Paging
		Query  string `query:"q" required:"true" minLength:"1" maxLength:"500" doc:"Words of title, statement and quotes"`
		System string `query:"system" maxLength:"40" doc:"Id of a system; absent for all in the token's reach"`
	},
	) (*answer[resource.Page[resource.Threat]], error) {
		return answerOf(s.cfg.Service.Threats(ctx, a, resource.ThreatFilter{Query: in.Query, System: in.System}, in.list()))
	})
}
