package settlement

import (
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// Layout is how a site writes the records of a CRE file, one a line. It says what a line's text means; whether that is
// acceptable is controlled by Read, alike for all layouts. A Layout holds no state of a file and may serve several at
// once.
type Layout interface {
	// Text declares the encoding and the line endings of a file.
	Text() lines.Options
	// Decode reads one line, in UTF-8 and without its ending, into record: its kind, every field of that kind, and where
	// each field stands. A field that cannot be read is refused; a line that is no record at all is refused as a whole and
	// keeps RecordNone. Byte slices of the record may point into text.
	Decode(text []byte, record *Record)
}

// RecordKind is which record a line is.
type RecordKind uint8

// The kinds of records.
const (
	RecordNone RecordKind = iota
	RecordHeader
	RecordLine
	RecordTrailer
	RecordIgnored // a record of the site's own, between header and trailer, that says nothing of a line
)

// Field is a field of a record.
type Field uint8

// The fields of a line, then of the header, then of the trailer.
const (
	FieldRecord Field = iota // the record as a whole
	FieldLineNumber
	FieldCreID
	FieldAccountID
	FieldSiret
	FieldContract
	FieldScheme
	FieldType
	FieldGross
	FieldCommission
	FieldTransactionDate
	FieldValueDate
	FieldAcquirerRef
	FieldOriginalRef
	FieldReasonCode
	FieldLabel

	FieldFormat
	FieldFileName
	FieldKind
	FieldReference
	FieldOperationType
	FieldSettlementDate
	FieldCurrency
	FieldCreatedAt

	FieldLineCount
	FieldSumGross
	FieldSumCommission
	FieldChecksum

	fieldCount
)

var fieldNames = [fieldCount]string{ //nolint:gochecknoglobals // a table that nobody writes to
	"", "lineNo", "creId", "accountId", "siret", "contract", "scheme", "type", "grossCents", "commissionCents",
	"transactionDate", "valueDate", "acquirerRef", "originalRef", "reasonCode", "label",
	"format", "fileName", "kind", "reference", "operationType", "settlementDate", "currency", "createdAt",
	"lineCount", "sumGrossCents", "sumCommissionCents", "sha256",
}

// String gives the field's name as faults show it.
func (f Field) String() string { return fieldNames[f] }

// Record is one record as a layout has read it. Only the member that Kind names is meaningful, and of it only the fields
// that are not refused.
type Record struct {
	fields

	Kind    RecordKind
	Header  Header
	Line    Line
	Trailer Trailer
}

// fields says where the fields of a record stand in its line, and which of them are refused.
type fields struct {
	spans   [fieldCount]span
	refused uint32 // one bit a Field
	lacking uint32 // one bit a Field
	list    []refusal
}

// span is a part of a line, in bytes.
type span struct{ start, end int32 }

type refusal struct {
	field  Field
	code   fault.Code
	reason string
}

// Place notes that a field stands at text[start:end]. A layout does so before it refuses the field.
func (f *fields) Place(field Field, start, end int) {
	f.spans[field] = span{int32(start), int32(end)} //nolint:gosec // a line is far shorter than 2 GiB
}

// Refuse notes what is wrong with a field, once: what is refused afterwards on the same field is left out.
func (f *fields) Refuse(field Field, code fault.Code, reason string) {
	if f.isRefused(field) {
		return
	}

	f.refused |= 1 << field
	f.list = append(f.list, refusal{field, code, reason})
}

// Lack notes that the files of a layout do not have a field at all, so that the control that needs it is left out: a
// line's number (lines then have the numbers in which they stand), the trailer's count, sums and checksum, each by itself.
// A file without its name in the header goes by the name that Read is given. Any other field is controlled all the same.
func (f *fields) Lack(field Field) { f.lacking |= 1 << field }

func (f *fields) isRefused(field Field) bool { return f.refused&(1<<field) != 0 }

func (f *fields) lacks(field Field) bool { return f.lacking&(1<<field) != 0 }

// clear forgets the record before.
func (f *fields) clear() {
	f.refused, f.lacking = 0, 0
	f.list = f.list[:0]
}

// fault describes a refusal on a line of text.
func (f *fields) fault(refused refusal, number int, text []byte) fault.Fault {
	found := fault.Fault{
		Line: number, Field: refused.field.String(), Reason: refused.reason, Code: refused.code,
	}

	if refused.field != FieldRecord {
		at := f.spans[refused.field]
		found.Column = lines.Column(text, int(at.start))
		found.Value = fault.Printable(text[at.start:at.end])
	}

	return found
}
