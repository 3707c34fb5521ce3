package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Systems lists systems by name.
func (c *Client) Systems(ctx context.Context, filter resource.SystemFilter) iter.Seq2[resource.System, error] {
	query := values("label", filter.Label, "q", filter.Query)
	if filter.Archived {
		query.Set("archived", "true")
	}
	return pages[resource.System](ctx, c, path("systems"), query)
}

// CreateSystem makes a system.
func (c *Client) CreateSystem(ctx context.Context, in resource.NewSystem) (resource.System, error) {
	return post[resource.System](ctx, c, path("systems"), in)
}

// System is one system.
func (c *Client) System(ctx context.Context, id string) (resource.System, error) {
	return get[resource.System](ctx, c, path("systems", id), nil)
}

// SystemByName finds the system of exactly this name, in any case; a problem of
// [KindNotFound] where there is none.
func (c *Client) SystemByName(ctx context.Context, name string) (resource.System, error) {
	for system, err := range c.Systems(ctx, resource.SystemFilter{Query: name}) {
		if err != nil || strings.EqualFold(system.Name, name) {
			return system, err
		}
	}
	return resource.System{}, &Problem{Problem: resource.Problem{
		Type: resource.ProblemType + KindNotFound, Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound,
		Detail: "there is no system named " + strconv.Quote(name),
	}}
}

// UpdateSystem changes a system.
func (c *Client) UpdateSystem(ctx context.Context, id string, edit resource.SystemEdit, version int64) (resource.System, error) {
	return patch[resource.System](ctx, c, path("systems", id), edit, version)
}

// ArchiveSystem takes a system out of lists.
func (c *Client) ArchiveSystem(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodPost, path: path("systems", id, "archive")})
}

// PurgeSystem removes all text of a system for good.
func (c *Client) PurgeSystem(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("systems", id)})
}

// ErrNotModified says that a model is the one that the caller has.
var ErrNotModified = errors.New("the model has not changed")

// ModelInfo says which version a model is.
type ModelInfo struct {
	Version int64
	SHA256  string
}

// Model is a version of a system's threat model; 0 for the current one.
func (c *Client) Model(ctx context.Context, system string, version int64) (*threatmodel.Model, ModelInfo, error) {
	return c.model(ctx, system, version, "")
}

// ModelUnless is the current model, or ErrNotModified where its SHA-256 is the
// given one.
func (c *Client) ModelUnless(ctx context.Context, system, sha256 string) (*threatmodel.Model, ModelInfo, error) {
	return c.model(ctx, system, 0, sha256)
}

func (c *Client) model(ctx context.Context, system string, version int64, have string) (*threatmodel.Model, ModelInfo, error) {
	r := request{method: http.MethodGet, path: path("systems", system, "model"), query: number("version", version), header: http.Header{}}
	if have != "" {
		r.header.Set("If-None-Match", strconv.Quote(have))
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return nil, ModelInfo{}, err
	}
	defer drain(resp.Body)
	info := ModelInfo{SHA256: strings.Trim(resp.Header.Get("ETag"), `"`)}
	info.Version, _ = strconv.ParseInt(resp.Header.Get("Bartizan-Model-Version"), 10, 64)
	if resp.StatusCode == http.StatusNotModified {
		return nil, info, ErrNotModified
	}
	m := &threatmodel.Model{}
	if err := decode(resp, m); err != nil {
		return nil, info, err
	}
	return m, info, nil
}

// ModelVersions lists the versions of a system's model, newest first.
func (c *Client) ModelVersions(ctx context.Context, system string) iter.Seq2[resource.ModelVersion, error] {
	return pages[resource.ModelVersion](ctx, c, path("systems", system, "models"), nil)
}

// Changes tells how a version differs from a later one; 0 for the one before
// the later, and for the current one.
func (c *Client) Changes(ctx context.Context, system string, from, to int64) (*threatmodel.Changes, error) {
	query := number("from", from)
	if to != 0 {
		query.Set("to", strconv.FormatInt(to, 10))
	}
	return get[*threatmodel.Changes](ctx, c, path("systems", system, "changes"), query)
}

// Export is a version of the model, 0 for the current one, with all decisions
// and the texts that it cites.
func (c *Client) Export(ctx context.Context, system string, version int64) (resource.Bundle, error) {
	return get[resource.Bundle](ctx, c, path("systems", system, "export"), number("version", version))
}

// Decisions are all decisions on a system's threats, as decisions.yaml holds
// them.
func (c *Client) Decisions(ctx context.Context, system string) ([]threatmodel.Decision, error) {
	return items[threatmodel.Decision](ctx, c, path("systems", system, "decisions"), nil)
}

// Import takes a model of the command line into a system.
func (c *Client) Import(ctx context.Context, system string, in resource.Import) (resource.ModelVersion, error) {
	return post[resource.ModelVersion](ctx, c, path("systems", system, "import"), in)
}

// number is a query with a number; 0 is left out.
func number(name string, n int64) url.Values {
	if n == 0 {
		return url.Values{}
	}
	return url.Values{name: {strconv.FormatInt(n, 10)}}
}
