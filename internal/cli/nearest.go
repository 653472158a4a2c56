package cli

import "strings"

// nearest is which of the names somebody most likely meant; "" when none is alike.
func nearest(typed string, names []string) string {
	best, least := "", 1+len(typed)/3
	for _, name := range names {
		if d := distance(strings.ToLower(typed), strings.ToLower(name)); d <= least && (best == "" || d < least) {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters have to change, come or go (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
