package bank

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

// letter is a file for the EP.
type letter struct {
	Name    string `json:"name"`
	Content string `json:"content"`
	// Waits counts the deliveries that it sits out; below zero it waits for Release.
	Waits int `json:"waits,omitempty"`
	// Again has it delivered once more by the next delivery.
	Again bool `json:"again,omitempty"`
}

// untilReleased is the Waits of a letter that no delivery takes along.
const untilReleased = -1

// CloseDay books what is due on a day, states the lines of each account since its last statement (also when there are
// none), and delivers into the inbox. It gives the names of the files delivered. A day may be closed several times: each
// has its statements. Payouts that come back are credited on the statement after the one that debited their bulk.
//
// Killed before its end, it has made the statements or not, and delivers them by the next delivery; a file may then be
// delivered twice, with the same content.
func (b *Bank) CloseDay(date calendar.Date, inbox string) ([]string, error) {
	if date.IsZero() || date.Before(b.state.Date) {
		return nil, fmt.Errorf("%q is no day to close: the statements of %q are made", date, b.state.Date)
	}

	b.state.due(date)
	b.state.Date = date

	for _, code := range Accounts() {
		if err := b.close(code, date); err != nil {
			return nil, err
		}
	}

	if err := b.save(); err != nil {
		return nil, err
	}

	return b.Deliver(inbox)
}

// close states the open lines of an account.
func (b *Bank) close(code ledger.Code, date calendar.Date) error {
	account := b.state.Accounts[code]
	stated := account.Open

	content, err := account.statement(code, date)
	if err != nil {
		return err
	}

	posted := letter{
		Name: statementName(code, account.Sequence+1), Content: string(content),
		Again: slices.Contains(b.faults.RepeatedStatements, code),
	}

	switch {
	case slices.Contains(b.faults.LostStatements, code):
		posted.Waits = untilReleased
	case slices.Contains(b.faults.LateStatements, code):
		posted.Waits = 1
	}

	account.Stated, account.Sequence, account.Open = account.balance(), account.Sequence+1, nil
	b.state.Mail = append(b.state.Mail, posted)

	for i := range stated {
		if err := b.follow(&stated[i], date); err != nil {
			return err
		}
	}

	return nil
}

// follow does what comes after a line was stated: the detail of a lot, or the lot of the payouts that come back.
func (b *Bank) follow(stated *line, date calendar.Date) error {
	if stated.Lot != nil {
		return b.postDetail(stated.Lot)
	}

	remitted, known := b.state.Bulks[stated.Bulk]
	if !known || len(remitted.Returns) == 0 {
		return nil
	}

	b.state.LastLot++

	const centuries = 2 // digits of the year that the number leaves out

	made := &lot{
		Number: fmt.Sprintf("%s%06d", date.Compact()[centuries:], b.state.LastLot), Part: "01",
		Bulk: stated.Bulk, Returns: remitted.Returns,
	}

	var sum money.Cents
	for _, payout := range made.Returns {
		sum += payout.Amount // a part of the bulk's sum, which money can hold
	}

	remitted.Returns = nil // the lot has them
	b.state.Later = append(b.state.Later, movement{
		Account: stated.Account, Label: labelLot + made.Number + " " + made.Part, Amount: sum, Date: date, Lot: made,
	})

	return nil
}

func (b *Bank) postDetail(made *lot) error {
	whole, err := made.detail(made.Returns)
	if err != nil {
		return err
	}

	posted := letter{Name: "Rejects." + made.reference() + bulkEnding, Content: string(whole)}
	if b.faults.LateDetails {
		posted.Waits = 1
	}

	if b.faults.PartialDetails {
		part, err := made.detail(made.Returns[:len(made.Returns)-1])
		if err != nil {
			return err
		}

		b.state.Mail = append(b.state.Mail, letter{Name: posted.Name, Content: string(part), Waits: posted.Waits})
		posted.Waits = untilReleased
	}

	b.state.Mail = append(b.state.Mail, posted)

	return nil
}

// Release has the next delivery take along what Faults keeps back.
func (b *Bank) Release() error {
	for i := range b.state.Mail {
		b.state.Mail[i].Waits = 0
	}

	return b.save()
}

// Deliver writes into the inbox what is to be delivered, and gives the names of the files.
func (b *Bank) Deliver(inbox string) ([]string, error) {
	if err := os.MkdirAll(inbox, folderMode); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}

	var (
		delivered []string
		left      []letter
	)

	for _, posted := range b.state.Mail {
		if posted.Waits != 0 {
			if posted.Waits > 0 {
				posted.Waits--
			}

			left = append(left, posted)

			continue
		}

		if err := b.replace(filepath.Join(inbox, posted.Name), []byte(posted.Content), sharedMode); err != nil {
			return delivered, err
		}

		delivered = append(delivered, posted.Name)

		if posted.Again {
			posted.Again = false
			left = append(left, posted)
		}
	}

	b.state.Mail = left

	return delivered, b.save()
}

func statementName(code ledger.Code, sequence int) string {
	return fmt.Sprintf("statement.%s.%d%s", string(code)[len("BK."):], sequence, bulkEnding)
}

// statement writes the statement of the open lines.
func (a *account) statement(code ledger.Code, date calendar.Date) ([]byte, error) {
	var content bytes.Buffer

	writer, err := statement.NewWriter(&content, statement.Statement{
		Account: code, Sequence: a.Sequence + 1, Date: date, Opening: a.Stated, Closing: a.balance(),
	})
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", code, err)
	}

	for i := range a.Open {
		booked := &a.Open[i]

		err := writer.Write(statement.Line{
			ID: booked.ID, Label: booked.Label, Amount: booked.Amount,
			BookedAt: booked.At, TransactionAt: booked.At, ValueAt: booked.ValueDate.Midnight(),
		})
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", code, err)
		}
	}

	if _, err := writer.Close(); err != nil {
		return nil, fmt.Errorf("state %s: %w", code, err)
	}

	return content.Bytes(), nil
}
