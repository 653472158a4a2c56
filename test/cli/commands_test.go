package cli

import (
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidwall/gjson"

	"github.com/postrider/postrider/test/e2e/stack"
)

// commands are those of the scripts, beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"field": field, "eventually": eventually, "exits": exits,
}

// field NAME PATH puts a field of the last output, which is JSON, into a variable.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME PATH")
	}
	found := gjson.Get(ts.ReadFile("stdout"), args[1])
	if !found.Exists() {
		ts.Fatalf("there is no %s in %s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found.String())
}

// eventually PATTERN COMMAND… runs a command until its output matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND…")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	deadline := time.Now().Add(stack.Patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never within %s: %s: %v: %s", stack.Patience, args[0], err, ts.ReadFile("stdout"))
		}
		<-tick.C
	}
}

// exits CODE COMMAND… wants an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	code := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%s: exit code %s, want %s: %s%s", strings.Join(args[1:], " "), code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}
