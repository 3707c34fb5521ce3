package service

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// largestCatalog bounds a catalog of one's own, in bytes of YAML.
const largestCatalog = 16 << 20

var catalogID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// Catalogs lists the known catalogs and the organization's own. Scope read.
func (s *Service) Catalogs(ctx context.Context, a Actor) ([]resource.Catalog, error) {
	if err := a.can(resource.ScopeRead); err != nil {
		return nil, err
	}
	out := []resource.Catalog{}
	for _, id := range catalog.IDs() {
		c, err := catalog.Open(id)
		if err != nil {
			return nil, err
		}
		out = append(out, catalogOf(c, nil))
	}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		rows, err := tx.Queries.Catalogs(ctx)
		if err != nil {
			return err
		}
		for i := range rows {
			c, err := openCatalog(rows[i].ID, rows)
			if err != nil {
				return err
			}
			out = append(out, catalogOf(c, &rows[i]))
		}
		return nil
	})
	return out, err
}

func catalogOf(c *catalog.Catalog, own *query.Catalog) resource.Catalog {
	out := resource.Catalog{ID: c.ID, Title: c.Title, Version: c.Version(), Controls: len(c.Controls())}
	if own != nil {
		out.Own, out.Revision = true, own.Revision
	}
	return out
}

// findCatalog opens a catalog by id, with its row where it is the organization's
// own.
func (s *Service) findCatalog(ctx context.Context, a Actor, id string) (*catalog.Catalog, *query.Catalog, error) {
	if err := a.can(resource.ScopeRead); err != nil {
		return nil, nil, err
	}
	if slices.Contains(catalog.IDs(), id) {
		c, err := catalog.Open(id)
		return c, nil, err
	}
	var row query.Catalog
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Catalog(ctx, id)
		return missing(err, "catalog")
	})
	if err != nil {
		return nil, nil, err
	}
	c, err := openCatalog(id, []query.Catalog{row})
	return c, &row, err
}

// Catalog is one of them. Scope read.
func (s *Service) Catalog(ctx context.Context, a Actor, id string) (resource.Catalog, error) {
	c, row, err := s.findCatalog(ctx, a, id)
	if err != nil {
		return resource.Catalog{}, err
	}
	return catalogOf(c, row), nil
}

// Controls lists the controls of a catalog, without those withdrawn; query selects
// by words of id, title and summary. Scope read.
func (s *Service) Controls(ctx context.Context, a Actor, id, words string) ([]resource.Control, error) {
	c, _, err := s.findCatalog(ctx, a, id)
	if err != nil {
		return nil, err
	}
	out := []resource.Control{}
	wanted := strings.Fields(strings.ToLower(words))
	for _, x := range c.Controls() {
		text := strings.ToLower(x.ID + " " + x.Title + " " + x.Summary)
		if x.Withdrawn || slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(text, w) }) {
			continue
		}
		out = append(out, controlOf(c, x))
	}
	return out, nil
}

// PutCatalog makes or replaces a catalog of the organization's own, given as YAML.
// Systems that use it are analysed anew where they were before. Scope admin.
func (s *Service) PutCatalog(ctx context.Context, a Actor, id string, yaml []byte, ifMatch int64) (resource.Catalog, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Catalog{}, err
	}
	c, err := parseCatalog(id, yaml)
	if err != nil {
		return resource.Catalog{}, err
	}
	var out resource.Catalog
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, before, err := putCatalog(ctx, tx, a, c, yaml, ifMatch)
		if err != nil {
			return err
		}
		out = catalogOf(c, &row)
		if before == row.Version {
			return nil
		}
		if err := s.analyseUsers(ctx, tx, a, id); err != nil {
			return err
		}
		return tx.Audit(a.Name, "catalog.put", id, out)
	})
	return out, err
}

func parseCatalog(id string, yaml []byte) (*catalog.Catalog, error) {
	if !catalogID.MatchString(id) {
		return nil, invalid("id", "%q: it must be lower-case letters, digits, dots, hyphens and underscores", id)
	}
	if slices.Contains(catalog.IDs(), id) {
		return nil, conflict("%s is a catalog that comes with the program: choose an id of your own", id)
	}
	if len(yaml) > largestCatalog {
		return nil, &Error{Kind: KindTooLarge, Message: fmt.Sprintf("a catalog may have %d bytes at most", largestCatalog)}
	}
	c, err := catalog.Parse(id+".yaml", yaml)
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	if c.ID != id {
		return nil, invalid("/id", "the catalog calls itself %s, and is put as %s", c.ID, id)
	}
	return c, nil
}

// putCatalog writes the row, and tells the version before; empty where there was
// none.
func putCatalog(ctx context.Context, tx *postgres.Tx, a Actor, c *catalog.Catalog, yaml []byte, ifMatch int64) (query.Catalog, string, error) {
	content := postgres.StorableText(string(yaml))
	old, err := tx.Queries.Catalog(ctx, c.ID)
	switch {
	case err == nil:
		if err := matches(ifMatch, old.Revision, "catalog"); err != nil {
			return old, "", err
		}
		row, err := tx.UpdateCatalog(ctx, query.UpdateCatalogParams{ID: c.ID, Title: c.Title, Version: c.Version(), Content: content, Revision: old.Revision})
		if err != nil {
			return row, "", changedMeanwhile(err, "catalog")
		}
		return row, old.Version, nil
	case missing(err, "") == err:
		return old, "", err
	case ifMatch != 0:
		return old, "", changed("catalog")
	}
	row, err := tx.InsertCatalog(ctx, query.InsertCatalogParams{ID: c.ID, Title: c.Title, Version: c.Version(), Content: content, CreatedBy: a.Name})
	if err != nil {
		return row, "", changedMeanwhile(err, "catalog")
	}
	return row, "", nil
}

// analyseUsers asks for an analysis of the systems that use a catalog.
func (s *Service) analyseUsers(ctx context.Context, tx *postgres.Tx, a Actor, id string) error {
	systems, err := tx.SelectSystems(ctx, query.SelectSystemsParams{Ids: []uuid.UUID{}, Labels: []string{}, Catalog: id})
	if err != nil {
		return err
	}
	for _, x := range systems {
		if x.CurrentVersion == 0 {
			continue
		}
		row, err := tx.SystemForUpdate(ctx, x.ID)
		if err != nil {
			return err
		}
		if row.ArchivedAt != nil {
			continue
		}
		if _, err := s.request(ctx, tx, a, row, wanted{cause: causeCatalog, priority: postgres.PriorityUsual}); err != nil {
			return err
		}
	}
	return nil
}

// DeleteCatalog removes a catalog of the organization's own that no system uses.
// Scope admin.
func (s *Service) DeleteCatalog(ctx context.Context, a Actor, id string) error {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return err
	}
	if slices.Contains(catalog.IDs(), id) {
		return conflict("%s comes with the program", id)
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		users, err := tx.SystemsOfCatalog(ctx, id)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return conflict("systems use the catalog, such as %s: choose another for them first", strings.Join(users, ", "))
		}
		n, err := tx.Queries.DeleteCatalog(ctx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("catalog")
		}
		return tx.Audit(a.Name, "catalog.delete", id, nil)
	})
}
