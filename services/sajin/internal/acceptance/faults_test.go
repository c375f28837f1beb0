package acceptance

import (
	"net/http"
	"testing"
)

// faultRows are failures of what Sajin stands on, by their number in the
// project's table of faults (docs/faults.md); the rows that are not here are
// tests of their own, beside what fails.
var faultRows = []struct {
	name string
	run  func(t *testing.T)
}{
	{"F19_BucketRefuses", bucketRefuses},
	{"F20_BucketHangs", bucketHangs},
	{"F20_BucketIsSlow", bucketIsSlow},
	{"F21_BucketStoresHalf", bucketStoresHalf},
	{"F22_BitRot", bitRot},
	{"F23_ObjectIsMissing", objectIsMissing},
	{"F23_NoRights", noRights},
	{"F36_MemoryLimit", memoryLimit},
	{"F37_DiskFull", diskFull},
	{"F37_AllFull", allFull},
	{"F37_NoInodes", noInodes},
	{"F37_TempFull", tempFull},
	{"F37_FewFiles", fewFiles},
	{"F37_ReadOnly", readOnly},
	{"F39_SilentChunk", silentChunk},
	{"F39_SilentForm", silentForm},
	{"F41_TwoProcesses", twoProcesses},
	{"F41_LaterData", laterData},
}

// TestFaults breaks one thing after the other. Whatever it is, the gallery says
// so in the documented way, keeps what it has acknowledged, and works again when
// it is over.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a gallery for each fault")
	}
	for _, row := range faultRows {
		t.Run(row.name, row.run)
	}
}

// faulty is a gallery to break, seen by somebody who uploads.
func faulty(t *testing.T, d deployment) *victim {
	t.Helper()
	seedFaults += 1000
	return &victim{client: newClient(t, d), acknowledged: map[string]string{}, seed: seedFaults}
}

// seedFaults is where the last test's photographs begin.
var seedFaults uint64 = 500_000

// outcome sends one photograph that may be taken or refused for the time being,
// and gives its status and code.
func (v *victim) outcome(t *testing.T) (status int, code string) {
	t.Helper()
	status, said, results := v.send(t, upload("a.jpg", v.fresh(t)))
	if status == http.StatusCreated {
		return status, ""
	}
	if len(results) == 1 && results[0].Problem != nil {
		return results[0].Problem.Status, results[0].Problem.Code
	}
	return status, said[0]
}

// recovers waits until a picture is taken and shown again.
func (v *victim) recovers(t *testing.T) {
	t.Helper()
	var id string
	eventually(t, readyWithin, "a picture is taken again", func() bool {
		status, _, results := v.send(t, upload("a.jpg", v.fresh(t)))
		if status == http.StatusCreated {
			id = results[0].ID
		}
		return status == http.StatusCreated
	})
	v.ready(t, id)
}

// sound ends a row: the fault is over, others are served, and all that was
// acknowledged is there.
func (v *victim) sound(t *testing.T, d deployment) {
	t.Helper()
	v.canary(t)
	v.audit(t, v.acknowledged)
	auditKept(t, d, v.acknowledged)
}
