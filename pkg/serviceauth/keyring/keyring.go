// Package keyring signs short-lived statements with keys that the gallery's own
// services share, and verifies them. A statement is a JSON Web Token (RFC 7519)
// signed with HMAC-SHA-256, of a kind that is part of what is signed.
//
// It knows what a signature is worth, and not what the statements are about.
package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The limits on keys and statements.
const (
	// MinSecretBytes is the size of the hash, below which HMAC is weaker.
	MinSecretBytes = 32
	MaxKeys        = 8
	MaxKeyIDBytes  = 64
	MaxTokenBytes  = 4 << 10
	// Life is how long a statement is good for. It is made for one request, and
	// judged when that arrives.
	Life = time.Minute
	// Leeway is by how much the clocks of two machines may differ.
	Leeway = 30 * time.Second
)

// Kind says what a statement states, so that one cannot be taken for another
// (RFC 8725, section 3.11).
type Kind string

// Statement is what is signed.
type Statement struct {
	Subject  string // whom it is about
	Audience string // whom it is for
}

// Ring is a set of keys: the first signs, all verify. Safe for concurrent use.
type Ring struct {
	first   string
	secrets map[string][]byte
}

// Parse reads "kid:base64,kid:base64". No error shows a secret.
func Parse(text string) (*Ring, error) {
	entries := strings.Split(text, ",")
	if text == "" || len(entries) > MaxKeys {
		return nil, fmt.Errorf("there must be 1 to %d keys, each as id:base64, separated by commas", MaxKeys)
	}
	r := &Ring{secrets: make(map[string][]byte, len(entries))}
	for i, entry := range entries {
		id, encoded, _ := strings.Cut(strings.TrimSpace(entry), ":")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		switch _, twice := r.secrets[id]; {
		case !validID(id):
			return nil, fmt.Errorf("key %d must begin with an id of up to %d letters, digits, '-', '_' and '.', and a colon", i+1, MaxKeyIDBytes)
		case twice:
			return nil, fmt.Errorf("two keys have the id %s", id)
		case err != nil:
			return nil, fmt.Errorf("key %s is not base64", id)
		case len(secret) < MinSecretBytes:
			return nil, fmt.Errorf("key %s must have at least %d bytes before it is written in base64", id, MinSecretBytes)
		}
		if i == 0 {
			r.first = id
		}
		r.secrets[id] = secret
	}
	return r, nil
}

func validID(id string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return id != "" && len(id) <= MaxKeyIDBytes && strings.Trim(id, letters) == ""
}

// Sign makes a statement that is good for Life.
func (r *Ring) Sign(kind Kind, s Statement) (string, error) {
	key := jose.SigningKey{Algorithm: jose.HS256, Key: r.secrets[r.first]}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)).WithHeader("kid", r.first))
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Subject: s.Subject, Audience: jwt.Audience{s.Audience}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(Life)),
	}).Serialize()
}

// What can be wrong with a statement.
var (
	errTooLong  = errors.New("keyring: the statement is too long")
	errKind     = errors.New("keyring: the statement is of another kind")
	errKey      = errors.New("keyring: the statement is signed with a key that is not known here")
	errLife     = errors.New("keyring: the statement does not say when it was made and how long it is good for, or it is too long")
	errAudience = errors.New("keyring: the statement is not for one audience")
)

// Verify reads a statement of that kind, if it was signed with one of the keys
// and is good now. Whom it is for is the caller's to judge.
func (r *Ring) Verify(kind Kind, token string) (Statement, error) {
	if len(token) > MaxTokenBytes {
		return Statement{}, errTooLong
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Statement{}, fmt.Errorf("keyring: %w", err)
	}
	header := parsed.Headers[0] // a compact token has one
	if header.ExtraHeaders[jose.HeaderType] != string(kind) {
		return Statement{}, errKind
	}
	secret, known := r.secrets[header.KeyID]
	if !known {
		return Statement{}, errKey
	}
	var c jwt.Claims
	if err := parsed.Claims(secret, &c); err != nil {
		return Statement{}, fmt.Errorf("keyring: %w", err)
	}
	return judge(c)
}

func judge(c jwt.Claims) (Statement, error) {
	if c.Expiry == nil || c.IssuedAt == nil || c.Expiry.Time().Sub(c.IssuedAt.Time()) > Life {
		return Statement{}, errLife
	}
	if err := c.ValidateWithLeeway(jwt.Expected{}, Leeway); err != nil {
		return Statement{}, fmt.Errorf("keyring: %w", err)
	}
	if len(c.Audience) != 1 {
		return Statement{}, errAudience
	}
	return Statement{Subject: c.Subject, Audience: c.Audience[0]}, nil
}
