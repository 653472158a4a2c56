package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// printer writes results: tables for people, or the API's own JSON for programs.
type printer struct {
	w    io.Writer
	json bool
	wire *wire
}

const outputFlag = "output"

// addOutput adds --output to a command and those below it.
func addOutput(cmd *cobra.Command) {
	cmd.PersistentFlags().StringP(outputFlag, "o", "", "table or json (default table on a terminal, json elsewhere)")
	_ = cmd.RegisterFlagCompletionFunc(outputFlag, cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func newPrinter(cmd *cobra.Command, w *wire) (*printer, error) {
	p := &printer{w: cmd.OutOrStdout(), wire: w}
	switch format, _ := cmd.Flags().GetString(outputFlag); format {
	case "json":
		p.json = true
	case "table":
	case "":
		p.json = !isTerminal(p.w)
	default:
		return nil, usageError("--output is table or json")
	}
	return p, nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// field is a line of what is shown of one thing. Empty values are left out.
type field struct{ name, value string }

// one shows one thing: the last answer, or what people want to know of it.
func (p *printer) one(fields ...field) error {
	if p.json {
		return p.raw(p.wire.body)
	}
	return p.fields(fields...)
}

// fields writes names and values below each other.
func (p *printer) fields(fields ...field) error {
	t := newTable(p.w)
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		lines := strings.Split(f.value, "\n")
		t.row(f.name, lines[0])
		for _, line := range lines[1:] {
			t.row("", line)
		}
	}
	return t.Flush()
}

// raw writes a JSON document on one line.
func (p *printer) raw(doc []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, doc); err != nil {
		return fmt.Errorf("the API's answer is no JSON: %w", err)
	}
	line.WriteByte('\n')
	_, err := p.w.Write(cleanJSON(line.Bytes()))
	return err
}

// value writes what is no answer of the API's as JSON.
func (p *printer) value(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.raw(raw)
}

// line is a sentence about what was done, for people.
func (p *printer) line(format string, args ...any) {
	fmt.Fprintln(p.w, cleanLines(fmt.Sprintf(format, args...)))
}

// table lines up columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)} }

// row writes cells, whoever they are from. Empty ones at the end are left out: they
// would only be white space.
func (t table) row(cells ...string) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		fmt.Fprint(t, clean(cell))
	}
	fmt.Fprintln(t)
}
