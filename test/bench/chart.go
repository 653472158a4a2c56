package main

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
)

// chart is a report's picture.
type chart interface{ svg() string }

// chartFile is where the picture of the report in output goes.
func chartFile(output string) string {
	return strings.TrimSuffix(output, filepath.Ext(output)) + ".svg"
}

func writeChart(r report, output string) error {
	c, ok := r.(chart)
	if !ok {
		return nil
	}
	if err := os.WriteFile(chartFile(output), []byte(c.svg()), 0o644); err != nil {
		return fmt.Errorf("write the chart: %w", err)
	}
	return nil
}

// Sizes in the chart, in its units: pixels, where it is shown as large as it is.
const (
	chartWidth, rowHeight, barHeight = 720, 34, 16
	barsAt, barsWidth                = 330, 320
)

// svg draws each share of the bare rate as a bar, from the least to the most of its
// runs as a line, and its goal as a mark. Its colours do on light and on dark.
func (r *result) svg() string {
	most := 0.1
	for _, m := range r.measured {
		most = max(most, newSpread(m.shares).most, goals[m.kind])
	}
	at := func(share float64) float64 { return barsAt + barsWidth*share/most }
	var b strings.Builder
	height := rowHeight*len(r.measured) + 40
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#808a99">
<title>Shares of the bare rate</title>
`, chartWidth, height, chartWidth, height)
	for i, m := range r.measured {
		share, y := newSpread(m.shares), 12+rowHeight*i
		middle := y + barHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>
<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="#3b82f6"/>
<path d="M%.1f %dH%.1f" stroke="#1e3a8a" stroke-width="2"/>
<text x="%.1f" y="%d">%.2f</text>
`, barsAt-10, middle+4, html.EscapeString(m.kind.short()), barsAt, y, at(share.median)-barsAt, barHeight,
			at(share.least), middle, at(share.most), max(at(share.median), at(share.most), at(goals[m.kind]))+8, middle+4, share.median)
		if goal, ok := goals[m.kind]; ok {
			fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#f97316" stroke-width="2"/>
`, at(goal), y-4, y+barHeight+4)
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">share of the bare rate: median, least to most; <tspan fill="#f97316">goal</tspan></text>
</svg>
`, barsAt, height-10)
	return b.String()
}

// short is a label for the chart.
func (k kind) short() string {
	what := "events accepted"
	if k.fanout > 0 {
		what = fmt.Sprintf("deliveries, fan-out %d", k.fanout)
	}
	switch {
	case k.keyed:
		what += ", with a key"
	case k.batch > 0:
		what += fmt.Sprintf(", batches of %d", k.batch)
	}
	return what
}
