package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var manifests []contract.Manifest
	for i := range 30 {
		id := identity.NewImageID(at.Add(time.Duration(i) * time.Second))
		content := sha256.Sum256([]byte(fmt.Sprint(i % 25))) // the last five are duplicates
		manifests = append(manifests, contract.Manifest{
			Version: 1, ID: id, Owner: "anna", Name: "a.jpg", Key: contract.OriginalKey(id, at, ".jpg"), Size: 1,
			ContentType: "image/jpeg", SHA256: hex.EncodeToString(content[:]), Width: 4, Height: 3, CreatedAt: identity.ImageTime(id),
			Renditions: []contract.Rendition{},
		})
	}
	ctx := identity.WithOwner(t.Context(), "anna")
	list := func(s *Service) []catalogapi.Image {
		t.Helper()
		page, err := s.core.List(ctx, catalogapi.ListRequest{Limit: catalogapi.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		return page.Images
	}
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			heard := start(t, address(t), catalogtest.NewBus(), time.Now)
			for _, m := range manifests {
				e, err := contract.New(m.ID+".uploaded", contract.SourceUpload, contract.TypeImageUploaded, m.ID, at, contract.ImageUploaded{Manifest: m})
				if err == nil {
					err = heard.core.HandleEvent(ctx, event.Delivery{Event: e, Attempt: 1})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := list(heard)
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
				if diff := cmp.Diff(want, list(learned)); diff != "" || len(want) != 25 {
					t.Errorf("round %d lists another (-heard +learned):\n%s", round, diff)
				}
			}
		})
	}
}
