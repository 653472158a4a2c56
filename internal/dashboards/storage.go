package main

func storage() board {
	return board{
		uid: "postrider-storage", title: "Postgres, Redis, queues",
		doc:  "The truth, the alarm clock, and the scheduler that keeps them together.",
		rows: []row{postgres(), redis(), queues(), scheduler()},
	}
}

func postgres() row {
	return row{"Postgres", []panel{
		{title: "Connections", unit: "none", stacked: true, doc: "Of all processes, by state.",
			queries: one(`sum by (state) (postrider_postgres_pool_connections{$P})`, "{{state}}"), alerts: []string{"PostriderPoolWaits"}},
		{title: "Wait for a connection", unit: "s", doc: "Time that each process waits in a second because no connection is free.",
			queries: one(`sum by (job, instance) (rate(postrider_postgres_pool_wait_seconds_total{$P}[$window]))`, "{{job}} {{instance}}"), alerts: []string{"PostriderPoolWaits"}},
		{title: "Use of connections", unit: "cps", doc: "acquires, those that had to wait, those that gave up, and connections opened.",
			queries: []query{
				{expr: rate("postrider_postgres_pool_acquires_total{$P}", ""), legend: "acquires"},
				{expr: rate("postrider_postgres_pool_waited_acquires_total{$P}", ""), legend: "waited"},
				{expr: rate("postrider_postgres_pool_canceled_acquires_total{$P}", ""), legend: "gave up"},
				{expr: rate("postrider_postgres_pool_opened_connections_total{$P}", ""), legend: "opened"},
				{expr: rate("postrider_postgres_pool_closed_connections_total{$P}", ""), legend: "closed"},
			}},
		{title: "99th percentile of commits", unit: "s", doc: "Of events by APIs, and of outcomes by workers.",
			queries: []query{
				{expr: `histogram_quantile(0.99, sum by (le) (rate(postrider_ingest_commit_duration_seconds_bucket{$P}[$window])))`, legend: "events"},
				{expr: `histogram_quantile(0.99, sum by (le) (rate(postrider_deliver_record_duration_seconds_bucket{$P}[$window])))`, legend: "outcomes"},
			}, alerts: []string{"PostriderCommitsFailing", "PostriderRecordsBlocked"}},
		{title: "Replica's lag", unit: "s", doc: "How far behind the replica is that lists are read from, as each API measures it; -1 while it can't be asked.",
			queries: one(`max by (job, instance) (postrider_postgres_replica_lag_seconds{$P})`, "{{job}} {{instance}}")},
		{title: "Lists", unit: "cps", stacked: true, doc: "By where they are read, where there is a replica: there, or on the primary because it lags or is away, for the caller's own change, after a conflict or a failure.",
			queries: one(rate("postrider_postgres_list_reads_total{$P}", "server"), "{{server}}")},
		{title: "Partitions ahead", unit: "none", red: 3, lessIsBad: true, doc: "Days to come that have their partitions: 14 as a rule.",
			queries: one(`max(postrider_recovery_partitions_ahead{$F})`, "days"), alerts: []string{"PostriderPartitionsShort"}},
		{title: "Stats", unit: "s", doc: "How long the oldest change waits to be counted.",
			queries: one(`max(postrider_stats_lag_seconds{$F})`, "lag"), alerts: []string{"PostriderStatsLate"}},
	}}
}

func redis() row {
	return row{"Redis", []panel{
		{title: "Takes tasks", unit: "none", most: 1, doc: "1 while it is there, not full, and no replica, as each process sees it.",
			queries: one(`min by (job, instance) (postrider_queue_redis_takes_tasks{$P})`, "{{job}} {{instance}}"), alerts: []string{"PostriderRedisTakesNothing"}},
		{title: "Memory", unit: "bytes", doc: "Used, and its maxmemory where it has one. Full, it takes no tasks, and deliveries wait in Postgres.",
			queries: []query{
				{expr: `max(postrider_queue_redis_memory_used_bytes{$P})`, legend: "used"},
				{expr: `max(postrider_queue_redis_memory_max_bytes{$P})`, legend: "maxmemory"},
			}, alerts: []string{"PostriderRedisNearlyFull", "PostriderRedisEvicts"}},
		{title: "Clocks", unit: "s", doc: "How far each machine's clock is ahead of Redis's; from 10 s on a worker takes nothing.",
			queries: one(`max by (job, instance) (abs(postrider_queue_clock_skew_seconds{$P}))`, "{{job}} {{instance}}"), alerts: []string{"PostriderClockOff"}},
		{title: "Connections", unit: "none", stacked: true, doc: "Of all processes: shared is for commands, servers for those that take tasks.",
			queries: one(`sum by (pool, state) (postrider_queue_redis_pool_connections{$P})`, "{{pool}} {{state}}")},
		{title: "Use of connections", unit: "cps", doc: "hits found one free, misses opened one, timeouts got none in time, stale ones were thrown away.",
			queries: []query{
				{expr: rate("postrider_queue_redis_pool_hits_total{$P}", ""), legend: "hits"},
				{expr: rate("postrider_queue_redis_pool_misses_total{$P}", ""), legend: "misses"},
				{expr: rate("postrider_queue_redis_pool_timeouts_total{$P}", ""), legend: "timeouts"},
				{expr: rate("postrider_queue_redis_pool_stale_connections_total{$P}", ""), legend: "stale"},
				{expr: rate("postrider_queue_redis_pool_waits_total{$P}", ""), legend: "waits"},
			}},
		{title: "May evict", unit: "none", most: 1, doc: "1 while its maxmemory-policy lets it throw tasks away: set it to noeviction.",
			queries: one(`max(postrider_queue_redis_evicts{$P})`, "evicts"), alerts: []string{"PostriderRedisEvicts"}},
	}}
}

