package chaos

import (
	"hash/fnv"
	"strings"
)

// hold keeps requests from being answered until release is called.
func (r *receiver) hold() (release func()) {
	held := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.held = nil
		close(held)
	}
}

func (r *receiver) holding() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

// onAnswer calls do once, right after the next answer.
func (r *receiver) onAnswer(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = do
}

func unlucky(delivery string) bool {
	h := fnv.New32a()
	h.Write([]byte(delivery))
	return h.Sum32()%20 == 0
}

func roundOf(path string) string { return strings.Split(path, "/")[1] }
