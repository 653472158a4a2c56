package main

var scheduler = []rule{
	{row: "Feed gives due rows to tasks, the oldest first; two at once claim disjoint rows", mutants: []mutant{
		{
			"internal/postgres/feed.go",
			"	case bulk:\n		lane = webhook.LaneBulk", "	case bulk:\n		lane = webhook.LaneDeliver",
			"internal/recovery", "TestFeed/GivesADueDeliveryToATaskOfItsLane",
		},
		{
			"internal/recovery/turns/turns.go",
			"	if c := a.At.Compare(b.At); c != 0 {", "	if c := b.At.Compare(a.At); c != 0 {",
			"internal/recovery", "TestFeed/TakesTheOldestFirst",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"  AND CASE WHEN d.status = 'pending' THEN d.task IS NULL AND NOT d.parked AND d.next_attempt_at <= now() END\nFOR UPDATE OF d SKIP LOCKED", "",
			"internal/recovery", "TestFeed/TwoAtOnceClaimDisjointRows",
		},
	}},
	{row: "What Redis refuses goes back, and nothing else", mutants: []mutant{
		{
			"internal/recovery/feed.go",
			"	if releaseErr := f.store.Release(back, left); releaseErr != nil {", "	if releaseErr := back.Err(); releaseErr != nil {",
			"internal/recovery", "TestFeed/TakesBackWhatRedisRefuses",
		},
		{
			"internal/recovery/feed.go",
			"	if releaseErr := f.store.Release(back, left); releaseErr != nil {", "	if releaseErr := f.store.Release(back, chunks); releaseErr != nil {",
			"internal/recovery", "TestFeed/TakesBackNothingThatIsInRedis",
		},
		{
			"internal/queue/client.go",
			"			left = chunks[i:]\n", "			left = chunks\n",
			"internal/queue", "TestEnqueue/SaysWhatItLeftUndone",
		},
		{
			"internal/ingest/announce.go",
			"			chunks = slices.Concat(left, chunks)\n", "			chunks = slices.Concat(chunks[:0], left)\n",
			"internal/ingest", "TestAnnouncement/ThatBreaksOffLeavesToFeedWhatIsNotInRedis",
		},
		{
			"internal/recovery/feed.go",
			"	if err != nil {\n		return turns.Room{}, fmt.Errorf(\"feed: %w\", err)\n	}\n", "	_ = err\n",
			"internal/recovery", "TestFeed/ClaimsNothingWhileRedisIsAway",
		},
	}},
	{row: "Audit takes back from the dead only, however long a backlog is", mutants: []mutant{
		{
			"internal/recovery/audit.go",
			"	if err := a.store.Release(ctx, dead); err != nil {", "	if err := ctx.Err(); err != nil {",
			"internal/recovery", "TestAudit/TakesBackFromADeadTask",
		},
		{
			"internal/recovery/audit.go",
			"		if isDead[c.Task] {", "		if c.Task != \"\" {",
			"internal/recovery", "TestAudit/LeavesALiveTaskHoweverLate",
		},
		{
			"internal/postgres/internal/dbsqlc/ingest.sql.go",
			"  AND CASE WHEN d.status = 'pending' THEN d.task = u.task END", "  AND d.status = 'pending'",
			"internal/recovery", "TestAudit/LeavesARowWhoseTaskChangedMeanwhile",
		},
		{
			"internal/postgres/audit.go",
			"p.Until, p.Ahead = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, true",
			"p.Until = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}",
			"internal/recovery", "TestAudit/FullLeavesWhatIsAcceptedWhileItLooks",
		},
	}},
	{row: "A dead worker's deliveries go to others within seconds, a living one's stay", mutants: []mutant{
		{
			"internal/recovery/watch.go",
			"const silentAfter = 11", "const silentAfter = 1100",
			"internal/recovery", "TestRescueTasks/TakesBackFromATaskWhoseLeaseStandsStill TestRescueWorkers/TakesBackFromAWorkerWithoutAHeartbeat",
		},
		{
			"internal/recovery/watch.go",
			"if known && s.value == value {", "if known {",
			"internal/recovery", "TestRescueTasks/LeavesATaskWhoseLeaseIsExtended",
		},
	}},
	{row: "A Redis that lost its memory, or got an older one back, is noticed", mutants: []mutant{
		{
			"internal/recovery/memory.go",
			"forgot := !found || previous < m.last || m.away", "forgot := found && previous < m.last || m.away",
			"internal/recovery", "TestMemory/MissesATickAfterFlush",
		},
		{
			"internal/recovery/memory.go",
			"forgot := !found || previous < m.last || m.away", "forgot := !found || previous < 0 || m.away",
			"internal/recovery", "TestMemory/SeesAnOlderTickAfterARollback",
		},
		{
			"internal/recovery/audit.go",
			"	if err := a.all(ctx); err != nil {\n		return err\n	}\n	sleep(ctx, secondLook)\n	return a.all(ctx)", "	sleep(ctx, secondLook)\n	return nil",
			"internal/recovery", "TestScheduler/PutsBackEverythingAfterFlush",
		},
	}},
	{row: "A master of a cluster that lost its memory is noticed as well; each has queues of every lane", mutants: []mutant{
		{
			"internal/queue/tick.go",
			"	if !r.cluster {", "	if r.client != nil {",
			"internal/queue", "TestCluster/NoticesEachMasterThatForgets",
		},
		{
			"internal/webhook/task.go",
			"% uint32(s)))", "% 1))",
			"internal/queue", "TestCluster/EveryMasterHasQueuesOfEveryLane",
		},
	}},
	{row: "A change of `redis.shards` loses nothing: queues that nobody has configured any more are served, too", mutants: []mutant{
		{
			"internal/queue/server.go",
			"	for _, q := range s.redis.queues.all() {", "	for _, q := range s.redis.queues.own {",
			"internal/queue", "TestShards/FewerLoseNothing",
		},
		{
			"internal/queue/inspect.go",
			"	return dead, i.redis.register(ctx, unknown)", "	return dead, nil",
			"internal/queue", "TestShards/ThatNobodyRemembersAreServedOnceAuditMeetsThem",
		},
	}},
	{row: "Redis is bounded: above the high-water mark deliveries stay in Postgres", mutants: []mutant{
		{
			"internal/ingest/chunk.go",
			"		if c.most > 0 && len(c.chunks) >= c.most {", "		if false {",
			"internal/ingest", "TestAnnouncement/OfOneEventStopsAtTheHighWaterMark",
		},
		{
			"internal/recovery/feed.go",
			"f.highWater - waiting[webhook.LaneDeliver] - waiting[webhook.LaneRetry]", "f.highWater - waiting[webhook.LaneRetry]",
			"internal/recovery", "TestFeed/PausesAboveTheHighWaterMark",
		},
		{
			"internal/ingest/announce.go",
			"	others := waiting[webhook.LaneDeliver] + waiting[webhook.LaneRetry]", "	others := bulk + waiting[webhook.LaneDeliver] + waiting[webhook.LaneRetry]",
			"internal/ingest", "TestBurst/FillsItsOwnLaneOnly",
		},
	}},
	{row: "One leads, by Postgres's clock; another takes over within seconds; two at once are wrong in nothing", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/leases.sql.go",
			"WHERE l.holder = excluded.holder OR l.expires_at <= now()", "WHERE true",
			"internal/recovery", "TestLease",
		},
		{
			"internal/postgres/internal/dbsqlc/leases.sql.go",
			"WHERE l.holder = excluded.holder OR l.expires_at <= now()", "WHERE l.holder = excluded.holder",
			"internal/recovery", "TestLease",
		},
		{
			"internal/recovery/leader.go",
			"leaseTTL    = 6 * time.Second", "leaseTTL    = 6 * time.Hour",
			"internal/recovery", "TestLeadership/AnotherTakesOverAfterACrashWithinSeconds",
		},
		{
			"internal/recovery/leader.go",
			"renewEvery  = 2 * time.Second", "renewEvery  = 2 * time.Minute",
			"internal/recovery", "TestLeadership/AnotherTakesOverAfterACrashWithinSeconds",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"  AND CASE WHEN d.status = 'pending' THEN d.task IS NULL AND NOT d.parked AND d.next_attempt_at <= now() END\nFOR UPDATE OF d SKIP LOCKED", "",
			"internal/recovery", "TestScheduler/TwoThatLeadAtOnceFeedEachDeliveryOnce",
		},
	}},
	{row: "A replay that is killed repeats nothing and loses nothing, and waits for what is live", mutants: []mutant{
		{
			"internal/postgres/replaying.go",
			"Finished: page.last", "Finished: made > 0",
			"internal/recovery", "TestReplay/GoesOnWhereAKillLeftIt",
		},
		{
			"internal/postgres/internal/dbsqlc/replays.sql.go",
			"  AND d.replay_id IS DISTINCT FROM $6::uuid\n", "  AND $6::uuid IS NOT NULL\n",
			"internal/recovery", "TestReplay/LeavesAloneWhatItMadeAndFailedMeanwhile",
		},
		{
			"internal/postgres/internal/dbsqlc/replays.sql.go",
			" FOR UPDATE SKIP LOCKED", "",
			"internal/recovery", "TestReplay/TwoSchedulersMakeEachOnce",
		},
		{
			"internal/recovery/replay.go",
			"	if waiting[webhook.LaneBulk] >= replayAhead {", "	if waiting[webhook.LaneBulk] < 0 {",
			"internal/recovery", "TestReplay/WaitsWhileTheBulkLaneIsFull",
		},
	}},
	{row: "A replay of chosen deliveries makes each once, however often it is killed, and none that is under way", mutants: []mutant{
		{
			"internal/postgres/chosen.go",
			"compareIDs(left[0], position) <= 0", "compareIDs(left[0], position) < 0",
			"internal/recovery", "TestReplay/MakesChosenOnesOnceHoweverOftenItIsKilled",
		},
		{
			"internal/postgres/chosen.go",
			"		if d.Again {", "		if d.Again || true {",
			"internal/recovery", "TestReplay/LeavesOutChosenOnesThatCanNotBeMadeByThen",
		},
	}},
}
