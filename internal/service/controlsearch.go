package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// SearchControls finds controls by words and meaning, best first, without those
// withdrawn: of one catalog, or of all that come with the program and the
// organization's own where the id is empty. Scope read.
//
// A catalog is read as a whole wherever it is used, and has tens of controls to a
// few thousand: they and their vectors lie in memory, under the catalog's version,
// and every one is compared. Vectors that an endpoint gave are kept as all its
// answers are, so that none is paid for twice.
func (s *Service) SearchControls(ctx context.Context, a Actor, words, id string, limit int) ([]resource.Control, error) {
	if err := a.can(resource.ScopeRead); err != nil {
		return nil, err
	}
	words, limit, err := readSearch(words, limit)
	if err != nil {
		return nil, err
	}
	of, err := s.catalogVersions(ctx, a, id)
	if err != nil {
		return nil, err
	}
	embedder, err := s.queryEmbedder(ctx, a)
	if err != nil {
		return nil, err
	}
	out, err := s.searchControls(ctx, a, of, embedder, words, limit)
	if err != nil && embedder != nil && ctx.Err() == nil && !errors.As(err, new(*Error)) {
		s.cfg.Log.WarnContext(ctx, "a search goes by words alone", "error", err)
		return s.searchControls(ctx, a, of, nil, words, limit)
	}
	return out, err
}

func (s *Service) searchControls(ctx context.Context, a Actor, of []catalogVersion, embedder embed.Embedder, words string, limit int) ([]resource.Control, error) {
	if embedder == nil {
		embedder = mute{}
	}
	x, err := s.controls.get(controlKey(a, of, embedder), func() (*controlIndex, error) { return s.indexControls(ctx, a, of, embedder) })
	if err != nil {
		return nil, err
	}
	found, err := x.index.Search(ctx, words, limit)
	out := x.named(words)
	for _, p := range found {
		c := x.controls[p.ID]
		if !slices.ContainsFunc(out, func(o resource.Control) bool { return o.Catalog == c.Catalog && o.ID == c.ID }) {
			out = append(out, c)
		}
	}
	return out[:min(limit, len(out))], err
}

// named are the controls that words call by their ids, which say nothing to a
// search by words.
func (x *controlIndex) named(words string) []resource.Control {
	out := []resource.Control{}
	names := strings.Fields(strings.ToLower(words))
	slices.Sort(names)
	for _, w := range slices.Compact(names) {
		for _, ref := range x.ids[w] {
			out = append(out, x.controls[ref])
		}
	}
	return out
}

// readSearch checks what people search for, and how much of it they want.
func readSearch(words string, limit int) (string, int, error) {
	words = strings.TrimSpace(words)
	if words == "" || len(words) > longestQuery {
		return "", 0, invalid("q", "it must be 1 to %d bytes", longestQuery)
	}
	if limit == 0 {
		limit = usualHits
	}
	if limit < 1 || limit > mostHits {
		return "", 0, invalid("limit", "it must be 1 to %d", mostHits)
	}
	return words, limit, nil
}

// catalogVersion is a catalog as it was at one time.
type catalogVersion struct {
	id, version string
	own         bool
}

// catalogVersions are the catalogs that are searched.
func (s *Service) catalogVersions(ctx context.Context, a Actor, id string) ([]catalogVersion, error) {
	var out []catalogVersion
	for _, known := range catalog.IDs() {
		if id == "" || id == known {
			out = append(out, catalogVersion{id: known, version: s.cfg.Version})
		}
	}
	if id != "" && len(out) > 0 {
		return out, nil
	}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		rows, err := tx.CatalogVersions(ctx, id)
		for _, r := range rows {
			out = append(out, catalogVersion{id: r.ID, version: r.Version, own: true})
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = notFound("catalog")
	}
	return out, err
}

