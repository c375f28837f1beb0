package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The states of an image in the catalog.
const (
	stateReady  = "ready"
	stateFailed = "failed"
)

// image is a row of the catalog.
type image struct {
	ID, Owner, Key, SHA256, State string
	Trashed                       bool
}

// month is what the catalog says of one, and what it has of it.
type month struct {
	Owner, Month  string
	Said, Counted int
}

// catalog is what the database holds.
type catalog struct {
	images map[string]image
	alias  map[string]string // id -> the image with the same bytes
	months []month
	outbox int
}

// leadsTo is the image that an id is, or is another name for; "" for none.
func (c catalog) leadsTo(id string) string {
	for range len(c.alias) + 1 { // an alias may be of an alias
		if _, is := c.images[id]; is {
			return id
		}
		id = c.alias[id]
	}
	return ""
}

// database is a catalog's.
type database struct{ *sql.DB }

func readCatalog(ctx context.Context, url string) (c catalog, err error) {
	c = catalog{images: map[string]image{}, alias: map[string]string{}}
	db, err := openDatabase(ctx, url)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.each(ctx, "SELECT id, owner, object_key, sha256, state, trashed FROM catalog_images", func(row scanner) error {
		var i image
		err := row.Scan(&i.ID, &i.Owner, &i.Key, &i.SHA256, &i.State, &i.Trashed)
		c.images[i.ID] = i
		return err
	})
	if err != nil {
		return c, err
	}
	err = db.each(ctx, "SELECT id, alias_of FROM catalog_retired WHERE alias_of <> ''", func(row scanner) error {
		var id, of string
		err := row.Scan(&id, &of)
		c.alias[id] = of
		return err
	})
	if err != nil {
		return c, err
	}
	err = db.each(ctx, `SELECT m.owner, m.month, m.images, (SELECT COUNT(*) FROM catalog_images i
		WHERE i.owner = m.owner AND i.month = m.month AND NOT i.trashed) FROM catalog_months m`, func(row scanner) error {
		var m month
		err := row.Scan(&m.Owner, &m.Month, &m.Said, &m.Counted)
		c.months = append(c.months, m)
		return err
	})
	if err != nil {
		return c, err
	}
	err = db.each(ctx, "SELECT COUNT(*) FROM catalog_outbox", func(row scanner) error { return row.Scan(&c.outbox) })
	return c, err
}

type scanner interface{ Scan(into ...any) error }

func (d database) each(ctx context.Context, query string, visit func(scanner) error) error {
	rows, err := d.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("audit: the catalog: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return fmt.Errorf("audit: the catalog: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("audit: the catalog: %w", err)
	}
	return nil
}
