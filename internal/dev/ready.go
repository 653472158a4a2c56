package dev

import (
	"fmt"

	"github.com/postrider/postrider/internal/config"
)

// printReady says where everything is and how to publish the first event. The
// curl command stands alone on its line, to be copied or cut out.
func printReady(opts Options, cfg config.Config, base string, s *state, r *receiver) {
	fmt.Fprintf(opts.Output, `
Postrider is running.

  API         %s   (reference: %s/docs)
  Console     %s/console   (sign in with one of the keys below)
  Metrics     http://%s/metrics
  Admin key   %s
  Workspace   %s
  Key         %s
  Receiver    %s   (built in; gets every event of the workspace and shows it here)
  Data        %s   (kept; remove it to start anew)

Publish an event from another terminal and watch it arrive here:

curl -sS %s/v1/events -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"type":"post.created","data":{"id":123,"title":"My Blog Post"}}'

Ctrl-C stops everything.
`, base, base, base, reachable(cfg.Metrics.Listen), cfg.API.AdminKey, workspace, s.WorkspaceKey, r.url(), opts.DataDir, base, s.WorkspaceKey)
	if r.refused != nil {
		fmt.Fprintf(opts.Output, "\nThe built-in receiver gets nothing, for its endpoint is refused: %v\n", r.refused)
	}
}
