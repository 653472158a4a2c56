package cli

import (
	"fmt"
	"iter"

	"github.com/spf13/cobra"
)

// column is one of a table.
type column[T any] struct {
	name  string
	value func(T) string
}

// paging is how much of a list to show.
type paging struct {
	limit int
	all   bool
}

// mostOfPage is the API's.
const mostOfPage = 250

func (p *paging) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.limit, "limit", 50, "how many at most, newest first")
	cmd.Flags().BoolVar(&p.all, "all", false, "all of them, however many")
	cmd.MarkFlagsMutuallyExclusive("limit", "all")
}

// page is how many to ask for at once.
func (p *paging) page() int {
	if p.all {
		return mostOfPage
	}
	return max(1, min(p.limit, mostOfPage))
}

// list shows a list: a table, or a line of JSON for each.
func list[T any](s *session, p paging, items iter.Seq2[T, error], columns ...column[T]) error {
	if p.limit < 1 {
		return usageError("--limit is at least 1")
	}
	t := newTable(s.out.w)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.name
	}
	n := 0
	for item, err := range items {
		if err != nil {
			return err
		}
		if n == p.limit && !p.all {
			fmt.Fprintf(s.notes, "There are more: --limit or --all shows them.\n")
			break
		}
		if n++; s.out.json {
			raw, err := s.out.wire.item()
			if err != nil {
				return fmt.Errorf("read the API's list: %w", err)
			}
			if err := s.out.raw(raw); err != nil {
				return err
			}
			continue
		}
		if n == 1 {
			t.row(head...)
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.value(item)
		}
		t.row(cells...)
		if n%mostOfPage == 0 { // who asks for all wants to see some
			if err := t.Flush(); err != nil {
				return err
			}
		}
	}
	if n == 0 && !s.out.json {
		fmt.Fprintln(s.notes, "There are none.")
	}
	return t.Flush()
}

// each goes through a list that came in one piece.
func each[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
