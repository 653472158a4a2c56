package docs

// runElsewhere are pages that another test runs, and which.
var runElsewhere = map[string]string{
	"docs/receiving.md": "test/receivers runs it, and refuses a block that it does not",
}

// notRun are blocks, by page and first line, that nothing runs, and why.
var notRun = map[string]string{}
