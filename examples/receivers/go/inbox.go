package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// inbox is a directory of events: todo has those that are noted, done says which are
// handled. A table in your database does the same; then write "done" in the
// transaction that does the work, and each event is handled exactly once.
//
// One process has a directory. Nothing is forgotten; what is older than any
// replay can be: find done -mtime +32 -delete
type inbox struct {
	dir   string
	noted chan struct{}
}

func openInbox(dir string) (*inbox, error) {
	in := &inbox{dir: dir, noted: make(chan struct{}, 1)}
	return in, errors.Join(os.MkdirAll(in.path("todo"), 0o700), os.MkdirAll(in.path("done"), 0o700))
}

func (in *inbox) path(parts ...string) string {
	return filepath.Join(append([]string{in.dir}, parts...)...)
}

// note notes an event, and returns when no crash can lose it any more. One that comes
// again, also at the same moment, has the same name and is handled once.
func (in *inbox) note(id string, body []byte) error {
	sum := sha256.Sum256([]byte(id))
	name := hex.EncodeToString(sum[:])
	if in.isDone(name) {
		return nil
	}
	draft, err := in.draft(body)
	if err != nil {
		return fmt.Errorf("note %s: %w", id, err)
	}
	// The name is the directory's, which has to be on the disk, too.
	if err := errors.Join(os.Rename(draft, in.path("todo", name)), syncDir(in.path("todo"))); err != nil {
		return fmt.Errorf("note %s: %w", id, err)
	}
	select {
	case in.noted <- struct{}{}:
	default: // run knows already
	}
	return nil
}

// draft writes a file to the disk that is nothing yet.
func (in *inbox) draft(body []byte) (string, error) {
	file, err := os.CreateTemp(in.dir, "draft-")
	if err != nil {
		return "", err
	}
	_, err = file.Write(body)
	return file.Name(), errors.Join(err, file.Sync(), file.Close())
}

func (in *inbox) isDone(name string) bool {
	_, err := os.Stat(in.path("done", name))
	return err == nil
}

// run handles what is noted, the oldest first, until ctx ends. One that handle fails at
// is tried again with the next, or in a minute.
func (in *inbox) run(ctx context.Context, handle func(context.Context, []byte) error) {
	again := time.NewTicker(time.Minute)
	defer again.Stop()
	for ctx.Err() == nil {
		for _, name := range in.todo() {
			if err := in.work(ctx, name, handle); err != nil {
				log.Printf("not handled (%s), to be tried again: %v", name, err)
			}
		}
		select {
		case <-in.noted:
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

func (in *inbox) work(ctx context.Context, name string, handle func(context.Context, []byte) error) error {
	// It may have been noted once more while it was being handled.
	if !in.isDone(name) {
		body, err := os.ReadFile(in.path("todo", name))
		if err != nil {
			return err
		}
		if err := handle(ctx, body); err != nil {
			return err
		}
		// On the disk before the other one goes, or a power cut may leave neither.
		if err := errors.Join(os.WriteFile(in.path("done", name), nil, 0o600), syncDir(in.path("done"))); err != nil {
			return err
		}
	}
	return os.Remove(in.path("todo", name))
}

// todo has the names of what is noted, the oldest first.
func (in *inbox) todo() []string {
	entries, err := os.ReadDir(in.path("todo"))
	if err != nil {
		log.Print(err)
	}
	at := map[string]time.Time{}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			at[entry.Name()] = info.ModTime()
		} else if !errors.Is(err, fs.ErrNotExist) {
			log.Print(err)
		}
	}
	names := make([]string, 0, len(at))
	for name := range at {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return at[a].Compare(at[b]) })
	return names
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
