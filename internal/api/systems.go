package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func systemVersion(v resource.System) int64 { return v.Version }

type systemList struct {
	Paging
	Label    string `query:"label" maxLength:"200" doc:"Systems with this label"`
	Query    string `query:"q" maxLength:"200" doc:"Words of the name"`
	Archived bool   `query:"archived" doc:"The archived systems instead of the others"`
}

func (s *server) systems(api huma.API) {
	register(s, api, operation{
		id: "listSystems", method: http.MethodGet, path: "/v1/systems", tag: tagSystems, scope: resource.ScopeRead,
		summary: "List systems", text: "By name, those in the token's reach, each with a summary of its threats.",
	}, func(ctx context.Context, a service.Actor, in *systemList) (*answer[resource.Page[resource.System]], error) {
		filter := resource.SystemFilter{Label: in.Label, Query: in.Query, Archived: in.Archived}
		return answerOf(s.cfg.Service.Systems(ctx, a, filter, in.list()))
	})
	register(s, api, operation{
		id: "createSystem", method: http.MethodPost, path: "/v1/systems", tag: tagSystems, scope: resource.ScopeWrite, wide: true, status: http.StatusCreated,
		summary: "Create a system",
		text: "A system is what is threat-modelled: it has documents, one threat model, an owner, a criticality. " +
			"`classification` decides to which model endpoints the text of its documents may go. `context` is what people know and no document says.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewSystem }) (*placed[resource.System], error) {
		v, err := s.cfg.Service.CreateSystem(ctx, a, in.Body)
		return placedOf(v, systemVersion, "/v1/systems/"+v.ID, err)
	})
	s.oneSystem(api)
}

// oneSystem is about one.
func (s *server) oneSystem(api huma.API) {
	register(s, api, operation{
		id: "getSystem", method: http.MethodGet, path: "/v1/systems/{system}", tag: tagSystems, scope: resource.ScopeRead,
		summary: "Read a system",
	}, func(ctx context.Context, a service.Actor, in *SystemPath) (*tagged[resource.System], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.System(ctx, a, id)
		return taggedOf(v, systemVersion, err)
	})
	register(s, api, operation{
		id: "updateSystem", method: http.MethodPatch, path: "/v1/systems/{system}", tag: tagSystems, scope: resource.ScopeWrite, edits: true,
		summary:  "Change a system",
		text:     "Fields that are absent stay. A change of what analysis reads (context, criticality, classification, catalogs, analyst) asks for an analysis. `archived: false` brings an archived system back.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *struct {
		SystemPath
		Guarded
		Body resource.SystemEdit
	},
	) (*tagged[resource.System], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.UpdateSystem(ctx, a, id, in.Body, in.version())
		return taggedOf(v, systemVersion, err)
	})
	register(s, api, operation{
		id: "archiveSystem", method: http.MethodPost, path: "/v1/systems/{system}/archive", tag: tagSystems, scope: resource.ScopeWrite,
		summary: "Archive a system", text: "It leaves the lists and is analysed no more; everything stays to be read.",
	}, func(ctx context.Context, a service.Actor, in *SystemPath) (*nothing, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.ArchiveSystem(ctx, a, id)
	})
	register(s, api, operation{
		id: "purgeSystem", method: http.MethodDelete, path: "/v1/systems/{system}", tag: tagSystems, scope: resource.ScopeAdmin,
		summary: "Purge a system",
		text: "Removes for good the originals, texts, vectors and model answers of the system, and replaces quotes and statements by their hashes. " +
			"The audit trail stays and still verifies. There is no way back; to put a system away, archive it.",
	}, func(ctx context.Context, a service.Actor, in *SystemPath) (*nothing, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.PurgeSystem(ctx, a, id)
	})
}
