package years

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// limit is how many times as long as on the small database something may take.
const limit = 1.3

// pair is what was measured on both sides, in turn, in milliseconds or a second.
type pair struct{ full, small []float64 }

// line is a row of the report.
type line struct {
	what string
	unit string
	pair
	// slower is how many times as slow the full one is.
	slower float64
	// worst of the full side.
	worst float64
	// remark stands beside the verdict.
	remark string
}

// byTime compares the first quartiles of times: whatever else the machine does makes
// some of them longer, and none shorter.
func byTime(what string, p pair) line {
	return line{what: what, unit: "ms", pair: p, slower: quantile(p.full, 25) / quantile(p.small, 25), worst: slices.Max(p.full)}
}

// byRound compares figures of loads, whose rounds stand beside each other: the median
// of their ratios, since the machine's other work comes and goes. rate is a figure
// that is better when it is higher.
func byRound(what, unit string, p pair, rate bool) line {
	ratios := make([]float64, len(p.full))
	for i := range ratios {
		ratios[i] = p.full[i] / p.small[i]
		if rate {
			ratios[i] = 1 / ratios[i]
		}
	}
	return line{what: what, unit: unit, pair: p, slower: median(ratios), worst: slices.Max(p.full)}
}

func median(figures []float64) float64 { return quantile(figures, 50) }

func quantile(figures []float64, percent int) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[(len(sorted)-1)*percent/100]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (l line) verdict() string {
	if l.slower <= limit {
		return "yes"
	}
	return "**no**"
}

func (l line) String() string {
	return fmt.Sprintf("%s: full %.2f %s (worst %.2f), small %.2f, %.2f times as slow", l.what, median(l.full), l.unit, l.worst, median(l.small), l.slower)
}

// both are the databases that are compared.
type both struct{ full, small *side }

// alternate does something n times on each side, which of them first by turns.
func (b both) alternate(t *testing.T, n int, do func(*side) float64) (p pair) {
	t.Helper()
	for i := range n {
		if i%2 == 0 {
			p.full = append(p.full, do(b.full))
			p.small = append(p.small, do(b.small))
			continue
		}
		p.small = append(p.small, do(b.small))
		p.full = append(p.full, do(b.full))
	}
	return p
}
