package verify

import (
	"cmp"
	"encoding/base64"
	"strings"

	"github.com/postrider/postrider/signature"
)

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

func asKey(key, says string) variant { return variant{key, change{says, WrongSecret}} }

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
	header := func(id, at, says string) variant { return variant{id + "." + at + ".", change{says, HeaderChanged}} }
	scheme := func(value, says string) variant { return variant{value, change{says, WrongScheme}} }
	if name == signature.HeaderSignature {
		return []variant{
			{}, scheme(cmp.Or(at, s.header.Get(signature.HeaderTimestamp))+".", "timestamp.body signed (this header signs the body alone)"),
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
