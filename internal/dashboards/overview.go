package main

func overview() board {
	return board{
		uid: "postrider-overview", title: "Overview",
		doc:  "Is it delivering, how late, who is hurt, and what saturates: one row each.",
		rows: []row{delivering(), late(), hurt(), saturates()},
	}
}

func delivering() row {
	const succeeded = `sum(rate(postrider_deliver_attempts_total{$P, outcome="success"}[$window]))`
	return row{"Is it delivering?", []panel{
		{big: true, title: "Events accepted", unit: "cps", doc: "Events that publishers sent and Postgres has, a second.",
			queries: one(rate("postrider_ingest_events_total{$P}", ""), "events"), alerts: []string{"PostriderAPIErrors", "PostriderCommitsFailing"}},
		{big: true, title: "Deliveries matched", unit: "cps", doc: "Deliveries made of these events, one for each endpoint that wants one, a second.",
			queries: one(rate("postrider_ingest_deliveries_total{$P}", ""), "deliveries")},
		{big: true, title: "Delivered", unit: "cps", doc: "Attempts that were answered with 2xx, a second. In the long run as many as deliveries are matched.",
			queries: one(succeeded, "delivered"), alerts: []string{"PostriderNoWorkers"}},
		{big: true, title: "Attempts that succeed", unit: "percentunit", doc: "The part of all attempts. One receiver that is down for long lowers it for nobody else.",
			queries: one(succeeded+` / sum(rate(postrider_deliver_attempts_total{$P}[$window]))`, "succeed"), red: 0.5, lessIsBad: true, alerts: []string{"PostriderAttemptsFailing"}},
		{big: true, title: "Processes", unit: "none", doc: "How many of each role answer to Prometheus.",
			queries: one(`count by (role) (postrider_build_info{$P})`, "{{role}}"), alerts: []string{"PostriderDown", "PostriderNoLeader"}},
		{big: true, title: "Alerts", unit: "none", doc: "Alerts of Postrider's that fire now. Their runbooks are in docs/runbooks.",
			queries: one(`count(ALERTS{alertname=~"Postrider.+", alertstate="firing"}) or vector(0)`, "firing"), red: 1},
		{title: "Events, deliveries, successes", unit: "cps", width: 12,
			doc: "What comes in, what is to go out and what has arrived, a second. Successes stay below deliveries while something fails, and go above them when it is caught up with.",
			queries: []query{
				{expr: rate("postrider_ingest_events_total{$P}", ""), legend: "events"},
				{expr: rate("postrider_ingest_deliveries_total{$P}", ""), legend: "deliveries"},
				{expr: succeeded, legend: "successes"},
			}},
		{title: "Attempts by outcome", unit: "cps", width: 12, stacked: true,
			doc:     "retry: the attempt failed, and another follows. failed: it was the last one, and the delivery has failed.",
			queries: one(rate("postrider_deliver_attempts_total{$P}", "outcome"), "{{outcome}}"), alerts: []string{"PostriderAttemptsFailing"}},
	}}
}

func late() row {
	return row{"How late?", []panel{
		{title: "Accepted to first attempt", unit: "s", doc: "Time from an event's acceptance, or its deliver_at, to the start of a delivery's first attempt: Postrider's own part of the way. Dots are deliveries.",
			queries: quantiles("postrider_deliver_first_attempt_delay_seconds"), alerts: []string{"PostriderFirstAttemptsSlow"}},
		{title: "Accepted to delivered", unit: "s", doc: "Time from an event's acceptance to its success, with receivers' time and all waits between retries.",
			queries: quantiles("postrider_deliver_success_delay_seconds")},
		{title: "Oldest due delivery", unit: "s", red: 120, doc: "How long the latest delivery waits that could go out now: in Postgres (none) or in Redis and workers (task). Seconds are normal, minutes are not.",
			queries: one(`max by (holder) (postrider_recovery_oldest_due_seconds{$F})`, "{{holder}}"), alerts: []string{"PostriderDeliveriesLate", "PostriderQueueLate"}},
	}}
}

func hurt() row {
	return row{"Who is hurt?", []panel{
		{title: "Failed attempts by error", unit: "cps", stacked: true, doc: "What receivers answered, or did not: docs/delivery-errors.md has each class. internal is ours.",
			queries: one(rate(`postrider_deliver_attempts_total{$P, outcome!="success"}`, "error_class"), "{{error_class}}"),
			alerts:  []string{"PostriderAttemptsFailing", "PostriderAttemptsFailInside"}},
		{title: "Endpoints that fail", unit: "none", stacked: true, doc: "open: the breaker is open, and only a probe now and then goes out. failing: the last attempts failed, and deliveries go on.",
			queries: one(`max by (state) (postrider_fleet_breakers{$F})`, "{{state}}"), alerts: []string{"PostriderBreakersOpen"}},
		{title: "Held deliveries by reason", unit: "none", stacked: true, doc: "Deliveries that wait for something other than their time, among the first 10,000 that are held.",
			queries: one(`max by (reason) (postrider_fleet_held_deliveries{$F})`, "{{reason}}"), alerts: []string{"PostriderBreakersOpen", "PostriderSecretsSealed"}},
	}}
}

func saturates() row {
	return row{"What saturates?", []panel{
		{title: "Request slots in use", unit: "percentunit", most: 1, red: 0.9, doc: "Requests in flight, as a part of worker.concurrency. At 100 % more workers help, or quicker receivers.",
			queries: one(`sum by (instance) (postrider_deliver_in_flight{$P}) / sum by (instance) (postrider_deliver_slots{$P})`, "{{instance}}"), alerts: []string{"PostriderSlotsFull"}},
		{title: "CPU", unit: "none", doc: "Cores that each process uses.",
			queries: one(`sum by (job, instance) (rate(process_cpu_seconds_total{$P}[$window]))`, "{{job}} {{instance}}")},
		{title: "Memory", unit: "bytes", doc: "Resident memory of each process.",
			queries: one(`process_resident_memory_bytes{$P}`, "{{job}} {{instance}}")},
		{title: "Postgres connections in use", unit: "percentunit", most: 1, red: 0.9, doc: "Of those that each process may have.",
			queries: one(`sum by (job, instance) (postrider_postgres_pool_connections{$P, state="in_use"}) / sum by (job, instance) (postrider_postgres_pool_max_connections{$P})`, "{{job}} {{instance}}"),
			alerts:  []string{"PostriderPoolWaits"}},
		{title: "Tasks that wait in Redis", unit: "none", doc: "Pending tasks, each with up to 50 deliveries. From 40 in deliver on, a workspace's burst goes by bulk.",
			queries: one(`max by (queue) (postrider_fleet_queue_tasks{$F, state="pending"})`, "{{queue}}"), alerts: []string{"PostriderQueueLate"}},
		{title: "Events that wait for their commit", unit: "none", doc: "In each API process; from 8,192 on it answers 503.",
			queries: one(`sum by (instance) (postrider_ingest_waiting_events{$P})`, "{{instance}}"), alerts: []string{"PostriderPublishSlow"}},
	}}
}
