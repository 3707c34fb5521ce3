package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Authenticate finds out who shows a secret. Unknown, expired and revoked
// ones are KindUnauthenticated, without saying which. Last use is kept to the
// minute.
func (s *Service) Authenticate(ctx context.Context, secret string) (Actor, error) {
	return Actor{}, errNotBuilt
}

// Tokens lists the tokens, newest first. Scope admin.
func (s *Service) Tokens(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Token], error) {
	return resource.Page[resource.Token]{}, errNotBuilt
}

// Token is one of them. Scope admin.
func (s *Service) Token(ctx context.Context, a Actor, id uuid.UUID) (resource.Token, error) {
	return resource.Token{}, errNotBuilt
}

// CreateToken makes a token; its secret is in this answer and nowhere else.
// Scope admin; nobody gives more than the own role has.
func (s *Service) CreateToken(ctx context.Context, a Actor, in resource.NewToken) (resource.Token, error) {
	return resource.Token{}, errNotBuilt
}

// CreateFirstToken makes a token with all scopes for an organization by name.
// It takes no actor: only the command line of the server's operator calls it.
func (s *Service) CreateFirstToken(ctx context.Context, organization, name string) (resource.Token, error) {
	return resource.Token{}, errNotBuilt
}

// RevokeToken ends a token. Scope admin.
func (s *Service) RevokeToken(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}
