package main

var isolation = []rule{
	{row: "A window for each endpoint: starts small, grows with quick successes, halves on failures", mutants: []mutant{
		{
			"internal/deliver/limiter.go",
			"	firstWindow = 8\n", "	firstWindow = 80\n",
			"internal/deliver", "TestWindow/StartsAtEight",
		},
		{
			"internal/deliver/limiter.go",
			"e.window = min(e.window+1, 1<<16)", "e.window = min(e.window, 1<<16)",
			"internal/deliver", "TestWindow/GrowsWithQuickSuccesses",
		},
		{
			"internal/deliver/limiter.go",
			"e.window = max(e.window/2, 1)", "e.window = max(e.window-1, 1)",
			"internal/deliver", "TestWindow/HalvesOnAFailureAndKeepsOne",
		},
	}},
	{row: "Slow and unknown endpoints share at most half of the slots", mutants: []mutant{
		{
			"internal/deliver/limiter.go",
			"		if !e.quick && !l.hasSlow(e) {", "		if false {",
			"internal/deliver", "TestSlowEndpoints/ShareHalfOfTheSlotsHoweverMany TestLimiterHoldsItsPromises",
		},
	}},
	{row: "A request that hangs leaves its task", mutants: []mutant{
		{
			"internal/deliver/run.go",
			"			c.detachSlow(context.WithoutCancel(ctx), glances*glance >= slowAfter)\n", "",
			"internal/deliver", "TestDetach/LetsTheChunkEndWhileARequestHangs",
		},
	}},
	{row: "What is over a window or a rate is parked and does not spin", mutants: []mutant{
		{
			"internal/deliver/limiter.go",
			"return waited >= patience || waited >= glance && t.lane.stuck(now)", "return waited < 0",
			"internal/deliver", "TestHold/OverTheWindowIsParkedAndDoesNotSpin",
		},
		{
			"internal/deliver/prepare.go",
			"			if i < granted {", "			if i < max(granted, len(all)) {",
			"internal/deliver", "TestHold/OverTheRateIsParked",
		},
	}},
	{row: "What is parked comes back with a ramp", mutants: []mutant{
		{
			"internal/recovery/parking/parking.go",
			"ReleaseCount: min(count*2, MaxRelease), CheckIn", "ReleaseCount: count, CheckIn",
			"internal/recovery", "TestRelease/LetsTheOldestGoAndDoubles",
		},
		{
			"internal/recovery/parking/parking.go",
			"			v.Count = min(s.RateLimit, MaxRelease)", "			v.Count = min(10*s.RateLimit, MaxRelease)",
			"internal/recovery", "TestRelease/ReleasesARateOfASecond",
		},
	}},
	{row: "Failures in mid-ramp slow it down to one a second", mutants: []mutant{
		{
			"internal/recovery/parking/parking.go",
			"	if s.Failures > 0 {", "	if s.Failures < 0 {",
			"internal/recovery", "TestRelease/GoesSlowlyWhileAttemptsFail",
		},
		{
			"internal/recovery/parking/parking.go",
			"	if s.Failures > 0 {", "	if s.Failures < 0 {",
			"internal/recovery/parking", "TestDecide/AnotherOutageInMidRampGetsOneASecond",
		},
	}},
	{row: "What is held comes back with its schedule as it was", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"ELSE greatest(d.next_attempt_at, now()) END", "ELSE now() END, schedule_start = d.attempts",
			"internal/deliver", "TestHold/LeavesTheScheduleAsItWas",
		},
	}},
	{row: "What waits in a worker while a breaker opens is held, too, and goes back when its endpoint changes", mutants: []mutant{
		{
			"internal/deliver/held.go",
			"	return !m.heldMeanwhile(ctx)", "	return true",
			"internal/deliver", "TestAMemberThatWaitedLong",
		},
		{
			"internal/deliver/held.go",
			"	case m.standing.EndpointVersion > m.target.Version:", "	case false:",
			"internal/deliver", "TestAMemberThatWaitedLong/IsGivenBackWhenItsEndpointChanged",
		},
	}},
	{row: "A new URL is probed at once", mutants: []mutant{
		{
			"internal/postgres/endpoints.go",
			"		case goesElsewhere(&was, &e):", "		case false && goesElsewhere(&was, &e):",
			"internal/postgres", "TestChangeBehindAnOpenBreaker/OfItsURLProbesAtOnce",
		},
	}},
	{row: "The breaker opens after twenty failures over a minute, for that endpoint alone", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			">= $8::int\n", "> 10 * $8::int\n",
			"internal/postgres", "TestBreaker/OpensAfterTwentyFailuresOverAMinute",
		},
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			"- h.failing_since >= make_interval", "- h.failing_since >= 0 * make_interval",
			"internal/postgres", "TestBreaker/StaysClosedAfterAnyNumberWithinAMinute",
		},
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			">= $8::int\n", ">= $8::int - 1\n",
			"internal/postgres", "TestBreaker/StaysClosedAfterNineteenOverAnHour",
		},
		{
			"internal/postgres/health.go",
			"	r := runs[e.Delivery.EndpointID]\n	if r == nil {", "	r := runs[e.Delivery.EndpointID]\n	for _, other := range runs {\n		r = other\n	}\n	if r == nil {",
			"internal/postgres", "TestBreaker/LeavesOtherEndpointsAlone",
		},
	}},
	{row: "While it is open one probe at a time goes, and uses up no retry", mutants: []mutant{
		{
			"internal/recovery/parking/parking.go",
			"	case s.Probing:\n", "	case false:\n",
			"internal/recovery", "TestReleaseBehindBreaker/ExactlyOneProbeGoes",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"h.probe_at > now() - interval '90 seconds'", "h.probe_at > now() - interval '9 days'",
			"internal/recovery", "TestReleaseBehindBreaker/AProbeThatGotLostIsReplaced",
		},
		{
			"internal/postgres/record.go",
			"spends = append(spends, !e.Probe)", "spends = append(spends, true)",
			"internal/deliver", "TestProbe/UsesUpNoRetry",
		},
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			"UPDATE endpoint_health SET probe_at = now() WHERE", "UPDATE endpoint_health SET probe_at = probe_at WHERE",
			"internal/deliver", "TestProbe/HasItsTimeFromWhenItBegins",
		},
		{
			"internal/deliver/member.go",
			"m.stillHeld(ctx) && (!m.probe || m.beginsProbe(ctx))", "m.stillHeld(ctx)",
			"internal/deliver", "TestProbe/IsNotMadeOnceAnotherTookItsPlace",
		},
		{
			"internal/postgres/deliver.go",
			"				if h.Probe {", "				if false {",
			"internal/deliver", "TestProbe/ThatIsNotMadeLeavesItsPlaceToAnother",
		},
		{
			"internal/postgres/parked.go",
			"Probe: a == parking.Probe, Lo", "Lo",
			"internal/recovery", "TestReleaseBehindBreaker/AProbeKeepsItsPlaceInItsWorkspacesLine",
		},
	}},
	{row: "A success closes it and lets go what is held", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			"UPDATE parked_endpoints p SET next_check_at = now(), release_count = 2", "UPDATE parked_endpoints p SET release_count = 2",
			"internal/postgres", "TestBreaker/ClosesOnASuccessAndLetsGoWhatIsHeld",
		},
		{
			"internal/deliver/member.go",
			"o.Recovers = m.standing.BreakerOpen || r.failing.ends(m.EndpointID)", "o.Recovers = false && r.failing.ends(m.EndpointID)",
			"internal/deliver", "TestProbe/ThatSucceedsClosesTheBreaker",
		},
	}},
	{row: "What is held all the time puts off neither the probe nor the ramp", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/deliver.sql.go",
			"ELSE least(parked_endpoints.next_check_at, excluded.next_check_at) END", "ELSE excluded.next_check_at END",
			"internal/postgres", "TestBreaker/HoldsWithoutPuttingItsProbeOff",
		},
	}},
	{row: "`held_until` is as things are now, though no row is changed for it", mutants: []mutant{
		{
			"internal/postgres/deliveryview.go",
			"return webhook.HeldBreakerOpen, later(timePtr(r.OpenUntil), timePtr(r.NextCheckAt))", "return webhook.HeldBreakerOpen, timePtr(r.HeldUntil)",
			"internal/postgres", "TestHeldUntil/IsWhereTheBreakerIsNow TestHeldUntil/IsTheNextLookOnceAProbeIsDue",
		},
		{
			"internal/postgres/deliveryview.go",
			"return deref(r.HeldReason), later(timePtr(r.HeldUntil), timePtr(r.NextCheckAt))", "return deref(r.HeldReason), timePtr(r.NextCheckAt)",
			"internal/postgres", "TestHeldUntil/StaysTheRowsWhereThatIsLater",
		},
	}},
	{row: "Nothing stays behind of how a deleted or disabled endpoint failed", mutants: []mutant{
		{
			"internal/recovery/upkeep.go",
			"if _, err := u.store.ForgetEnded(ctx); err != nil {", "if _, err := 0, error(nil); err != nil {",
			"internal/recovery", "TestUpkeep/ForgetsHowDeletedAndDisabledEndpointsFailed",
		},
	}},
	{row: "After five days of failing an endpoint is disabled; a few failures, or some before and after a silence, are none", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"AND h.failures >= $3::int", "AND h.failures >= 0 * $3::int",
			"internal/recovery", "TestUpkeep/LeavesWhatFailedFewTimes",
		},
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			"excluded.failing_since - h.updated_at > make_interval", "excluded.failing_since - h.updated_at > interval '10 years' + make_interval",
			"internal/postgres", "TestBreaker/CountsTheTimeOfFailingAnewAfterASilence",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"AND h.updated_at - h.failing_since >=", "AND h.updated_at - h.failing_since >= interval '1 year' +",
			"internal/recovery", "TestUpkeep/DisablesWhatFailedForFiveDays",
		},
		{
			"internal/postgres/internal/dbsqlc/recovery.sql.go",
			"AND h.updated_at - h.failing_since >=", "AND now() - h.failing_since >=",
			"internal/recovery", "TestUpkeep/LeavesAShorterRunAndASingleOldFailure",
		},
	}},
	{row: "Rates reserve a start time; with Redis away a worker has its share", mutants: []mutant{
		{
			"internal/health/rates.go",
			"free + granted * apart), \"PX\"", "free), \"PX\"",
			"internal/health", "TestRates",
		},
		{
			"internal/health/rates.go",
			"	return (time.Second/time.Microsecond + rate - 1) / rate * time.Microsecond", "	return time.Second / time.Microsecond / rate * time.Microsecond",
			"internal/health", "TestSpacing",
		},
		{
			"internal/health/rates.go",
			"apart*time.Duration(max(r.workers(), 1))", "apart",
			"internal/health", "TestRatesWithRedisAway",
		},
		{
			"internal/deliver/prepare.go",
			"m.notBefore = now.Add(first + time.Duration(i)*apart)", "m.notBefore = now.Add(first + 0*time.Duration(i)*apart)",
			"internal/deliver", "TestRateLimitSetsStartTimes",
		},
	}},
	{row: "A burst of one workspace goes behind the others", mutants: []mutant{
		{
			"internal/ingest/share.go",
			"	way.bulk = i.announce.pressed(r.most) &&", "	way.bulk = false && i.announce.pressed(r.most) &&",
			"internal/ingest", "TestBurst/GoesBehindTheOthersWhileTasksPileUp",
		},
	}},
	{row: "A large batch holds up nobody's commit", mutants: []mutant{
		{
			"internal/ingest/writer.go",
			" || r.most > wideBatch && len(r.events) > smallBatch", "",
			"internal/ingest", "TestWideEvent/IsABatchThatMayMake1000Deliveries",
		},
	}},
	{row: "Feed takes at most an equal share of each workspace a round, and a backlog goes by bulk", mutants: []mutant{
		{
			"internal/recovery/turns/turns.go",
			"		d.Bulk = d.Bulk || backlog\n", "		_ = backlog\n",
			"internal/recovery", "TestFeedGoesByTurns/ABacklogDelaysNobodyElse",
		},
		{
			"internal/recovery/turns/turns.go",
			"	return slices.Concat(rounds...)", "	return due",
			"internal/recovery/turns", "TestPickNeverLetsALineWaitForALongerOne",
		},
	}},
	{row: "Neither retries nor bulk starve first attempts, nor those them", mutants: []mutant{
		{
			"internal/queue/server.go",
			"		Queues:                   map[string]int{q.name(): 1},", "		Queues:                   map[string]int{\"deliver\": 1, \"retry\": 1, \"bulk\": 1},",
			"internal/queue", "TestServers/LeaveRoomBesideAFullLane",
		},
		{
			"internal/deliver/runner.go",
			"	room := r.rooms[lane]\n", "	room := r.rooms[webhook.LaneDeliver]\n",
			"internal/deliver", "TestLanes/RetriesNeverStarveFirstAttempts TestLanes/BulkNeverStarvesFirstAttempts TestLanes/FirstAttemptsNeverStarveBulk TestLanes/FirstAttemptsNeverStarveRetries",
		},
	}},
	{row: "A backlog steps aside while first attempts come, waits for no slow receiver, and holds up no other lane", mutants: []mutant{
		{
			"internal/deliver/pace.go",
			"float64(held) * (1/p.share - 1)", "0 * float64(held)",
			"internal/deliver", "TestPace/GivesBulkHalfOfTheTimeWhileFirstAttemptsCome TestPace/GivesRetriesHalfOfTheTimeWhileFirstAttemptsCome",
		},
		{
			"internal/deliver/run.go",
			"c.gently && i > 0", "false && i > 0",
			"internal/deliver", "TestPace/BeginsTenMembersAtATimeWhileFirstAttemptsCome",
		},
		{
			"internal/deliver/pace.go",
			"time.Duration(l.last.Load()) < liveFor", "time.Duration(l.last.Load()) < 1000*liveFor",
			"internal/deliver", "TestPace/HoldsBackNothingWithoutFirstAttempts TestPace/LetsGoOnceFirstAttemptsEnd",
		},
		{
			"internal/deliver/pace.go",
			"	pacePatience = 25 * time.Millisecond", "	pacePatience = 25 * time.Second",
			"internal/deliver", "TestPace/WaitsForNoSlowReceiver",
		},
		{
			"internal/deliver/pace.go",
			"p := r.paces[lane]\n", "p := r.paces[min(lane, webhook.LaneBulk)]\n",
			"internal/deliver", "TestPace/LetsNoBulkHoldUpRetries",
		},
		{
			"internal/deliver/pace.go",
			"		case <-p.stopping:\n", "",
			"internal/deliver", "TestPace/HandsBackWhatWaitsWhenTheWorkerStops",
		},
		{
			"internal/deliver/limiter.go",
			"limit, each = float64(max(ceiling, 1)), e.average", "_ = limit",
			"internal/deliver", "TestQueueForASlot/ABacklogCountsOnAWindowThatGrows",
		},
	}},
}
