package settlement

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
)

// Format names the format that CRE1 reads, as a header declares it.
const Format = "ogep-cre/1"

const (
	separator = ';'

	headerMark  = "H"
	lineMark    = "D"
	trailerMark = "T"

	// A record's columns are its mark, then its fields in the order in which Field lists them.
	lineColumns    = int(FieldLabel) + 1
	headerColumns  = int(FieldCreatedAt-FieldFormat) + 2
	trailerColumns = int(FieldChecksum-FieldLineCount) + 2

	maxNumberDigits = 9 // of a line number or a count: above MaxLines, within an int everywhere
	decimalBase     = 10
)

// CRE1 is the format ogep-cre/1: text separated by semicolons, without quoting.
//
//	H;ogep-cre/1;<fileName>;TRANSACTION|IMPAYE;<reference>;<operationType>;<settlementDate yyyyMMdd>;EUR;<createdAt>
//	D;<lineNo>;<creId>;<accountId>;<siret>;<contract>;CB|VISA|MC;VENTE|REMB|IMPAYE|REPRES;<grossCents>;<commissionCents>;
//	  <transactionDate RFC 3339>;<valueDate yyyyMMdd>;<acquirerRef>;<originalRef>;<reasonCode>;<label>
//	T;<lineCount>;<sumGrossCents>;<sumCommissionCents>;<sha256 of the bytes before this line, in lower-case hex>
//
// Amounts are whole cents without leading zeros; only those below zero have a sign. The zero CRE1 is UTF-8, lines ending
// in LF; a file written otherwise is declared by Options.
type CRE1 struct {
	Options lines.Options
}

// Text gives the options.
func (c CRE1) Text() lines.Options { return c.Options }

// Decode reads one line.
func (CRE1) Decode(text []byte, record *Record) {
	if len(text) < 2 || text[1] != separator {
		refuseMark(record)

		return
	}

	switch text[0] {
	case lineMark[0]:
		record.Kind = RecordLine
		record.decodeLine(text, &record.Line)
	case headerMark[0]:
		record.Kind = RecordHeader
		record.decodeHeader(text, &record.Header)
	case trailerMark[0]:
		record.Kind = RecordTrailer
		record.decodeTrailer(text, &record.Trailer)
	default:
		refuseMark(record)
	}
}

func refuseMark(record *Record) {
	record.Refuse(FieldRecord, fault.CodeRecord,
		"is no record of "+Format+": it must begin with H; (header), D; (line) or T; (trailer)")
}

// ParseLine reads one D record of ogep-cre/1, without its LF, into line, whose slices point into raw. It is the way back
// of AppendLine: it refuses what cannot be read, and leaves to Read what concerns the meaning (patterns, signs, lengths).
// The error is the first *fault.Fault. It does not allocate unless it fails.
func ParseLine(raw []byte, line *Line) error {
	var read fields

	if len(raw) < 2 || raw[0] != lineMark[0] || raw[1] != separator {
		read.Refuse(FieldRecord, fault.CodeRecord, "is no line of "+Format+": it must begin with D;")
	} else {
		read.decodeLine(raw, line)
	}

	if len(read.list) > 0 {
		found := read.fault(read.list[0], 0, raw)

		return &found
	}

	return nil
}

// AppendLine appends line as a D record of ogep-cre/1 with its LF. The line must be one that Read or ParseLine gave, or
// that a Writer would accept: its texts hold neither a semicolon nor a line ending.
func AppendLine(dst []byte, line *Line) []byte {
	dst = append(dst, lineMark...)
	dst = append(dst, separator)
	dst = strconv.AppendInt(dst, int64(line.Number), decimalBase)
	dst = append(dst, separator)
	dst = append(dst, line.CreID...)
	dst = append(dst, separator)
	dst = append(dst, line.AccountID...)
	dst = append(dst, separator)
	dst = append(dst, line.Siret...)
	dst = append(dst, separator)
	dst = append(dst, line.Contract...)
	dst = append(dst, separator)
	dst = append(dst, line.Scheme...)
	dst = append(dst, separator)
	dst = append(dst, line.Type...)
	dst = append(dst, separator)
	dst = strconv.AppendInt(dst, int64(line.Gross), decimalBase)
	dst = append(dst, separator)
	dst = strconv.AppendInt(dst, int64(line.Commission), decimalBase)
	dst = append(dst, separator)
	dst = appendInstant(dst, line.TransactionAt)
	dst = append(dst, separator)
	dst = line.ValueDate.AppendCompact(dst)
	dst = append(dst, separator)
	dst = append(dst, line.AcquirerRef...)
	dst = append(dst, separator)
	dst = append(dst, line.OriginalRef...)
	dst = append(dst, separator)
	dst = append(dst, line.ReasonCode...)
	dst = append(dst, separator)
	dst = append(dst, line.Label...)

	return append(dst, '\n')
}

