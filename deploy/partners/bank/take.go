package bank

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
)

// The folders of an outbox that bulk files are moved to, and how their names end.
const (
	SentFolder    = "sent"    // of what the bank took
	RefusedFolder = "refused" // of what it refused whole
	bulkEnding    = ".jsonl"
)

// Outcome is what became of a bulk file.
type Outcome string

// The outcomes.
const (
	Executed  Outcome = "EXECUTED"  // it is, or on its due date will be, debited
	Silent    Outcome = "SILENT"    // it was taken, and nothing more happens until Speak
	Refused   Outcome = "REFUSED"   // nothing of it is executed
	Duplicate Outcome = "DUPLICATE" // a bulk of that name was executed before: this one is not
)

// Taken is what became of one bulk file.
type Taken struct {
	Name    string           `json:"name"`
	Outcome Outcome          `json:"outcome"`
	Purpose transfer.Purpose `json:"purpose,omitempty"`
	Orders  int              `json:"orders"`
	Sum     money.Cents      `json:"sumCents"`
	Rejects int              `json:"rejects"` // payouts that will come back
	Reason  string           `json:"reason,omitempty"`
}

// bulk is one that was taken.
type bulk struct {
	SHA256 string `json:"sha256"`
	Copies int    `json:"copies"` // that came in after the first
	// Moved tells that the file was put away: another one of its name is a copy.
	Moved bool `json:"moved"`
	// Returns come back on the statement after the one with the debit.
	Returns []returned `json:"returns,omitempty"`
	// Silent holds what Speak books.
	Silent []movement `json:"silent,omitempty"`
}

// returned is a payout that comes back.
type returned struct {
	EndToEndID string      `json:"endToEndId"`
	Amount     money.Cents `json:"amountCents"`
	Code       string      `json:"code"`
}

// Take takes the bulk files of an outbox on a day, in the order of their names, and says what became of each. A bulk is
// executed once however often it comes; an order of the EP is executed even where it overdraws the account.
func (b *Bank) Take(outbox string, date calendar.Date) ([]Taken, error) {
	if date.IsZero() || date.Before(b.state.Date) {
		return nil, fmt.Errorf("%q is no day to take bulks on: the statements of %q are made", date, b.state.Date)
	}

	if err := b.moved(outbox); err != nil {
		return nil, err
	}

	names, err := bulkFiles(outbox)
	if err != nil {
		return nil, err
	}

	var all []Taken

	for _, name := range names {
		taken, err := b.take(outbox, name, date)
		if err != nil {
			return all, err
		}

		if taken.Outcome != "" {
			all = append(all, taken)
		}
	}

	return all, nil
}

// Speak ends the silence about a bulk: it is debited on the day.
func (b *Bank) Speak(name string, date calendar.Date) error {
	silent, known := b.state.Bulks[name]
	if !known || len(silent.Silent) == 0 {
		return fmt.Errorf("the bank is not silent about a bulk %q", name)
	}

	for _, moved := range silent.Silent {
		moved.Date = later(moved.Date, date)
		b.state.Later = append(b.state.Later, moved)
	}

	silent.Silent = nil
	b.state.due(date)

	return b.save()
}

// Copies counts the files that came in under the name of a bulk that was taken before.
func (b *Bank) Copies() map[string]int {
	copies := map[string]int{}

	for name, taken := range b.state.Bulks {
		if taken.Copies > 0 {
			copies[name] = taken.Copies
		}
	}

	return copies
}

func bulkFiles(outbox string) ([]string, error) {
	entries, err := os.ReadDir(outbox)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look into the outbox: %w", err)
	}

	var names []string

	for _, entry := range entries {
		name, is := strings.CutSuffix(entry.Name(), bulkEnding)
		if is && entry.Type().IsRegular() && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}

	return names, nil
}

// moved notes which of the bulks taken were put away before the bank was killed.
func (b *Bank) moved(outbox string) error {
	noted := false

	for _, name := range slices.Sorted(maps.Keys(b.state.Bulks)) {
		taken := b.state.Bulks[name]
		if taken.Moved {
			continue
		}

		if _, err := os.Stat(filepath.Join(outbox, SentFolder, name+bulkEnding)); err == nil {
			taken.Moved, noted = true, true
		}
	}

	if !noted {
		return nil
	}

	return b.save()
}

// take deals with one file: first the books, then the file, so that a bulk whose file is still there was executed or not,
// and never half.
func (b *Bank) take(outbox, name string, date calendar.Date) (Taken, error) {
	path := filepath.Join(outbox, name+bulkEnding)

	content, err := os.ReadFile(path)
	if err != nil {
		return Taken{}, fmt.Errorf("take bulk %s: %w", name, err)
	}

	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])

	if before, known := b.state.Bulks[name]; known {
		return b.takeAgain(outbox, name, digest, before)
	}

	order, reason := b.read(name, content)
	if slices.Contains(b.faults.RefuseBulks, name) {
		reason = "the bank does not take it"
	}

	taken := Taken{Name: name, Outcome: Executed, Purpose: order.Purpose, Orders: order.Orders, Sum: order.Sum, Reason: reason}
	if reason != "" {
		taken.Outcome = Refused

		return taken, b.putAway(outbox, name, filepath.Join(RefusedFolder, name+bulkEnding))
	}

	made := &bulk{SHA256: digest, Returns: order.returns}
	moves := b.moves(order, date)
	taken.Rejects = len(order.returns)

	if slices.Contains(b.faults.SilentBulks, name) {
		taken.Outcome, made.Silent = Silent, moves
	} else {
		b.state.Later = append(b.state.Later, moves...)
		b.state.due(date)
	}

	b.state.Bulks[name] = made
	if err := b.save(); err != nil {
		return Taken{}, err
	}

	return taken, b.sent(outbox, name, made)
}

