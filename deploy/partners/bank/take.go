package bank

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// The folders of an outbox that bulk files are moved to.
const (
	SentFolder    = "sent"    // of what the bank took
	RefusedFolder = "refused" // of what it refused whole
)

// xmlEnding is how the names end of the bulk files that the bank takes, and of the messages that it writes.
const xmlEnding = ".xml"

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
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Purpose is PAYOUT, and empty for a transfer between the three accounts.
	Purpose transfer.Purpose `json:"purpose,omitempty"`
	Orders  int              `json:"orders"`
	Sum     money.Cents      `json:"sumCents"`
	Rejects int              `json:"rejects"` // payouts that will come back
	// RejectedBefore counts the payouts that are not executed, as the report says.
	RejectedBefore int    `json:"rejectedBefore,omitempty"`
	Reason         string `json:"reason,omitempty"`
}

// bulk is one that was taken.
type bulk struct {
	SHA256 string `json:"sha256"`
	Copies int    `json:"copies"` // that came in after the first
	// Moved tells that the file was put away: another one of its name is a copy.
	Moved bool `json:"moved"`

	// What its message was called, and what it asked for.
	MessageID  string      `json:"messageId,omitempty"`
	Definition string      `json:"definition,omitempty"`
	Orders     int         `json:"orders,omitempty"`
	Sum        money.Cents `json:"sumCents,omitempty"`
	// Executed is what is debited of it: the orders that were not rejected before.
	Executed    int         `json:"executed,omitempty"`
	ExecutedSum money.Cents `json:"executedCents,omitempty"`

	// Returns come back on the statement after the one with the debit.
	Returns []returned `json:"returns,omitempty"`
	// Silent holds what Speak books, and Unsaid the report that it posts.
	Silent []movement `json:"silent,omitempty"`
	Unsaid *letter    `json:"unsaid,omitempty"`
}

// returned is a payout that comes back, or that is not executed.
type returned struct {
	EndToEndID string      `json:"endToEndId"`
	Amount     money.Cents `json:"amountCents"`
	Code       string      `json:"code"`
	// What else of the order its return repeats.
	PaymentID     string `json:"paymentId,omitempty"` // of its block
	InstructionID string `json:"instructionId,omitempty"`
	Name          string `json:"name,omitempty"`
	Creditor      string `json:"creditor,omitempty"` // IBAN
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

	names, err := bulkNames(outbox)
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

	b.post(silent.Unsaid)
	silent.Silent, silent.Unsaid = nil, nil
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

// bulkNames gives the names of the bulks whose files lie in an outbox.
func bulkNames(outbox string) ([]string, error) {
	entries, err := os.ReadDir(outbox)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look into the outbox: %w", err)
	}

	var names []string

	for _, entry := range entries {
		name, isBulk := strings.CutSuffix(entry.Name(), xmlEnding)
		if isBulk && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, name)
		}
	}

	return names, nil
}

// moved notes which of the bulks taken, or refused, were put away before the bank was killed.
func (b *Bank) moved(outbox string) error {
	noted := false

	for _, name := range slices.Sorted(maps.Keys(b.state.Bulks)) {
		taken := b.state.Bulks[name]
		if taken.Moved {
			continue
		}

		if _, err := os.Stat(filepath.Join(outbox, SentFolder, name+xmlEnding)); err == nil {
			taken.Moved, noted = true, true
		}
	}

	for file := range b.state.Refused {
		if _, err := os.Stat(filepath.Join(outbox, RefusedFolder, file)); err == nil {
			delete(b.state.Refused, file)

			noted = true
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
	content, err := os.ReadFile(filepath.Join(outbox, name+xmlEnding))
	if err != nil {
		return Taken{}, fmt.Errorf("take bulk %s: %w", name, err)
	}

	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])

	before, known := b.state.Bulks[name]
	if known && !before.Moved && before.SHA256 == digest {
		return Taken{}, b.sent(outbox, name, before)
	}

	if b.state.Refused[name+xmlEnding] == digest {
		return Taken{}, b.putRefused(outbox, name)
	}

	asked, refused := b.read(name, content)

	if !known {
		before, known = b.sameMessage(&asked)
	}

	if known {
		return b.takeAgain(outbox, name, digest, date, &asked, before)
	}

	switch {
	case slices.Contains(b.faults.RefuseBulks, name):
		asked.returns, asked.rejected = nil, nil
		refused = &refusal{"MS03", "the bank does not take it"} // no reason given
	case refused == nil && len(asked.rejected) == asked.orders:
		refused = &refusal{"NARR", "each of its payouts is rejected"} // the reasons are theirs
	}

	if refused != nil {
		return b.refuse(outbox, name, digest, date, &asked, refused)
	}

	return b.execute(outbox, name, digest, date, &asked)
}

