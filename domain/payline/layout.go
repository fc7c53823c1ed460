package payline

import (
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/lines"
)

// Layout is how a site writes the records of a Payline file, one a line. It says what a line's text means; whether that
// is acceptable is controlled by Read, alike for all layouts. A Layout holds no state of a file and may serve several at
// once.
type Layout interface {
	// Text declares the encoding and the line endings of a file.
	Text() lines.Options
	// Decode reads one line, in UTF-8 and without its ending, into a record that is empty: its kind, every field of that
	// kind, and where each field stands. A field that cannot be read is refused. A request whose fields cannot be told apart
	// is refused as FieldRecord, and keeps its kind and what can be told; a line that is no record at all is refused as
	// FieldRecord too and keeps RecordNone. Nothing of the record may point into text.
	Decode(text []byte, record *Record)
}

// RecordKind is which record a line is.
type RecordKind uint8

// The kinds of records.
const (
	RecordNone RecordKind = iota
	RecordHeader
	RecordLine // a movement or a transfer, as Line.Kind says
	RecordTrailer
)

// Field is a field of a record.
type Field uint8

// The fields of a line, then of the header, then of the trailer.
const (
	FieldRecord Field = iota // the record as a whole
	FieldEndToEndID
	FieldOperationCode
	FieldDebtorCP
	FieldCreditorCP
	FieldDebtorIBAN
	FieldCreditorName
	FieldCreditorBIC
	FieldCreditorIBAN
	FieldAmount
	FieldCurrency
	FieldLabel // the label of a movement, the information of a transfer
	FieldExecDate

	FieldSequence
	FieldDate

	FieldMovements
	FieldTransfers
	FieldSum

	fieldCount
)

var fieldNames = [fieldCount]string{ //nolint:gochecknoglobals // a table that nobody writes to
	"", "endToEndId", "operationCode", "debtorCp", "creditorCp", "debtorIban", "creditorName", "creditorBic",
	"creditorIban", "amountCents", "currency", "label", "execDate",
	"sequence", "date",
	"movements", "transfers", "sumCents",
}

// String gives the field's name as faults show it.
func (f Field) String() string { return fieldNames[f] }

// show gives what a fault may repeat of a field's value.
func (f Field) show(value []byte) string {
	switch {
	case f == FieldCreditorName || f == FieldLabel:
		return ""
	case f == FieldDebtorIBAN || f == FieldCreditorIBAN:
		return iban.Mask(string(value))
	case iban.Resembles(string(value)): // in the wrong column
		return iban.Mask(string(value))
	default:
		return fault.Printable(value)
	}
}

// Record is one record as a layout has read it. Only the member that Kind names is meaningful, and of it only the fields
// that are not refused.
type Record struct {
	Kind    RecordKind
	Header  Header
	Line    Line
	Trailer Trailer

	spans   [fieldCount]span
	refused uint32 // one bit a Field
	list    []refusal
}

// span is a part of a line, in bytes.
type span struct{ start, end int }

type refusal struct {
	field  Field
	reject Code
	code   fault.Code
	reason string
}

// Place notes that a field stands at text[start:end]. A layout does so before it refuses the field.
func (r *Record) Place(field Field, start, end int) { r.spans[field] = span{start, end} }

// Refuse notes why a field cannot be read, once: what is refused afterwards on the same field is left out. A line is
// rejected by it as CodeInvalidFile; in a header or a trailer it refuses the file.
func (r *Record) Refuse(field Field, code fault.Code, reason string) {
	r.reject(field, CodeInvalidFile, code, reason)
}

func (r *Record) reject(field Field, reject Code, code fault.Code, reason string) {
	if r.isRefused(field) {
		return
	}

	r.refused |= 1 << field
	r.list = append(r.list, refusal{field, reject, code, reason})
}

func (r *Record) isRefused(field Field) bool { return r.refused&(1<<field) != 0 }

// clear forgets the record before.
func (r *Record) clear() { *r = Record{list: r.list[:0]} }

// fault describes a refusal on a line of text.
func (r *Record) fault(refused refusal, number int, text []byte) fault.Fault {
	found := fault.Fault{
		Line: number, Field: refused.field.String(), Reason: refused.reason, Code: refused.code,
	}

	if refused.field != FieldRecord {
		at := r.spans[refused.field]
		found.Column = lines.Column(text, at.start)
		found.Value = refused.field.show(text[at.start:at.end])
	}

	return found
}
