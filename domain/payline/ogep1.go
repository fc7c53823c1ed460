package payline

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
)

// Format names the format that Ogep1 reads.
const Format = "ogep-payline/1"

const (
	separator = ';'

	headerMark   = "H"
	movementMark = "M"
	transferMark = "V"
	trailerMark  = "T"

	maxNumberDigits = 9 // of a sequence or a count: above MaxLines, within an int everywhere
	decimalBase     = 10
)

// The columns of each record, its mark first.
var (
	headerColumns   = []Field{FieldRecord, FieldSequence, FieldDate} //nolint:gochecknoglobals // a table that nobody writes to
	movementColumns = []Field{                                       //nolint:gochecknoglobals // a table that nobody writes to
		FieldRecord, FieldEndToEndID, FieldOperationCode, FieldDebtorCP, FieldCreditorCP, FieldAmount, FieldCurrency,
		FieldLabel, FieldExecDate,
	}
	transferColumns = []Field{ //nolint:gochecknoglobals // a table that nobody writes to
		FieldRecord, FieldEndToEndID, FieldDebtorCP, FieldDebtorIBAN, FieldCreditorName, FieldCreditorBIC, FieldCreditorIBAN,
		FieldAmount, FieldCurrency, FieldLabel, FieldExecDate,
	}
	trailerColumns = []Field{ //nolint:gochecknoglobals // a table that nobody writes to
		FieldRecord, FieldMovements, FieldTransfers, FieldSum,
	}
)

// Ogep1 is the format ogep-payline/1: text separated by semicolons, without quoting.
//
//	H;<sequence>;<date yyyyMMdd>
//	M;<endToEndId>;<operationCode>;<debtorCp>;<creditorCp>;<amountCents>;EUR;<label>;<execDate yyyyMMdd>
//	V;<endToEndId>;<debtorCp>;<debtorIban>;<creditorName>;<creditorBic>;<creditorIban>;<amountCents>;EUR;<info>;
//	  <execDate yyyyMMdd>
//	T;<number of M>;<number of V>;<sumCents>
//
// Numbers and amounts are digits only. Movements and transfers may come in any order. The zero Ogep1 is UTF-8, lines
// ending in LF; a file written otherwise is declared by Options.
type Ogep1 struct {
	Options lines.Options
}

// Text gives the options.
func (o Ogep1) Text() lines.Options { return o.Options }

// Decode reads one line.
func (Ogep1) Decode(text []byte, record *Record) {
	mark, _, found := bytes.Cut(text, []byte{separator})
	if !found {
		mark = nil
	}

	switch string(mark) {
	case movementMark:
		record.Kind, record.Line.Kind = RecordLine, Movement
		record.decodeMovement(text)
	case transferMark:
		record.Kind, record.Line.Kind = RecordLine, Transfer
		record.decodeTransfer(text)
	case headerMark:
		record.Kind = RecordHeader
		record.decodeHeader(text)
	case trailerMark:
		record.Kind = RecordTrailer
		record.decodeTrailer(text)
	default:
		record.Refuse(FieldRecord, fault.CodeRecord,
			"is no record of "+Format+": it must begin with H; (header), M; (movement), V; (transfer) or T; (trailer)")
	}
}

func (r *Record) decodeHeader(text []byte) {
	if r.split(text, headerColumns) {
		r.Header = Header{Sequence: r.number(text, FieldSequence), Date: r.date(text, FieldDate)}
	}
}

func (r *Record) decodeTrailer(text []byte) {
	if r.split(text, trailerColumns) {
		r.Trailer = Trailer{
			Movements: r.number(text, FieldMovements), Transfers: r.number(text, FieldTransfers), Sum: r.cents(text, FieldSum),
		}
	}
}

func (r *Record) decodeMovement(text []byte) {
	whole := r.split(text, movementColumns)
	r.Line.EndToEndID = r.text(text, FieldEndToEndID)

	if !whole {
		return
	}

	r.Line.OperationCode = r.text(text, FieldOperationCode)
	r.Line.DebtorCP = r.text(text, FieldDebtorCP)
	r.Line.CreditorCP = r.text(text, FieldCreditorCP)
	r.decodePayment(text)
}

