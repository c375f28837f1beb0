package ingest

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// note is what is kept with a session's bytes: what was planned, and what came
// of it.
type note struct {
	Owner      identity.Owner `json:"owner"`
	ID         string         `json:"id"` // of the image
	Name       string         `json:"name"`
	Size       int64          `json:"size"`
	SHA256     string         `json:"sha256,omitempty"`
	ModifiedAt *time.Time     `json:"modified_at,omitempty"`
	Album      string         `json:"album,omitempty"` // cleaned
	Given      Given          `json:"given,omitzero"`  // cleaned
	ExpiresAt  time.Time      `json:"expires_at"`
	// CompanionOf is the image that the file is the film of; "" for an image, whose
	// own id ID is.
	CompanionOf string      `json:"companion_of,omitempty"`
	Kept        *kept       `json:"kept,omitempty"`
	Refused     *refusedFor `json:"refused,omitempty"`
	Expired     bool        `json:"expired,omitempty"` // and its bytes are gone
}

// kept is a file that was stored.
type kept struct {
	Original Original `json:"original"`
	Ready    bool     `json:"ready"`
	Width    int      `json:"width,omitempty"`
	Height   int      `json:"height,omitempty"`
}

// refusedFor is why a file was not kept.
type refusedFor struct {
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func readNote(raw []byte) (note, error) {
	var n note
	if err := json.Unmarshal(raw, &n); err != nil {
		return n, fault.As(fault.Internal, "ingest.readNote", err)
	}
	return n, nil
}

func (n note) encode() ([]byte, error) {
	raw, err := json.Marshal(n)
	return raw, fault.As(fault.Internal, "ingest.note", err)
}

// said is what the client said of the file.
func (n note) said() said { return said{modified: n.ModifiedAt, given: n.Given} }

// open: more is to come of it.
func (n note) open() bool { return n.Kept == nil && n.Refused == nil && !n.Expired }

// outcome is what the note says came of it.
func (n note) outcome() Outcome {
	out := Outcome{Name: n.Name}
	switch {
	case n.Refused != nil:
		out.Err = n.Refused.fault()
	case n.Kept != nil:
		out.Original, out.Ready = n.Kept.Original, n.Kept.Ready
		if n.CompanionOf != "" {
			out.Original.companion = n.ID
		}
		out.Manifest = contract.Manifest{Width: n.Kept.Width, Height: n.Kept.Height}
	}
	return out
}

// conclude notes an outcome, if it is one: a failure of ours may pass.
func (n note) conclude(o Outcome) (note, bool) {
	if o.Err == nil {
		n.Kept = &kept{Original: o.Original, Ready: o.Ready, Width: o.Manifest.Width, Height: o.Manifest.Height}
		return n, true
	}
	public := fault.Public(o.Err)
	if public.Kind == fault.Internal || public.Kind.Retryable() {
		return n, false
	}
	n.Refused = &refusedFor{Kind: public.Kind.String(), Code: public.Code, Detail: public.Detail}
	return n, true
}

func (r *refusedFor) fault() error {
	for _, kind := range fault.Kinds() {
		if kind.String() == r.Kind {
			return fault.New(kind, r.Code, r.Detail)
		}
	}
	return fault.As(fault.Internal, "ingest.refusal", errors.New("a refusal of an unknown kind: "+r.Kind))
}