// takeAgain deals with a file whose name was taken before: the file of then, which was not put away, or a copy.
func (b *Bank) takeAgain(outbox, name, digest string, before *bulk) (Taken, error) {
	if !before.Moved && before.SHA256 == digest {
		return Taken{}, b.sent(outbox, name, before)
	}

	before.Copies++
	taken := Taken{Name: name, Outcome: Duplicate, Reason: "a bulk of that name was taken before"}

	if before.SHA256 != digest {
		taken.Reason += ", with another content"
	}

	if err := b.save(); err != nil {
		return Taken{}, err
	}

	return taken, b.putAway(outbox, name, filepath.Join(SentFolder, fmt.Sprintf("%s%s.copy-%d", name, bulkEnding, before.Copies)))
}

func (b *Bank) sent(outbox, name string, taken *bulk) error {
	if err := b.putAway(outbox, name, filepath.Join(SentFolder, name+bulkEnding)); err != nil {
		return err
	}

	taken.Moved = true

	return b.save()
}

func (b *Bank) putAway(outbox, name, to string) error {
	if err := b.interrupt(); err != nil {
		return err
	}

	target := filepath.Join(outbox, to)
	if err := os.MkdirAll(filepath.Dir(target), folderMode); err != nil {
		return fmt.Errorf("put bulk %s away: %w", name, err)
	}

	if err := os.Rename(filepath.Join(outbox, name+bulkEnding), target); err != nil {
		return fmt.Errorf("put bulk %s away: %w", name, err)
	}

	return nil
}

// order is what a bulk file asks for.
type order struct {
	transfer.Bulk

	from, to ledger.Code // to is empty for payouts
	returns  []returned
}

// read reads a bulk file, and gives the reason why the bank refuses it, if it does.
func (b *Bank) read(name string, content []byte) (read order, refused string) {
	creditor := ""

	head, err := transfer.ReadBulk(name+bulkEnding, bytes.NewReader(content), func(payment transfer.Payment) error {
		creditor = payment.Creditor.IBAN
		if code := b.faults.rejects(&payment); code != "" {
			read.returns = append(read.returns, returned{payment.EndToEndID, payment.Amount, code})
		}

		return nil
	})
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return order{}, "the file does not hold: " + faults.Error()
	}

	if err != nil {
		return order{}, err.Error()
	}

	read.Bulk, read.from = head, b.accountOf(head.DebitIBAN)

	switch {
	case head.Name != name:
		return read, "the file is named otherwise than the bulk in it"
	case read.from == "":
		return read, "the account to be debited is not one of the three"
	case head.Purpose == transfer.Payout && read.from != ledger.Reglement:
		return read, "payouts are debited from the règlement account"
	case head.Purpose == transfer.Payout:
		return read, ""
	}

	read.to, read.returns = b.accountOf(creditor), nil

	switch {
	case head.Orders != 1:
		return read, "a transfer between the three accounts has a bulk of its own"
	case read.to == "" || read.to == read.from:
		return read, "the account to be credited is not another one of the three"
	default:
		return read, ""
	}
}

func (b *Bank) accountOf(iban string) ledger.Code {
	for _, code := range Accounts() {
		if b.state.Accounts[code].IBAN == iban {
			return code
		}
	}

	return ""
}

// The labels of the bank's lines, before the bulk's name.
const (
	labelRemittance = "REM VIR "
	labelOwn        = "VIR INTERNE "
	labelLot        = "LOT REJ VIR "
)

// moves are what a bulk has the bank book, on its due date or, when that has passed, on the day.
func (b *Bank) moves(order order, date calendar.Date) []movement {
	on := later(order.DueDate, date)

	if order.to == "" {
		return []movement{{
			Account: order.from, Label: labelRemittance + order.Name, Amount: order.Sum.Neg(), Date: on, Bulk: order.Name,
		}}
	}

	arrives := on
	if b.faults.LateCredits {
		arrives = calendar.Add(calendar.Target{}, on, 1)
	}

	return []movement{
		{Account: order.from, Label: labelOwn + order.Name, Amount: order.Sum.Neg(), Date: on},
		{Account: order.to, Label: labelOwn + order.Name, Amount: order.Sum, Date: arrives},
	}
}

func later(a, b calendar.Date) calendar.Date {
	if a.After(b) {
		return a
	}

	return b
}

// lot is payouts of one bulk that came back together.
type lot struct {
	Number  string     `json:"number"` // twelve digits
	Part    string     `json:"part"`   // two digits
	Bulk    string     `json:"bulk"`
	Returns []returned `json:"returns"`
}

// reference is the lot's in the detail file, and that of the line.
func (l *lot) reference() string { return "REJ" + l.Number + "-" + l.Part }

func (l *lot) detail(payouts []returned) ([]byte, error) {
	var content bytes.Buffer

	writer, err := statement.NewRejectWriter(&content, statement.Rejects{Lot: l.reference(), Bulk: l.Bulk})
	if err != nil {
		return nil, fmt.Errorf("write the detail of %s: %w", l.reference(), err)
	}

	for _, payout := range payouts {
		reject := statement.Reject{EndToEndID: payout.EndToEndID, Amount: payout.Amount, Code: payout.Code}
		if err := writer.Write(reject); err != nil {
			return nil, fmt.Errorf("write the detail of %s: %w", l.reference(), err)
		}
	}

	if _, err := writer.Close(); err != nil {
		return nil, fmt.Errorf("write the detail of %s: %w", l.reference(), err)
	}

	return content.Bytes(), nil
}
