package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	// tokenPrefix lets people and secret scanners recognise a token.
	tokenPrefix = "btz_"
	tokenBytes  = 32
	hintLength  = 4
)

// newSecret is a secret of 256 random bits.
func newSecret() string {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: see crypto/rand
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

var errNoToken = &Error{Kind: KindUnauthenticated, Message: "this needs a valid token: it is missing, unknown, expired or revoked"}

// Authenticate finds out who shows a secret. Unknown, expired and revoked ones
// are KindUnauthenticated, without saying which. Last use is kept to the minute.
func (s *Service) Authenticate(ctx context.Context, secret string) (Actor, error) {
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return Actor{}, errNoToken
	}
	t, ok, err := s.db.UseToken(ctx, sha256.Sum256([]byte(secret)))
	switch {
	case postgres.Temporary(err):
		return Actor{}, &Error{Kind: KindUnavailable, Message: "the database is not to be reached right now; try again in a moment", cause: err}
	case err != nil:
		return Actor{}, err
	case !ok, t.RevokedAt != nil, t.ExpiresAt != nil && !s.cfg.Now().Before(*t.ExpiresAt), t.Member != nil && t.MemberRemovedAt != nil:
		return Actor{}, errNoToken
	}
	a := Actor{Organization: t.Organization, Token: t.ID, Member: t.Member, System: t.System, Name: "token " + t.Name, Role: resource.RoleAdmin}
	if t.Member != nil {
		a.Name, a.Role = t.MemberName, resource.Role(t.MemberRole)
	}
	for _, scope := range t.Scopes {
		a.Scopes = append(a.Scopes, resource.Scope(scope))
	}
	return a, nil
}

// Tokens lists the tokens, newest first. Scope admin.
func (s *Service) Tokens(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Token], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeAdmin), err); err != nil {
		return resource.Page[resource.Token]{}, err
	}
	var rows []query.Token
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Queries.Tokens(ctx, p.before(), p.rows())
		return err
	})
	return pageOf(p, rows, tokenOf, func(r query.Token) cursor { return cursor{ID: r.ID} }), err
}

func tokenOf(r query.Token) resource.Token {
	t := resource.Token{
		ID: identifier.String(identifier.Token, r.ID), Name: r.Name, Hint: r.Hint, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
		ExpiresAt: utc(r.ExpiresAt), RevokedAt: utc(r.RevokedAt), LastUsedAt: utc(r.LastUsedAt), Scopes: []resource.Scope{},
	}
	for _, s := range r.Scopes {
		t.Scopes = append(t.Scopes, resource.Scope(s))
	}
	if r.SystemID != nil {
		t.System = identifier.String(identifier.System, *r.SystemID)
	}
	if r.MemberID != nil {
		t.Member = identifier.String(identifier.Member, *r.MemberID)
	}
	return t
}

// utc is a time in UTC; nil stays nil.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// Token is one of them. Scope admin.
func (s *Service) Token(ctx context.Context, a Actor, id uuid.UUID) (resource.Token, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Token{}, err
	}
	var row query.Token
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Token(ctx, id)
		return missing(err, "token")
	})
	return tokenOf(row), err
}

// CreateToken makes a token; its secret is in this answer and nowhere else. Scope
// admin.
func (s *Service) CreateToken(ctx context.Context, a Actor, in resource.NewToken) (resource.Token, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Token{}, err
	}
	params, secret, err := s.newToken(in, a.Name)
	if err != nil {
		return resource.Token{}, err
	}
	var out resource.Token
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		var faults []error
		if params.SystemID != nil {
			_, err := tx.Queries.System(ctx, *params.SystemID)
			faults = append(faults, pointed(missing(err, "system"), "/system"))
		}
		if params.MemberID != nil {
			_, err := tx.Queries.Member(ctx, *params.MemberID)
			faults = append(faults, pointed(missing(err, "member"), "/member"))
		}
		if err := together(faults...); err != nil {
			return err
		}
		out, err = insertToken(ctx, tx, a.Name, params)
		return err
	})
	out.Secret = secret
	return out, err
}

// pointed makes a thing that a field names and that is not there the field's
// fault.
func pointed(err error, pointer string) error {
	if isNotFound(err) {
		return invalid(pointer, "%s", err.Error())
	}
	return err
}

func (s *Service) newToken(in resource.NewToken, by string) (query.InsertTokenParams, string, error) {
	secret := newSecret()
	sum := sha256.Sum256([]byte(secret))
	out := query.InsertTokenParams{
		ID: identifier.New(), Name: strings.TrimSpace(in.Name), Hash: sum[:], Hint: secret[len(secret)-hintLength:], CreatedBy: by, ExpiresAt: in.ExpiresAt,
	}
	faults := []error{
		unless(out.Name != "", invalid("/name", "a name is needed, by which people know what the token is for")),
		unless(in.ExpiresAt == nil || in.ExpiresAt.After(s.cfg.Now()), invalid("/expires_at", "it lies in the past")),
		nil, nil, nil,
	}
	out.Scopes, faults[2] = scopesOf(in.Scopes)
	out.SystemID, faults[3] = optionalID(identifier.System, in.System, "/system")
	out.MemberID, faults[4] = optionalID(identifier.Member, in.Member, "/member")
	return out, secret, together(faults...)
}

// optionalID reads an identifier in a field; nil where the field is empty.
func optionalID(p identifier.Prefix, text, pointer string) (*uuid.UUID, error) {
	if text == "" {
		return nil, nil
	}
	id, err := identifier.Parse(p, text)
	if err != nil {
		return nil, invalid(pointer, "%v", err)
	}
	return &id, nil
}

func insertToken(ctx context.Context, tx *postgres.Tx, by string, params query.InsertTokenParams) (resource.Token, error) {
	row, err := tx.InsertToken(ctx, params)
	if err != nil {
		return resource.Token{}, err
	}
	t := tokenOf(row)
	return t, tx.Audit(by, "token.create", t.ID, t)
}

// CreateFirstToken makes a token with all scopes for an organization by name. It
// takes no actor: only the command line of the server's operator calls it.
func (s *Service) CreateFirstToken(ctx context.Context, organization, name string) (resource.Token, error) {
	var id uuid.UUID
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		row, err := tx.OrganizationByName(ctx, organization)
		id = row.OrganizationID
		return missing(err, fmt.Sprintf("organization as %q", organization))
	})
	if err != nil {
		return resource.Token{}, err
	}
	params, secret, err := s.newToken(resource.NewToken{Name: name, Scopes: Worker(id).Scopes}, operator)
	if err != nil {
		return resource.Token{}, err
	}
	var out resource.Token
	err = s.tenant(ctx, Worker(id), func(tx *postgres.Tx) (err error) {
		out, err = insertToken(ctx, tx, operator, params)
		return err
	})
	out.Secret = secret
	return out, err
}

// RevokeToken ends a token. Scope admin.
func (s *Service) RevokeToken(ctx context.Context, a Actor, id uuid.UUID) error {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return err
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.Token(ctx, id); err != nil {
			return missing(err, "token")
		}
		if n, err := tx.Queries.RevokeToken(ctx, id); err != nil || n == 0 {
			return err // revoked before: so it shall be
		}
		return tx.Audit(a.Name, "token.revoke", identifier.String(identifier.Token, id), nil)
	})
}
