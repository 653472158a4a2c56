package postgres

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Kinds of values. They stand in rows: none may ever mean anything else.
const (
	valueText       = iota // its length and itself
	valueKnown             // its number in headerValues
	valueAgain             // the place of the header that had it
	valueHex               // "sha256=" and 32 bytes in hex
	valueBase64            // "v1," and 32 bytes in base64
	valueNumber            // a decimal number
	valueDate              // an HTTP date, as the seconds since 1970
	valueEventID           // an id with its prefix
	valueDeliveryID        // likewise
)

const (
	hexPrefix    = "sha256="
	base64Prefix = "v1,"
	macBytes     = 32
	hexLen       = 2 * macBytes
	base64Len    = (macBytes + 2) / 3 * 4
)

// appendValue adds it in the shortest kind that gives it back to the letter.
func appendValue(b []byte, before []webhook.Header, value string) []byte {
	if code, ok := valueCodes[value]; ok {
		return append(b, valueKnown, code)
	}
	for i := range min(len(before), 1<<8) {
		if before[i].Value == value {
			return append(b, valueAgain, byte(i))
		}
	}
	if packed, ok := appendBinary(b, value); ok {
		return packed
	}
	return appendText(append(b, valueText), oneLine(value))
}

// appendBinary is for what has a shape of its own.
func appendBinary(b []byte, value string) ([]byte, bool) {
	switch {
	case len(value) == len(hexPrefix)+hexLen && strings.HasPrefix(value, hexPrefix):
		return appendHex(b, value[len(hexPrefix):])
	case len(value) == len(base64Prefix)+base64Len && strings.HasPrefix(value, base64Prefix):
		return appendBase64(b, value[len(base64Prefix):])
	case len(value) == len(http.TimeFormat):
		return appendDate(b, value)
	case len(value) < len("18446744073709551615"):
		return appendNumber(b, value)
	}
	if id, ok := webhook.ParseID(webhook.EventPrefix, value); ok {
		return append(append(b, valueEventID), id[:]...), true
	}
	if id, ok := webhook.ParseID(webhook.DeliveryPrefix, value); ok {
		return append(append(b, valueDeliveryID), id[:]...), true
	}
	return b, false
}

func appendHex(b []byte, digits string) ([]byte, bool) {
	var text, again [hexLen]byte
	var mac [macBytes]byte
	copy(text[:], digits)
	if _, err := hex.Decode(mac[:], text[:]); err != nil {
		return b, false
	}
	if hex.Encode(again[:], mac[:]); again != text { // capital letters
		return b, false
	}
	return append(append(b, valueHex), mac[:]...), true
}

// strictBase64 takes one text for each value.
var strictBase64 = base64.StdEncoding.Strict()

func appendBase64(b []byte, digits string) ([]byte, bool) {
	var text [base64Len]byte
	var mac [macBytes + 1]byte // the decoder wants room for what the padding stands for
	copy(text[:], digits)
	if n, err := strictBase64.Decode(mac[:], text[:]); err != nil || n != macBytes {
		return b, false
	}
	return append(append(b, valueBase64), mac[:macBytes]...), true
}

func hexOf(mac []byte) string    { return hexPrefix + hex.EncodeToString(mac) }
func base64Of(mac []byte) string { return base64Prefix + base64.StdEncoding.EncodeToString(mac) }

func appendDate(b []byte, value string) ([]byte, bool) {
	t, err := time.Parse(http.TimeFormat, value)
	if err != nil || t.Unix() < 0 || dateOf(uint64(t.Unix())) != value {
		return b, false
	}
	return binary.AppendUvarint(append(b, valueDate), uint64(t.Unix())), true
}

// lastDate is in the year 9999: none later has four digits.
const lastDate = 253402300799

func dateOf(seconds uint64) string {
	return time.Unix(int64(min(seconds, lastDate)), 0).UTC().Format(http.TimeFormat)
}

func appendNumber(b []byte, value string) ([]byte, bool) {
	// Most short values are none, and an error takes memory.
	if first := value[0]; first < '0' || first > '9' || first == '0' && len(value) > 1 {
		return b, false
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return b, false
	}
	return binary.AppendUvarint(append(b, valueNumber), n), true
}

func (p *packed) value(before []webhook.Header) string {
	switch p.byte() {
	case valueText:
		return p.text()
	case valueKnown:
		return p.of(headerValues[:], p.byte())
	case valueAgain:
		if n := int(p.byte()); n < len(before) {
			return before[n].Value
		}
	case valueHex:
		return hexOf(p.bytes(macBytes))
	case valueBase64:
		return base64Of(p.bytes(macBytes))
	case valueNumber:
		return strconv.FormatUint(p.number(), 10)
	case valueDate:
		return dateOf(p.number())
	case valueEventID:
		return p.id(webhook.EventPrefix)
	case valueDeliveryID:
		return p.id(webhook.DeliveryPrefix)
	}
	p.broken = true
	return ""
}

func (p *packed) id(prefix string) string {
	var id webhook.ID
	copy(id[:], p.bytes(uint64(len(id))))
	return id.Format(prefix)
}
