package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// role is what our own record holds in a field, which decides the types that the site's may have.
type role uint8

const (
	roleText role = iota
	roleNumber
	roleCents
	roleDate
	roleInstant
	roleAny // a text that may be an amount or a day as well: of merchants
)

// types gives the types of a role, its own first.
func (r role) types() []string {
	switch r {
	case roleNumber:
		return []string{TypeDigits}
	case roleCents:
		return []string{TypeCents, TypeSigned, TypeOverpunched}
	case roleDate, roleInstant:
		return []string{TypeDate}
	case roleAny:
		return []string{TypeText, TypeDigits, TypeCents, TypeSigned, TypeOverpunched, TypeDate}
	default:
		return []string{TypeText, TypeDigits}
	}
}

// need is whether a field must be in a descriptor.
type need uint8

const (
	needed   need = iota
	waivable      // or declared as none
	optional      // or left out
)

// spec is a field of one of our records.
type spec struct {
	name string
	id   int
	role role
	need need
	// check says why our own format does not take a constant or a mapped value; "" when it does.
	check func(value string) string
}

// recordSpec is one of our records.
type recordSpec struct {
	name   string
	fields []spec
}

// compiler checks one descriptor. It keeps the first error, after which what it makes is of no use.
type compiler struct {
	descriptor *Descriptor
	shape      shape
	err        *Error
}

func (c *compiler) refuse(path, reason string) {
	if c.err != nil {
		return
	}

	c.err = &Error{File: c.descriptor.Name, Path: path, Reason: reason, Line: c.line(path)}
}

// line gives the line of a path, or of the nearest path around it.
func (c *compiler) line(path string) int {
	for {
		if at, known := c.descriptor.Lines[path]; known {
			return at
		}

		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return 0
		}

		path = path[:dot]
	}
}

// text compiles what the bytes of a file are like.
func (c *compiler) text() (options lines.Options) {
	d := c.descriptor

	switch d.Encoding {
	case "", EncodingUTF8:
	case EncodingLatin1:
		options.Encoding = lines.Latin1
	default:
		c.refuse("encoding", "must be "+EncodingUTF8+" or "+EncodingLatin1)
	}

	switch d.LineEnding {
	case "", EndingLF:
	case EndingCRLF:
		options.Ending = lines.CRLF
	default:
		c.refuse("lineEnding", "must be "+EndingLF+" or "+EndingCRLF)
	}

	options.ByteOrderMark = d.ByteOrderMark
	if d.ByteOrderMark && options.Encoding == lines.Latin1 {
		c.refuse("byteOrderMark", "goes with "+EncodingUTF8+" only")
	}

	c.cutting()

	return options
}

// cutting compiles how lines are cut.
func (c *compiler) cutting() {
	d := c.descriptor
	c.shape = shape{delimited: d.Separator != "", quoted: d.Quoted, length: d.LineLength}

	if c.shape.delimited {
		switch char := d.Separator[0]; {
		case d.LineLength != 0:
			c.refuse("lineLength", "goes with fields by position only: leave it or separator out")
		case len(d.Separator) != 1 || char < ' ' || char > '~' || char == '"':
			c.refuse("separator", "must be one printable ASCII character, not the quote: files may hold no control character, so no tab")
		default:
			c.shape.separator = char
		}

		return
	}

	switch {
	case d.Quoted:
		c.refuse("quoted", "goes with a separator only")
	case d.HeaderRow:
		c.refuse("headerRow", "goes with a separator only")
	case d.LineLength < 0 || d.LineLength > lines.MaxLength:
		c.refuse("lineLength", fmt.Sprintf("must be 1 to %d characters", lines.MaxLength))
	}
}

