package config

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// parser turns a raw value, a string or a []string, into a typed one. A nil
// result means that the key is as good as not set. Its error says what the value
// must be and quotes nothing.
type parser func(raw any) (any, error)

// none is how a file or variable says that an optional setting is off.
const none = "none"

// scalar makes a parser of a single value.
func scalar[T any](parse func(string) (T, error)) parser {
	return func(raw any) (any, error) {
		text, ok := raw.(string)
		if !ok {
			return nil, errors.New("must be a single value, not a list")
		}
		return parse(strings.TrimSpace(text))
	}
}

// optional is scalar for a setting that may be empty or none.
func optional[T any](parse func(string) (T, error)) parser {
	inner := scalar(parse)
	return func(raw any) (any, error) {
		if raw == "" || raw == none {
			return nil, nil
		}
		return inner(raw)
	}
}

// list makes a parser of a YAML list or of comma-separated text, which may stand
// in brackets so that [] can be written in a variable.
func list[T any](parse func(string) (T, error), atLeast, atMost int) parser {
	return func(raw any) (any, error) {
		items := listItems(raw)
		if len(items) < atLeast || len(items) > atMost {
			return nil, fmt.Errorf("must be a list of %d to %d values", atLeast, atMost)
		}
		out := make([]T, 0, len(items))
		for i, item := range items {
			v, err := parse(strings.TrimSpace(item))
			if err != nil {
				return nil, fmt.Errorf("item %d %w", i+1, err)
			}
			out = append(out, v)
		}
		return out, nil
	}
}

func listItems(raw any) []string {
	text, ok := raw.(string)
	if !ok {
		return raw.([]string)
	}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = strings.TrimSpace(text[1 : len(text)-1])
	}
	if text == "" || text == none {
		return nil
	}
	return strings.Split(text, ",")
}

func wholeNumber(lowest, highest int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < lowest || n > highest {
			return 0, fmt.Errorf("must be a whole number from %d to %d", lowest, highest)
		}
		return n, nil
	}
}

// number is a decimal fraction, without an exponent.
func number(lowest, highest float64) func(string) (float64, error) {
	return func(s string) (float64, error) {
		n, err := strconv.ParseFloat(s, 64)
		// ParseFloat takes 0x1p-2, 1e-1 and NaN as well, which no comparison refuses.
		if err != nil || strings.Trim(s, "0123456789.") != "" || n < lowest || n > highest {
			return 0, fmt.Errorf("must be a number from %g to %g", lowest, highest)
		}
		return n, nil
	}
}

func boolean(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, errors.New("must be true or false")
	}
	return b, nil
}

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		return s, nil
	}
}

func logLevel(s string) (slog.Level, error) {
	switch s {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, errors.New("must be one of debug, info, warn, error")
}

func workspaceID(s string) (webhook.WorkspaceID, error) {
	id := webhook.WorkspaceID(s)
	if !id.Valid() {
		return "", errors.New("must be a workspace id: 1 to 64 of A-Za-z0-9_-")
	}
	return id, nil
}
