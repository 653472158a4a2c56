package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options are what the flags say.
type options struct {
	// bin is the directory of the programs under test.
	bin string
	// dir is where Postgres and Redis keep their files; removed afterwards.
	// Default: the system's temporary directory.
	dir string
	// events of a run; a tenth of it at fan-out 10, so that runs last about as
	// long. 0: as many as take length, by the warm-up.
	events  int
	length  time.Duration
	runs    int
	posters int
	// steady is how long a run at the steady rate lasts.
	steady time.Duration
	// profile is where CPU profiles of API and worker go; "" takes none.
	profile string
	// output is the file that gets the report too; "" is none.
	output string
	// isolation measures what sick receivers do to healthy ones instead.
	isolation bool
	// ward is the only number of endpoints that isolation tries; 0 is 40, then 400.
	ward int
	// noise leaves the sick out of isolation: it measures noisy workspaces only.
	noise bool
	// keys measures what an Idempotency-Key costs, and nothing else.
	keys bool
	// scaling measures what more workers and cores give instead.
	scaling bool
	// retries measures live latency while due retries go out instead.
	retries bool
	// due is how many retries those are.
	due int
	// against is the directory of other programs to compare with; "" compares none.
	against string
	// concurrency is the workers' requests in flight; 0 is the default.
	concurrency int
	// only is the name of the one kind that is measured beside the bare one; "" is all.
	only string
	// quick only shows that everything works.
	quick bool
	// settings are added to Postgres's configuration.
	settings settings
}

const defaultPosters = 128

// quickEvents is how many events a run has that only shows that everything works.
const quickEvents = 400

func parseOptions(args []string, output io.Writer) (options, error) {
	o := options{length: 8 * time.Second, settings: settings{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(output)
	f.StringVar(&o.bin, "bin", "bin", "`directory` of the programs under test")
	f.StringVar(&o.dir, "dir", "", "`directory` for the data, removed afterwards (default the temporary one)")
	f.IntVar(&o.events, "events", 0, "events of a run, a tenth of it at fan-out 10 (default as many as take 8 s)")
	f.IntVar(&o.runs, "runs", 3, "runs of each kind")
	f.IntVar(&o.posters, "posters", defaultPosters, "posters at a time")
	f.DurationVar(&o.steady, "steady", 20*time.Second, "length of a run at the steady rate")
	f.StringVar(&o.profile, "profile", "", "take CPU profiles of API and worker, in runs of their own, into `directory`")
	f.StringVar(&o.output, "output", "", "write the report to `file` too")
	f.Var(o.settings, "postgres", "a setting of Postgres as `name=value`; may be repeated")
	f.BoolVar(&o.isolation, "isolation", false, "measure what sick receivers do to healthy ones instead")
	f.IntVar(&o.ward, "ward", 0, "with -isolation: try only this number of endpoints, a multiple of 10 (default 40, then 400)")
	f.BoolVar(&o.noise, "noise", false, "with -isolation: only what one workspace does to another")
	f.BoolVar(&o.scaling, "scaling", false, "measure what more workers and cores give instead")
	f.BoolVar(&o.retries, "retries", false, "measure live latency while due retries go out instead")
	f.IntVar(&o.due, "due", defaultDue, fmt.Sprintf("with -retries: how many are due, a multiple of %d", retryKind.fanout))
	f.StringVar(&o.against, "against", "", "compare with the programs in `directory` instead, both in turn")
	f.BoolVar(&o.keys, "keys", false, "only measure what an Idempotency-Key costs")
	f.StringVar(&o.only, "only", "", "measure only the `kind` of this name beside bare requests, for profiles")
	quick := f.Bool("quick", false, "only show that everything works: one short run of each kind")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.quick = *quick
	if *quick {
		o.events, o.runs, o.steady, o.due = quickEvents, 1, time.Second, quickDue
	}
	if f.NArg() > 0 || o.runs < 1 || o.posters < 1 || o.events < 0 || o.ward < 0 || o.ward%groupSize != 0 || o.due < 1 || o.due%retryKind.fanout != 0 {
		err := fmt.Errorf("runs and posters are 1 or more, events 0 or more, a ward has a multiple of %d endpoints, retries are a multiple of %d, and there are no arguments", groupSize, retryKind.fanout)
		fmt.Fprintln(output, err)
		return o, err
	}
	if o.only != "" && len(o.kinds()) == 1 { // the bare one
		err := fmt.Errorf("-only %s is no kind; there are %s", o.only, strings.Join(labels(allKinds()), ", "))
		fmt.Fprintln(output, err)
		return o, err
	}
	return o, nil
}

func labels(kinds []kind) (names []string) {
	for _, k := range kinds {
		if !k.bare {
			names = append(names, k.label())
		}
	}
	return names
}

func allKinds() []kind {
	return []kind{bareKind, acceptKind, keyedAcceptKind, singleKind, batchKind, wideKind, widestKind, failsKind}
}

// partial is a run of some kinds, without latency, rest and bytes of Redis, which need the others' endpoints.
func (o *options) partial() bool { return o.keys || o.only != "" }

// kinds are what is measured, in this order.
func (o *options) kinds() []kind {
	switch {
	case o.keys:
		return []kind{bareKind, acceptKind, keyedAcceptKind, singleKind, keyedSingleKind}
	case o.scaling:
		return []kind{acceptKind, singleKind, wideKind, slowKind}
	case o.retries:
		return []kind{singleKind, retryKind}
	}
	if o.only == "" {
		return allKinds()
	}
	return slices.DeleteFunc(allKinds(), func(k kind) bool { return !k.bare && k.label() != o.only })
}

// settings are flags of the form name=value.
type settings map[string]string

func (s settings) String() string {
	var all []string
	for name, value := range s {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, ",")
}

func (s settings) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("want name=value")
	}
	s[name] = value
	return nil
}
