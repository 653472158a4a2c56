package doctor

import "fmt"

// Level is how bad a finding is.
type Level string

// Levels. Only Fail makes the whole fail.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Check names it for programs, such as postgres.fsync; it stays the same.
	Check string `json:"check"`
	Level Level  `json:"level"`
	// Found is what is, and what comes of it.
	Found string `json:"found"`
	// Setting is what to write or run, to the letter; Advice what to do in words.
	Setting string `json:"setting,omitempty"`
	Advice  string `json:"advice,omitempty"`
}

// Report is all that was found, in the order in which it was looked at.
type Report struct {
	// Status is the worst level of the findings.
	Status   Level     `json:"status"`
	Findings []Finding `json:"findings"`
}

// findings are gathered.
type findings []Finding

func (f *findings) ok(check, format string, args ...any) {
	*f = append(*f, Finding{Check: check, Level: OK, Found: fmt.Sprintf(format, args...)})
}

// bad notes what is wrong, what to set, and what to do besides.
func (f *findings) bad(level Level, check, found, setting, advice string) {
	*f = append(*f, Finding{Check: check, Level: level, Found: found, Setting: setting, Advice: advice})
}

func (f *findings) report() Report {
	r := Report{Status: OK, Findings: *f}
	for _, one := range *f {
		if one.Level == Fail || one.Level == Warn && r.Status == OK {
			r.Status = one.Level
		}
	}
	return r
}

// Misconfigured is a report about a configuration that can't be read: there is
// nothing else to look at.
func Misconfigured(problems ...string) Report {
	var f findings
	for _, p := range problems {
		f.bad(Fail, "config", p, "", "no process starts with it; docs/configuration.md has every key")
	}
	return f.report()
}

// Unknown puts what the configuration warned of in front of a report.
func (r Report) Unknown(warnings []string) Report {
	var f findings
	for _, w := range warnings {
		f.bad(Warn, "config", w, "", "take it away, or spell it as docs/configuration.md does")
	}
	if len(f) == 0 {
		f.ok("config", "it is read, and has no unknown keys")
	}
	f = append(f, r.Findings...)
	return f.report()
}
