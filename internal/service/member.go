package service

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Members lists the people of the organization by name. Scope admin.
func (s *Service) Members(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Member], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeAdmin), err); err != nil {
		return resource.Page[resource.Member]{}, err
	}
	var rows []query.Member
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Queries.Members(ctx, query.MembersParams{AfterName: p.Key, AfterID: p.ID, MaxRows: p.rows()})
		return err
	})
	return pageOf(p, rows, memberOf, func(r query.Member) cursor { return cursor{Key: strings.ToLower(r.Name), ID: r.ID} }), err
}

func memberOf(r query.Member) resource.Member {
	return resource.Member{
		ID: identifier.String(identifier.Member, r.ID), Name: r.Name, Email: r.Email, Role: resource.Role(r.Role),
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(),
	}
}

// Member is one of them. Scope admin.
func (s *Service) Member(ctx context.Context, a Actor, id uuid.UUID) (resource.Member, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Member{}, err
	}
	var row query.Member
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Member(ctx, id)
		return missing(err, "member")
	})
	return memberOf(row), err
}

// CreateMember adds a person. Scope admin.
func (s *Service) CreateMember(ctx context.Context, a Actor, in resource.NewMember) (resource.Member, error) {
	err := together(a.must(resource.ScopeAdmin), checkMemberName(in.Name), checkEmail(in.Email), checkRole(in.Role))
	if err != nil {
		return resource.Member{}, err
	}
	name := strings.TrimSpace(in.Name)
	var row query.Member
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.InsertMember(ctx, query.InsertMemberParams{ID: identifier.New(), Name: name, Email: in.Email, Role: string(in.Role)})
		if err != nil {
			return err
		}
		m := memberOf(row)
		return tx.Audit(a.Name, "member.create", m.ID, m)
	})
	if postgres.Exists(err, "member_email") {
		return resource.Member{}, &Error{Kind: KindConflict, Pointer: "/email", Message: "there is a member with this address already"}
	}
	return memberOf(row), err
}

func checkMemberName(name string) error {
	return unless(strings.TrimSpace(name) != "", invalid("/name", "a name is needed: it stands in decisions"))
}

func checkEmail(email string) error {
	addr, err := mail.ParseAddress(email)
	return unless(err == nil && addr.Address == email, invalid("/email", "%q is no e-mail address", email))
}

func checkRole(r resource.Role) error {
	_, known := roleScopes[r]
	return unless(known, invalid("/role", "it must be viewer, analyst, approver or admin"))
}

// UpdateMember changes a person's name or role. Scope admin.
func (s *Service) UpdateMember(ctx context.Context, a Actor, id uuid.UUID, edit resource.MemberEdit, ifMatch int64) (resource.Member, error) {
	faults := []error{a.must(resource.ScopeAdmin)}
	if edit.Role != nil {
		faults = append(faults, checkRole(*edit.Role))
	}
	if edit.Name != nil {
		faults = append(faults, checkMemberName(*edit.Name))
	}
	if err := together(faults...); err != nil {
		return resource.Member{}, err
	}
	var row query.Member
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if row, err = tx.Queries.Member(ctx, id); err != nil {
			return missing(err, "member")
		}
		if err := matches(ifMatch, row.Version, "member"); err != nil {
			return err
		}
		if edit.Name != nil {
			row.Name = strings.TrimSpace(*edit.Name)
		}
		if edit.Role != nil {
			row.Role = string(*edit.Role)
		}
		row, err = tx.Queries.UpdateMember(ctx, query.UpdateMemberParams{ID: id, Name: row.Name, Role: row.Role, Version: row.Version})
		if err != nil {
			return changedMeanwhile(err, "member")
		}
		return tx.Audit(a.Name, "member.update", identifier.String(identifier.Member, id), edit)
	})
	return memberOf(row), err
}

// RemoveMember removes a person and revokes the person's tokens. Scope admin.
func (s *Service) RemoveMember(ctx context.Context, a Actor, id uuid.UUID) error {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return err
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		n, err := tx.Queries.RemoveMember(ctx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("member")
		}
		tokens, err := tx.RevokeTokensOfMember(ctx, id)
		if err != nil {
			return err
		}
		return tx.Audit(a.Name, "member.remove", identifier.String(identifier.Member, id), map[string]any{"tokens_revoked": tokens})
	})
}

// scopesOf checks scopes, and gives each once.
func scopesOf(in []resource.Scope) ([]string, error) {
	known := []resource.Scope{resource.ScopeRead, resource.ScopeWrite, resource.ScopeDecide, resource.ScopeAdmin}
	var out []string
	var faults []error
	for i, s := range in {
		if !slices.Contains(known, s) {
			faults = append(faults, invalid(fmt.Sprintf("/scopes/%d", i), "%q is none of read, write, decide, admin", s))
		}
		if !slices.Contains(out, string(s)) {
			out = append(out, string(s))
		}
	}
	if len(out) == 0 {
		return nil, invalid("/scopes", "at least one of read, write, decide, admin is needed")
	}
	return out, together(faults...)
}
