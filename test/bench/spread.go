package main

import (
	"fmt"
	"slices"
)

// spread is the median of some figures, with the least and the greatest.
type spread struct{ median, least, most float64 }

func newSpread(figures []float64) spread {
	if len(figures) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	return spread{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, least: sorted[0], most: sorted[n-1]}
}

// format prints "median (least–most)" with so many decimals.
func (s spread) format(decimals int) string {
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.median, decimals, s.least, decimals, s.most)
}