// marks compiles how the records of a file are told apart.
func (c *compiler) marks(records []recordSpec) marks {
	found := marks{kinds: make(map[string]int)}
	d := c.descriptor

	if d.Mark == nil {
		if len(records) > 1 {
			c.refuse("record", "is missing: it says where a line tells which record it is")
		} else if len(d.Ignore) > 0 {
			c.refuse("ignore", "needs record, which says where a line tells which record it is")
		}
	} else {
		found.at = []part{c.part("record", *d.Mark)}
	}

	listing := make([]string, 0, len(records))

	for i, record := range records {
		path := "records." + record.name
		written, given := d.Records[record.name]

		switch {
		case !given:
			c.refuse(path, "is missing")
		case d.Mark == nil && len(written.Is) > 0:
			c.refuse(path+".is", "needs record, which says where a line tells which record it is")
		case d.Mark != nil && len(written.Is) == 0:
			c.refuse(path+".is", "is missing: the mark that tells this record")
		}

		for _, mark := range written.Is {
			c.mark(path+".is", mark, i, &found)
		}

		listing = append(listing, strings.Join(written.Is, " or ")+" ("+record.name+")")
	}

	for _, mark := range d.Ignore {
		c.mark("ignore", mark, ignored, &found)
	}

	c.unknown("records", slices.Collect(maps.Keys(d.Records)), names(records))

	found.text = "is no record of its layout: its mark must be one of " + listed(listing)

	return found
}

// mark adds one mark.
func (c *compiler) mark(path, mark string, kind int, found *marks) {
	trimmed := strings.Trim(mark, " ")

	switch _, twice := found.kinds[trimmed]; {
	case trimmed == "":
		c.refuse(path, "holds an empty mark")
	case twice:
		c.refuse(path, fmt.Sprintf("holds the mark %q, which another record has already", mark))
	case len(found.at) > 0 && found.at[0].length >= 0 && utf8.RuneCountInString(trimmed) > found.at[0].length:
		c.refuse(path, fmt.Sprintf("holds the mark %q, which is longer than the %d characters of record", mark, found.at[0].length))
	}

	found.kinds[trimmed] = kind
}

// unknown refuses the first name that is none of those allowed.
func (c *compiler) unknown(path string, given, allowed []string) {
	slices.SortFunc(given, func(a, b string) int {
		return c.line(path+"."+a) - c.line(path+"."+b)
	})

	for _, name := range given {
		if !slices.Contains(allowed, name) {
			c.refuse(path+"."+name, "is none of "+listed(allowed))
		}
	}
}

func names(records []recordSpec) []string {
	all := make([]string, 0, len(records))
	for _, record := range records {
		all = append(all, record.name)
	}

	return all
}

// record is a Record ready to be read.
type record struct {
	fields  []field
	least   int // columns that its fields name
	columns int // columns that it must have, 0 for any
}

// refuse refuses a line that has not the columns of the record.
func (r *record) refuse(l *line) refusal {
	switch {
	case !l.shape.delimited:
		return refusal{}
	case r.columns > 0 && l.count != r.columns:
		return refusal{fault.CodeRecord, fmt.Sprintf("has %d columns, its layout declares %d", l.count, r.columns)}
	case l.count < r.least:
		return refusal{fault.CodeRecord, fmt.Sprintf("has %d columns, its layout reads %d", l.count, r.least)}
	default:
		return refusal{}
	}
}

// record compiles one of our records.
func (c *compiler) record(wanted recordSpec) record {
	path := "records." + wanted.name
	written := c.descriptor.Records[wanted.name]
	compiled := record{columns: written.Columns}

	if written.Columns < 0 || written.Columns > 0 && !c.shape.delimited {
		c.refuse(path+".columns", "must be 1 or more, and goes with a separator only")
	}

	allowed := make([]string, 0, len(wanted.fields))
	for _, spec := range wanted.fields {
		allowed = append(allowed, spec.name)
	}

	c.unknown(path+".fields", slices.Collect(maps.Keys(written.Fields)), allowed)

	for _, spec := range wanted.fields {
		at := path + ".fields." + spec.name
		given, found := written.Fields[spec.name]
		given.None = given.None || !found
		c.presence(at, spec.need, found, given.None)

		one := c.field(at, spec, given)
		for _, p := range one.parts {
			compiled.least = max(compiled.least, p.column+1)
		}

		compiled.fields = append(compiled.fields, one)
	}

	if written.Columns > 0 && compiled.least > written.Columns {
		c.refuse(path+".columns", fmt.Sprintf("is %d, but a field stands in column %d", written.Columns, compiled.least))
	}

	return compiled
}

// presence controls that a field is there unless it may be missing.
func (c *compiler) presence(path string, need need, found, none bool) {
	switch {
	case !none || need == optional:
	case !found && need == waivable:
		c.refuse(path, "is missing: say where it stands, or none when the site's files do not have it")
	case !found:
		c.refuse(path, "is missing: say where it stands, or its constant")
	case need == needed:
		c.refuse(path, "cannot be none: say where it stands, or its constant")
	}
}

