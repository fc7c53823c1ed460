package transfer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
)

const (
	// BulkFormat is the name of the format of a bulk file: JSON lines, a header, a line a payment, a trailer.
	BulkFormat = "ogep-bulk/1"
	// maxReference bounds a refExterne, in characters: a uuid, a hyphen and an epoch in milliseconds have 50.
	maxReference = 64
)

// The records of the file, in the order of their members.
type (
	bulkHeader struct {
		Format    string `json:"format"`
		Name      string `json:"name"`
		BulkID    string `json:"bulkId"`
		Purpose   string `json:"purpose"`
		DueDate   string `json:"dueDate"`
		Orders    int    `json:"orders"`
		Sum       string `json:"sum"`
		DebitIBAN string `json:"debitIban"`
	}
	bulkLine struct {
		EndToEndID   string `json:"endToEndId"`
		RefExterne   string `json:"refExterne"`
		Amount       string `json:"amount"`
		DebtorName   string `json:"debtorName"`
		DebtorBIC    string `json:"debtorBic"`
		DebtorIBAN   string `json:"debtorIban"`
		CreditorName string `json:"creditorName"`
		CreditorBIC  string `json:"creditorBic"`
		CreditorIBAN string `json:"creditorIban"`
		Info         string `json:"info"`
	}
	bulkTrailer struct {
		Lines  int    `json:"lines"`
		Sum    string `json:"sum"`
		SHA256 string `json:"sha256"`
	}
)

