package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
)

// adminCmd does what nobody may over the API: it works on the database itself.
type adminCmd struct {
	CreateOrganization adminOrganizationCmd  `cmd:"" help:"Create an organization and print its first token."`
	CreateToken        adminTokenCmd         `cmd:"" help:"Print a new token, with all scopes, of an organization."`
	Organizations      adminOrganizationsCmd `cmd:"" help:"List the organizations."`
}

type adminOrganizationCmd struct {
	Name  string `arg:"" help:"Short name: lower case letters, digits, hyphens."`
	Title string `help:"Name for people. Default: the short name."`

	serviceFlags `embed:""`
}

// Run creates the organization.
func (c *adminOrganizationCmd) Run(ctx context.Context, s streams) error {
	return c.administer(ctx, s, func(x *service.Service) error {
		title := c.Title
		if title == "" {
			title = c.Name
		}
		o, err := x.CreateOrganization(ctx, c.Name, title)
		if err != nil {
			return err
		}
		return printToken(ctx, s, x, o.Name, "first token")
	})
}

type adminTokenCmd struct {
	Organization string `arg:"" help:"Short name of the organization."`
	Name         string `default:"administrator" help:"What the token is for; shown in lists."`

	serviceFlags `embed:""`
}

// Run makes the token.
func (c *adminTokenCmd) Run(ctx context.Context, s streams) error {
	return c.administer(ctx, s, func(x *service.Service) error { return printToken(ctx, s, x, c.Organization, c.Name) })
}

func printToken(ctx context.Context, s streams, x *service.Service, organization, name string) error {
	token, err := x.CreateFirstToken(ctx, organization, name)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.err, "The token of "+organization+", shown this once:")
	fmt.Fprintln(s.out, token.Secret)
	return nil
}

type adminOrganizationsCmd struct {
	serviceFlags `embed:""`
}

// Run lists the organizations.
func (c *adminOrganizationsCmd) Run(ctx context.Context, s streams) error {
	return c.administer(ctx, s, func(x *service.Service) error {
		all, err := x.Organizations(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, o := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.ID, o.Name, o.CreatedAt.UTC().Format(time.DateOnly), o.Title)
		}
		return w.Flush()
	})
}

// administer opens the service, does something, and closes it. A server with a
// private database may go on beside it.
func (f *serviceFlags) administer(ctx context.Context, s streams, do func(*service.Service) error) error {
	x, err := f.openAt(ctx, s, nil, f.visit)
	if err != nil {
		return err
	}
	err = do(x.service)
	return errors.Join(err, x.close(context.WithoutCancel(ctx)))
}

// auditCmd is for auditors.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Prove that the audit trail of an organization is whole, or name the first broken link."`
}

type auditVerifyCmd struct {
	Organization string `arg:"" help:"Short name of the organization."`
	Checkpoint   string `placeholder:"TEXT" help:"A checkpoint that was kept elsewhere, as the log and webhooks tell it: the trail must hold it."`

	serviceFlags `embed:""`
}

// Run verifies the trail.
func (c *auditVerifyCmd) Run(ctx context.Context, s streams) error {
	return c.administer(ctx, s, func(x *service.Service) error {
		organization, err := findOrganization(ctx, x, c.Organization)
		if err != nil {
			return err
		}
		report, err := x.VerifyAudit(ctx, service.Worker(organization), c.Checkpoint)
		if err != nil {
			return err
		}
		if !report.Valid {
			fmt.Fprintln(s.out, report.Message)
			return &exitError{code: exitFailOn}
		}
		fmt.Fprintf(s.out, "whole: %d %s\n%s\n", report.Events, plural(int(report.Events), "event", "events"), report.Head)
		return nil
	})
}

func findOrganization(ctx context.Context, x *service.Service, name string) (uuid.UUID, error) {
	all, err := x.Organizations(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, o := range all {
		if o.Name == name {
			return identifier.Parse(identifier.Organization, o.ID)
		}
	}
	return uuid.Nil, fmt.Errorf("there is no organization %q: see `bartizan admin organizations`", name)
}
