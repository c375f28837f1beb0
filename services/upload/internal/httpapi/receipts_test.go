package httpapi_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// receipt asks for a receipt and reads the answer, or the code of the problem.
func (s *server) receipt(who string, ids ...string) (uploadapi.Receipt, sessionReply) {
	s.t.Helper()
	body, err := json.Marshal(uploadapi.ReceiptRequest{IDs: ids})
	if err != nil {
		s.t.Fatal(err)
	}
	reply := s.call(who, http.MethodPost, uploadapi.PathReceipts, strings.NewReader(string(body)), jsonHeader)
	var out uploadapi.Receipt
	if reply.status == http.StatusOK {
		if err := json.Unmarshal(reply.raw, &out); err != nil {
			s.t.Fatal(err)
		}
	}
	return out, reply
}

// A receipt holds what the bucket holds, of the asking owner's images only.
func TestReceipt(t *testing.T) {
	s := newServer(t)
	content := []string{jpegOf(t, corners(8, 6)), jpegOf(t, corners(9, 6))}
	var ids []string
	for _, c := range content {
		ids = append(ids, s.post(filePart("a.jpg", c)).results[0].ID)
	}
	unknown := identity.NewImageID(time.Now())
	got, reply := s.receipt(owner, ids[1], unknown, ids[0], ids[1], "../x")
	reply.is(t, http.StatusOK, "", 0)
	if len(got.Files) != 2 || got.Files[0].ID != ids[1] || got.Files[1].ID != ids[0] || got.Version != 1 || got.MadeAt.IsZero() {
		t.Fatalf("the receipt is %+v", got)
	}
	if !slices.Equal(got.Missing, []string{unknown, "../x"}) {
		t.Errorf("missing are %q", got.Missing)
	}
	for i, f := range []uploadapi.ReceiptFile{got.Files[1], got.Files[0]} {
		crc := binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(content[i]), crc32.MakeTable(crc32.Castagnoli)))
		if f.Size != int64(len(content[i])) || f.SHA256 != sha(content[i]) || f.CRC32C != base64.StdEncoding.EncodeToString(crc) || f.Name != "a.jpg" || f.Generation == 0 {
			t.Errorf("file %d is %+v", i, f)
		}
	}
	if got, _ := s.receipt("bob", ids...); len(got.Files) != 0 || !slices.Equal(got.Missing, ids) {
		t.Errorf("somebody else is told %+v", got)
	}
}

func TestReceiptLimits(t *testing.T) {
	s := newServer(t)
	for n, code := range map[int]string{0: "no_images", 1: "", uploadapi.MaxReceipt - 1: "", uploadapi.MaxReceipt: "", uploadapi.MaxReceipt + 1: "too_many_images"} {
		got, reply := s.receipt(owner, slices.Repeat([]string{identity.FirstImageID(time.Now())}, n)...)
		if reply.problem.Code != code || (code == "" && len(got.Missing) != 1) {
			t.Errorf("%d ids: %d %q, missing %d", n, reply.status, reply.problem.Code, len(got.Missing))
		}
	}
	long := `{"ids":["` + strings.Repeat("A", uploadapi.MaxReceiptBytes) + `"]}`
	for _, tt := range []struct {
		path, body string
		header     http.Header
		status     int
	}{
		{uploadapi.PathReceipts, "{}", http.Header{"Content-Type": {"text/plain"}}, 415},
		{uploadapi.PathReceipts, "ids", jsonHeader, 400},
		{uploadapi.PathReceipts, long, jsonHeader, 413},
		{uploadapi.PathReceipts + "?x=1", "{}", jsonHeader, 400},
	} {
		if reply := s.call(owner, http.MethodPost, tt.path, strings.NewReader(tt.body), tt.header); reply.status != tt.status {
			t.Errorf("%s %.20s: answered %d %q, want %d", tt.path, tt.body, reply.status, reply.problem.Code, tt.status)
		}
	}
}

// A bucket that fails is no missing image.
func TestReceiptOfABucketThatFails(t *testing.T) {
	s := newServer(t)
	id := s.post(filePart("a.jpg", jpegOf(t, corners(8, 6)))).results[0].ID
	s.faults.Arm(1, ingesttest.Before)
	if _, reply := s.receipt(owner, id); reply.status != http.StatusServiceUnavailable || reply.retry == "" {
		t.Errorf("answered %d, Retry-After %q", reply.status, reply.retry)
	}
}
