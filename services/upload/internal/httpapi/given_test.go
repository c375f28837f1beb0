package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
)

// What is known of a picture from elsewhere goes with the plan, and is in the
// manifest of a file that says nothing of it; what is no date is no reason to
// refuse the file.
func TestPlanWithWhatIsKnown(t *testing.T) {
	content := large(t)
	for given, want := range map[string]contract.Manifest{
		`"taken_at":"2011-05-06T16:08:09+09:00","caption":"한강","place":{"latitude":37.5,"longitude":127}`: {
			TakenAt: new(time.Date(2011, 5, 6, 7, 8, 9, 0, time.UTC)), Caption: "한강", Place: &contract.Place{Latitude: 37.5, Longitude: 127},
		},
		`"taken_at":"yesterday","place":{"latitude":91,"longitude":0}`: {},
	} {
		s := newServer(t)
		plan, _ := s.planFor(owner, fmt.Sprintf(`{"name":"a.jpg","size":%d,%s}`, len(content), given))
		r := s.call(owner, http.MethodPut, plan.Files[0].SessionURL, strings.NewReader(content), http.Header{})
		r.is(t, 201, "", 0)
		m := s.manifest(r.result.ID)
		if (m.TakenAt == nil) != (want.TakenAt == nil) || m.TakenAt != nil && !m.TakenAt.Equal(*want.TakenAt) ||
			m.Caption != want.Caption || (m.Place == nil) != (want.Place == nil) || m.Place != nil && *m.Place != *want.Place {
			t.Errorf("%s: %v, %q, %v", given, m.TakenAt, m.Caption, m.Place)
		}
	}
}
