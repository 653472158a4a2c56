package conform

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Answer is what an API answered to a request.
type Answer struct {
	Method string
	// Path is the request's, escaped and without the query.
	Path   string
	Status int
	Header http.Header
	Body   []byte
}

const problemSchema = "/components/schemas/Problem"

// Check says what is wrong with an answer.
func (d *Description) Check(a *Answer) error {
	err := d.check(a)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: answer %d is not as described: %w: %.2000s", a.Method, a.Path, a.Status, err, a.Body)
}

func (d *Description) check(a *Answer) error {
	route, method := d.route(a.Path), methodKey(a.Method)
	operation := object(d.paths[route][method])
	if operation == nil {
		return d.checkNowhere(a, route)
	}
	pointer := "/paths/" + escape(route) + "/" + method + "/responses/" + strconv.Itoa(a.Status)
	described, ok := object(operation["responses"])[strconv.Itoa(a.Status)]
	if !ok {
		return errors.New("the status is not described")
	}
	pointer, response := d.resolve(pointer, described)
	return errors.Join(d.checkHeader(a, pointer, response), d.checkContent(a, pointer, response))
}

// methodKey is a method's key in a path item. Methods' case matters: no operation
// has "post".
func methodKey(method string) string {
	switch {
	case method == http.MethodHead:
		return "get"
	case method != strings.ToUpper(method):
		return ""
	}
	return strings.ToLower(method)
}

// checkNowhere is for what no operation answers.
func (d *Description) checkNowhere(a *Answer, route string) error {
	want := http.StatusNotFound
	if route != "" {
		want = http.StatusMethodNotAllowed
	}
	// A path that is not clean may look like one that has a route.
	if a.Status != want && a.Status != http.StatusNotFound {
		return fmt.Errorf("no operation has this path and method, so the status must be %d", want)
	}
	if a.Method == http.MethodHead {
		return nil
	}
	return d.checkJSON(problemSchema, a.Body)
}

// always are headers that no answer needs to describe.
var always = map[string]bool{
	"Content-Type": true, "Content-Length": true, "Date": true, "Cache-Control": true, "Connection": true,
	"X-Content-Type-Options": true, "Content-Security-Policy": true, "Transfer-Encoding": true,
}

func (d *Description) checkHeader(a *Answer, pointer string, response map[string]any) error {
	described := map[string]bool{}
	var errs []error
	for name, v := range object(response["headers"]) {
		at, header := d.resolve(pointer+"/headers/"+escape(name), v)
		values := a.Header.Values(name)
		described[http.CanonicalHeaderKey(name)] = true
		switch {
		case len(values) == 0 && header["required"] == true:
			errs = append(errs, fmt.Errorf("the header %s is missing", name))
		case len(values) > 1:
			errs = append(errs, fmt.Errorf("the header %s comes %d times", name, len(values)))
		case len(values) == 1:
			errs = append(errs, d.checkText(at+"/schema", values[0], "the header "+name))
		}
	}
	for name := range a.Header {
		if !always[name] && !described[name] {
			errs = append(errs, fmt.Errorf("the header %s is not described", name))
		}
	}
	return errors.Join(errs...)
}

// checkText holds text against a schema, as a number where it reads as one and
// the schema does not take it for text.
func (d *Description) checkText(pointer, text, what string) error {
	s, err := d.schema(pointer)
	if err != nil {
		return err
	}
	if err = s.Validate(text); err == nil {
		return nil
	}
	if n, notWhole := strconv.ParseInt(text, 10, 64); notWhole == nil {
		err = s.Validate(n)
	}
	if err != nil {
		return fmt.Errorf("%s is %q: %w", what, text, err)
	}
	return nil
}

func (d *Description) checkContent(a *Answer, pointer string, response map[string]any) error {
	contents := object(response["content"])
	if a.Method == http.MethodHead || len(contents) == 0 {
		if len(a.Body) > 0 {
			return errors.New("no body is described")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("the content type can't be read: %w", err)
	}
	if _, ok := contents[kind]; !ok {
		return fmt.Errorf("the content type %s is not described", kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	return d.checkJSON(pointer+"/content/"+escape(kind)+"/schema", a.Body)
}

func (d *Description) checkJSON(pointer string, body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return d.CheckValue(pointer, v)
}

// CheckValue holds a decoded value against the schema at a JSON pointer.
func (d *Description) CheckValue(pointer string, v any) error {
	s, err := d.schema(pointer)
	if err != nil {
		return err
	}
	return s.Validate(v)
}
