package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
)

const (
	// readyTimeout bounds the start of the emulator, 3 to 8 s on an idle machine
	// and many times that beside other tests.
	readyTimeout = 3 * time.Minute
	// probeEvery is how often it is asked whether it is ready.
	probeEvery = 50 * time.Millisecond
)

// ErrNotInstalled is what LaunchEmulator returns where there is no emulator, or
// no Java to run it.
var ErrNotInstalled = errors.New("the Pub/Sub emulator is not installed")

// LaunchEmulator starts Google's emulator on a free port of the loopback
// interface and waits until it is ready. It stops when ctx ends, when Stop is
// called, and on Linux when this process dies.
func LaunchEmulator(ctx context.Context) (*Server, error) {
	script, err := find()
	if err != nil {
		return nil, err
	}
	addr, err := loopback.Free(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended, err := run(ctx, script, addr)
	if err != nil {
		cancel()
		return nil, err
	}
	stop := sync.OnceValue(func() error {
		cancel()
		<-ended
		return nil
	})
	if err := awaitReady(ctx, addr, ended); err != nil {
		return nil, errors.Join(err, stop())
	}
	return &Server{Addr: addr, Name: "Google's Pub/Sub emulator", stop: stop}, nil
}

// find looks below the installation that gcloud on the PATH is part of.
func find() (string, error) {
	if _, err := exec.LookPath("java"); err != nil && os.Getenv("JAVA_HOME") == "" {
		return "", ErrNotInstalled
	}
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		return "", ErrNotInstalled
	}
	if gcloud, err = filepath.EvalSymlinks(gcloud); err != nil {
		return "", ErrNotInstalled
	}
	script := filepath.Join(filepath.Dir(gcloud), "..", "platform", "pubsub-emulator", "bin", "cloud-pubsub-emulator")
	if _, err := os.Stat(script); err != nil {
		return "", ErrNotInstalled
	}
	return script, nil
}

// run starts the script in a process group of its own, so that Java, which the
// script may leave behind, ends with it. ended is closed when the group has.
func run(ctx context.Context, script, addr string) (ended <-chan struct{}, err error) {
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.CommandContext(ctx, script, "--host="+host, "--port="+port)
	// A small heap and the quick compiler: it starts in half the time.
	cmd.Env = append(os.Environ(), "CLOUD_PUBSUB_EMULATOR_OPTS=-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1")
	cmd.SysProcAttr = processGroup()
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	cmd.WaitDelay = 5 * time.Second
	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		// The kernel ends the group with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it was killed; how it ended says nothing
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the emulator: %w", err)
	}
	return done, nil
}

func awaitReady(ctx context.Context, addr string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if ready(ctx, addr) {
				return nil
			}
		case <-ended:
			return errors.New("the emulator ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("the emulator was not ready in time: %w", ctx.Err())
		}
	}
}

func ready(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	return err == nil && strings.TrimSpace(string(body)) == "Ok"
}
