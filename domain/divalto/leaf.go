package divalto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxDepth bounds how deep a reply nests: the ERP's nests four deep.
	maxDepth = 32
	// maxLeaves bounds the texts and numbers of a reply: the ERP's has ten, and one
	// that lists the faults of many settlements some thousand.
	maxLeaves = 10_000
	// element is the step of a path into a list.
	element = "[]"
)

// errReply says that a body is not one that the ERP may write.
var errReply = errors.New("not one JSON document in which every name stands once")

// leaf is a text or a number of a document, under the names that lead to it, in
// lower case.
type leaf struct {
	path  []string
	value string
}

type leaves []leaf

// flatten gives the texts and the numbers of a JSON document, and refuses what
// readers of JSON disagree on: a name that stands twice, also in another case, and
// anything behind the document. Nesting costs it no stack.
func flatten(body []byte) (leaves, error) {
	if !json.Valid(body) { // the decoder alone would not look behind the document
		return nil, errReply
	}

	var (
		found leaves
		stack []level
	)

	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()

	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errReply, err)
		}

		var isName bool
		if stack, isName, err = step(stack, token); err != nil {
			return nil, err
		}

		if text, isText := scalar(token); isText && !isName {
			found = append(found, leaf{path: path(stack), value: text})
		}

		switch {
		case len(stack) == 0:
			return found, nil
		case len(stack) > maxDepth, len(found) > maxLeaves:
			return nil, errReply
		}
	}
}

// level is an object or a list that flatten is in.
type level struct {
	names   map[string]bool // of an object; nil in a list
	name    string          // the last name of an object
	awaited bool            // that name's value comes next
}

// step takes a token in, and tells whether it is a name.
func step(stack []level, token json.Token) ([]level, bool, error) {
	if token == json.Delim('}') || token == json.Delim(']') {
		return stack[:len(stack)-1], false, nil
	}

	if len(stack) > 0 {
		top := &stack[len(stack)-1]

		if text, isText := token.(string); isText && top.names != nil && !top.awaited {
			name := strings.ToLower(text)
			if top.names[name] {
				return nil, false, errReply
			}

			top.names[name], top.name, top.awaited = true, name, true

			return stack, true, nil
		}

		top.awaited = false
	}

	switch token {
	case json.Delim('{'):
		stack = append(stack, level{names: map[string]bool{}})
	case json.Delim('['):
		stack = append(stack, level{})
	}

	return stack, false, nil
}

func scalar(token json.Token) (string, bool) {
	switch token := token.(type) {
	case string:
		return token, true
	case json.Number:
		return token.String(), true
	default:
		return "", false
	}
}

func path(stack []level) []string {
	steps := make([]string, len(stack))

	for i, level := range stack {
		steps[i] = level.name
		if level.names == nil {
			steps[i] = element
		}
	}

	return steps
}

// text gives the text or number that stands under exactly these names.
func (l leaves) text(path ...string) (string, bool) {
	for _, leaf := range l {
		if slices.Equal(leaf.path, path) {
			return leaf.value, true
		}
	}

	return "", false
}

// under gives what stands below a name of the document, as a document of its own.
func (l leaves) under(name string) leaves {
	var found leaves

	for _, below := range l {
		if len(below.path) > 1 && below.path[0] == name {
			found = append(found, leaf{path: below.path[1:], value: below.value})
		}
	}

	return found
}

// first gives the first of these names that says something, as it may be kept.
func (l leaves) first(names ...string) string {
	for _, name := range names {
		if text, _ := l.text(name); text != "" {
			return clip(text)
		}
	}

	return ""
}

// errorCode gives the technical error. A reply has to say whether there is one.
func (l leaves) errorCode() (string, bool) {
	code, given := l.text("error")
	code = normal(code)

	return code, given && code != ""
}

// transactions gives the numbers of transactions, wherever they stand, unless one
// is none that the ERP may give. Empty ones and 0 say that there is none.
func (l leaves) transactions(body []byte) (numbers []string, sound bool) {
	for _, leaf := range l {
		steps := leaf.path
		for len(steps) > 0 && steps[len(steps)-1] == element {
			steps = steps[:len(steps)-1]
		}

		if len(steps) == 0 || steps[len(steps)-1] != "transactionid" {
			continue
		}

		number := strings.TrimSpace(leaf.value)
		if normal(number) == "" || normal(number) == noError {
			continue
		}

		if !isTransaction(number) || !bytes.Contains(body, []byte(number)) {
			return nil, false
		}

		numbers = append(numbers, number)
	}

	return numbers, true
}

// isTransaction tells whether the ERP may number a transaction so.
func isTransaction(number string) bool {
	if number == "" || len(number) > maxTransaction {
		return false
	}

	for i := range len(number) {
		c := number[i]
		if c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}

	return true
}
