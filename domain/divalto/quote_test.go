package divalto_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// object and list are what a document decodes to, whichever quotes it is written with.
type (
	object = map[string]any
	list   = []any
)

// golden gives an example of the ERP's documentation.
func golden(t *testing.T, name string) []byte {
	t.Helper()

	content, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)

	return content
}

// strict reads strict JSON in which everything is a string, a list or an object.
func strict(text string) (any, error) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}

	return value, nil
}

// single reads the dialect with single quotes, in which nothing is escaped.
func single(text string) (any, error) {
	r := &singleReader{rest: text}

	value := r.value()
	r.skip()

	if r.failed || r.rest != "" {
		return nil, errors.New("not the dialect of single quotes, at " + r.rest)
	}

	return value, nil
}

type singleReader struct {
	rest   string
	failed bool
}

func (r *singleReader) skip() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

func (r *singleReader) take(token string) bool {
	r.skip()

	rest, found := strings.CutPrefix(r.rest, token)
	r.rest = rest

	return found
}

func (r *singleReader) want(token string) { r.failed = !r.take(token) || r.failed }

func (r *singleReader) value() any {
	switch {
	case r.take("{"):
		members := object{}
		for !r.failed && !r.take("}") {
			if len(members) > 0 {
				r.want(",")
			}

			name := r.text()
			r.want(":")

			_, twice := members[name]
			r.failed = r.failed || twice
			members[name] = r.value()
		}

		return members
	case r.take("["):
		elements := list{}
		for !r.failed && !r.take("]") {
			if len(elements) > 0 {
				r.want(",")
			}

			elements = append(elements, r.value())
		}

		return elements
	default:
		return r.text()
	}
}

func (r *singleReader) text() string {
	r.want("'")

	text, rest, ends := strings.Cut(r.rest, "'")
	r.failed = r.failed || !ends
	r.rest = rest

	return text
}
