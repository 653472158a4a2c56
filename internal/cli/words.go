package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/remedy"
)

// failure is an error with what it means.
func failure(text *string, class *client.ErrorClass, status *int) string {
	if text == nil {
		return ""
	}
	if class == nil {
		return *text
	}
	if means := midway(advised(class, status).Means); means != "" {
		return *text + " (" + string(*class) + ": " + means + ")"
	}
	return *text + " (" + string(*class) + ")"
}

// advised is nothing for a success, and for a class that this release does not know.
func advised(class *client.ErrorClass, status *int) remedy.Remedy {
	switch {
	case class == nil:
		return remedy.Remedy{}
	case status == nil:
		return remedy.Of(*class, 0)
	}
	return remedy.Of(*class, *status)
}

// midway is a sentence for within another one.
func midway(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToLower(sentence[:1]) + strings.TrimSuffix(sentence[1:], ".")
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func text[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

const shownOfAnswer = 500

// answerBody is the beginning of what a receiver answered.
func answerBody(body *string) string {
	if body == nil {
		return ""
	}
	if len(*body) > shownOfAnswer {
		return strings.ToValidUTF8((*body)[:shownOfAnswer], "") + "…"
	}
	return *body
}

// shortly is a duration without the zeros at its end.
func shortly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func sortedLines(lines []string) string {
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