var (
	bulkIDPattern   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	graphicPattern  = regexp.MustCompile(`^[\x21-\x7e]+$`)
	partyBICPattern = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// reasons collects what is wrong with one record; the values are left out: they may name a person or an account.
type reasons []fault.Fault

func (r *reasons) unless(good bool, field string, code fault.Code, reason string) {
	if !good {
		*r = append(*r, fault.Fault{Field: field, Code: code, Reason: reason})
	}
}

func (r *reasons) party(field string, party Party) {
	r.unless(text(party.Name, MaxPartyName), field+"Name", fault.CodeTooLong,
		"must have 1 to "+strconv.Itoa(MaxPartyName)+" printable characters")
	r.unless(partyBICPattern.MatchString(party.BIC), field+"Bic", fault.CodePattern, "must be a BIC of 8 or 11 characters")
	r.unless(iban.Check(party.IBAN) == nil, field+"Iban", fault.CodeIBAN, "must be an IBAN without spaces")
}

// text tells whether a text may stand in the file: printable, not blank, and no longer than that many characters.
func text(value string, limit int) bool {
	return strings.TrimSpace(value) != "" && utf8.RuneCountInString(value) <= limit && lines.Clean([]byte(value)) &&
		!strings.ContainsRune(value, utf8.RuneError)
}

func graphic(value string, limit int) bool {
	return len(value) <= limit && graphicPattern.MatchString(value)
}

// check tells what is wrong with a header.
func (b Bulk) check() []fault.Fault {
	var wrong reasons
	wrong.unless(bulkNamePattern.MatchString(b.Name), "name", fault.CodePattern,
		"must be a bulk's name, letters and then its day and number")
	wrong.unless(bulkIDPattern.MatchString(b.ID), "bulkId", fault.CodePattern, "must be a uuid")
	switch b.Purpose {
	case Payout, Cover, Revenue, Recovery, Canton, Decanton:
	default:
		wrong.unless(false, "purpose", fault.CodePattern, "must be a purpose of orders")
	}
	wrong.unless(!b.DueDate.IsZero(), "dueDate", fault.CodeDate, "must be a day, as 2006-01-02")
	wrong.unless(b.Orders >= 1 && b.Orders <= MaxOrdersABulk, "orders", fault.CodePattern, "must be 1 to "+strconv.Itoa(MaxOrdersABulk))
	wrong.unless(b.Sum > 0 && b.Sum <= money.Max, "sum", fault.CodeAmount, "must be euros above zero with two decimal places")
	wrong.unless(iban.Check(b.DebitIBAN) == nil, "debitIban", fault.CodeIBAN, "must be an IBAN without spaces")
	return wrong
}

// check tells what is wrong with a line.
func (p Payment) check() []fault.Fault {
	var wrong reasons
	wrong.unless(graphic(p.EndToEndID, MaxEndToEndID), "endToEndId", fault.CodePattern,
		"must have 1 to "+strconv.Itoa(MaxEndToEndID)+" printable ASCII characters without spaces")
	wrong.unless(graphic(p.RefExterne, maxReference), "refExterne", fault.CodePattern,
		"must have 1 to "+strconv.Itoa(maxReference)+" printable ASCII characters without spaces")
	wrong.unless(p.Amount > 0 && p.Amount <= money.Max, "amount", fault.CodeAmount, "must be euros above zero with two decimal places")
	wrong.party("debtor", p.Debtor)
	wrong.party("creditor", p.Creditor)
	wrong.unless(text(p.Info, MaxInfo), "info", fault.CodeTooLong, "must have 1 to "+strconv.Itoa(MaxInfo)+" printable characters")
	return wrong
}

func (b Bulk) record() bulkHeader {
	return bulkHeader{
		Format: BulkFormat, Name: b.Name, BulkID: b.ID, Purpose: string(b.Purpose), DueDate: b.DueDate.String(),
		Orders: b.Orders, Sum: b.Sum.String(), DebitIBAN: b.DebitIBAN,
	}
}

func (h bulkHeader) bulk() Bulk {
	due, _ := calendar.ParseDate(h.DueDate) // the zero date is refused
	sum, _ := money.Parse(h.Sum)            // as is zero
	return Bulk{
		Name: h.Name, ID: h.BulkID, Purpose: Purpose(h.Purpose), DueDate: due, Orders: h.Orders, Sum: sum, DebitIBAN: h.DebitIBAN,
	}
}

func (p Payment) record() bulkLine {
	return bulkLine{
		EndToEndID: p.EndToEndID, RefExterne: p.RefExterne, Amount: p.Amount.String(),
		DebtorName: p.Debtor.Name, DebtorBIC: p.Debtor.BIC, DebtorIBAN: p.Debtor.IBAN,
		CreditorName: p.Creditor.Name, CreditorBIC: p.Creditor.BIC, CreditorIBAN: p.Creditor.IBAN, Info: p.Info,
	}
}

func (l bulkLine) payment() Payment {
	amount, _ := money.Parse(l.Amount) // zero is refused
	return Payment{
		EndToEndID: l.EndToEndID, RefExterne: l.RefExterne, Amount: amount,
		Debtor:   Party{Name: l.DebtorName, BIC: l.DebtorBIC, IBAN: l.DebtorIBAN},
		Creditor: Party{Name: l.CreditorName, BIC: l.CreditorBIC, IBAN: l.CreditorIBAN},
		Info:     l.Info,
	}
}

// encode writes a record as the file has it, with the line's ending.
func encode(record any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(record); err != nil {
		return nil, fmt.Errorf("write a record: %w", err)
	}
	return line.Bytes(), nil
}

// decode reads a record that is written exactly as encode writes it: the format has one way to say a thing, so that
// what two readers understand cannot differ.
func decode[R any](line []byte) (R, bool) {
	var record R
	if err := json.Unmarshal(line, &record); err != nil {
		return record, false
	}
	again, err := encode(record)
	return record, err == nil && bytes.Equal(bytes.TrimSuffix(again, []byte{'\n'}), line)
}

// BulkWriter writes a bulk file. The same bulk and payments always give the same bytes.
type BulkWriter struct {
	buffer *bufio.Writer
	digest hash.Hash
	bulk   Bulk
	ids    map[string]bool
	orders int
	sum    money.Cents
}

// NewBulkWriter writes the header. The error is a *fault.Fault that names the line of the file that a reader would
// refuse, or that of the destination; after one of a writer, the file is to be thrown away.
func NewBulkWriter(destination io.Writer, bulk Bulk) (*BulkWriter, error) {
	w := &BulkWriter{
		buffer: bufio.NewWriter(destination), digest: sha256.New(), bulk: bulk, ids: make(map[string]bool),
	}
	if err := w.write(bulk.record(), bulk.check()); err != nil {
		return nil, err
	}
	return w, nil
}

// Write writes one payment. The errors are those of NewBulkWriter.
func (w *BulkWriter) Write(payment Payment) error {
	wrong := reasons(payment.check())
	wrong.unless(!w.ids[payment.EndToEndID], "endToEndId", fault.CodeDuplicate, "stands in the bulk already")
	sum, err := w.sum.Add(payment.Amount)
	wrong.unless(err == nil, "amount", fault.CodeAmount, "brings the sum beyond "+money.Max.String())
	w.ids[payment.EndToEndID] = true
	w.orders, w.sum = w.orders+1, sum
	return w.write(payment.record(), wrong)
}

// Close writes the trailer, when the payments are as many and as much as the header says. It does not close the
// destination. The errors are those of NewBulkWriter.
func (w *BulkWriter) Close() error {
	var wrong reasons
	wrong.unless(w.orders == w.bulk.Orders, "lines", fault.CodeTrailerCount,
		"are "+strconv.Itoa(w.orders)+", the header says "+strconv.Itoa(w.bulk.Orders))
	wrong.unless(w.sum == w.bulk.Sum, "sum", fault.CodeTrailerSum, "is "+w.sum.String()+", the header says "+w.bulk.Sum.String())
	trailer := bulkTrailer{Lines: w.orders, Sum: w.sum.String(), SHA256: hex.EncodeToString(w.digest.Sum(nil))}
	if err := w.write(trailer, wrong); err != nil {
		return err
	}
	if err := w.buffer.Flush(); err != nil {
		return fmt.Errorf("write bulk %s: %w", w.bulk.Name, err)
	}
	return nil
}

func (w *BulkWriter) write(record any, wrong []fault.Fault) error {
	if len(wrong) > 0 {
		refused := wrong[0]
		refused.File, refused.Line = w.bulk.Name, w.orders+1
		return &refused
	}
	line, err := encode(record)
	if err != nil {
		return err
	}
	w.digest.Write(line)
	if _, err := w.buffer.Write(line); err != nil {
		return fmt.Errorf("write bulk %s: %w", w.bulk.Name, err)
	}
	return nil
}

// ReadBulk reads a bulk file, calling each for every payment that is good in itself, in the order of the file. What
// each was given counts only when ReadBulk returns no error: the trailer proves the file. Its memory is bounded by
// MaxOrdersABulk identifiers.
//
// The error is a *[fault.Faults] when the file is refused, otherwise that of the source or of each.
func ReadBulk(name string, source io.Reader, each func(Payment) error) (Bulk, error) {
	file := bulkReading{faults: &fault.Faults{File: name}, ids: make(map[string]int)}
	reader := lines.NewReader(source, lines.Options{}, file.faults)
	for file.goesOn() && reader.Next() {
		if !reader.Sound() {
			file.unread = true
			continue
		}
		payment, good := file.record(reader.Number(), reader.Text(), reader.SumBefore)
		if !good {
			continue
		}
		if err := each(payment); err != nil {
			return Bulk{}, fmt.Errorf("%s: line %d: %w", name, reader.Number(), err)
		}
	}
	if err := reader.Err(); err != nil {
		return Bulk{}, fmt.Errorf("%s: after line %d: %w", name, reader.Number(), err)
	}
	if !file.trailed && !file.foreign && reader.Number() > 0 && file.faults.ByCode[fault.CodeTruncated] == 0 {
		file.faults.Add(fault.Fault{Code: fault.CodeNoTrailer, Reason: "ends without a trailer"})
	}
	file.faults.Sort()
	if err := file.faults.Err(); err != nil {
		return Bulk{}, err
	}
	return file.bulk, nil
}

// bulkReading is how far a file is read.
type bulkReading struct {
	faults  *fault.Faults
	bulk    Bulk
	ids     map[string]int // line of each endToEndId
	orders  int
	sum     money.Cents
	unread  bool // a line, or its amount, could not be read: count and sum say nothing
	foreign bool // the first line is no header: what follows means nothing
	trailed bool
}

// goesOn is false for a file that is none, or longer than a bulk may be.
func (f *bulkReading) goesOn() bool { return !f.foreign && f.orders <= MaxOrdersABulk }

func (f *bulkReading) note(line int, found fault.Fault) {
	found.Line = line
	f.faults.Add(found)
}

// record reads one record, and tells whether it is a payment that is good in itself.
func (f *bulkReading) record(line int, raw []byte, sumBefore func() [sha256.Size]byte) (Payment, bool) {
	switch {
	case line == 1:
		f.header(raw)
	case f.trailed:
		f.note(line, fault.Fault{Code: fault.CodeAfterTrailer, Reason: "follows the trailer, which must be the last line"})
	case bytes.HasPrefix(raw, []byte(`{"lines":`)):
		f.trailer(line, raw, sumBefore)
	default:
		return f.payment(line, raw)
	}
	return Payment{}, false
}

func (f *bulkReading) header(raw []byte) {
	header, written := decode[bulkHeader](raw)
	if !written || header.Format != BulkFormat {
		f.foreign = true
		f.note(1, fault.Fault{Code: fault.CodeNoHeader, Reason: "must be the header of a file of the format " + BulkFormat})
		return
	}
	f.bulk = header.bulk()
	for _, wrong := range f.bulk.check() {
		f.note(1, wrong)
	}
	if f.bulk.Sum.String() != header.Sum || f.bulk.DueDate.String() != header.DueDate {
		f.note(1, fault.Fault{Code: fault.CodeRecord, Reason: "must have its sum as 12.34 and its day as 2006-01-02"})
	}
}

func (f *bulkReading) payment(line int, raw []byte) (Payment, bool) {
	f.orders++
	if f.orders > MaxOrdersABulk {
		f.note(line, fault.Fault{
			Code: fault.CodeTooManyLines, Reason: "is beyond the limit of " + strconv.Itoa(MaxOrdersABulk) + " payments",
		})
		return Payment{}, false
	}
	read, written := decode[bulkLine](raw)
	if !written {
		f.unread = true
		f.note(line, fault.Fault{Code: fault.CodeRecord, Reason: "is not written as a payment of the format " + BulkFormat})
		return Payment{}, false
	}
	payment := read.payment()
	wrong := reasons(payment.check())
	wrong.unless(payment.Amount.String() == read.Amount, "amount", fault.CodeAmount, "must be euros with two decimal places")
	if first, known := f.ids[payment.EndToEndID]; known {
		wrong.unless(false, "endToEndId", fault.CodeDuplicate, "stands on line "+strconv.Itoa(first)+" already")
	}
	f.ids[payment.EndToEndID] = line
	sum, err := f.sum.Add(payment.Amount)
	wrong.unless(err == nil, "amount", fault.CodeAmount, "brings the sum beyond "+money.Max.String())
	f.sum = sum
	f.unread = f.unread || len(wrong) > 0
	for _, found := range wrong {
		f.note(line, found)
	}
	return payment, len(wrong) == 0
}

// trailer compares the trailer, and the header, with what was read.
func (f *bulkReading) trailer(line int, raw []byte, sumBefore func() [sha256.Size]byte) {
	f.trailed = true
	said, written := decode[bulkTrailer](raw)
	if !written {
		f.note(line, fault.Fault{Code: fault.CodeRecord, Reason: "is not written as a trailer of the format " + BulkFormat})
		return
	}
	var wrong reasons
	digest := sumBefore()
	wrong.unless(said.SHA256 == hex.EncodeToString(digest[:]), "sha256", fault.CodeChecksum,
		"is not the SHA-256 of the bytes before this line")
	if !f.unread {
		wrong.unless(said.Lines == f.orders && f.bulk.Orders == f.orders, "lines", fault.CodeTrailerCount,
			fmt.Sprintf("the file has %d payments, its header says %d, its trailer %d", f.orders, f.bulk.Orders, said.Lines))
		wrong.unless(said.Sum == f.sum.String() && f.bulk.Sum == f.sum, "sum", fault.CodeTrailerSum,
			"the payments come to "+f.sum.String()+", which the header and the trailer must say")
	}
	for _, found := range wrong {
		f.note(line, found)
	}
}
