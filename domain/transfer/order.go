// Package transfer holds orders of payment: what they are called, whom they
// debit and credit, when they are due, and what becomes of them.
package transfer

import (
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
)

// Party is a holder of a bank account.
type Party struct {
	Name string
	BIC  string
	IBAN string
}

// Purpose is why money moves: between the EP's own accounts, or out to a
// merchant.
type Purpose string

// The purposes.
const (
	// Cover: own money meets the merchants' shortfalls, fonctionnement → règlement.
	Cover Purpose = "COVER"
	// Revenue: commission taken is isolated, règlement → fonctionnement.
	Revenue Purpose = "REVENUE"
	// Payout: a merchant's money leaves its CP for its account elsewhere.
	Payout Purpose = "PAYOUT"
	// Recovery: debts taken back from CPs become own money, règlement → fonctionnement.
	Recovery Purpose = "RECOVERY"
	// Canton: client money is safeguarded, règlement → cantonnement.
	Canton Purpose = "CANTONNEMENT"
	// Decanton: client money is fetched to pay merchants, cantonnement → règlement.
	Decanton Purpose = "DECANTONNEMENT"
)

// OrderType is that of every order in the OG-EP reference.
const OrderType = "V"

// Bank is how orders name the bank that they go to.
type Bank struct {
	ID          string // the EP's own identifier of it, such as 999999
	OrderFormat string // of the files that it takes, as the OG-EP reference writes it: PAIN.001.001.03
}

// RefExterne is the order's own identifier for the outside: `<uuid>-<epoch in
// milliseconds>`, 50 characters. It is the order's idempotency key for ever.
func RefExterne(id string, at time.Time) string {
	return id + "-" + strconv.FormatInt(at.UnixMilli(), 10)
}

// commissionLabelPad aligns the scheme as in the OG-EP reference's frames.
const commissionLabelPad = "   "

// CommissionLabel is the label of a merchant's commission line, and of the
// transfer that isolates the EP's revenue: `COMCO   <scheme><HH:mm:ss>`, the
// hour being the vacation's in Paris, so that a repeated step writes the same.
func CommissionLabel(scheme string, at time.Time) string {
	return "COMCO" + commissionLabelPad + scheme + hour(at)
}

// CoverLabel is the label under which own money fills a CP's gap.
func CoverLabel(at time.Time) string { return "COUVERTURE CREANCE " + hour(at) }

// RecoveryLabel is the label under which a debt is taken back from a CP, and of
// the transfer of what was taken back.
func RecoveryLabel(at time.Time) string { return "RECOUV CREANCE " + hour(at) }

// WriteOffLabel is the label under which a debt is given up.
func WriteOffLabel(at time.Time) string { return "ABANDON CREANCE " + hour(at) }

// CantonLabel is the label of client money on its way to the safeguarded account.
func CantonLabel(at time.Time) string { return "CANTONNEMENT " + hour(at) }

// DecantonLabel is the label of client money on its way back from the safeguarded account.
func DecantonLabel(at time.Time) string { return "DECANTONNEMENT " + hour(at) }

// PayoutLabel is the label under which an automatic payout leaves a CP.
func PayoutLabel(at time.Time) string { return "VIREMENT " + hour(at) }

// ReturnLabel is the label under which a rejected order is credited back to its
// CP; code is the bank's reason, four characters by ISO 20022.
func ReturnLabel(code string, at time.Time) string { return "REJET VIR " + code + " " + hour(at) }

// hour is the vacation's in Paris, so that a repeated step writes the same.
func hour(at time.Time) string { return at.In(calendar.Paris()).Format(time.TimeOnly) }
