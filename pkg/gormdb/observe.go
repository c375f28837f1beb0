package gormdb

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// startKey is where a statement keeps when it began.
const startKey = "sajin:start"

// maxStatement bounds what is recorded of a statement's text, which holds places
// for its values and not the values.
const maxStatement = 1 << 10

// observe records every statement of db in the trace that its context belongs to.
func observe(db *gorm.DB) error {
	calls := db.Callback()
	type processor interface {
		Register(name string, fn func(*gorm.DB)) error
	}
	for _, around := range []struct{ before, after processor }{
		{calls.Create().Before("gorm:create"), calls.Create().After("gorm:create")},
		{calls.Query().Before("gorm:query"), calls.Query().After("gorm:query")},
		{calls.Update().Before("gorm:update"), calls.Update().After("gorm:update")},
		{calls.Delete().Before("gorm:delete"), calls.Delete().After("gorm:delete")},
		{calls.Row().Before("gorm:row"), calls.Row().After("gorm:row")},
		{calls.Raw().Before("gorm:raw"), calls.Raw().After("gorm:raw")},
	} {
		if err := around.before.Register("sajin:began", began); err != nil {
			return err
		}
		if err := around.after.Register("sajin:ended", ended); err != nil {
			return err
		}
	}
	return nil
}

func began(tx *gorm.DB) { tx.InstanceSet(startKey, time.Now()) }

func ended(tx *gorm.DB) {
	value, _ := tx.InstanceGet(startKey)
	start, ok := value.(time.Time)
	if !ok || tx.DryRun {
		return
	}
	ctx, text := tx.Statement.Context, tx.Statement.SQL.String()
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	attributes := []attribute.KeyValue{
		attribute.String("db.system.name", tx.Name()), attribute.String("db.operation.name", strings.ToUpper(verb)),
		attribute.String("db.collection.name", tx.Statement.Table),
	}
	telemetry.Queries.Record(ctx, time.Since(start).Seconds(), attributes...)
	telemetry.Past(ctx, telemetry.Client, strings.TrimSpace(strings.ToUpper(verb)+" "+tx.Statement.Table), start, Fault("gormdb", tx.Error),
		append(attributes, attribute.String("db.query.text", text[:min(len(text), maxStatement)]))...)
}
