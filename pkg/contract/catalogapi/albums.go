package catalogapi

import "time"

// The paths of albums. {id} is an album's id.
const (
	PathAlbums      = "/v1/albums"                    // GET: AlbumsRequest as query -> AlbumsResponse; POST: NewAlbum -> Album
	PathAlbum       = "/v1/albums/{id}"               // GET -> Album; PATCH: AlbumChange -> Album; DELETE -> 204
	PathAlbumAdd    = "/v1/albums/{id}/images"        // POST: MembersRequest -> MembersResponse
	PathAlbumRemove = "/v1/albums/{id}/images/remove" // POST: MembersRequest -> MembersResponse
	PathAlbumPaths  = "/v1/album-paths"               // POST: PutRequest -> PutResponse
)

// Limits of albums, beside those of their names in the package contract.
const (
	MaxAlbums        = 10_000 // of one owner
	MaxMembers       = 1000   // image ids in one MembersRequest, or one PutRequest
	MaxPutAlbums     = 1000   // albums in one PutRequest
	MaxAlbumsOfImage = 100    // that one image may be in
)

// Album is a named collection of images. It may be in another album. Names are
// unique, byte by byte, among the albums of one owner in the same parent.
type Album struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	ParentID string `json:"parent_id,omitempty"` // empty at the top
	Path     string `json:"path"`                // the names from the top, joined by '/'
	// Images counts the images in it that are not in the trash; those of the
	// albums in it are not counted.
	Images    int64     `json:"images"`
	CoverID   string    `json:"cover_id,omitempty"` // its newest image that can be shown
	CreatedAt time.Time `json:"created_at"`
	// HasImage says whether the image that was asked about is in it.
	HasImage bool `json:"has_image,omitempty"`
}

// AlbumsRequest asks for all albums. Query parameter: image, the id of an image
// to mark the albums of.
type AlbumsRequest struct {
	Image string
}

// AlbumsResponse lists all albums of the owner: each parent before its children,
// and those of one parent by their names.
type AlbumsResponse struct {
	Albums []Album `json:"albums"`
}

// NewAlbum asks for an album. One that is there already is given back, so that
// asking twice is asking once.
type NewAlbum struct {
	Name     string `json:"name"`
	ParentID string `json:"parent_id,omitempty"`
}

// AlbumChange renames or moves an album; nil leaves as it is. An empty ParentID
// moves to the top.
type AlbumChange struct {
	ID       string  `json:"-"`
	Name     *string `json:"name,omitempty"`
	ParentID *string `json:"parent_id,omitempty"`
}

// MembersRequest names images to put into an album, or to take out of it.
type MembersRequest struct {
	ID  string   `json:"-"`   // of the album
	IDs []string `json:"ids"` // of images; at most MaxMembers
}

// MembersResponse answers in the order of the request.
type MembersResponse struct {
	Results []MemberResult `json:"results"`
}

// What became of an image that was to be put into an album, or taken out.
const (
	MemberDone     = "done"      // it is in the album now, or out of it, as asked
	MemberNotFound = "not_found" // the owner has no such image
	MemberTooMany  = "too_many"  // it is in MaxAlbumsOfImage others
)

// MemberResult is about one image. ID is as it was asked for; a duplicate that
// was merged counts as the image that it was merged into.
type MemberResult struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// PutRequest puts images into albums that are named by their paths, and makes
// those that are not there, with all on the way to them. A path is cleaned as
// the album of an upload is (contract.AlbumPath), so that it leads to the same.
type PutRequest struct {
	Albums []PutAlbum `json:"albums"`
}

// PutAlbum is one of the albums.
type PutAlbum struct {
	Path string   `json:"path"`
	IDs  []string `json:"ids"` // of images; together at most MaxMembers
}

// PutResponse answers in the order of the request.
type PutResponse struct {
	Albums []PutResult `json:"albums"`
}

// PutResult is the album that a path led to, and what became of the images.
type PutResult struct {
	AlbumID string         `json:"album_id"`
	Results []MemberResult `json:"results"`
}
