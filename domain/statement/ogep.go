package statement

import (
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

const (
	// Format is the name of the format of statements.
	Format = "ogep-statement/1"

	// MaxSequence is the largest number of a statement.
	MaxSequence = MaxNumber
)

// CodeBalance is the fault of a statement whose closing balance is not its opening balance and its movements.
const CodeBalance fault.Code = "BALANCE"

// Read reads a statement of the format ogep-statement/1, streamed, and controls it: members missing, unknown or twice,
// identifiers that come twice, currency, amounts that are zero or not exact, the trailer's count, sum and checksum, and the
// closing balance. It calls each for every line that is good in itself, in the order of the file; what each has done is to
// be forgotten unless Read ends without error, because balance and checksum are known last.
//
// Read goes on after a fault, so that all of them are found in one go: the error is then a *fault.Faults, which repeats no
// label because it may name a person. An error of the source or of each ends the reading and is returned wrapped. name is
// the file's in faults and errors.
func Read(name string, source io.Reader, each func(Line) error) (Statement, error) {
	var format statementFormat

	read, err := readFile(name, source, &format, func() error { return each(format.current) })
	if err != nil {
		return Statement{}, err
	}

	statement := format.header
	statement.Lines, statement.SHA256, statement.Bytes = read.lines, read.sha256, read.bytes

	return statement, nil
}

// The members of the records.
const (
	fieldFormat    = "format"
	fieldAccount   = "account"
	fieldSequence  = "sequence"
	fieldDate      = "date"
	fieldOpening   = "openingBalance"
	fieldClosing   = "closingBalance"
	fieldID        = "id"
	fieldLabel     = "label"
	fieldAmount    = "amount"
	fieldCurrency  = "amount.currency"
	fieldValue     = "amount.value"
	fieldBooked    = "bookedDate"
	fieldPerformed = "transactionDate"
	fieldValueDate = "valueDate"
	fieldLines     = "lines"
	fieldSum       = "sum"
	fieldChecksum  = "sha256"
)

// statementFormat reads the records of ogep-statement/1.
type statementFormat struct {
	header  Statement
	current Line
}

func (*statementFormat) name() string { return Format }

func (*statementFormat) key() string { return fieldID }

func (f *statementFormat) readHeader(r *record) {
	f.header.Account = ledger.Code(r.text(fieldAccount, MaxID))

	switch f.header.Account {
	case ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement:
	default:
		r.refuse(fieldAccount, fault.CodeUnknown, "must be "+string(ledger.Reglement)+", "+string(ledger.Cantonnement)+" or "+
			string(ledger.Fonctionnement))
	}

	f.header.Sequence = r.count(fieldSequence, MaxSequence)
	if f.header.Sequence == 0 {
		r.refuse(fieldSequence, fault.CodePattern, "must be at least 1")
	}

	date, err := calendar.ParseDate(r.text(fieldDate, MaxID))
	if err != nil {
		r.refuse(fieldDate, fault.CodeDate, "must be a day of the calendar, as 2006-01-02")
	}

	f.header.Date = date
	f.header.Opening = r.textAmount(fieldOpening)
	f.header.Closing = r.textAmount(fieldClosing)
}

func (f *statementFormat) readLine(r *record) (string, money.Cents) {
	f.current = Line{ID: r.text(fieldID, MaxID), Label: r.text(fieldLabel, MaxLabel)}

	r.object(fieldAmount)

	if r.text(fieldCurrency, MaxID) != money.Currency {
		r.refuse(fieldCurrency, fault.CodeCurrency, "must be "+money.Currency)
	}

	f.current.Amount = r.numberAmount(fieldValue)
	if f.current.Amount == 0 {
		r.refuse(fieldValue, fault.CodeAmount, "must not be zero")
	}

	f.current.BookedAt = r.instant(fieldBooked)
	f.current.TransactionAt = r.instant(fieldPerformed)
	f.current.ValueAt = r.instant(fieldValueDate)

	return f.current.ID, f.current.Amount
}

// checkSum controls the closing balance, which stands on the first line.
func (f *statementFormat) checkSum(sum money.Cents) *fault.Fault {
	closing, err := f.header.Opening.Add(sum)
	if err == nil && closing == f.header.Closing {
		return nil
	}

	return &fault.Fault{
		Line: 1, Field: fieldClosing, Value: f.header.Closing.String(), Code: CodeBalance,
		Reason: "is not the opening balance " + f.header.Opening.String() + " and the sum of the lines " + sum.String(),
	}
}

// instantLayout writes an instant as the reference's events do.
const instantLayout = "2006-01-02T15:04:05.000-0700"

// instantShape is RFC 3339 down to the millisecond, the offset with or without its colon: package time by itself accepts an
// hour of one digit and a comma.
var instantShape = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:?[0-9]{2})$`)

func parseInstant(text string) (time.Time, bool) {
	const colonFromEnd = 3

	layout := "2006-01-02T15:04:05Z0700"
	if n := len(text); n > colonFromEnd && text[n-colonFromEnd] == ':' {
		layout = time.RFC3339
	}

	instant, err := time.Parse(layout, text)
	if err != nil || !instantShape.MatchString(text) {
		return time.Time{}, false
	}

	year := instant.UTC().Year()

	return instant.In(calendar.Paris()), year >= minYear && year <= maxYear
}

// Writer writes a file of the format ogep-statement/1: the header, its lines, and the trailer that they come to. The same
// statement and lines always give the same bytes. It refuses what Read would refuse.
type Writer struct {
	file   *fileWriter
	header Statement
}

// NewWriter writes the header of the statement, whose Lines, SHA256 and Bytes are not used. The error is a *fault.Fault, or
// that of the destination.
func NewWriter(destination io.Writer, header Statement) (*Writer, error) {
	w := &Writer{file: newFileWriter(destination, &statementFormat{}), header: header}

	err := w.file.write(struct {
		Format   string      `json:"format"`
		Account  ledger.Code `json:"account"`
		Sequence int         `json:"sequence"`
		Date     string      `json:"date"`
		Opening  string      `json:"openingBalance"`
		Closing  string      `json:"closingBalance"`
	}{
		Format, header.Account, header.Sequence, header.Date.String(), header.Opening.String(), header.Closing.String(),
	})
	if err != nil {
		return nil, err
	}

	return w, nil
}

// Write writes a line. The error is a *fault.Fault, after which nothing more may be written, or that of the destination.
func (w *Writer) Write(line Line) error {
	type amount struct {
		Currency string      `json:"currency"`
		Value    json.Number `json:"value"`
	}

	for _, at := range []time.Time{line.BookedAt, line.TransactionAt, line.ValueAt} {
		if at.Nanosecond()%int(time.Millisecond) != 0 {
			return w.file.fail(&fault.Fault{
				Line: w.file.number + 1, Value: strconv.Itoa(at.Nanosecond()), Code: fault.CodeDate,
				Reason: "nanoseconds are finer than the milliseconds that the format holds",
			})
		}
	}

	return w.file.write(struct {
		ID            string `json:"id"`
		Label         string `json:"label"`
		Amount        amount `json:"amount"`
		BookedAt      string `json:"bookedDate"`
		TransactionAt string `json:"transactionDate"`
		ValueAt       string `json:"valueDate"`
	}{
		line.ID, line.Label, amount{money.Currency, json.Number(line.Amount.String())},
		instantText(line.BookedAt), instantText(line.TransactionAt), instantText(line.ValueAt),
	})
}

// Close writes the trailer and gives what the statement is. It does not close the destination. The error is a
// *fault.Fault, such as that of lines that do not lead from the opening to the closing balance, or that of the destination.
func (w *Writer) Close() (Statement, error) {
	written, err := w.file.close()
	if err != nil {
		return Statement{}, err
	}

	statement := w.header
	statement.Lines, statement.SHA256, statement.Bytes = written.lines, written.sha256, written.bytes

	return statement, nil
}

func instantText(at time.Time) string { return at.In(calendar.Paris()).Format(instantLayout) }
