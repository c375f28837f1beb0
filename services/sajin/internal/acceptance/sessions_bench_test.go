package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// Sizes of the benchmarks of sessions.
const (
	seedFilms  = 300_000
	filmBytes  = 2 << 30  // that follow a photograph, as a phone's live pictures have it
	filmChunk  = 16 << 20 // of the film
	smallFiles = 2000
	atOnce     = 8 // small files under way
)

// BenchmarkSession2GB sends one file of 2 GB through a session, in MB/s, and
// says how much longer it takes than writing the same bytes to a file with
// fsync, and than putting them to nginx by WebDAV (which neither verifies nor
// syncs what it takes), in the same run.
func BenchmarkSession2GB(b *testing.B) {
	d := startWith(b, b.TempDir()+"/data",
		"SAJIN_UPLOAD_FILE_BYTES=3221225472", "SAJIN_UPLOAD_REQUEST_BYTES=3221225472", "SAJIN_UPLOAD_TEMP_BYTES=3221225472")
	defer func() { _ = d.Stop() }()
	peer := startNginx(b)
	head := photo(b, seedFilms, shot{width: 4032, height: 3024}).data
	b.SetBytes(int64(len(head)) + filmBytes)
	var ours, plain, dav time.Duration
	for i := range b.N {
		f := newFilm(withComment(head, uint64(i)), filmBytes)
		start := time.Now()
		sendFilm(b, d.URL(), f)
		ours += time.Since(start)
		b.StopTimer()
		plain += plainFilm(b, f)
		dav += peer.put(b, fmt.Sprintf("film%d.jpg", i), f.reader(0, f.size), f.size)
		b.StartTimer()
	}
	b.ReportMetric(float64(memory(b, d.PID(), "VmHWM")), "peak-MiB")
	report(b, ours, plain, dav)
}

