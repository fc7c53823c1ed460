package layout

import (
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/merchant"
)

// Merchants reads the merchants' snapshots of a site. It is a merchant.Layout, and may serve several files at once.
type Merchants struct {
	file

	headerRow bool
}

func (c *compiler) merchants() *Merchants {
	wanted := recordSpec{name: "merchant"}

	for _, column := range merchant.Columns() {
		one := spec{name: column, role: roleAny, check: func(value string) string {
			if err := merchant.CheckValue(column, value); err != nil {
				return err.Error()
			}

			return ""
		}}
		if one.check("") == "" {
			one.need = optional
		}

		wanted.fields = append(wanted.fields, one)
	}

	return &Merchants{file: c.file([]recordSpec{wanted}), headerRow: c.descriptor.HeaderRow}
}

// Decode reads one line.
func (m *Merchants) Decode(number int, text []byte, row *merchant.Row) {
	var l line

	if refused := l.cut(&m.shape, text); refused.refused() {
		row.RefuseLine(-1, refused.code, refused.reason)

		return
	}

	if m.headerRow && number == 1 {
		m.titles(&l, row)

		return
	}

	kind, found := m.marks.of(&l)

	switch {
	case !found:
		row.RefuseLine(-1, fault.CodeRecord, m.marks.text)

		return
	case kind == ignored:
		row.Ignore()

		return
	}

	if refused := m.records[kind].refuse(&l); refused.refused() {
		row.RefuseLine(-1, refused.code, refused.reason)

		return
	}

	for i := range m.records[kind].fields {
		f := &m.records[kind].fields[i]
		raw, at := f.raw(&l)

		value, refused := f.plain(&l, raw)
		if refused.refused() {
			row.Set(f.name, string(raw), at.start)
			row.Refuse(f.name, refused.code, refused.reason)

			continue
		}

		row.Set(f.name, value, at.start)
	}
}

// titles controls the header row, as far as the descriptor says what it must be.
func (m *Merchants) titles(l *line, row *merchant.Row) {
	good := true

	for i := range m.records[0].fields {
		f := &m.records[0].fields[i]
		if f.title == "" || f.none {
			continue
		}

		if found, at := l.raw(part{column: f.parts[0].column, length: -1}); string(found) != f.title {
			row.RefuseLine(at.start, fault.CodeNoHeader, "must have the title "+f.title+" in this column: "+f.name)

			good = false
		}
	}

	if good {
		row.Ignore()
	}
}