func queues() row {
	return row{"Queues", []panel{
		{title: "Tasks by queue and state", unit: "none", doc: "pending wait for a worker, active are with one, retry and scheduled for their time.",
			queries: one(`max by (queue, state) (postrider_fleet_queue_tasks{$F})`, "{{queue}} {{state}}"), alerts: []string{"PostriderQueueLate"}},
		{title: "Oldest pending task", unit: "s", doc: "How long it waits. In bulk, replays and bursts may; in deliver and retry seconds are long.",
			queries: one(`max by (queue) (postrider_fleet_queue_latency_seconds{$F})`, "{{queue}}"), alerts: []string{"PostriderQueueLate"}},
		{title: "Oldest due delivery", unit: "s", red: 120, doc: "In Postgres without a task (none), and with one.",
			queries: one(`max by (holder) (postrider_recovery_oldest_due_seconds{$F})`, "{{holder}}"), alerts: []string{"PostriderDeliveriesLate"}},
	}}
}

func scheduler() row {
	put := func(what, legend string) query {
		return query{expr: rate("postrider_recovery_"+what+"_total{$F}", ""), legend: legend}
	}
	return row{"Scheduler", []panel{
		{title: "Leader", unit: "none", most: 1, doc: "1 on the scheduler that leads: one of them, always.",
			queries: one(`max by (instance) (postrider_recovery_leader{$F})`, "{{instance}}"), alerts: []string{"PostriderNoLeader"}},
		{title: "Workers that live", unit: "none", doc: "As the leader sees them, by their heartbeats.",
			queries: one(`max(postrider_fleet_workers{$F})`, "workers"), alerts: []string{"PostriderNoWorkers"}},
		{title: "Put back", unit: "cps", doc: "fed: due deliveries that got a task, as what was held or deferred does. audited: taken back from tasks that would never have run. rescued: from workers that died.",
			queries: []query{put("fed_deliveries", "fed"), put("audited_deliveries", "audited"), put("rescued_deliveries", "rescued")}, alerts: []string{"PostriderWorkersDying"}},
		{title: "Replays", unit: "none", doc: "Replays of endpoints that are not over, up to 20.",
			queries: one(`max(postrider_recovery_running_replays{$F})`, "running")},
		{title: "Replayed", unit: "cps", doc: "Deliveries made by replays.", queries: []query{put("replayed_deliveries", "replayed")}},
		{title: "Rounds that failed", unit: "cps", stacked: true, doc: "By service. Each is tried again; one that fails for long is in the scheduler's log.",
			queries: one(rate("postrider_recovery_failed_rounds_total{$F}", "service"), "{{service}}"), alerts: []string{"PostriderServiceFailing"}},
		{title: "Rare events", unit: "cps", doc: "full audits: Redis lost its memory, or the leader changed. passed turns: of ordering keys that nobody had. disabled: endpoints that failed for days.",
			queries: []query{put("full_audits", "full audits"), put("passed_turns", "passed turns"), put("disabled_endpoints", "disabled")}},
		{title: "Operational events", unit: "cps", doc: "Published to operations.workspace, and dropped because that could not be done in time.",
			queries: []query{
				{expr: rate("postrider_operations_published_events_total{$F}", ""), legend: "published"},
				{expr: rate("postrider_operations_dropped_events_total{$F}", ""), legend: "dropped"},
			}},
		{title: "Minutes counted", unit: "cps", doc: "Minutes of workspaces whose deliveries were counted again for stats.",
			queries: one(rate("postrider_stats_recounts_total{$F}", ""), "recounts"), alerts: []string{"PostriderStatsLate"}},
	}}
}
