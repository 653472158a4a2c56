package console

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/verify"
)

// pasted reads headers, which a body may follow after an empty line.
func pasted(text string, in *client.VerifyInput) error {
	text = strings.TrimLeft(text, "\n")
	if headers := strings.TrimRight(text, "\n"); !strings.Contains(headers, "\n\n") {
		text = headers + "\n\n"
	}
	req, err := verify.ParseRequest([]byte(text))
	if err != nil {
		return &problem{Detail: "Paste headers, a line each as Name: value, or a signature alone."}
	}
	in.Headers = joined(req.Header)
	if len(req.Body) > 0 {
		body := string(req.Body)
		in.Body = &body
	}
	return nil
}

// headersOfJSON reads what programs print of headers: texts, or lists of them.
func headersOfJSON(text string) map[string]string {
	var all map[string]any
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	h := http.Header{}
	for name, value := range all {
		switch value := value.(type) {
		case string:
			h.Add(name, value)
		case []any:
			for _, one := range value {
				if text, ok := one.(string); ok {
					h.Add(name, text)
				}
			}
		}
	}
	return joined(h)
}

// joined has one value for each name. Signatures are separated by spaces.
func joined(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, " ")
	}
	return out
}

// clockTime is RFC 3339 or a Unix time.
func clockTime(text string) (time.Time, error) {
	if n, err := strconv.ParseInt(text, 10, 40); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	return time.Parse(time.RFC3339, text)
}
