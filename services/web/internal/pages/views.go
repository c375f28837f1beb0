package pages

import (
	"net/http"
	"strings"
	"time"
)

// Frame is what every page has around its content.
type Frame struct {
	Title    string
	Path     string // of the request, for the current tab
	Here     string // the same with its query, for the language switch
	Language string // BCP 47: "en" or "ko"

	Account   string // the name of who is signed in; "" where nobody signs in
	Anonymous bool   // somebody should be signed in and is not: nothing of the gallery is offered
}

// InAlbums reports whether the page is one of those below the tab Albums.
func (f Frame) InAlbums() bool { return strings.HasPrefix(f.Path, "/albums/") }

// Figure is one picture in the grid.
type Figure struct {
	ID          string
	Name        string
	State       string // processing, ready, failed
	FailCode    string // chooses the translated sentence
	FailDetail  string // the English sentence, where the code has no translation
	Width       int
	Height      int
	Placeholder string // thumbhash, base64
	Renditions  []Source
	OriginalURL string
	TakenAt     time.Time // in the capture's own offset, for headings and labels
	Animated    bool
	Kind        string // of the file, such as "TIFF"
	Viewable    bool   // the original is one that browsers show
	Unavailable bool   // kept, and cannot be shown
	MotionURL   string // of a live picture's moving part
	TrashedAt   *time.Time
}

// Source is one rendition's address and size.
type Source struct {
	Name   string
	URL    string
	Width  int
	Height int
}

// Grid is a run of pictures, in the timeline's order, and where to go on.
type Grid struct {
	Figures    []Figure
	NextCursor string // empty at the end
	After      string // the last day heading already on the page (2006-01-02), so that a following fragment does not repeat it
	Trash      bool
}

// Month is an entry of the month navigation.
type Month struct {
	Month string // 2006-01
	Count int64
}

// GalleryView is the timeline at "/".
type GalleryView struct {
	Frame
	Grid
	Months        []Month
	Total         int64
	Month         string // set when only one month is shown
	ChangesCursor string // where the live update starts
	Notice        string // the key of a message shown once, such as "trashed"
	NoticeID      string // the image it is about, for its undo form
}

// TrashView is "/trash".
type TrashView struct {
	Frame
	Grid
	KeepDays      int
	ChangesCursor string // where the live update starts
	Notice        string
	NoticeID      string
}

// ImageView is one picture at "/images/{id}", the lightbox without script.
type ImageView struct {
	Frame
	Figure
	Info       Info
	PreviousID string // newer
	NextID     string // older

	Albums      []AlbumLink // that it is in, by their paths
	OtherAlbums []string    // the paths of albums to suggest
}

// AlbumLink names an album.
type AlbumLink struct {
	ID   string
	Name string
}

// AlbumCard is an album in a list of albums.
type AlbumCard struct {
	AlbumLink
	Images int64
	Albums int     // in it
	Cover  *Figure // nil for none
}

// AlbumsView is "/albums".
type AlbumsView struct {
	Frame
	Albums   []AlbumCard
	Notice   string
	NoticeID string
}

// AlbumView is one album at "/albums/{id}".
type AlbumView struct {
	Frame
	Grid
	ID            string
	Name          string
	AlbumPath     string // where uploads on this page go
	Total         int64
	Above         []AlbumLink // from the top
	Inner         []AlbumCard
	Deep          bool // no album can be made in it
	ChangesCursor string
	Notice        string
	NoticeID      string
}

// Holds is the album as its own card would tell it.
func (v AlbumView) Holds() AlbumCard { return AlbumCard{Images: v.Total, Albums: len(v.Inner)} }

// Info is what the information panel shows.
type Info struct {
	Size        int64 // bytes
	ContentType string
	SHA256      string
	CreatedAt   time.Time
	HasOffset   bool // whether TakenAt's zone is the camera's own
	Make        string
	Model       string
	Lens        string
	Exposure    string
	FNumber     float64
	ISO         int
	FocalLength float64
	Caption     string
	Keywords    []string
	Rating      int // 1..5; 0 for none
	HasPlace    bool
	Latitude    float64
	Longitude   float64
}

// UploadView is the form at "/upload", before and after it was sent.
type UploadView struct {
	Frame
	Action   string // where the form posts: /upload or /imageapp/upload_image/
	Results  []UploadResult
	Failure  *Failure // the request as a whole was refused
	Recent   []Figure // the newest pictures, as the tutorial's page listed them
	MaxFiles int
	MaxBytes int64 // per file
	// AlbumPath is what the form suggests as the album to upload to.
	AlbumPath string
}

// UploadResult is the outcome for one file.
type UploadResult struct {
	Name        string
	Status      string // uploadapi.Status*
	ID          string
	DuplicateOf string
	Trashed     bool
	Failure     *Failure
}

// Failure is an error as a person reads it.
type Failure struct {
	Status    int
	Code      string // chooses the translated sentence
	Detail    string // the English sentence, where the code has no translation
	RequestID string
	Wait      int // seconds before another try; 0 where it makes no difference
}

// ErrorView is the page for an error.
type ErrorView struct {
	Frame
	Failure
}

// titleKey is the message over the error: nothing went wrong where nothing is.
func (v ErrorView) titleKey() string {
	if v.Status == http.StatusNotFound {
		return "not_found.title"
	}
	return "error.title"
}

// SignInView is the form at "/signin".
type SignInView struct {
	Frame
	Next      string // where it leads to: a path of ours
	Name      string // as it was entered
	Failure   *Failure
	Unclaimed bool   // there is no account yet
	Notice    string // "signed_out" or ""
}

// SetUpView is the form at "/setup".
type SetUpView struct {
	Frame
	Token       string
	Name        string
	Email       string
	MinPassword int // characters
	Failure     *Failure
}

// AccountView is "/account".
type AccountView struct {
	Frame
	Name            string
	Email           string
	External        bool // a provider in front says who is there
	Notice          string
	MinPassword     int // characters
	PasswordFailure *Failure
	Sessions        []Session
	Tokens          []Token
	NewToken        string // shown this once
	NewTokenName    string
	TokenFailure    *Failure
}

// Session is a browser that is signed in.
type Session struct {
	ID      string
	Browser string // "" where it is not known
	Address string
	Began   time.Time
	Seen    time.Time
	Current bool
}

// Token lets a program in.
type Token struct {
	ID   string
	Name string
	Made time.Time
	Used *time.Time // nil for never
}