// BenchmarkSession2000 sends 2,000 small photographs through sessions, eight
// at a time, and says how much longer that takes, renditions included, than
// copying them with fsync and than putting them to nginx.
func BenchmarkSession2000(b *testing.B) {
	d := startAt(b, b.TempDir()+"/data")
	defer func() { _ = d.Stop() }()
	peer := startNginx(b)
	base := photo(b, seedFilms, shot{width: 1024, height: 768}).data
	var ours, plain, dav time.Duration
	for i := range b.N {
		files := make([][]byte, smallFiles)
		for j := range files {
			files[j] = withComment(base, uint64(seedFilms+i*smallFiles+j))
		}
		b.SetBytes(int64(len(base) * smallFiles))
		start := time.Now()
		sendSmall(b, d.URL(), files)
		ours += time.Since(start)
		b.StopTimer()
		for _, data := range files {
			plain += plainCopy(b, data)
		}
		start = time.Now()
		eachAtOnce(len(files), func(j int) {
			peer.put(b, fmt.Sprintf("%d-%d.jpg", i, j), bytes.NewReader(files[j]), int64(len(files[j])))
		})
		dav += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(float64(smallFiles*b.N)/ours.Seconds(), "files/s")
	report(b, ours, plain, dav)
}

func report(b *testing.B, ours, plain, dav time.Duration) {
	b.ReportMetric(float64(ours)/float64(plain), "x-copy-with-fsync")
	b.ReportMetric(float64(ours)/float64(dav), "x-nginx-put")
}

// eachAtOnce calls do for 0..n-1, atOnce of them at a time.
func eachAtOnce(n int, do func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// film is a photograph and a film behind it that is never held as a whole.
type film struct {
	head []byte
	size int64
}

func newFilm(head []byte, bytes int64) film { return film{head, int64(len(head)) + bytes} }

func (f film) reader(from, to int64) io.Reader {
	whole := io.NewSectionReader(f, 0, f.size)
	return io.NewSectionReader(whole, from, to-from)
}

// ReadAt implements io.ReaderAt.
func (f film) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	if at < int64(len(f.head)) {
		copy(p, f.head[at:])
	}
	return len(p), nil
}

// plan opens sessions for files of the given sizes.
func plan(b *testing.B, url string, sizes ...int64) []string {
	b.Helper()
	type planned struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	}
	var req struct {
		Files []planned `json:"files"`
	}
	for i, size := range sizes {
		req.Files = append(req.Files, planned{fmt.Sprintf("IMG_%04d.jpg", i), size})
	}
	raw, err := json.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.Post(url+"/api/v1/uploads", "application/json", bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Files []struct {
			SessionURL string `json:"session_url"`
		} `json:"files"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, f := range answer.Files {
		out = append(out, url+f.SessionURL)
	}
	return out
}

// chunk puts the bytes from..to of a file of the given size.
func chunk(b *testing.B, session string, from, to, size int64, body io.Reader, want int) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, session, body)
	if err != nil {
		b.Error(err)
		return
	}
	req.ContentLength = to - from
	req.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		b.Errorf("bytes %d-%d: %s %s", from, to, resp.Status, text)
	}
}

func sendFilm(b *testing.B, url string, f film) {
	session := plan(b, url, f.size)[0]
	for from := int64(0); from < f.size; from += filmChunk {
		to, want := from+filmChunk, http.StatusPermanentRedirect
		if to >= f.size {
			to, want = f.size, http.StatusCreated
		}
		chunk(b, session, from, to, f.size, f.reader(from, to), want)
	}
}

func sendSmall(b *testing.B, url string, files [][]byte) {
	for first := 0; first < len(files); first += 1000 {
		batch := files[first:min(first+1000, len(files))]
		var sizes []int64
		for _, data := range batch {
			sizes = append(sizes, int64(len(data)))
		}
		sessions := plan(b, url, sizes...)
		eachAtOnce(len(batch), func(i int) {
			size := int64(len(batch[i]))
			chunk(b, sessions[i], 0, size, size, bytes.NewReader(batch[i]), http.StatusCreated)
		})
	}
}

func plainFilm(b *testing.B, f film) time.Duration {
	start := time.Now()
	file, err := os.CreateTemp(b.TempDir(), "plain")
	if err == nil {
		_, err = io.Copy(file, f.reader(0, f.size))
	}
	if err == nil {
		err = file.Sync()
	}
	took := time.Since(start)
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// nginx takes files by WebDAV's PUT.
type nginx struct{ url string }

const nginxConf = `daemon off;
worker_processes 2;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/temp;
  proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen %[2]s;
    root %[1]s/files;
    client_max_body_size 0;
    dav_methods PUT;
    location = /ready { return 200; }
  }
}
`

func startNginx(b *testing.B) nginx {
	b.Helper()
	bin, err := exec.LookPath("nginx")
	if err != nil {
		b.Skip("nginx is not installed")
	}
	addr, err := loopback.Free(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // its workers may be another user
		b.Fatal(err)
	}
	for _, sub := range []string{"files", "temp"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, sub), 0o700), os.Chmod(filepath.Join(dir, sub), 0o777)); err != nil {
			b.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir, addr), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", conf, "-e", dir+"/error.log", "-g", "user root;")
	cmd.Stderr = b.Output()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	url := "http://" + addr
	tick, late := time.NewTicker(10*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !stack.Answers(b.Context(), url+"/ready") {
		select {
		case <-tick.C:
		case <-late:
			b.Fatal("nginx did not start")
		}
	}
	return nginx{url}
}

// put sends a file, and says how long that took.
func (n nginx) put(b *testing.B, name string, body io.Reader, size int64) time.Duration {
	start := time.Now()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, n.url+"/"+name, body)
	if err != nil {
		b.Error(err)
		return 0
	}
	req.ContentLength = size
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		b.Errorf("nginx: %s", resp.Status)
	}
	return time.Since(start)
}
