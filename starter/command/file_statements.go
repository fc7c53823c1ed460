package command

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/money"
)

// checkedStatements is what a file of statements or notifications says as a whole.
type checkedStatements struct {
	Kind       camt.Kind          `json:"kind"`
	ID         string             `json:"id,omitempty"`
	CreatedAt  string             `json:"createdAt,omitempty"`
	Statements int                `json:"statements"`
	Accounts   int                `json:"accounts"`
	Entries    int                `json:"entries"`
	ByStatus   tally              `json:"byStatus,omitempty"`
	Details    int                `json:"details,omitempty"`
	ByReason   tally              `json:"byReason,omitempty"` // why money came back
	Credits    money.Cents        `json:"creditsCents"`       // of what is booked, as are the debits
	Debits     money.Cents        `json:"debitsCents"`        // not below zero
	First      []checkedStatement `json:"first"`

	accounts map[string]struct{}
	unknown  tally // balances of no known kind, by their codes
	copies   int
}

// checkedStatement is one of them. What a notification does not say is left out.
type checkedStatement struct {
	ID       string       `json:"id,omitempty"`
	Number   int64        `json:"number,omitempty"`
	Line     int          `json:"line"`
	Account  string       `json:"account"`
	OpenedOn string       `json:"openedOn,omitempty"`
	Opening  *money.Cents `json:"openingCents,omitempty"`
	Entries  int          `json:"entries"`
	Credits  money.Cents  `json:"creditsCents"`
	Debits   money.Cents  `json:"debitsCents"`
	ClosedOn string       `json:"closedOn,omitempty"`
	Closing  *money.Cents `json:"closingCents,omitempty"`
}

func newStatements(kind camt.Kind) *checkedStatements {
	return &checkedStatements{
		Kind: kind, ByStatus: tally{}, ByReason: tally{}, First: []checkedStatement{},
		accounts: make(map[string]struct{}), unknown: tally{},
	}
}

// noun is what one of them is called.
func (d *checkedStatements) noun() string { return strings.ToLower(string(d.Kind)) }

func (d *checkedStatements) rows() [][]string {
	return about(
		[]string{"id", d.ID}, []string{"created", d.CreatedAt}, []string{d.noun() + "s", number(d.Statements)},
		[]string{"accounts", number(d.Accounts)}, []string{"entries", counts(d.Entries, d.ByStatus)},
		[]string{"details", unsaid(d.Details)}, []string{"returned", parted(d.ByReason)},
		[]string{"credits", euros(d.Credits)}, []string{"debits", euros(d.Debits)})
}

func (d *checkedStatements) parts() parts {
	of := parts{
		noun:   d.noun(),
		header: []string{d.noun(), "number", "account", "from", "opening", "entries", "credits", "debits", "to", "closing"},
		count:  d.Statements,
	}
	for _, s := range d.First {
		of.rows = append(of.rows, []string{
			s.ID, unsaid(s.Number), s.Account, s.OpenedOn, balance(s.Opening), number(s.Entries), s.Credits.String(), s.Debits.String(),
			s.ClosedOn, balance(s.Closing),
		})
	}
	return of
}

func balance(amount *money.Cents) string {
	if amount == nil {
		return ""
	}
	return amount.String()
}

// add counts a statement, and keeps the first.
func (d *checkedStatements) add(account string, statement *checkedStatement) {
	d.Statements++
	d.accounts[account] = struct{}{}
	d.Accounts = len(d.accounts)
	d.Credits += statement.Credits
	d.Debits += statement.Debits
	if len(d.First) < shownParts {
		d.First = append(d.First, *statement)
	}
}

func (c *check) statements(file *content) (checkedFile, error) { return c.camt(file, camt.Statements) }

func (c *check) notifications(file *content) (checkedFile, error) {
	return c.camt(file, camt.Notifications)
}

func (c *check) camt(file *content, kind camt.Kind) (checkedFile, error) {
	found := newStatements(kind)
	summary, err := camt.Read(c.name, file, camt.Handler{
		Begin: func(statement camt.Statement) error {
			return c.take(found.noun(), statement.Line, func(r *checkedRecord) { fillStatement(r, &statement) })
		},
		Entry: func(entry *camt.Entry) error {
			found.ByStatus.add(string(entry.Status))
			for i := range entry.Details {
				if reason := entry.Details[i].Reason; reason != "" {
					found.ByReason.add(reason)
				}
			}
			return c.takeEntry(entry)
		},
		End: func(statement camt.Statement) error {
			found.end(&statement)
			return nil
		},
	})
	found.ID, found.CreatedAt = plain(summary.ID), moment(summary.CreatedAt)
	found.Entries, found.Details = summary.Entries, summary.Details
	checked := checkedFile{SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes, Statements: found}
	checked.Warnings.add(summary.Partial, "entry", "with details that come to less than the entry, or to fewer transactions than its batch")
	checked.Warnings.add(summary.Charged, "entry", "with details that come to more than the entry, with charges that may explain it")
	checked.Warnings.add(summary.Entries-summary.Booked, "entry", "not booked, and in no balance")
	for _, code := range sortedCodes(found.unknown) {
		checked.Warnings.add(found.unknown[code], "balance", "of no known kind, "+code)
	}
	checked.Warnings.add(found.copies, found.noun(), "that the bank says it sends again")
	return checked, err
}