// refusal says why the bank takes nothing of a bulk, with a code of ISO 20022's ExternalStatusReason1Code.
type refusal struct{ code, reason string }

// refuse answers a bulk that the bank takes nothing of. It stays out of the books: it may come again.
func (b *Bank) refuse(outbox, name, digest string, date calendar.Date, asked *order, refused *refusal) (Taken, error) {
	answer, err := b.answer(asked, digest, date, message.Report{
		Status: message.Rejected, Code: refused.code, Info: refused.reason, Rejected: details(asked.rejected),
	})
	if err != nil {
		return Taken{}, err
	}

	taken := asked.taken(Refused)
	taken.Reason = refused.reason

	if answer != nil {
		if err := b.tellRefused(outbox, name, digest, answer); err != nil {
			return Taken{}, err
		}
	}

	return taken, b.putRefused(outbox, name)
}

// tellRefused posts the report on a refused bulk, and notes that the file is the one that it tells of: a bank that is
// killed before it has put it away must not think better of it.
func (b *Bank) tellRefused(outbox, name, digest string, answer *letter) error {
	// What lies there of an earlier day would pass for this file, put away.
	err := os.Remove(filepath.Join(outbox, RefusedFolder, name+xmlEnding))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("refuse bulk %s: %w", name, err)
	}

	b.post(answer)

	if b.state.Refused == nil {
		b.state.Refused = map[string]string{}
	}

	b.state.Refused[name+xmlEnding] = digest

	return b.save()
}

// putRefused puts a refused bulk away. It may come again from then on.
func (b *Bank) putRefused(outbox, name string) error {
	file := name + xmlEnding
	if err := b.putAway(outbox, name, filepath.Join(RefusedFolder, file)); err != nil {
		return err
	}

	if _, noted := b.state.Refused[file]; !noted {
		return nil
	}

	delete(b.state.Refused, file)

	return b.save()
}

// execute has a bulk debited, on the day or later, but for the payouts that are rejected before.
func (b *Bank) execute(outbox, name, digest string, date calendar.Date, asked *order) (Taken, error) {
	made := &bulk{
		SHA256: digest, MessageID: asked.messageID, Definition: asked.definition, Orders: asked.orders, Sum: asked.sum,
		Executed: asked.orders - len(asked.rejected), ExecutedSum: asked.executed(), Returns: asked.returns,
	}

	report := message.Report{Status: message.Accepted}
	if len(asked.rejected) > 0 {
		report = message.Report{
			Status: message.Partly, Executed: made.Executed, ExecutedSum: made.ExecutedSum, Rejected: details(asked.rejected),
		}
	}

	answer, err := b.answer(asked, digest, date, report)
	if err != nil {
		return Taken{}, err
	}

	taken, moves := asked.taken(Executed), b.moves(asked, date)

	if slices.Contains(b.faults.SilentBulks, name) {
		taken.Outcome, made.Silent, made.Unsaid = Silent, moves, answer
	} else {
		b.state.Later = append(b.state.Later, moves...)
		b.state.due(date)
		b.post(answer)
	}

	b.state.Bulks[name] = made
	if err := b.save(); err != nil {
		return Taken{}, err
	}

	return taken, b.sent(outbox, name, made)
}

// codeNameAgain is the code for a bulk that has the name of another one, whatever its message is called.
const codeNameAgain = "AM05"

