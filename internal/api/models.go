package api

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// modelAnswer is model.json with the version that it is.
type modelAnswer struct {
	ETag    string `header:"ETag" doc:"SHA-256 of the model: a version never changes"`
	Version int64  `header:"Bartizan-Model-Version" doc:"Number of the version"`
	Body    *threatmodel.Model
}

func (s *server) models(api huma.API) {
	register(s, api, operation{
		id: "getModel", method: http.MethodGet, path: "/v1/systems/{system}/model", tag: tagModels, scope: resource.ScopeRead,
		summary: "Read the threat model", text: "The current one, or that of a `version`, as the command line's model.json. With `If-None-Match` a model that is the same as before is not sent again: 304.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Version     int64  `query:"version" minimum:"1" doc:"Number of a version; absent for the current one"`
		IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETag of the model that the client has"`
	},
	) (*modelAnswer, error) {
		return s.model(ctx, a, in.SystemPath, in.Version, in.IfNoneMatch)
	})
	register(s, api, operation{
		id: "listModelVersions", method: http.MethodGet, path: "/v1/systems/{system}/models", tag: tagModels, scope: resource.ScopeRead,
		summary: "List the versions of the model", text: "Newest first: one for each analysis, decision, edit, answer, import, and for acceptances that ended.",
	}, func(ctx context.Context, a service.Actor, in *systemPage) (*answer[resource.Page[resource.ModelVersion]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.ModelVersions(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "compareModels", method: http.MethodGet, path: "/v1/systems/{system}/changes", tag: tagModels, scope: resource.ScopeRead,
		summary: "Compare two versions of the model", text: "What became of documents, elements and threats between any two versions, and which decisions are to be looked at again.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		From int64 `query:"from" minimum:"1" doc:"The earlier version; absent for the one before to"`
		To   int64 `query:"to" minimum:"1" doc:"The later version; absent for the current one"`
	},
	) (*answer[*threatmodel.Changes], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Changes(ctx, a, id, in.From, in.To))
	})
	s.modelExchange(api)
}

// modelExchange takes models out and in, as the command line keeps them.
func (s *server) modelExchange(api huma.API) {
	register(s, api, operation{
		id: "exportModel", method: http.MethodGet, path: "/v1/systems/{system}/export", tag: tagModels, scope: resource.ScopeRead,
		summary: "Export the model with all that belongs to it", text: "The model, all decisions, and the extracted texts that it cites: what `bartizan pull` writes into a folder.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Version int64 `query:"version" minimum:"1" doc:"Number of a version; absent for the current one"`
	},
	) (*answer[resource.Bundle], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Bundle(ctx, a, id, in.Version))
	})
	register(s, api, operation{
		id: "listDecisions", method: http.MethodGet, path: "/v1/systems/{system}/decisions", tag: tagModels, scope: resource.ScopeRead,
		summary: "List all decisions of a system", text: "In their order, as decisions.yaml holds them.",
	}, func(ctx context.Context, a service.Actor, in *SystemPath) (*answer[resource.Page[threatmodel.Decision]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(whole(s.cfg.Service.Decisions(ctx, a, id)))
	})
	register(s, api, operation{
		id: "importModel", method: http.MethodPost, path: "/v1/systems/{system}/import", tag: tagModels, scope: resource.ScopeWrite, status: http.StatusCreated,
		body: s.cfg.Limits.Import, unchecked: true, problems: []int{http.StatusConflict},
		summary: "Import a model of the command line",
		text: "Takes a model.json with the decisions on it into a system that has no model, or on top of the model that it was made from. Threats keep their ids. " +
			"Fields that a later version of the command line may have added are passed over. With decisions, the scope `decide` is needed too.",
	}, func(ctx context.Context, a service.Actor, in *importInput) (*placed[resource.ModelVersion], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		body, err := readImport(in.ContentType, in.RawBody)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Import(ctx, a, id, body)
		return placedOf(v, nil, "/v1/systems/"+in.System+"/model?version="+strconv.FormatInt(v.Number, 10), err)
	})
}

// importInput is described as resource.Import and read by readImport.
type importInput struct {
	SystemPath
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

// readImport reads a model as the command line does: tolerant of fields in it
// that it does not know, for those may come from a later minor version.
func readImport(contentType string, raw []byte) (resource.Import, error) {
	var in resource.Import
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/json" {
		return in, newProblem(kindMediaType, "a model is taken as application/json")
	}
	var tree any
	if err := jsonFormat.Unmarshal(raw, &tree); err != nil {
		return in, newProblem(kindMalformed, "the body cannot be read: "+err.Error())
	}
	fields, ok := tree.(map[string]any)
	if !ok {
		return in, &service.Error{Kind: service.KindInvalid, Message: "an object is wanted: {\"model\": ..., \"decisions\": [...]}"}
	}
	for name := range fields {
		if name != "model" && name != "decisions" {
			return in, &service.Error{Kind: service.KindInvalid, Pointer: "/" + name, Message: "unexpected property"}
		}
	}
	if err := jsonFormat.Unmarshal(raw, &in); err != nil {
		return in, newProblem(kindMalformed, "the body cannot be read: "+err.Error())
	}
	if in.Model == nil {
		return in, &service.Error{Kind: service.KindInvalid, Pointer: "/model", Message: "the model is missing"}
	}
	major, _, _ := strings.Cut(threatmodel.SchemaVersion, ".")
	if given, _, _ := strings.Cut(in.Model.SchemaVersion, "."); given != major {
		return in, &service.Error{Kind: service.KindInvalid, Pointer: "/model/schema_version", Message: "this server reads models of schema version " + major + ".x"}
	}
	return in, nil
}

func (s *server) model(ctx context.Context, a service.Actor, in SystemPath, version int64, have string) (*modelAnswer, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	m, v, err := s.cfg.Service.Model(ctx, a, id, version)
	if err != nil {
		return nil, err
	}
	tag := strconv.Quote(v.SHA256)
	if matches(have, tag) {
		return nil, &notModified{etag: tag}
	}
	return &modelAnswer{ETag: tag, Version: v.Number, Body: m}, nil
}

// matches reports whether If-None-Match names the tag.
func matches(header, tag string) bool {
	for given := range strings.SplitSeq(header, ",") {
		given = strings.TrimPrefix(strings.TrimSpace(given), "W/")
		if given == tag || given == "*" {
			return true
		}
	}
	return false
}

// notModified is the answer 304, which huma wants as an error.
type notModified struct{ etag string }

// Error implements error.
func (n *notModified) Error() string { return "not modified" }

// GetStatus implements huma.StatusError.
func (n *notModified) GetStatus() int { return http.StatusNotModified }

// GetHeaders implements huma.HeadersError.
func (n *notModified) GetHeaders() http.Header { return http.Header{"Etag": {n.etag}} }

// whole is a list that comes in one page.
func whole[T any](items []T, err error) (resource.Page[T], error) {
	if items == nil {
		items = []T{}
	}
	return resource.Page[T]{Items: items}, err
}
