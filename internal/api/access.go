package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Tags group the operations.
const (
	tagAccess    = "Access"
	tagSystems   = "Systems"
	tagDocuments = "Documents"
	tagAnalyses  = "Analyses"
	tagModels    = "Models"
	tagThreats   = "Threats"
	tagSearch    = "Search"
	tagCatalogs  = "Catalogs"
	tagBatches   = "Batches"
	tagWebhooks  = "Webhooks"
	tagAudit     = "Audit and usage"
)

type (
	empty struct{}
	// MemberPath leads to a member.
	MemberPath struct {
		Member string `path:"member" maxLength:"40" doc:"Id of the member"`
	}
	// TokenPath leads to a token.
	TokenPath struct {
		Token string `path:"token" maxLength:"40" doc:"Id of the token (not its secret)"`
	}
)

func organizationVersion(v resource.Organization) int64 { return v.Version }
func memberVersion(v resource.Member) int64             { return v.Version }

func (s *server) access(api huma.API) {
	s.identity(api)
	s.members(api)
	s.tokens(api)
	register(s, api, operation{
		id: "getOrganization", method: http.MethodGet, path: "/v1/organization", tag: tagAccess, scope: resource.ScopeRead,
		summary: "Read the organization", text: "The tenant that the token belongs to, with its settings and limits.",
	}, func(ctx context.Context, a service.Actor, _ *empty) (*tagged[resource.Organization], error) {
		v, err := s.cfg.Service.Organization(ctx, a)
		return taggedOf(v, organizationVersion, err)
	})
	register(s, api, operation{
		id: "updateOrganization", method: http.MethodPatch, path: "/v1/organization", tag: tagAccess, scope: resource.ScopeAdmin, wide: true, edits: true,
		summary: "Change the organization", text: "Settings are replaced as a whole: read them, change them, send them back with If-Match.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		Guarded
		Body resource.OrganizationEdit
	},
	) (*tagged[resource.Organization], error) {
		v, err := s.cfg.Service.UpdateOrganization(ctx, a, in.Body, in.version())
		return taggedOf(v, organizationVersion, err)
	})
}

// identity is who the caller is, and how streams are opened without a header.
func (s *server) identity(api huma.API) {
	register(s, api, operation{
		id: "getIdentity", method: http.MethodGet, path: "/v1/me", tag: tagAccess, scope: resource.ScopeRead,
		summary: "Who am I", text: "What the token stands for: organization, role, scopes, and the one system that it is good for, if any.",
	}, func(_ context.Context, a service.Actor, _ *empty) (*answer[resource.Identity], error) {
		if !a.Can(resource.ScopeRead) {
			return nil, needs(resource.ScopeRead)
		}
		return answerOf(identityOf(a), nil)
	})
	register(s, api, operation{
		id: "createTicket", method: http.MethodPost, path: "/v1/tickets", tag: tagAccess, scope: resource.ScopeRead, status: http.StatusCreated,
		summary: "Get a ticket for a stream of events",
		text: "A browser's EventSource cannot send an Authorization header. A ticket opens one stream, once, within a minute, for reading: " +
			"`new EventSource(url)` with the `url` of the answer. When the stream ends, get another ticket; EventSource sends Last-Event-ID by itself only while it reconnects.",
	}, func(_ context.Context, a service.Actor, in *struct{ Body resource.NewTicket }) (*answer[resource.Ticket], error) {
		if !a.Can(resource.ScopeRead) {
			return nil, needs(resource.ScopeRead)
		}
		if !strings.HasPrefix(in.Body.Path, "/v1/") || !strings.HasSuffix(in.Body.Path, "/events") || strings.ContainsAny(in.Body.Path, "?#%") {
			return nil, &service.Error{Kind: service.KindInvalid, Pointer: "/path", Message: "it must be the path of a stream: /v1/analyses/{id}/events or /v1/batches/{id}/events"}
		}
		return answerOf(s.tickets.issue(a, in.Body.Path, s.cfg.Now()))
	})
}

func needs(scope resource.Scope) error {
	return &service.Error{Kind: service.KindForbidden, Message: "this needs the scope " + string(scope) + ", and a role that has it"}
}

