package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// dues are what a round of feed chooses from.
type dues struct {
	all []turns.Due
	// share of it is a line's.
	share int
	// crowded: there is, or may be, more that is due than this.
	crowded bool
	// others: there are lines after those.
	others bool
}

// due is as a rule all that is due. Where that is more than a round takes, the
// oldest may all be one workspace's, and what is due of each is looked up.
func (s *Feed) due(ctx context.Context, now time.Time) (dues, error) {
	oldest, err := s.db.q.DueDeliveries(ctx)
	if err != nil {
		return dues{}, err
	}
	if len(oldest) == turns.Most {
		return s.dueByLine(ctx, now)
	}
	all := make([]turns.Due, len(oldest))
	for i := range oldest {
		all[i] = dueOf((*dbsqlc.DueOfLinesRow)(&oldest[i]))
	}
	return dues{all: all, share: turns.Most}, nil
}

func dueOf(r *dbsqlc.DueOfLinesRow) turns.Due {
	return turns.Due{
		Line: turns.Line{Workspace: webhook.WorkspaceID(r.WorkspaceID), Bulk: r.Bulk},
		ID:   r.ID.Bytes, At: r.NextAttemptAt.Time,
	}
}

// dueByLine goes on with the lines after those of the last round, and from the
// first one after the last: a round costs the same, however many lines there are
// and however long they are.
func (s *Feed) dueByLine(ctx context.Context, now time.Time) (dues, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	days, err := s.db.PartitionDays(ctx)
	if err != nil {
		return dues{}, err
	}
	days = slices.DeleteFunc(days, now.AddDate(0, 0, 1).Before) // nothing was accepted then
	found, err := s.linesOf(ctx, days)
	if err != nil {
		return dues{}, err
	}
	window, others := firstLines(found)
	share := turns.Share(countDue(window))
	all, err := s.oldestOf(ctx, days, found, window, share)
	if err != nil {
		return dues{}, err
	}
	if s.after = (turns.Line{}); others {
		s.after = window[len(window)-1].Line
	}
	return dues{all, share, true, others}, nil
}

// line is where something waits for feed, due or not.
type line struct {
	turns.Line
	due bool
}

func compareLines(a, b line) int {
	if c := strings.Compare(string(a.Workspace), string(b.Workspace)); c != 0 || a.Bulk == b.Bulk {
		return c
	}
	if b.Bulk {
		return -1
	}
	return 1
}

// linesOf returns each day's first lines after the last round's, and one more.
func (s *Feed) linesOf(ctx context.Context, days []time.Time) ([][]line, error) {
	var b pgx.Batch
	found := make([][]line, len(days))
	for i, day := range days {
		lo, hi := dayBounds(day)
		b.Queue(dbsqlc.DueLines, int32(turns.Lines+1), lo, hi, string(s.after.Workspace), s.after.Bulk).Query(func(rows pgx.Rows) error {
			got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[dbsqlc.DueLinesRow])
			for _, r := range got {
				found[i] = append(found[i], line{turns.Line{Workspace: webhook.WorkspaceID(r.WorkspaceID), Bulk: r.Bulk}, r.Due})
			}
			return err
		})
	}
	return found, s.db.pool.SendBatch(ctx, &b).Close()
}

// firstLines are the first turns.Lines of all days together; others says that some
// come after them. None is missed: it would be among its day's first ones.
func firstLines(days [][]line) (first []line, others bool) {
	all := slices.Concat(days...)
	slices.SortFunc(all, compareLines)
	for _, l := range all {
		switch last := len(first) - 1; {
		case last >= 0 && first[last].Line == l.Line:
			first[last].due = first[last].due || l.due
		case len(first) == turns.Lines:
			return first, true
		default:
			first = append(first, l)
		}
	}
	return first, false
}

func countDue(lines []line) (n int) {
	for _, l := range lines {
		if l.due {
			n++
		}
	}
	return n
}

// oldestOf returns the oldest of each line of the window, share of it on each day.
func (s *Feed) oldestOf(ctx context.Context, days []time.Time, found [][]line, window []line, share int) (due []turns.Due, err error) {
	var b pgx.Batch
	for i, day := range days {
		var workspaces []string
		var bulks []bool
		for _, l := range found[i] {
			if l.due && compareLines(l, window[len(window)-1]) <= 0 {
				workspaces, bulks = append(workspaces, string(l.Workspace)), append(bulks, l.Bulk)
			}
		}
		if len(workspaces) == 0 {
			continue
		}
		lo, hi := dayBounds(day)
		b.Queue(dbsqlc.DueOfLines, workspaces, bulks, lo, hi, int32(share)).Query(func(rows pgx.Rows) error {
			got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[dbsqlc.DueOfLinesRow])
			for i := range got {
				due = append(due, dueOf(&got[i]))
			}
			return err
		})
	}
	err = s.db.pool.SendBatch(ctx, &b).Close()
	return due, err
}
