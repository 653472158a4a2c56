package openapi

import "github.com/postrider/postrider/test/pinned"

var (
	schemathesis = pinned.Python("schemathesis", "requirements.txt")
	// redocly is the linter.
	redocly = pinned.Node("redocly", ".")
)
