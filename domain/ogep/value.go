package ogep

import (
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	orderTypeTransfer = "V" // the only order type of the reference: virement
	siretReason       = "want fourteen digits"

	fieldAmount          = "amount"
	fieldBookedDate      = "bookedDate"
	fieldBulkID          = "bulkId"
	fieldCreationDate    = "creationDate"
	fieldEcheance        = "echeance"
	fieldID              = "id"
	fieldInfo            = "info"
	fieldLabel           = "label"
	fieldModifDate       = "modificationDate"
	fieldTransactionDate = "transactionDate"
	fieldValueDate       = "valueDate"
)

// AccountTransaction is a movement of a payment account.
type AccountTransaction struct {
	Label         string // what the merchant reads
	Amount        money.Cents
	TransactionAt time.Time // of the card transaction or the order, to the millisecond
	ValueAt       time.Time // from when the amount counts
}

func (t AccountTransaction) check() check {
	var c check

	c.text(fieldLabel, t.Label)
	c.amount(fieldAmount, t.Amount)
	c.instant(fieldTransactionDate, t.TransactionAt)
	c.instant(fieldValueDate, t.ValueAt)

	return c
}

func (t AccountTransaction) append(dst []byte) []byte {
	dst = appendString(append(dst, `{"label":`...), t.Label)
	dst = appendAmount(append(dst, `,"amount":`...), t.Amount)
	dst = appendInstant(dst, fieldTransactionDate, t.TransactionAt)
	dst = appendInstant(dst, fieldValueDate, t.ValueAt)

	return append(dst, '}')
}

// BankTransaction is a movement that the bank reports on one of its accounts.
type BankTransaction struct {
	ID            string // the bank's
	Label         string // the bank's; tells the kinds of movements apart
	Amount        money.Cents
	BookedAt      time.Time
	TransactionAt time.Time
	ValueAt       time.Time
}

func (t BankTransaction) check() check {
	var c check

	c.filled(fieldID, t.ID)
	c.filled(fieldLabel, t.Label)
	c.amount(fieldAmount, t.Amount)
	c.instant(fieldBookedDate, t.BookedAt)
	c.instant(fieldTransactionDate, t.TransactionAt)
	c.instant(fieldValueDate, t.ValueAt)

	return c
}

func (t BankTransaction) append(dst []byte) []byte { return append(t.appendMembers(dst), '}') }

func (t BankTransaction) appendMembers(dst []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), t.ID)
	dst = appendMember(dst, fieldLabel, t.Label)
	dst = appendAmount(append(dst, `,"amount":`...), t.Amount)
	dst = appendInstant(dst, fieldBookedDate, t.BookedAt)
	dst = appendInstant(dst, fieldTransactionDate, t.TransactionAt)

	return appendInstant(dst, fieldValueDate, t.ValueAt)
}

// GlobalTransaction is the movement of the règlement account that a CRE file explains. Its tags are the form in which it
// passes between programs of the engine, in cents; AppendJSON writes that of the events.
type GlobalTransaction struct {
	ID            string      `json:"id"`          // the bank's
	Label         string      `json:"label"`       // holds operation type and reference
	Amount        money.Cents `json:"amountCents"` // negative when the bank debits the account
	BookedAt      time.Time   `json:"bookedDate"`
	TransactionAt time.Time   `json:"transactionDate"`
	ValueAt       time.Time   `json:"valueDate"`
	Type          string      `json:"type"`          // "transfer"
	Status        string      `json:"status"`        // "booked"
	Vacation      string      `json:"vacation"`      // "TRANSACTION"
	Reference     string      `json:"reference"`     // of the settlement: sequence, date, "UEP"
	OperationType string      `json:"operationType"` // "100"
}

// Validate checks that the movement is complete. The error is a *ValidationError.
func (g GlobalTransaction) Validate() error {
	c := g.check()

	return c.failure(paramGlobalTransaction)
}

func (g GlobalTransaction) check() check {
	c := g.bank().check()

	c.filled("type", g.Type)
	c.filled("status", g.Status)
	c.filled("vacation", g.Vacation)
	c.filled("reference", g.Reference)
	c.filled("operationType", g.OperationType)

	return c
}

// AppendJSON appends the movement as the event that starts a vacation holds it, and as ParseGlobalTransaction reads it.
func (g GlobalTransaction) AppendJSON(dst []byte) []byte {
	dst = g.bank().appendMembers(dst)
	dst = appendMember(dst, "type", g.Type)
	dst = appendMember(dst, "status", g.Status)
	dst = appendMember(dst, "vacation", g.Vacation)
	dst = appendMember(dst, "reference", g.Reference)
	dst = appendMember(dst, "operationType", g.OperationType)

	return append(dst, '}')
}

func (g GlobalTransaction) bank() BankTransaction {
	return BankTransaction{
		ID: g.ID, Label: g.Label, Amount: g.Amount, BookedAt: g.BookedAt, TransactionAt: g.TransactionAt, ValueAt: g.ValueAt,
	}
}

// Order is a credit transfer to be made.
type Order struct {
	RefExterne   string // identifies the order for ever
	OrderType    string // "V", virement
	CreditorName string
	CreditorBIC  string // eight or eleven characters, or empty
	CreditorIBAN string
	DebtorName   string
	DebtorBIC    string // eight or eleven characters, or empty
	DebtorIBAN   string // of the payment account whose merchant is paid
	Amount       money.Cents
	DeviseID     string // "EUR"
	Ccy          string // "EUR"
	BankID       string
	OrderFormat  string        // "PAIN.001.001.03"
	Echeance     calendar.Date // requested execution, a TARGET day
	Info         string        // remittance information
	BulkID       string        // UUID of the remittance; empty, and left out, before the order is in one
}

