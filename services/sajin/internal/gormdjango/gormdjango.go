// Package gormdjango finds the pictures of a gallery made with Django: its table
// t_images says which there are and when they came, and a folder or a bucket
// holds them.
//
// It only reads, and knows nothing of how the pictures get into this gallery.
package gormdjango

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

// Page is how many rows are read at a time, and pageTime how long that may take.
const (
	Page     = 1000
	pageTime = time.Minute
)

// lookAtOnce is how many files are looked at at a time; in a bucket each takes a
// round trip.
const lookAtOnce = 16

// Media holds the pictures, by the paths that the table has. Safe for concurrent
// use.
type Media interface {
	// Key names a picture for good.
	Key(name string) string
	// Look finds a picture. One that is not there is ErrMissing, and a path that
	// leads elsewhere is too.
	Look(ctx context.Context, name string) (File, error)
	// Open reads it from an offset on.
	Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error)
	io.Closer
}

// File is what is known of a picture's file.
type File struct {
	Size     int64
	Modified time.Time
	Check    func() error // whether it is still the same; nil where that is not asked
}

// ErrMissing is a picture that the table has and the folder or bucket has not.
var ErrMissing = errors.New("the file is missing")

// row is one of t_images.
type row struct {
	ID           int64
	Image        sql.NullString
	CreationDate sql.NullTime
}

// Find lists the pictures of a table, in the order of their ids, for an album
// ("" for none). Those whose file cannot be had are in Unread.
func Find(ctx context.Context, db *gorm.DB, media Media, album string) (folder.Found, error) {
	var found folder.Found
	for after, first := int64(0), true; ; first = false {
		rows, err := page(ctx, db, after, first)
		if err != nil {
			return folder.Found{}, fmt.Errorf("the table t_images (id, image, creation_date) cannot be read: %w", err)
		}
		if len(rows) == 0 {
			return found, nil
		}
		after = rows[len(rows)-1].ID
		if err := look(ctx, rows, media, album, &found); err != nil {
			return folder.Found{}, err
		}
	}
}

// page reads the rows after an id.
func page(ctx context.Context, db *gorm.DB, after int64, first bool) (rows []row, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	err = db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		q := tx.Table("t_images").Select("id", "image", "creation_date").Order("id").Limit(Page)
		if !first {
			q = q.Where("id > ?", after)
		}
		return q.Find(&rows).Error
	}, &sql.TxOptions{ReadOnly: true})
	return rows, gormdb.Fault("gormdjango.Find", err)
}

// look makes items of the rows whose files are there.
func look(ctx context.Context, rows []row, media Media, album string, found *folder.Found) error {
	files, failed := make([]File, len(rows)), make([]error, len(rows))
	group, looking := errgroup.WithContext(ctx)
	group.SetLimit(lookAtOnce)
	for i, r := range rows {
		group.Go(func() error {
			files[i], failed[i] = media.Look(looking, r.Image.String)
			return looking.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, r := range rows {
		if failed[i] != nil {
			found.Unread = append(found.Unread, fmt.Errorf("%q (%d in t_images): %w", r.Image.String, r.ID, failed[i]))
			continue
		}
		found.Items = append(found.Items, item(ctx, r, files[i], media, album))
	}
	return nil
}

// item is a picture to send. The table's date stands in where the picture has
// none of its own, and comes before the file's, which is that of some copy.
func item(ctx context.Context, r row, f File, media Media, album string) intake.Item {
	name := r.Image.String
	at := f.Modified
	planned := uploadapi.PlanFile{Name: path.Base(name), Size: uploadapi.Length(f.Size), Album: album}
	if r.CreationDate.Valid && !r.CreationDate.Time.IsZero() {
		at = r.CreationDate.Time
		planned.TakenAt = uploadapi.Moment(at.UTC().Format(time.RFC3339Nano))
	}
	planned.LastModified = uploadapi.Moment(at.UTC().Format(time.RFC3339Nano))
	return intake.Item{
		Key: media.Key(name), Shown: name, File: planned, Check: f.Check,
		Open: func(offset int64) (io.ReadCloser, error) { return media.Open(ctx, name, offset) },
	}
}
