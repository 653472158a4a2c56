package client

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// comparison is of a schema with a type.
type comparison struct {
	t     *testing.T
	role  role
	enums map[string][]string
}

// object compares the fields, both ways.
func (c *comparison) object(s *schema, of reflect.Type) {
	fields := fieldsOf(of)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		f, ok := fields[name]
		if !ok {
			c.t.Errorf("%s has no field for %s", of, name)
			continue
		}
		c.property(name, s.Properties[name], slices.Contains(s.Required, name), f)
	}
	for name := range fields {
		if s.Properties[name] == nil {
			c.t.Errorf("the API knows no %s of %s", name, of)
		}
	}
}

// field is one of a type, by its JSON name.
type field struct {
	of   reflect.Type
	omit bool // it is left out when it is zero
}

func fieldsOf(of reflect.Type) map[string]field {
	out := map[string]field{}
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "-" || !f.IsExported() {
			continue
		}
		out[name] = field{f.Type, strings.Contains(options, "omit")}
	}
	return out
}

// property compares what a property may be with what its field can hold.
func (c *comparison) property(name string, s *schema, required bool, f field) {
	may, of := c.mayBeNull(s), f.of
	switch c.role {
	case answered:
		c.check(f.omit == !required, name, "is required: %t, but may be left out: %t", required, f.omit)
		if required {
			c.check(canHold(of, may) || isAny(s), name, "may be null: %t, but is a %s", may, of)
		}
	case requested:
		c.check(f.omit == !required, name, "is required: %t, but may be left out: %t", required, f.omit)
	case patched:
		c.check(f.omit, name, "can't be left out")
		inner, can := patchOf(of)
		if c.check(can == may, name, "may be null: %t, but is a %s", may, of); can {
			of = inner
		}
	}
	c.value(name, s, of)
}

func (c *comparison) check(ok bool, name, format string, args ...any) {
	c.t.Helper()
	if !ok {
		c.t.Errorf(name+" "+format, args...)
	}
}

// mayBeNull of a schema.
func (*comparison) mayBeNull(s *schema) bool {
	return slices.Contains(s.Type, "null") || slices.ContainsFunc(s.OneOf, func(o *schema) bool { return slices.Contains(o.Type, "null") })
}

func isAny(s *schema) bool { return s.Ref == "" && len(s.Type) == 0 && len(s.OneOf) == 0 }

// canHold: of an answer what may be null is a pointer, and nothing else is. A slice, a
// map and raw JSON hold null beside what else they hold.
func canHold(of reflect.Type, null bool) bool {
	switch of.Kind() {
	case reflect.Slice, reflect.Map:
		return true
	}
	return null == (of.Kind() == reflect.Pointer)
}

// patchOf is what a Patch is of.
func patchOf(of reflect.Type) (reflect.Type, bool) {
	if !strings.HasPrefix(of.Name(), "Patch[") {
		return of, false
	}
	f, _ := of.FieldByName("value")
	return f.Type.Elem(), true
}

var (
	typeTime = reflect.TypeFor[time.Time]()
	typeRaw  = reflect.TypeFor[json.RawMessage]()
	typeAny  = reflect.TypeFor[any]()
)

// value compares types and enums.
func (c *comparison) value(name string, s *schema, of reflect.Type) {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	ref := s.Ref
	if len(s.OneOf) > 0 {
		ref = s.OneOf[0].Ref
		if ref == "" {
			c.check(of == reflect.TypeFor[WorkspaceID](), name, "is a workspace's id, not a %s", of)
			return
		}
	}
	if ref != "" {
		want := wire[ref[strings.LastIndexByte(ref, '/')+1:]].of
		// A batch's events are encoded one by one.
		c.check(of == want || of == typeRaw && want == reflect.TypeFor[NewEvent](), name, "is %s, not %s", want, of)
		return
	}
	c.plain(name, s, of)
}

func (c *comparison) plain(name string, s *schema, of reflect.Type) {
	kind := ""
	for _, t := range s.Type {
		if t != "null" {
			kind = t
		}
	}
	var ok bool
	switch kind {
	case "":
		ok = of == typeAny || of == typeRaw
	case "string":
		ok = of.Kind() == reflect.String && s.Format != "date-time" || of == typeTime && s.Format == "date-time"
		c.enum(name, s, of)
	case "integer":
		ok = of.Kind() == reflect.Int || of.Kind() == reflect.Int64
	case "number":
		ok = of.Kind() == reflect.Float64
	case "boolean":
		ok = of.Kind() == reflect.Bool
	case "object":
		ok = of.Kind() == reflect.Map || of == typeRaw || of == typeAny && c.role != answered
	case "array":
		if ok = of.Kind() == reflect.Slice; ok {
			c.value(name, s.Items, of.Elem())
		}
	}
	c.check(ok, name, "is a %s %s, not a %s", s.Format, kind, of)
}

// enum compares the words that a string may be.
func (c *comparison) enum(name string, s *schema, of reflect.Type) {
	var want []string
	for _, word := range s.Enum {
		if word != nil {
			want = append(want, *word)
		}
	}
	got := slices.Clone(c.enums[of.Name()])
	slices.Sort(want)
	slices.Sort(got)
	c.check(slices.Equal(want, got), name, "is one of %q, but %s has %q", want, of, got)
}
