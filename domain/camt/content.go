package camt

import (
	"math/bits"
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
)

// versions is a set of versions of the messages, which differ in a few elements.
type versions uint8

const (
	v02 versions = 1 << iota
	v04
	v08

	all = v02 | v04 | v08
)

// element is what an element may hold: a child of one name, and what reads it.
type element struct {
	name string
	in   versions
	must bool
	many bool
	read func() // leaves the element; nil skips it
}

func must(name string, read func()) element {
	return element{name: name, in: all, must: true, read: read}
}

func may(name string, read func()) element { return element{name: name, in: all, read: read} }

func many(name string, read func()) element {
	return element{name: name, in: all, many: true, read: read}
}

// from has an element in some versions only.
func (e element) from(in versions) element {
	e.in = in

	return e
}

// skipped names elements that may stand there any number of times, and that nobody here reads.
func skipped(in versions, names ...string) []element {
	elements := make([]element, len(names))
	for i, name := range names {
		elements[i] = element{name: name, in: in, many: true}
	}

	return elements
}

// content is the children that an element may have, in their order.
type content struct {
	elements []element
	choice   bool // one of them, and only one
	lax      bool // others stand among them
}

// sequence makes a content of single elements and of slices of them, as far as the version read has them.
func (r *reader) sequence(parts ...any) content {
	var made content

	for _, part := range parts {
		var elements []element

		switch part := part.(type) {
		case element:
			elements = []element{part}
		case []element:
			elements = part
		}

		for _, child := range elements {
			if child.in&r.version.in != 0 {
				made.elements = append(made.elements, child)
			}
		}
	}

	return made
}

func (r *reader) choice(parts ...any) content {
	made := r.sequence(parts...)
	made.choice = true

	return made
}

func (r *reader) lax(parts ...any) content {
	made := r.sequence(parts...)
	made.lax = true

	return made
}

// within reads an element by its content.
func (r *reader) within(inner *content) func() {
	return func() { r.walk(inner) }
}

// walk reads the children of the current element.
func (r *reader) walk(inner *content) {
	var met uint64 // a bit for each element that has been found; no content has more than these

	next := 0

	for !r.ended() && r.decoder.Child() {
		at := inner.find(r.decoder.Name(), next)
		again := at >= 0 && met&(1<<at) != 0 && !inner.elements[at].many

		switch {
		case at < 0 && !inner.lax, again:
			r.refuse(iso20022.CodeElement, "", "is no element that stands here in "+r.version.definition+", or stands here twice")

			fallthrough
		case at < 0:
			r.decoder.Skip()

			continue
		}

		met |= 1 << at
		next = at

		if found := &inner.elements[at]; !found.many {
			next++
		}

		if read := inner.elements[at].read; read != nil {
			read()
		} else {
			r.decoder.Skip()
		}
	}

	if !r.ended() {
		r.checkMet(inner, met)
	}
}

// find gives the place of an element that may come next, and -1 when none of the name may.
func (c *content) find(name string, next int) int {
	if c.lax {
		next = 0
	}

	for i := next; i < len(c.elements); i++ {
		if c.elements[i].name == name {
			return i
		}
	}

	return -1
}

func (r *reader) checkMet(inner *content, met uint64) {
	if inner.choice {
		if bits.OnesCount64(met) != 1 {
			r.refuse(fault.CodeMissing, "", "must hold one of "+inner.names())
		}

		return
	}

	for i := range inner.elements {
		if inner.elements[i].must && met&(1<<i) == 0 {
			r.refuse(fault.CodeMissing, "", "holds no "+inner.elements[i].name)
		}
	}
}

func (c *content) names() string {
	names := make([]string, len(c.elements))
	for i := range c.elements {
		names[i] = c.elements[i].name
	}

	return strings.Join(names, ", ")
}

// ended tells that nothing more is to be read: the XML is at fault, a limit has been passed, or the handler refuses to go on.
func (r *reader) ended() bool { return r.err != nil || r.over || r.decoder.Err() != nil }

// limit ends the reading at what would take too much memory.
func (r *reader) limit(reason string) {
	r.refuse(iso20022.CodeLimit, "", reason)
	r.over = true
}

// refuse notes a fault of the current element, or of the one just left.
func (r *reader) refuse(code fault.Code, value, reason string) {
	switch {
	case r.decoder.Err() != nil: // which says why nothing could be read
	case r.faults.Count >= fault.MaxDetailed:
		r.faults.Add(fault.Fault{Code: code})
	default:
		r.faults.Add(*r.decoder.Fault(code, value, reason))
	}
}
