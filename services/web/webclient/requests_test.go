package webclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

func TestSendWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				panic(http.ErrAbortHandler)
			}
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				t.Errorf("the form cannot be read: %v", err)
				return
			}
			f := r.MultipartForm.File["file"][0]
			if f.Filename != "a.jpg" || f.Size != 5 || r.FormValue("album") != "Trip" || r.FormValue("last_modified") != "1700000000000" || r.FormValue("companion_of") != "b" {
				t.Errorf("the form is %v %+v", r.MultipartForm.Value, f)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"results":[`+stored+`]}`)
		})
		f := uploadapi.PlanFile{Name: "a.jpg", Size: 5, Album: "Trip", LastModified: "1700000000000", CompanionOf: "b"}
		got, err := client(t, h).SendWhole(t.Context(), f, opened([]byte("hello")), nil)
		if err != nil || got.Status != uploadapi.StatusStored || n != 2 {
			t.Errorf("%+v, %v after %d requests", got, err, n)
		}
	})
}

func TestSendWholeRefused(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		d := problem.From(fault.New(fault.Unprocessable, "image_corrupt", "Damaged."))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(422)
		_ = json.NewEncoder(w).Encode(uploadapi.UploadResponse{Results: []uploadapi.Result{{Status: uploadapi.StatusRefused, Problem: &d}}})
	})
	_, err := client(t, h).SendWhole(t.Context(), uploadapi.PlanFile{Name: "a.jpg", Size: 5}, opened([]byte("hello")), nil)
	if public := fault.Public(err); public.Code != "image_corrupt" || public.Detail != "Damaged." {
		t.Errorf("%v", err)
	}
}

func TestPlanAndForesee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				problem.Write(w, r, fault.New(fault.Unavailable, "away", "Away."))
				return
			}
			var req uploadapi.PlanRequest
			if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.URL.Path != "/api/v1/uploads" {
				t.Errorf("%s: %v", r.URL, err)
			}
			out := uploadapi.PlanResponse{Files: make([]uploadapi.PlanResult, len(req.Files))}
			for i := range out.Files {
				out.Files[i].Status = "new" + r.URL.RawQuery
			}
			_ = json.NewEncoder(w).Encode(out)
		})
		c, files := client(t, h), []uploadapi.PlanFile{{Name: "a"}, {Name: "b"}}
		if got, err := c.Plan(t.Context(), files); err != nil || len(got) != 2 || got[1].Status != "new" {
			t.Errorf("Plan: %+v, %v", got, err)
		}
		if got, err := c.Foresee(t.Context(), files); err != nil || len(got) != 2 || got[1].Status != "newdry_run=true" {
			t.Errorf("Foresee: %+v, %v", got, err)
		}
	})
}

func TestCancel(t *testing.T) {
	for code, ok := range map[int]bool{499: true, 204: true, 404: true, 410: true, 403: false} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodDelete || r.URL.Path != "/api/v1/uploads/S" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.WriteHeader(code)
		})
		if err := client(t, h).Cancel(t.Context(), session.URL); (err == nil) != ok {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestPing(t *testing.T) {
	for code, ok := range map[int]bool{200: true, 503: false, 404: false} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		if err := client(t, h).Ping(t.Context()); (err == nil) != ok {
			t.Errorf("%d: %v", code, err)
		}
	}
}
