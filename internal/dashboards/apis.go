package main

func apis() board {
	return board{
		uid: "postrider-api", title: "API",
		doc:  "Requests to the API, and how events get into Postgres.",
		rows: []row{apiRequests(), publishing(), beside(), runtime("postrider_api_in_flight")},
	}
}

func apiRequests() row {
	const all = `sum(rate(postrider_api_requests_total{$P}[$window]))`
	return row{"Requests", []panel{
		{big: true, width: 6, title: "Requests", unit: "reqps", doc: "Requests a second.", queries: one(all, "requests")},
		{big: true, width: 6, title: "Errors of ours", unit: "percentunit", doc: "The part that was answered with 5xx.", red: 0.01,
			queries: one(`sum(rate(postrider_api_requests_total{$P, code=~"5.."}[$window])) / `+all, "5xx"), alerts: []string{"PostriderAPIErrors"}},
		{big: true, width: 6, title: "Callers' mistakes", unit: "percentunit", doc: "The part that was answered with 4xx.",
			queries: one(`sum(rate(postrider_api_requests_total{$P, code=~"4.."}[$window])) / `+all, "4xx")},
		{big: true, width: 6, title: "In flight", unit: "none", doc: "Requests that are being answered, streams and those that wait included.",
			queries: one(`sum(postrider_api_in_flight{$P})`, "in flight")},
		{title: "By status", unit: "reqps", stacked: true, doc: "Answers by status. 429 is a key over api.rate_limit; 503 is Postgres away, or too much at once.",
			queries: one(rate("postrider_api_requests_total{$P}", "code")+" > 0", "{{code}}"), alerts: []string{"PostriderAPIErrors"}},
		{title: "Busiest routes", unit: "reqps", stacked: true, doc: "The ten routes with the most requests.",
			queries: one(`topk(10, `+rate("postrider_api_requests_total{$P}", "route")+`)`, "{{route}}")},
		{title: "Slowest routes", unit: "s", doc: "The 99th percentile of the ten slowest routes; those that wait for receivers (test, diagnose, wait) are slow by nature.",
			queries: one(`topk(10, histogram_quantile(0.99, sum by (route, le) (rate(postrider_api_request_duration_seconds_bucket{$P}[$window]))) > 0)`, "{{route}}")},
	}}
}

func publishing() row {
	return row{"Publishing", []panel{
		{title: "Duration of a publish", unit: "s", doc: "POST /v1/events and /v1/events/batch, from the request's headers to the end of its answer.",
			queries: publishQuantiles(), alerts: []string{"PostriderPublishSlow"}},
		{title: "Wait for the commit", unit: "s", doc: "How long events wait for their group and its commit.",
			queries: quantiles("postrider_ingest_wait_seconds"), alerts: []string{"PostriderPublishSlow"}},
		{title: "Commits", unit: "s", doc: "How long one group's commit takes.",
			queries: quantiles("postrider_ingest_commit_duration_seconds")},
		{title: "Events in a commit", unit: "none", doc: "Publishers that come at the same time share one, so that groups grow with the load.",
			queries: []query{mean("postrider_ingest_group_events")}},
		{title: "Waiting", unit: "none", doc: "Events that wait for their commit; from 8,192 on, or 64 MiB, the API answers 503.",
			queries: one(`sum by (instance) (postrider_ingest_waiting_events{$P})`, "{{instance}}")},
		{title: "Waiting, in bytes", unit: "bytes", doc: "Their size.",
			queries: one(`sum by (instance) (postrider_ingest_waiting_bytes{$P})`, "{{instance}}")},
		{title: "Commits that failed", unit: "cps", doc: "Their publishers got an error; nothing of the group is stored.",
			queries: one(rate("postrider_ingest_failed_groups_total{$P}", "instance"), "{{instance}}"), alerts: []string{"PostriderCommitsFailing"}},
		{title: "Not announced", unit: "cps", doc: "Deliveries that were committed and did not reach Redis: the scheduler has them, up to a second later.",
			queries: one(rate("postrider_ingest_unannounced_deliveries_total{$P}", "instance"), "{{instance}}"), alerts: []string{"PostriderRedisTakesNothing"}},
		{title: "Against their schema", unit: "cps", doc: "Events that their type's JSON Schema found fault with: warn accepts them, reject does not.",
			queries: one(rate("postrider_ingest_invalid_events_total{$P}", "validation"), "{{validation}}")},
	}}
}

func publishQuantiles() []query {
	var all []query
	for _, q := range []struct{ at, name string }{{"0.5", "p50"}, {"0.95", "p95"}, {"0.99", "p99"}} {
		all = append(all, query{
			expr:   `histogram_quantile(` + q.at + `, sum by (le) (rate(postrider_api_request_duration_seconds_bucket{$P, route=~"POST /v1/events(/batch)?"}[$window])))`,
			legend: q.name,
		})
	}
	return all
}

func beside() row {
	return row{"Beside", []panel{
		{title: "Streams", unit: "none", doc: "Streams that are open: postrider listen and tail, and pages of the console.",
			queries: one(`sum by (instance) (postrider_live_streams{$P})`, "{{instance}}")},
		{title: "Publishers that wait for outcomes", unit: "none", doc: "With wait on a publish; 256 at most in a process.",
			queries: one(`sum by (instance) (postrider_await_waiting_publishers{$P})`, "{{instance}}")},
		{title: "How their waits ended", unit: "cps", stacked: true, doc: "settled: all outcomes were there in time. limit: too many waited, and the answer came without.",
			queries: one(rate("postrider_await_waits_total{$P}", "end"), "{{end}}")},
	}}
}