// field compiles one field.
func (c *compiler) field(path string, wanted spec, given Field) field {
	compiled := field{
		name: wanted.name, id: wanted.id, none: given.None, title: given.Title, values: given.Values, subtract: given.Subtract,
	}

	if given.None {
		return compiled
	}

	placed := given.Part != Part{}
	sources := 0

	for _, given := range []bool{placed, len(given.Parts) > 0, given.Constant != nil} {
		if given {
			sources++
		}
	}

	if sources != 1 {
		c.refuse(path, "must have one of: its place in the line, parts, constant")
	}

	if given.Constant != nil {
		c.constant(path, wanted, given, &compiled)

		return compiled
	}

	if placed {
		compiled.parts = []part{c.part(path, given.Part)}
	}

	for i, piece := range given.Parts {
		compiled.parts = append(compiled.parts, c.part(fmt.Sprintf("%s.parts.%d", path, i+1), piece))
	}

	if len(compiled.parts) == 0 {
		compiled.parts = []part{{column: -1}}
	}

	c.typed(path, wanted, given, &compiled)

	return compiled
}

// constant compiles a field that is the same in all files.
func (c *compiler) constant(path string, wanted spec, given Field, compiled *field) {
	compiled.kind = wanted.role.types()[0]
	compiled.constant = []byte(*given.Constant)
	compiled.values, compiled.subtract = nil, 0

	if given.Type+given.Pattern+given.Point+given.Title != "" || given.Values != nil || given.Sign != nil || given.Subtract != 0 {
		c.refuse(path, "is constant: nothing else goes with it, and it stands as our own format writes it")
	}

	if reason := c.own(wanted, *given.Constant); reason != "" {
		c.refuse(path+".constant", reason)
	}

	if reason := compiled.constantOf(wanted.role); reason != "" {
		c.refuse(path+".constant", reason)
	}
}

// constantOf makes a constant ready to be read, and tells why it is none of a role; "" when it is.
func (f *field) constantOf(wanted role) (reason string) {
	var refused refusal

	switch wanted {
	case roleDate:
		f.pattern, _ = compilePattern(compact)
		_, refused = f.date(f.constant)
		reason = "must be a day, yyyyMMdd"
	case roleInstant:
		f.pattern, _ = compilePattern("yyyy-MM-dd'T'HH:mm:ssXXX")
		_, refused = f.instant(f.constant)
		reason = "must be an hour with its offset, as 2019-07-25T10:25:55+02:00"
	case roleNumber:
		_, refused = f.number(f.constant)
		reason = errNumber.reason
	case roleCents:
		_, refused = f.cents(nil, f.constant)
		reason = "must be a whole number of cents"
	case roleText, roleAny:
	}

	if !refused.refused() {
		return ""
	}

	return reason
}

// own tells why our own format does not take a text; "" when it does.
func (c *compiler) own(wanted spec, text string) string {
	switch {
	case !lines.Clean([]byte(text)):
		return "holds a control character or is not UTF-8"
	case wanted.role == roleText && separated([]byte(text)):
		return errSemicolon.reason
	case wanted.check != nil:
		return wanted.check(text)
	default:
		return ""
	}
}

// typed compiles how a field is written.
func (c *compiler) typed(path string, wanted spec, given Field, compiled *field) {
	types := wanted.role.types()

	compiled.kind = given.Type
	if compiled.kind == "" {
		compiled.kind = TypeText
	}

	if !slices.Contains(types, compiled.kind) {
		c.refuse(path+".type", fmt.Sprintf("is %s, must be %s", compiled.kind, strings.Join(types, " or ")))
	}

	c.extras(path, wanted, given, compiled.kind)

	if given.Point != "" {
		compiled.point = given.Point[0]
	}

	if compiled.kind == TypeDate {
		c.pattern(path, wanted, given, compiled)
	}

	if given.Sign != nil {
		compiled.sign = c.sign(path+".sign", *given.Sign)
	}

	c.values(path+".values", wanted, given, compiled)
}

