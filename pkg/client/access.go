package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Me tells what the token stands for.
func (c *Client) Me(ctx context.Context) (resource.Identity, error) {
	return get[resource.Identity](ctx, c, path("me"), nil)
}

// Ticket gets a ticket that opens the stream at a path once, for who cannot
// send a header.
func (c *Client) Ticket(ctx context.Context, stream string) (resource.Ticket, error) {
	return post[resource.Ticket](ctx, c, path("tickets"), resource.NewTicket{Path: stream})
}

// Organization is the tenant that the token belongs to.
func (c *Client) Organization(ctx context.Context) (resource.Organization, error) {
	return get[resource.Organization](ctx, c, path("organization"), nil)
}

// UpdateOrganization changes title and settings. Version is that of the
// organization as it was read, 0 for whatever it is now; so in all edits.
func (c *Client) UpdateOrganization(ctx context.Context, edit resource.OrganizationEdit, version int64) (resource.Organization, error) {
	return patch[resource.Organization](ctx, c, path("organization"), edit, version)
}

// Members lists the people of the organization.
func (c *Client) Members(ctx context.Context) iter.Seq2[resource.Member, error] {
	return pages[resource.Member](ctx, c, path("members"), nil)
}

// Member is one of them.
func (c *Client) Member(ctx context.Context, id string) (resource.Member, error) {
	return get[resource.Member](ctx, c, path("members", id), nil)
}

// CreateMember adds a person.
func (c *Client) CreateMember(ctx context.Context, in resource.NewMember) (resource.Member, error) {
	return post[resource.Member](ctx, c, path("members"), in)
}

// UpdateMember changes a person's name or role.
func (c *Client) UpdateMember(ctx context.Context, id string, edit resource.MemberEdit, version int64) (resource.Member, error) {
	return patch[resource.Member](ctx, c, path("members", id), edit, version)
}

// RemoveMember removes a person and revokes the person's tokens.
func (c *Client) RemoveMember(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("members", id)})
}

// Tokens lists tokens, newest first.
func (c *Client) Tokens(ctx context.Context) iter.Seq2[resource.Token, error] {
	return pages[resource.Token](ctx, c, path("tokens"), nil)
}

// Token is one of them, by its id.
func (c *Client) Token(ctx context.Context, id string) (resource.Token, error) {
	return get[resource.Token](ctx, c, path("tokens", id), nil)
}

// CreateToken makes a token; its secret is in this answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, in resource.NewToken) (resource.Token, error) {
	return post[resource.Token](ctx, c, path("tokens"), in)
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("tokens", id)})
}

// AuditEvents lists the audit trail, newest first; object, an id, selects the
// events about one thing.
func (c *Client) AuditEvents(ctx context.Context, object string) iter.Seq2[resource.AuditEvent, error] {
	return pages[resource.AuditEvent](ctx, c, path("audit", "events"), values("object", object))
}

// VerifyAudit follows the chain of the audit trail. A checkpoint that was kept
// shows whether a tail was cut; empty for none.
func (c *Client) VerifyAudit(ctx context.Context, checkpoint string) (resource.AuditVerdict, error) {
	return post[resource.AuditVerdict](ctx, c, path("audit", "verify"), resource.AuditCheck{Checkpoint: checkpoint})
}

// Usage is what was used from one month to another, such as 2026-01, both
// included; empty for the current one.
func (c *Client) Usage(ctx context.Context, from, to string) ([]resource.Usage, error) {
	return items[resource.Usage](ctx, c, path("usage"), values("from", from, "to", to))
}
