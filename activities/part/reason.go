package part

// Reason says why a line is parked, as the list of parked lines shows it.
type Reason string

// The reasons.
const (
	UnknownCP  Reason = "UNKNOWN_CP"  // no such payment account in the merchants' snapshot
	ClosedCP   Reason = "CLOSED_CP"   // the account is closed
	OtherSiret Reason = "OTHER_SIRET" // the account is another merchant's
)

// DebtOfMerchant stands in the list beside an unpaid that could not be taken
// from its CP and became its merchant's debt: nobody has to assign it.
const DebtOfMerchant Reason = "TO_DEBT"

// reasons in the order of the numbers that stand before the lines of the
// parked part, where others have the CP's number.
func reasons() []Reason { return []Reason{UnknownCP, ClosedCP, OtherSiret} }

// Number is what stands for the reason before a parked line.
func (r Reason) Number() int32 {
	for number, reason := range reasons() {
		if reason == r {
			return int32(number)
		}
	}
	return -1
}

// ReasonOf reads what [Reason.Number] wrote.
func ReasonOf(number int32) (Reason, error) {
	if number < 0 || int(number) >= len(reasons()) {
		return "", ErrDamaged
	}
	return reasons()[number], nil
}
