package main

var around = []rule{
	{row: "A 410 disables the endpoint as it was when the request was made, and not what it was changed to since", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/health.sql.go",
			"WHERE e.id = u.id AND e.version <= u.version AND", "WHERE e.id = u.id AND",
			"internal/postgres", "TestGone/LeavesAnEndpointThatWasChangedSince TestGone/LeavesOneThatWasEnabledAgain TestGone/LeavesOneThatChangesWhileItWaits",
		},
		{
			"internal/postgres/internal/dbsqlc/operations.sql.go",
			"WHERE e.version <= u.version AND e.is_active", "WHERE e.is_active",
			"internal/postgres", "TestGone/TellsNothingOfThat",
		},
		{
			"internal/postgres/announce.go",
			"c == nil || c.EndpointVersion <= e.EndpointVersion", "c == nil || true",
			"internal/postgres", "TestGone/OfSeveralAtOnceIsTheNewest",
		},
		{
			"internal/postgres/health.go",
			"gone[id] = max(gone[id], e.EndpointVersion)", "gone[id] = e.EndpointVersion",
			"internal/postgres", "TestGone/OfSeveralAtOnceIsTheNewest",
		},
		{
			"internal/deliver/member.go",
			"EndpointVersion: m.target.Version,", "EndpointVersion: 1 << 62,",
			"internal/deliver", "TestGone/LeavesAnEndpointThatWasChangedMeanwhile",
		},
	}},
	{row: "A disabled endpoint holds, enabling lets go, deleting cancels", mutants: []mutant{
		{
			"internal/deliver/held.go",
			"	case !st.EndpointActive:", "	case false:",
			"internal/deliver", "TestHold/OfADisabledEndpoint",
		},
		{
			"internal/deliver/prepare.go",
			"s.canceled, chunk.Task, webhook.StatusCanceled,", "s.canceled, chunk.Task, webhook.StatusFailed,",
			"internal/deliver", "TestHold/OfADeletedEndpointIsACancellation",
		},
		{
			"internal/postgres/endpoints.go",
			"		case !was.IsActive:\n			return startAnew(ctx, q, id)", "		case !was.IsActive:\n			return nil",
			"internal/postgres", "TestEndpoints/LetGoAndForgetFailuresWhenEnabled",
		},
	}},
	{row: "URL, secret, headers and schedule are read at each attempt", mutants: []mutant{
		{
			"internal/deliver/targets.go",
			"ok && e.Version >= version {", "ok && (e.Version >= version || true) {",
			"internal/deliver", "TestRequest/FollowsAPatchFromTheNextAttemptOn",
		},
	}},
	{row: "A retry by hand starts the schedule again, numbers go on", mutants: []mutant{
		{ // the whole test, by which what its parts see is reported
			"internal/postgres/internal/dbsqlc/deliveries.sql.go",
			"next_attempt_at = now(), schedule_start = d.attempts, completed_at", "next_attempt_at = now(), completed_at",
			"internal/postgres", "TestRetryByHand",
		},
		{
			"internal/deliver/member.go",
			"m.standing.Attempts-m.standing.ScheduleStart+1", "m.standing.Attempts+1",
			"internal/deliver", "TestSchedule/StartsAgainByHandWhileNumbersGoOn",
		},
	}},
	{row: "A stop hands back what has not begun and finishes the rest", mutants: []mutant{
		{
			"internal/deliver/run.go",
			"		if stops {\n			go m.leaveTo(m.giveBack)\n", "		if stops {\n			m.done()\n",
			"internal/deliver", "TestShutdown/HandsBackWhatHasNotStartedAndFinishesTheRest",
		},
		{
			"internal/deliver/runner.go",
			"		r.attempts.Wait()\n		close(idle)", "		close(idle)",
			"internal/deliver", "TestShutdown/HandsBackWhatHasNotStartedAndFinishesTheRest",
		},
	}},
	{row: "A secret that can't be decrypted postpones, without an attempt, and degrades readiness", mutants: []mutant{
		{
			"internal/deliver/prepare.go",
			"		case t.err != nil:", "		case t.err != nil && false:",
			"internal/deliver", "TestHold/OfASecretThatCanNotBeDecrypted",
		},
		{
			"internal/deliver/prepare.go",
			"	r.sealed.saw(r.cfg.Now(), sealed, ready)\n", "",
			"internal/deliver", "TestCheckSecrets/FailsFromTheFirstThatCanNotBeDecryptedUntilTheLastCanBe",
		},
		{
			"internal/deliver/sealed.go",
			"now.Sub(at) >= sealedFor:", "now.Sub(at) >= sealedFor && false:",
			"internal/deliver", "TestCheckSecrets/ForgetsAnEndpointThatNoDeliveryCameByFor",
		},
		{
			"internal/deliver/sealed.go",
			"			delete(s.met, m.EndpointID)\n", "			_ = m\n",
			"internal/deliver", "TestCheckSecrets/FailsFromTheFirstThatCanNotBeDecryptedUntilTheLastCanBe",
		},
		{
			"internal/postgres/deliver.go",
			"			sealed[e.ID] = err\n			continue", "			return nil, nil, err",
			"internal/postgres", "TestSecretsAtRest/WithoutTheirKeyPostponeAndFailNobodyElse",
		},
	}},
	{row: "A change asked for is in the audit log, or did not take place; no secret is in it", mutants: []mutant{
		{
			"internal/postgres/auditlog.go",
			"		return db.note(ctx, q, ws, t, changes...)", "		_ = db.note(ctx, db.q, ws, t, changes...)\n		return nil",
			"internal/postgres", "TestAuditLog/IsWrittenWithTheChangeOrNeitherIs",
		},
		{
			"internal/postgres/endpoints.go",
			"s.db.note(ctx, q, ws, id.AsTarget(webhook.KindEndpoint), webhook.EndpointChanges(&was, &e)...); err != nil", "q.CheckParked(ctx, nil); err != nil",
			"internal/api", "TestAuditLog/HasEveryChange",
		},
		{ // the whole test, whose other parts make the changes
			"internal/webhook/changes.go",
			"{\"secret\", e.Secret, nil, true},", "{\"secret\", e.Secret, e.Secret, true},",
			"internal/api", "TestAuditLog",
		},
		{
			"internal/webhook/changes.go",
			"address += \"?\" + Masked", "address = e.URL",
			"internal/api", "TestAuditLog",
		},
	}},
	{row: "Secrets rotate without losing a request", mutants: []mutant{
		{
			"internal/deliver/member.go",
			"m.promotes = refused != nil && x.ok()", "m.promotes = refused != nil && !x.ok()",
			"internal/deliver", "TestRotation/A401ThatTheNewSecretTurnsInto2xxPromotesIt",
		},
		{
			"internal/deliver/signers.go",
			"	case renewed:\n		return s.renewed", "	case renewed:\n		return s.first",
			"internal/deliver", "TestRotation/A401ThatTheNewSecretTurnsInto2xxPromotesIt",
		},
	}},
	{row: "A stream of events loses none: not those that commit late, not while its reader is slow, not from any position that it gave", mutants: []mutant{
		{
			"internal/live/window.go",
			"settled: later(from, settled)}", "settled: append([]webhook.EventHead{{ID: settled}}, heads...)[len(heads)].ID}",
			"internal/live", "TestStreamsEvents/ThatCommitInAnotherOrderThanThatOfTheirIDs TestStreamsEvents/FromEveryPositionThatWasGivenAllThatCameLater",
		},
		{
			"internal/live/events.go",
			"return later(s.position, earlier(id, s.reach))", "return later(s.position, id)",
			"internal/live", "TestStreamsEvents/FromEveryPositionThatWasGivenAllThatCameLater",
		},
		{
			"internal/live/events.go",
			"		s.reach = heads[maxPage-1].ID", "		s.reach = to",
			"internal/live", "TestStreamsEvents/ThatItIsFarBehindWith",
		},
		{
			"internal/live/window.go",
			"		settled = earlier(settled, heads[len(heads)-1].ID)", "		_ = earlier(settled, heads[len(heads)-1].ID)",
			"internal/live", "TestStreamsEvents/ThatAreMoreAtOnceThanItMayHold",
		},
	}},
	{row: "Who watches attempts holds up no worker and no other watcher", mutants: []mutant{
		{
			"internal/live/fan.go",
			"		b.leaveOut(left, false)", "		b.leaveOut(0, false)",
			"internal/live", "TestSlowReadersGetAGapAndSlowNobody",
		},
		{
			"internal/live/fan.go",
			"room := maxBuffered - len(b.waiting)", "room := 1 << 30",
			"internal/live", "TestSlowReadersGetAGapAndSlowNobody",
		},
		{
			"internal/queue/livesender.go",
			"	case s.in <- liveItem{ws, a}:\n	default:\n		s.leave(ws, 1)", "	case s.in <- liveItem{ws, a}:\n	default:",
			"internal/queue", "TestLive/SaysHowManyThereWasNoRoomFor",
		},
	}},
	{row: "An index on days that are there holds up no write, and is made again where its making was ended", mutants: []mutant{
		{
			"internal/postgres/dayindexes.go",
			"\"CREATE INDEX CONCURRENTLY IF NOT EXISTS \"", "\"CREATE INDEX IF NOT EXISTS \"",
			"internal/postgres", "TestDayIndexes",
		},
	}},
	{row: "Who comes by a portal link publishes nothing and changes no event type, with any ability", mutants: []mutant{
		{
			"internal/console/pages.go",
			"!p.adminOnly && !p.noPortal", "!p.adminOnly",
			"internal/console", "TestThePortalLooksAtEventsAndTypesAndPublishesNone",
		},
	}},
	{row: "No Postgres of ours outlives its process", mutants: []mutant{
		{
			"internal/local/child_linux.go",
			"attr.Pdeathsig = syscall.SIGQUIT", "attr.Pdeathsig = 0",
			"test/e2e", "TestDevsPostgres",
		},
	}},
}
