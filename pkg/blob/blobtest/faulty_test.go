package blobtest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
)

func newStore(t *testing.T) *fileblob.Store {
	t.Helper()
	s, err := fileblob.Open(t.TempDir(), fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestFaultyWithoutFaults: a plan that never fires changes nothing.
func TestFaultyWithoutFaults(t *testing.T) {
	blobtest.RunConformance(t, func(t *testing.T) blobtest.Harness {
		faults := &blobtest.Faults{}
		t.Cleanup(func() {
			if faults.Fired() || faults.Calls() == 0 {
				t.Errorf("fired %v after %d calls", faults.Fired(), faults.Calls())
			}
		})
		return blobtest.Harness{Store: blobtest.NewFaulty(newStore(t), faults)}
	})
}

func put(s blob.Store, key, data string) (blob.Info, error) {
	return s.Put(context.Background(), key, strings.NewReader(data), blob.WriteOptions{Size: int64(len(data))})
}

func TestFaultyFailsExactlyTheNthCall(t *testing.T) {
	for _, mode := range []blobtest.Mode{blobtest.FailBefore, blobtest.FailAfter} {
		t.Run(mode.String(), func(t *testing.T) {
			store := newStore(t)
			faults := &blobtest.Faults{At: 2, Mode: mode}
			faulty := blobtest.NewFaulty(store, faults)
			for i, key := range []string{"one", "two", "three"} {
				_, err := put(faulty, key, "data")
				if fail := i == 1; fail != errors.Is(err, blob.ErrUnavailable) {
					t.Errorf("call %d: %v", i+1, err)
				}
				if fired := i >= 1; faults.Fired() != fired {
					t.Errorf("after call %d Fired is %v", i+1, faults.Fired())
				}
			}
			_, err := store.Stat(t.Context(), "two")
			if done := mode == blobtest.FailAfter; done != (err == nil) {
				t.Errorf("the failed Put left: %v", err)
			}
		})
	}
}

func TestFaultyEveryMethod(t *testing.T) {
	broken := errors.New("broken")
	calls := map[string]func(blob.Store) error{
		"Put":    func(s blob.Store) error { _, err := put(s, "new", "data"); return err },
		"Open":   func(s blob.Store) error { _, _, err := s.Open(t.Context(), "there", 0, -1); return err },
		"Stat":   func(s blob.Store) error { _, err := s.Stat(t.Context(), "there"); return err },
		"Delete": func(s blob.Store) error { return s.Delete(t.Context(), "there") },
		"List":   func(s blob.Store) error { _, err := s.List(t.Context(), "", "", 1); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []blobtest.Mode{blobtest.FailBefore, blobtest.FailAfter} {
				store := newStore(t)
				if _, err := put(store, "there", "data"); err != nil {
					t.Fatal(err)
				}
				if err := call(blobtest.NewFaulty(store, &blobtest.Faults{At: 1, Mode: mode, Err: broken})); !errors.Is(err, broken) {
					t.Errorf("%v: %v", mode, err)
				}
			}
		})
	}
}

func TestFaultyShortData(t *testing.T) {
	store := newStore(t)
	info, err := put(blobtest.NewFaulty(store, &blobtest.Faults{At: 1, Mode: blobtest.ShortData, Bytes: 3}), "cut", "whole")
	if err != nil || info.Size != 3 {
		t.Errorf("Put = %d bytes, %v; want 3 that are reported as stored", info.Size, err)
	}
	body, _, err := blobtest.NewFaulty(store, &blobtest.Faults{At: 1, Mode: blobtest.ShortData, Bytes: 2}).Open(t.Context(), "cut", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	if data, err := io.ReadAll(body); string(data) != "wh" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v; want 2 bytes and a broken connection", data, err)
	}
}

func TestFaultyHang(t *testing.T) {
	store := newStore(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		faulty := blobtest.NewFaulty(store, &blobtest.Faults{At: 1, Mode: blobtest.Hang})
		result := make(chan error, 1)
		go func() {
			_, err := faulty.Stat(ctx, "any")
			result <- err
		}()
		synctest.Wait()
		if len(result) > 0 {
			t.Error("returned before its context ended")
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Stat = %v", err)
		}
	})
}
