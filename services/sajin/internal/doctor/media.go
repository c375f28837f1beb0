package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// maxSkew is how far two clocks may be apart: tokens and sessions allow a minute
// or so.
const maxSkew = 30 * time.Second

// probeKey begins the name of the object that is written and taken away: no
// notification is for it, and nobody looks there.
const probeKey = "doctor/"

// Media writes an object, reads it, lists it and deletes it, and compares the
// store's clock with ours. grant is the command that gives the rights.
func Media(store blob.Store, now func() time.Time, grant string) Check {
	return func(ctx context.Context) []Finding {
		info, took, err := probe(ctx, store, now)
		if err != nil {
			return []Finding{failed("media", "an object cannot be written, read, listed and deleted", err, grant)}
		}
		out := []Finding{good("media", "objects can be written, read, listed and deleted")}
		return append(out, skew("the store", info.CreatedAt, took))
	}
}

// span is when something was asked for and answered, by our clock.
type span struct{ from, to time.Time }

func probe(ctx context.Context, store blob.Store, now func() time.Time) (info blob.Info, took span, err error) {
	key, content := probeKey+rand.Text(), []byte("sajin doctor")
	took.from = now()
	info, err = store.Put(ctx, key, bytes.NewReader(content), blob.WriteOptions{ContentType: "text/plain", IfNotExists: true, Size: int64(len(content))})
	took.to = now()
	if err != nil {
		return info, took, err
	}
	defer func() { err = errors.Join(err, store.Delete(context.WithoutCancel(ctx), key)) }()
	r, _, err := store.Open(ctx, key, 0, -1)
	if err != nil {
		return info, took, err
	}
	read, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err == nil && !bytes.Equal(read, content) {
		err = errors.New("it holds other bytes than were written")
	}
	if err != nil {
		return info, took, err
	}
	_, err = store.List(ctx, key, "", 1)
	return info, took, err
}

// skew compares a time that another clock gave with ours before and after.
func skew(whose string, theirs time.Time, took span) Finding {
	off := time.Duration(0)
	switch {
	case theirs.Before(took.from):
		off = theirs.Sub(took.from)
	case theirs.After(took.to):
		off = theirs.Sub(took.to)
	}
	if off.Abs() <= maxSkew {
		return good("clock", "the same here as at %s, within %s", whose, maxSkew)
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	return Finding{Problem, "clock", fmt.Sprintf("that of %s is %s %s this machine's", whose, off.Abs().Round(time.Second), way), "timedatectl set-ntp true, on the one that is wrong"}
}

// Bucket looks at how a bucket was set up, as far as that may be looked at. name
// is the bucket's, origin where browsers find the gallery ("" where that is not
// known).
func Bucket(store blob.SetupReader, name, origin string) Check {
	return func(ctx context.Context) []Finding {
		setup, err := store.Setup(ctx)
		if err != nil {
			f := failed("bucket", "its settings cannot be read (that takes the right storage.buckets.get)", err,
				"gcloud storage buckets describe gs://"+name)
			f.Level = Warning // the services need no such right
			return []Finding{f}
		}
		return []Finding{notified(setup, name), cors(setup, name, origin), private(setup, name)}
	}
}

func notified(setup blob.Setup, name string) Finding {
	for _, n := range setup.Notifications {
		finalize := len(n.Events) == 0 || slices.Contains(n.Events, "OBJECT_FINALIZE")
		if n.Topic == string(contract.TopicObjects) && finalize && strings.HasPrefix(contract.PrefixOriginals, n.Prefix) { //nolint:gocritic // a shorter prefix tells of more
			return good("notification", "the bucket tells %s of what is uploaded", contract.TopicObjects)
		}
	}
	return Finding{
		Problem, "notification", fmt.Sprintf("the bucket does not tell %s of what is uploaded; only sweeps would find it", contract.TopicObjects),
		fmt.Sprintf("gcloud storage buckets notifications create gs://%s --topic=%s --event-types=OBJECT_FINALIZE --object-prefix=%s --payload-format=json",
			name, contract.TopicObjects, contract.PrefixOriginals),
	}
}

// cors: sessions answer the origin that they were opened for. A bucket's own
// rules are needed only where there are some that say otherwise.
func cors(setup blob.Setup, name, origin string) Finding {
	if len(setup.CORS) == 0 {
		return good("CORS", "the bucket has no rules; sessions answer the pages that opened them")
	}
	for _, rule := range setup.CORS {
		everybody := slices.Contains(rule.Origins, "*")
		if (everybody || origin == "" || slices.Contains(rule.Origins, origin)) && slices.Contains(rule.Methods, "PUT") {
			if everybody {
				return Finding{Warning, "CORS", "the bucket's rules allow every origin; say which", corsCommand(name, origin)}
			}
			return good("CORS", "the bucket's rules allow pages to send files")
		}
	}
	return Finding{Problem, "CORS", "the bucket has rules, and none allows PUT from " + orWhere(origin), corsCommand(name, origin)}
}

func orWhere(origin string) string {
	if origin == "" {
		return "the gallery's origin (SAJIN_PUBLIC_ORIGIN)"
	}
	return origin
}

func corsCommand(name, origin string) string {
	if origin == "" {
		origin = "https://photos.example.org"
	}
	return fmt.Sprintf("echo '[{\"origin\": [%q], \"method\": [\"PUT\", \"DELETE\"], \"responseHeader\": [\"Content-Type\", \"Content-Range\", \"Range\"], \"maxAgeSeconds\": 3600}]' > cors.json\n", origin) +
		"gcloud storage buckets update gs://" + name + " --cors-file=cors.json"
}

func private(setup blob.Setup, name string) Finding {
	if setup.PublicPrevented && setup.UniformAccess {
		return good("privacy", "no object of the bucket can be made public")
	}
	return Finding{
		Warning, "privacy", "an object of the bucket could be made public by mistake",
		"gcloud storage buckets update gs://" + name + " --public-access-prevention --uniform-bucket-level-access",
	}
}
