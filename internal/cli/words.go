package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

// classes are what each class of error means to who has to do something about it;
// docs/delivery-errors.md has more.
var classes = map[client.ErrorClass]string{
	client.ErrorTimeout:     "the receiver did not answer in time: answer first, do the work after",
	client.ErrorRefused:     "nobody listens there: is the receiver up, and the port right?",
	client.ErrorReset:       "the receiver cut the connection off",
	client.ErrorDNS:         "the host's name does not resolve",
	client.ErrorTLS:         "no TLS connection: certificate, name or version",
	client.ErrorBlocked:     "the address is not allowed: egress.allow",
	client.ErrorStatus:      "the receiver answered, but not with a 2xx",
	client.ErrorInvalidHTTP: "the answer was no HTTP",
	client.ErrorInternal:    "a mistake of Postrider's own, see the worker's log",
}

// failure is an error with what it means.
func failure(text *string, class *client.ErrorClass) string {
	if text == nil {
		return ""
	}
	if class == nil {
		return *text
	}
	if meaning := classes[*class]; meaning != "" {
		return *text + " (" + string(*class) + ": " + meaning + ")"
	}
	return *text + " (" + string(*class) + ")"
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
