package client

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// constants are the values of each string type's constants, out of the source.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	each(t, func(spec ast.Spec) {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			return
		}
		name, ok := v.Type.(*ast.Ident)
		if !ok || len(v.Values) != 1 {
			return
		}
		if text, ok := v.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
			value, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[name.Name] = append(out[name.Name], value)
		}
	})
	return out
}

// each visits what this package declares, tests apart.
func each(t *testing.T, visit func(ast.Spec)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok {
				for _, spec := range gen.Specs {
					visit(spec)
				}
			}
		}
	}
}
