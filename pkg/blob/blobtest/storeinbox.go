package blobtest

import (
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// InboxIn is a harness for the inbox that is a part of a store.
func InboxIn(t *testing.T, s blob.Store) InboxHarness {
	return InboxHarness{
		Store: s, Inbox: blob.InboxOf(s, "inbox/", "aside/"), Settle: func() {},
		Put: func(name string, data []byte) { mustPut(t, s, "inbox/"+name, data, blob.WriteOptions{}) },
		Aside: func() (all [][]byte) {
			for _, key := range mustList(t, s, "aside/", "", blob.MaxListLimit) {
				data, _ := mustRead(t, s, key, 0, -1)
				all = append(all, data)
			}
			return all
		},
	}
}
