package transfer

import "github.com/reglo/reglo/domain/calendar"

// DaysToDebit is how many business days after its remittance, or after the day
// on which it is due where that is later, the bank may take to debit an order.
// A SEPA credit transfer is executed by the end of the next business day (PSD2,
// article 83); two more leave room for a bank that is late, and an order beyond
// them is one that someone has to ask about.
const DaysToDebit = 3

// StaleBefore is the first day of which an order is not stale today: one
// remitted before it, and not debited, has waited for more than DaysToDebit
// business days.
func StaleBefore(days calendar.Calendar, today calendar.Date) calendar.Date {
	first := today
	for {
		earlier := first.AddDays(-1)
		if today.After(calendar.Add(days, earlier, DaysToDebit)) {
			return first
		}
		first = earlier
	}
}
