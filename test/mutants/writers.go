package main

var writers = []rule{
	{row: "A group is bounded; what waits is, too, and then refused", mutants: []mutant{
		{
			"internal/ingest/writer.go",
			"g.events+len(r.events) <= maxGroupEvents && g.bytes", "g.bytes",
			"internal/ingest", "TestGroup/StaysWithinItsBounds",
		},
		{
			"internal/ingest/writer.go",
			" && g.bytes+r.bytes <= maxGroupBytes\n", "\n",
			"internal/ingest", "TestGroup/StaysWithinItsBounds",
		},
		{
			"internal/ingest/accept.go",
			"if events > maxWaitingEvents || bytes", "if events > 10*maxWaitingEvents || bytes",
			"internal/ingest", "TestWaiting/IsRefusedAbove8192Events",
		},
		{
			"internal/ingest/accept.go",
			"|| bytes > maxWaitingBytes {", "|| bytes > 10*maxWaitingBytes {",
			"internal/ingest", "TestWaiting/IsRefusedAbove64MiB",
		},
		{
			"internal/ingest/accept.go",
			"	timer := time.NewTimer(i.cfg.MaxWait)", "	timer := time.NewTimer(1000 * i.cfg.MaxWait)",
			"internal/ingest", "TestWaiting/EndsAfterMaxWait",
		},
	}},
	{row: "Callers who came meanwhile and those just answered commit as one", mutants: []mutant{
		{
			"internal/ingest/writer.go",
			"			i.expectAll()\n", "",
			"internal/ingest", "TestGroup/BringsTwoHalvesTogether",
		},
	}},
	{row: "A wide event commits alone", mutants: []mutant{
		{
			"internal/ingest/writer.go",
			"return r.widest > wideEvent || r.most > maxGroupDeliveries || r.most > wideBatch && len(r.events) > smallBatch", "return r.widest > 1<<40",
			"internal/ingest", "TestWideEvent/HoldsUpNobody",
		},
		{
			"internal/ingest/index.go",
			"		most := x.match.Most(e.Type)", "		most := 1 << 20",
			"internal/ingest", "TestWideEvent/IsNoneThatFewOfManyWant",
		},
	}},
	{row: "A commit whose answer got lost is made once", mutants: []mutant{
		{
			"internal/postgres/ingest.go",
			"	if dups, err = s.commitAgain(ctx, g, answers); sqlState(err) == uniqueViolation {", "	if dups, err = s.commitAgain(ctx, g, answers); false {",
			"internal/postgres", "TestCommitWhoseAnswerGetsLost",
		},
		{
			"internal/postgres/ingest.go",
			"	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askAgainTimeout)", "	ctx, cancel := context.WithTimeout(ctx, askAgainTimeout)",
			"internal/postgres", "TestCommitWhoseAnswerGetsLost/AndThatTimeRanOutForIsStoredOnce",
		},
		{
			"internal/postgres/ingest.go",
			"		queueInserts(b, &unasked, dups, nil)\n		if !g.MadeAt.IsZero() {", "		queueInserts(b, &unasked, dups, nil)\n		if false {",
			"internal/postgres", "TestCommitWhoseAnswerGetsLost/ThatWasNoneIsNotMadeTooLate",
		},
		{
			"internal/postgres/ingest.go",
			"		unasked.MadeAt = time.Time{}\n", "",
			"internal/postgres", "TestCommitWhoseAnswerGetsLost/AndThatTimeRanOutForIsStoredOnce",
		},
		{
			"internal/postgres/record.go",
			"	case sqlState(err) == uniqueViolation:", "	case false:",
			"internal/postgres", "TestRecordWhoseAnswerGetsLost",
		},
		{
			"internal/ingest/group.go",
			"	if webhook.CodeOf(err) != webhook.CodeInternal || len", "	if len",
			"internal/ingest", "TestGroup/IsNotStoredTwiceWhenItsAnswerGotLost",
		},
	}},
	{row: "One bad row fails alone", mutants: []mutant{
		{
			"internal/postgres/rerecord.go",
			"	if len(outcomes) == 1 {\n", "	if len(outcomes) >= 1 {\n",
			"internal/postgres", "TestRecordOfABadRow/KeepsItsNeighboursAndTheAttempt",
		},
		{
			"internal/ingest/group.go",
			"|| len(p.requests) == 1 {", "|| len(p.requests) >= 1 {",
			"internal/ingest", "TestOnPostgres/ARowThatCanNotBeStoredFailsAlone",
		},
	}},
	{row: "A deadlock is tried again", mutants: []mutant{
		{
			"internal/postgres/db.go",
			"state == \"40P01\" || state == \"40001\"", "state == \"40001\"",
			"internal/postgres", "TestRecordInConflict TestPark/IsTriedAgainInADeadlock",
		},
	}},
	{row: "A panic is an attempt", mutants: []mutant{
		{
			"internal/deliver/member.go",
			"		if p := recover(); p != nil {", "		if p := any(nil); p != nil {",
			"internal/deliver", "TestFailure/InsidePostriderIsAnAttempt",
		},
	}},
	{row: "An endpoint's change is seen by the next event, at any API", mutants: []mutant{
		{
			"internal/ingest/index.go",
			"ok && e.version == version.Endpoints {", "ok && (e.version == version.Endpoints || e.version > 0) {",
			"internal/ingest", "TestReadYourWrites",
		},
	}},
	{row: "A worker with an older copy loads it anew", mutants: []mutant{
		{
			"internal/deliver/targets.go",
			"ok && e.Version >= version {", "ok && (e.Version >= version || true) {",
			"internal/deliver", "TestTargets/LoadWhatHasANewVersionAndSignWithItsSecret",
		},
	}},
	{row: "The index is bounded by bytes; a workspace that can't be loaded fails alone", mutants: []mutant{
		{
			"internal/ingest/index.go",
			"	for x.bytes > x.maxBytes && x.cache.Len() > 1 {", "	for x.bytes > 1<<40 && x.cache.Len() > 1 {",
			"internal/ingest", "TestIndexIsBoundedByBytes",
		},
		{
			"internal/ingest/index.go",
			"	case len(ids) == 1:\n		out[ids[0]] = &indexed{err: err}\n		return nil\n	}", "	case len(ids) >= 1:\n		return err\n	}",
			"internal/ingest", "TestWorkspace/ThatCanNotBeLoadedFailsAlone",
		},
	}},
	{row: "An idempotency key takes effect once, also over a kill", mutants: []mutant{
		{ // the whole test, by which what its parts see is reported
			"internal/api/idempotency.go",
			"	if !claim.Mine {\n", "	if !claim.Mine && false {\n",
			"internal/api", "TestIdempotencyKey",
		},
		{
			"internal/postgres/idempotency.go",
			"	if n.won {\n", "	if !n.claim.IsZero() {\n",
			"internal/api", "TestIdempotencyKeyInFlight/OfManyAtOnceOneTakesEffect",
		},
		{ // an effect that was made before the kill is not found by its token
			"internal/postgres/idempotency.go",
			"	return webhook.Claim{ID: n.claim, Mine: true, Same: true, Token: token.Bytes}, nil", "	_ = token\n	return webhook.Claim{ID: n.claim, Mine: true, Same: true, Token: n.token}, nil",
			"internal/api", "TestIdempotencyKeyOutlivesAKill",
		},
	}},
	{row: "An event's idempotency key and answer are in its own commit; one whose key is taken is left out of its group", mutants: []mutant{
		{
			"internal/postgres/answers.go",
			"		a.taken = !mine[a.event]", "		a.taken = false",
			"internal/postgres", "TestCommitWithAnswers/LeavesOutWhoseKeyIsTaken",
		},
		{
			"internal/ingest/group.go",
			"	if r.once() != nil && p.isTaken(r.events[0], duplicates) {", "	if r.once() != nil && false {",
			"internal/ingest", "TestOnce/OfATakenKeyNothingIsDone",
		},
	}},
	{row: "What a request with an idempotency key changes is committed with its answer, unless somebody took the key over", mutants: []mutant{
		{
			"internal/api/idempotency.go",
			"	if !rt.grouped {\n		ctx = s.Idempotency.Together(ctx)\n	}\n", "",
			"internal/api", "TestIdempotencyKeyIsOneCommitWithWhatIsChanged/KilledBeforeTheCommit",
		},
		{
			"internal/postgres/idempotency.go",
			"	if n == 0 {\n", "	if n < 0 {\n",
			"internal/api", "TestIdempotencyKeyTakenOver",
		},
	}},
	{row: "What is stored under an idempotency key tells nothing of the request without `secrets.key`", mutants: []mutant{
		{
			"internal/postgres/requesthash.go",
			"	h := hmac.New(sha256.New, key)\n	for", "	h := hmac.New(sha256.New, nil)\n	for",
			"internal/postgres", "TestIdempotencyHash/TellsNothingWithoutTheKey",
		},
		{
			"internal/postgres/requesthash.go",
			"s.requestHashBy(keyID(stored[:len(keyID{})]), k, digest)", "s.requestHashBy(s.newest, k, digest)",
			"internal/postgres", "TestIdempotencyHash/IsKnownUnderAnyOfTheKeys",
		},
	}},
}