// check applies the rules of an order that will be executed.
func (o Order) check() check {
	c := o.checkTexts()

	c.that(o.RefExterne != "", "refExterne", "missing")
	c.that(o.OrderType == orderTypeTransfer, "orderType", "want V")
	c.that(o.CreditorName != "", "creditorName", "missing")
	c.that(o.DebtorName != "", "debtorName", "missing")
	c.that(isIBAN(o.CreditorIBAN), "creditorIban", "want an IBAN without spaces")
	c.that(isIBAN(o.DebtorIBAN), "debtorIban", "want an IBAN without spaces")
	c.that(o.CreditorBIC == "" || isBIC(o.CreditorBIC), "creditorBic", "want eight or eleven characters, or nothing")
	c.that(o.DebtorBIC == "" || isBIC(o.DebtorBIC), "debtorBic", "want eight or eleven characters, or nothing")
	c.that(o.Amount > 0, fieldAmount, "want more than zero")
	c.that(o.DeviseID == money.Currency, "deviseId", "want EUR")
	c.that(o.Ccy == money.Currency, "ccy", "want EUR")
	c.that(o.BankID != "", "bankId", "missing")
	c.that(isPain001(o.OrderFormat), "orderFormat", "want PAIN.001.001 and two digits")
	c.that(o.Echeance.IsZero() || calendar.Target{}.IsBusinessDay(o.Echeance), fieldEcheance, "want a TARGET day")
	c.that(o.BulkID == "" || isUUID(o.BulkID), fieldBulkID, "want a UUID in lower case with dashes")

	return c
}

// checkTexts applies the rules of any order, those refused for what they hold included.
func (o Order) checkTexts() check {
	var c check

	c.text("refExterne", o.RefExterne)
	c.text("orderType", o.OrderType)
	c.text("creditorName", o.CreditorName)
	c.text("creditorBic", o.CreditorBIC)
	c.text("creditorIban", o.CreditorIBAN)
	c.text("debtorName", o.DebtorName)
	c.text("debtorBic", o.DebtorBIC)
	c.text("debtorIban", o.DebtorIBAN)
	c.amount(fieldAmount, o.Amount)
	c.text("deviseId", o.DeviseID)
	c.text("ccy", o.Ccy)
	c.text("bankId", o.BankID)
	c.text("orderFormat", o.OrderFormat)
	c.that(!o.Echeance.IsZero(), fieldEcheance, "missing")
	c.text(fieldInfo, o.Info)

	return c
}

func (o Order) append(dst []byte) []byte {
	dst = appendString(append(dst, `{"refExterne":`...), o.RefExterne)
	dst = appendMember(dst, "orderType", o.OrderType)
	dst = appendMember(dst, "creditorName", o.CreditorName)
	dst = appendMember(dst, "creditorBic", o.CreditorBIC)
	dst = appendMember(dst, "creditorIban", o.CreditorIBAN)
	dst = appendMember(dst, "debtorName", o.DebtorName)
	dst = appendMember(dst, "debtorBic", o.DebtorBIC)
	dst = appendMember(dst, "debtorIban", o.DebtorIBAN)
	dst = o.Amount.Append(append(dst, `,"amount":`...))
	dst = appendMember(dst, "deviseId", o.DeviseID)
	dst = appendMember(dst, "ccy", o.Ccy)
	dst = appendMember(dst, "bankId", o.BankID)
	dst = appendMember(dst, "orderFormat", o.OrderFormat)
	dst = append(dst, `,"echeance":"`...)
	dst = append(o.Echeance.Append(dst), '"')
	dst = appendMember(dst, fieldInfo, o.Info)

	if o.BulkID != "" {
		dst = appendMember(dst, fieldBulkID, o.BulkID)
	}

	return append(dst, '}')
}

func isPain001(s string) bool {
	const family = "PAIN.001.001."

	return len(s) == len(family)+2 && s[:len(family)] == family && all(s[len(family):], isDigit)
}

// MerchantDebt is a créance: what a merchant owes the établissement de paiement.
type MerchantDebt struct {
	Siret      string // fourteen digits
	Initial    money.Cents
	Remaining  money.Cents // zero when it is paid back
	CreatedAt  time.Time
	ModifiedAt *time.Time // nil, written null, until the debt changes
}

func (d MerchantDebt) check() check {
	var c check

	c.that(len(d.Siret) == siretDigits && all(d.Siret, isDigit), "siret", siretReason)
	c.amount("initialAmount", d.Initial)
	c.that(d.Initial > 0, "initialAmount", "want more than zero")
	c.that(d.Remaining >= 0 && d.Remaining <= d.Initial, "remainingAmount", "want zero to the initial amount")
	c.instant(fieldCreationDate, d.CreatedAt)

	if d.ModifiedAt != nil {
		c.instant(fieldModifDate, *d.ModifiedAt)
		c.that(!d.ModifiedAt.Before(d.CreatedAt), fieldModifDate, "want no earlier than the creation")
	}

	return c
}

func (d MerchantDebt) append(dst []byte) []byte {
	dst = appendString(append(dst, `{"siret":`...), d.Siret)
	dst = d.Initial.Append(append(dst, `,"initialAmount":`...))
	dst = d.Remaining.Append(append(dst, `,"remainingAmount":`...))
	dst = appendInstant(dst, fieldCreationDate, d.CreatedAt)

	if d.ModifiedAt == nil {
		return append(dst, `,"modificationDate":null}`...)
	}

	dst = appendInstant(dst, fieldModifDate, *d.ModifiedAt)

	return append(dst, '}')
}