func appendHeader(dst []byte, header *Header) []byte {
	dst = append(dst, headerMark...)
	for _, column := range []string{
		Format, header.FileName, string(header.Kind), header.Reference, header.OperationType,
		header.SettlementDate.Compact(), header.Currency,
	} {
		dst = append(dst, separator)
		dst = append(dst, column...)
	}

	dst = append(dst, separator)
	dst = appendInstant(dst, header.CreatedAt)

	return append(dst, '\n')
}

func appendTrailer(dst []byte, trailer *Trailer) []byte {
	dst = append(dst, trailerMark...)
	for _, number := range []int64{int64(trailer.Lines), int64(trailer.Gross), int64(trailer.Commission)} {
		dst = append(dst, separator)
		dst = strconv.AppendInt(dst, number, decimalBase)
	}

	dst = append(dst, separator)
	dst = hex.AppendEncode(dst, trailer.Checksum[:])

	return append(dst, '\n')
}

func (f *fields) decodeLine(text []byte, line *Line) {
	// The fields of a line are the first of the list: column and Field have the same number.
	if !f.split(text, FieldRecord, lineColumns) {
		return
	}

	line.Number = f.number(text, FieldLineNumber)
	line.CreID = f.text(text, FieldCreID)
	line.AccountID = f.text(text, FieldAccountID)
	line.Siret = f.text(text, FieldSiret)
	line.Contract = f.text(text, FieldContract)
	line.Scheme = f.scheme(text)
	line.Type = f.lineType(text)
	line.Gross = f.cents(text, FieldGross)
	line.Commission = f.cents(text, FieldCommission)
	line.TransactionAt = f.instant(text, FieldTransactionDate)
	line.ValueDate = f.date(text, FieldValueDate)
	line.AcquirerRef = f.text(text, FieldAcquirerRef)
	line.OriginalRef = f.text(text, FieldOriginalRef)
	line.ReasonCode = f.text(text, FieldReasonCode)
	line.Label = f.text(text, FieldLabel)
}

func (f *fields) decodeHeader(text []byte, header *Header) {
	if !f.split(text, FieldFormat-1, headerColumns) {
		return
	}

	if string(f.text(text, FieldFormat)) != Format {
		f.Refuse(FieldFormat, fault.CodeFormat, "must be "+Format)
	}

	header.FileName = string(f.text(text, FieldFileName))
	header.Kind = f.kind(text)
	header.Reference = string(f.text(text, FieldReference))
	header.OperationType = string(f.text(text, FieldOperationType))
	header.SettlementDate = f.date(text, FieldSettlementDate)
	header.Currency = string(f.text(text, FieldCurrency))
	header.CreatedAt = f.instant(text, FieldCreatedAt)
}

func (f *fields) decodeTrailer(text []byte, trailer *Trailer) {
	if !f.split(text, FieldLineCount-1, trailerColumns) {
		return
	}

	trailer.Lines = f.number(text, FieldLineCount)
	trailer.Gross = f.cents(text, FieldSumGross)
	trailer.Commission = f.cents(text, FieldSumCommission)

	checksum := f.text(text, FieldChecksum)
	if len(checksum) != hex.EncodedLen(len(trailer.Checksum)) || !lowerHex(checksum) {
		f.Refuse(FieldChecksum, fault.CodePattern, "must be 64 lower-case hexadecimal digits")

		return
	}

	_, _ = hex.Decode(trailer.Checksum[:], checksum) // cannot fail: length and digits are checked above
}

