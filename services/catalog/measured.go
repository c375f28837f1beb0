package catalog

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
	core "github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// measured is a store whose outbox is measured as it is looked at.
type measured struct{ core.Store }

// Backlog measures what there is, in every process alike: dashboards take the
// most.
func (m measured) Backlog(ctx context.Context) (core.Backlog, error) {
	b, err := m.Store.Backlog(ctx)
	if err != nil {
		return b, err
	}
	age := time.Duration(0)
	if !b.Oldest.IsZero() {
		age = max(time.Since(b.Oldest), 0)
	}
	telemetry.Outbox.Set(ctx, float64(b.Waiting), attribute.String("state", "waiting"))
	telemetry.Outbox.Set(ctx, float64(b.Aside), attribute.String("state", "aside"))
	telemetry.OutboxAge.Set(ctx, age.Seconds())
	return b, nil
}

// PutOff counts what is set aside.
func (m measured) PutOff(ctx context.Context, failures []core.Failure) error {
	err := m.Store.PutOff(ctx, failures)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if f.Aside {
			telemetry.SetAside.Add(ctx, 1)
		}
	}
	return nil
}
