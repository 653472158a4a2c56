package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

// readBody reads a body as large as it may be. It is nil where it is empty.
func readBody(w http.ResponseWriter, r *http.Request, room *share) ([]byte, error) {
	if room.spec == nil {
		return nil, nil
	}
	body, err := readLimited(w, r, room)
	if len(body) == 0 {
		return nil, err
	}
	return body, err
}

// checkBody makes sure that a body is one JSON value in UTF-8, without halves of
// characters. It may be missing where the route doesn't require one.
func (r *request) checkBody() error {
	spec := r.route.body
	switch {
	case spec == nil || r.body == nil && !spec.required:
		return nil
	case r.body == nil:
		return webhook.Errorf(webhook.CodeMalformed, "the body is empty; it must be a JSON object")
	}
	if err := checkContentType(r.http.Header.Get("Content-Type")); err != nil {
		return err
	}
	if err := checkJSON(r.body); err != nil {
		return err
	}
	return checkSurrogates(r.body)
}

// readLimited reads no more than the limit into memory, and no large body without
// room for it, whatever the length that was announced.
func readLimited(w http.ResponseWriter, r *http.Request, room *share) ([]byte, error) {
	limit := room.spec.limit
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil, nil
	}
	// A length that was announced is what comes: one allocation while it is small.
	buf := make([]byte, 0, min(max(r.ContentLength, 512)+1, smallBody))
	for {
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, tooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			r.Body = http.NoBody // nothing to drain
			return buf, nil
		}
		if err != nil {
			return nil, webhook.Errorf(webhook.CodeBadRequest, "the body could not be read to its end")
		}
		if len(buf) < cap(buf) {
			continue
		}
		if len(buf) >= smallBody && room.bytes == 0 {
			if err := room.grow(w, r); err != nil {
				return nil, err
			}
		}
		larger := make([]byte, len(buf), nextSize(len(buf), r.ContentLength))
		copy(larger, buf)
		buf = larger
	}
}

func tooLarge(limit int64) error {
	return webhook.Errorf(webhook.CodeTooLarge, "the body is larger than %d bytes", limit)
}

// nextSize is how large a full buffer becomes: as large as a small body may be, or
// as what was announced, or else twice as large.
func nextSize(full int, announced int64) int {
	switch {
	case full < smallBody:
		return min(2*full, smallBody)
	case announced > 0:
		return int(announced) + 1
	}
	return 2 * full
}

const (
	typeJSON       = "application/json"
	typeMergePatch = "application/merge-patch+json"
)

// checkContentType accepts none at all, and what bare HTTP clients say of any
// body: it can only be JSON. A patch of another kind would be misread.
func checkContentType(value string) error {
	if value == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(value)
	if err == nil && isJSONType(media) {
		switch strings.ToLower(params["charset"]) {
		case "", "utf-8", "utf8":
			return nil
		}
	}
	return webhook.Errorf(webhook.CodeUnsupported, "the content type must be %s in UTF-8", typeJSON)
}

func isJSONType(media string) bool {
	switch media {
	case typeJSON, typeMergePatch, "text/plain", "application/x-www-form-urlencoded":
		return true
	case "application/json-patch+json":
		return false
	}
	return strings.HasSuffix(media, "+json")
}

// checkJSON refuses what is not exactly one JSON value in UTF-8.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return webhook.Errorf(webhook.CodeMalformed, "the body is not valid UTF-8")
	}
	if json.Valid(body) {
		return nil
	}
	detail := "the body is not valid JSON"
	var v json.RawMessage
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(body, &v), &syntax) {
		detail = fmt.Sprintf("the body is not valid JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	}
	return webhook.Errorf(webhook.CodeMalformed, "%s", detail)
}
