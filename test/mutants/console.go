package main

var signedIn = []rule{
	{row: "A portal link opens once and only once, and not late", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/console.sql.go",
			"DELETE FROM portal_links l USING workspaces w\nWHERE l.hash = $1 AND l.expires_at > $2 AND w.id = l.workspace_id AND w.deleted_at IS NULL\nRETURNING l.id, l.workspace_id, l.manage",
			"SELECT l.id, l.workspace_id, l.manage FROM portal_links l, workspaces w\nWHERE l.hash = $1 AND l.expires_at > $2 AND w.id = l.workspace_id AND w.deleted_at IS NULL",
			"internal/postgres", "TestSessions/OneLinkMakesOneSessionHoweverManyUseItAtOnce",
		},
		{
			"internal/postgres/internal/dbsqlc/console.sql.go",
			"l.hash = $1 AND l.expires_at > $2 AND", "l.hash = $1 AND $2::timestamptz IS NOT NULL AND",
			"internal/postgres", "TestSessions/LinkThatIsLateOpensNothing",
		},
		{
			"internal/console/enter.go",
			"r.Method != http.MethodGet ||", "r.Method == http.MethodPost ||",
			"internal/console", "TestPortal/LinkOpensItOnceHoweverManyUseItAtOnce",
		},
	}},
	{row: "A session ends with its time, its key, its workspace, the sign-out, the next sign-in and the admin key that opened it", mutants: []mutant{
		{
			"internal/postgres/internal/dbsqlc/console.sql.go",
			"s.hash = $1 AND s.expires_at > $2", "s.hash = $1 AND $2::timestamptz IS NOT NULL",
			"internal/postgres", "TestSessions/LastUntilTheyExpireOrAreRemoved",
		},
		{
			"internal/postgres/internal/dbsqlc/console.sql.go",
			"(s.key_id IS NULL OR k.id IS NOT NULL)", "true",
			"internal/postgres", "TestSessions/EndWithTheirKeyAndOthersDoNot",
		},
		{
			"internal/postgres/internal/dbsqlc/console.sql.go",
			"(s.workspace_id IS NULL OR w.id IS NOT NULL)", "true",
			"internal/postgres", "TestSessions/EndWithTheirWorkspaceAsDoItsLinks",
		},
		{
			"internal/console/cookies.go",
			"hmac.New(sha256.New, c.adminKey[:])", "hmac.New(sha256.New, nil)",
			"internal/console", "TestSessionEnds/WithTheAdminKeyThatOpenedIt",
		},
		{
			"internal/console/signin.go",
			"if old := c.token(r, consoleBase); old != \"\" {", "if old := c.token(r, portalBase); old != \"\" {",
			"internal/console", "TestSessionEnds/WhenItsBrowserSignsInAnew",
		},
		{
			"internal/console/signin.go",
			"if token := c.token(r, base); token != \"\" {", "if token := c.token(r, base); token == \"\" {",
			"internal/console", "TestSignIn/EndsWithItsKeyItsWorkspaceAndTheSignOut",
		},
	}},
	{row: "What is over of sessions and links is forgotten", mutants: []mutant{
		{
			"internal/postgres/console.go",
			"dbsqlc.RemoveOldSessionsParams{Now: pgTime(now), N: removeSessions}", "dbsqlc.RemoveOldSessionsParams{Now: pgTime(now), N: 0}",
			"internal/postgres", "TestSessions/ForgetsWhatIsOver",
		},
		{
			"internal/postgres/console.go",
			"dbsqlc.RemoveOldPortalLinksParams{Now: pgTime(now), N: removeSessions}", "dbsqlc.RemoveOldPortalLinksParams{Now: pgTime(now), N: 0}",
			"internal/postgres", "TestSessions/ForgetsWhatIsOver",
		},
	}},
	{row: "A page is for who is signed in, in their workspace, and the admin's for the admin alone", mutants: []mutant{
		{
			"internal/console/visited.go",
			"	if p.adminOnly && !v.Admin() {", "	if false {",
			"internal/console", "TestEveryPageAgainstStrangers/IsForTheAdminAloneWhereItSaysSo",
		},
		{
			"internal/console/visited.go",
			"	case id != string(v.session.Workspace.ID):", "	case false:",
			"internal/console", "TestEveryPageAgainstStrangers/OfAnotherWorkspaceIsNotThere",
		},
		{
			"internal/console/console.go",
			"c.outermost(protection.Handler(c.mux()))", "c.outermost(c.mux())",
			"internal/console", "TestEveryPageAgainstStrangers/RefusesFormsOfOtherSitesAndOfSubdomains",
		},
	}},
	{row: "A key that the console makes has the scopes that were ticked, and never all for none", mutants: []mutant{
		{
			"internal/console/keys.go",
			"	if len(f.Given) == 0 {", "	if len(f.Given) < 0 {",
			"internal/console", "TestKeys/OfNoScopeAreRefusedForTheyWouldHaveAll",
		},
	}},
	{row: "A workspace is deleted by who types its id", mutants: []mutant{
		{
			"internal/console/settings.go",
			"	if p.Typed != string(v.workspace.ID) {", "	if p.Typed == \"\" {",
			"internal/console", "TestWorkspaces/AreDeletedByWhoTypesTheirIDAlone",
		},
	}},
}
