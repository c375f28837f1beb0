package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/sajin/internal/doctor"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/web"
)

// peersConfig is where services are that run apart and how they know each other,
// for whoever looks at them. Only they check it.
type peersConfig struct {
	CatalogURL string `env:"CATALOG_URL"`
	UploadURL  string `env:"UPLOAD_URL"`
	Auth       string `env:"SERVICE_AUTH"`
	Keys       string `env:"SERVICE_KEYS"`
	Audience   string `env:"SERVICE_AUDIENCE"`
	Callers    string `env:"SERVICE_CALLERS"`
}

// doctorCommand is sajin doctor. A configuration that is wrong is said by what
// reads it, with all that is wrong with it.
func doctorCommand(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := upkeep("doctor", args, stdout, func(*flag.FlagSet) {})
	if err != nil || c == nil {
		return err
	}
	c.expectAccounts()
	e := &examination{configuration: c}
	defer e.close()
	e.say(doctor.Good, "settings", "the variables of a gallery can be read", "")
	e.folder()
	e.store(ctx)
	e.events(ctx)
	e.databases(ctx)
	e.neighbours()
	e.static()
	switch n := doctor.Run(ctx, stdout, e.checks); n {
	case 0:
		return nil
	case 1:
		return errors.New("one problem was found")
	default:
		return fmt.Errorf("%d problems were found", n)
	}
}

// examination collects what to look at.
type examination struct {
	*configuration
	checks []doctor.Check
	opened []*platform.Adapters
	absent platform.Need // what would be in the data folder, which is not there
}

// folder looks for the data folder, where something is kept there. Whoever looks
// at a service that runs apart is told nothing of what the others use.
func (e *examination) folder() {
	_, err := os.Stat(e.common.DataDir)
	if !e.embedded() || err == nil {
		return
	}
	e.absent = e.inFolder
	var unset []string
	for _, each := range []struct {
		need     platform.Need
		variable string
	}{{platform.Media, "SAJIN_MEDIA_URL"}, {platform.Events, "SAJIN_EVENTS_URL"}, {platform.Database, "SAJIN_DATABASE_URL"}, {platform.Accounts, "SAJIN_WEB_DATABASE_URL"}} {
		if e.inFolder&each.need != 0 {
			unset = append(unset, each.variable)
		}
	}
	e.say(doctor.Warning, "data folder", e.common.DataDir+" is not there yet, so what belongs into it is not looked at",
		"sajin serve, which makes it; or, for services that run apart, set "+strings.Join(unset, ", "))
}

func said(f doctor.Finding) doctor.Check {
	return func(context.Context) []doctor.Finding { return []doctor.Finding{f} }
}

func (e *examination) say(level doctor.Level, about, detail, mend string) {
	e.checks = append(e.checks, said(doctor.Finding{Level: level, About: about, Detail: detail, Mend: mend}))
}

