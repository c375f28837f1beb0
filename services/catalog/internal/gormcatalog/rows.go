package gormcatalog

import (
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// The rows of the tables. A test holds them to the migrated schema, so their
// tags say what the migrations say: which columns may be NULL, and the indexes.

type imageRow struct {
	ID          string  `gorm:"primaryKey;index:catalog_images_timeline,priority:4;index:catalog_images_month,priority:5"`
	Owner       string  `gorm:"not null;uniqueIndex:catalog_images_content,priority:1;index:catalog_images_timeline,priority:1;index:catalog_images_month,priority:1"`
	Name        string  `gorm:"not null"`
	ObjectKey   string  `gorm:"not null"`
	ContentType string  `gorm:"not null"`
	Size        int64   `gorm:"not null"`
	Width       int     `gorm:"not null"`
	Height      int     `gorm:"not null"`
	SHA256      string  `gorm:"column:sha256;not null"`
	ContentKey  *string `gorm:"uniqueIndex:catalog_images_content,priority:2"`
	TakenMS     int64   `gorm:"column:taken_ms;not null;index:catalog_images_timeline,priority:3;index:catalog_images_month,priority:4"`
	TakenOffset *int
	Month       string  `gorm:"not null;index:catalog_images_month,priority:3"`
	CreatedMS   int64   `gorm:"column:created_ms;not null"`
	Trashed     bool    `gorm:"not null;index:catalog_images_timeline,priority:2;index:catalog_images_month,priority:2"`
	TrashedMS   *int64  `gorm:"column:trashed_ms;index:catalog_images_expiry"`
	State       string  `gorm:"not null"`
	FailCode    string  `gorm:"not null"`
	FailDetail  string  `gorm:"not null"`
	Placeholder string  `gorm:"not null"`
	Animated    bool    `gorm:"not null"`
	Details     details `gorm:"not null;serializer:json"`
}

// details is what no query asks for, in one column, so that a page of the
// timeline is one query.
type details struct {
	Camera     contract.Camera      `json:"camera,omitzero"`
	Place      *contract.Place      `json:"place,omitempty"`
	Renditions []contract.Rendition `json:"renditions"`
	Preview    string               `json:"preview,omitempty"`
	Motion     *contract.Motion     `json:"motion,omitempty"`
	Caption    string               `json:"caption,omitempty"`
	Keywords   []string             `json:"keywords,omitempty"`
	Rating     int                  `json:"rating,omitempty"`
	Trace      string               `json:"traceparent,omitempty"`
}

type retiredRow struct {
	ID         string `gorm:"primaryKey"`
	Owner      string `gorm:"not null"`
	AliasOf    string `gorm:"not null;index:catalog_retired_alias"`
	FailCode   string `gorm:"not null"`
	FailDetail string `gorm:"not null"`
}

type monthRow struct {
	Owner  string `gorm:"primaryKey"`
	Month  string `gorm:"primaryKey"`
	Images int64  `gorm:"not null"`
}

type feedRow struct {
	Owner   string `gorm:"primaryKey"`
	LastSeq int64  `gorm:"not null"`
}

type changeRow struct {
	Owner   string `gorm:"primaryKey"`
	Seq     int64  `gorm:"primaryKey;autoIncrement:false"`
	ImageID string `gorm:"not null"`
	AlbumID string `gorm:"not null"`
	Kind    string `gorm:"not null"`
	AtMS    int64  `gorm:"column:at_ms;not null;index:catalog_changes_age"`
}

type albumRow struct {
	ID        string `gorm:"primaryKey"`
	Owner     string `gorm:"not null;uniqueIndex:catalog_albums_place,priority:1"`
	Parent    string `gorm:"not null;uniqueIndex:catalog_albums_place,priority:2"`
	Name      string `gorm:"not null;uniqueIndex:catalog_albums_place,priority:3"`
	Images    int64  `gorm:"not null"`
	CreatedMS int64  `gorm:"column:created_ms;not null"`
}

// memberRow has what orders and hides an image beside it, so that a page of an
// album is read from one index.
type memberRow struct {
	AlbumID string `gorm:"primaryKey;index:catalog_members_page,priority:1"`
	ImageID string `gorm:"primaryKey;index:catalog_members_page,priority:4;index:catalog_members_image"`
	Trashed bool   `gorm:"not null;index:catalog_members_page,priority:2"`
	TakenMS int64  `gorm:"column:taken_ms;not null;index:catalog_members_page,priority:3"`
}

type outboxRow struct {
	ID             int64  `gorm:"primaryKey;autoIncrement;index:catalog_outbox_order,priority:2;index:catalog_outbox_due,priority:2"`
	Body           string `gorm:"not null"`
	ClaimedUntilMS int64  `gorm:"column:claimed_until_ms;not null;index:catalog_outbox_due,priority:1"`
	Subject        string `gorm:"not null;index:catalog_outbox_order,priority:1"`
	Attempts       int    `gorm:"not null"`
	FailedMS       int64  `gorm:"column:failed_ms;not null"`
	Aside          bool   `gorm:"not null"`
	Reason         string `gorm:"not null"`
}

type takenRow struct {
	EventKey string `gorm:"primaryKey"`
	Digest   string `gorm:"not null"`
	TakenMS  int64  `gorm:"column:taken_ms;not null;index:catalog_taken_age"`
}

type settingRow struct {
	Name  string `gorm:"primaryKey"`
	Value []byte `gorm:"not null"`
}

func (imageRow) TableName() string   { return "catalog_images" }
func (retiredRow) TableName() string { return "catalog_retired" }
func (monthRow) TableName() string   { return "catalog_months" }
func (feedRow) TableName() string    { return "catalog_feeds" }
func (changeRow) TableName() string  { return "catalog_changes" }
func (albumRow) TableName() string   { return "catalog_albums" }
func (memberRow) TableName() string  { return "catalog_members" }
func (outboxRow) TableName() string  { return "catalog_outbox" }
func (takenRow) TableName() string   { return "catalog_taken" }
func (settingRow) TableName() string { return "catalog_settings" }

func rowOf(i catalog.Image) imageRow {
	row := imageRow{
		ID: i.ID, Owner: i.Owner, Name: i.Name, ObjectKey: i.Key, ContentType: i.ContentType,
		Size: i.Size, Width: i.Width, Height: i.Height, SHA256: i.SHA256,
		TakenMS: i.TakenAt.UnixMilli(), TakenOffset: i.TakenOffset, Month: i.Month(), CreatedMS: i.CreatedAt.UnixMilli(),
		State: i.State, FailCode: i.FailCode, FailDetail: i.FailDetail, Placeholder: i.Placeholder, Animated: i.Animated,
		Details: details{
			Camera: i.Camera, Place: i.Place, Renditions: i.Renditions,
			Preview: i.Preview, Motion: i.Motion, Caption: i.Caption, Keywords: i.Keywords, Rating: i.Rating, Trace: i.TraceParent,
		},
	}
	if key, ok := i.ContentKey(); ok {
		row.ContentKey = &key
	}
	if i.TrashedAt != nil {
		ms := i.TrashedAt.UnixMilli()
		row.Trashed, row.TrashedMS = true, &ms
	}
	return row
}

func (r imageRow) image() catalog.Image {
	i := catalog.Image{
		ID: r.ID, Owner: r.Owner, Name: r.Name, Key: r.ObjectKey, ContentType: r.ContentType,
		Size: r.Size, Width: r.Width, Height: r.Height, SHA256: r.SHA256,
		TakenAt: fromMS(r.TakenMS), TakenOffset: r.TakenOffset, CreatedAt: fromMS(r.CreatedMS),
		State: r.State, FailCode: r.FailCode, FailDetail: r.FailDetail, Placeholder: r.Placeholder, Animated: r.Animated,
		Camera: r.Details.Camera, Place: r.Details.Place, Renditions: r.Details.Renditions,
		Preview: r.Details.Preview, Motion: r.Details.Motion, Caption: r.Details.Caption, Keywords: r.Details.Keywords, Rating: r.Details.Rating,
		TraceParent: r.Details.Trace,
	}
	if r.TrashedMS != nil {
		at := fromMS(*r.TrashedMS)
		i.TrashedAt = &at
	}
	return i
}

func (r retiredRow) retired() catalog.Retired {
	return catalog.Retired{ID: r.ID, Owner: identity.Owner(r.Owner), AliasOf: r.AliasOf, FailCode: r.FailCode, FailDetail: r.FailDetail}
}

func (r albumRow) album() catalog.Album {
	return catalog.Album{
		ID: r.ID, Owner: identity.Owner(r.Owner), ParentID: r.Parent, Name: r.Name, Images: r.Images, CreatedAt: fromMS(r.CreatedMS),
	}
}

func fromMS(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
