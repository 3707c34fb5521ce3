package service

import (
	"context"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Catalogs lists the known catalogs and the organization's own. Scope read.
func (s *Service) Catalogs(ctx context.Context, a Actor) ([]resource.Catalog, error) {
	return nil, errNotBuilt
}

// Catalog is one of them. Scope read.
func (s *Service) Catalog(ctx context.Context, a Actor, id string) (resource.Catalog, error) {
	return resource.Catalog{}, errNotBuilt
}

// Controls lists the controls of a catalog; query selects by words of id,
// title and summary. Scope read.
func (s *Service) Controls(ctx context.Context, a Actor, catalog, query string) ([]resource.Control, error) {
	return nil, errNotBuilt
}

// PutCatalog makes or replaces a catalog of the organization's own, given as
// YAML. Scope admin.
func (s *Service) PutCatalog(ctx context.Context, a Actor, id string, yaml []byte, ifMatch int64) (resource.Catalog, error) {
	return resource.Catalog{}, errNotBuilt
}

// DeleteCatalog removes a catalog of the organization's own that no system
// uses. Scope admin.
func (s *Service) DeleteCatalog(ctx context.Context, a Actor, id string) error {
	return errNotBuilt
}
