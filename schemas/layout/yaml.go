package layoutschema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/reglo/reglo/domain/layout"
)

// none is written in place of a field that the site's files do not have.
const none = "none"

const (
	tagNull = "!!null"
	tagBool = "!!bool"
	tagInt  = "!!int"
)

// decoder reads one descriptor. It keeps the first error.
type decoder struct {
	name  string
	lines map[string]int
	err   *layout.Error
}

// keys is what may stand in a mapping, and what to do with each value.
type keys map[string]func(path string, node *yaml.Node)

// yamlLine is where the library names the line of what is no YAML.
var yamlLine = regexp.MustCompile(`^line (\d+): `)

func decode(name string, content []byte) (layout.Descriptor, error) {
	d := decoder{name: name, lines: make(map[string]int)}

	if len(content) > MaxSize {
		return layout.Descriptor{}, &layout.Error{File: name, Reason: fmt.Sprintf("is no layout: it has more than %d bytes", MaxSize)}
	}

	var document, second yaml.Node

	stream := yaml.NewDecoder(bytes.NewReader(content))

	switch err := stream.Decode(&document); {
	case errors.Is(err, io.EOF):
		return layout.Descriptor{}, &layout.Error{File: name, Reason: "is empty"}
	case err != nil:
		return layout.Descriptor{}, d.notYAML(err)
	}

	if err := stream.Decode(&second); !errors.Is(err, io.EOF) {
		return layout.Descriptor{}, &layout.Error{File: name, Line: second.Line, Reason: "must be one YAML document, nothing behind it"}
	}

	descriptor := d.descriptor(document.Content[0])
	if d.err != nil {
		return layout.Descriptor{}, d.err
	}

	return descriptor, nil
}

func (d *decoder) notYAML(err error) *layout.Error {
	reason, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if found := yamlLine.FindStringSubmatch(reason); found != nil {
		line, _ = strconv.Atoi(found[1]) // digits, by the expression; a line beyond int is no line
		reason = strings.TrimPrefix(reason, found[0])
	}

	return &layout.Error{File: d.name, Line: line, Reason: "is not YAML: " + reason}
}

func (d *decoder) refuse(path string, node *yaml.Node, reason string) {
	if d.err == nil {
		d.err = &layout.Error{File: d.name, Line: node.Line, Path: path, Reason: reason}
	}
}

func (d *decoder) descriptor(node *yaml.Node) layout.Descriptor {
	descriptor := layout.Descriptor{Name: d.name, Lines: d.lines}

	d.mapping("", node, keys{
		"reads":         d.text(&descriptor.Reads),
		"encoding":      d.text(&descriptor.Encoding),
		"lineEnding":    d.text(&descriptor.LineEnding),
		"byteOrderMark": d.flag(&descriptor.ByteOrderMark),
		"lineLength":    d.number(&descriptor.LineLength),
		"separator":     d.text(&descriptor.Separator),
		"quoted":        d.flag(&descriptor.Quoted),
		"headerRow":     d.flag(&descriptor.HeaderRow),
		"ignore":        d.list(&descriptor.Ignore),
		"record": func(path string, node *yaml.Node) {
			descriptor.Mark = new(layout.Part)
			d.mapping(path, node, d.part(descriptor.Mark))
		},
		"records": func(path string, node *yaml.Node) {
			descriptor.Records = make(map[string]layout.Record)
			d.each(path, node, func(path, name string, node *yaml.Node) { descriptor.Records[name] = d.record(path, node) })
		},
	})

	return descriptor
}

func (d *decoder) record(path string, node *yaml.Node) layout.Record {
	var record layout.Record

	d.mapping(path, node, keys{
		"is":      d.list(&record.Is),
		"columns": d.number(&record.Columns),
		"fields": func(path string, node *yaml.Node) {
			record.Fields = make(map[string]layout.Field)
			d.each(path, node, func(path, name string, node *yaml.Node) { record.Fields[name] = d.field(path, node) })
		},
	})

	return record
}

