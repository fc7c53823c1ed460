package layout

import (
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// file is how the files of a descriptor are written, whatever it reads.
type file struct {
	options lines.Options
	shape   shape
	marks   marks
	records []record // by the kinds of their marks
}

// file compiles a descriptor of these records, whose places are their kinds.
func (c *compiler) file(specs []recordSpec) file {
	compiled := file{options: c.text()}
	compiled.shape = c.shape
	compiled.marks = c.marks(specs)

	for _, wanted := range specs {
		compiled.records = append(compiled.records, c.record(wanted))
	}

	return compiled
}

// Text gives what the bytes of the site's files are like.
func (f *file) Text() lines.Options { return f.options }

// unmarked is the kind of a line that is no record of its layout.
const unmarked = -2

// cut prepares text to be read, and tells which record it is. One that is refused may have its kind all the same.
func (f *file) cut(text []byte, l *line) (kind int, refused refusal) {
	refused = l.cut(&f.shape, text)
	if refused.refused() && f.shape.delimited { // a line of another length still has its mark
		return unmarked, refused
	}

	kind, found := f.marks.of(l)

	switch {
	case !found && refused.refused():
		return unmarked, refused
	case !found:
		return unmarked, refusal{fault.CodeRecord, f.marks.text}
	case kind == ignored:
		return ignored, refusal{}
	case !refused.refused():
		refused = f.records[kind].refuse(l)
	}

	return kind, refused
}
