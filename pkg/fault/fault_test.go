package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// retryable is written out, so that a new kind has to be decided about here.
var retryable = map[fault.Kind]bool{
	fault.Internal: false, fault.Invalid: false, fault.Unauthenticated: false, fault.Forbidden: false,
	fault.NotFound: false, fault.Conflict: false, fault.Gone: false, fault.TooLarge: false,
	fault.Unsupported: false, fault.Unprocessable: false, fault.PreconditionFailed: false,
	fault.RangeNotSatisfiable: false,
	fault.RateLimited:         true, fault.Locked: true, fault.Unavailable: true, fault.Timeout: true,
	fault.Canceled: true, fault.OutOfSpace: true,
}

func TestEveryKindHasANameOfItsOwnAndARule(t *testing.T) {
	names := map[string]fault.Kind{}
	for _, k := range fault.Kinds() {
		if other, taken := names[k.String()]; taken || k.String() == "" {
			t.Errorf("kind %d is named %q, as is kind %d", k, k, other)
		}
		names[k.String()] = k
		want, decided := retryable[k]
		if !decided || k.Retryable() != want {
			t.Errorf("%v: Retryable = %v, decided %v as %v", k, k.Retryable(), decided, want)
		}
	}
	if len(fault.Kinds()) != len(retryable) {
		t.Errorf("%d kinds, %d decided", len(fault.Kinds()), len(retryable))
	}
}

func TestAnUnknownKindIsInternal(t *testing.T) {
	if got := fault.Kind(200).String(); got != "internal" {
		t.Errorf("String = %q", got)
	}
}

func TestKindOf(t *testing.T) {
	gone := fault.New(fault.Gone, "gone", "It is gone.")
	cases := map[string]struct {
		err  error
		want fault.Kind
	}{
		"unclassified":               {io.EOF, fault.Internal},
		"canceled context":           {fmt.Errorf("x: %w", context.Canceled), fault.Canceled},
		"passed deadline":            {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.Timeout},
		"a fault":                    {gone, fault.Gone},
		"wrapped by fmt":             {fmt.Errorf("x: %w", gone), fault.Gone},
		"joined":                     {errors.Join(io.EOF, gone), fault.Gone},
		"the outermost decides":      {fault.As(fault.Unavailable, "op", gone), fault.Unavailable},
		"Wrap keeps":                 {fault.Wrap("op", gone), fault.Gone},
		"Wrap classifies a deadline": {fault.Wrap("op", context.DeadlineExceeded), fault.Timeout},
		"With keeps":                 {gone.With("op", context.Canceled), fault.Gone},
	}
	for name, c := range cases {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNoErrorStaysNoError(t *testing.T) {
	if err := fault.Wrap("op", nil); err != nil {
		t.Errorf("Wrap(nil) = %v", err)
	}
	if err := fault.As(fault.Gone, "op", nil); err != nil {
		t.Errorf("As(nil) = %v", err)
	}
}

func TestIs(t *testing.T) {
	sentinel := fault.New(fault.NotFound, "image_not_found", "There is no such image.")
	cases := map[string]struct {
		err, target error
		want        bool
	}{
		"a copy with a cause":      {sentinel.With("op", io.EOF), sentinel, true},
		"a copy with a retry time": {sentinel.RetryAfter(time.Second), sentinel, true},
		"wrapped":                  {fault.Wrap("op", sentinel), sentinel, true},
		"its cause":                {sentinel.With("op", io.EOF), io.EOF, true},
		"another sentence":         {fault.New(fault.NotFound, "image_not_found", "Nothing."), sentinel, true},
		"another code":             {fault.New(fault.NotFound, "album_not_found", ""), sentinel, false},
		"another kind":             {fault.New(fault.Gone, "image_not_found", ""), sentinel, false},
		"codes that are empty":     {&fault.Error{Kind: fault.Gone}, &fault.Error{Kind: fault.Gone}, false},
		"no fault":                 {sentinel, io.EOF, false},
	}
	for name, c := range cases {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWithAndRetryAfterLeaveTheOriginalAlone(t *testing.T) {
	sentinel := fault.New(fault.Locked, "busy", "Somebody is at it.")
	want := *sentinel
	_ = sentinel.With("op", io.EOF)
	_ = sentinel.RetryAfter(time.Minute)
	if !reflect.DeepEqual(*sentinel, want) {
		t.Errorf("the sentinel became %+v", *sentinel)
	}
}

func TestErrorTextIsForTheLog(t *testing.T) {
	cases := []struct {
		err  *fault.Error
		want string
	}{
		{&fault.Error{Kind: fault.Gone}, "gone"},
		{&fault.Error{Kind: fault.Gone, Code: "code"}, "code"},
		{fault.New(fault.Gone, "code", "A sentence."), "A sentence."},
		{fault.Newf(fault.Gone, "code", "At most %d.", 3), "At most 3."},
		{fault.New(fault.Gone, "code", "A sentence.").With("pkg.Op", io.EOF), "pkg.Op: A sentence.: EOF"},
		{&fault.Error{Kind: fault.Gone, Err: io.EOF}, "EOF"},
		{&fault.Error{Kind: fault.Gone, Op: "pkg.Op", Err: io.EOF}, "pkg.Op: EOF"},
	}
	for _, c := range cases {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%#v: %q, want %q", c.err, got, c.want)
		}
	}
}

func TestPublic(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.3:3306: access denied for root")
	sentinel := fault.New(fault.NotFound, "image_not_found", "There is no such image.")
	parameter := fault.Parameter("limit", "Too much.")
	busy := fault.New(fault.Unavailable, "busy", "Busy.").RetryAfter(3 * time.Second)
	cases := map[string]struct {
		err  error
		want fault.Error
	}{
		"unclassified":           {secret, fault.Error{Kind: fault.Internal, Code: "internal"}},
		"internal with a text":   {fault.New(fault.Internal, "secret", "secret").With("op", secret), fault.Error{Kind: fault.Internal, Code: "internal"}},
		"a deadline":             {context.DeadlineExceeded, fault.Error{Kind: fault.Timeout, Code: "timeout"}},
		"classified, no code":    {fault.As(fault.Unavailable, "op", secret), fault.Error{Kind: fault.Unavailable, Code: "unavailable"}},
		"code and sentence":      {sentinel.With("op", secret), fault.Error{Kind: fault.NotFound, Code: "image_not_found", Detail: "There is no such image."}},
		"through Wrap":           {fault.Wrap("a", fault.Wrap("b", sentinel)), fault.Error{Kind: fault.NotFound, Code: "image_not_found", Detail: "There is no such image."}},
		"fields":                 {fault.Wrap("op", parameter), fault.Error{Kind: fault.Invalid, Code: "validation_failed", Detail: "Too much.", Fields: parameter.Fields}},
		"retry time of a cause":  {fault.Wrap("op", busy), fault.Error{Kind: fault.Unavailable, Code: "busy", Detail: "Busy.", Retry: 3 * time.Second}},
		"the outermost sentence": {fault.New(fault.Unavailable, "catalog_down", "Later.").With("op", busy), fault.Error{Kind: fault.Unavailable, Code: "catalog_down", Detail: "Later.", Retry: 3 * time.Second}},
		"classified anew":        {fault.As(fault.Unavailable, "op", sentinel), fault.Error{Kind: fault.Unavailable, Code: "unavailable"}},
		"internal anew":          {fault.As(fault.Internal, "op", sentinel), fault.Error{Kind: fault.Internal, Code: "internal"}},
	}
	for name, c := range cases {
		if got := fault.Public(c.err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
