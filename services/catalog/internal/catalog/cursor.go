package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// ErrCursor answers a cursor that was not made here, or not for this list.
var ErrCursor = fault.New(fault.Invalid, "cursor_invalid", "The cursor is not valid for this list. Start again without it.")

// cursors signs and checks cursors. A cursor is a position and a MAC over it,
// the owner and the list's filter: it is good for that list only, and cannot be
// made up. It holds no secret, and stays good when its image goes.
type cursors struct{ key []byte }

const macBytes = 16 // of HMAC-SHA-256; 128 bits cannot be guessed

func (c cursors) sign(payload []byte, context ...string) string {
	return base64.RawURLEncoding.EncodeToString(append(payload, c.mac(payload, context)...))
}

func (c cursors) open(cursor string, size int, context ...string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) != size+macBytes {
		return nil, ErrCursor
	}
	payload := raw[:size]
	if !hmac.Equal(raw[size:], c.mac(payload, context)) {
		return nil, ErrCursor
	}
	return payload, nil
}

func (c cursors) mac(payload []byte, context []string) []byte {
	mac := hmac.New(sha256.New, c.key)
	for _, part := range append(context, string(payload)) {
		// Length first, so that no two lists of parts read the same.
		_, _ = mac.Write(appendInt64(nil, int64(len(part))))
		_, _ = mac.Write([]byte(part))
	}
	return mac.Sum(nil)[:macBytes]
}

const positionBytes = 8 + 26 // milliseconds, then the id

func (c cursors) page(owner identity.Owner, q PageQuery, p Position) string {
	payload := appendInt64(nil, p.TakenAt.UnixMilli())
	return c.sign(append(payload, p.ID...), pageContext(owner, q)...)
}

func (c cursors) openPage(cursor string, owner identity.Owner, q PageQuery) (*Position, error) {
	payload, err := c.open(cursor, positionBytes, pageContext(owner, q)...)
	if err != nil {
		return nil, err
	}
	return &Position{TakenAt: time.UnixMilli(readInt64(payload)).UTC(), ID: string(payload[8:])}, nil
}

func pageContext(owner identity.Owner, q PageQuery) []string {
	list := "timeline"
	if q.Trashed {
		list = "trash"
	}
	if q.Album != "" {
		return []string{list, string(owner), q.Month, q.Album}
	}
	return []string{list, string(owner), q.Month}
}

func (c cursors) feed(owner identity.Owner, seq int64) string {
	return c.sign(appendInt64(nil, seq), "changes", string(owner))
}

func (c cursors) openFeed(cursor string, owner identity.Owner) (int64, error) {
	payload, err := c.open(cursor, 8, "changes", string(owner))
	if err != nil {
		return 0, err
	}
	return readInt64(payload), nil
}

func appendInt64(to []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(to, uint64(n)) //nolint:gosec // the same 64 bits, which readInt64 turns back
}

func readInt64(from []byte) int64 {
	return int64(binary.BigEndian.Uint64(from)) //nolint:gosec // the same 64 bits that appendInt64 wrote
}
