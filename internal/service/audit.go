package service

import (
	"context"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// AuditEvents lists the audit trail, newest first; object, an identifier,
// selects those of one thing. Scope admin.
func (s *Service) AuditEvents(ctx context.Context, a Actor, object string, list resource.List) (resource.Page[resource.AuditEvent], error) {
	return resource.Page[resource.AuditEvent]{}, errNotBuilt
}

// VerifyAudit follows the chain of the audit trail. A checkpoint, as the log
// or a webhook got it, proves that no tail was cut; empty for none. Scope
// admin.
func (s *Service) VerifyAudit(ctx context.Context, a Actor, checkpoint string) (resource.AuditVerdict, error) {
	return resource.AuditVerdict{}, errNotBuilt
}
