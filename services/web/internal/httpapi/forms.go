package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

const (
	// maxFormBytes bounds a form without files.
	maxFormBytes = 16 << 10
	// formIdle is how long such a form may stand still.
	formIdle = 60 * time.Second
	// maxNextBytes bounds the address that a form leads back to.
	maxNextBytes = 2 << 10
	// languageSeconds is how long the choice of a language is kept: a year.
	languageSeconds = 365 * 24 * 60 * 60
)

func (s *Server) trashImage(w http.ResponseWriter, r *http.Request) error {
	return changeImage(w, r, "trashed", "/", func(ctx context.Context, id string) error {
		_, err := s.Gallery.Trash(ctx, id)
		return err
	})
}

func (s *Server) restoreImage(w http.ResponseWriter, r *http.Request) error {
	return changeImage(w, r, "restored", "/", func(ctx context.Context, id string) error {
		_, err := s.Gallery.Restore(ctx, id)
		return err
	})
}

func (s *Server) purgeImage(w http.ResponseWriter, r *http.Request) error {
	return changeImage(w, r, "purged", "/trash", s.Gallery.Purge)
}

// changeImage does what a form asks for and leads to where the notice is shown:
// the form's field next, the page it was on, or home.
func changeImage(w http.ResponseWriter, r *http.Request, notice, home string, do func(context.Context, string) error) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := do(r.Context(), id); err != nil {
		return err
	}
	next := nextURL(form.Get("next"), cameFrom(r, home))
	query := next.Query()
	query.Set("notice", notice)
	query.Set("notice_id", id) // for the form that undoes it
	next.RawQuery = query.Encode()
	seeOther(w, next)
	return nil
}

// setLanguage keeps the choice in a cookie and leads back.
func (s *Server) setLanguage(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if !slices.Contains(pages.Languages(), form.Get("lang")) {
		return fault.Parameter("lang", "The gallery does not speak this language.")
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set where there is https; on loopback there is none
		Name: pages.LanguageCookie, Value: form.Get("lang"), Path: "/", MaxAge: languageSeconds, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: s.secure(),
	})
	seeOther(w, nextURL(form.Get("next"), &url.URL{Path: "/"}))
	return nil
}

// readForm reads a form without files, of at most maxFormBytes. An empty body
// needs no type.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" && r.ContentLength != 0 {
		return nil, errFormType
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, httpx.IdleBody(w, r, formIdle), maxFormBytes))
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, formError(err)
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, fault.New(fault.Invalid, "form_malformed", "The form cannot be read.").With("httpapi.readForm", err)
	}
	return form, nil
}

func formError(err error) error {
	tooLarge, _ := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge != nil:
		return err // problem knows it
	case errors.Is(err, httpx.ErrBodyTimeout):
		return httpx.ErrBodyTimeout.With("httpapi.readForm", err)
	default:
		return httpx.ErrBodyIncomplete.With("httpapi.readForm", err)
	}
}

// nextURL is where a form leads to: a path of ours with its query, or home.
func nextURL(next string, home *url.URL) *url.URL {
	if u := localURL(next); u != nil {
		return u
	}
	return home
}

// cameFrom is the grid that the form was on, or home. Other pages show no
// notice.
func cameFrom(r *http.Request, home string) *url.URL {
	from, err := url.Parse(r.Referer())
	if err == nil && from.Host == r.Host && (from.Path == "/" || from.Path == "/trash") {
		if u := localURL(from.RequestURI()); u != nil {
			return u
		}
	}
	return &url.URL{Path: home}
}

// localURL reads an absolute path, or gives nil. It refuses everything that a
// browser could read as another host: "//host", a backslash (read as a slash),
// control characters (dropped before reading), also where they are encoded, in
// case a proxy decodes.
func localURL(s string) *url.URL {
	if len(s) > maxNextBytes || !strings.HasPrefix(s, "/") {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !plainPath(u.Path) {
		return nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil
	}
	return &url.URL{Path: u.Path, RawQuery: query.Encode()}
}

// plainPath reports whether a decoded path has segments only: none empty but
// the last, none that leads up.
func plainPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.Contains(path, `\`) || !printable(path) {
		return false
	}
	segments := strings.Split(path, "/")
	return !slices.Contains(segments, ".") && !slices.Contains(segments, "..")
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// seeOther leads to a page by GET.
func seeOther(w http.ResponseWriter, u *url.URL) {
	w.Header().Set("Location", u.String())
	w.WriteHeader(http.StatusSeeOther)
}
