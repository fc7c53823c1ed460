// Package ogepschema holds the JSON Schemas (draft 2020-12) of the OG-EP events, one a type and the envelope that they
// share, and judges frames by them. They are strict: they describe what this project writes, not all that it reads.
package ogepschema

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// FS holds envelope.schema.json, and <type>.schema.json for each of the 27 types.
//
//go:embed *.schema.json
var FS embed.FS

const (
	suffix   = ".schema.json"
	envelope = "envelope"
	base     = "https://github.com/reglo/reglo/schemas/ogep/" // of the schemas' ids; nothing is fetched from it
)

// Validator judges frames. It may be used by several goroutines at once.
type Validator struct {
	byType map[string]*jsonschema.Schema
}

// FrameError says where a frame departs from the schema of its type. It gives places and rules, never values.
type FrameError struct {
	Type   string   // as the frame says; empty when it cannot be read
	Faults []string // "/params/0/value/amount: multipleOf", sorted
}

// Error gives the type and the faults.
func (e *FrameError) Error() string {
	return fmt.Sprintf("OG-EP frame of type %q against its schema: %s", e.Type, strings.Join(e.Faults, "; "))
}

// Compile prepares the embedded schemas. It fails only when one of them is broken, which the tests exclude.
func Compile() (*Validator, error) {
	names, err := fs.Glob(FS, "*"+suffix)
	if err != nil {
		return nil, fmt.Errorf("list the OG-EP schemas: %w", err)
	}

	compiler := jsonschema.NewCompiler()

	for _, name := range names {
		if err := add(compiler, name); err != nil {
			return nil, err
		}
	}

	validator := &Validator{byType: make(map[string]*jsonschema.Schema, len(names))}

	for _, name := range names {
		schema, err := compiler.Compile(base + name)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", name, err)
		}

		if eventType := strings.TrimSuffix(name, suffix); eventType != envelope {
			validator.byType[eventType] = schema
		}
	}

	return validator, nil
}

// Validate judges one frame by the schema of its type. The error is a *FrameError.
func (v *Validator) Validate(frame []byte) error {
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(frame))
	if err != nil {
		return &FrameError{Faults: []string{"not JSON"}}
	}

	members, isObject := instance.(map[string]any)
	if !isObject {
		return &FrameError{Faults: []string{"not an object"}}
	}

	eventType, isText := members["type"].(string)
	if !isText {
		return &FrameError{Faults: []string{"/type: missing or not a string"}}
	}

	schema, known := v.byType[eventType]
	if !known {
		return &FrameError{Type: eventType, Faults: []string{"/type: none of the 27"}}
	}

	if err := schema.Validate(instance); err != nil {
		return &FrameError{Type: eventType, Faults: faults(err)}
	}

	return nil
}

func add(compiler *jsonschema.Compiler, name string) error {
	text, err := FS.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}

	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("parse %s: %w", name, err)
	}

	if err := compiler.AddResource(base+name, document); err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}

	return nil
}

// faults lists the rules broken at the leaves of a validation error.
func faults(err error) []string {
	var failure *jsonschema.ValidationError
	if !errors.As(err, &failure) {
		return []string{"cannot be judged"}
	}

	var (
		found []string
		visit func(*jsonschema.ValidationError)
	)

	visit = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			found = append(found, "/"+strings.Join(e.InstanceLocation, "/")+": "+strings.Join(e.ErrorKind.KeywordPath(), "/"))
		}

		for _, cause := range e.Causes {
			visit(cause)
		}
	}
	visit(failure)
	slices.Sort(found)

	return slices.Compact(found)
}
