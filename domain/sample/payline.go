package sample

import (
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
)

const (
	creditorBank = 99_914
	creditorBIC  = "BQQUFRP3XXX" //nolint:gosec // a bank's, and no credential
	// returnedAccount is that of a creditor whose account is closed; no other creditor has as large a number.
	returnedAccount = 99_999_999
)

// returnedIBAN is that of the creditor whose account is closed; its check digits are right.
func returnedIBAN() string { return iban.French(creditorBank, branchBase, returnedAccount) }

// wrongIBAN has check digits that no IBAN has.
func wrongIBAN() string { return "FR00" + returnedIBAN()[len("FR00"):] }

// paylineRequest is a line of the Payline file, and the code that refuses it.
type paylineRequest struct {
	payline.Line

	code payline.Code
}

// PaylineOutcomes is what becomes of the requests, as far as the files of the day tell.
type PaylineOutcomes struct {
	Sequence int `json:"sequence"`
	Requests int `json:"requests"`
	Refused  int `json:"refused"`
	// Approval is the endToEndId of the transfer that needs one, empty when the day's sales do not cover such a transfer.
	Approval string `json:"approval,omitempty"`
	// Returned is that of the transfer which the bank sends back.
	Returned string `json:"returned,omitempty"`
}

// outcomes counts the requests.
func (j *Journee) outcomes() PaylineOutcomes {
	outcomes := PaylineOutcomes{Sequence: j.options.Number, Requests: len(j.payline)}

	for i := range j.payline {
		request := &j.payline[i]

		switch {
		case request.code != "":
			outcomes.Refused++
		case request.Kind == payline.Transfer && request.CreditorIBAN == returnedIBAN():
			outcomes.Returned = request.EndToEndID
		case request.Kind == payline.Transfer && request.Amount > j.options.FourEyes:
			outcomes.Approval = request.EndToEndID
		}
	}

	return outcomes
}

// Parts of what a merchant's sales of the day come to that it moves or has paid, so small that a day of refunds leaves
// enough for them.
const (
	smallPart = 20
	payPart   = 10
)

// beyond is more than a payment account ever has.
const beyond = 1_000_000_000_00

// request makes up the requests. What the payers have from the days before is not counted on.
func (j *Journee) request() {
	first, second, third := j.roles.payers[0], j.roles.payers[1], j.roles.payers[2]

	j.move(first, third, j.net[first]/smallPart, "")
	j.move(second, first, j.net[second]/smallPart, "")
	j.move(third, second, j.net[third]/smallPart, "")
	j.move(second, first, beyond, payline.CodeMovementAmount)
	j.move(first, -1, 10_00, payline.CodeUnknownAccount)
	j.move(first, j.roles.closed, 10_00, payline.CodeClosedAccount)

	if j.roles.alone >= 0 {
		j.move(first, j.roles.alone, 10_00, payline.CodeNotEntitled)
	}

	j.pays(first, j.large(first), "")
	j.pays(second, j.net[second]/payPart, "")
	j.pays(second, j.net[second]/payPart, "")
	j.pays(third, j.net[third]/payPart, "")
	// On another day another payer: two in a row would put its payouts on hold.
	unlucky := j.roles.payers[j.options.Number%len(j.roles.payers)]
	j.pays(unlucky, j.net[unlucky]/payPart, "", func(l *payline.Line) { l.CreditorIBAN = returnedIBAN() })
	j.pays(third, 25_00, payline.CodeInvalidIBAN, func(l *payline.Line) { l.CreditorIBAN = wrongIBAN() })
	j.pays(third, 25_00, payline.CodeNoCreditorName, func(l *payline.Line) { l.CreditorName = "" })
	j.pays(third, 25_00, payline.CodeDatePast, func(l *payline.Line) { l.ExecDate = j.options.Date.AddDays(-1) })
	j.pays(third, 0, payline.CodeZeroAmount)
	j.pays(third, beyond, payline.CodeNoCover)
	j.pays(j.roles.blocked, 25_00, payline.CodeBlockedAccount)
	j.pays(-1, 25_00, payline.CodeUnknownAccount)
	j.pays(third, 25_00, payline.CodeDuplicate, func(l *payline.Line) { l.EndToEndID = j.payline[0].EndToEndID })
}

// large is what needs an approval, if the sales cover it.
func (j *Journee) large(payer int) money.Cents {
	const parts, of = 3, 5

	return j.net[payer] * parts / of
}

// move asks for a movement between payment accounts, if it is of something. A merchant below zero stands for an account
// that nobody knows.
func (j *Journee) move(from, to int, amount money.Cents, code payline.Code) {
	if amount <= 0 {
		return
	}

	line := j.newRequest(payline.Movement, from, amount)
	line.CreditorCP, line.Label = j.accountID(to), "MOUVEMENT ENTRE ETABLISSEMENTS"
	j.payline = append(j.payline, paylineRequest{line, code})
}

// pays asks for a transfer, if it is of something or refused for nothing.
func (j *Journee) pays(from int, amount money.Cents, code payline.Code, change ...func(*payline.Line)) {
	if amount <= 0 && code == "" {
		return
	}

	line := j.newRequest(payline.Transfer, from, amount)
	number := len(j.payline) + 1
	line.CreditorName, line.CreditorBIC = fmt.Sprintf("FOURNISSEUR %02d", number), creditorBIC
	line.CreditorIBAN = iban.French(creditorBank, branchBase, number)
	line.Label = fmt.Sprintf("FACTURE %s %02d", j.options.Date.Compact(), number)

	if from >= 0 {
		line.DebtorIBAN = j.merchant(from).CPIBAN
	}

	for _, change := range change {
		change(&line)
	}

	j.payline = append(j.payline, paylineRequest{line, code})
}

func (j *Journee) newRequest(kind payline.Kind, from int, amount money.Cents) payline.Line {
	const century, days, requests = 2, 10_000, 1_000_000

	return payline.Line{
		Kind: kind,
		EndToEndID: fmt.Sprintf("%s%04d%06d", j.options.Date.Compact()[century:], j.options.Number%days,
			(len(j.payline)+1)%requests),
		DebtorCP: j.accountID(from), Amount: amount, Currency: money.Currency, ExecDate: j.options.Date,
	}
}

func (j *Journee) accountID(i int) string {
	if i < 0 {
		return accountOfNobody
	}

	return string(appendAccountID(nil, i))
}

func (j *Journee) writePayline(destination io.Writer) error {
	writer, err := payline.NewWriter(destination, payline.Header{Sequence: j.options.Number, Date: j.options.Date})
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	for i := range j.payline {
		if err := writer.Write(&j.payline[i].Line); err != nil {
			return fmt.Errorf("sample: request %d: %w", i+1, err)
		}
	}

	if _, err := writer.Close(); err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	return nil
}