// extras refuses what does not go with the type of a field.
func (c *compiler) extras(path string, wanted spec, given Field, kind string) {
	if given.Pattern != "" && kind != TypeDate {
		c.refuse(path+".pattern", "goes with the type date only")
	}

	if given.Point != "" && (!isCents(kind) || given.Point != "." && given.Point != ",") {
		c.refuse(path+".point", "must be '.' or ',' and goes with amounts only")
	}

	if given.Sign != nil && kind != TypeCents {
		c.refuse(path+".sign", "goes with the type cents only")
	}

	if given.Subtract < 0 || given.Subtract > 0 && wanted.role != roleNumber {
		c.refuse(path+".subtract", "must be above zero and goes with line numbers and counts only")
	}

	if given.Title != "" && (!c.descriptor.HeaderRow || given.Column == 0) {
		c.refuse(path+".title", "goes with headerRow and a column only")
	}
}

func isCents(kind string) bool {
	return kind == TypeCents || kind == TypeSigned || kind == TypeOverpunched
}

func (c *compiler) pattern(path string, wanted spec, given Field, compiled *field) {
	text := given.Pattern
	if text == "" {
		text = compact
	}

	var reason string
	if compiled.pattern, reason = compilePattern(text); reason != "" {
		c.refuse(path+".pattern", reason)
	}

	if wanted.role != roleInstant && compiled.pattern.hours {
		c.refuse(path+".pattern", "must be that of a day, without an hour")
	}
}

func (c *compiler) sign(path string, given Sign) *sign {
	compiled := &sign{at: []part{c.part(path, given.Part)}}

	if len(given.Minus) == 0 {
		c.refuse(path+".minus", "is missing: what stands there when the amount is below zero")
	}

	if len(given.Plus) == 0 {
		c.refuse(path+".plus", "is missing: what stands there when the amount is above zero; \"\" for nothing")
	}

	for _, text := range given.Plus {
		compiled.plus = append(compiled.plus, strings.Trim(text, " "))
	}

	for _, text := range given.Minus {
		if text = strings.Trim(text, " "); slices.Contains(compiled.plus, text) {
			c.refuse(path+".minus", fmt.Sprintf("holds %q, which is plus already", text))
		}

		compiled.minus = append(compiled.minus, text)
	}

	return compiled
}

func (c *compiler) values(path string, wanted spec, given Field, compiled *field) {
	if given.Values == nil {
		return
	}

	if compiled.kind != TypeText && compiled.kind != TypeDigits || wanted.role == roleNumber {
		c.refuse(path, "goes with texts only")
	}

	if len(given.Values) == 0 {
		c.refuse(path, "is empty: leave it out, or say what each value of the site stands for")
	}

	compiled.values = make(map[string]string, len(given.Values))

	for _, value := range slices.Sorted(maps.Keys(given.Values)) {
		key := strings.Trim(value, " ")
		if _, twice := compiled.values[key]; twice {
			c.refuse(path+"."+value, "is given twice")
		}

		compiled.values[key] = given.Values[value]

		if reason := c.own(wanted, given.Values[value]); reason != "" {
			c.refuse(path+"."+value, reason)
		}
	}
}

// part compiles a place in a line.
func (c *compiler) part(path string, given Part) part {
	compiled := part{column: given.Column - 1, start: given.Start - 1, length: given.Length}

	if c.shape.delimited {
		switch {
		case given.Column < 1 || given.Column > MaxColumns:
			c.refuse(path+".column", fmt.Sprintf("must be 1 to %d in a delimited file", MaxColumns))
		case given.Start == 0 && given.Length == 0:
			return part{column: compiled.column, length: -1}
		}
	} else if given.Column != 0 {
		c.refuse(path+".column", "needs a separator: this file has its fields by position (start, length)")
	}

	switch limit := c.limit(); {
	case given.Start < 1 || given.Start > limit:
		c.refuse(path+".start", fmt.Sprintf("must be 1 to %d", limit))
	case given.Length < 1 || given.Length > limit:
		c.refuse(path+".length", fmt.Sprintf("must be 1 to %d", limit))
	case given.Start+given.Length-1 > limit:
		c.refuse(path+".length", fmt.Sprintf("ends at character %d, beyond the line, which has %d", given.Start+given.Length-1, limit))
	}

	return compiled
}

// limit is the last character of a line.
func (c *compiler) limit() int {
	if c.shape.length > 0 {
		return c.shape.length
	}

	return lines.MaxLength
}