// sameMessage finds the bulk that came in as the same message, under another name.
func (b *Bank) sameMessage(asked *order) (*bulk, bool) {
	for _, name := range slices.Sorted(maps.Keys(b.state.Bulks)) {
		taken := b.state.Bulks[name]
		if taken.MessageID == asked.messageID && asked.messageID != "" {
			return taken, true
		}
	}

	return nil, false
}

// takeAgain deals with a bulk whose name, or whose message, was taken before.
func (b *Bank) takeAgain(outbox, name, digest string, date calendar.Date, asked *order, before *bulk) (Taken, error) {
	before.Copies++
	taken, code := Taken{Name: name, Outcome: Duplicate, Reason: "a bulk of that name was taken before"}, codeNameAgain

	if asked.messageID == before.MessageID {
		code = message.CodeMessageAgain
		taken.Reason = "that message was taken before"
	}

	if before.SHA256 != digest {
		taken.Reason += ", with another content"
	}

	answer, err := b.answer(asked, digest+strconv.Itoa(before.Copies), date, message.Report{
		Status: message.Rejected, Code: code, Info: taken.Reason,
	})
	if err != nil {
		return Taken{}, err
	}

	b.post(answer)

	if err := b.save(); err != nil {
		return Taken{}, err
	}

	return taken, b.putAway(outbox, name, filepath.Join(SentFolder, fmt.Sprintf("%s%s.copy-%d", name, xmlEnding, before.Copies)))
}

func (b *Bank) sent(outbox, name string, taken *bulk) error {
	if err := b.putAway(outbox, name, filepath.Join(SentFolder, name+xmlEnding)); err != nil {
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

	if err := os.Rename(filepath.Join(outbox, name+xmlEnding), target); err != nil {
		return fmt.Errorf("put bulk %s away: %w", name, err)
	}

	return nil
}

// The labels of the bank's lines, before the bulk's name.
const (
	labelRemittance = "REM VIR "
	labelOwn        = "VIR INTERNE "
	labelLot        = "LOT REJ VIR "
)

// moves are what a bulk has the bank book, on its due date or, when that has passed, on the day.
func (b *Bank) moves(asked *order, date calendar.Date) []movement {
	on := later(asked.dueDate, date)

	if asked.to == "" {
		return []movement{{
			Account: asked.from, Label: labelRemittance + asked.name, Amount: asked.executed().Neg(), Date: on, Bulk: asked.name,
		}}
	}

	arrives := on
	if b.faults.LateCredits {
		arrives = calendar.Add(calendar.Target{}, on, 1)
	}

	return []movement{
		{Account: asked.from, Label: labelOwn + asked.name, Amount: asked.sum.Neg(), Date: on, EndToEndID: asked.own},
		{Account: asked.to, Label: labelOwn + asked.name, Amount: asked.sum, Date: arrives, EndToEndID: asked.own},
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
	Number     string        `json:"number"` // twelve digits
	Part       string        `json:"part"`   // two digits
	Bulk       string        `json:"bulk"`
	ExecutedOn calendar.Date `json:"executedOn,omitzero"`
	Returns    []returned    `json:"returns"`
}

// reference is the lot's in the detail file, and that of the line.
func (l *lot) reference() string { return "REJ" + l.Number + "-" + l.Part }

// message is the lot's identifier as a report on its bulk: its label, without the spaces.
func (l *lot) message() string {
	return strings.ReplaceAll(labelLot, " ", "") + l.Number + l.Part
}

func (l *lot) details() []message.Detail { return details(l.Returns) }

func details(payouts []returned) []message.Detail {
	all := make([]message.Detail, 0, len(payouts))

	for _, payout := range payouts {
		all = append(all, message.Detail{
			PaymentID: payout.PaymentID, InstructionID: payout.InstructionID, EndToEndID: payout.EndToEndID, Amount: payout.Amount,
			Creditor: message.Party{Name: payout.Name, IBAN: payout.Creditor}, Code: payout.Code,
		})
	}

	return all
}
