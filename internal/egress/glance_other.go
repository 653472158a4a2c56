//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package egress

// glance can't look at a socket here; quiet then reads from it for a moment.
func (l *link) glance() glance { return unknown }

func (l *link) lookAt(uintptr) {}
