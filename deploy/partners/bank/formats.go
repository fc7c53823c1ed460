package bank

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// StatementFormat is the format that the bank states accounts in.
type StatementFormat string

// The formats of statements. The zero StatementFormat is StatementCamt053.
const (
	StatementCamt053  StatementFormat = message.Camt053V08
	StatementCamtOld  StatementFormat = message.Camt053V02
	StatementCFONB120 StatementFormat = "cfonb120"
)

// RejectsFormat is the format that the bank tells the payouts of a lot in.
type RejectsFormat string

// The formats of lots. The zero RejectsFormat is RejectsPain002.
const (
	RejectsPain002  RejectsFormat = "pain.002" // of the version that goes with the bulk's
	RejectsCamt054  RejectsFormat = "camt.054" // of the version that goes with the statement's
	RejectsCamt053  RejectsFormat = "camt.053" // inside the statement's entry: no file of its own
	RejectsCFONB240 RejectsFormat = "cfonb240"
)

// Formats is what the bank has agreed with the EP about what it writes. It is kept in the state. Whatever it writes, it
// takes bulks in either version of pain.001.
type Formats struct {
	Statement StatementFormat `json:"statement,omitempty"`
	Rejects   RejectsFormat   `json:"rejects,omitempty"`
	// Report has the bank answer each bulk with a pain.002: accepted, refused whole, or rejected in part.
	Report bool `json:"report,omitempty"`
	// OneFile puts the statements of a day into one file.
	OneFile bool `json:"oneFile,omitempty"`
}

// StatementFormats gives those that there are.
func StatementFormats() []StatementFormat {
	return []StatementFormat{StatementCamt053, StatementCamtOld, StatementCFONB120}
}

// RejectsFormats gives those that there are.
func RejectsFormats() []RejectsFormat {
	return []RejectsFormat{RejectsPain002, RejectsCamt054, RejectsCFONB240, RejectsCamt053}
}

// statement is the format of statements by its name.
func (f Formats) statement() StatementFormat { return cmp.Or(f.Statement, StatementCamt053) }

func (f Formats) rejects() RejectsFormat { return cmp.Or(f.Rejects, RejectsPain002) }

func (f Formats) check() error {
	isCamt := strings.HasPrefix(string(f.statement()), "camt.")

	switch {
	case !slices.Contains(StatementFormats(), f.statement()):
		return fmt.Errorf("the bank writes no statements in %q: name one of %q", f.Statement, StatementFormats())
	case !slices.Contains(RejectsFormats(), f.rejects()):
		return fmt.Errorf("the bank tells no rejects in %q: name one of %q", f.Rejects, RejectsFormats())
	case f.rejects() == RejectsCamt053 && !isCamt:
		return fmt.Errorf("rejects inside the entries want statements in camt.053, not in %s", f.statement())
	default:
		return nil
	}
}

// checkAccounts is nil when the formats can hold the accounts.
func (f Formats) checkAccounts(accounts map[ledger.Code]*account) error {
	if f.Statement != StatementCFONB120 && f.Rejects != RejectsCFONB240 {
		return nil
	}

	for _, code := range Accounts() {
		if err := message.CheckFrench(accounts[code].IBAN); err != nil {
			return fmt.Errorf("the bank's books: %s: %w", code, err)
		}
	}

	return nil
}

// Hours of the messages that the bank writes, in Paris.
const (
	reporting = 12 * time.Hour
	stating   = 20 * time.Hour
)

// sheet is one account's statement on its way into a file.
type sheet struct {
	code   ledger.Code
	stated message.Statement
	posted letter // without a name and a content
}

// sheet states the open lines of an account.
func (b *Bank) sheet(code ledger.Code, date calendar.Date) sheet {
	account := b.state.Accounts[code]

	before := account.StatedOn
	if before.IsZero() {
		before = date.AddDays(-1)
	}

	stated := message.Statement{
		ID: fmt.Sprintf("%s-%s-%d", short(code), date.Compact(), account.Sequence+1), IBAN: account.IBAN, Number: account.Sequence + 1,
		Opening: message.Balance{Amount: account.Stated, Date: before},
		Closing: message.Balance{Amount: account.balance(), Date: date},
	}

	for i := range account.Open {
		stated.Entries = append(stated.Entries, b.entry(&account.Open[i]))
	}

	return sheet{code: code, stated: stated, posted: b.postage(code)}
}

