package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
	"github.com/sajin-gallery/sajin/services/upload"
)

func TestMain(m *testing.M) {
	upload.ImageWorker()
	testscript.Main(m, map[string]func(){
		"sajin": func() { os.Exit(sajin(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command line as a person would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			addr, err := stack.FreeAddr(t.Context())
			env.Setenv("FREE_ADDR", addr)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready},
	})
}

// ready waits until the gallery at $FREE_ADDR is ready.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !stack.Answers(context.Background(), "http://"+ts.Getenv("FREE_ADDR")+"/healthz/ready") {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("the gallery was not ready in time")
		}
	}
}
