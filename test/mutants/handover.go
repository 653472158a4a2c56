package main

var handOver = []rule{
	{row: "Every hand-over is Postgres first, Redis second", mutants: []mutant{
		{
			"internal/ingest/group.go",
			"	duplicates, err := i.store.Commit(ctx, &p.group)\n", "	i.announce.announce(append(p.first.chunks, p.bulk.chunks...))\n	duplicates, err := i.store.Commit(ctx, &p.group)\n",
			"internal/ingest", "TestOnPostgres/RowsNameTheirTaskBeforeItIsInRedis",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"  AND next_attempt_at > $1::timestamptz AND next_attempt_at <= $2::timestamptz", "  AND task LIKE 'r%' AND next_attempt_at > $1::timestamptz AND next_attempt_at <= $2::timestamptz",
			"internal/recovery", "TestAuditHealsAClaimThatWasNeverEnqueued",
		},
	}},
	{row: "A worker drops what no longer names its task", mutants: []mutant{
		{
			"internal/deliver/prepare.go",
			"st.Status != webhook.StatusPending || st.Task != chunk.Task {", "st.Status != webhook.StatusPending {",
			"internal/deliver", "TestGuard/DropsWhatAnotherTaskHolds",
		},
		{
			"internal/deliver/prepare.go",
			"if st == nil || st.Status != webhook.StatusPending || st.Task != chunk.Task {", "if st == nil {",
			"internal/deliver", "TestGuard/DropsATaskThatRunsAgain",
		},
		{
			"internal/postgres/guard.go",
			"id := webhook.ID(id); string(wanted[id]) == r.WorkspaceID {", "id := webhook.ID(id); wanted[id] != \"\" {",
			"internal/postgres", "TestGuardOfManySaysWhatItSaysOfEach",
		},
		{
			"internal/postgres/guard.go",
			"if asked = d.without(out); len(asked.ids) == 0 {", "if asked = d.without(out); len(out) > 0 {",
			"internal/postgres", "TestGuardOfManyAmongManyOthers",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"d.task IS NOT NULL AND d.next_attempt_at <= now() AND d.deliver_at IS NULL", "d.task IS NOT NULL AND d.deliver_at IS NULL",
			"internal/postgres", "TestGuardOfManySaysWhatItSaysOfEach",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"ORDER BY p.id LIMIT u.most", "ORDER BY p.id",
			"internal/postgres", "TestGuardSpansHaveAnEnd",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"THEN d.ordering_key IS NULL ELSE false END", "THEN true ELSE false END",
			"internal/postgres", "TestGuardOfManySaysWhatItSaysOfEach",
		},
		{
			"internal/postgres/guard.go",
			"		if r.ReadOnly {\n", "		if false {\n",
			"internal/postgres", "TestReadOnlyPostgres/LetsNoRequestBeMade",
		},
		{
			"internal/deliver/held.go",
			"if st == nil || st.Task != m.task {", "if st == nil {",
			"internal/deliver", "TestAMemberThatWaitedLong/IsLeftToWhoHasItNow",
		},
	}},
	{row: "A success always wins; a failure counts only while the fence holds; the attempt is kept in any case, numbered from the row", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"    SET status = 'success', attempts = d.attempts + 1, task = NULL,", "    SET status = CASE WHEN d.task IS NULL OR d.status <> 'pending' THEN d.status ELSE 'success' END, attempts = d.attempts + 1, task = NULL,",
			"internal/postgres", "TestRecord/LetsASuccessWinWhoeverHoldsTheRow",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"FROM (SELECT coalesce(d.status = 'pending' AND d.task = u.task AND d.attempts = u.seen, false) AS holds) f)", "FROM (SELECT coalesce(d.status = 'pending', false) AS holds) f)",
			"internal/postgres", "TestRecord/LetsAStaleFailureDecideNothing",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"    FROM u\n    WHERE d.workspace_id = u.workspace_id AND d.id = u.delivery_id AND d.id >= $18::uuid AND d.id < $19::uuid",
			"    FROM u JOIN deliveries before ON before.workspace_id = u.workspace_id AND before.id = u.delivery_id AND before.task = u.task\n    WHERE d.workspace_id = u.workspace_id AND d.id = u.delivery_id AND d.id >= $18::uuid AND d.id < $19::uuid",
			"internal/postgres", "TestRecord/LetsAStaleFailureDecideNothing",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"SELECT u.delivery_id, u.workspace_id, u.attempt_id, done.attempts, u.started_at, u.duration_us, u.status_code,\n       u.request_headers", "SELECT u.delivery_id, u.workspace_id, u.attempt_id, 1, u.started_at, u.duration_us, u.status_code,\n       u.request_headers",
			"internal/postgres", "TestRecord/NumbersAttemptsFromTheRow",
		},
		{ // the fence as it was before the row was locked
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"FROM (SELECT coalesce(d.status = 'pending' AND d.task = u.task AND d.attempts = u.seen, false) AS holds) f)", "FROM (SELECT EXISTS (SELECT FROM deliveries x WHERE x.workspace_id = u.workspace_id AND x.id = u.delivery_id AND x.status = 'pending' AND x.task = u.task AND x.attempts = u.seen) AS holds) f)",
			"internal/postgres", "TestRecord/LooksAtTheFenceOnlyOnceItHasTheRow",
		},
	}},
	{row: "A task that runs twice spends one retry", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"AND d.attempts = u.seen AND u.spends", "AND u.spends OR NOT coalesce(d.task = u.task, false)",
			"internal/deliver", "TestFence/ATaskRunTwiceSpendsOneRetry",
		},
	}},
	{row: "No pending row is without a due time", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/ingest.sql.go",
			"NULLIF(u.task, ''), u.bulk, now()", "NULLIF(u.task, ''), u.bulk, NULL",
			"internal/ingest", "TestOnPostgres/NoPendingRowIsWithoutADueTime",
		},
	}},
	{row: "A task's hash is no proof of life", mutants: []mutant{
		{
			"internal/queue/inspect.go",
			"return l.lease.Err() == nil && l.lease.Val() > float64(now.Add(-leaseGrace).Unix())", "return true",
			"internal/queue", "TestDead",
		},
		{
			"internal/queue/inspect.go",
			"return l.lease.Err() == nil && l.lease.Val() > float64(now.Add(-leaseGrace).Unix())", "return false",
			"internal/queue", "TestDeadKnowsATaskThatRuns",
		},
		{
			"internal/queue/forget.go",
			` or redis.call("ZSCORE", KEYS[2], ARGV[1]) then`, " then",
			"internal/queue", "TestForget",
		},
	}},
	{row: "A task id that is taken is success only for the first enqueue", mutants: []mutant{
		{
			"internal/queue/client.go",
			"if err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {", "if err == nil && !errors.Is(err, asynq.ErrTaskIDConflict) {",
			"internal/queue", "TestEnqueue/TwiceIsOnceAndNoError",
		},
	}},
	{row: "Each member is asked about before its request", mutants: []mutant{
		{
			"internal/deliver/prepare.go",
			"if st == nil || st.Status != webhook.StatusPending || st.Task != chunk.Task {", "if st == nil && chunk.Task == \"\" {",
			"internal/deliver", "TestGuard",
		},
		{
			"internal/deliver/held.go",
			"	case !st.EndpointActive:", "	case false && !st.EndpointActive:",
			"internal/deliver", "TestHold",
		},
	}},
	{row: "A failed member becomes a task of its own, on its endpoint's schedule, never early", mutants: []mutant{
		{
			"internal/deliver/member.go",
			"	err := r.Retries.EnqueueAt(ctx, next, r.cfg.Now().Add(o.Delay))", "	next.Task = m.task\n	err := r.Retries.EnqueueAt(ctx, next, r.cfg.Now().Add(o.Delay))",
			"internal/deliver", "TestFailure/BecomesATaskOfItsOwn",
		},
		{
			"internal/deliver/member.go",
			"m.standing.Attempts-m.standing.ScheduleStart+1", "m.standing.Attempts-m.standing.ScheduleStart+2",
			"internal/deliver", "TestTheDefaultSchedule",
		},
		{
			"internal/deliver/member.go",
			"r.cfg.Now().Add(o.Delay))", "r.cfg.Now().Add(o.Delay-2*time.Second))",
			"internal/deliver", "TestFailure/BecomesATaskOfItsOwn",
		},
		{
			"internal/deliver/prepare.go",
			"		case st.DueIn > 0:", "		case st.DueIn < 0:",
			"internal/deliver", "TestSchedule/IsNeverEarly",
		},
		{
			"internal/queue/client.go",
			"		return whole.Add(time.Second)", "		return whole",
			"internal/queue", "TestEnqueueAt/IsNeverEarlyAndLessThanASecondLate",
		},
	}},
	{row: "Waits over an hour are in Postgres alone", mutants: []mutant{
		{
			"internal/deliver/member.go",
			"case delay > longWait || m.probe:", "case m.probe:",
			"internal/deliver", "TestFailure/OverAnHourAwayWaitsInPostgresAlone",
		},
		{
			"internal/deliver/member.go",
			"case delay > longWait || m.probe:", "case delay > longWait/2 || m.probe:",
			"internal/deliver", "TestFailure/AnHourAwayWaitsInRedis",
		},
	}},
	{row: "asynq gives nothing up: the archive stays empty", mutants: []mutant{
		{
			"internal/queue/client.go",
			"asynq.MaxRetry(math.MaxInt32)", "asynq.MaxRetry(0 * math.MaxInt32)",
			"internal/queue", "TestServers/NeverArchive TestServers/KeepATaskWhoseHandlerPanics",
		},
	}},
	{row: "A request outlives a Redis that is away; while nothing can be recorded none begins", mutants: []mutant{
		{
			"internal/deliver/member.go",
			"	if err := r.giveBack(ctx, next.Members, o.NextTask); err != nil {", "	if err := error(nil); err != nil {",
			"internal/deliver", "TestFailure/WaitsInPostgresWhileRedisIsAway",
		},
		{
			"internal/deliver/recorder.go",
			"		r.setAway(err)\n", "",
			"internal/deliver", "TestRecorderWhilePostgresIsAway/HoldsNewRequestsBackAndRecovers",
		},
		{
			"internal/deliver/recorder.go",
			"		case <-time.After(wait):\n", "		case <-time.After(wait):\n			return make([]bool, len(outcomes)), false\n",
			"internal/deliver", "TestPostgresAway",
		},
	}},
	{row: "Outcomes wait for company only while some is to come, and ordered ones never", mutants: []mutant{
		{
			"internal/deliver/gather.go",
			" || g.hurried || ", " || ",
			"internal/deliver", "TestRecorder/LetsNoOrderedOneWaitForCompany",
		},
		{
			"internal/deliver/gather.go",
			" || r.underway.Load() == 0 {", " {",
			"internal/deliver", "TestRecorder/WaitsForCompanyOnceThereIsSome",
		},
		{
			"internal/deliver/gather.go",
			"if !expected || g.hurried", "if true || g.hurried",
			"internal/deliver", "TestRecorder/WaitsForCompanyOnceThereIsSome",
		},
		{
			"internal/deliver/run.go",
			"			c.r.recorder.expect(-1)\n", "",
			"internal/deliver", "TestDetach/LetsTheChunkEndWhileARequestHangs",
		},
	}},
	{row: "A delivery for a later time has no task and is in no Redis before, and is never early, by Postgres's clock", mutants: []mutant{
		{
			"internal/ingest/group.go",
			"		way = route{} // feed's", "		// feed's",
			"internal/ingest", "TestDeliverAt/LeavesTheDeliveryToFeedUntilThen",
		},
		{
			"internal/postgres/internal/dbsqlc/publish.sql.go",
			"greatest(now(), u.deliver_at), u.deliver_at", "now(), u.deliver_at",
			"internal/ingest", "TestDeliverAt/LeavesTheDeliveryToFeedUntilThen TestDeliverAt/ByAClockThatIsFastIsNotEarly",
		},
	}},
}
