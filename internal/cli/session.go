package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/telemetry"
)

var errNoKey = errors.New("no API key: set POSTRIDER_KEY (or POSTRIDER_API_ADMIN_KEY), give --key, or add a profile with `postrider profiles add`")

// session is a command that runs: whom it talks to, and where it writes.
type session struct {
	api    *client.Client
	target target
	out    *printer
	// in is standard input. notes is standard error: what people want to know beside
	// the result.
	in    io.Reader
	notes io.Writer
}

// action is what a command does.
type action func(ctx context.Context, s *session, args []string) error

// connected runs an action with a session.
func connected(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := connect(cmd)
		if err != nil {
			return err
		}
		if err := do(cmd.Context(), s, args); err != nil {
			return &called{err, s.target.url}
		}
		return nil
	}
}

func connect(cmd *cobra.Command) (*session, error) {
	t, err := targetOf(cmd.Flags())
	if err != nil {
		return nil, err
	}
	w := &wire{next: http.DefaultTransport}
	out, err := newPrinter(cmd, w)
	if err != nil {
		return nil, err
	}
	return &session{
		api: t.client(client.Config{HTTPClient: &http.Client{Transport: w}}), target: t, out: out,
		in: cmd.InOrStdin(), notes: cmd.ErrOrStderr(),
	}, nil
}

// client is the target's.
func (t target) client(cfg client.Config) *client.Client {
	cfg.Workspace, cfg.UserAgent = t.workspace, "postrider/"+telemetry.Version()
	return client.NewWith(t.url, t.key, cfg)
}

// note says what was done where there is no answer to show.
func (s *session) note(format string, args ...any) {
	fmt.Fprintln(s.notes, cleanLines(fmt.Sprintf(format, args...)))
}
