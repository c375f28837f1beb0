package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/sajin/internal/doctor"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/web"
)

// peersConfig is where services are that run apart.
type peersConfig struct {
	CatalogURL string `env:"CATALOG_URL"`
	UploadURL  string `env:"UPLOAD_URL"`
}

// doctorCommand is sajin doctor. A configuration that is wrong is said by what
// reads it, with all that is wrong with it.
func doctorCommand(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := upkeep("doctor", args, stdout, func(*flag.FlagSet) {})
	if err != nil || c == nil {
		return err
	}
	e := &examination{configuration: c, checks: []doctor.Check{said(doctor.Finding{Level: doctor.Good, About: "settings", Detail: "every variable is understood"})}}
	defer e.close()
	if _, err := os.Stat(c.common.DataDir); c.embedded && err != nil {
		e.say(doctor.Warning, "data folder", c.common.DataDir+" is not there yet", "sajin serve, which makes it")
	} else {
		e.store(ctx)
		e.events(ctx)
		e.databases(ctx)
	}
	e.others()
	if n := doctor.Run(ctx, stdout, e.checks); n > 0 {
		return fmt.Errorf("%d problems were found", n)
	}
	return nil
}

// examination collects what to look at.
type examination struct {
	*configuration
	checks []doctor.Check
	opened []*platform.Adapters
}

func said(f doctor.Finding) doctor.Check {
	return func(context.Context) []doctor.Finding { return []doctor.Finding{f} }
}

func (e *examination) say(level doctor.Level, about, detail, mend string) {
	e.checks = append(e.checks, said(doctor.Finding{Level: level, About: about, Detail: detail, Mend: mend}))
}

// open opens one adapter by itself, so that one that fails hides no other. One
// that a gallery on this machine uses is not looked at.
func (e *examination) open(ctx context.Context, about string, need platform.Need) *platform.Adapters {
	a, err := everything.Open(ctx, e.adapters, need)
	switch {
	case fault.KindOf(err) == fault.Locked:
		e.say(doctor.Good, about, "a gallery is running and uses it", "")
	case err != nil:
		e.say(doctor.Problem, about, "it cannot be opened: "+err.Error(), "")
	default:
		e.opened = append(e.opened, a)
		return a
	}
	return nil
}

func (e *examination) close() {
	for _, a := range e.opened {
		a.Close()
	}
}

func (e *examination) store(ctx context.Context) {
	a := e.open(ctx, "media", platform.Media)
	if a == nil {
		return
	}
	mend, bucket := "chown -R $USER "+e.common.DataDir, ""
	if u, err := url.Parse(e.adapters.MediaURL); err == nil && u.Scheme == "gs" {
		bucket = u.Host
		mend = "gcloud storage buckets add-iam-policy-binding gs://" + bucket + " --member=serviceAccount:ACCOUNT --role=roles/storage.objectUser"
	}
	e.checks = append(e.checks, doctor.Media(a.Media, time.Now, mend))
	if setup, ok := a.Media.(blob.SetupReader); ok {
		e.checks = append(e.checks, doctor.Bucket(setup, bucket, e.web.PublicOrigin))
	}
}

func (e *examination) events(ctx context.Context) {
	a := e.open(ctx, "events", platform.Events)
	if a == nil {
		return
	}
	if lacking := lackingOn(a.Bus); lacking != nil {
		all := append(upload.Subscriptions(e.upload), catalog.Subscriptions(e.catalog)...)
		e.checks = append(e.checks, doctor.Events(lacking, all))
		return
	}
	if bus, ok := a.Bus.(interface{ Check(context.Context) error }); ok {
		e.checks = append(e.checks, doctor.Ping("events", bus.Check, "start the NATS server that SAJIN_EVENTS_URL names"))
	}
}

// databases looks at each schema, where there is one: an answer about it is one of
// its database.
func (e *examination) databases(ctx context.Context) {
	for _, s := range schemas {
		a := e.open(ctx, "database of "+s.name, s.need)
		if a == nil || !s.there(a) {
			continue
		}
		e.checks = append(e.checks, doctor.Schema(s.name, func(ctx context.Context) (gormdb.Versions, error) { return s.versions(ctx, a) }))
		if s.need == platform.Database {
			e.checks = append(e.checks, outbox(s, a))
		}
	}
}

// outbox looks at what the catalog has still to say, where its schema is this
// program's.
func outbox(s schema, a *platform.Adapters) doctor.Check {
	look := doctor.Outbox(func(ctx context.Context) (doctor.Unsent, error) {
		b, err := catalog.Outbox(ctx, a.DB)
		return doctor.Unsent{Waiting: b.Waiting, Oldest: b.Oldest, Aside: b.Aside, Reason: b.Reason}, err
	}, time.Now)
	return func(ctx context.Context) []doctor.Finding {
		if v, err := s.versions(ctx, a); err != nil || v.Have != v.Known {
			return nil
		}
		return look(ctx)
	}
}

// others is what is asked over HTTP.
func (e *examination) others() {
	client := &http.Client{Timeout: 10 * time.Second}
	for _, peer := range []struct{ variable, address string }{
		{"SAJIN_CATALOG_URL", e.peers.CatalogURL}, {"SAJIN_UPLOAD_URL", e.peers.UploadURL},
	} {
		if peer.address != "" {
			e.checks = append(e.checks, doctor.Ready(client, peer.variable, peer.address))
		}
	}
	files, err := web.StaticFiles()
	if e.web.StaticURL == "" || err != nil {
		return
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	e.checks = append(e.checks, doctor.Static(client, e.web.StaticURL, e.web.PublicOrigin, names))
}
