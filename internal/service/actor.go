// Package service holds the use cases of Bartizan as a service: who may do
// what, on which rows, in one transaction with the work that follows. API,
// jobs and pages call it; nothing else speaks to the database.
package service

import (
	"slices"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Actor is who asks: the bearer of a token, or the service itself.
type Actor struct {
	Organization uuid.UUID
	// Token is the token that was shown; nil for the service itself.
	Token uuid.UUID
	// Member is nil for a token that belongs to no person.
	Member *uuid.UUID
	// Name stands in decisions and in the audit trail.
	Name   string
	Role   resource.Role
	Scopes []resource.Scope
	// System bounds the actor to one system; nil is the whole organization.
	System *uuid.UUID
}

// Worker is the service itself, at work for an organization.
func Worker(organization uuid.UUID) Actor {
	return Actor{
		Organization: organization, Name: "bartizan", Role: resource.RoleAdmin,
		Scopes: []resource.Scope{resource.ScopeRead, resource.ScopeWrite, resource.ScopeDecide, resource.ScopeAdmin},
	}
}

// roleScopes are the most that a role may do, whatever a token says.
var roleScopes = map[resource.Role][]resource.Scope{
	resource.RoleViewer:   {resource.ScopeRead},
	resource.RoleAnalyst:  {resource.ScopeRead, resource.ScopeWrite},
	resource.RoleApprover: {resource.ScopeRead, resource.ScopeWrite, resource.ScopeDecide},
	resource.RoleAdmin:    {resource.ScopeRead, resource.ScopeWrite, resource.ScopeDecide, resource.ScopeAdmin},
}

// Can reports whether both the actor's token and role allow the scope.
func (a Actor) Can(s resource.Scope) bool {
	granted := slices.Contains(a.Scopes, s) || slices.Contains(a.Scopes, resource.ScopeAdmin)
	return granted && slices.Contains(roleScopes[a.Role], s)
}

// must is nil where the actor may do what the scope stands for, in the whole
// organization.
func (a Actor) must(s resource.Scope) error {
	if a.System != nil {
		return &Error{Kind: KindForbidden, Message: "this token is good for one system only"}
	}
	return a.can(s)
}

// mustFor is nil where the actor may do what the scope stands for, on one
// system. A system out of reach is not there.
func (a Actor) mustFor(s resource.Scope, system uuid.UUID) error {
	if a.System != nil && *a.System != system {
		return notFound("system")
	}
	return a.can(s)
}

func (a Actor) can(s resource.Scope) error {
	if a.Can(s) {
		return nil
	}
	return &Error{Kind: KindForbidden, Message: "this needs the scope " + string(s) + ", and a role that has it"}
}
