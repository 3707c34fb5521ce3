package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// CreateOrganization makes a tenant. It takes no actor: only the command line
// of the server's operator calls it.
func (s *Service) CreateOrganization(ctx context.Context, name, title string) (resource.Organization, error) {
	return resource.Organization{}, errNotBuilt
}

// Organizations lists all tenants, for the command line of the server's
// operator.
func (s *Service) Organizations(ctx context.Context) ([]resource.Organization, error) {
	return nil, errNotBuilt
}

// Organization is the actor's own. Scope read.
func (s *Service) Organization(ctx context.Context, a Actor) (resource.Organization, error) {
	return resource.Organization{}, errNotBuilt
}

// UpdateOrganization changes title and settings. Scope admin.
func (s *Service) UpdateOrganization(ctx context.Context, a Actor, edit resource.OrganizationEdit, ifMatch int64) (resource.Organization, error) {
	return resource.Organization{}, errNotBuilt
}

// Members lists the people of the organization by name. Scope admin.
func (s *Service) Members(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Member], error) {
	return resource.Page[resource.Member]{}, errNotBuilt
}

// Member is one of them. Scope admin.
func (s *Service) Member(ctx context.Context, a Actor, id uuid.UUID) (resource.Member, error) {
	return resource.Member{}, errNotBuilt
}

// CreateMember adds a person. Scope admin.
func (s *Service) CreateMember(ctx context.Context, a Actor, in resource.NewMember) (resource.Member, error) {
	return resource.Member{}, errNotBuilt
}

// UpdateMember changes a person's name or role. Scope admin.
func (s *Service) UpdateMember(ctx context.Context, a Actor, id uuid.UUID, edit resource.MemberEdit, ifMatch int64) (resource.Member, error) {
	return resource.Member{}, errNotBuilt
}

// RemoveMember removes a person and revokes the person's tokens. Scope admin.
func (s *Service) RemoveMember(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}

// Usage is what was used from one month to another (2026-01), both included.
// Scope read, of the whole organization.
func (s *Service) Usage(ctx context.Context, a Actor, from, to string) ([]resource.Usage, error) {
	return nil, errNotBuilt
}
