package verify

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/signature"
)

// change is something that is to be another way for a signature to be right.
type change struct{ says, mistake string }

// variant is one thing as it may have been; the change says nothing where it is as it
// is.
type variant struct {
	value string
	change
}

// search looks for keys, contents and spellings with which a signature is right.
type search struct {
	keys   map[string][]variant // of a header's scheme
	bodies []variant
	header http.Header
	bodyID string
}

func newSearch(secrets []string, req Request) *search {
	s := &search{keys: map[string][]variant{}, bodies: bodyVariants(req.Body), header: req.Header}
	var event struct{ ID string }
	if json.Unmarshal(req.Body, &event) == nil {
		s.bodyID = event.ID
	}
	for _, secret := range secrets {
		s.keys[signature.HeaderSignature] = append(s.keys[signature.HeaderSignature], bodyKeys(secret)...)
		s.keys[signature.HeaderStandardSignature] = append(s.keys[signature.HeaderStandardSignature], standardKeys(secret)...)
	}
	return s
}

// find is the smallest set of changes with which one of the signatures is right.
func (s *search) find(name string, given []string) (changes []change, found bool) {
	claimed := claims(name, given)
	for _, try := range s.tries(name) {
		sum := mac(try.key, try.prefix+try.body)
		for _, c := range claimed {
			if form, ok := c.by(sum); ok {
				return actual(append(try.changes, form)...), true
			}
		}
	}
	return nil, false
}

// try is what a signature may have been made of.
type try struct {
	key, prefix, body string
	changes           []change
}

// Of a large body not every combination of changes is tried: that would take long.
const (
	largeBody     = 64 << 10
	mostChanges   = 3
	mostWhenLarge = 1
)

// tries are all combinations, those with the fewest changes first.
func (s *search) tries(name string) []try {
	most := mostChanges
	if len(s.bodies[0].value) > largeBody {
		most = mostWhenLarge
	}
	var out []try
	for _, content := range s.contents(name) {
		for _, body := range s.bodies {
			for _, key := range s.keys[name] {
				changes := actual(key.change, body.change, content.change)
				if len(changes) <= most {
					out = append(out, try{key.value, content.value, body.value, changes})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b try) int { return cmp.Compare(len(a.changes), len(b.changes)) })
	return out
}

// actual leaves out those that change nothing.
func actual(changes ...change) []change {
	return slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.says == "" })
}

// mac is the HMAC-SHA256, by the package that signs: X-Webhook-Signature takes any
// text for a key.
func mac(key, content string) []byte {
	raw, _ := hex.DecodeString(strings.TrimPrefix(signature.Sign(key, []byte(content)), "sha256=")) // it is hex
	return raw
}

// claim is a signature as it was given.
type claim struct{ name, text string }

// claims are all signatures of a header, which may be joined in wrong ways.
func claims(name string, given []string) []claim {
	joined := strings.Join(given, " ")
	if name == signature.HeaderSignature {
		return []claim{{name, strings.TrimSpace(joined)}}
	}
	var out []claim
	for _, text := range strings.Fields(strings.ReplaceAll(joined, ",v1,", " v1,")) {
		out = append(out, claim{name, strings.Trim(text, ", ")})
	}
	return out
}

// shortest is of how many characters a part of a signature is taken for one.
const shortest = 12

// by reports whether an HMAC is what the signature claims, and in which wrong form.
func (c claim) by(sum []byte) (form change, ok bool) {
	prefix, text := "sha256=", hex.EncodeToString(sum)
	other, otherPrefix := base64.StdEncoding.EncodeToString(sum), "v1,"
	if c.name == signature.HeaderStandardSignature {
		prefix, otherPrefix, text, other = otherPrefix, prefix, other, text
	}
	right := prefix + text
	switch {
	case c.text == right:
		return change{}, true
	case c.text == text:
		return change{prefix + " in front of the signature", MalformedHeader}, true
	case prefix == "sha256=" && strings.EqualFold(c.text, right):
		return change{"the signature in lower case", MalformedHeader}, true
	case c.text == other || c.text == otherPrefix+other:
		return change{"the signature in the form of this header, " + prefix + "…, and not in that of the other", WrongScheme}, true
	case len(c.text) >= shortest && strings.HasPrefix(right, c.text):
		return change{fmt.Sprintf("the whole signature: it is cut off after %d of %d characters", len(c.text), len(right)), Truncated}, true
	}
	return change{}, false
}

func unixTime(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 62)
	return time.Unix(n, 0), err == nil
}
