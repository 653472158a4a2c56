package main

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
)

type variant = variants.Dataquery

// rate is how much a counter grows in a second; by is "" or a list of labels.
func rate(metric, by string) string {
	return sumBy(by) + "(rate(" + metric + "[$window]))"
}

func sumBy(by string) string {
	if by == "" {
		return "sum"
	}
	return "sum by (" + by + ") "
}

// quantiles are the usual three of a histogram.
func quantiles(histogram string) []query {
	var all []query
	for _, q := range []struct{ at, name string }{{"0.5", "p50"}, {"0.95", "p95"}, {"0.99", "p99"}} {
		all = append(all, query{
			expr:   fmt.Sprintf("histogram_quantile(%s, sum by (le) (rate(%s_bucket{$P}[$window])))", q.at, histogram),
			legend: q.name, exemplars: strings.HasPrefix(histogram, "postrider_deliver_") && !strings.Contains(histogram, "_record_"),
		})
	}
	return all
}

// mean is a histogram's.
func mean(histogram string) query {
	return query{expr: fmt.Sprintf("sum(rate(%s_sum{$P}[$window])) / sum(rate(%s_count{$P}[$window]))", histogram, histogram), legend: "mean"}
}

func one(expr, legend string) []query { return []query{{expr: expr, legend: legend}} }
