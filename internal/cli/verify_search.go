package cli

import (
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

// Words for mistakes beside those of package signature's errors.
const (
	wrongSecret   = "wrong_secret"
	bodyChanged   = "body_changed"
	headerChanged = "header_changed"
	wrongScheme   = "wrong_scheme"
	truncated     = "truncated"
	malformed     = "malformed_header"
)

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

func newSearch(secrets []string, req captured) *search {
	s := &search{keys: map[string][]variant{}, bodies: bodyVariants(req.body), header: req.header}
	var event struct{ ID string }
	if json.Unmarshal(req.body, &event) == nil {
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
	for _, claim := range claims(name, given) {
		for _, content := range s.contents(name) {
			for _, body := range s.bodies {
				for _, key := range s.keys[name] {
					all := actual(key.change, body.change, content.change)
					if found && len(all) >= len(changes) {
						continue
					}
					if form, ok := claim.by(mac(key.value, content.value+body.value)); ok {
						if all = actual(append(all, form)...); !found || len(all) < len(changes) {
							changes, found = all, true
						}
					}
				}
			}
		}
	}
	return changes, found
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

// bodyKeys are keys of X-Webhook-Signature, whose own is the whole secret.
func bodyKeys(secret string) []variant {
	out := []variant{{value: secret}}
	bare, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		out = append(out, asKey("whsec_"+secret, "the secret with whsec_ in front"))
	} else {
		out = append(out, asKey(bare, "the secret without whsec_ as the key (the whole secret is this header's key)"))
	}
	if key, err := base64.StdEncoding.DecodeString(bare); err == nil {
		out = append(out, asKey(string(key), "what the secret's base64 says as the key (the whole secret is this header's key)"))
	}
	return append(out, spelled(secret)...)
}

func asKey(key, says string) variant { return variant{key, change{says, wrongSecret}} }

// standardKeys are keys of webhook-signature, whose own is what the base64 after
// whsec_ says.
func standardKeys(secret string) []variant {
	bare, ok := strings.CutPrefix(secret, "whsec_")
	out := []variant{asKey(secret, "the whole secret as the key (what its base64 says is this header's key)")}
	if key, err := base64.StdEncoding.DecodeString(bare); err == nil && ok {
		out = append([]variant{{value: string(key)}}, out...)
	} else if err == nil {
		out = append(out, asKey(string(key), "the secret with whsec_ in front"))
	}
	if ok {
		out = append(out, asKey(bare, "the text after whsec_ as the key, not decoded (what its base64 says is this header's key)"))
	}
	for _, v := range spelled(secret) {
		if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v.value, "whsec_")); err == nil {
			out = append(out, asKey(string(key), v.says))
		}
	}
	return out
}

// spelled are secrets that were copied with something around them.
func spelled(secret string) []variant {
	var out []variant
	if bare := strings.Trim(secret, `"'`); bare != secret {
		out = append(out, asKey(bare, "the secret without the quotes around it"))
	}
	return append(out, asKey(secret+"\n", "the secret with a line break after it (whoever signed did not trim it)"))
}

// contents are what is signed in front of the body.
func (s *search) contents(name string) []variant {
	id, at := s.header.Get(signature.HeaderStandardID), s.header.Get(signature.HeaderStandardTimestamp)
	header := func(id, at, says string) variant { return variant{id + "." + at + ".", change{says, headerChanged}} }
	scheme := func(value, says string) variant { return variant{value, change{says, wrongScheme}} }
	if name == signature.HeaderSignature {
		return []variant{
			{}, scheme(or(at, s.header.Get(signature.HeaderTimestamp))+".", "timestamp.body signed (this header signs the body alone)"),
			scheme(id+"."+at+".", "id.timestamp.body signed (this header signs the body alone)"),
		}
	}
	out := []variant{{value: id + "." + at + "."}}
	otherAt := s.header.Get(signature.HeaderTimestamp)
	for _, other := range []variant{
		{s.header.Get(signature.HeaderID), change{says: signature.HeaderStandardID + " as " + signature.HeaderID + " has it"}},
		{s.bodyID, change{says: signature.HeaderStandardID + " as the body has it"}},
	} {
		if other.value != "" && other.value != id {
			out = append(out, header(other.value, at, other.says))
			out = append(out, header(other.value, otherAt, other.says+", and "+signature.HeaderStandardTimestamp+" as "+signature.HeaderTimestamp+" has it"))
		}
	}
	return append(out, header(id, otherAt, signature.HeaderStandardTimestamp+" as "+signature.HeaderTimestamp+" has it"),
		scheme("", "the body alone signed (this header signs id.timestamp.body)"),
		scheme(at+".", "timestamp.body signed (this header signs id.timestamp.body)"))
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
		return change{prefix + " in front of the signature", malformed}, true
	case prefix == "sha256=" && strings.EqualFold(c.text, right):
		return change{"the signature in lower case", malformed}, true
	case c.text == other || c.text == otherPrefix+other:
		return change{"the signature in the form of this header, " + prefix + "…, and not in that of the other", wrongScheme}, true
	case len(c.text) >= shortest && strings.HasPrefix(right, c.text):
		return change{fmt.Sprintf("the whole signature: it is cut off after %d of %d characters", len(c.text), len(right)), truncated}, true
	}
	return change{}, false
}

func unixTime(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 62)
	return time.Unix(n, 0), err == nil
}
