// Command mutants breaks each rule of docs/rules.md on purpose, one small change of
// the code at a time, and requires that the tests named for it fail. The tree stays as
// it is: Go compiles each mutant through an overlay.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
)

func main() {
	chosen := flag.String("run", "", "only mutants whose rule, file or tests match this expression")
	jobs := flag.Int("jobs", 2, "how many are tried at once")
	unsound := flag.Bool("unsound", false, "take for granted that the tests pass without a mutant")
	verbose := flag.Bool("v", false, "show what a survivor's tests said")
	flag.Parse()
	if err := try(regexp.MustCompile(*chosen), *jobs, *unsound, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// task is a mutant to try and, for its report, the rule that it breaks.
type task struct {
	row string
	mutant
}

// try reports each mutant; its error counts those that were not caught.
func try(chosen *regexp.Regexp, jobs int, unsound, verbose bool) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tasks := choose(chosen)
	if len(tasks) == 0 {
		return fmt.Errorf("no mutant matches %q", chosen)
	}
	if !unsound {
		if err := soundTests(dir, tasks); err != nil {
			return err
		}
	}
	queue := make(chan task)
	var wg sync.WaitGroup
	var mu sync.Mutex
	bad := 0
	for job := range jobs {
		wg.Go(func() {
			for t := range queue {
				verdict, output := t.try(fmt.Sprintf("%s/%d", dir, job))
				mu.Lock()
				fmt.Printf("%-8s %s\n         %s: %s\n", verdict, t.row, t.file, t.tests)
				if verdict != "caught" {
					bad++
				}
				if verdict != "caught" && verbose {
					fmt.Println(output)
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	wg.Wait()
	if bad > 0 {
		return fmt.Errorf("%d of %d mutants were not caught", bad, len(tasks))
	}
	fmt.Printf("all %d mutants were caught\n", len(tasks))
	return nil
}

func choose(chosen *regexp.Regexp) (tasks []task) {
	for _, r := range rules() {
		for _, m := range r.mutants {
			if chosen.MatchString(strings.Join([]string{r.row, m.file, m.pkg, m.tests}, " ")) {
				tasks = append(tasks, task{r.row, m})
			}
		}
	}
	return tasks
}

// soundTests runs the tests of the mutants without any: who fails anyhow catches nothing.
func soundTests(dir string, tasks []task) error {
	byPackage := map[string][]string{}
	for _, t := range tasks {
		byPackage[t.pkg] = append(byPackage[t.pkg], strings.Fields(t.tests)...)
	}
	for pkg, tests := range byPackage {
		output, err := build(dir+"/sound", pkg, "")
		if err != nil {
			return fmt.Errorf("%s does not build: %s", pkg, output)
		}
		output = run(dir+"/sound", pkg, "", "15m", tests)
		for _, name := range tests {
			if !strings.Contains(output, "--- PASS: "+name) || failed(output, name) {
				return fmt.Errorf("%s %s does not pass as it is:\n%s", pkg, name, output)
			}
		}
	}
	return nil
}
