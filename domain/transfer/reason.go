package transfer

import "regexp"

// ReasonNotSpecified is the reason of an order that the bank did not execute and
// of which it gives no reason of ISO 20022's.
const ReasonNotSpecified = "MS03"

// Reason is the bank's reason as the ISO 20022 code of four characters that
// events and partners are told. Where the bank gives none, or one of its own,
// that is [ReasonNotSpecified].
func Reason(code string) string {
	if !reasonShape.MatchString(code) {
		return ReasonNotSpecified
	}
	return code
}

var reasonShape = regexp.MustCompile(`^[A-Z0-9]{4}$`)
