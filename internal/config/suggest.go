package config

import "github.com/postrider/postrider/internal/edit"

// nearest returns the candidate that is at most a third of s's length in edits
// away, or "" where none is that close: a far-fetched guess helps nobody.
func nearest(s string, candidates []string) string {
	best, bestDistance := "", len(s)/3+1
	for _, c := range candidates {
		if d := edit.Distance(s, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// didYouMean is the end of a message about an unknown name, or "".
func didYouMean(prefix, s string, candidates []string) string {
	if best := nearest(s, candidates); best != "" {
		return "; did you mean " + prefix + best + "?"
	}
	return ""
}

func keys() []string {
	out := make([]string, len(settings))
	for i := range settings {
		out[i] = settings[i].Key
	}
	return out
}

func envNames() []string {
	out := make([]string, len(settings))
	for i := range settings {
		out[i] = settings[i].Env()
	}
	return out
}