// split places the columns of a record: column i is the field mark+i. It refuses the record when there are not as many
// columns as it has.
func (f *fields) split(text []byte, mark Field, columns int) bool {
	const (
		word     = 8
		ones     = 0x0101010101010101
		sevens   = 0x7f * ones
		pattern  = separator * ones
		bitsByte = 8
	)

	column, start, offset := 0, 0, 0

	for ; offset+word <= len(text); offset += word {
		// A byte of found is 0x80 where the text has a separator and 0 elsewhere, whatever stands beside it.
		chars := binary.LittleEndian.Uint64(text[offset:]) ^ pattern
		found := ^((chars&sevens + sevens) | chars | sevens)

		for ; found != 0; found &= found - 1 {
			end := offset + bits.TrailingZeros64(found)/bitsByte
			if column < columns {
				f.Place(mark+Field(column), start, end)
			}

			start = end + 1
			column++
		}
	}

	for ; offset < len(text); offset++ {
		if text[offset] == separator {
			if column < columns {
				f.Place(mark+Field(column), start, offset)
			}

			start = offset + 1
			column++
		}
	}

	if column != columns-1 {
		f.Refuse(FieldRecord, fault.CodeRecord, "has "+strconv.Itoa(column+1)+" columns, a "+string(text[:1])+
			" record of "+Format+" has "+strconv.Itoa(columns))

		return false
	}

	f.Place(mark+Field(column), start, len(text))

	return true
}

func (f *fields) text(text []byte, field Field) []byte {
	at := f.spans[field]

	return text[at.start:at.end:at.end]
}

func (f *fields) number(text []byte, field Field) int {
	digits := f.text(text, field)
	if len(digits) == 0 || len(digits) > maxNumberDigits || digits[0] == '0' && len(digits) > 1 {
		f.Refuse(field, fault.CodePattern, "must be a whole number of 1 to 9 digits, without leading zeros")

		return 0
	}

	value := 0

	for _, char := range digits {
		if char < '0' || char > '9' {
			f.Refuse(field, fault.CodePattern, "must be a whole number of 1 to 9 digits, without leading zeros")

			return 0
		}

		value = value*decimalBase + int(char-'0')
	}

	return value
}

func (f *fields) cents(text []byte, field Field) money.Cents {
	digits := f.text(text, field)

	cents, err := money.ParseCents(digits)
	if err != nil {
		reason := "must be a whole number of cents: only digits, behind '-' when below zero"
		if errors.Is(err, money.ErrOverflow) {
			reason = "is beyond the largest amount, " + strconv.FormatInt(int64(money.Max), decimalBase) + " cents"
		}

		f.Refuse(field, fault.CodeAmount, reason)

		return 0
	}

	if digits[0] == '0' && len(digits) > 1 || digits[0] == '-' && digits[1] == '0' {
		f.Refuse(field, fault.CodeAmount, "must have neither leading zeros nor a sign before zero")
	}

	return cents
}

func (f *fields) scheme(text []byte) Scheme {
	switch string(f.text(text, FieldScheme)) {
	case string(SchemeCB):
		return SchemeCB
	case string(SchemeVisa):
		return SchemeVisa
	case string(SchemeMastercard):
		return SchemeMastercard
	default:
		f.Refuse(FieldScheme, fault.CodeUnknown, "must be CB, VISA or MC")

		return ""
	}
}

func (f *fields) lineType(text []byte) LineType {
	switch string(f.text(text, FieldType)) {
	case string(TypeVente):
		return TypeVente
	case string(TypeRemb):
		return TypeRemb
	case string(TypeImpaye):
		return TypeImpaye
	case string(TypeRepres):
		return TypeRepres
	default:
		f.Refuse(FieldType, fault.CodeUnknown, "must be VENTE, REMB, IMPAYE or REPRES")

		return ""
	}
}

func (f *fields) kind(text []byte) FileKind {
	switch string(f.text(text, FieldKind)) {
	case string(KindTransaction):
		return KindTransaction
	case string(KindImpaye):
		return KindImpaye
	default:
		f.Refuse(FieldKind, fault.CodeUnknown, "must be TRANSACTION or IMPAYE")

		return ""
	}
}

func (f *fields) date(text []byte, field Field) calendar.Date {
	date, err := calendar.ParseCompact(f.text(text, field))
	if err != nil {
		f.Refuse(field, fault.CodeDate, "must be a day of the calendar, yyyyMMdd")
	}

	return date
}

func (f *fields) instant(text []byte, field Field) time.Time {
	at, err := parseInstant(f.text(text, field))
	if err != nil {
		f.Refuse(field, fault.CodeDate, err.Error())
	}

	return at
}

func lowerHex(text []byte) bool {
	for _, char := range text {
		if (char < '0' || char > '9') && (char < 'a' || char > 'f') {
			return false
		}
	}

	return true
}
