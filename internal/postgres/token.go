package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TokenUse is a token that somebody shows, with the member that it belongs to.
type TokenUse struct {
	Organization, ID     uuid.UUID
	Member, System       *uuid.UUID
	Name                 string
	Scopes               []string
	ExpiresAt, RevokedAt *time.Time
	// MemberName and MemberRole are empty where Member is nil.
	MemberName, MemberRole string
	MemberRemovedAt        *time.Time
}

// UseToken finds a token by the SHA-256 of its secret, and notes its use at most
// once a minute. Tokens that expired or were revoked are found too: the caller
// looks at that. False where there is none.
func (db *DB) UseToken(ctx context.Context, hash [32]byte) (TokenUse, bool, error) {
	var t TokenUse
	var name, role *string
	err := db.app.QueryRow(ctx, `
		select organization_id, id, member_id, system_id, name, scopes, expires_at, revoked_at, member_name, member_role, member_removed_at
		from bartizan.use_token($1)`, hash[:]).Scan(
		&t.Organization, &t.ID, &t.Member, &t.System, &t.Name, &t.Scopes, &t.ExpiresAt, &t.RevokedAt, &name, &role, &t.MemberRemovedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return TokenUse{}, false, nil
	}
	if err != nil {
		return TokenUse{}, false, fmt.Errorf("looking up a token: %w", err)
	}
	if name != nil && role != nil {
		t.MemberName, t.MemberRole = *name, *role
	}
	return t, true, nil
}
