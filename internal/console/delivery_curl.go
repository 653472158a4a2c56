package console

import (
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// mostInline is how long a body may be to stand in the command itself: a kernel takes
// 128 KiB for one argument, and people less.
const mostInline = 8 << 10

// bodyFile is what a longer body is saved as, for the command to read.
const bodyFile = "body.json"

// curl is a command that makes an attempt's request once more: the same body and
// headers, so the same signature and time. It has no secret; what the endpoint's own
// headers say is one, and stands as ***.
type curl struct {
	Command string
	// FromFile says that the body has to be saved first.
	FromFile bool
	// Masked are the headers whose values have to be filled in.
	Masked []string
	// AsSent says whether the body is known to be the one that was signed.
	AsSent bool
}

func newCurl(url string, headers []headerLine, body string, asSent bool) *curl {
	c := &curl{FromFile: len(body) > mostInline, AsSent: asSent}
	// Nothing in the URL is curl's to expand or to shorten, and it adds no header.
	words := []string{"curl -sS -i --http1.1 --globoff --path-as-is", "--url " + quoted(url), "-H 'Accept:'"}
	for _, h := range headers {
		if h.Value == webhook.Masked {
			c.Masked = append(c.Masked, h.Name)
		}
		words = append(words, "-H "+quoted(headerArgument(h)))
	}
	if c.FromFile {
		words = append(words, "--data-binary @"+bodyFile)
	} else {
		words = append(words, "--data-raw "+quoted(body)) // an @ in front is no file's
	}
	c.Command = strings.Join(words, " \\\n  ")
	return c
}

// headerArgument is as curl takes it: with a colon an empty value means none at all.
func headerArgument(h headerLine) string {
	if h.Value == "" {
		return h.Name + ";"
	}
	return h.Name + ": " + h.Value
}

// quoted is one word for a POSIX shell, whatever is in it: between single quotes
// nothing means anything, and a single quote ends them.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
