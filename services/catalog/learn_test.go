package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalogtest"
)

// A catalog that learns from manifests lists what one lists that heard the
// events, duplicates included; learning again, and learning beside what is there
// already, changes nothing.
func TestLearn(t *testing.T) {
	manifests := written(30, 25) // the last five are duplicates
	ctx := identity.WithOwner(t.Context(), "anna")
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			heard := start(t, address(t), catalogtest.NewBus(), time.Now)
			for _, m := range manifests {
				e, err := contract.New(m.ID+".uploaded", contract.SourceUpload, contract.TypeImageUploaded, m.ID, firstWritten, contract.ImageUploaded{Manifest: m})
				if err == nil {
					err = heard.core.HandleEvent(ctx, event.Delivery{Event: e, Attempt: 1})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := learnedList(t, heard)
			learned := start(t, address(t), catalogtest.NewBus(), time.Now)
			for round := range 2 {
				for _, m := range manifests {
					if known, err := learned.Knows(t.Context(), "anna", m.ID); err != nil || known != (round > 0) {
						t.Errorf("round %d: %s is known: %t, %v", round, m.ID, known, err)
					}
					if err := learned.Learn(t.Context(), m); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(want, learnedList(t, learned)); diff != "" || len(want) != 25 {
					t.Errorf("round %d lists another (-heard +learned):\n%s", round, diff)
				}
			}
		})
	}
}

// Whatever call of the database fails while a catalog learns, and whether or not
// it was carried out: learning again brings in the rest, each content once. Which
// of two with the same content stays is the one that came first.
func TestLearnWithEachFailure(t *testing.T) {
	manifests := written(5, 4)
	var want []string
	for _, m := range manifests[:4] {
		want = append(want, m.SHA256)
	}
	for _, carriedOut := range []bool{false, true} {
		for call := 1; ; call++ {
			s := start(t, sqliteURL(t), catalogtest.NewBus(), time.Now)
			failed := failCall(t, s.deps.DB, call, carriedOut)
			refused := 0
			for range 2 {
				for _, m := range manifests {
					if err := s.Learn(t.Context(), m); err != nil {
						refused++
					}
				}
			}
			hit := failed()
			var got []string
			for _, i := range learnedList(t, s) {
				got = append(got, i.SHA256)
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(want))) || refused > 1 {
				t.Errorf("call %d, carried out %t: %d refused, and then it lists %v", call, carriedOut, refused, got)
			}
			if !hit {
				if call < 10 {
					t.Fatalf("learning makes only %d calls", call-1)
				}
				break
			}
		}
	}
}

// failCall has one call of a database fail, before or after it was carried out.
// What it returns ends that, and tells whether it came to it.
func failCall(t *testing.T, db *gorm.DB, call int, carriedOut bool) func() bool {
	t.Helper()
	made, ended := 0, false
	fail := func(tx *gorm.DB) {
		if ended {
			return
		}
		if made++; made == call {
			_ = tx.AddError(errors.New("the database broke"))
		}
	}
	processors := db.Callback()
	type registers interface {
		Register(name string, fn func(*gorm.DB)) error
	}
	at := []registers{
		processors.Create().Before("*"), processors.Query().Before("*"), processors.Update().Before("*"),
		processors.Delete().Before("*"), processors.Row().Before("*"), processors.Raw().Before("*"),
	}
	if carriedOut {
		at = []registers{
			processors.Create().After("gorm:create"), processors.Query().After("gorm:query"), processors.Update().After("gorm:update"),
			processors.Delete().After("gorm:delete"), processors.Row().After("gorm:row"), processors.Raw().After("gorm:raw"),
		}
	}
	for _, one := range at {
		if err := one.Register("test:fail", fail); err != nil {
			t.Fatal(err)
		}
	}
	return func() bool { ended = true; return made >= call }
}

var firstWritten = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// written are manifests of which so many have contents of their own.
func written(count, contents int) (out []contract.Manifest) {
	for i := range count {
		id := identity.NewImageID(firstWritten.Add(time.Duration(i) * time.Second))
		content := sha256.Sum256([]byte(fmt.Sprint(i % contents)))
		out = append(out, contract.Manifest{
			Version: 1, ID: id, Owner: "anna", Name: "a.jpg", Key: contract.OriginalKey(id, firstWritten, ".jpg"), Size: 1,
			ContentType: "image/jpeg", SHA256: hex.EncodeToString(content[:]), Width: 4, Height: 3, CreatedAt: identity.ImageTime(id),
			Renditions: []contract.Rendition{},
		})
	}
	return out
}

func learnedList(t *testing.T, s *Service) []catalogapi.Image {
	t.Helper()
	page, err := s.core.List(identity.WithOwner(t.Context(), "anna"), catalogapi.ListRequest{Limit: catalogapi.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	return page.Images
}
