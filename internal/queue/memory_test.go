package queue

import (
	"strconv"
	"testing"
)

// A Redis counts as nearly full in time, and not as long as there is room.
func TestMemory(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, c := range map[string]struct {
		policy      string
		limit, used int64
		full        bool
	}{
		"ATenthIsFree":          {noEviction, 100 * mib, 90 * mib, false},
		"LessIs":                {noEviction, 100 * mib, 90*mib + 1, true},
		"16MiBOfMuchAreFree":    {noEviction, 1000 * mib, 984 * mib, false},
		"LessOfMuchIs":          {noEviction, 1000 * mib, 984*mib + 1, true},
		"ThereIsNoLimit":        {noEviction, 0, 1000 * mib, false},
		"WhatIsOldIsThrownAway": {"allkeys-lru", 100 * mib, 100 * mib, false},
		"NothingIsKnown":        {"", 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m memory
			m.note(map[string]string{
				"maxmemory_policy": c.policy, "maxmemory": strconv.FormatInt(c.limit, 10),
				"used_memory": strconv.FormatInt(c.used+mib, 10), "mem_not_counted_for_evict": strconv.Itoa(mib),
			})
			if err := m.room(); (err != nil) != c.full {
				t.Errorf("got %v", err)
			}
		})
	}

	t.Run("SomeMoreMustBeFreeAgain", func(t *testing.T) {
		t.Parallel()
		var m memory
		note := func(used int64) error {
			m.note(map[string]string{
				"maxmemory_policy": noEviction, "maxmemory": strconv.Itoa(100 * mib), "used_memory": strconv.FormatInt(used, 10),
			})
			return m.room()
		}
		for _, c := range []struct {
			used int64
			full bool
		}{{90 * mib, false}, {91 * mib, true}, {89 * mib, true}, {85 * mib, false}, {90 * mib, false}} {
			if err := note(c.used); (err != nil) != c.full {
				t.Errorf("%d used: %v", c.used, err)
			}
		}
	})
}
