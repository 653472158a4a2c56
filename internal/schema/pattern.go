package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds on a schema's regular expressions: RE2 takes time in the product of
// program and text, and a repetition of a few letters is a program of thousands.
const (
	maxPatternBytes = 1000
	maxInstructions = 10_000
)

// patterns compiles a schema's regular expressions, each once.
type patterns struct {
	fuel         *fuel
	known        map[string]*pattern
	instructions int
}

// pattern burns fuel for what it matches.
type pattern struct {
	*regexp.Regexp
	fuel         *fuel
	instructions int
}

func (p *pattern) MatchString(s string) bool {
	p.fuel.burn(1 + len(s)*p.instructions/16)
	return p.Regexp.MatchString(s)
}

func (ps *patterns) compile(text string) (jsonschema.Regexp, error) {
	if p, ok := ps.known[text]; ok {
		return p, nil
	}
	if len(text) > maxPatternBytes {
		return nil, fmt.Errorf("a pattern has at most %d bytes", maxPatternBytes)
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	if ps.instructions += len(prog.Inst); ps.instructions > maxInstructions {
		return nil, errors.New("the schema's patterns are too large, repetitions written out")
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	p := &pattern{compiled, ps.fuel, len(prog.Inst)}
	ps.known[text] = p
	return p, nil
}
