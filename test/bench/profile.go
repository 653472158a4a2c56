package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// profiled are the roles whose CPU profiles are taken.
var profiled = [...]string{"api", "worker"}

// takeProfiles runs each kind once more, since profiling costs a little, and
// writes <dir>/<role>-<kind>.pprof.
func (r *result) takeProfiles(ctx context.Context, l *lab, progress io.Writer) error {
	if err := os.MkdirAll(r.options.profile, 0o755); err != nil {
		return fmt.Errorf("make the directory of profiles: %w", err)
	}
	for _, m := range r.measured {
		rate := newSpread(m.rates).median
		seconds := max(int(float64(m.events*max(m.kind.fanout, 1))/rate)-1, 1)
		fmt.Fprintf(progress, "profiling %s for %d s:", m.kind.name, seconds)
		var wg sync.WaitGroup
		errs := make([]error, len(profiled))
		for i, role := range profiled {
			file := filepath.Join(r.options.profile, role+"-"+strings.ReplaceAll(m.kind.label(), " ", "-")+".pprof")
			wg.Go(func() { errs[i] = fetchProfile(ctx, l.stack.metrics[role], seconds, file) })
		}
		got, err := l.run(ctx, m.kind, m.events)
		wg.Wait()
		if err := errors.Join(append(errs, err)...); err != nil {
			return err
		}
		fmt.Fprintf(progress, " %.0f/s\n", got.rate)
	}
	return nil
}

func fetchProfile(ctx context.Context, base string, seconds int, file string) error {
	url := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", base, seconds)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: time.Duration(seconds)*time.Second + patience}).Do(req)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	raw, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("profile: %s: %s", res.Status, raw)
	}
	return os.WriteFile(file, raw, 0o644)
}
