package pages

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/sajin-gallery/sajin/services/web/ui"
)

// Options says where the assets come from.
type Options struct {
	// Assets is a tree shaped like ui.Files: static/, styles/, and dist/ once
	// the scripts were built. Nil means ui.Files.
	Assets fs.FS
	// Dev is a tree shaped like services/web, such as a checkout's (see Unpack):
	// templates, translations and assets are read from it, again for every page,
	// so that an edit shows on reload. Assets are then not cached. Nil means what
	// is built in, and Assets.
	Dev fs.FS
	// SendTo is an origin besides the page's own that scripts may send to: where
	// a bucket takes files itself. "" is none.
	SendTo string
	// Static is the address below which somebody else serves what Files lists,
	// without a slash at its end. "" is none: then Static serves it.
	Static string
}

// Pages renders every page. It is safe for concurrent use.
type Pages struct {
	static string
	source fs.FS // of the assets
	texts  fs.FS // of templates and translations
	dev    bool
	sendTo string

	mu        sync.Mutex // what follows is replaced on every page in Dev, else fixed
	assets    *assets
	languages map[string]*edition // by BCP 47 tag
}

// New reads the templates, the translations and the assets. Its errors are
// defects of the build, not of the configuration.
func New(opts Options) (*Pages, error) {
	p := &Pages{source: opts.Assets, texts: texts, sendTo: opts.SendTo, static: opts.Static, dev: opts.Dev != nil}
	if p.source == nil {
		p.source = ui.Files
	}
	if p.dev {
		if err := p.readFrom(opts.Dev); err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
	}
	var err error
	if p.assets, err = loadAssets(p.source, p.static); err != nil {
		return nil, fmt.Errorf("pages: load the assets: %w", err)
	}
	p.languages, err = p.editions()
	return p, err
}

// editions reads the templates in every language.
func (p *Pages) editions() (map[string]*edition, error) {
	out := map[string]*edition{}
	for _, tag := range Languages() {
		var err error
		if out[tag], err = newEdition(p.texts, tag, p.current); err != nil {
			return nil, fmt.Errorf("pages: language %q: %w", tag, err)
		}
	}
	return out, nil
}

// Missing says in a sentence what the interface lacks and how to get it, or "".
// The pages work without: they only do not come alive.
func (p *Pages) Missing() string {
	if p.current().script != "" {
		return ""
	}
	return "The interface's scripts have not been built (npm ci && npm run build in services/web/ui). The pages work without script."
}

// current is the assets that pages refer to now.
func (p *Pages) current() *assets {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.assets
}

// Gallery writes the timeline.
func (p *Pages) Gallery(w io.Writer, v GalleryView) error {
	return p.page(w, "gallery", &v.Frame, &v)
}

// Trash writes the trash.
func (p *Pages) Trash(w io.Writer, v TrashView) error {
	v.Grid.Trash = true
	return p.page(w, "trash", &v.Frame, &v)
}

// Image writes the page of one picture.
func (p *Pages) Image(w io.Writer, v ImageView) error {
	v.Title = cmp.Or(v.Title, v.Name)
	return p.page(w, "image", &v.Frame, &v)
}

// Albums writes the albums at the top.
func (p *Pages) Albums(w io.Writer, v AlbumsView) error {
	return p.page(w, "albums", &v.Frame, &v)
}

// Album writes one album.
func (p *Pages) Album(w io.Writer, v AlbumView) error {
	return p.page(w, "album", &v.Frame, &v)
}

// Upload writes the upload form and what became of the files sent.
func (p *Pages) Upload(w io.Writer, v UploadView) error {
	return p.page(w, "upload", &v.Frame, &v)
}

// Error writes the page for an error. The status is the caller's to send.
func (p *Pages) Error(w io.Writer, v ErrorView) error {
	return p.titled(w, "error", v.titleKey(), &v.Frame, &v)
}

// SignIn writes the form that asks who is there.
func (p *Pages) SignIn(w io.Writer, v SignInView) error {
	return p.page(w, "signin", &v.Frame, &v)
}

// SetUp writes the form that makes the owner's account.
func (p *Pages) SetUp(w io.Writer, v SetUpView) error {
	return p.page(w, "setup", &v.Frame, &v)
}

// Account writes what somebody may change about how they are let in.
func (p *Pages) Account(w io.Writer, v AccountView) error {
	return p.page(w, "account", &v.Frame, &v)
}

// Fragment writes a run of pictures with their headings, without a page around
// it: what the scripts fetch while one scrolls and when pictures arrive.
func (p *Pages) Fragment(w io.Writer, f Frame, g Grid) error {
	if err := p.refresh(); err != nil {
		return err
	}
	return p.edition(f.Language).render(w, "grid", g)
}

// Months writes the list of months with the gallery's total, without a page
// around it: what the scripts fetch when pictures have come or gone.
func (p *Pages) Months(w io.Writer, v GalleryView) error {
	if err := p.refresh(); err != nil {
		return err
	}
	return p.edition(v.Language).render(w, "jump", v)
}

// page renders a whole page whose title, unless given, is the message
// "<name>.title".
func (p *Pages) page(w io.Writer, name string, f *Frame, view any) error {
	return p.titled(w, name, name+".title", f, view)
}

// titled is page with another message for its title.
func (p *Pages) titled(w io.Writer, name, titleKey string, f *Frame, view any) error {
	if err := p.refresh(); err != nil {
		return err
	}
	e := p.edition(f.Language)
	f.Language = e.tag
	if f.Title == "" {
		title, err := e.messages.text(titleKey)
		if err != nil {
			return err
		}
		f.Title = title
	}
	return e.render(w, name, view)
}

// edition is the language's templates; an unknown language reads English.
func (p *Pages) edition(tag string) *edition {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.languages[tag]; ok {
		return e
	}
	return p.languages[fallback]
}

// render executes into a buffer first, so that a failure never leaves half a
// page behind a status that said all is well.
func (e *edition) render(w io.Writer, name string, view any) error {
	var buf bytes.Buffer
	if err := e.templates.ExecuteTemplate(&buf, name, view); err != nil {
		return fmt.Errorf("pages: render %q: %w", name, err)
	}
	_, err := buf.WriteTo(w)
	return err
}

// ContentSecurityPolicy is the policy that every page is written for: nothing
// inline, nothing from another place but the interface's files, where somebody
// else serves them, and nothing to another host but pictures, where the bucket
// takes them itself.
func (p *Pages) ContentSecurityPolicy() string {
	connect := "'self'"
	if p.sendTo != "" {
		connect += " " + p.sendTo
	}
	// With its path: whoever else has a bucket at that host is not meant.
	own := "'self'"
	if p.static != "" {
		own += " " + p.static + staticPrefix
	}
	return "default-src 'none'; script-src " + own + "; style-src " + own + "; img-src " + own + "; media-src 'self'; connect-src " + connect + "; " +
		"worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
