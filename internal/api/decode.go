package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// maxErrors are reported at once; more help nobody.
const maxErrors = 50

// decode reads a body into *into, to the letter: unknown fields, wrong types
// and values out of range are errors with a pointer. The tags that the OpenAPI
// schema is made from are the rules here (required unless omitempty, minimum,
// maximum, minLength, maxLength, minItems, maxItems, enum). null means absent,
// except for what is required. A nil body is an empty object.
func decode(body []byte, into any) *webhook.Error {
	if body == nil {
		body = []byte("{}")
	}
	d := &decoder{}
	s := scanner{text: body}
	d.object("", s.value(), reflect.ValueOf(into).Elem())
	return d.err()
}

type decoder struct{ fields []webhook.FieldError }

func (d *decoder) err() *webhook.Error {
	if len(d.fields) == 0 {
		return nil
	}
	return webhook.Invalid(d.fields...)
}

func (d *decoder) fail(pointer, format string, args ...any) {
	if len(d.fields) < maxErrors {
		d.fields = append(d.fields, webhook.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

// object decodes into a struct.
func (d *decoder) object(pointer string, raw []byte, into reflect.Value) {
	if !isObject(raw) {
		d.fail(pointer, "must be an object")
		return
	}
	fields := fieldsOf(into.Type())
	given := make(map[string]bool)
	for s := (scanner{text: raw}); s.more(); {
		key, value := unquote(s.key()), s.value()
		at := child(pointer, key)
		field, ok := fields[key]
		switch {
		case !ok:
			d.fail(at, "is no field of this request")
			continue
		case given[key]:
			d.fail(at, "is given more than once")
		case isNull(value) && !field.required:
		case isNull(value):
			d.fail(at, "must not be null")
		default:
			d.value(at, value, into.FieldByIndex(field.Index), field.Tag)
		}
		given[key] = true
	}
	for i := range into.NumField() {
		name, required := jsonName(into.Type().Field(i))
		if required && !given[name] {
			d.fail(child(pointer, name), "is required")
		}
	}
}

type structField struct {
	reflect.StructField
	required bool
}

func fieldsOf(t reflect.Type) map[string]structField {
	out := make(map[string]structField, t.NumField())
	for i := range t.NumField() {
		name, required := jsonName(t.Field(i))
		out[name] = structField{t.Field(i), required}
	}
	return out
}

// jsonName is a field's name in JSON; it is required unless it may be omitted (omitempty, omitzero).
func jsonName(f reflect.StructField) (name string, required bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, !strings.Contains(options, "omit")
}

var (
	rawType       = reflect.TypeFor[json.RawMessage]()
	workspaceType = reflect.TypeFor[webhook.WorkspaceID]()
)

// value decodes one field by its Go type.
func (d *decoder) value(at string, raw []byte, into reflect.Value, tag reflect.StructTag) {
	switch {
	case into.Type() == rawType:
		if !isObject(raw) {
			d.fail(at, "must be an object")
			return
		}
		into.SetBytes(raw)
	case into.Type() == workspaceType:
		d.workspaceID(at, raw, into)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(at, raw, into.Elem(), tag)
	case into.Kind() == reflect.Slice:
		d.array(at, raw, into, tag)
	case into.Kind() == reflect.Map:
		d.texts(at, raw, into)
	case into.Kind() == reflect.String:
		d.text(at, raw, into, tag)
	case into.Kind() == reflect.Int:
		d.integer(at, raw, into, tag)
	case into.Kind() == reflect.Bool:
		if string(raw) != "true" && string(raw) != "false" {
			d.fail(at, "must be true or false")
			return
		}
		into.SetBool(string(raw) == "true")
	default:
		panic("no decoding for " + into.Type().String())
	}
}

func (d *decoder) workspaceID(at string, raw []byte, into reflect.Value) {
	var id webhook.WorkspaceID
	if err := json.Unmarshal(raw, &id); err != nil || !id.Valid() {
		d.fail(at, "must be 1 to 64 of A-Za-z0-9_-, or a whole number of at most 15 digits")
		return
	}
	into.SetString(string(id))
}

func (d *decoder) array(at string, raw []byte, into reflect.Value, tag reflect.StructTag) {
	if raw[0] != '[' {
		d.fail(at, "must be an array")
		return
	}
	most, bounded := tagInt(tag, "maxItems")
	if !bounded {
		most = len(raw)
	}
	all := elements(raw, most)
	if n, ok := tagInt(tag, "minItems"); ok && len(all) < n {
		d.fail(at, "must have at least %d", n)
		return
	}
	if len(all) > most {
		d.fail(at, "must not have more than %d", most)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(all), len(all)))
	for i, v := range all {
		d.value(item(at, i), v, into.Index(i), tag)
	}
}

// texts decodes an object of strings.
func (d *decoder) texts(at string, raw []byte, into reflect.Value) {
	if !isObject(raw) {
		d.fail(at, "must be an object of strings")
		return
	}
	out := make(map[string]string)
	for _, m := range members(raw) {
		if m.value[0] != '"' {
			d.fail(child(at, m.key), "must be a string")
			continue
		}
		if _, twice := out[m.key]; twice {
			d.fail(child(at, m.key), "is given more than once")
		}
		out[m.key] = unquote(m.value)
	}
	into.Set(reflect.ValueOf(out))
}

func (d *decoder) text(at string, raw []byte, into reflect.Value, tag reflect.StructTag) {
	if raw[0] != '"' {
		d.fail(at, "must be a string")
		return
	}
	text := unquote(raw)
	length := len([]rune(text))
	if n, ok := tagInt(tag, "minLength"); ok && length < n {
		if n == 1 {
			d.fail(at, "must not be empty")
		} else {
			d.fail(at, "must have at least %d characters", n)
		}
		return
	}
	if n, ok := tagInt(tag, "maxLength"); ok && length > n {
		d.fail(at, "must not have more than %d characters", n)
		return
	}
	if enum := tag.Get("enum"); enum != "" && !slices.Contains(strings.Split(enum, ","), text) {
		d.fail(at, "must be one of %s", strings.ReplaceAll(enum, ",", ", "))
		return
	}
	if strings.IndexByte(text, 0) >= 0 {
		d.fail(at, "must not hold a NUL character")
		return
	}
	into.SetString(text)
}

func (d *decoder) integer(at string, raw []byte, into reflect.Value, tag reflect.StructTag) {
	// 10.0 is 10, as for every JSON reader.
	n, err := strconv.ParseFloat(string(raw), 64)
	low, hasLow := tagInt(tag, "minimum")
	high, hasHigh := tagInt(tag, "maximum")
	switch {
	case err != nil || !isWhole(string(raw)):
		d.fail(at, "must be a whole number")
	case hasLow && n < float64(low), hasHigh && n > float64(high):
		d.fail(at, "must be from %d to %d", low, high)
	default:
		into.SetInt(int64(n))
	}
}

// isWhole looks at the digits of a number: the float next to
// 1.00000000000000000001 is 1.
func isWhole(number string) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	if strings.Trim(digits, "-0") == "" {
		return true
	}
	zeros := len(whole) + len(fraction) - len(digits)
	shift, err := strconv.Atoi(cmp.Or(exponent, "0"))
	return err == nil && shift-len(fraction)+zeros >= 0
}

func tagInt(tag reflect.StructTag, name string) (int, bool) {
	n, err := strconv.Atoi(tag.Get(name))
	return n, err == nil
}
