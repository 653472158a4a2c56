package egress

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	strictStatus = regexp.MustCompile(`^HTTP/1\.1 ([1-9]\d\d) [\t -~\x80-\xff]*$`)
	strictHeader = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \\t]*([!-~](?:[\\t -~]*[!-~])?)?[ \\t]*$")
)

// strictAnswer reads what is an answer to the letter and has a body that ends; ok
// is false for all else.
func strictAnswer(raw []byte) (status int, body []byte, end int, ok bool) {
	text := string(raw)
	for {
		head, rest, found := strings.Cut(text, "\r\n\r\n")
		if !found || len(head) > 2000 {
			return 0, nil, 0, false
		}
		lines := strings.Split(head, "\r\n")
		m := strictStatus.FindStringSubmatch(lines[0])
		if m == nil {
			return 0, nil, 0, false
		}
		status, _ = strconv.Atoi(m[1])
		lengths, encodings, ok := strictFraming(lines[1:])
		if !ok {
			return 0, nil, 0, false
		}
		text = rest
		switch {
		case status == 101:
			return 0, nil, 0, false
		case status < 200:
			if len(lengths)+len(encodings) > 0 {
				return 0, nil, 0, false // they must hold none
			}
			continue
		case status == 204 || status == 304:
		case len(encodings) == 1 && encodings[0] == "chunked" && len(lengths) == 0:
			if body, text, ok = strictChunks(text); !ok {
				return 0, nil, 0, false
			}
		case len(lengths) == 1 && len(encodings) == 0 && strings.Trim(lengths[0], "0123456789") == "" && len(lengths[0]) > 0 && len(lengths[0]) < 7:
			n, _ := strconv.Atoi(lengths[0])
			if n > len(text) {
				return 0, nil, 0, false
			}
			body, text = []byte(text[:n]), text[n:]
		default:
			return 0, nil, 0, false
		}
		return status, body, len(raw) - len(text), true
	}
}

func strictFraming(lines []string) (lengths, encodings []string, ok bool) {
	for _, line := range lines {
		m := strictHeader.FindStringSubmatch(line)
		if m == nil {
			return nil, nil, false
		}
		switch strings.ToLower(m[1]) {
		case "content-length":
			lengths = append(lengths, m[2])
		case "transfer-encoding":
			encodings = append(encodings, strings.ToLower(m[2]))
		case "trailer":
			return nil, nil, false
		}
	}
	return lengths, encodings, true
}

func strictChunks(text string) (body []byte, rest string, ok bool) {
	for {
		size, after, found := strings.Cut(text, "\r\n")
		n, err := strconv.ParseUint(size, 16, 20)
		if !found || err != nil || len(size) > 5 || len(after) < int(n)+2 || after[n:n+2] != "\r\n" {
			return nil, "", false
		}
		body, text = append(body, after[:n]...), after[n+2:]
		if n == 0 {
			return slices.Clip(body), text, true
		}
	}
}
