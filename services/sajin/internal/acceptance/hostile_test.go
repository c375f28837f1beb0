package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileRow is one attack on the edge, by its number in the project's table of
// attacks. The services' own packages go through every variant; here is the
// essence of each, over a real socket, through the whole system.
type hostileRow struct {
	name string
	run  func(t *testing.T, v *victim)
}

// hostile is the one table of attacks, run against every deployment.
var hostile = slices.Concat(hostileContents, hostileBombs, hostileForms, hostileBodies, hostileAgain, hostileQueries, hostileOrigins, hostileServices)

// TestHostile attacks each deployment with one row after the other. After every
// row what was acknowledged is there, with its bytes and once, and the gallery
// still serves others.
func TestHostile(t *testing.T) {
	for name, start := range map[string]func(*testing.T) deployment{"AllInOne": startAllInOne, "Split": startSplit} {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			v := &victim{client: newClient(t, d), acknowledged: map[string]string{}, seed: seedHostile}
			for _, row := range hostile {
				t.Run(row.name, func(t *testing.T) {
					row.run(t, v)
					v.canary(t)
					v.glance(t)
				})
			}
			v.audit(t, v.acknowledged)
			if one, ok := d.(allInOne); ok {
				if peak := memory(t, one.PID(), "VmHWM"); peak > maxBusyMiB {
					t.Errorf("the attacks took %d MiB, promised under %d", peak, maxBusyMiB)
				}
			}
			auditKept(t, d, v.acknowledged)
		})
	}
}

// seedHostile starts the seeds of the photographs among the attacks.
const seedHostile = 300_000

// canaryWithin is how soon after an attack the gallery serves others, on a machine
// that does much else: below what it waits for a body's next byte, so that the
// silent ones are still there.
const canaryWithin = 30 * time.Second

// victim is the gallery under attack, and what it has acknowledged.
type victim struct {
	client
	acknowledged map[string]string // id to SHA-256
	seed         uint64
}

// fresh is a small photograph that was never sent before.
func (v *victim) fresh(t *testing.T) []byte {
	t.Helper()
	v.seed++
	return photo(t, v.seed, shot{width: 64, height: 48}).data
}

// part is one part of a form, its header as it goes over the wire.
type part struct {
	header string
	body   []byte
}

// upload is a file's part.
func upload(name string, data []byte) part {
	return part{fmt.Sprintf(`Content-Disposition: form-data; name="files"; filename="%s"`, name), data}
}

const (
	frontier     = "frontier"
	frontierType = "multipart/form-data; boundary=" + frontier
)

// formOf writes a form by hand, whatever its parts say.
func formOf(parts ...part) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		out.WriteString("--" + frontier + "\r\n" + p.header + "\r\n\r\n")
		out.Write(p.body)
		out.WriteString("\r\n")
	}
	out.WriteString("--" + frontier + "--\r\n")
	return out.Bytes()
}

// send posts the parts and says in a word what became of each: its status, or
// its problem. What is acknowledged is remembered.
func (v *victim) send(t *testing.T, parts ...part) (status int, said []string, results []resultJSON) {
	t.Helper()
	form := formOf(parts...)
	resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, bytes.NewReader(form))
	if err != nil { // a connection that is closed over a refused body may overtake the answer, where nobody reads it for long
		t.Logf("sent once more: %v", err)
		resp, err = v.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, bytes.NewReader(form))
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := problemOf(t, resp); p != nil {
		return resp.status, []string{p.Code}, nil
	}
	results = v.remember(t, resp, parts)
	for _, r := range results {
		if r.Problem != nil {
			said = append(said, fmt.Sprint(r.Problem.Status, " ", r.Problem.Code))
		} else {
			said = append(said, r.Status)
		}
	}
	return resp.status, said, results
}

// remember notes what an answer acknowledges of the parts, all of them files.
func (v *victim) remember(t *testing.T, resp response, parts []part) []resultJSON {
	t.Helper()
	var answer struct {
		Results []resultJSON `json:"results"`
	}
	decode(t, resp, &answer)
	for i, r := range answer.Results {
		if id := r.ID + r.DuplicateOf; id != "" {
			v.acknowledged[id] = file{data: parts[i].body}.sha256()
		}
	}
	return answer.Results
}

// stored sends one file, which is taken.
func (v *victim) stored(t *testing.T, p part) imageJSON {
	t.Helper()
	status, said, results := v.send(t, p)
	if status != http.StatusCreated || len(results) != 1 || results[0].ID == "" {
		t.Fatalf("%.80q was answered with %d %v", p.header, status, said)
	}
	return v.ready(t, results[0].ID)
}