// entry is a line as ISO and CFONB messages tell it.
func (b *Bank) entry(booked *line) message.Entry {
	entry := message.Entry{
		ID: booked.ID, Label: booked.Label, Amount: booked.Amount, BookedOn: booked.Date, ValueOn: booked.ValueDate,
	}

	switch {
	case booked.Lot != nil:
		entry.Kind = message.Returned
		entry.Batch = &message.Batch{MessageID: b.state.Bulks[booked.Lot.Bulk].MessageID, Orders: len(booked.Lot.Returns)}
		entry.Details = b.faults.inside(b.state.Formats, booked.Lot)
	case booked.Bulk != "":
		entry.Kind = message.Remitted
		entry.Batch = &message.Batch{MessageID: b.state.Bulks[booked.Bulk].MessageID, Orders: b.state.Bulks[booked.Bulk].Executed}
	case booked.EndToEndID != "":
		entry.Kind = message.Own
		entry.Details = []message.Detail{{EndToEndID: booked.EndToEndID, Amount: booked.Amount.Abs()}}
	case strings.HasPrefix(booked.Label, labelSettlement):
		entry.Kind = message.Settled
	}

	return entry
}

// labelSettlement begins the label of a settlement of cards.
const labelSettlement = "REM E "

// inside gives the payouts of a lot that its entry on the statement tells.
func (f *Faults) inside(formats Formats, made *lot) []message.Detail {
	switch {
	case formats.rejects() != RejectsCamt053 || f.LateDetails:
		return nil
	case f.PartialDetails:
		return made.details()[:len(made.Returns)-1]
	default:
		return made.details()
	}
}

// statementFiles gives the letters that hold the statements: one each, or one for all that travel alike.
func (b *Bank) statementFiles(sheets []sheet, date calendar.Date) ([]letter, error) {
	var files [][]sheet

	for _, next := range sheets {
		at := slices.IndexFunc(files, func(file []sheet) bool { return b.state.Formats.OneFile && file[0].posted == next.posted })
		if at < 0 {
			at, files = len(files), append(files, nil)
		}

		files[at] = append(files[at], next)
	}

	letters := make([]letter, len(files))

	for i, file := range files {
		var err error
		if letters[i], err = b.statementFile(file, date); err != nil {
			return nil, err
		}
	}

	return letters, nil
}

func (b *Bank) statementFile(sheets []sheet, date calendar.Date) (letter, error) {
	var (
		content    bytes.Buffer
		accounts   = make([]string, 0, len(sheets))
		statements = make([]message.Statement, 0, len(sheets))
		number     = fmt.Sprintf("%s.%d", date.Compact(), sheets[0].stated.Number)
		posted     = sheets[0].posted
		err        error
	)

	for _, next := range sheets {
		accounts = append(accounts, short(next.code))
		statements = append(statements, next.stated)
	}

	of := strings.Join(accounts, "-")
	if len(sheets) == len(Accounts()) {
		of = "ALL"
	}

	if b.state.Formats.Statement == StatementCFONB120 {
		posted.Name = "cfonb120." + of + "." + number + ".txt"
		err = message.WriteCFONB120(&content, statements...)
	} else {
		posted.Name = "camt053." + of + "." + number + xmlEnding
		err = message.WriteCamt053(&content, message.Envelope{
			Definition: string(b.state.Formats.statement()), ID: of + "-" + strings.ReplaceAll(number, ".", "-"),
			CreatedAt: date.Midnight().Add(stating),
		}, statements...)
	}

	if err != nil {
		return letter{}, fmt.Errorf("state %s: %w", of, err)
	}

	posted.Content = content.String()

	return posted, nil
}

// short is the name of an account in the names of files.
func short(code ledger.Code) string { return strings.TrimPrefix(string(code), "BK.") }

