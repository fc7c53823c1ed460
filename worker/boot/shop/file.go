package shop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/reglo/reglo/domain/systempay"
)

const (
	// maxFile bounds the file of the shops, in bytes: one has less than 2 KiB.
	maxFile = maxShops * 2 << 10
	// maxKeyFile bounds that of a key, in bytes: one has 64 characters at most, and a
	// line's end.
	maxKeyFile = 1 << 10
)

// entry is a shop of the file.
type entry struct {
	Name         string   `yaml:"name"`
	SiteID       string   `yaml:"site_id"`
	Mode         string   `yaml:"mode"`
	Algorithm    string   `yaml:"algorithm"`
	KeyFile      string   `yaml:"key_file"`
	OtherKeyFile string   `yaml:"other_key_file"`
	Ranges       []string `yaml:"ranges"`
	Contracts    []string `yaml:"contracts"`
	ThirdParty   string   `yaml:"third_party"`
	Page         page     `yaml:"page"`

	// line is that on which it begins, lines those of its keys, from 1; a key within
	// another one is named page.url.
	line  int
	lines map[string]int
}

type page struct {
	URL           string `yaml:"url"`
	Check         string `yaml:"check"`
	Success       string `yaml:"success"`
	Refused       string `yaml:"refused"`
	Cancel        string `yaml:"cancel"`
	Error         string `yaml:"error"`
	Theme         string `yaml:"theme"`
	CaptureDelay  int    `yaml:"capture_delay"`
	Validation    string `yaml:"validation"`
	AfterSuccess  wait   `yaml:"after_success"`
	AfterError    wait   `yaml:"after_error"`
	ProductFields struct {
		First    int  `yaml:"first"`
		Singular bool `yaml:"singular"`
	} `yaml:"product_fields"`
}

type wait struct {
	Seconds int    `yaml:"seconds"`
	Message string `yaml:"message"`
}

func (p *page) page() systempay.Page {
	return systempay.Page{
		URL: p.URL, Check: p.Check, Success: p.Success, Refused: p.Refused, Cancel: p.Cancel, Error: p.Error,
		Theme: p.Theme, CaptureDelay: p.CaptureDelay, Validation: systempay.Validation(p.Validation),
		AfterSuccess: systempay.Return(p.AfterSuccess), AfterError: systempay.Return(p.AfterError),
		ProductFields: systempay.ProductFields(p.ProductFields),
	}
}

// readFile reads the file, of which nothing may be left unread.
func readFile(path string) ([]entry, error) {
	content, err := readAll(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	entries, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return entries, nil
}

// valuePattern is what the decoder repeats of a value that is none of its key.
var valuePattern = regexp.MustCompile("`.*`")

// parse reads a list of shops.
func parse(content []byte) ([]entry, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	var entries []entry
	if err := decoder.Decode(&entries); err != nil && !errors.Is(err, io.EOF) {
		said := valuePattern.ReplaceAllString(err.Error(), "") // a key may stand in its place
		return nil, errors.New("is no list of shops: " + strings.Join(strings.Fields(said), " "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one document: make it one list")
	}
	var lines []yaml.Node
	if err := yaml.Unmarshal(content, &lines); err != nil {
		return nil, fmt.Errorf("is no list of shops: %w", err)
	}
	switch {
	case len(lines) == 0:
		return nil, errors.New("holds no shop: leave the setting empty when there is none")
	case len(lines) > maxShops:
		return nil, fmt.Errorf("holds more than %d shops", maxShops)
	case len(entries) != len(lines): // the decoder passes over what is empty
		return nil, errors.New("holds a shop of which nothing is said: complete it or take it out")
	}
	for i := range lines {
		entries[i].line, entries[i].lines = lines[i].Line, make(map[string]int)
		note(&lines[i], "", entries[i].lines)
	}
	return entries, nil
}

// note keeps the lines of a mapping's keys.
func note(mapping *yaml.Node, prefix string, lines map[string]int) {
	if mapping.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := prefix + mapping.Content[i].Value
		lines[key] = mapping.Content[i].Line
		note(mapping.Content[i+1], key+".", lines)
	}
}

// readKey reads a key of one line, whose path is relative to the file that names it.
func readKey(beside, path string) (systempay.Key, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(beside), path)
	}
	content, err := readAll(path, maxKeyFile)
	if fault, is := errors.AsType[*fs.PathError](err); is {
		return systempay.Key{}, fmt.Errorf("names a file that cannot be read: %w", fault.Err) // a key may stand in its place
	}
	if err != nil {
		return systempay.Key{}, err
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return systempay.Key{}, errors.New("must be a file of one line, and that not empty")
	}
	return systempay.NewKey(text), nil
}

// readAll reads a file of at most that many bytes.
func readAll(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if int64(len(content)) > most {
		return nil, fmt.Errorf("is longer than %d bytes", most)
	}
	return content, nil
}