// refused sends one file, which is not.
func (v *victim) refused(t *testing.T, data []byte, want string) resultJSON {
	t.Helper()
	status, said, results := v.send(t, upload("a.jpg", data))
	if status != http.StatusUnprocessableEntity || !slices.Equal(said, []string{want}) {
		t.Fatalf("%d bytes beginning with %.20q were answered with %d %v, want 422 and %s", len(data), data, status, said, want)
	}
	return results[0]
}

// problemOf reads an answer that is a problem, nil where it is none, and holds
// every failure of the API to being one.
func problemOf(t *testing.T, resp response) *problemJSON {
	t.Helper()
	if resp.header.Get("Content-Type") != "application/problem+json" {
		if resp.status >= http.StatusBadRequest && !bytes.HasPrefix(resp.body, []byte(`{"results":`)) {
			t.Errorf("%d without a problem: %q, %.200q", resp.status, resp.header.Get("Content-Type"), resp.body)
		}
		return nil
	}
	var p problemJSON
	decode(t, resp, &p)
	if p.Code == "" || p.Detail == "" || p.Status != resp.status {
		t.Errorf("%d with the problem %+v", resp.status, p)
	}
	if retry := resp.header.Get("Retry-After"); retry == "" && slices.Contains([]int{408, 423, 429, 502, 503, 504, 507}, resp.status) {
		t.Errorf("%d %s may be tried again, but does not say when", resp.status, p.Code)
	}
	return &p
}

// wantProblem holds an answer of the API to be this problem.
func wantProblem(t *testing.T, what string, resp response, status int, code string) {
	t.Helper()
	p := problemOf(t, resp)
	if p == nil || resp.status != status || p.Code != code {
		t.Errorf("%.120q was answered with %d %.300q, want %d %s", what, resp.status, resp.body, status, code)
	}
}

// canary is somebody else, who uploads a photograph, sees it in the list and
// looks at it.
func (v *victim) canary(t *testing.T) {
	t.Helper()
	f := file{name: "canary.jpg", data: v.fresh(t)}
	ctx, cancel := context.WithTimeout(t.Context(), canaryWithin)
	defer cancel()
	_, results, err := v.tryUpload(ctx, f)
	if err != nil || len(results) != 1 || results[0].ID == "" {
		t.Fatalf("the canary was answered with %+v, %v", results, err)
	}
	v.acknowledged[results[0].ID] = f.sha256()
	resp, err := v.see(ctx, "/api/v1/images?limit=200")
	if err != nil || !strings.Contains(string(resp.body), results[0].ID) {
		t.Fatalf("the canary is not in the list: %d %v", resp.status, err)
	}
	for resp.status = 0; resp.status != http.StatusOK; pause(ctx) {
		if resp, err = v.do(ctx, http.MethodGet, "/media/"+results[0].ID+"/w320", "", nil); err != nil {
			t.Fatalf("the canary cannot be looked at: %d %v", resp.status, err)
		}
	}
	if _, format, err := image.DecodeConfig(bytes.NewReader(resp.body)); err != nil || format != "jpeg" {
		t.Fatalf("the canary's rendition is %q: %v", format, err)
	}
}

// glance is the audit without the bytes of the originals: what was acknowledged
// is listed with its checksum, nothing is there twice, and nothing is there that
// was not acknowledged.
func (v *victim) glance(t *testing.T) {
	t.Helper()
	var all []imageJSON
	eventually(t, readyWithin, "what was acknowledged is listed", func() bool {
		all = v.mustList(t, "")
		return len(all) >= len(v.acknowledged)
	})
	listed, sums := map[string]string{}, map[string]string{}
	for _, img := range all {
		listed[img.ID] = img.SHA256
		if twin, twice := sums[img.SHA256]; twice {
			t.Errorf("the same bytes are there twice: %s and %s", twin, img.ID)
		}
		sums[img.SHA256] = img.ID
		if _, ours := v.acknowledged[img.ID]; !ours {
			t.Errorf("%s (%q, %s) is in the gallery and was never acknowledged", img.ID, img.Name, img.State)
		}
	}
	for id, sum := range v.acknowledged {
		if listed[id] != sum {
			t.Errorf("%s was acknowledged with %s and is listed with %q", id, sum, listed[id])
		}
	}
}

// fieldErrors names the parameters that a problem is about.
func fieldErrors(t *testing.T, resp response) []string {
	t.Helper()
	var p struct {
		Errors []struct {
			Parameter string `json:"parameter"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(resp.body, &p); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range p.Errors {
		out = append(out, e.Parameter)
	}
	return out
}