// detailFile gives the file that tells payouts of a lot, which was credited in a line.
func (b *Bank) detailFile(credited *line, payouts []returned) (name string, content []byte, err error) {
	var (
		out   bytes.Buffer
		made  = credited.Lot
		told  = lot{Number: made.Number, Part: made.Part, Bulk: made.Bulk, Returns: payouts}
		files = b.state.Formats
	)

	switch files.rejects() {
	case RejectsPain002:
		name, err = "pain002."+told.message()+xmlEnding, b.writeReturns(&out, credited, &told)
	case RejectsCamt054, RejectsCamt053:
		name, err = "camt054."+told.reference()+xmlEnding, b.writeNotification(&out, credited, &told)
	case RejectsCFONB240:
		name = "cfonb240." + told.reference() + ".txt"
		err = message.WriteCFONB240(&out, message.Lot{
			IBAN: b.state.Accounts[credited.Account].IBAN, Label: credited.Label, SettledOn: credited.Date, ExecutedOn: made.ExecutedOn,
			Returns: told.details(),
		})
	}

	if err != nil {
		return "", nil, fmt.Errorf("write the detail of %s: %w", told.reference(), err)
	}

	return name, out.Bytes(), nil
}

// writeReturns writes a lot as a report on its bulk. The bulk was accepted and debited, whatever came back of it: the
// report is one on a part.
func (b *Bank) writeReturns(out *bytes.Buffer, credited *line, told *lot) error {
	remitted := b.state.Bulks[told.Bulk]

	var sum money.Cents
	for _, payout := range told.Returns {
		sum += payout.Amount
	}

	return message.WritePain002(out, message.Envelope{
		Definition: remitted.reportDefinition(), ID: told.message(), CreatedAt: credited.Date.Midnight().Add(stating),
	}, message.Report{
		MessageID: remitted.MessageID, Definition: remitted.Definition, Orders: remitted.Orders, Sum: remitted.Sum,
		Status: message.Partly, Executed: remitted.Executed - len(told.Returns), ExecutedSum: remitted.ExecutedSum - sum,
		Rejected: told.details(),
	})
}

func (b *Bank) writeNotification(out *bytes.Buffer, credited *line, told *lot) error {
	definition := message.Camt054V08
	if b.state.Formats.Statement == StatementCamtOld {
		definition = message.Camt054V02
	}

	entry := b.entry(credited)
	entry.Details = told.details()

	return message.WriteCamt054(out, message.Envelope{
		Definition: definition, ID: told.reference(), CreatedAt: credited.Date.Midnight().Add(stating),
	}, b.state.Accounts[credited.Account].IBAN, entry)
}

// answer makes the report on a bulk that came in on a day, or nothing when the bank writes none. The same bulk that meets
// the same end on the same day has the same report, which is told apart from others by its identifier: a bank that was
// killed makes it again.
func (b *Bank) answer(asked *order, digest string, date calendar.Date, report message.Report) (*letter, error) {
	if !b.state.Formats.Report {
		return nil, nil //nolint:nilnil // a bank that answers nothing
	}

	of := bulk{MessageID: cmp.Or(asked.messageID, unknownMessage), Definition: cmp.Or(asked.definition, unknownMessage)}
	report.MessageID, report.Definition, report.Orders, report.Sum = of.MessageID, of.Definition, asked.orders, asked.sum

	envelope := message.Envelope{
		Definition: of.reportDefinition(), CreatedAt: date.Midnight().Add(reporting),
		ID: reportID(asked.name, date.String(), digest, string(report.Status), report.Code, report.Info),
	}

	var content bytes.Buffer
	if err := message.WritePain002(&content, envelope, report); err != nil {
		return nil, fmt.Errorf("report on %s: %w", asked.name, err)
	}

	// The whole identifier would be more than what goes by PeSIT may be called.
	name := "pain002." + asked.name + "." + envelope.ID[:shortID]
	return &letter{Name: name + xmlEnding, Content: content.String(), Report: true}, nil
}

// shortID is how much of a report's identifier its file's name holds: RPT, and
// enough to tell the reports on a bulk apart.
const shortID = 3 + 12

// unknownMessage stands for what a message that could not be read calls itself.
const unknownMessage = "NOTPROVIDED"

// post puts a letter into the mail, once.
func (b *Bank) post(posted *letter) {
	if posted != nil && !slices.Contains(b.state.Mail, *posted) {
		b.state.Mail = append(b.state.Mail, *posted)
	}
}

// reportDefinition is the version of reports that goes with the bulk's.
func (b *bulk) reportDefinition() string {
	if b.Definition == message.Pain001V03 {
		return message.Pain002V03
	}

	return message.Pain002V10
}
