package imageworker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
)

// A frame is one message: a head in JSON, and bytes that belong to it. JSON,
// because the side that reads an answer must not trust the one that wrote it,
// and nothing that reads gob promises to bear that.
const (
	maxHeadBytes = 1 << 20
	prefixBytes  = 4 + 4 // the lengths of head and body
)

// errGarbage says that what came is no message.
var errGarbage = errors.New("imageworker: not a message")

// writeFrame writes a head and the pieces of its body.
func writeFrame(w io.Writer, head any, body ...[]byte) error {
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("imageworker: encode: %w", err)
	}
	if len(text) > maxHeadBytes {
		return fmt.Errorf("imageworker: a head of %d bytes", len(text))
	}
	var total uint32
	for _, piece := range body {
		total += uint32(len(piece)) //nolint:gosec // pictures that were made in memory
	}
	prefix := make([]byte, 0, prefixBytes)
	prefix = binary.BigEndian.AppendUint32(prefix, uint32(len(text))) //nolint:gosec // at most maxHeadBytes
	prefix = binary.BigEndian.AppendUint32(prefix, total)
	pieces := net.Buffers(append([][]byte{prefix, text}, body...))
	_, err = pieces.WriteTo(w)
	return err
}

// readFrame reads a head into head, and returns the body. A frame with more than
// maxBody bytes, or an oversized head, is an error before anything is allocated
// for it.
func readFrame(r io.Reader, head any, maxBody int64) ([]byte, error) {
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	size, rest := binary.BigEndian.Uint32(prefix[:4]), binary.BigEndian.Uint32(prefix[4:])
	if size > maxHeadBytes || int64(rest) > maxBody {
		return nil, fmt.Errorf("%w: it has %d and %d bytes, of at most %d and %d", errGarbage, size, rest, maxHeadBytes, maxBody)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, head); err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbage, err)
	}
	body := make([]byte, rest)
	_, err := io.ReadFull(r, body)
	return body, err
}
