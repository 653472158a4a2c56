package main

var ordering = []rule{
	{row: "Only the head of a key has a task; who waits is in no index of feed's or audit's", mutants: []mutant{
		{
			"internal/postgres/orderingaccept.go",
			"			p.Tasks = append(p.Tasks, \"\")\n", "			p.Tasks = append(p.Tasks, d.Task)\n",
			"internal/postgres", "TestOrderingKey/OnlyTheHeadHasATask",
		},
		{
			"internal/postgres/orderingaccept.go",
			"p.Waits = append(p.Waits, d.Waits)", "p.Waits = append(p.Waits, false)",
			"internal/postgres", "TestOrderingKey/OnlyTheHeadHasATask",
		},
		{
			"internal/ingest/group.go",
			"	i.announce.announce(withoutWaiting(chunks, &p.group))", "	i.announce.announce(chunks)",
			"internal/ingest", "TestOrderedOnPostgres/OnlyTheHeadIsAnnounced",
		},
	}},
	{row: "Numbers are in the order of acceptance, over processes and groups with many keys", mutants: []mutant{
		{
			"internal/postgres/orderingaccept.go",
			"	slices.SortStableFunc(turns, byLine)\n	return turns, places", "	slices.Reverse(turns)\n	return turns, places",
			"internal/postgres", "TestOrderingOfManyWriters",
		},
		{
			"internal/ingest/ordered.go",
			"	for _, r := range group {\n		i.plan(p, r.request, r.indexed)", "	for n := range group {\n		r := group[len(group)-1-n]\n		i.plan(p, r.request, r.indexed)",
			"internal/ingest", "TestOrdered/ShareACommitInTheOrderInWhichTheyCame",
		},
		{
			"internal/postgres/internal/dbsqlc/ordering.sql.go",
			"    head_seq = coalesce(k.head_seq, k.last_seq + 1),", "    head_seq = k.last_seq + 1,",
			"internal/ingest", "TestOrderedOnPostgres/TwoProcessesTakeTurns",
		},
	}},
	{row: "What ends the head gives the turn to the next in its own transaction", mutants: []mutant{
		{
			"internal/postgres/orderingrecord.go",
			"			if *e.matched || e.Status == webhook.StatusSuccess {", "			if *e.matched {",
			"internal/postgres", "TestOrderingKey/ASuccessLetsTheNextGoInItsOwnTransaction",
		},
		{
			"internal/postgres/orderingrecord.go",
			"e.Status != webhook.StatusPending {", "e.Status != webhook.StatusPending && !e.Disable {",
			"internal/postgres", "TestOrderingKey/AGoneReceiverPassesTheTurn",
		},
		{
			"internal/postgres/orderingend.go",
			"	return leaveLine(ctx, q, ended, nil)", "	_ = ended\n	return nil",
			"internal/postgres", "TestOrderingEnd/WhatIsSettledPassesTheTurn",
		},
		{
			"internal/postgres/orderingrecord.go",
			"		if _, err := lockTurns(ctx, q, turns); err != nil {\n			return err\n		}\n", "",
			"internal/postgres", "TestOrderingOfAnAcceptAndARecordAtOnce",
		},
	}},
	{row: "A head that is tried again keeps its turn, and one that fails for good passes it", mutants: []mutant{
		{
			"internal/postgres/orderingrecord.go",
			"e.Turn != nil && e.Status != webhook.StatusPending {", "e.Turn != nil {",
			"internal/postgres", "TestOrderingKey/AFailureThatIsRetriedKeepsTheTurn",
		},
		{
			"internal/postgres/orderingrecord.go",
			"e.Turn != nil && e.Status != webhook.StatusPending {", "e.Turn != nil {",
			"internal/deliver", "TestTurns/StayWithAHeadThatIsTriedAgain",
		},
		{
			"internal/postgres/orderingrecord.go",
			"e.Turn != nil && e.Status != webhook.StatusPending {", "e.Turn != nil && e.Status == webhook.StatusSuccess {",
			"internal/deliver", "TestTurns/GoOnFromAHeadThatFailsForGood",
		},
	}},
	{row: "Whatever is accepted, answered, canceled, retried and killed: in order, and nothing stays behind", mutants: []mutant{
		{
			"internal/postgres/orderinghand.go",
			"	err = ending(ctx, q, turns, false, func() (err error) {", "	err = ending(ctx, q, nil, false, func() (err error) {",
			"internal/postgres", "TestOrderingProperty",
		},
	}},
	{row: "A worker asks whose turn it is before each request", mutants: []mutant{
		{
			"internal/deliver/prepare.go",
			"		case st.Waits:", "		case false:",
			"internal/deliver", "TestTurns/AreAskedForBeforeEachRequest",
		},
		{
			"internal/postgres/orderingguard.go",
			"		return joinLine(ctx, q, back)", "		_ = back\n		return nil",
			"internal/postgres", "TestOrderingKey/OneThatIsBeforeItsTurnIsPutBack",
		},
	}},
	{row: "Only that key waits", mutants: []mutant{
		{
			"internal/ingest/group.go",
			"Options: in.Options, Trace: r.trace,\n	}\n", "Options: in.Options, Trace: r.trace,\n	}\n	if e.OrderingKey != \"\" {\n		e.OrderingKey = \"one for all\"\n	}\n",
			"test/e2e", "TestOrdering/HoldsUpOneKeyAndNothingElse",
		},
	}},
	{row: "A line is locked before its deliveries, and events without a key lock none", mutants: []mutant{
		{
			"internal/postgres/orderingend.go",
			"	if _, err := lockTurns(ctx, q, turns); err != nil {\n		return err\n	}\n	before, err := lockOrdered(ctx, q, turns)\n	if err != nil {\n		return err\n	}\n", "	before, err := lockOrdered(ctx, q, turns)\n	if err != nil {\n		return err\n	}\n	if _, err := lockTurns(ctx, q, turns); err != nil {\n		return err\n	}\n",
			"internal/postgres", "TestOrderingLocksTheLineFirst",
		},
		{
			"internal/postgres/orderingrecord.go",
			"	if len(ending) == 0 {", "	if len(ending) < 0 {",
			"internal/postgres", "TestOrderingCostsNothingWithoutAKey",
		},
		{
			"internal/ingest/writer.go",
			"		if isOrdered(r) {", "		if true {",
			"internal/ingest", "TestOrdered/HoldUpNobodyWithoutAKey",
		},
	}},
	{row: "The sweep finds turns that nobody has, and forgets idle keys without repeating a number", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/ordering.sql.go",
			"THEN NOT d.parked OR d.held_reason <> 'ordering' END", "THEN true END",
			"internal/postgres", "TestOrderingSweep/FindsAHeadThatWaitsForItself",
		},
		{
			"internal/postgres/orderingsweep.go",
			"!live[r.HeadID.Bytes] || r.Lost {", "!live[r.HeadID.Bytes] {",
			"internal/postgres", "TestOrderingSweep/FindsALineWithoutAHead",
		},
		{
			"internal/postgres/internal/dbsqlc/ordering.sql.go",
			"AND k.moved_at < now() - interval '1 hour'", "AND k.moved_at < now() + interval '1 hour'",
			"internal/postgres", "TestOrderingSweep/ForgetsWhatWasIdleForAnHourAndRepeatsNoNumber",
		},
		{
			"internal/postgres/internal/dbsqlc/ordering.sql.go",
			"(date_part('epoch', clock_timestamp()) * 1000000)::bigint AS base", "1::bigint AS base",
			"internal/postgres", "TestOrderingSweep/ForgetsWhatWasIdleForAnHourAndRepeatsNoNumber",
		},
		{
			"internal/recovery/ordering.go",
			"	o.after = swept.Last\n", "",
			"internal/recovery", "TestOrderingSweepsRoundAfterRound",
		},
	}},
	{row: "An answer that gets lost takes or passes a turn once", mutants: []mutant{
		{
			"internal/postgres/ingest.go",
			"	if dups, err = s.commitAgain(ctx, g, answers); sqlState(err) == uniqueViolation {", "	if dups, err = s.commitAgain(ctx, g, answers); false {",
			"internal/postgres", "TestOrderingWhoseAnswerGetsLost",
		},
	}},
}