func (r *Record) decodeTransfer(text []byte) {
	whole := r.split(text, transferColumns)
	r.Line.EndToEndID = r.text(text, FieldEndToEndID)

	if !whole {
		return
	}

	r.Line.DebtorCP = r.text(text, FieldDebtorCP)
	r.Line.DebtorIBAN = r.text(text, FieldDebtorIBAN)
	r.Line.CreditorName = r.text(text, FieldCreditorName)
	r.Line.CreditorBIC = r.text(text, FieldCreditorBIC)
	r.Line.CreditorIBAN = r.text(text, FieldCreditorIBAN)
	r.decodePayment(text)
}

func (r *Record) decodePayment(text []byte) {
	r.Line.Amount = r.cents(text, FieldAmount)
	r.Line.Currency = r.text(text, FieldCurrency)
	r.Line.Label = r.text(text, FieldLabel)
	r.Line.ExecDate = r.date(text, FieldExecDate)
}

// split places the columns of a record. It refuses the record when there are not as many columns as it has; the
// endToEndId, which comes next to the mark, can be told all the same.
func (r *Record) split(text []byte, columns []Field) bool {
	column, start := 0, 0

	for start <= len(text) {
		end := len(text)
		if i := bytes.IndexByte(text[start:], separator); i >= 0 {
			end = start + i
		}

		if column < len(columns) {
			r.Place(columns[column], start, end)
		}

		start = end + 1
		column++
	}

	if column != len(columns) {
		r.Refuse(FieldRecord, fault.CodeRecord, "has "+strconv.Itoa(column)+" columns, a "+string(text[:1])+
			" record of "+Format+" has "+strconv.Itoa(len(columns)))

		return false
	}

	return true
}

func (r *Record) bytes(text []byte, field Field) []byte {
	at := r.spans[field]

	return text[at.start:at.end]
}

func (r *Record) text(text []byte, field Field) string { return string(r.bytes(text, field)) }

func (r *Record) number(text []byte, field Field) int {
	digits := r.bytes(text, field)
	if len(digits) > maxNumberDigits || !onlyDigits(digits) {
		r.Refuse(field, fault.CodePattern, "must be a whole number of 1 to 9 digits")

		return 0
	}

	value := 0
	for _, char := range digits {
		value = value*decimalBase + int(char-'0')
	}

	return value
}

func (r *Record) cents(text []byte, field Field) money.Cents {
	digits := r.bytes(text, field)
	cents, err := money.ParseCents(digits)

	switch {
	case errors.Is(err, money.ErrOverflow):
		r.Refuse(field, fault.CodeAmount, "is beyond the largest amount, "+plainCents(money.Max)+" cents")
	case err != nil || !onlyDigits(digits):
		r.Refuse(field, fault.CodeAmount, "must be a whole number of cents, digits only")
	default:
		return cents
	}

	return 0
}

func (r *Record) date(text []byte, field Field) calendar.Date {
	date, err := calendar.ParseCompact(r.bytes(text, field))
	if err != nil {
		r.Refuse(field, fault.CodeDate, "must be a day of the calendar, yyyyMMdd")
	}

	return date
}

func onlyDigits[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}

	return len(text) > 0
}

func plainCents(amount money.Cents) string { return strconv.FormatInt(int64(amount), decimalBase) }

// appendRecord appends a record with its LF.
func appendRecord(dst []byte, mark string, columns ...string) []byte {
	dst = append(dst, mark...)

	for _, column := range columns {
		dst = append(dst, separator)
		dst = append(dst, column...)
	}

	return append(dst, '\n')
}

func appendHeader(dst []byte, header Header) []byte {
	return appendRecord(dst, headerMark, strconv.Itoa(header.Sequence), header.Date.Compact())
}

func appendLine(dst []byte, line *Line) []byte {
	if line.Kind == Movement {
		return appendRecord(dst, movementMark, line.EndToEndID, line.OperationCode, line.DebtorCP, line.CreditorCP,
			plainCents(line.Amount), line.Currency, line.Label, line.ExecDate.Compact())
	}

	return appendRecord(dst, transferMark, line.EndToEndID, line.DebtorCP, line.DebtorIBAN, line.CreditorName,
		line.CreditorBIC, line.CreditorIBAN, plainCents(line.Amount), line.Currency, line.Label, line.ExecDate.Compact())
}

func appendTrailer(dst []byte, trailer Trailer) []byte {
	return appendRecord(dst, trailerMark, strconv.Itoa(trailer.Movements), strconv.Itoa(trailer.Transfers),
		plainCents(trailer.Sum))
}
