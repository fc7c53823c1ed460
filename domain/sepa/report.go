package sepa

import "strings"

// MaxReported is how many texts a Report keeps. A file whose names are all in another script has one for each order: a
// thousand show the pattern, and the memory stays bounded.
const MaxReported = 1_000

// Replacement is one text of a file that Append altered. The text is left out, since it may name a person.
type Replacement struct {
	Change

	EndToEndID string // of its order, empty where the text is that of a block or of the file
	Field      string // the element that has it, as Cdtr/Nm
}

// Report is what Append altered in a whole file. The zero Report is empty.
type Report struct {
	Texts    []Replacement // the first MaxReported, in the order of the file
	Count    int           // all texts altered, those not kept in Texts included
	Replaced int           // characters replaced in all of them
	Cut      int           // characters cut off all of them
}

// Add notes one text, unless nothing of it was altered.
func (r *Report) Add(endToEndID, field string, change Change) {
	if change == (Change{}) {
		return
	}

	r.Count++
	r.Replaced += change.Replaced
	r.Cut += change.Cut

	if len(r.Texts) < MaxReported {
		// A copy: the identifier may be part of a whole page of rows, which it would keep.
		r.Texts = append(r.Texts, Replacement{EndToEndID: strings.Clone(endToEndID), Field: field, Change: change})
	}
}
