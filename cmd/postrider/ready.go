package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/cli"
)

// newReady is for where nothing else can ask: the image has no shell and no curl.
func newReady() *cobra.Command {
	var live bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "ready [HOST:PORT]",
		Short: "Ask a server on its metrics listener whether it is ready, for health checks of containers",
		Long: `Ask a server on its metrics listener whether it is ready (or, with --live, whether
it answers at all), and print its answer. The exit code is 0 where it is, and else 1.`,
		Example: `  postrider ready
  postrider ready localhost:9091
  postrider ready --live localhost:9092`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := "localhost:9090"
			if len(args) > 0 {
				address = args[0]
			}
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("%q is not HOST:PORT", address)
			}
			path := "/readyz"
			if live {
				path = "/healthz"
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return askReady(ctx, cmd.OutOrStdout(), "http://"+address+path)
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, "only whether it answers")
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait for the answer")
	return cmd
}

// mostReady bounds the answer of who may be somebody else.
const mostReady = 64 << 10

func askReady(ctx context.Context, w io.Writer, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy: it is this machine, or next to it
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostReady))
	if err != nil {
		return err
	}
	fmt.Fprintln(w, cli.Clean(strings.TrimSpace(string(body))))
	if resp.StatusCode != http.StatusOK {
		return cli.ErrSaid
	}
	return nil
}
