//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package egress

import (
	"errors"
	"syscall"
)

// glance looks at the socket without waiting and without taking anything.
func (l *link) glance() glance {
	if l.raw == nil {
		return unknown
	}
	// Control and not Read, which would want a deadline that lies ahead.
	if l.raw.Control(l.look) != nil {
		return ended
	}
	return l.seen
}

func (l *link) lookAt(fd uintptr) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), l.byte[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			l.seen = silent
		case err != nil || n == 0:
			l.seen = ended
		default:
			l.seen = pending
		}
		return
	}
}
