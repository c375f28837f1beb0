//go:build unix

package imageworker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// channel is one end of the socket between parent and worker. Frames pass
// through it, and files: as descriptors, so that their bytes need no copy.
type channel struct{ *net.UnixConn }

// workerFD is the descriptor of a worker's end.
const workerFD = 3

// dial opens the end that a worker was started with.
func dial() (*channel, error) { return newChannel(os.NewFile(workerFD, "parent")) }

// newChannel takes the file over.
func newChannel(f *os.File) (*channel, error) {
	conn, err := net.FileConn(f)
	_ = f.Close() // conn has a copy
	if err != nil {
		return nil, fmt.Errorf("imageworker: %w", err)
	}
	c, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("imageworker: not a socket of this machine")
	}
	return &channel{c}, nil
}

// pair makes both ends; the second is for a worker to inherit.
func pair() (*channel, *os.File, error) {
	fds, err := socketpair()
	if err != nil {
		return nil, nil, fmt.Errorf("imageworker: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "worker")
	ours, err := newChannel(os.NewFile(uintptr(fds[0]), "parent"))
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// socketpair makes two sockets that no program inherits. Nobody may start one in
// between: another image's worker could speak for this one.
func socketpair() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	return fds, err
}

// sendFile sends a descriptor, with one byte to carry it.
func (c *channel) sendFile(f *os.File) error {
	_, _, err := c.WriteMsgUnix([]byte{0}, unix.UnixRights(int(f.Fd())), nil)
	return err
}

// receiveFile is the other end of sendFile.
func (c *channel) receiveFile() (*os.File, error) {
	var carrier [1]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, size, _, _, err := c.ReadMsgUnix(carrier[:], rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:size])
	if err != nil || n != 1 || len(messages) != 1 {
		return nil, fmt.Errorf("no file came with the request: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("no file came with the request: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "image"), nil
}

// unnamedFile is an empty file in the system's temporary folder, without a name.
func unnamedFile() (*os.File, error) {
	f, err := os.CreateTemp("", "sajin-image-*")
	if err != nil {
		return nil, fmt.Errorf("imageworker: %w", err)
	}
	_ = os.Remove(f.Name()) // what stays is an empty file, at worst
	return f, nil
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("imageworker: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
