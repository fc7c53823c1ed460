package bank

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// order is what a bulk file asks for.
type order struct {
	name    string           // of the bulk
	purpose transfer.Purpose // PAYOUT, and empty for a transfer between the three accounts
	dueDate calendar.Date
	orders  int
	sum     money.Cents

	messageID  string
	definition string      // of the message
	from, to   ledger.Code // to is empty for payouts
	own        string      // endToEndId of a transfer between the three accounts
	returns    []returned  // come back after the debit
	rejected   []returned  // are left out of it
}

// executed is what is debited.
func (o *order) executed() money.Cents {
	sum := o.sum
	for _, payout := range o.rejected {
		sum -= payout.Amount
	}

	return sum
}

func (o *order) taken(outcome Outcome) Taken {
	return Taken{
		Name: o.name, Outcome: outcome, Purpose: o.purpose, Orders: o.orders, Sum: o.sum, Rejects: len(o.returns),
		RejectedBefore: len(o.rejected),
	}
}

// read reads a bulk file, and says why the bank refuses it, if it does.
func (b *Bank) read(name string, content []byte) (asked order, refused *refusal) {
	asked.name = name

	if refused = b.readMessage(&asked, content); refused != nil || asked.to != "" {
		asked.returns, asked.rejected = nil, nil // payouts that are executed come back, and no others
	}

	return asked, refused
}

// draw decides what becomes of a payout.
func (b *Bank) draw(asked *order, payout returned) {
	if payout.Code = b.faults.rejectsBefore(&payout); payout.Code != "" && b.state.Formats.Report {
		asked.rejected = append(asked.rejected, payout)

		return
	}

	if payout.Code = b.faults.rejects(&payout); payout.Code != "" {
		asked.returns = append(asked.returns, payout)
	}
}

// readMessage reads the pain.001 that a bulk is. Its payouts debit règlement in one amount, in the name of the CPs whose
// virtual IBANs lead to it: the bank takes for such an IBAN any that is none of the three accounts'. A single payment to
// another of the three accounts is a transfer of the EP's own.
func (b *Bank) readMessage(asked *order, content []byte) *refusal {
	read, err := message.ReadPain001(bytes.NewReader(content))
	asked.messageID, asked.definition = read.MessageID, read.Definition

	if wrong, bad := errors.AsType[*message.RefusedError](err); bad {
		return &refusal{wrong.Code, "the message does not hold: " + wrong.Error()}
	}

	if err != nil {
		return &refusal{message.CodeFormat, err.Error()}
	}

	asked.orders, asked.sum, asked.dueDate = read.Count, read.Sum, read.Blocks[0].DueDate

	if asked.orders > transfer.MaxOrdersABulk {
		return &refusal{message.CodeCount, "the message has more orders than the bank takes at once"}
	}

	var to ledger.Code

	for i := range read.Blocks {
		block := &read.Blocks[i]
		if refused := b.debit(asked, i, block); refused != nil {
			return refused
		}

		for _, payment := range block.Payments {
			asked.own, to = payment.EndToEndID, max(to, b.accountOf(payment.Creditor.IBAN))
			b.draw(asked, returned{
				EndToEndID: payment.EndToEndID, Amount: payment.Amount, PaymentID: block.ID, InstructionID: payment.InstructionID,
				Name: payment.Creditor.Name, Creditor: payment.Creditor.IBAN,
			})
		}
	}

	if to != "" {
		if b.accountOf(read.Blocks[0].Debtor.IBAN) == "" {
			return &refusal{message.CodeDebtor, "a CP cannot pay to the three accounts"}
		}

		return asked.toOwn(to)
	}

	asked.purpose = transfer.Payout

	return asked.checkPayouts()
}

// debit finds the account that a block debits: the same for all of them, and on the same day, for one amount is debited.
func (b *Bank) debit(asked *order, number int, block *message.Block) *refusal {
	from := b.accountOf(block.Debtor.IBAN)
	if from == "" {
		from = ledger.Reglement
	}

	switch {
	case number > 0 && from != asked.from:
		return &refusal{message.CodeDebtor, "its blocks debit several of the three accounts"}
	case block.DueDate != asked.dueDate:
		return &refusal{message.CodeDate, "its blocks are of several days"}
	}

	asked.from = from

	return nil
}

func (o *order) checkPayouts() *refusal {
	if o.from != ledger.Reglement {
		return &refusal{message.CodeDebtor, "payouts are debited from the règlement account"}
	}

	return nil
}

// toOwn makes the order a transfer between the three accounts.
func (o *order) toOwn(to ledger.Code) *refusal {
	switch {
	case o.orders != 1:
		return &refusal{message.CodeCreditor, "a transfer between the three accounts has a bulk of its own"}
	case to == "" || to == o.from:
		return &refusal{message.CodeCreditor, "the account to be credited is not another one of the three"}
	default:
		o.to = to

		return nil
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

// reportID is the identifier of a report, made of what it says.
func reportID(parts ...string) string {
	const length = 14 // bytes that fill, with the prefix, most of the 35 characters

	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))

	return "RPT" + hex.EncodeToString(sum[:length])
}