func identityOf(a service.Actor) resource.Identity {
	v := resource.Identity{
		Organization: identifier.String(identifier.Organization, a.Organization),
		Token:        identifier.String(identifier.Token, a.Token), Name: a.Name, Role: a.Role, Scopes: a.Scopes,
	}
	if a.Member != nil {
		v.Member = identifier.String(identifier.Member, *a.Member)
	}
	if a.System != nil {
		v.System = identifier.String(identifier.System, *a.System)
	}
	return v
}

func (s *server) members(api huma.API) {
	register(s, api, operation{
		id: "listMembers", method: http.MethodGet, path: "/v1/members", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "List members",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Member]], error) {
		return answerOf(s.cfg.Service.Members(ctx, a, in.list()))
	})
	register(s, api, operation{
		id: "createMember", method: http.MethodPost, path: "/v1/members", tag: tagAccess, scope: resource.ScopeAdmin, wide: true, status: http.StatusCreated,
		summary: "Add a member", text: "A person with a role. What the person may do is the least of the role and of the token that is used.",
		problems: []int{http.StatusConflict},
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewMember }) (*placed[resource.Member], error) {
		v, err := s.cfg.Service.CreateMember(ctx, a, in.Body)
		return placedOf(v, memberVersion, "/v1/members/"+v.ID, err)
	})
	register(s, api, operation{
		id: "getMember", method: http.MethodGet, path: "/v1/members/{member}", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "Read a member",
	}, func(ctx context.Context, a service.Actor, in *MemberPath) (*tagged[resource.Member], error) {
		id, err := identified(identifier.Member, "member", in.Member)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Member(ctx, a, id)
		return taggedOf(v, memberVersion, err)
	})
	register(s, api, operation{
		id: "updateMember", method: http.MethodPatch, path: "/v1/members/{member}", tag: tagAccess, scope: resource.ScopeAdmin, wide: true, edits: true,
		summary: "Change a member", text: "A role that is lowered holds at once for the tokens of the member.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		MemberPath
		Guarded
		Body resource.MemberEdit
	},
	) (*tagged[resource.Member], error) {
		id, err := identified(identifier.Member, "member", in.Member)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.UpdateMember(ctx, a, id, in.Body, in.version())
		return taggedOf(v, memberVersion, err)
	})
	register(s, api, operation{
		id: "removeMember", method: http.MethodDelete, path: "/v1/members/{member}", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "Remove a member", text: "The tokens of the member are revoked; what the member decided stays under the member's name.",
	}, func(ctx context.Context, a service.Actor, in *MemberPath) (*nothing, error) {
		id, err := identified(identifier.Member, "member", in.Member)
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.RemoveMember(ctx, a, id)
	})
}

func (s *server) tokens(api huma.API) {
	register(s, api, operation{
		id: "listTokens", method: http.MethodGet, path: "/v1/tokens", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "List tokens", text: "Without their secrets, which are stored nowhere. `last_used_at` is kept to the minute.",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Token]], error) {
		return answerOf(s.cfg.Service.Tokens(ctx, a, in.list()))
	})
	register(s, api, operation{
		id: "createToken", method: http.MethodPost, path: "/v1/tokens", tag: tagAccess, scope: resource.ScopeAdmin, wide: true, status: http.StatusCreated,
		summary: "Make a token", text: "The answer holds the secret, this once. Give a pipeline a token of one system with `read` and `write`, and an end: `expires_at`.",
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewToken }) (*placed[resource.Token], error) {
		v, err := s.cfg.Service.CreateToken(ctx, a, in.Body)
		return placedOf(v, nil, "/v1/tokens/"+v.ID, err)
	})
	register(s, api, operation{
		id: "getToken", method: http.MethodGet, path: "/v1/tokens/{token}", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "Read a token",
	}, func(ctx context.Context, a service.Actor, in *TokenPath) (*answer[resource.Token], error) {
		id, err := identified(identifier.Token, "token", in.Token)
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Token(ctx, a, id))
	})
	register(s, api, operation{
		id: "revokeToken", method: http.MethodDelete, path: "/v1/tokens/{token}", tag: tagAccess, scope: resource.ScopeAdmin, wide: true,
		summary: "Revoke a token", text: "It stays in the list with the time of its end.",
	}, func(ctx context.Context, a service.Actor, in *TokenPath) (*nothing, error) {
		id, err := identified(identifier.Token, "token", in.Token)
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.RevokeToken(ctx, a, id)
	})
}
