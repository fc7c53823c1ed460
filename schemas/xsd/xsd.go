// Package xsd holds XML Schemas of the files that banks are given, and judges files by them before they leave. They are
// profiles: what this project writes, no more, with the rules of SEPA that the schemas of ISO 20022 do not have. What is
// valid by a profile is valid by ISO's schema, as long as no element claims a type of its own (xsi:type).
package xsd

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"regexp"

	validator "github.com/jacoelho/xsd"
)

// FS holds a profile for each version, and what they include.
//
//go:embed *.xsd
var FS embed.FS

// The versions that a gate judges.
const (
	PAIN00103 = "pain.001.001.03"
	PAIN00109 = "pain.001.001.09"
)

const (
	suffix = ".xsd"
	common = "sepa" // included by both

	// MaxBytes is the longest file: a gibibyte, twice what 500,000 orders of the longest texts take.
	MaxBytes = 1 << 30
	// MaxDepth is how deep elements stand in one another, twice what a file has.
	MaxDepth = 16
	// MaxAttributes is how many attributes an element has: one is the currency, others are namespaces.
	MaxAttributes = 8
	// MaxToken is the longest tag, text or comment, in bytes. The longest text has 140 characters.
	MaxToken = 4 << 10
)

// ErrVersion says that there is no profile of that version.
var ErrVersion = errors.New("no such version: pain.001.001.03 and pain.001.001.09 are judged")

// Gate judges files of one version. Several goroutines may use it at once.
type Gate struct {
	version string
	engine  *validator.Engine
	rules   map[string]string // by the names of the profile's elements and attributes; "" where they have no value
}

// Refusal says where a file departs from the profile, and from which rule. It gives places and rules, never values: those
// name people.
type Refusal struct { //nolint:errname // it refuses a file; nothing went wrong
	Version string
	Line    int    // of the end of a wrong value, or the beginning of a wrong element, from 1 on; 0 where only Path can be told
	Column  int    // from 1 on; 0 with Line
	Path    string // "/Document/CstmrCdtTrfInitn/PmtInf/Dbtr/Nm"; an element that the profile does not have is "?"
	Reason  string // goes on after the path: "is too long"
}

// Error gives the place and the rule.
func (r *Refusal) Error() string {
	place := "a line that cannot be told"
	if r.Line > 0 {
		place = fmt.Sprintf("line %d column %d", r.Line, r.Column)
	}

	return fmt.Sprintf("the file is refused by the schema %s: %s: %s %s", r.Version, place, r.Path, r.Reason)
}

// NewGate prepares the profile of a version, which takes milliseconds: keep it. The error is ErrVersion, or else says that
// the embedded schema is broken, which the tests exclude.
func NewGate(version string) (*Gate, error) {
	if version != PAIN00103 && version != PAIN00109 {
		return nil, fmt.Errorf("prepare the schema of %q: %w", version, ErrVersion)
	}

	rules, err := readRules(version+suffix, common+suffix)
	if err != nil {
		return nil, err
	}

	engine, err := validator.Compile(context.Background(), source(version+suffix).WithResolver(validator.ResolverFunc(
		func(_ context.Context, _, location string) (validator.SchemaSource, error) {
			return source(location), nil
		})))
	if err != nil {
		return nil, fmt.Errorf("compile the schema %s: %w", version, err)
	}

	return &Gate{version: version, engine: engine, rules: rules}, nil
}

func source(name string) validator.SchemaSource {
	return validator.Open(name, func(context.Context) (io.ReadCloser, error) { return FS.Open(name) })
}

// readRules gives what the documentation of its type says of each element and attribute, "" where there is none, as of one
// that has elements. All elements of one name that hold a value have the same type.
func readRules(files ...string) (map[string]string, error) {
	var texts []byte

	for _, name := range files {
		text, err := FS.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the schema %s: %w", name, err)
		}

		texts = append(texts, text...)
	}

	types, rules := map[string]string{}, map[string]string{}

	for _, found := range documented.FindAllSubmatch(texts, -1) {
		types[string(found[1])] = string(found[2])
	}

	for _, found := range declared.FindAllSubmatch(texts, -1) {
		name := string(found[1])
		rules[name] = cmp.Or(types[string(found[2])], rules[name])
	}

	return rules, nil
}

var (
	documented = regexp.MustCompile(`<xs:(?:simple|complex)Type name="(\w+)">\s*<xs:annotation>\s*<xs:documentation xml:lang="en">([^<]+)<`)
	declared   = regexp.MustCompile(`<xs:(?:element|attribute) name="(\w+)"(?: type="(\w+)")?`)
)
