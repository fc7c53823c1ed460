package systempay

import (
	"strconv"
	"strings"
)

// Difference is a field of a notification that is not what the form asked for.
type Difference struct {
	Field              string
	Expected, Received string // Received is at most MaxReference bytes
}

// MismatchError says in what a notification is not what its form asked for.
type MismatchError struct {
	Differences []Difference // one at least
}

// Error names the fields with both values, which are no buyer's own, and what to do.
func (e *MismatchError) Error() string {
	parts := make([]string, 0, len(e.Differences))
	for _, d := range e.Differences {
		parts = append(parts, d.Field+" is "+strconv.Quote(d.Received)+", the form has "+strconv.Quote(d.Expected))
	}

	return "SystemPay notification: " + strings.Join(parts, "; ") + ": look it up in SystemPay's back office before it is booked"
}

// Match compares a notification with what its form asked for. A debit is of the form's amount, an instalment's effective
// amount is the plan's, or less where the shop had only part of it captured; of a credit neither amount is more than the
// form's; the verification of a card has no amount of the form. The error is a *MismatchError.
func Match(expected *Expected, n *Notification) error {
	var differences []Difference

	differ := func(field, want, got string) {
		if want != got {
			differences = append(differences, Difference{Field: field, Expected: want, Received: bounded(got)})
		}
	}
	differ(siteField, expected.SiteID, n.SiteID)
	differ(modeField, string(expected.Mode), string(n.Mode))
	differ("vads_order_id", expected.OrderID, n.Field("vads_order_id"))

	if n.Operation != Verification {
		differ("vads_currency", expected.Amount.Currency, n.Field("vads_currency"))

		for _, d := range matchAmounts(expected, n) {
			differ(d.Field, d.Expected, d.Received)
		}
	}

	if differences == nil {
		return nil
	}

	return &MismatchError{Differences: differences}
}

// matchAmounts gives the amounts to compare.
func matchAmounts(expected *Expected, n *Notification) []Difference {
	if n.Operation == Credit {
		return matchBack(expected.Amount, n)
	}

	compared := []Difference{pair(n, "vads_amount", expected.Amount.Units)}

	if config := n.Field(planField); config != "" {
		compared = append(compared, Difference{Field: planField, Expected: expected.Plan.String(), Received: config})
	}

	effective, err := n.Effective()
	if err != nil || effective.Currency != expected.Amount.Currency {
		if err != nil {
			compared = append(compared, Difference{Field: "vads_effective_amount", Received: "unreadable or absent"})
		}

		return compared // converted, it cannot be compared
	}

	want, ok := expected.instalment(n.Sequence)
	inPart := n.Status == StatusCaptured && 0 < effective.Units && effective.Units < want

	switch {
	case !ok:
		return append(compared, Difference{
			Field: "vads_sequence_number", Expected: "that of an instalment", Received: n.Field("vads_sequence_number"),
		})
	case inPart, n.Field("vads_effective_amount") == "":
		return compared
	default:
		return append(compared, pair(n, "vads_effective_amount", want))
	}
}

// matchBack gives the amounts of a credit that are not some of the form's: what is told, and what is booked of it.
func matchBack(whole Amount, n *Notification) []Difference {
	var compared []Difference

	back := func(amount Amount) bool { return amount.Units < 0 && -amount.Units <= whole.Units }
	if told, err := n.Amount(); err != nil || !back(told) {
		compared = append(compared, pair(n, "vads_amount", whole.Units))
	}

	if n.Field("vads_effective_amount") == "" {
		return compared
	}

	if booked, err := n.Effective(); err == nil && booked.Currency == whole.Currency && !back(booked) {
		compared = append(compared, pair(n, "vads_effective_amount", whole.Units))
	}

	return compared
}

// pair is an amount of a notification beside the one that is wanted.
func pair(n *Notification, field string, want int64) Difference {
	got := n.Field(field)
	if units, err := readAmount(field, got); err == nil {
		got = strconv.FormatInt(units, 10)
	}

	return Difference{Field: field, Expected: strconv.FormatInt(want, 10), Received: got}
}

// instalment is the amount of the instalment of that number, from 1; the whole of an order that is paid at once, whose
// number is that of the buyer's try.
func (e *Expected) instalment(number int) (int64, bool) {
	amounts, err := e.Plan.Amounts(e.Amount.Units)
	if err != nil {
		return 0, false
	}

	if e.Plan.IsSingle() {
		return amounts[0], true
	}

	if number < 1 || number > len(amounts) {
		return 0, false
	}

	return amounts[number-1], true
}
