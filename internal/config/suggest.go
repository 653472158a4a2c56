package config

// nearest returns the candidate that is at most a third of s's length in edits
// away, or "" where none is that close: a far-fetched guess helps nobody.
func nearest(s string, candidates []string) string {
	best, bestDistance := "", len(s)/3+1
	for _, c := range candidates {
		if d := editDistance(s, c); d < bestDistance {
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

// editDistance is Levenshtein's, over bytes: keys are ASCII.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
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