// knownBalances are ISO's codes of balances.
func knownBalances() []string {
	return []string{
		camt.OpeningBooked, camt.PreviousClosed, camt.ClosingBooked, "ITBD", "CLAV", "FWAV", "OPAV", "ITAV", "INFO", "XPCD",
	}
}

func (d *checkedStatements) end(s *camt.Statement) {
	one := checkedStatement{
		ID: plain(s.ID), Number: s.Number, Line: s.Line, Account: maskAccount(s.IBAN + s.Account), Entries: s.Entries,
		Credits: s.Credits, Debits: s.Debits,
	}
	for _, said := range s.Balances {
		amount := said.Amount
		switch {
		case said.Code == camt.OpeningBooked, said.Code == camt.PreviousClosed && one.Opening == nil:
			one.Opening, one.OpenedOn = &amount, dated(said.Date)
		case said.Code == camt.ClosingBooked:
			one.Closing, one.ClosedOn = &amount, dated(said.Date)
		case !slices.Contains(knownBalances(), said.Code):
			d.unknown.add(said.Code)
		}
	}
	if s.Copy != "" {
		d.copies++
	}
	d.add(s.IBAN+s.Account, &one)
}

func fillStatement(r *checkedRecord, statement *camt.Statement) {
	r.add("id", statement.ID)
	r.add("number", unsaid(statement.Number))
	r.account("account", statement.IBAN+statement.Account)
	for _, said := range statement.Balances {
		r.add("balance", plain(said.Code)+" "+said.Amount.String()+" "+dated(said.Date))
	}
}

// takeEntry makes records of an entry and of its details.
func (c *check) takeEntry(entry *camt.Entry) error {
	if err := c.take("entry", entry.Line, func(r *checkedRecord) { fillEntry(r, entry) }); err != nil {
		return err
	}
	for i := range entry.Details {
		if err := c.take("detail", entry.Line, func(r *checkedRecord) { fillDetail(r, &entry.Details[i]) }); err != nil {
			return err
		}
	}
	return nil
}

func fillEntry(r *checkedRecord, entry *camt.Entry) {
	r.add("reference", entry.Reference)
	r.add("bankReference", entry.BankReference)
	r.cents("amountCents", entry.Amount)
	r.add("status", string(entry.Status))
	if entry.Reversal {
		r.add("reversal", "true")
	}
	r.date("bookedOn", entry.BookedOn)
	r.date("valueOn", entry.ValueOn)
	r.add("code", codeOf(entry.Code))
	r.add("info", entry.Info)
	r.add("message", entry.Batch.MessageID)
	r.add("block", entry.Batch.PaymentID)
	r.add("orders", unsaid(entry.Batch.Orders))
	r.add("details", unsaid(len(entry.Details)))
}

// codeOf writes ISO's code of an entry, or the bank's own.
func codeOf(code camt.Code) string {
	if code.Domain == "" {
		return code.Proprietary
	}
	return strings.Join([]string{code.Domain, code.Family, code.SubFamily}, "/")
}

func fillDetail(r *checkedRecord, detail *camt.Detail) {
	r.add("message", detail.MessageID)
	r.add("block", detail.PaymentID)
	r.add("instructionId", detail.InstructionID)
	r.add("endToEndId", detail.EndToEndID)
	r.add("transactionId", detail.TransactionID)
	r.add("bankReference", detail.BankReference)
	if detail.Amount != 0 {
		r.cents("amountCents", detail.Amount)
	}
	r.name("debtorName", detail.Debtor.Name)
	r.account("debtorIban", detail.Debtor.IBAN)
	r.name("creditorName", detail.Creditor.Name)
	r.account("creditorIban", detail.Creditor.IBAN)
	r.add("reason", detail.Reason)
	r.add("remittance", detail.Remittance)
	r.add("reference", detail.Reference)
}

func (c *check) cfonb120(file *content) (checkedFile, error) {
	found := newStatements(camt.Statements)
	summary, err := cfonb.Read120(c.name, file, cfonb.Options{}, cfonb.StatementHandler{
		Begin: func(statement *cfonb.Statement) error {
			return c.take("statement", statement.Line, func(r *checkedRecord) {
				r.add("account", statement.Account.String())
				r.date("openedOn", statement.OpenedOn)
				r.cents("openingCents", statement.Opening)
			})
		},
		Movement: func(movement *cfonb.Movement) error {
			if movement.RejectReason != "" {
				found.ByReason.add(movement.RejectReason)
			}
			return c.take("movement", movement.Line, func(r *checkedRecord) { fillMovement(r, movement) })
		},
		End: func(s *cfonb.Statement) error {
			opening, closing := s.Opening, s.Closing
			found.Entries += s.Movements
			found.add(s.Account.Bank+s.Account.Branch+s.Account.Number, &checkedStatement{
				Line: s.Line, Account: s.Account.String(), OpenedOn: dated(s.OpenedOn), Opening: &opening, Entries: s.Movements,
				Credits: s.Credits, Debits: -s.Debits, ClosedOn: dated(s.ClosedOn), Closing: &closing,
			})
			return nil
		},
	})
	return checkedFile{SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes, Statements: found}, err
}

