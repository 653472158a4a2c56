// Command bench measures the whole system on this machine: a private Postgres
// that syncs its commits, a real Redis, one API, one worker and one scheduler as
// processes of their own, and, in this process, 128 posters and the receiver.
// Beside every rate stands the bare one: the same posters, straight to the same
// receiver. With -isolation it measures what sick receivers do to healthy ones
// instead, with -scaling what more workers and cores give, with -retries what a
// million due retries do to live latency, with -against what changed since other
// programs. Everything is on loopback, bounded in count and time, and ends with
// this process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// limit bounds everything, starts and stops included; retries are put into Postgres
// besides, and go out.
func (o *options) limit() time.Duration {
	if o.retries {
		return 20*time.Minute + 2*timeFor(o.due)
	}
	return 20 * time.Minute
}

// run returns the exit code: 0 when everything was measured and nothing was lost
// or doubled, 1 otherwise, 2 for a bad flag.
func run(args []string, out, progress io.Writer) int {
	o, err := parseOptions(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit(), fmt.Errorf("not done after %s", o.limit()))
	defer cancel()
	if err := bench(ctx, o, out, progress); err != nil {
		fmt.Fprintln(progress, "bench:", err)
		return 1
	}
	return 0
}

// report is what was measured.
type report interface {
	markdown() string
	// verdict is an error when something was lost, doubled or tried twice.
	verdict() error
}

func measure(ctx context.Context, o options, progress io.Writer) (report, error) {
	switch {
	case o.isolation:
		return measureIsolation(ctx, o, progress)
	case o.against != "":
		return measureAgainst(ctx, o, progress)
	case o.scaling:
		return measureScaling(ctx, o, progress)
	case o.retries:
		return measureRetries(ctx, o, progress)
	}
	return measureAll(ctx, o, progress)
}

// bench measures, prints the report to out and writes it where o says.
func bench(ctx context.Context, o options, out, progress io.Writer) error {
	r, err := measure(ctx, o, progress)
	if err != nil {
		return err
	}
	text := r.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if o.output != "" {
		if err := os.WriteFile(o.output, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		if err := writeChart(r, o.output); err != nil {
			return err
		}
	}
	return r.verdict()
}
