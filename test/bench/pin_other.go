//go:build !linux

package main

import "errors"

func (s *stack) pin(func(name string) int) error {
	return errors.New("processes are pinned on Linux only")
}