func fillMovement(r *checkedRecord, movement *cfonb.Movement) {
	r.add("code", movement.Code)
	r.add("internalCode", movement.InternalCode)
	r.cents("amountCents", movement.Amount)
	r.date("bookedOn", movement.BookedOn)
	r.date("valueOn", movement.ValueOn)
	r.add("rejectReason", movement.RejectReason)
	r.add("label", movement.Label)
	r.add("number", movement.Number)
	r.add("reference", movement.Reference)
	r.add("endToEndId", movement.EndToEndID())
	r.add("purpose", movement.Purpose())
	r.add("complements", unsaid(len(movement.Complements)))
}

// checkedAdvices is what a file of returns and advices says as a whole.
type checkedAdvices struct {
	Advices     int             `json:"advices"`
	Details     int             `json:"details"`
	ByOperation tally           `json:"byOperation"`
	ByReason    tally           `json:"byReason,omitempty"`
	Sum         money.Cents     `json:"sumCents"`
	First       []checkedAdvice `json:"first"`
}

// checkedAdvice is details of one operation.
type checkedAdvice struct {
	Line      int             `json:"line"`
	Operation cfonb.Operation `json:"operation"`
	SettledOn string          `json:"settledOn"`
	Account   string          `json:"account,omitempty"`
	Details   int             `json:"details"`
	Sum       money.Cents     `json:"sumCents"`
}

func (d *checkedAdvices) rows() [][]string {
	return about(
		[]string{"advices", counts(d.Advices, d.ByOperation)}, []string{"details", number(d.Details)},
		[]string{"reasons", parted(d.ByReason)}, []string{"sum", euros(d.Sum)})
}

func (d *checkedAdvices) parts() parts {
	of := parts{noun: "advice", header: []string{"operation", "account", "settled", "details", "sum"}, count: d.Advices}
	for _, advice := range d.First {
		of.rows = append(of.rows, []string{
			string(advice.Operation), advice.Account, advice.SettledOn, number(advice.Details), euros(advice.Sum),
		})
	}
	return of
}

// returned is the description of a transfer that came back: its end-to-end
// identifier, and ISO's code of why.
var returned = regexp.MustCompile(`^(\S{1,35}) +([A-Z0-9]{4})$`)

func (c *check) cfonb240(file *content) (checkedFile, error) {
	found := &checkedAdvices{ByOperation: tally{}, ByReason: tally{}, First: []checkedAdvice{}}
	summary, err := cfonb.Read240(c.name, file, cfonb.Options{}, cfonb.AdviceHandler{
		Begin: func(advice *cfonb.Advice) error {
			return c.take("advice", advice.Line, func(r *checkedRecord) {
				r.add("operation", string(advice.Operation))
				r.date("settledOn", advice.SettledOn)
				fillHolder(r, "first", &advice.First)
				fillHolder(r, "second", &advice.Second)
			})
		},
		Detail: func(detail *cfonb.Detail) error {
			if said := returned.FindStringSubmatch(detail.Description); said != nil {
				found.ByReason.add(said[2])
			}
			return c.take("detail", detail.Line, func(r *checkedRecord) { fillAdvised(r, detail) })
		},
		End: func(advice *cfonb.Advice) error {
			found.add(advice)
			return nil
		},
	})
	found.Details = summary.Details
	return checkedFile{SHA256: hex.EncodeToString(summary.SHA256[:]), Bytes: summary.Bytes, Advices: found}, err
}

// add counts an advice, and keeps the first.
func (d *checkedAdvices) add(advice *cfonb.Advice) {
	d.Advices++
	d.ByOperation.add(string(advice.Operation))
	d.Sum += advice.Sum
	if len(d.First) < shownParts {
		d.First = append(d.First, checkedAdvice{
			Line: advice.Line, Operation: advice.Operation, SettledOn: dated(advice.SettledOn), Account: holderAccount(&advice.First),
			Details: advice.Details, Sum: advice.Sum,
		})
	}
}

func holderAccount(holder *cfonb.Holder) string {
	if holder.Account == (cfonb.Account{}) {
		return ""
	}
	return holder.Account.String()
}

func fillHolder(r *checkedRecord, which string, holder *cfonb.Holder) {
	r.add(which+"Account", holderAccount(holder))
	r.name(which+"Name", holder.Name)
}

func fillAdvised(r *checkedRecord, detail *cfonb.Detail) {
	r.date("settledOn", detail.SettledOn)
	r.cents("amountCents", detail.Amount)
	fillHolder(r, "first", &detail.First)
	fillHolder(r, "second", &detail.Second)
	r.add("reference", detail.Reference)
	if said := returned.FindStringSubmatch(detail.Description); said != nil {
		r.add("endToEndId", said[1])
		r.add("reason", said[2])
	} else {
		r.name("description", detail.Description)
	}
	r.date("originalOn", detail.OriginalOn)
	r.add("originalReference", detail.OriginalReference)
}
