package pages

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func newPages(t *testing.T) *Pages {
	t.Helper()
	p, err := New(Options{Assets: tree(nil)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// render is a page as text; a template that asks its view for what it does not
// have fails here.
func render(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// hostile is text as an attacker would name a file.
const hostile = `"><script>alert(1)</script>' onload=x .jpg`

var seoul = time.FixedZone("", 9*60*60)

func figure(id, state string) Figure {
	trashed := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	f := Figure{
		ID: id, Name: hostile, State: state, Width: 4032, Height: 3024, Placeholder: "1QcSHQRnh493V4dIh4eXh1h4kJUI",
		OriginalURL: "/media/" + id + "/original", TakenAt: time.Date(2026, 5, 2, 23, 30, 0, 0, seoul), TrashedAt: &trashed, Animated: true, Viewable: true, Kind: "GIF",
	}
	if state == "ready" {
		f.Renditions = []Source{{"w320", "/media/" + id + "/w320", 320, 240}, {"w1024", "/media/" + id + "/w1024", 1024, 768}, {"w2048", "/media/" + id + "/w2048", 2048, 1536}}
	}
	if state == "failed" {
		f.FailCode, f.FailDetail = "image_corrupt", "The image is damaged."
	}
	return f
}

func grid(trash bool) Grid {
	return Grid{Figures: []Figure{figure("A", "ready"), figure("B", "processing"), figure("C", "failed")}, NextCursor: "next+/=&", Trash: trash}
}

// views are all pages, each once full and once empty.
func views(p *Pages, language string) map[string]func(io.Writer) error {
	f, used := Frame{Path: "/", Language: language, Account: "ann"}, time.Now()
	failure := Failure{Status: 404, Code: "not_found", RequestID: "R1"}
	full := GalleryView{Frame: f, Grid: grid(false), Months: []Month{{"2026-05", 1200}, {"2025-12", 1}}, Total: 1201, Month: "2026-05", ChangesCursor: "c1", Notice: "trashed", NoticeID: "A"}
	image := ImageView{Frame: f, Figure: figure("A", "ready"), PreviousID: "P", NextID: "N", Info: Info{
		Size: 4_812_331, ContentType: "image/jpeg", SHA256: "abc", CreatedAt: time.Now(), HasOffset: true, Make: hostile, Model: hostile,
		Lens: hostile, Exposure: "1/250", FNumber: 2.8, ISO: 400, FocalLength: 23, HasPlace: true, Latitude: 37.5665, Longitude: -126.978,
	}}
	failed, pending := image, image
	failed.Figure, pending.Figure = figure("C", "failed"), figure("B", "processing")
	failed.TrashedAt, pending.OriginalURL = nil, ""
	upload := UploadView{Frame: f, Action: "/upload", MaxFiles: 1000, MaxBytes: 200e6, Failure: &failure, Recent: grid(false).Figures, Results: []UploadResult{
		{Name: hostile, Status: "stored", ID: "A"},
		{Name: "b", Status: "processing", ID: "B"},
		{Name: "c", Status: "duplicate", DuplicateOf: "A"},
		{Name: "d", Status: "duplicate", DuplicateOf: "T", Trashed: true},
		{Name: "e", Status: "refused", Failure: &failure},
		{Name: "f", Status: "refused"},
	}}
	stranger := Frame{Path: "/signin", Language: language, Anonymous: true}
	tooOften := Failure{Status: 429, Code: "too_many_attempts", Wait: 64}
	signIn := SignInView{Frame: stranger, Next: "/albums?x=" + hostile, Notice: "signed_out"}
	again := SignInView{Frame: stranger, Next: "/albums", Name: hostile, Failure: &tooOften}
	setUp := SetUpView{Frame: stranger, Token: hostile, Name: hostile, Email: hostile, MinPassword: 10, Failure: &failure}
	account := AccountView{
		Frame: Frame{Path: "/account", Language: language, Account: hostile}, Name: hostile, Email: hostile, Notice: "password_changed", MinPassword: 10,
		PasswordFailure: &failure, TokenFailure: &failure, NewToken: "sajin_X", NewTokenName: hostile,
		Sessions: []Session{{ID: "S", Browser: hostile, Address: hostile, Began: time.Now(), Seen: time.Now(), Current: true}, {ID: "T"}},
		Tokens:   []Token{{ID: "T", Name: hostile, Made: time.Now(), Used: &used}, {ID: "U", Name: "x"}},
	}
	return map[string]func(io.Writer) error{
		"gallery":       func(w io.Writer) error { return p.Gallery(w, full) },
		"gallery empty": func(w io.Writer) error { return p.Gallery(w, GalleryView{Frame: f}) },
		"trash": func(w io.Writer) error {
			return p.Trash(w, TrashView{Frame: f, Grid: grid(true), KeepDays: 30, Notice: "purged"})
		},
		"trash empty":   func(w io.Writer) error { return p.Trash(w, TrashView{Frame: f, KeepDays: 1, Notice: "restored"}) },
		"image":         func(w io.Writer) error { return p.Image(w, image) },
		"image failed":  func(w io.Writer) error { return p.Image(w, failed) },
		"image pending": func(w io.Writer) error { return p.Image(w, pending) },
		"image bare":    func(w io.Writer) error { return p.Image(w, ImageView{Frame: f, Figure: Figure{ID: "A"}}) },
		"upload":        func(w io.Writer) error { return p.Upload(w, upload) },
		"upload empty":  func(w io.Writer) error { return p.Upload(w, UploadView{Frame: f, Action: "/upload"}) },
		"error":         func(w io.Writer) error { return p.Error(w, ErrorView{Frame: f, Failure: failure}) },
		"error unknown": func(w io.Writer) error {
			return p.Error(w, ErrorView{Frame: f, Failure: Failure{Status: 500, Code: "x"}})
		},
		"signin":           func(w io.Writer) error { return p.SignIn(w, signIn) },
		"signin again":     func(w io.Writer) error { return p.SignIn(w, again) },
		"signin unclaimed": func(w io.Writer) error { return p.SignIn(w, SignInView{Frame: stranger, Next: "/", Unclaimed: true}) },
		"setup":            func(w io.Writer) error { return p.SetUp(w, setUp) },
		"account":          func(w io.Writer) error { return p.Account(w, account) },
		"account bare":     func(w io.Writer) error { return p.Account(w, AccountView{Frame: f, Notice: "session_ended"}) },
		"account external": func(w io.Writer) error {
			return p.Account(w, AccountView{Frame: f, External: true, Notice: "token_revoked"})
		},
		"error stranger": func(w io.Writer) error {
			return p.Error(w, ErrorView{Frame: stranger, Failure: Failure{Status: 401, Code: "unauthenticated"}})
		},
		"fragment": func(w io.Writer) error { return p.Fragment(w, f, grid(false)) },
		"months": func(w io.Writer) error {
			return p.Months(w, GalleryView{Frame: f, Months: []Month{{"2026-05", 3}}, Total: 3})
		},
		"fragment trash": func(w io.Writer) error { return p.Fragment(w, f, grid(true)) },
	}
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	p := newPages(t)
	for _, language := range Languages() {
		for name, write := range views(p, language) {
			t.Run(language+"/"+name, func(t *testing.T) {
				html := render(t, write)
				if strings.Contains(html, "<script>alert") || strings.Contains(html, `"><script`) {
					t.Error("a file's name became markup")
				}
				if strings.Contains(html, "ZgotmplZ") {
					t.Error("the template engine refused a value")
				}
				// The policy forbids inline style and handlers, so none may be written.
				for _, inline := range []string{" style=", " onclick=", "<style"} {
					if strings.Contains(html, inline) {
						t.Errorf("the page holds %q, which its policy forbids", inline)
					}
				}
			})
		}
	}
}

func TestPagesAreSetInTheirLanguage(t *testing.T) {
	p := newPages(t)
	for language, want := range map[string]string{"ko": "2026년 5월", "en": "May 2026", "xx": "May 2026"} {
		html := render(t, views(p, language)["gallery"])
		if !strings.Contains(html, "<h2>"+want+"</h2>") {
			t.Errorf("%s: no heading %q", language, want)
		}
	}
}

// The page says what it is: nothing failed where there is nothing.
func TestNotFoundIsNoFailure(t *testing.T) {
	p := newPages(t)
	for status, want := range map[int]string{404: "There is nothing here", 500: "That did not work"} {
		html := render(t, func(w io.Writer) error {
			return p.Error(w, ErrorView{Frame: Frame{Language: "en"}, Failure: Failure{Status: status, Code: "x"}})
		})
		if !strings.Contains(html, "<h1>"+want+"</h1>") || !strings.Contains(html, "<title>"+want+" ·") {
			t.Errorf("%d is not called %q", status, want)
		}
	}
}

// An album that holds albums only is not called empty.
func TestAlbumsTellWhatTheyHold(t *testing.T) {
	p := newPages(t)
	html := render(t, func(w io.Writer) error {
		return p.Albums(w, AlbumsView{Frame: Frame{Language: "en"}, Albums: []AlbumCard{{Albums: 1}, {Images: 2, Albums: 3}, {}}})
	})
	for _, want := range []string{">1 album<", ">2 pictures · 3 albums<", ">0 pictures<"} {
		if !strings.Contains(html, want) {
			t.Errorf("no card says %s", want)
		}
	}
}

func TestFragmentHoldsPicturesOnly(t *testing.T) {
	p := newPages(t)
	html := render(t, views(p, "en")["fragment"])
	if strings.Contains(html, "<html") || strings.Contains(html, "<header") {
		t.Error("a fragment must have no page around it")
	}
	if months := render(t, views(p, "en")["months"]); strings.Contains(months, "<html") || !strings.Contains(months, "data-total>3 pictures<") || !strings.Contains(months, `data-count="3"`) {
		t.Errorf("the months are %s", months)
	}
	if got := strings.Count(html, "<figure"); got != 3 {
		t.Errorf("%d figures, want 3", got)
	}
}

func TestFragmentDoesNotRepeatTheHeadingOnThePage(t *testing.T) {
	p := newPages(t)
	g := grid(false)
	g.After = "2026-05-02"
	html := render(t, func(w io.Writer) error { return p.Fragment(w, Frame{Language: "en"}, g) })
	if strings.Contains(html, "<h3>") {
		t.Error("the day's heading is repeated")
	}
}

func TestProcessingAndFailedPicturesAreTold(t *testing.T) {
	p := newPages(t)
	html := render(t, views(p, "en")["fragment"])
	for _, want := range []string{"Being prepared", "The image is damaged or incomplete", `data-state="processing"`, `data-state="failed"`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q", want)
		}
	}
	page := render(t, views(p, "ko")["image failed"])
	if !strings.Contains(page, "손상되었거나") {
		t.Error("the page of a failed picture does not say why in its language")
	}
}

func TestPolicyAllowsNothingInlineAndNoOtherHost(t *testing.T) {
	policy := newPages(t).ContentSecurityPolicy()
	for _, bad := range []string{"unsafe", "*", "http", "data:", "blob:"} {
		if strings.Contains(policy, bad) {
			t.Errorf("the policy holds %q", bad)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'") {
		t.Error("what is not named must be forbidden")
	}
}

// A write that fails must be reported, and nothing of a page that cannot be
// rendered may have been written before.
func TestWriteErrorIsReported(t *testing.T) {
	p := newPages(t)
	if err := p.Error(failingWriter{}, ErrorView{}); err == nil {
		t.Error("no error")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Pages may send files to a bucket that takes them itself, and to nothing else.
func TestPolicyAllowsTheBucketsSessions(t *testing.T) {
	p, err := New(Options{SendTo: "https://storage.example"})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(newPages(t).ContentSecurityPolicy(), "connect-src 'self';", "connect-src 'self' https://storage.example;", 1)
	if got := p.ContentSecurityPolicy(); got != want || !strings.Contains(got, "https://storage.example") {
		t.Errorf("the policy is %q, want %q", got, want)
	}
}

// Who is not signed in is offered nothing that they cannot have, and no script.
func TestStrangersAreOfferedTheDoorOnly(t *testing.T) {
	p := newPages(t)
	stranger := Frame{Path: "/signin", Language: "en", Anonymous: true}
	for name, write := range map[string]func(io.Writer) error{
		"signin": func(w io.Writer) error { return p.SignIn(w, SignInView{Frame: stranger, Next: "/"}) },
		"error": func(w io.Writer) error {
			return p.Error(w, ErrorView{Frame: stranger, Failure: Failure{Status: 404, Code: "not_found"}})
		},
	} {
		html := render(t, write)
		for _, offered := range []string{`href="/albums"`, `href="/upload"`, `href="/account"`, "<script", "<template"} {
			if strings.Contains(html, offered) {
				t.Errorf("%s offers %s", name, offered)
			}
		}
	}
	if html := render(t, func(w io.Writer) error { return p.Gallery(w, GalleryView{Frame: Frame{Path: "/", Language: "en"}}) }); strings.Contains(html, `href="/account"`) {
		t.Error("a gallery without accounts has a page for them")
	}
}
