package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Threats lists the threats that a filter selects; with a System, those of one.
func (c *Client) Threats(ctx context.Context, filter resource.ThreatFilter) iter.Seq2[resource.Threat, error] {
	return pages[resource.Threat](ctx, c, path("threats"), threatQuery(filter))
}

func threatQuery(f resource.ThreatFilter) url.Values {
	q := values(
		"system", f.System, "status", strings.Join(f.Status, ","), "risk", strings.Join(f.Risk, ","), "stride", strings.Join(f.STRIDE, ","),
		"control", f.Control, "verdict", strings.Join(f.Verdict, ","), "source", strings.Join(f.Source, ","),
		"owner", f.Owner, "label", f.Label, "q", f.Query, "sort", f.Sort,
	)
	var cwe []string
	for _, n := range f.CWE {
		cwe = append(cwe, strconv.Itoa(n))
	}
	if len(cwe) > 0 {
		q.Set("cwe", strings.Join(cwe, ","))
	}
	if f.Open != nil {
		q.Set("open", strconv.FormatBool(*f.Open))
	}
	if f.ReviewDue != nil {
		q.Set("review_due", strconv.FormatBool(*f.ReviewDue))
	}
	return q
}

// Threat is one threat of a system, by its id in the model.
func (c *Client) Threat(ctx context.Context, system, id string) (resource.Threat, error) {
	return get[resource.Threat](ctx, c, path("systems", system, "threats", id), nil)
}

// AddThreat adds a threat that a person found.
func (c *Client) AddThreat(ctx context.Context, system string, in resource.NewThreat) (resource.Threat, error) {
	return post[resource.Threat](ctx, c, path("systems", system, "threats"), in)
}

// EditThreat changes a person's part of a threat.
func (c *Client) EditThreat(ctx context.Context, system, id string, edit resource.ThreatEdit, version int64) (resource.Threat, error) {
	return patch[resource.Threat](ctx, c, path("systems", system, "threats", id), edit, version)
}

// Decide records a decision on a threat.
func (c *Client) Decide(ctx context.Context, system, id string, in resource.Decision, version int64) (resource.Threat, error) {
	return call[resource.Threat](ctx, c, request{
		method: http.MethodPost, path: path("systems", system, "threats", id, "decisions"), body: in, version: version,
	})
}

// Review lists the threats whose decision is to be looked at again; of one
// system, or of all where it is empty.
func (c *Client) Review(ctx context.Context, system string) iter.Seq2[resource.Threat, error] {
	if system == "" {
		return pages[resource.Threat](ctx, c, path("review"), nil)
	}
	return pages[resource.Threat](ctx, c, path("systems", system, "review"), nil)
}

// Questions are what the current model leaves open.
func (c *Client) Questions(ctx context.Context, system string) ([]resource.Question, error) {
	return items[resource.Question](ctx, c, path("systems", system, "questions"), nil)
}

// Answers lists the answers that people gave, newest first.
func (c *Client) Answers(ctx context.Context, system string) iter.Seq2[resource.Answer, error] {
	return pages[resource.Answer](ctx, c, path("systems", system, "answers"), nil)
}

// Answer answers a question of the current model.
func (c *Client) Answer(ctx context.Context, system, question, answer string) (resource.Answer, error) {
	return post[resource.Answer](ctx, c, path("systems", system, "questions", question, "answers"), resource.NewAnswer{Answer: answer})
}

// SearchPassages finds passages of documents by words and meaning, best first;
// of one system, or of all where it is empty. Limit is 1 to 100, 0 for 20.
func (c *Client) SearchPassages(ctx context.Context, query, system string, limit int) ([]resource.PassageHit, error) {
	q := values("q", query, "system", system)
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return items[resource.PassageHit](ctx, c, path("search", "passages"), q)
}

// SearchControls finds controls by words and meaning, best first; of one catalog,
// or of all where it is empty. Limit is 1 to 100, 0 for 20.
func (c *Client) SearchControls(ctx context.Context, query, catalog string, limit int) ([]resource.Control, error) {
	q := values("q", query, "catalog", catalog)
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return items[resource.Control](ctx, c, path("search", "controls"), q)
}

// SearchThreats finds threats by words; of one system, or of all where it is
// empty.
func (c *Client) SearchThreats(ctx context.Context, query, system string) iter.Seq2[resource.Threat, error] {
	return pages[resource.Threat](ctx, c, path("search", "threats"), values("q", query, "system", system))
}

// Catalogs lists the known catalogs of controls and the organization's own.
func (c *Client) Catalogs(ctx context.Context) ([]resource.Catalog, error) {
	return items[resource.Catalog](ctx, c, path("catalogs"), nil)
}

// Catalog is one of them.
func (c *Client) Catalog(ctx context.Context, id string) (resource.Catalog, error) {
	return get[resource.Catalog](ctx, c, path("catalogs", id), nil)
}

// Controls lists the controls of a catalog; query selects by words, empty for
// all.
func (c *Client) Controls(ctx context.Context, catalog, query string) ([]resource.Control, error) {
	return items[resource.Control](ctx, c, path("catalogs", catalog, "controls"), values("q", query))
}

// PutCatalog makes or replaces a catalog of the organization's own, given as
// YAML.
func (c *Client) PutCatalog(ctx context.Context, id string, yaml []byte, version int64) (resource.Catalog, error) {
	return call[resource.Catalog](ctx, c, request{
		method: http.MethodPut, path: path("catalogs", id), raw: bytesBody(yaml), contentType: "application/yaml", version: version,
	})
}

// DeleteCatalog removes a catalog of the organization's own.
func (c *Client) DeleteCatalog(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("catalogs", id)})
}