// controlKey names an index. What comes with the program is the same for all where
// no endpoint had a part in it.
func controlKey(a Actor, of []catalogVersion, embedder embed.Embedder) string {
	var b strings.Builder
	if slices.ContainsFunc(of, func(c catalogVersion) bool { return c.own }) || embedder.Dimensions() == 0 {
		b.WriteString(a.Organization.String())
	}
	fmt.Fprintf(&b, "\x00%s", embedder.Name())
	for _, c := range of {
		fmt.Fprintf(&b, "\x00%s\x00%s", c.id, c.version)
	}
	return b.String()
}

// controlIndex finds controls, by reference.
type controlIndex struct {
	index    *retrieve.Index
	controls map[string]resource.Control
	ids      map[string][]string // references by id in lower case
}

func (s *Service) indexControls(ctx context.Context, a Actor, of []catalogVersion, embedder embed.Embedder) (*controlIndex, error) {
	x := &controlIndex{controls: map[string]resource.Control{}, ids: map[string][]string{}}
	var passages []threatmodel.Passage
	for _, v := range of {
		c, err := s.openVersion(ctx, a, v)
		if err != nil {
			return nil, err
		}
		for _, r := range c.Controls() {
			if r.Withdrawn {
				continue
			}
			ref := c.ID + ":" + r.ID
			x.controls[ref] = controlOf(c, r)
			x.ids[strings.ToLower(r.ID)] = append(x.ids[strings.ToLower(r.ID)], ref)
			passages = append(passages, threatmodel.Passage{
				ID: ref, Heading: r.Title, Header: r.ID, Text: r.Summary + "\n" + strings.Join(r.LookFor, ", "),
			})
		}
	}
	var err error
	x.index, err = retrieve.New(ctx, passages, embedder)
	return x, err
}

func (s *Service) openVersion(ctx context.Context, a Actor, v catalogVersion) (*catalog.Catalog, error) {
	if !v.own {
		return catalog.Open(v.id)
	}
	var row query.Catalog
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Catalog(ctx, v.id)
		return missing(err, "catalog")
	})
	if err != nil {
		return nil, err
	}
	return openCatalog(v.id, []query.Catalog{row})
}

func controlOf(c *catalog.Catalog, x catalog.Control) resource.Control {
	return resource.Control{Catalog: c.ID, ID: x.ID, Title: x.Title, Summary: x.Summary, DesignVisible: x.DesignVisible, LookFor: x.LookFor}
}

// mute is an embedder to which nothing means anything: what is found then is found
// by words.
type mute struct{}

func (mute) Embed(_ context.Context, texts []string) ([][]float32, error) {
	return make([][]float32, len(texts)), nil
}
func (mute) Name() string    { return "none" }
func (mute) Dimensions() int { return 0 }

// mostControls bounds what the indexes in memory hold together: some 2 KB each.
const mostControls = 20_000

// controlIndexes keeps the indexes that were used last.
type controlIndexes struct {
	mu   sync.Mutex
	kept map[string]*controlIndex
	used []string // keys, least recently used first
	held int      // controls of all
	most int      // bound of held; 0 for mostControls
}

// get gives the index under a key, made where it is missing.
func (c *controlIndexes) get(key string, make func() (*controlIndex, error)) (*controlIndex, error) {
	if x := c.find(key); x != nil {
		return x, nil
	}
	x, err := make()
	if err != nil {
		return nil, err
	}
	c.keep(key, x)
	return x, nil
}

func (c *controlIndexes) find(key string) *controlIndex {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.kept[key]
	if x != nil {
		i := slices.Index(c.used, key)
		c.used = append(slices.Delete(c.used, i, i+1), key)
	}
	return x
}

// keep adds an index, and drops those that were not used for longest.
func (c *controlIndexes) keep(key string, x *controlIndex) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]*controlIndex{}
	}
	if c.kept[key] != nil {
		return // another was as quick
	}
	c.kept[key] = x
	c.used = append(c.used, key)
	c.held += len(x.controls)
	for c.held > cmp.Or(c.most, mostControls) && len(c.used) > 1 {
		c.held -= len(c.kept[c.used[0]].controls)
		delete(c.kept, c.used[0])
		c.used = c.used[1:]
	}
}
