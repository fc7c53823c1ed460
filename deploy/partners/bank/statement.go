package bank

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// letter is a file for the EP.
type letter struct {
	Name    string `json:"name"`
	Content string `json:"content"`
	// Waits counts the deliveries that it sits out; below zero it waits for Release.
	Waits int `json:"waits,omitempty"`
	// Again has it delivered once more by the next delivery.
	Again bool `json:"again,omitempty"`
	// Report tells that it answers a bulk, at once.
	Report bool `json:"report,omitempty"`
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

	letters, err := b.statements(date)
	if err != nil {
		return nil, err
	}

	b.state.Mail = append(b.state.Mail, letters...)

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

// statements states the open lines of the accounts.
func (b *Bank) statements(date calendar.Date) ([]letter, error) {
	sheets := make([]sheet, 0, len(Accounts()))
	for _, code := range Accounts() {
		sheets = append(sheets, b.sheet(code, date))
	}

	return b.statementFiles(sheets, date)
}

// postage says how a statement travels.
func (b *Bank) postage(code ledger.Code) letter {
	posted := letter{Again: slices.Contains(b.faults.RepeatedStatements, code)}

	switch {
	case slices.Contains(b.faults.LostStatements, code):
		posted.Waits = untilReleased
	case slices.Contains(b.faults.LateStatements, code):
		posted.Waits = 1
	}

	return posted
}

// close ends the day of an account, whose open lines were stated.
func (b *Bank) close(code ledger.Code, date calendar.Date) error {
	account := b.state.Accounts[code]
	stated := account.Open
	account.Stated, account.StatedOn, account.Sequence, account.Open = account.balance(), date, account.Sequence+1, nil

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
		return b.postDetail(stated)
	}

	remitted, known := b.state.Bulks[stated.Bulk]
	if !known || len(remitted.Returns) == 0 {
		return nil
	}

	b.state.LastLot++

	const centuries = 2 // digits of the year that the number leaves out

	made := &lot{
		Number: fmt.Sprintf("%s%06d", date.Compact()[centuries:], b.state.LastLot), Part: "01",
		Bulk: stated.Bulk, ExecutedOn: stated.Date, Returns: remitted.Returns,
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

// postDetail posts what a lot that was credited consists of, unless the statement tells it all.
func (b *Bank) postDetail(credited *line) error {
	if b.state.Formats.rejects() == RejectsCamt053 && !b.faults.LateDetails && !b.faults.PartialDetails {
		return nil
	}

	name, whole, err := b.detailFile(credited, credited.Lot.Returns)
	if err != nil {
		return err
	}

	posted := letter{Name: name, Content: string(whole)}
	if b.faults.LateDetails {
		posted.Waits = 1
	}

	if b.faults.PartialDetails {
		if err := b.postPart(credited, posted.Waits); err != nil {
			return err
		}

		posted.Waits = untilReleased
	}

	b.state.Mail = append(b.state.Mail, posted)

	return nil
}

// postPart posts the detail of a lot without its last payout, unless the statement tells those. No format has a detail of
// nothing.
func (b *Bank) postPart(credited *line, waits int) error {
	payouts := credited.Lot.Returns[:len(credited.Lot.Returns)-1]
	rejects := b.state.Formats.rejects()

	if rejects == RejectsCamt053 && !b.faults.LateDetails || len(payouts) == 0 {
		return nil
	}

	name, part, err := b.detailFile(credited, payouts)
	if err != nil {
		return err
	}

	b.state.Mail = append(b.state.Mail, letter{Name: name, Content: string(part), Waits: waits})

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
	return b.deliver(inbox, func(*letter) bool { return true })
}

// DeliverReports writes into the inbox the reports on the bulks taken, which wait for no statement, and gives the names of
// the files.
func (b *Bank) DeliverReports(inbox string) ([]string, error) {
	report := func(posted *letter) bool { return posted.Report }
	if !slices.ContainsFunc(b.state.Mail, func(posted letter) bool { return report(&posted) }) {
		return nil, nil
	}

	return b.deliver(inbox, report)
}

// deliver delivers those letters that it is the time for, and leaves the others as they are.
func (b *Bank) deliver(inbox string, goes func(*letter) bool) ([]string, error) {
	if err := os.MkdirAll(inbox, folderMode); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}

	var (
		delivered []string
		left      []letter
	)

	for _, posted := range b.state.Mail {
		if !goes(&posted) {
			left = append(left, posted)

			continue
		}

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