// open opens one adapter by itself, so that one that fails hides no other; mend is
// what to do then. One that a gallery on this machine uses is not looked at.
func (e *examination) open(ctx context.Context, about string, need platform.Need, mend string) *platform.Adapters {
	if e.absent&need != 0 {
		return nil
	}
	a, err := everything.Open(ctx, e.adapters, need)
	switch {
	case fault.KindOf(err) == fault.Locked:
		e.say(doctor.Good, about, "a gallery is running and uses it", "")
	case err != nil:
		e.say(doctor.Problem, about, "it cannot be opened: "+err.Error(), mend)
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
	mend, bucket := owned("SAJIN_MEDIA_URL", e.adapters.MediaURL), ""
	a := e.open(ctx, "media", platform.Media, mend)
	if a == nil {
		return
	}
	if u, err := url.Parse(e.adapters.MediaURL); err == nil && u.Scheme == "gs" {
		bucket = u.Host
		mend = "403: gcloud storage buckets add-iam-policy-binding gs://" + bucket + " --member=serviceAccount:ACCOUNT --role=roles/storage.objectUser\n" +
			"404: set SAJIN_MEDIA_URL to a bucket that is there"
	}
	e.checks = append(e.checks, doctor.Media(a.Media, time.Now, mend))
	if setup, ok := a.Media.(blob.SetupReader); ok {
		e.checks = append(e.checks, doctor.Bucket(setup, bucket, e.web.PublicOrigin))
	}
}

func (e *examination) events(ctx context.Context) {
	const start = "start the NATS server that SAJIN_EVENTS_URL names"
	mend := start
	if !strings.HasPrefix(e.adapters.EventsURL, "nats://") {
		mend = owned("SAJIN_EVENTS_URL", e.adapters.EventsURL)
	}
	a := e.open(ctx, "events", platform.Events, mend)
	if a == nil {
		return
	}
	if subscribed := subscribedOn(a.Bus, e.adapters.PushAccount); subscribed != nil {
		all := append(upload.Subscriptions(e.upload), catalog.Subscriptions(e.catalog)...)
		e.checks = append(e.checks, doctor.Events(subscribed, all))
		return
	}
	if bus, ok := a.Bus.(interface{ Check(context.Context) error }); ok {
		e.checks = append(e.checks, doctor.Ping("events", bus.Check, start))
	}
}

// databases looks at each schema, where there is one: an answer about it is one of
// its database.
func (e *examination) databases(ctx context.Context) {
	for _, s := range schemas {
		a := e.open(ctx, "database of "+s.name, s.need, s.lost)
		if a == nil || !s.there(a) {
			continue
		}
		reach := "start the database that " + s.variable + " names, make it (CREATE DATABASE), or give this account the right to log in"
		e.checks = append(e.checks, doctor.Schema(s.name, reach, func(ctx context.Context) (gormdb.Versions, error) { return s.versions(ctx, a) }))
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

// owned is what to do about a place that this program may not use. In the cloud
// that is a matter of who it is.
func owned(variable, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return "gcloud auth application-default login, or run this as the service's account; and see that " + variable + " is right"
	}
	return "chown -R $USER " + u.Path
}

// httpTimeout bounds each question over HTTP.
const httpTimeout = 10 * time.Second

// neighbours are the services that run apart, as web reaches them.
func (e *examination) neighbours() {
	client := &http.Client{Timeout: httpTimeout}
	peers := platform.Peers{CatalogURL: e.peers.CatalogURL, UploadURL: e.peers.UploadURL, Auth: e.peers.Auth, Keys: e.peers.Keys}
	unusable := peers.CheckAuth()
	if unusable != nil {
		e.say(doctor.Problem, "token keys", unusable.Error(), "give all three services the same; docs/operations.md says how keys are changed")
	}
	for _, peer := range []struct {
		name, variable, address string
		target                  func() (kitx.Target, error)
	}{
		{"catalog", "SAJIN_CATALOG_URL", peers.CatalogURL, peers.Catalog}, {"upload", "SAJIN_UPLOAD_URL", peers.UploadURL, peers.Upload},
	} {
		if peer.address == "" {
			continue
		}
		e.checks = append(e.checks, doctor.Ready(client, peer.variable, peer.address))
		if unusable == nil && peers.Proves() {
			e.believed(peer.name, peer.address, peer.target)
		}
	}
}

func (e *examination) believed(name, address string, target func() (kitx.Target, error)) {
	door, err := target()
	if err != nil {
		e.say(doctor.Problem, name, "no token can be made for it: "+err.Error(), "run this as web's account, where the services are")
		return
	}
	e.checks = append(e.checks, doctor.Believed(door.HTTP, name, address))
}

// static is where browsers get the interface's files.
func (e *examination) static() {
	files, err := web.StaticFiles()
	if e.web.StaticURL == "" || err != nil {
		return
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	e.checks = append(e.checks, doctor.Static(&http.Client{Timeout: httpTimeout}, e.web.StaticURL, e.web.PublicOrigin, names))
}
