package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlParser reads the file for koanf. It keeps a scalar as it is written
// (a bank's 007 stays so) and the line that it stands on.
type yamlParser struct {
	name     string
	origins  map[string]origin
	problems []Problem
}

// Unmarshal gives nested maps of strings. Unknown and repeated settings are
// gathered in problems.
func (p *yamlParser) Unmarshal(raw []byte) (map[string]any, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, &Error{Problems: []Problem{{
			Setting: FileFlag, Value: p.name, Reason: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "),
		}}}
	}
	if len(document.Content) == 0 { // empty, or comments only
		return map[string]any{}, nil
	}
	return p.mapping("", document.Content[0]), nil
}

// Marshal is not needed.
func (*yamlParser) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.New("settings are not written")
}

func (p *yamlParser) at(node *yaml.Node) origin {
	return origin(fmt.Sprintf("%s:%d", p.name, node.Line))
}

func (p *yamlParser) refuse(setting string, node *yaml.Node, reason string) {
	p.problems = append(p.problems, Problem{Setting: setting, Origin: p.at(node).String(), Reason: reason})
}

// mapping reads a group of settings.
func (p *yamlParser) mapping(path string, node *yaml.Node) map[string]any {
	result := make(map[string]any)
	if node.Kind != yaml.MappingNode {
		if node.Tag != "!!null" {
			p.refuse(path, node, "must be a group of settings, name: value on lines of their own")
		}
		return result
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, node.Content[i+1]
		key := strings.TrimPrefix(path+separator+name, separator)
		known := slices.ContainsFunc(settings, func(s setting) bool { return s.key == key })
		group := slices.ContainsFunc(settings, func(s setting) bool { return strings.HasPrefix(s.key, key+separator) })
		_, repeated := result[name]
		switch {
		case repeated:
			p.refuse(key, node.Content[i], "is given twice; keep one")
		case group:
			result[name] = p.mapping(key, value)
		case known:
			p.origins[key] = p.at(value)
			result[name] = p.scalar(key, value)
		default:
			p.refuse(key, node.Content[i], "no such setting"+suggest(key, names()))
		}
	}
	return result
}

func (p *yamlParser) scalar(key string, node *yaml.Node) string {
	switch {
	case key == keysKey && node.Kind == yaml.SequenceNode:
		return p.keys(node)
	case node.Kind != yaml.ScalarNode:
		p.refuse(key, node, "must be a single value")
	case node.Tag != "!!null":
		return node.Value
	}
	return ""
}

// keys writes a list of {id, key} as [readKeys] reads it.
func (p *yamlParser) keys(list *yaml.Node) string {
	texts := make([]string, 0, len(list.Content))
	for _, item := range list.Content {
		var key struct{ ID, Key string }
		var extra map[string]string
		if item.Decode(&key) != nil || item.Decode(&extra) != nil || len(extra) != 2 || key.ID == "" || key.Key == "" {
			p.refuse(keysKey, item, "each key must be {id: …, key: …}, the key 32 bytes in base64")
			continue
		}
		texts = append(texts, key.ID+":"+key.Key)
	}
	return strings.Join(texts, ",")
}

// names gives all settings' keys.
func names() []string {
	keys := make([]string, 0, len(settings))
	for _, s := range settings {
		keys = append(keys, s.key)
	}
	return keys
}
