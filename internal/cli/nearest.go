package cli

import (
	"strings"

	"github.com/postrider/postrider/internal/edit"
)

// nearest is which of the names somebody most likely meant; "" when none is alike.
func nearest(typed string, names []string) string {
	best, least := "", 1+len(typed)/3
	for _, name := range names {
		if d := edit.Distance(strings.ToLower(typed), strings.ToLower(name)); d <= least && (best == "" || d < least) {
			best, least = name, d
		}
	}
	return best
}
