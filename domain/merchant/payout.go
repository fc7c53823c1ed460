package merchant

import (
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// DueOn tells whether automatic payouts are due on date. A closed day is never one: a day named by the frequency that is
// closed rolls forward to the next business day, so date answers for itself and for the closed days just before it. A day
// of the month that the month lacks is its last day. Two named days that roll to the same business day make one payout.
func (f Frequency) DueOn(days calendar.Calendar, date calendar.Date) bool {
	if f == (Frequency{}) || !days.IsBusinessDay(date) {
		return false
	}

	// A month without a business day has each day named in it already: there is no need to look further back.
	for day, back := date, 0; back < daysAMonth; day, back = day.AddDays(-1), back+1 {
		if back > 0 && days.IsBusinessDay(day) {
			return false
		}

		if f.names(day) {
			return true
		}
	}

	return false
}

// names tells whether day is one that the frequency names, open or closed.
func (f Frequency) names(day calendar.Date) bool {
	switch f.Period {
	case Daily:
		return true
	case Weekly:
		return day.Weekday() == time.Weekday(f.Day%daysAWeek) // Sunday is 7 here and 0 there
	case Monthly:
		return day.Day() == f.Day || (day.Day() < f.Day && day.AddDays(1).Day() == 1)
	default:
		return false
	}
}

// Payout gives what is paid out automatically, in cents, of an account that holds balance and whose holder owes openDebt:
// what is left above reserve and debt, PayoutCeiling at most. It is 0 when that is at or under MinPayout, and for an
// account that is not active or not paid out automatically. Amounts that money cannot hold pay nothing: when in doubt the
// money stays.
func (m *Merchant) Payout(balance, openDebt money.Cents) money.Cents {
	if m.Status != StatusActive || m.PayoutMode != PayoutAuto {
		return 0
	}

	left, err := balance.Sub(m.Reserve)
	if err != nil {
		return 0
	}

	if left, err = left.Sub(openDebt); err != nil {
		return 0
	}

	if left = min(left, m.PayoutCeiling); left <= max(m.MinPayout, 0) {
		return 0
	}

	return left
}
