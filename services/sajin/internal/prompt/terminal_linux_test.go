package prompt

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// opened keeps the terminals open: a read that was given up may still be at one.
var opened []*os.File

// terminal opens a terminal, and the side of it that a person is at.
func terminal(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals here: ", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("there are no terminals here: ", err)
	}
	opened = append(opened, program)
	return program, person
}

func shows(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// Who stops the program at the question gets the prompt back at once, and a
// terminal that shows what is typed.
func TestStoppedAtTheQuestion(t *testing.T) {
	program, _ := terminal(t)
	ctx, stop := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := Secret(ctx, program, io.Discard, "Password")
		answered <- err
	}()
	for deadline := time.Now().Add(time.Minute); shows(t, program); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not ask")
		}
	}
	stop()
	select {
	case err := <-answered:
		if err == nil {
			t.Error("it has read a password that nobody has typed")
		}
	case <-time.After(time.Minute):
		t.Error("it still waits for a password")
	}
	if !shows(t, program) {
		t.Error("the terminal shows no more what is typed")
	}
}

func TestAskedTwice(t *testing.T) {
	program, person := terminal(t)
	for typed, want := range map[string]string{"secret\nsecret\n": "secret", "secret\nother\n": "", "\n": ""} {
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		got, err := Secret(t.Context(), program, io.Discard, "Password")
		if err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}
