package interop

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/postrider/postrider/hooktest"
)

// casesOf are the requests with the secrets that a receiver may have, and with
// what must not pass.
func casesOf(r requests) []recorded {
	var cases []recorded
	for format, e := range r.single {
		cases = append(cases, newCase(format, before, e, true), newCase(format+" by a stranger's secret", strangers, e, false),
			newCase(format+" by a secret of later", after, e, false))
		cases = append(cases, tampered(format, before, e)...)
	}
	for format, e := range r.rotating {
		format += " while secrets rotate"
		cases = append(cases, newCase(format+", by the old one", before, e, true), newCase(format+", by the new one", after, e, true),
			newCase(format+", by a stranger's", strangers, e, false))
		cases = append(cases, tampered(format, after, e)...)
	}
	return cases
}

func newCase(name, secret string, e hooktest.ReceivedEvent, valid bool) recorded {
	return recorded{name, secret, flat(e.Header), e.Body, valid}
}

// flat is how frameworks hand headers on: in lower case, one value each.
func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for name := range h {
		out[strings.ToLower(name)] = h.Get(name)
	}
	return out
}

// tampered is a request that somebody changed on its way.
func tampered(name, secret string, e hooktest.ReceivedEvent) []recorded {
	body := newCase(name+", with another body", secret, e, false)
	body.Body = bytes.Replace(e.Body, []byte("1.0"), []byte("1.1"), 1)
	respaced := newCase(name+", with a space more", secret, e, false)
	respaced.Body = append(bytes.Clone(e.Body), ' ')
	id := newCase(name+", with another id", secret, e, false)
	id.Header["webhook-id"] = "evt_another"
	return []recorded{body, respaced, id}
}
