package layout

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
)

// refusal is why something is refused; without a reason, it is not.
type refusal struct {
	code   fault.Code
	reason string
}

func (r refusal) refused() bool { return r.reason != "" }

// span is a part of a line, in bytes.
type span struct{ start, end int }

// part is a Part ready to be cut: counted from 0.
type part struct {
	column int // -1 in a fixed-width line
	start  int
	length int // -1 for all of the column
}

// shape is how the lines of a file are cut.
type shape struct {
	delimited bool
	separator byte
	quoted    bool
	length    int // of a fixed-width line, in characters; 0 for any
}

// line is one line, cut.
type line struct {
	shape *shape
	text  []byte
	ascii bool // a character is a byte
	count int  // of columns
	cells [MaxColumns]span
}

var (
	errLength = refusal{fault.CodeRecord, "has not the length that its layout declares"} //nolint:gochecknoglobals // a constant
	errQuotes = refusal{fault.CodeRecord,                                                //nolint:gochecknoglobals // a constant
		"has a quoted value that does not end with a quote before the next separator, quotes inside it doubled"}
)

// cut prepares text to be read, or refuses it.
func (l *line) cut(shape *shape, text []byte) refusal {
	l.shape, l.text = shape, text

	l.ascii = true
	for _, char := range text {
		l.ascii = l.ascii && char < utf8.RuneSelf
	}

	if shape.delimited {
		return l.split()
	}

	if shape.length > 0 && utf8.RuneCount(text) != shape.length {
		return errLength
	}

	return refusal{}
}

// split finds the columns of a delimited line.
func (l *line) split() refusal {
	for start := 0; ; l.count++ {
		var end int

		if l.shape.quoted && start < len(l.text) && l.text[start] == '"' {
			if end = closing(l.text, start+1); end < 0 || end < len(l.text) && l.text[end] != l.shape.separator {
				return errQuotes
			}
		} else if i := bytes.IndexByte(l.text[start:], l.shape.separator); i >= 0 {
			end = start + i
		} else {
			end = len(l.text)
		}

		if l.count < MaxColumns {
			l.cells[l.count] = span{start, end}
		}

		if end == len(l.text) {
			l.count++

			return refusal{}
		}

		start = end + 1
	}
}

// closing gives the byte behind the quote that closes a value, or -1.
func closing(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}

		if i+1 == len(text) || text[i+1] != '"' {
			return i + 1
		}

		i++
	}

	return -1
}

// raw gives what stands at a part, with its place. Beyond the end of the line there is nothing.
func (l *line) raw(p part) ([]byte, span) {
	if p.column < 0 {
		at := characters(l.text, l.ascii, p.start, p.length)

		return l.text[at.start:at.end:at.end], at
	}

	if p.column >= min(l.count, MaxColumns) {
		return nil, span{len(l.text), len(l.text)}
	}

	at := l.cells[p.column]
	value := l.text[at.start:at.end:at.end]

	if l.shape.quoted && len(value) > 1 && value[0] == '"' {
		if value = value[1 : len(value)-1 : len(value)-1]; bytes.IndexByte(value, '"') >= 0 {
			value = bytes.ReplaceAll(value, []byte(`""`), []byte(`"`))
		}
	}

	if p.length >= 0 {
		inside := characters(value, l.ascii, p.start, p.length)
		value = value[inside.start:inside.end:inside.end]
	}

	return value, at
}

// characters finds length characters of a text from the start-th, as far as it has them.
func characters(text []byte, ascii bool, start, length int) span {
	if ascii {
		begin := min(start, len(text))

		return span{begin, min(begin+length, len(text))}
	}

	begin := advance(text, 0, start)

	return span{begin, advance(text, begin, length)}
}

func advance(text []byte, from, count int) int {
	for ; count > 0 && from < len(text); count-- {
		_, size := utf8.DecodeRune(text[from:])
		from += size
	}

	return from
}

// value gives what a field holds, without the spaces around it, and where it stands.
func (l *line) value(parts []part) ([]byte, span) {
	value, at := l.raw(parts[0])

	if len(parts) > 1 {
		value = bytes.Clone(value)

		for _, more := range parts[1:] {
			piece, place := l.raw(more)
			value = append(value, piece...)
			at = span{min(at.start, place.start), max(at.end, place.end)}
		}
	}

	return bytes.Trim(value, " "), at
}

// marks is where a line says which record it is, and what each mark stands for.
type marks struct {
	at    []part // one, or none when all lines are alike
	kinds map[string]int
	text  string // of the error for a line that has none
}

// ignored is the kind of the records that say nothing to us.
const ignored = -1

// of gives the kind of a line.
func (m *marks) of(l *line) (kind int, found bool) {
	if len(m.at) == 0 {
		return 0, true
	}

	mark, _ := l.value(m.at)
	kind, found = m.kinds[string(mark)]

	return kind, found
}

func listed(words []string) string { return strings.Join(words, ", ") }
