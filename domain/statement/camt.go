package statement

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// readCamt reads a camt.053.
func (a *assembly) readCamt(name string, source io.Reader) error {
	read, err := camt.Read(name, source, camt.Handler{
		Begin: a.beginCamt, Entry: a.entry, End: func(camt.Statement) error { return a.end() },
	})
	a.file.Format, a.file.SHA256, a.file.Bytes = bankfile.Format(read.Definition), read.SHA256, read.Bytes

	return err
}

func (a *assembly) beginCamt(begun camt.Statement) error {
	place := fault.Fault{Line: begun.Line, Field: "Stmt/Acct/Id"}

	code, ours := a.accounts.international(begun.IBAN, begun.Account)
	if !ours {
		a.foreign(iban.Mask(begun.IBAN+begun.Account), place)

		return nil
	}

	opening, from := opened(begun.Balances)
	closing, date := closed(begun.Balances)
	statement := Statement{Account: code, Number: number(begun), From: from, Date: date, Opening: opening, Closing: closing}

	if statement.Number > MaxNumber {
		place.Field, place.Value, place.Code = "Stmt/ElctrncSeqNb", strconv.Itoa(statement.Number), fault.CodeTooLong
		place.Reason = "is beyond the largest number of a statement, " + strconv.Itoa(MaxNumber)
		a.faults.Add(place)
	}

	return a.begin(statement, place)
}

// international finds the account of an IBAN, or of the national number that an IBAN holds: what a camt names it by where it
// gives no IBAN.
func (a Accounts) international(number, other string) (ledger.Code, bool) {
	const national = 4 // where the national number begins in an IBAN

	for code, iban := range a {
		if number != "" && number == iban || number == "" && len(iban) > national && other == iban[national:] {
			return code, true
		}
	}

	return "", false
}

// number is the electronic one, else the legal one: that one is zero, or the last one's, for statements without entries at
// some banks.
func number(begun camt.Statement) int {
	if begun.Number > 0 {
		return int(begun.Number)
	}

	return int(begun.LegalNumber)
}

// opened gives the balance before the movements, and the day that it is of where that is the day of the statement before.
// That there is one is controlled already.
func opened(told []camt.Balance) (amount money.Cents, from calendar.Date) {
	for _, balance := range told {
		switch balance.Code {
		case camt.OpeningBooked:
			amount = balance.Amount
		case camt.PreviousClosed: // the same amount, where there are both
			amount, from = balance.Amount, balance.Date
		}
	}

	return amount, from
}

// closed gives the balance after the movements, and its day.
func closed(told []camt.Balance) (amount money.Cents, date calendar.Date) {
	for _, balance := range told {
		if balance.Code == camt.ClosingBooked {
			amount, date = balance.Amount, balance.Date
		}
	}

	return amount, date
}

// entry makes a line of what is booked; what is announced only is in no balance.
func (a *assembly) entry(read *camt.Entry) error {
	if a.current == nil {
		return nil
	}

	if read.Status != camt.Booked || read.Amount == 0 {
		a.leaveOut()

		return nil
	}

	booked := moment(read.BookedAt, read.BookedOn, a.current.Date)
	line := Line{
		ID: reference(read.BankReference), Label: told(read.Info, remittance(read), code(read.Code)), Amount: read.Amount,
		BookedAt: booked, TransactionAt: booked, ValueAt: moment(read.ValueAt, read.ValueOn, calendar.DateOf(booked)),
	}

	for i := range read.Details {
		detail := Detail{EndToEndID: read.Details[i].EndToEndID, Amount: read.Details[i].Amount, Code: read.Details[i].Reason}
		if detail.Amount == 0 && len(read.Details) == 1 {
			detail.Amount = read.Amount
		}

		if detail.EndToEndID == iso20022.NotProvided {
			detail.EndToEndID = ""
		}

		if detail.Amount != 0 {
			line.Details = append(line.Details, detail)
		}
	}

	return a.line(line, fault.Fault{Line: read.Line, Field: "Stmt/Ntry"})
}

// reference is the bank's for the transaction, without the spaces that some fill it up with.
func reference(told string) string { return strings.Join(strings.Fields(told), " ") }

// remittance is that of the one transaction that an entry is made of: of several, none says what the entry is.
func remittance(read *camt.Entry) string {
	if len(read.Details) == 1 {
		return read.Details[0].Remittance
	}

	return ""
}

func code(told camt.Code) string {
	if told.Domain == "" {
		return told.Proprietary
	}

	return told.Domain + " " + told.Family + " " + told.SubFamily
}

// moment is an instant to the millisecond, else the beginning of a day in Paris, else of another one.
func moment(at time.Time, on, otherwise calendar.Date) time.Time {
	switch {
	case !at.IsZero():
		return at.Truncate(time.Millisecond).In(calendar.Paris())
	case !on.IsZero():
		return on.Midnight()
	default:
		return otherwise.Midnight()
	}
}
