package main

func endpoints() board {
	return board{
		uid: "postrider-endpoints", title: "Endpoints",
		doc:  "How receivers do. By endpoint only with metrics.endpoints on the workers (docs/metrics.md); the console shows each endpoint's own figures.",
		rows: []row{allEndpoints(), busiest()},
	}
}

func allEndpoints() row {
	return row{"All endpoints", []panel{
		{big: true, width: 6, title: "Active", unit: "none", doc: "Endpoints that are active.",
			queries: one(`max(postrider_fleet_endpoints{$F, state="active"})`, "active")},
		{big: true, width: 6, title: "Disabled", unit: "none", doc: "By hand, by a 410, or because they failed for days.",
			queries: one(`max(postrider_fleet_endpoints{$F, state="disabled"})`, "disabled")},
		{big: true, width: 6, title: "Breakers open", unit: "none", red: 1, doc: "Endpoints that are only probed now and then.",
			queries: one(`max(postrider_fleet_breakers{$F, state="open"})`, "open"), alerts: []string{"PostriderBreakersOpen"}},
		{big: true, width: 6, title: "Failing", unit: "none", doc: "Endpoints whose last attempts failed, with a closed breaker.",
			queries: one(`max(postrider_fleet_breakers{$F, state="failing"})`, "failing")},
		{title: "Failed attempts by error", unit: "cps", stacked: true, doc: "docs/delivery-errors.md says what each class means and what to do.",
			queries: one(rate(`postrider_deliver_attempts_total{$P, outcome!="success"}`, "error_class"), "{{error_class}}"), alerts: []string{"PostriderAttemptsFailing"}},
		{title: "Held deliveries by reason", unit: "none", stacked: true, doc: "Among the first 10,000 that are held.",
			queries: one(`max by (reason) (postrider_fleet_held_deliveries{$F})`, "{{reason}}")},
		{title: "Let go and given up", unit: "cps", doc: "released: held deliveries that go out again. canceled: their endpoint was deleted. expired: pending at the end of their retention.",
			queries: []query{
				{expr: rate("postrider_recovery_released_deliveries_total{$F}", ""), legend: "released"},
				{expr: rate("postrider_recovery_canceled_deliveries_total{$F}", ""), legend: "canceled"},
				{expr: rate("postrider_recovery_expired_deliveries_total{$F}", ""), legend: "expired"},
			}, alerts: []string{"PostriderDeliveriesExpired"}},
	}}
}

func busiest() row {
	const attempts = "postrider_deliver_endpoint_attempts_total"
	const needs = " Needs metrics.endpoints; other is all others together."
	return row{"The busiest (metrics.endpoints)", []panel{
		{title: "Attempts", unit: "cps", stacked: true, doc: "Of the endpoints with the most." + needs,
			queries: one(rate(attempts+"{$P}", "endpoint_id"), "{{endpoint_id}}")},
		{title: "Attempts that fail", unit: "percentunit", most: 1, doc: "The part of each endpoint's attempts." + needs,
			queries: one(`sum by (endpoint_id) (rate(`+attempts+`{$P, outcome!="success"}[$window])) / sum by (endpoint_id) (rate(`+attempts+`{$P}[$window]))`, "{{endpoint_id}}")},
		{title: "Mean duration", unit: "s", doc: "How long each endpoint's attempts take." + needs,
			queries: one(`sum by (endpoint_id) (rate(postrider_deliver_endpoint_attempt_seconds_total{$P}[$window])) / sum by (endpoint_id) (rate(`+attempts+`{$P}[$window]))`, "{{endpoint_id}}")},
	}}
}
