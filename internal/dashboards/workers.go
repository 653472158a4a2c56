package main

func workers() board {
	return board{
		uid: "postrider-workers", title: "Workers",
		doc:  "The requests that workers make, what they wait for, and how outcomes get into Postgres.",
		rows: []row{requests(), setAside(), recording(), runtime("postrider_deliver_slots")},
	}
}

func requests() row {
	return row{"Requests", []panel{
		{title: "In flight", unit: "none", doc: "Requests in flight in each worker.",
			queries: one(`sum by (instance) (postrider_deliver_in_flight{$P})`, "{{instance}}"), alerts: []string{"PostriderSlotsFull"}},
		{title: "Attempts by worker", unit: "cps", doc: "Attempts a second. Workers take tasks as they have room, so that a slow machine has fewer.",
			queries: one(rate("postrider_deliver_attempts_total{$P}", "instance"), "{{instance}}"), alerts: []string{"PostriderNoWorkers"}},
		{title: "Duration of attempts", unit: "s", doc: "How long receivers take to answer, failed attempts too. Dots are deliveries.",
			queries: quantiles("postrider_deliver_attempt_duration_seconds")},
		{title: "What came of requests", unit: "cps", stacked: true, doc: "answered, whatever the status, or the class of the error. APIs' tests of endpoints are among them.",
			queries: one(rate("postrider_egress_requests_total{$P}", "outcome"), "{{outcome}}"), alerts: []string{"PostriderAttemptsFailing"}},
		{title: "New connections for each request", unit: "percentunit", doc: "1 is a connection for each request; near 0 receivers keep theirs open. New ones cost a round trip, with TLS two.",
			queries: one(`sum(rate(postrider_egress_connections_total{$P}[$window])) / sum(rate(postrider_egress_requests_total{$P}[$window]))`, "connections")},
		{title: "Failures inside Postrider", unit: "cps", doc: "Attempts that failed for reasons that are ours; workers' logs have them.",
			queries: one(rate(`postrider_deliver_attempts_total{$P, error_class="internal"}`, "outcome"), "{{outcome}}"), alerts: []string{"PostriderAttemptsFailInside"}},
	}}
}

func setAside() row {
	return row{"Not tried when their turn came", []panel{
		{title: "Held by reason", unit: "cps", stacked: true, doc: "Deliveries set aside a second, each time again: the endpoint's breaker, rate limit or window, a disabled endpoint, a turn that has not come.",
			queries: one(rate("postrider_deliver_held_deliveries_total{$P}", "reason"), "{{reason}}"), alerts: []string{"PostriderSecretsSealed"}},
		{title: "Waiting for a slot", unit: "none", doc: "Deliveries in memory that wait for their endpoint's window or for a free slot.",
			queries: one(`sum by (instance) (postrider_deliver_waiting_deliveries{$P})`, "{{instance}}"), alerts: []string{"PostriderSlotsFull"}},
		{title: "Dropped and parked", unit: "cps", doc: "dropped: a task had members that were somebody else's, or done: some after a crash, none as a rule. parked: over their endpoint's window.",
			queries: []query{
				{expr: rate("postrider_deliver_dropped_members_total{$P}", ""), legend: "dropped"},
				{expr: rate("postrider_deliver_parked_total{$P}", ""), legend: "parked"},
			}, alerts: []string{"PostriderWorkersDying"}},
	}}
}

func recording() row {
	return row{"Recording", []panel{
		{title: "Attempt's end to its commit", unit: "s", doc: "How long an outcome waits until it is in Postgres, with others of its group.",
			queries: quantiles("postrider_deliver_record_wait_seconds"), alerts: []string{"PostriderRecordsBlocked"}},
		{title: "Commits", unit: "s", doc: "How long one group's commit takes: Postgres's disk, mostly.",
			queries: quantiles("postrider_deliver_record_duration_seconds")},
		{title: "Outcomes in a commit", unit: "none", doc: "They gather while the commit before runs, so that groups grow with the load.",
			queries: []query{mean("postrider_deliver_record_group_outcomes")}},
		{title: "Commits that failed", unit: "cps", doc: "Each is tried again until it succeeds; meanwhile no request begins.",
			queries: one(rate("postrider_deliver_record_failures_total{$P}", "instance"), "{{instance}}"), alerts: []string{"PostriderRecordsBlocked"}},
		{title: "Blocked", unit: "none", most: 1, doc: "1 while a worker can't record, and so begins nothing.",
			queries: one(`max by (instance) (postrider_deliver_recorder_blocked{$P})`, "{{instance}}"), alerts: []string{"PostriderRecordsBlocked"}},
		{title: "Secrets that can't be decrypted", unit: "none", doc: "Deliveries of the last chunk whose endpoint's secret the worker has no key for.",
			queries: one(`max by (instance) (postrider_deliver_sealed_members{$P})`, "{{instance}}"), alerts: []string{"PostriderSecretsSealed"}},
	}}
}

// runtime is of the processes that have the metric.
func runtime(of string) row {
	with := ` and on (job, instance) ` + of
	return row{"Runtime", []panel{
		{title: "CPU", unit: "none", doc: "Cores that each process uses.",
			queries: one(`rate(process_cpu_seconds_total{$P}[$window])`+with, "{{instance}}")},
		{title: "Memory", unit: "bytes", doc: "Resident memory; GOMEMLIMIT bounds the heap softly.",
			queries: one(`process_resident_memory_bytes{$P}`+with, "{{instance}}")},
		{title: "Goroutines", unit: "none", doc: "They come and go with requests; what grows for ever is a leak.",
			queries: one(`go_goroutines{$P}`+with, "{{instance}}")},
	}}
}
