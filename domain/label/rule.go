package label

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// The named groups of a pattern.
const (
	groupReference     = "reference"
	groupOperationType = "operationType"
	groupLot           = "lot"
	groupPart          = "part"
	groupDate          = "date"

	lotPrefix = "REJ" // of the reference of a lot, which the bank gives a bare number
)

// Rule is one grammar.
type Rule struct {
	// Class of the lines that the pattern matches: SettlementTransaction (of unpaids too, when the line's sign or
	// operation type says so), SettlementUnpaid (of unpaids whatever they say), Remittance, Rejects or Own.
	Class Class
	// Pattern is a regular expression (RE2) for the whole label, in which each run of white space is one space. Its named
	// groups give what the class needs, and must not be empty in a label: reference and operationType for settlements,
	// reference for Remittance and Own, lot and part for Rejects. A group named date, in any of them, must hold a day of
	// the calendar as yyyyMMdd. A reference that is not fit to be a vacation's key makes the label another one.
	Pattern string
}

// Default gives the grammars of the labels as the bank of the reference writes them.
func Default() []Rule {
	return []Rule{
		{SettlementTransaction, `REM E (?P<operationType>\S+) (?P<reference>[0-9]{6}(?P<date>[0-9]{8})UEP)`},
		{Remittance, `REM VIR (?P<reference>MONEXTEUR(?P<date>[0-9]{8})[0-9]{3})`},
		{Rejects, `LOT REJ VIR (?P<lot>[0-9]{12}) (?P<part>[0-9]{2})`},
		{Own, `VIR INTERNE (?P<reference>MONEXTINT(?P<date>[0-9]{8})[0-9]{4})`},
	}
}

// ConfigError says which part of the configured grammars cannot be used, and why.
type ConfigError struct {
	Where  string // "rule 2 (REMITTANCE)", or "operation type of unpaids 1"
	Value  string // the pattern or the operation type refused
	Reason string // what is wrong with it, and what to do, for a person to read
}

// Error names the place, the value and the reason.
func (e *ConfigError) Error() string {
	return "bank labels: " + e.Where + ": " + strconv.Quote(e.Value) + " " + e.Reason
}

// Classifier tells bank lines apart by their labels.
type Classifier struct {
	rules  []rule
	impaye map[string]bool
}

type rule struct {
	class   Class
	pattern *regexp.Regexp
	groups  map[string]*regexp.Regexp // what each named group takes, by itself
}

// Compile makes the classifier of these rules, of which earlier ones go before later ones. The operation types are those
// under which the bank settles unpaids. The error is a *ConfigError.
func Compile(rules []Rule, impayeOperations []string) (*Classifier, error) {
	classifier := &Classifier{impaye: make(map[string]bool, len(impayeOperations))}

	for i, configured := range rules {
		compiled, reason := configured.compile()
		if reason != "" {
			return nil, &ConfigError{
				Where: fmt.Sprintf("rule %d (%s)", i+1, configured.Class), Value: configured.Pattern, Reason: reason,
			}
		}

		classifier.rules = append(classifier.rules, compiled)
	}

	for i, operation := range impayeOperations {
		if len(strings.Fields(operation)) != 1 || strings.TrimSpace(operation) != operation {
			return nil, &ConfigError{
				Where: fmt.Sprintf("operation type of unpaids %d", i+1), Value: operation,
				Reason: "is not one word: no label can hold it",
			}
		}

		classifier.impaye[operation] = true
	}

	return classifier, nil
}

// compile gives the reason why it cannot.
func (r Rule) compile() (compiled rule, reason string) {
	wanted := r.groups()

	switch {
	case wanted == nil:
		return rule{}, fmt.Sprintf("cannot be used: the class must be %s, %s, %s, %s or %s",
			SettlementTransaction, SettlementUnpaid, Remittance, Rejects, Own)
	case r.Pattern == "":
		return rule{}, "is empty"
	case strings.Contains(r.Pattern, "  "):
		return rule{}, "holds two spaces in a row, which no label does once its runs of spaces are one: write one"
	}

	// By itself first: one that is broken may be sound between the brackets that are put around it.
	if _, err := regexp.Compile(r.Pattern); err != nil {
		return rule{}, "is no regular expression: " + err.Error()
	}

	pattern, err := regexp.Compile(`\A(?:` + r.Pattern + `)\z`)
	if err != nil {
		return rule{}, "is no regular expression: " + err.Error()
	}

	if reason := checkGroups(pattern.SubexpNames(), wanted); reason != "" {
		return rule{}, reason
	}

	groups, err := groupPatterns(pattern)
	if err != nil {
		return rule{}, "has a group that cannot be read by itself: " + err.Error()
	}

	return rule{class: r.Class, pattern: pattern, groups: groups}, ""
}

// groupPatterns gives the pattern of each named group, for the whole of a value.
func groupPatterns(pattern *regexp.Regexp) (map[string]*regexp.Regexp, error) {
	tree, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}

	groups := make(map[string]*regexp.Regexp)

	var walk func(node *syntax.Regexp) error
	walk = func(node *syntax.Regexp) error {
		if node.Op == syntax.OpCapture && node.Name != "" {
			alone, err := regexp.Compile(`\A(?:` + node.Sub[0].String() + `)\z`)
			if err != nil {
				return fmt.Errorf("group %s: %w", node.Name, err)
			}

			groups[node.Name] = alone
		}

		for _, sub := range node.Sub {
			if err := walk(sub); err != nil {
				return err
			}
		}

		return nil
	}

	return groups, walk(tree)
}

// checkGroups gives the reason why the named groups do not suit.
func checkGroups(names, wanted []string) string {
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return "has no group (?P<" + name + ">…), which its class needs"
		}
	}

	for i, name := range names {
		switch {
		case name == "":
		case name != groupDate && !slices.Contains(wanted, name):
			return "has a group named " + strconv.Quote(name) + ", which its class does not know: leave out the name"
		case slices.Contains(names[:i], name):
			return "has two groups named " + strconv.Quote(name) + ": write two rules"
		}
	}

	return ""
}

// groups are those that a pattern of the class must have; nil for a class that no rule may have.
func (r Rule) groups() []string {
	switch r.Class {
	case SettlementTransaction, SettlementUnpaid:
		return []string{groupReference, groupOperationType}
	case Remittance, Own:
		return []string{groupReference}
	case Rejects:
		return []string{groupLot, groupPart}
	default:
		return nil
	}
}

func settles(class Class) bool { return class == SettlementTransaction || class == SettlementUnpaid }
