package service

import (
	"context"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func finalBatch(state string) bool { return state == "done" || state == "cancelled" || state == "failed" }

func oneBatch(ctx context.Context, tx *postgres.Tx, b query.Batch) (resource.Batch, error) {
	return resource.Batch{}, errNotBuilt
}
