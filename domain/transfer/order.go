// Package transfer holds orders of payment: what they are called, whom they
// debit and credit, and when they are due.
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

// Purpose is why the EP moves money between its own accounts.
type Purpose string

// The purposes.
const (
	// Cover: own money meets the merchants' shortfalls, fonctionnement → règlement.
	Cover Purpose = "COVER"
	// Revenue: commission taken is isolated, règlement → fonctionnement.
	Revenue Purpose = "REVENUE"
)

// Constants of every order in the OG-EP reference.
const (
	OrderType   = "V"
	OrderFormat = "PAIN.001.001.03"
)

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
	return "COMCO" + commissionLabelPad + scheme + at.In(calendar.Paris()).Format(time.TimeOnly)
}

// CoverLabel is the label under which own money fills a CP's gap.
func CoverLabel(at time.Time) string {
	return "COUVERTURE CREANCE " + at.In(calendar.Paris()).Format(time.TimeOnly)
}
