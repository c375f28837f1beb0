// Package argon2hasher keeps passwords with Argon2id.
//
// It bounds the memory that people who sign in can make it use. It knows nothing
// of accounts but the port that it fills.
package argon2hasher

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// The parameters are those that OWASP recommends for 19 MiB.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltBytes = 16
	keyBytes  = 32
)

// Limits on work at once. A hash takes 19 MiB and some tens of milliseconds.
const (
	AtOnce  = 4                // hashes, so 76 MiB
	Waiting = 16               // beside those
	MaxWait = 2 * time.Second  // for a turn
	most    = AtOnce + Waiting // who may be inside
)

// Hasher is an accounts.Hasher. Safe for concurrent use.
type Hasher struct {
	cost   parameters
	nobody string // the hash of no password
	inside chan struct{}
	turn   chan struct{}
}

var _ accounts.Hasher = (*Hasher)(nil)

// New makes a hasher. A process has one, since the limits are its own.
func New() *Hasher {
	return newHasher(parameters{memory: memoryKiB, passes: passes, lanes: lanes, key: keyBytes})
}

func newHasher(cost parameters) *Hasher {
	salt, key := make([]byte, saltBytes), make([]byte, keyBytes)
	_, _ = rand.Read(salt) // never fails
	_, _ = rand.Read(key)
	return &Hasher{
		cost: cost, nobody: cost.with(salt).text(key),
		inside: make(chan struct{}, most), turn: make(chan struct{}, AtOnce),
	}
}

// Hash gives the password's hash with a salt of its own, in the usual form
// $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	p := h.cost.with(salt)
	return p.text(p.derive(password)), nil
}

// Verify compares; for hash "" with random bytes, which are the hash of nothing,
// on the same way. A hash that cannot be read is Internal.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	p, key, err := read(cmp.Or(hash, h.nobody))
	if err != nil {
		return false, fault.As(fault.Internal, "argon2hasher.Verify", err)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return subtle.ConstantTimeCompare(p.derive(password), key) == 1, nil
}

// enter waits for a turn, at most MaxWait.
func (h *Hasher) enter(ctx context.Context) (leave func(), _ error) {
	select {
	case h.inside <- struct{}{}:
	default:
		return nil, accounts.ErrBusy
	}
	timer := time.NewTimer(MaxWait)
	defer timer.Stop()
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn; <-h.inside }, nil
	case <-timer.C:
		<-h.inside
		return nil, accounts.ErrBusy
	case <-ctx.Done():
		<-h.inside
		return nil, fault.Wrap("argon2hasher.enter", ctx.Err())
	}
}

// parameters are what a hash was made with.
type parameters struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
	salt   []byte
	key    uint32 // bytes
}

func (p parameters) with(salt []byte) parameters {
	p.salt = salt
	return p
}

func (p parameters) derive(password string) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, p.key)
}

var encoding = base64.RawStdEncoding

func (p parameters) text(key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		encoding.EncodeToString(p.salt), encoding.EncodeToString(key))
}

// mostMemoryKiB and mostPasses bound what a stored hash may ask for.
const (
	mostMemoryKiB = 256 << 10
	mostPasses    = 16
)

// read reads what text wrote, perhaps with other parameters than today's.
func read(hash string) (p parameters, key []byte, err error) {
	var version int
	var salt, sum string
	// A salt and a key in base64 have no '$'.
	n, err := fmt.Sscanf(strings.TrimSpace(strings.ReplaceAll(hash, "$", " ")), "argon2id v=%d m=%d,t=%d,p=%d %s %s", &version, &p.memory, &p.passes, &p.lanes, &salt, &sum)
	if err != nil || n != 6 || version != argon2.Version {
		return p, nil, fmt.Errorf("the hash is none of Argon2id, version %d", argon2.Version)
	}
	if p.memory > mostMemoryKiB || p.passes == 0 || p.passes > mostPasses || p.lanes == 0 {
		return p, nil, fmt.Errorf("the hash asks for %d KiB, %d passes, %d lanes", p.memory, p.passes, p.lanes)
	}
	if p.salt, err = encoding.DecodeString(salt); err != nil {
		return p, nil, err
	}
	key, err = encoding.DecodeString(sum)
	p.key = uint32(len(key)) //nolint:gosec // of a column of 255 bytes
	return p, key, err
}
