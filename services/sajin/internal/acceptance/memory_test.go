package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The limits the all-in-one promises, in MiB of resident memory.
const (
	maxBusyMiB = 512
	maxIdleMiB = 100
	// Of the idle memory, what is not the program's own file: how much of that is
	// resident is the page cache's affair, and differs from machine to machine.
	maxIdleOwnMiB = 60
)

// TestMemory measures the all-in-one's resident memory: idle, and the highest
// it ever was through 40 photographs in one request, one file of 200 MB, and
// 1,000 files sent one by one as the page does.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("uploads about a gigabyte")
	}
	d := startAllInOne(t).(allInOne)
	c := newClient(t, d)
	idle, own := memory(t, d.PID(), "VmRSS"), memory(t, d.PID(), "RssAnon")
	family := watchFamily(t, d.PID())
	acknowledged := map[string]string{}
	for name, load := range map[string]func(*testing.T, client, map[string]string){
		"40 files of 12 MP in one request": fortyFiles, "one file of 200 MB": bigFile, "1000 files one by one": thousandFiles,
	} {
		load(t, c, acknowledged)
		t.Logf("peak after %s: %d MiB", name, memory(t, d.PID(), "VmHWM"))
	}
	peak := memory(t, d.PID(), "VmHWM")
	together := family()
	t.Logf("idle %d MiB, %d of them its own, peak %d MiB, with its workers %d MiB", idle, own, peak, together)
	if idle > maxIdleMiB || own > maxIdleOwnMiB {
		t.Errorf("idle: %d MiB, %d of them its own; promised under %d and %d", idle, own, maxIdleMiB, maxIdleOwnMiB)
	}
	if peak > maxBusyMiB || together > maxBusyMiB {
		t.Errorf("peak: %d MiB, with its workers %d MiB; promised under %d", peak, together, maxBusyMiB)
	}
	c.audit(t, acknowledged)
}

// memory reads a value of /proc/PID/status, in MiB.
func memory(t testing.TB, pid int, field string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("resident memory is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatalf("no %s in /proc/%d/status", field, pid)
	return 0
}

// fortyFiles sends 40 photographs of 12 megapixels in one request.
func fortyFiles(t *testing.T, c client, acknowledged map[string]string) {
	base := photo(t, seedMemory, shot{width: 4032, height: 3024})
	files := make([]file, 40)
	for i := range files {
		files[i] = file{name: fmt.Sprintf("big%d.jpg", i), data: withComment(base.data, seedMemory+1+uint64(i))}
	}
	for i, id := range c.mustStore(t, files...) {
		acknowledged[id] = files[i].sha256()
	}
}

// bigFile sends a photograph that a film of 200 MB follows, as phones make
// them, without holding it.
func bigFile(t *testing.T, c client, acknowledged map[string]string) {
	const film = 200 << 20
	head := photo(t, seedMemory+100, shot{width: 4032, height: 3024}).data
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() {
		part, err := form.CreateFormFile("files", "motion.jpg")
		if err == nil {
			_, err = part.Write(head)
		}
		if err == nil {
			_, err = io.CopyN(part, zeros{}, film)
		}
		if err == nil {
			err = form.Close()
		}
		_ = pipe.CloseWithError(err)
	}()
	resp, err := client{base: c.base, api: http.DefaultClient}.do(t.Context(), http.MethodPost, "/api/v1/images", form.FormDataContentType(), body)
	if err != nil || resp.status != http.StatusCreated {
		t.Fatalf("200 MB: %d %v %s", resp.status, err, resp.body)
	}
	var answer struct {
		Results []resultJSON `json:"results"`
	}
	decode(t, resp, &answer)
	img := c.ready(t, answer.Results[0].ID)
	if img.Size != int64(len(head))+film {
		t.Errorf("stored %d bytes", img.Size)
	}
	acknowledged[img.ID] = img.SHA256
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// thousandFiles sends 1,000 files, four at a time, one a request.
func thousandFiles(t *testing.T, c client, acknowledged map[string]string) {
	base := photo(t, seedMemory+200, shot{width: 640, height: 480}) // what counts here is how many
	var mu sync.Mutex
	var clients sync.WaitGroup
	next := make(chan uint64)
	for range 4 {
		clients.Go(func() {
			for seed := range next {
				f := file{name: "many.jpg", data: withComment(base.data, seed)}
				_, results, err := c.tryUpload(t.Context(), f)
				if err != nil || len(results) != 1 || results[0].ID == "" {
					t.Errorf("%d: %v %+v", seed, err, results)
					continue
				}
				mu.Lock()
				acknowledged[results[0].ID] = f.sha256()
				mu.Unlock()
			}
		})
	}
	for i := range uint64(1000) {
		next <- seedMemory + 1000 + i
	}
	close(next)
	clients.Wait()
}

// seedMemory starts the seeds of the memory test's photographs.
const seedMemory = 200_000

// BenchmarkColdStart is the time from the start of the process to the first
// 200 on ready: with a new data directory, and with the same one again.
func BenchmarkColdStart(b *testing.B) {
	for _, kind := range []string{"new", "again"} {
		b.Run(kind, func(b *testing.B) { coldStart(b, kind == "new") })
	}
}

func coldStart(b *testing.B, fresh bool) {
	dir := b.TempDir()
	for i := range b.N + 1 {
		data := dir + "/data"
		if fresh {
			data = fmt.Sprintf("%s/data%d", dir, i)
		}
		d := startAt(b, data)
		if i == 0 { // the first fills the page cache, and makes the data directory
			b.ResetTimer()
		}
		b.StopTimer()
		b.ReportMetric(float64(memory(b, d.PID(), "VmRSS")), "idle-MiB")
		if err := d.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkUpload sends one file of 64 MiB, in MB/s, and says how much longer
// it takes than writing the same bytes to a file with fsync in the same run.
func BenchmarkUpload(b *testing.B) {
	d := startAt(b, b.TempDir()+"/data")
	defer func() { _ = d.Stop() }()
	c := client{base: d.URL(), api: http.DefaultClient}
	head := photo(b, seedMemory, shot{width: 640, height: 480}).data
	data := append(head, make([]byte, 64<<20)...)
	b.SetBytes(int64(len(data)))
	var ours, plain time.Duration
	for i := range b.N {
		body, contentType := form("files", file{name: "film.jpg", data: withComment(data, uint64(i))})
		start := time.Now()
		resp, err := c.do(context.Background(), http.MethodPost, "/api/v1/images", contentType, body)
		ours += time.Since(start)
		if err != nil || resp.status != http.StatusCreated {
			b.Fatalf("%d %v %s", resp.status, err, resp.body)
		}
		b.StopTimer()
		plain += plainCopy(b, data)
		b.StartTimer()
	}
	b.ReportMetric(float64(ours)/float64(plain), "x-copy-with-fsync")
}

func plainCopy(b *testing.B, data []byte) time.Duration {
	start := time.Now()
	f, err := os.CreateTemp(b.TempDir(), "plain")
	if err == nil {
		_, err = io.Copy(f, bytes.NewReader(data))
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
