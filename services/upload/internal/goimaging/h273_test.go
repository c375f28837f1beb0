package goimaging

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
)

// A picture whose file says by numbers that it is of a wide gamut has renditions
// that say so by a profile, as browsers read it.
func TestNumbersBecomeAProfile(t *testing.T) {
	file, err := os.ReadFile("testdata/patches.avif")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte("colrnclx")) + len("colrnclx")
	for _, tc := range []struct {
		primaries, transfer uint16
		want                string // the profile's name; "" for none
	}{
		{1, 13, ""},
		{2, 2, ""},
		{12, 13, "Display P3"},
		{12, 1, "Display P3"},
		{12, 2, "Display P3"},
		{11, 5, "DCI-P3"},
		{9, 14, "BT.2020"},
		{9, 16, ""},
		{9, 18, ""},
		{65535, 13, ""},
		{12, 65535, ""},
	} {
		said := bytes.Clone(file)
		binary.BigEndian.PutUint16(said[at:], tc.primaries)
		binary.BigEndian.PutUint16(said[at+2:], tc.transfer)
		imager := New(unhurried)
		d, err := imager.Derive(t.Context(), source(said), mustProbe(t, said), standardSpecs)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Renditions {
			w := newWindow(t.Context(), source(r.Data))
			h, err := walkJPEG(w, Limits{}.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			icc := h.profile.load(w, 1<<20, 3)
			if (icc != nil) != (tc.want != "") || icc != nil && !bytes.Contains(icc, tagText(tc.want)) {
				t.Errorf("primaries %d, transfer %d: a profile of %d bytes, want %q", tc.primaries, tc.transfer, len(icc), tc.want)
			}
		}
	}
}

// The colorants are those that Apple publishes in its profile of Display P3, and
// the ICC in that of BT.2020; white is the sum of them.
func TestColorants(t *testing.T) {
	for primaries, want := range map[uint64]matrix{
		12: {{0.51512, 0.29198, 0.15710}, {0.24120, 0.69225, 0.06657}, {-0.00105, 0.04189, 0.78407}},
		9:  {{0.67348, 0.16566, 0.12505}, {0.27904, 0.67534, 0.04561}, {-0.00193, 0.02998, 0.79686}},
	} {
		got, _ := gamuts[primaries].colorants()
		for i := range 3 {
			for j := range 3 {
				if math.Abs(got[i][j]-want[i][j]) > 0.0005 {
					t.Errorf("%s: %v, want %v", gamuts[primaries].name, got, want)
				}
			}
			if sum := got[i][0] + got[i][1] + got[i][2]; math.Abs(sum-d50[i]) > 1e-9 {
				t.Errorf("%s: white has %v in row %d", gamuts[primaries].name, sum, i)
			}
		}
	}
}