func (d *decoder) field(path string, node *yaml.Node) layout.Field {
	var field layout.Field

	if node.Kind == yaml.ScalarNode && node.Value == none {
		field.None = true

		return field
	}

	allowed := keys{
		"type":     d.text(&field.Type),
		"pattern":  d.text(&field.Pattern),
		"point":    d.text(&field.Point),
		"title":    d.text(&field.Title),
		"subtract": d.number(&field.Subtract),
		"constant": func(path string, node *yaml.Node) {
			field.Constant = new(string)
			d.text(field.Constant)(path, node)
		},
		"parts": func(path string, node *yaml.Node) {
			if node.Kind != yaml.SequenceNode {
				d.refuse(path, node, "must be a list of places in the line")
			}

			for i, item := range node.Content {
				var part layout.Part

				d.mapping(fmt.Sprintf("%s.%d", path, i+1), item, d.part(&part))
				field.Parts = append(field.Parts, part)
			}
		},
		"values": func(path string, node *yaml.Node) {
			field.Values = make(map[string]string)
			d.each(path, node, func(path, name string, node *yaml.Node) {
				var value string

				d.text(&value)(path, node)
				field.Values[name] = value
			})
		},
		"sign": func(path string, node *yaml.Node) {
			field.Sign = new(layout.Sign)
			allowed := d.part(&field.Sign.Part)
			allowed["plus"], allowed["minus"] = d.list(&field.Sign.Plus), d.list(&field.Sign.Minus)
			d.mapping(path, node, allowed)
		},
	}
	maps.Copy(allowed, d.part(&field.Part))
	d.mapping(path, node, allowed)

	return field
}

func (d *decoder) part(part *layout.Part) keys {
	return keys{"start": d.number(&part.Start), "length": d.number(&part.Length), "column": d.number(&part.Column)}
}

// mapping reads a mapping of known keys.
func (d *decoder) mapping(path string, node *yaml.Node, allowed keys) {
	d.each(path, node, func(path, name string, node *yaml.Node) {
		if read, known := allowed[name]; known {
			read(path, node)

			return
		}

		d.refuse(path, node, "is no key here; the keys are "+strings.Join(slices.Sorted(maps.Keys(allowed)), ", "))
	})
}

// each reads a mapping, and notes on which line each of its keys stands.
func (d *decoder) each(path string, node *yaml.Node, read func(path, name string, node *yaml.Node)) {
	if _, known := d.lines[path]; !known {
		d.lines[path] = node.Line
	}

	if node.Kind != yaml.MappingNode {
		d.refuse(path, node, "must be a group of keys, name: value")

		return
	}

	seen := make(map[string]bool, len(node.Content)/2)

	for i := 0; i+1 < len(node.Content) && d.err == nil; i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		inner := strings.TrimPrefix(path+"."+key.Value, ".")

		switch {
		case key.Kind != yaml.ScalarNode:
			d.refuse(path, key, "has a key that is no text")
		case seen[key.Value]:
			d.refuse(inner, key, "is given twice")
		case value.Kind == yaml.AliasNode:
			d.refuse(inner, value, "is an alias: write it out")
		default:
			seen[key.Value] = true
			d.lines[inner] = key.Line
			read(inner, key.Value, value)
		}
	}
}

func (d *decoder) text(into *string) func(string, *yaml.Node) {
	return func(path string, node *yaml.Node) {
		if node.Kind != yaml.ScalarNode || node.Tag == tagNull {
			d.refuse(path, node, "must be a text")

			return
		}

		*into = node.Value // as it is written: a bank's 007 stays so
	}
}

func (d *decoder) number(into *int) func(string, *yaml.Node) {
	return func(path string, node *yaml.Node) {
		value, err := strconv.Atoi(node.Value)
		if node.Kind != yaml.ScalarNode || node.Tag != tagInt || err != nil || value < 1 {
			d.refuse(path, node, "must be a whole number from 1")

			return
		}

		*into = value
	}
}

func (d *decoder) flag(into *bool) func(string, *yaml.Node) {
	return func(path string, node *yaml.Node) {
		if node.Kind != yaml.ScalarNode || node.Tag != tagBool || node.Value != "true" && node.Value != "false" {
			d.refuse(path, node, "must be true or false")

			return
		}

		*into = node.Value == "true"
	}
}

// list reads one text, or a list of them.
func (d *decoder) list(into *[]string) func(string, *yaml.Node) {
	return func(path string, node *yaml.Node) {
		items := []*yaml.Node{node}
		if node.Kind == yaml.SequenceNode {
			items = node.Content
		}

		for _, item := range items {
			var text string

			d.text(&text)(path, item)
			*into = append(*into, text)
		}
	}
}
