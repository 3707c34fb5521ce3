package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func catalogVersion(v resource.Catalog) int64 { return v.Revision }

// CatalogPath leads to a catalog.
type CatalogPath struct {
	Catalog string `path:"catalog" maxLength:"64" pattern:"^[a-z0-9][a-z0-9.-]*$" doc:"Id of the catalog" example:"iso27001-2022"`
}

func (s *server) catalogs(api huma.API) {
	register(s, api, operation{
		id: "listCatalogs", method: http.MethodGet, path: "/v1/catalogs", tag: tagCatalogs, scope: resource.ScopeRead,
		summary: "List catalogs of controls", text: "Those that come with Bartizan, and the organization's own.",
	}, func(ctx context.Context, a service.Actor, _ *empty) (*answer[resource.Page[resource.Catalog]], error) {
		return answerOf(whole(s.cfg.Service.Catalogs(ctx, a)))
	})
	register(s, api, operation{
		id: "getCatalog", method: http.MethodGet, path: "/v1/catalogs/{catalog}", tag: tagCatalogs, scope: resource.ScopeRead,
		summary: "Read a catalog",
	}, func(ctx context.Context, a service.Actor, in *CatalogPath) (*tagged[resource.Catalog], error) {
		v, err := s.cfg.Service.Catalog(ctx, a, in.Catalog)
		return taggedOf(v, catalogVersion, err)
	})
	register(s, api, operation{
		id: "listControls", method: http.MethodGet, path: "/v1/catalogs/{catalog}/controls", tag: tagCatalogs, scope: resource.ScopeRead,
		summary: "List the controls of a catalog",
	}, func(ctx context.Context, a service.Actor, in *struct {
		CatalogPath
		Query string `query:"q" maxLength:"200" doc:"Words of id, title and summary"`
	},
	) (*answer[resource.Page[resource.Control]], error) {
		return answerOf(whole(s.cfg.Service.Controls(ctx, a, in.Catalog, in.Query)))
	})
	register(s, api, operation{
		id: "putCatalog", method: http.MethodPut, path: "/v1/catalogs/{catalog}", tag: tagCatalogs, scope: resource.ScopeAdmin, wide: true, edits: true, problems: []int{http.StatusConflict},
		summary: "Make or replace a catalog of one's own", text: "The body is the catalog in YAML, as the command line reads it: id, title, edition, and controls with id, title, theme, summary and design_visible. Systems that use it are analysed anew with the next analysis.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		CatalogPath
		Guarded
		RawBody []byte `contentType:"application/yaml"`
	},
	) (*tagged[resource.Catalog], error) {
		if !isText(string(in.RawBody)) {
			return nil, newProblem(kindMalformed, "the catalog must be UTF-8 without NUL")
		}
		v, err := s.cfg.Service.PutCatalog(ctx, a, in.Catalog, in.RawBody, in.version())
		return taggedOf(v, catalogVersion, err)
	})
	register(s, api, operation{
		id: "deleteCatalog", method: http.MethodDelete, path: "/v1/catalogs/{catalog}", tag: tagCatalogs, scope: resource.ScopeAdmin, wide: true, problems: []int{http.StatusConflict},
		summary: "Delete a catalog of one's own", text: "Only one that no system uses.",
	}, func(ctx context.Context, a service.Actor, in *CatalogPath) (*nothing, error) {
		return nil, s.cfg.Service.DeleteCatalog(ctx, a, in.Catalog)
	})
}
