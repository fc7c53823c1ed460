// Package labels reads the grammars of the bank's labels, which the settings name.
package labels

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/worker/boot/config"
)

// fileMax bounds the file of the grammars, in bytes: there are a handful, and
// each label is tried against all of them.
const fileMax = 64 << 10

// Read reads and compiles the grammars: those of the file that the settings
// name, or the ordinary ones with the bank's prefixes of bulks. The error says on
// one line which setting, and why.
func Read(settings config.Label, bank config.Bank) (*label.Classifier, error) {
	rules := ordinary(bank)
	if settings.Rules != "" {
		var err error
		if rules, err = readFile(settings.Rules); err != nil {
			return nil, fmt.Errorf("label.rules: %s: %w", settings.Rules, err)
		}
	}
	classifier, err := label.Compile(rules, settings.ImpayeOperations)
	if err != nil {
		return nil, fmt.Errorf("label.rules, label.impaye_operations: %w", err)
	}
	return classifier, nil
}

// ordinary are the ordinary grammars, in which bulks have the names that the
// settings give them. A prefix holds letters only, which a pattern takes as they are.
func ordinary(bank config.Bank) []label.Rule {
	const payouts, internal = "MONEXTEUR", "MONEXTINT"
	rules := label.Default()
	for i := range rules {
		rules[i].Pattern = strings.NewReplacer(payouts, bank.PayoutPrefix, internal, bank.InternalPrefix).Replace(rules[i].Pattern)
	}
	return rules
}

// readFile reads a list of grammars, {class, pattern} each.
func readFile(path string) ([]label.Rule, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, fileMax+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(content) > fileMax {
		return nil, fmt.Errorf("is longer than %d bytes", fileMax)
	}
	var list []struct {
		Class   label.Class `yaml:"class"`
		Pattern string      `yaml:"pattern"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("is no list of {class, pattern}: %s", strings.ReplaceAll(err.Error(), "\n", ""))
	}
	if len(list) == 0 {
		return nil, errors.New("holds no grammar: leave the setting empty for the ordinary ones")
	}
	rules := make([]label.Rule, len(list))
	for i, rule := range list {
		rules[i] = label.Rule(rule)
	}
	return rules, nil
}
