package systempay

// Outcome is what became of a message that came as a notification.
type Outcome string

// The outcomes. Those up to UnmaskedCard refuse the message, which is not believed; the others are of a message that is
// SystemPay's.
const (
	OutcomeForbidden    Outcome = "FORBIDDEN"     // from an address that is none of SystemPay's
	OutcomeMalformed    Outcome = "MALFORMED"     // no form, too large, a name twice, not UTF-8
	OutcomeBadSignature Outcome = "BAD_SIGNATURE" // absent or wrong
	OutcomeWrongShop    Outcome = "WRONG_SHOP"    // another shop's
	OutcomeWrongMode    Outcome = "WRONG_MODE"    // a test's at a real shop, or the reverse
	OutcomeUnmaskedCard Outcome = "UNMASKED_CARD" // a card's number, which must not be kept

	OutcomeDuplicate   Outcome = "DUPLICATE"    // it came before, and has no second effect
	OutcomeConflict    Outcome = "CONFLICT"     // it came before with another amount, currency or order, or contradicts what came
	OutcomeErrorResult Outcome = "ERROR_RESULT" // SystemPay did not understand the form, or failed
	OutcomeUnknown     Outcome = "UNKNOWN"      // a status, or a combination, that says nothing certain
	OutcomeNotPaid     Outcome = "NOT_PAID"     // refused, abandoned, cancelled or expired
	OutcomePending     Outcome = "PENDING"      // not decided yet
	OutcomeMismatch    Outcome = "MISMATCH"     // not what the form asked for
	// OutcomeCaptureFailed is of a payment that was authorised and that the bank did not get.
	OutcomeCaptureFailed Outcome = "CAPTURE_FAILED"
	OutcomeAccepted      Outcome = "ACCEPTED" // it has its effect
)

// Level is how much an outcome matters, as RFC 5424 names it.
type Level string

// The levels that outcomes have.
const (
	LevelInfo   Level = "INFO"
	LevelNotice Level = "NOTICE"
	LevelWarn   Level = "WARN"
	LevelErr    Level = "ERR"
	LevelAlert  Level = "ALERT" // somebody is to act at once
)

// Level is the outcome's.
func (o Outcome) Level() Level {
	switch o {
	case OutcomeAccepted, OutcomeDuplicate:
		return LevelInfo
	case OutcomeNotPaid, OutcomePending:
		return LevelNotice
	case OutcomeForbidden, OutcomeMismatch, OutcomeUnknown:
		return LevelWarn
	case OutcomeUnmaskedCard, OutcomeCaptureFailed:
		return LevelAlert
	default:
		return LevelErr
	}
}

// Refusal says why a message that came as a notification is not believed. It repeats nothing of it but a field's name.
type Refusal struct { //nolint:errname // called by what it is
	Outcome Outcome // from OutcomeForbidden to OutcomeUnmaskedCard
	Field   string  // the one at fault, empty when it is the message as a whole
	Reason  string  // what is wrong, and what to do, for a person to read
}

// Error names the outcome, the field and the reason.
func (r *Refusal) Error() string {
	text := "SystemPay notification refused (" + string(r.Outcome) + "): "
	if r.Field != "" {
		text += r.Field + " "
	}

	return text + r.Reason
}
