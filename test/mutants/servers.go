package main

var servers = []rule{
	{row: "Of a pooler's sessions none is ours: nothing is set or prepared by name there, and nobody has to say that there is one", mutants: []mutant{
		{
			"internal/postgres/pooler.go",
			"CASE WHEN pg_catalog.pg_backend_pid() = \"+told+", "CASE WHEN \"+told+\" = \"+told+",
			"internal/postgres", "TestThroughAPooler/NothingIsPreparedByNameNorSet",
		},
		{
			"internal/postgres/pooler.go",
			"	db.pooled.Store(pooled)\n", "	db.pooled.Store(pooled || db.pooled.Load())\n",
			"internal/postgres", "TestThroughAPooler/ThatCameOrWentIsNoticedByTheNextConnection",
		},
	}},
	{row: "Migrations change what is in use only in a session of their own, and wait there for a table no longer than callers do", mutants: []mutant{
		{
			"internal/postgres/migrate.go",
			"	if err != nil || !inUse || !m.pooled.Load() {", "	if true {",
			"internal/postgres", "TestMigratorThroughAPooler/ChangesNoneInUse",
		},
		{
			"internal/postgres/migrate.go",
			`lockTimeout = "2s"`, `lockTimeout = "0"`,
			"internal/postgres", "TestMigrator_GivesUpOnALockAndTriesAgain",
		},
		{
			"internal/postgres/dayindexes.go",
			`"SET lock_timeout = '"+lockTimeout+"'"`, `"RESET lock_timeout"`,
			"internal/postgres", "TestDayIndexesLeaveMigrationsTheirPatience",
		},
	}},
	{row: "A list is read from a replica while that is one, of this primary, and knows enough and what its caller did; else, and where that fails, from the primary", mutants: []mutant{
		{
			"internal/postgres/listing.go",
			"knows == 0 || r.lag() > r.cfg.MaxLag:", "knows == 0:",
			"internal/postgres", "TestReplica/IsLeftWhenItLagsAndComesBack",
		},
		{
			"internal/postgres/listing.go",
			"webhook.Seen(ctx).After(time.Unix(0, knows)):", "webhook.Seen(ctx).After(time.Unix(0, knows)) && false:",
			"internal/postgres", "TestReplica/ShowsCallersWhatTheyDid",
		},
		{
			"internal/postgres/internal/dbsqlc/server.sql.go",
			"CASE WHEN pg_catalog.pg_is_in_recovery() THEN", "CASE WHEN true THEN",
			"internal/postgres", "TestReplica/ThatIsNoneIsNotRead",
		},
		{
			"internal/postgres/listing.go",
			"		why = r.failed(err)", "		return err",
			"internal/postgres", "TestReplica/ThatEndsAStatementToReplayIsFollowedByThePrimary",
		},
	}},
}
