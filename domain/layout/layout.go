// Package layout reads a site's own files: a [Descriptor] says where the fields of our records stand in its lines and how
// they are written, and [Compile] makes of it what the readers of CRE files, of merchants' snapshots and of Payline files take.
//
// A layout says what a line means. What a file must satisfy (counts, sums, patterns, signs, keys that come once) is
// controlled by its reader, alike for all layouts.
package layout

import "strconv"

// Layout is a compiled descriptor. Exactly one of its members is set, by what the descriptor reads.
type Layout struct {
	CRE       *CRE
	Merchants *Merchants
	Payline   *Payline
}

// Error is why a descriptor does not compile.
type Error struct {
	File   string // name of the descriptor
	Line   int    // of the descriptor, from 1; 0 when it is not known
	Path   string // of what is refused, "records.line.fields.creId.length"; empty for the descriptor as a whole
	Reason string // what is wrong with it, and what is allowed
}

// Error gives the place and the reason on one line.
func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += " line " + strconv.Itoa(e.Line)
	}

	if e.Path != "" {
		text += ": " + e.Path
	}

	return text + ": " + e.Reason
}

// Compile checks a descriptor and makes it ready to read files. The error is an *Error, for the first thing found wrong.
func Compile(descriptor Descriptor) (Layout, error) {
	c := compiler{descriptor: &descriptor}

	var layout Layout

	switch descriptor.Reads {
	case ReadsCRE:
		layout.CRE = c.cre()
	case ReadsMerchants:
		layout.Merchants = c.merchants()
	case ReadsPayline:
		layout.Payline = c.payline()
	default:
		c.refuse("reads", "must be "+listed([]string{ReadsCRE, ReadsMerchants, ReadsPayline}))
	}

	if c.err != nil {
		return Layout{}, c.err
	}

	return layout, nil
}
