// Package layoutschema reads layout descriptors written in YAML, and holds the examples that are shipped.
package layoutschema

import (
	"embed"
	"fmt"
	"io"
	"os"

	"github.com/reglo/reglo/domain/layout"
)

// Examples holds cre-fixed.yaml and cre-delimited.yaml for CRE files, merchants.yaml for a merchants' snapshot, and
// payline.yaml for a Payline file.
//
//go:embed *.yaml
var Examples embed.FS

// MaxSize is the largest descriptor, in bytes: a hundred times the examples.
const MaxSize = 1 << 20

// Load reads and compiles the descriptor in a file. The error is a *layout.Error, or that of the file.
func Load(path string) (layout.Layout, error) {
	file, err := os.Open(path)
	if err != nil {
		return layout.Layout{}, fmt.Errorf("open a layout: %w", err)
	}

	defer func() { _ = file.Close() }()

	content, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return layout.Layout{}, fmt.Errorf("read layout %s: %w", path, err)
	}

	return Parse(path, content)
}

// Parse reads and compiles a descriptor. name is its own in errors. The error is a *layout.Error: what is no YAML, an
// unknown key, a key given twice, a value of another kind, and what [layout.Compile] refuses.
func Parse(name string, content []byte) (layout.Layout, error) {
	descriptor, err := decode(name, content)
	if err != nil {
		return layout.Layout{}, err
	}

	return layout.Compile(descriptor)
}
