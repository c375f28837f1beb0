package main

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sajin-gallery/sajin/pkg/platform"
)

// age has everything in the trash of a data folder, of a gallery that is
// stopped, be there for longer.
func age(dir string, by time.Duration) error {
	var c platform.Config
	if err := c.Embedded(dir); err != nil {
		return err
	}
	a, err := everything.Open(context.Background(), c, platform.Database)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.DB.Exec("UPDATE catalog_images SET trashed_ms = trashed_ms - ? WHERE trashed", by.Milliseconds()).Error
}

// aged does so in a script: aged folder 744h.
func aged(ts *testscript.TestScript, _ bool, args []string) {
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	ts.Check(age(ts.MkAbs(args[0]), by))
}

// setAside does so in a script with an event, of a gallery that is stopped:
// set-aside folder.
func setAside(ts *testscript.TestScript, _ bool, args []string) {
	var c platform.Config
	ts.Check(c.Embedded(ts.MkAbs(args[0])))
	a, err := everything.Open(context.Background(), c, platform.Database)
	ts.Check(err)
	defer a.Close()
	body := `{"specversion":"1.0","id":"1","source":"/test","type":"test.v1"}`
	ts.Check(a.DB.Exec("INSERT INTO catalog_outbox (body, claimed_until_ms, failed_ms, aside, reason) VALUES (?, ?, 1, 1, 'It is too large.')", body, math.MaxInt64).Error)
}

// trash moves the pictures with these names, in the gallery at $FREE_ADDR, to the
// trash.
func trash(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	address := "http://" + ts.Getenv("FREE_ADDR") + "/api/v1/images"
	ask := func(method, url string, into any) {
		r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
		ts.Check(err)
		resp, err := http.DefaultClient.Do(r)
		ts.Check(err)
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode >= http.StatusMultipleChoices {
			ts.Fatalf("%s %s: %s", method, url, resp.Status)
		}
		if into != nil {
			ts.Check(json.NewDecoder(resp.Body).Decode(into))
		}
	}
	for _, name := range args {
		var page struct{ Images []struct{ ID, Name string } }
		ask(http.MethodGet, address, &page)
		found := false
		for _, i := range page.Images {
			if i.Name == name {
				found = true
				ask(http.MethodDelete, address+"/"+i.ID, nil)
			}
		}
		if !found {
			ts.Fatalf("no picture is called %s: %+v", name, page)
		}
	}
}
