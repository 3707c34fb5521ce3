package service

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var organizationName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CreateOrganization makes a tenant. It takes no actor: only the command line
// of the server's operator calls it.
func (s *Service) CreateOrganization(ctx context.Context, name, title string) (resource.Organization, error) {
	if !organizationName.MatchString(name) {
		return resource.Organization{}, invalid("/name", "%q: it must be lower-case letters, digits and hyphens, at most 63", name)
	}
	if title == "" {
		title = name
	}
	id := identifier.New()
	var row query.Organization
	err := s.db.OwnerOf(ctx, id, func(tx *postgres.Tx) (err error) {
		row, err = tx.CreateOrganization(ctx, query.CreateOrganizationParams{ID: id, Name: name, Title: title, Settings: json.RawMessage("{}")})
		if err != nil {
			return err
		}
		return tx.Audit(operator, "organization.create", identifier.String(identifier.Organization, id), map[string]string{"name": name, "title": title})
	})
	if postgres.Exists(err, "") {
		return resource.Organization{}, &Error{Kind: KindConflict, Pointer: "/name", Message: fmt.Sprintf("there is an organization called %s already", name)}
	}
	if err != nil {
		return resource.Organization{}, err
	}
	return organizationOf(row)
}

// operator stands in the audit trail for the command line of the server.
const operator = "operator"

// Organizations lists all tenants, for the command line of the server's operator.
func (s *Service) Organizations(ctx context.Context) ([]resource.Organization, error) {
	out := []resource.Organization{}
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		out = out[:0]
		rows, err := tx.Queries.Organizations(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			o, err := organizationOf(r)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	})
	return out, err
}

func organizationOf(r query.Organization) (resource.Organization, error) {
	o := resource.Organization{
		ID: identifier.String(identifier.Organization, r.OrganizationID), Name: r.Name, Title: r.Title, Version: r.Version, CreatedAt: r.CreatedAt.UTC(),
	}
	if err := json.Unmarshal(r.Settings, &o.Settings); err != nil {
		return o, fmt.Errorf("reading the settings of the organization %s: %w", r.Name, err)
	}
	return o, nil
}

// Organization is the actor's own. Scope read.
func (s *Service) Organization(ctx context.Context, a Actor) (resource.Organization, error) {
	if err := a.can(resource.ScopeRead); err != nil {
		return resource.Organization{}, err
	}
	var out resource.Organization
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Organization(ctx)
		if err != nil {
			return missing(err, "organization")
		}
		out, err = organizationOf(row)
		return err
	})
	return out, err
}

// settings are those of the transaction's organization.
func settings(ctx context.Context, tx *postgres.Tx) (resource.Settings, error) {
	row, err := tx.Queries.Organization(ctx)
	if err != nil {
		return resource.Settings{}, fmt.Errorf("reading the organization: %w", err)
	}
	o, err := organizationOf(row)
	return o.Settings, err
}

// UpdateOrganization changes title and settings. Scope admin.
func (s *Service) UpdateOrganization(ctx context.Context, a Actor, edit resource.OrganizationEdit, ifMatch int64) (resource.Organization, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Organization{}, err
	}
	if edit.Settings != nil {
		if err := checkSettings(edit.Settings); err != nil {
			return resource.Organization{}, err
		}
	}
	var out resource.Organization
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Organization(ctx)
		if err != nil {
			return missing(err, "organization")
		}
		if err := matches(ifMatch, row.Version, "organization"); err != nil {
			return err
		}
		if edit.Title != nil {
			row.Title = *edit.Title
		}
		if edit.Settings != nil {
			if row.Settings, err = json.Marshal(edit.Settings); err != nil {
				return err
			}
		}
		row, err = tx.Queries.UpdateOrganization(ctx, query.UpdateOrganizationParams{Title: row.Title, Settings: row.Settings, Version: row.Version})
		if err != nil {
			return changedMeanwhile(err, "organization")
		}
		if out, err = organizationOf(row); err != nil {
			return err
		}
		return tx.Audit(a.Name, "organization.update", out.ID, edit)
	})
	return out, err
}

// changedMeanwhile turns an update that found no row of the version into what
// callers are told.
func changedMeanwhile(err error, what string) error {
	if missing(err, "") != err {
		return changed(what)
	}
	return err
}

func checkSettings(x *resource.Settings) error {
	faults := []error{unless(x.RetentionDays >= 0, invalid("/settings/retention_days", "it must not be below 0"))}
	for i, e := range x.Endpoints {
		at := fmt.Sprintf("/settings/endpoints/%d", i)
		_, err := url.Parse(e.URL)
		faults = append(faults,
			unless(err == nil && e.URL != "", invalid(at+"/url", "it is no URL or host")),
			unless(slices.Contains(threatmodel.Classes(), e.UpTo), invalid(at+"/up_to", "it must be one of %s", strings.Join(threatmodel.Classes(), ", "))))
	}
	for i, p := range x.Prices {
		fits := p.Model != "" && p.Input >= 0 && p.Output >= 0
		faults = append(faults, unless(fits, invalid(fmt.Sprintf("/settings/prices/%d", i), "a price needs a model, and input and output of 0 or more")))
	}
	faults = append(faults, unless(slices.Contains([]string{"", "llm", "builtin", "both"}, x.Analyst), invalid("/settings/analyst", "it must be llm, builtin or both")))
	return together(append(faults, checkLimits(x.Limits)...)...)
}

func checkLimits(l resource.Limits) []error {
	var faults []error
	for _, n := range []struct {
		name string
		of   float64
	}{
		{"concurrent_calls", float64(l.ConcurrentCalls)},
		{"tokens_per_minute", float64(l.TokensPerMinute)},
		{"tokens_per_month", float64(l.TokensPerMonth)},
		{"cost_per_month", l.CostPerMonth},
	} {
		faults = append(faults, unless(n.of >= 0, invalid("/settings/limits/"+n.name, "it must not be below 0; 0 is no limit")))
	}
	return append(faults, unless(slices.Contains([]string{"", "wait", "fail"}, l.OverBudget), invalid("/settings/limits/over_budget", "it must be wait or fail")))
}

// Usage is what was used from one month to another (2026-01), both included.
// Scope read, of the whole organization.
func (s *Service) Usage(ctx context.Context, a Actor, from, to string) ([]resource.Usage, error) {
	if err := a.must(resource.ScopeRead); err != nil {
		return nil, err
	}
	first, err := s.month("from", from)
	if err != nil {
		return nil, err
	}
	last, err := s.month("to", to)
	if err != nil {
		return nil, err
	}
	out := []resource.Usage{}
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		out = out[:0]
		rows, err := tx.Queries.Usage(ctx, first, last)
		for _, r := range rows {
			out = append(out, resource.Usage{
				Month: r.Month.Format(monthLayout), System: identifier.String(identifier.System, r.SystemID), Endpoint: r.Endpoint, Model: r.Model,
				Stage: r.Stage, Calls: r.Calls, Cached: r.Cached, Faults: r.Faults, TokensIn: r.TokensIn, TokensOut: r.TokensOut,
				Cost: r.Cost, Currency: r.Currency,
			})
		}
		return err
	})
	return out, err
}

const monthLayout = "2006-01"

// month reads a month; empty is the present one.
func (s *Service) month(parameter, text string) (time.Time, error) {
	if text == "" {
		text = s.cfg.Now().UTC().Format(monthLayout)
	}
	m, err := time.Parse(monthLayout, text)
	if err != nil {
		return m, invalid(parameter, "%q is no month such as 2026-01", text)
	}
	return m, nil
}
