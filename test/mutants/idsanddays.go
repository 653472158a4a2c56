package main

var idsAndDays = []rule{
	{row: "A caller's own id twice is one event, also at two processes at once", mutants: []mutant{
		{
			"internal/postgres/ingest.go",
			"		dups[id] = first\n", "		_ = first\n",
			"internal/ingest", "TestCallersOwnID/GivenTwiceIsOneEvent TestCallersOwnID/OfTwoProcessesAtOnceIsOneEvent",
		},
	}},
	{row: "An id alone names its day; hot statements lock one", mutants: []mutant{
		{
			"internal/postgres/pooler.go",
			"\"plan_cache_mode\", \"force_custom_plan\"", "\"plan_cache_mode\", \"force_generic_plan\"",
			"internal/postgres", "TestConnectionsPlanEachStatement",
		},
		{
			"internal/postgres/internal/dbsqlc/ingest.sql.go",
			"FROM events WHERE workspace_id = $1 AND id = $2", "FROM events WHERE workspace_id = $1 AND id::text = $2::uuid::text",
			"internal/postgres", "TestLookUpsByIDTouchOneDay",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"\nWHERE d.id >= $3::uuid AND d.id < $4::uuid\n", "\nWHERE coalesce(d.id >= $3::uuid AND d.id < $4::uuid, false)\n",
			"internal/postgres", "TestDayBoundStatementsLockOneDay",
		},
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"FROM (SELECT unnest((SELECT $1::text[])) AS workspace_id, unnest((SELECT $2::uuid[])) AS id) u\nJOIN deliveries d", "FROM (SELECT unnest($1::text[]) AS workspace_id, unnest($2::uuid[]) AS id) u\nJOIN deliveries d",
			"internal/postgres", "TestHotStatementsReadNoWholeDayWithoutStatistics",
		},
	}},
	{row: "A busy day's own tables are named once they are large, with plans that are kept for them alone; what that changes is marked, and a table that is gone is done without", mutants: []mutant{
		{
			"internal/postgres/onday.go",
			"	if len(m.starts) > 0 {", "	if false {",
			"internal/postgres", "TestBusyDay/IsNamed",
		},
		{
			"internal/postgres/record.go",
			"	b.Queue(dbsqlc.PlanOnce)\n", "",
			"internal/postgres", "TestBusyDayPlansOnlyItsOwnOnce",
		},
		{
			"internal/postgres/onday.go",
			"	case size >= d.from:", "	case size >= 0:",
			"internal/postgres", "TestDayIsBusyOnceItIsLarge",
		},
		{
			"internal/postgres/record.go",
			"	b := &pgx.Batch{}\n	for _, d := range others {", "	b := &pgx.Batch{}\n	queueOwned(b, owned)\n	owned = nil\n	for _, d := range others {",
			"internal/postgres", "TestBusyDayIsLockedAfterAllDays",
		},
		{
			"internal/postgres/onday.go",
			"	if state != undefinedTable && state != insufficientPrivilege {", "	if state != insufficientPrivilege {",
			"internal/postgres", "TestBusyDayThatIsGone",
		},
	}},
	{row: "Days are made ahead while others write, and by who accepts where one is missing", mutants: []mutant{
		{
			"internal/postgres/partitions.go",
			"	name := partition(table, day)\n	if _, err := tx.Exec(ctx, \"CREATE TABLE \"", "	name := partition(table, day)\n	if _, err := tx.Exec(ctx, \"LOCK TABLE \"+table+\" IN ACCESS EXCLUSIVE MODE; CREATE TABLE \"",
			"internal/recovery", "TestPartitions/AreMadeWhileOthersWrite",
		},
		{
			"internal/recovery/partitions.go",
			"p.store.EnsurePartitions(ctx, today.Add(-day), p.ahead+2)", "p.store.EnsurePartitions(ctx, today, p.ahead+1)",
			"internal/recovery", "TestPartitions/ReachFourteenDaysAheadAndOneBack",
		},
		{
			"internal/postgres/ingest.go",
			"	if lacksDay(err) {", "	if false {",
			"internal/postgres", "TestADayThatIsMissingIsMadeByWhoAccepts",
		},
	}},
	{row: "What is pending in a day that ends is failed first, and told", mutants: []mutant{
		{
			"internal/recovery/retention.go",
			"	n, err := r.store.Expire(ctx, d)", "	n, err := 0, error(nil)",
			"internal/recovery", "TestRetention/DropsNoDayWithPendingRows",
		},
		{
			"internal/postgres/internal/dbsqlc/retention.sql.go",
			"a.status = 'pending' AND a.task IS NOT NULL LIMIT", "a.status = 'pending' AND a.task IS NULL LIMIT",
			"internal/recovery", "TestRetention/FailsWhatIsPendingFirst",
		},
		{
			"internal/postgres/retention.go",
			"	if err == nil && pending {", "	if err == nil && pending && false {",
			"internal/recovery", "TestRetention/DropsNoDayWithPendingRows",
		},
		{
			"internal/postgres/retention.go",
			"		return announceExpired(ctx, s.db, q, day, rows)", "		return nil",
			"internal/postgres", "TestAnnounce/ExpiredAsACountForEachEndpointAndDay",
		},
	}},
	{row: "Ids are of Postgres's clock; a group whose ids are older than 5 s is not committed", mutants: []mutant{
		{
			"internal/ingest/clock.go",
			"		return r.postgres.Add(c.now().Sub(r.here))", "		return r.here",
			"internal/ingest", "TestAnAPIsClockThatIsSet",
		},
		{
			"internal/postgres/ingest.go",
			"	case !g.MadeAt.IsZero():", "	case false:",
			"internal/postgres", "TestCatchUpEndsBeforeWhatCanStillBeAccepted/WhatWasMadeTooLongAgoIsNotAccepted",
		},
	}},
	{row: "A feed ends where an older event can still be accepted", mutants: []mutant{
		{
			"internal/postgres/catchup.go",
			"	p.until = webhook.FirstID(until.Time)", "	p.until = webhook.FirstID(until.Time.Add(time.Hour))",
			"internal/postgres", "TestCatchUpEndsBeforeWhatCanStillBeAccepted/ATransactionThatWritesHoldsIt",
		},
	}},
}
