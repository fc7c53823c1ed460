package config

import (
	"fmt"
	"strings"
)

// Problem is one setting that cannot be used.
type Problem struct {
	// Setting is the setting's name, or the unknown one that was found.
	Setting string
	// Value is what was found, redacted.
	Value string
	// Origin is where it was found: a file and its line, a variable, a flag.
	Origin string
	// Reason says what is wrong and what is allowed.
	Reason string
}

func (p Problem) String() string {
	var text strings.Builder
	text.WriteString(p.Setting)
	if p.Value != "" {
		fmt.Fprintf(&text, " = %q", p.Value)
	}
	if p.Origin != "" {
		fmt.Fprintf(&text, " (%s)", p.Origin)
	}
	return text.String() + ": " + p.Reason
}

// Error is all that is wrong with the settings.
type Error struct {
	Problems []Problem
}

// Error gives a line for each problem.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].String()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "configuration: %d problems", len(e.Problems))
	for _, problem := range e.Problems {
		text.WriteString("\n  " + problem.String())
	}
	return text.String()
}

// maxTypos is how far a misspelled name may be from the one that is suggested.
const maxTypos = 3

// suggest is " (did you mean …?)" when one of the names is near enough.
func suggest(name string, names []string) string {
	best, distance := "", maxTypos+1
	for _, candidate := range names {
		if d := typos(strings.ToLower(name), strings.ToLower(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// typos is the Levenshtein distance: letters to add, drop or change.
func typos(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
