package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func (s *server) audit(api huma.API) {
	register(s, api, operation{
		id: "listAuditEvents", method: http.MethodGet, path: "/v1/audit/events", tag: tagAudit, scope: resource.ScopeAdmin, wide: true,
		summary: "List the audit trail", text: "Newest first. Each event carries the hash of the one before. Details that were purged are absent; their digest stays.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		Paging
		Object string `query:"object" maxLength:"200" doc:"Id of the thing that the events are about"`
	},
	) (*answer[resource.Page[resource.AuditEvent]], error) {
		return answerOf(s.cfg.Service.AuditEvents(ctx, a, in.Object, in.list()))
	})
	register(s, api, operation{
		id: "verifyAudit", method: http.MethodPost, path: "/v1/audit/verify", tag: tagAudit, scope: resource.ScopeAdmin, wide: true,
		summary: "Verify the audit trail", text: "Follows the chain from its first event and names the first link that does not hold. A `checkpoint` that was kept elsewhere shows whether a tail was cut.",
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.AuditCheck }) (*answer[resource.AuditVerdict], error) {
		return answerOf(s.cfg.Service.VerifyAudit(ctx, a, in.Body.Checkpoint))
	})
	register(s, api, operation{
		id: "getUsage", method: http.MethodGet, path: "/v1/usage", tag: tagAudit, scope: resource.ScopeRead, wide: true,
		summary: "Read usage and cost", text: "By month, system, endpoint, model and stage: calls that were made, calls that the memo answered, tokens and money.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		From string `query:"from" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"First month; absent for the current one" example:"2026-01"`
		To   string `query:"to" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"Last month; absent for the current one" example:"2026-03"`
	},
	) (*answer[resource.Page[resource.Usage]], error) {
		month := s.cfg.Now().UTC().Format("2006-01")
		return answerOf(whole(s.cfg.Service.Usage(ctx, a, or(in.From, month), or(in.To, month))))
	})
}
