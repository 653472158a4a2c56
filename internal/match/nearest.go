package match

import (
	"strings"

	"github.com/postrider/postrider/internal/edit"
)

// maxNearestWork bounds what one look for the nearest pattern may cost, in
// pairs of bytes compared: a thousand long patterns would take 65 million.
const maxNearestWork = 1 << 20

// nearest returns the pattern that takes the least change to match the type,
// word by word: "posts.created" is nearer to "post.created" than to
// "posts.deleted". It also says whether it is close: a misspelling, as a rule.
func nearest(patterns []string, eventType string) (pattern string, isClose bool) {
	words := strings.Split(eventType, ".")
	best, least, work := "", 0.0, 0
	for _, p := range patterns {
		if best != "" && work > maxNearestWork {
			break
		}
		name, isPrefix := strings.CutSuffix(p, ".*")
		target := words
		if isPrefix {
			target = words[:min(len(words), strings.Count(name, ".")+1)]
		}
		work += len(name) * len(eventType)
		if change := wordDistance(strings.Split(name, "."), target); best == "" || change < least {
			best, least = p, change
		}
	}
	// Half a word, or a few letters in several.
	return best, least <= 0.5
}

// wordDistance is Levenshtein's over words: one to insert or to delete costs 1,
// one to replace as much of it as differs.
func wordDistance(a, b []string) float64 {
	row := make([]float64, len(b)+1)
	for j := range row {
		row[j] = float64(j)
	}
	for i := range a {
		diagonal := row[0]
		row[0] = float64(i + 1)
		for j := range b {
			replace := diagonal + difference(a[i], b[j])
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// difference is the part of a word that has to change, 0 to 1.
func difference(a, b string) float64 {
	if a == b {
		return 0
	}
	return float64(edit.Distance(a, b)) / float64(max(len(a), len(b)))
}
