package systempay

import (
	"strconv"
	"strings"
)

// Status is what SystemPay says of a transaction: vads_trans_status.
type Status string

// The statuses that are told apart.
const (
	StatusAuthorised    Status = "AUTHORISED" // to be handed to the bank
	StatusCaptured      Status = "CAPTURED"   // handed to the bank
	StatusCaptureFailed Status = "CAPTURE_FAILED"
	StatusAccepted      Status = "ACCEPTED" // of the verification of a card
	StatusCancelled     Status = "CANCELLED"
	StatusExpired       Status = "EXPIRED"
	StatusRefused       Status = "REFUSED"
	StatusAbandoned     Status = "ABANDONED"
	StatusNotCreated    Status = "NOT_CREATED"
)

// Class is what a notification is worth.
type Class string

// The classes.
const (
	ClassPaid          Class = "PAID"           // money that comes, or of a credit goes
	ClassPending       Class = "PENDING"        // not decided yet
	ClassNotPaid       Class = "NOT_PAID"       // no money, and none will come
	ClassCancelled     Class = "CANCELLED"      // what was expected does not come any more
	ClassCaptureFailed Class = "CAPTURE_FAILED" // authorised, and the bank did not get it: somebody is to act
	ClassCardCheck     Class = "CARD_CHECK"     // a card was verified; never money
	ClassErrorResult   Class = "ERROR_RESULT"   // SystemPay did not understand our form, or failed
	ClassUnknown       Class = "UNKNOWN"        // it says nothing certain: somebody is to look
)

// certificateLength is that of vads_payment_certificate, which a payment that was really authorised has.
const certificateLength = 40

// Verdict is what a notification is worth, and why.
type Verdict struct {
	Class  Class
	State  State  // what it makes of its transaction; none for ClassErrorResult and ClassUnknown
	Field  string // of ClassErrorResult, the field of the form that SystemPay refused, where it says which
	Reason string // for a person to read
}

// Outcome is what becomes of a notification of that verdict, when nothing else speaks against it.
func (v *Verdict) Outcome() Outcome {
	switch v.Class {
	case ClassPaid:
		return OutcomeAccepted
	case ClassPending:
		return OutcomePending
	case ClassNotPaid, ClassCancelled, ClassCardCheck:
		return OutcomeNotPaid
	case ClassCaptureFailed:
		return OutcomeCaptureFailed
	case ClassErrorResult:
		return OutcomeErrorResult
	default:
		return OutcomeUnknown
	}
}

// Judge says what the notification is worth.
func (n *Notification) Judge() Verdict {
	switch n.Result {
	case "00", "02", "05", "17":
	default:
		return n.errorResult()
	}

	switch n.Operation {
	case Debit, Credit, Verification:
	default:
		return unknown("an operation that is neither DEBIT, CREDIT nor VERIFICATION")
	}

	switch n.Status {
	case StatusAccepted:
		return cardCheck()
	case StatusAuthorised, StatusCaptured:
		return n.paid()
	case StatusCancelled:
		return Verdict{Class: ClassCancelled, State: StateCancelled, Reason: "cancelled in SystemPay's back office"}
	case StatusExpired:
		return Verdict{Class: ClassCancelled, State: StateCancelled, Reason: "expired: nobody let it through to the bank in time"}
	case StatusCaptureFailed:
		return Verdict{
			Class: ClassCaptureFailed, State: StateCaptureFailed,
			Reason: "the bank did not get it: ask SystemPay whether it hands it over again",
		}
	case StatusRefused, StatusAbandoned, StatusNotCreated:
		return n.notPaid()
	}

	if n.Status.pending() {
		if n.Result == "17" {
			return n.notPaid()
		}

		return Verdict{Class: ClassPending, State: StatePending, Reason: "not decided yet (" + string(n.Status) + ")"}
	}

	return unknown("a status that is none of those known")
}

func (s Status) pending() bool {
	switch s {
	case "AUTHORISED_TO_VALIDATE", "UNDER_VERIFICATION", "INITIAL", "SUSPENDED", "PENDING", "PRE_AUTHORISED", "CAPTURE_PENDING":
		return true
	default:
		return strings.HasPrefix(string(s), "WAITING_")
	}
}

func (n *Notification) paid() Verdict {
	switch {
	case n.Operation == Verification:
		return cardCheck()
	case n.Result != "00":
		return unknown("paid by its status, and not by its result " + n.Result)
	case n.Status == StatusCaptured:
		return Verdict{Class: ClassPaid, State: StateCaptured, Reason: "handed to the bank"}
	case len(n.fields["vads_payment_certificate"]) != certificateLength:
		return unknown("authorised without a payment certificate of 40 characters")
	default:
		return Verdict{Class: ClassPaid, State: StateAuthorised, Reason: "authorised"}
	}
}

func (n *Notification) notPaid() Verdict {
	reason := "refused"

	switch {
	case n.Result == "17" || n.Status == StatusAbandoned:
		reason = "abandoned by the buyer"
	case n.Status == StatusNotCreated:
		reason = "not created"
	}

	if n.Result == "02" {
		reason += ": the shop is to ask the card's bank"
	}

	if bank := n.fields["vads_auth_result"]; len(bank) == 2 && bank != "00" {
		reason += ", the card's bank answered " + bank
	}

	if risk := riskReason(n.ExtraResult); risk != "" {
		reason += ", " + risk
	}

	return Verdict{Class: ClassNotPaid, State: StateNotPaid, Reason: reason}
}

func (n *Notification) errorResult() Verdict {
	verdict := Verdict{Class: ClassErrorResult}

	switch n.Result {
	case "30":
		verdict.Field = formField(n.ExtraResult)

		switch {
		case verdict.Field != "":
			verdict.Reason = "SystemPay refused " + verdict.Field + " of our form: correct the shop's settings or what makes the order"
		case n.ExtraResult == "99":
			verdict.Reason = "SystemPay refused our form, and does not know why: ask it"
		default:
			verdict.Reason = "SystemPay refused a field of our form: look up its code " + strconv.Quote(n.ExtraResult) +
				" in the guide of the form"
		}
	case "96":
		verdict.Reason = "SystemPay failed: ask it what became of the payment"
	case "":
		verdict.Reason = "no result: ask SystemPay what became of the payment"
	default:
		verdict.Reason = "a result that is none of those known: ask SystemPay what it means"
	}

	return verdict
}

func cardCheck() Verdict {
	return Verdict{Class: ClassCardCheck, State: StateChecked, Reason: "a card was verified, and nothing paid"}
}

func unknown(what string) Verdict {
	return Verdict{Class: ClassUnknown, Reason: what + ": look it up in SystemPay's back office"}
}

// formField names the field that SystemPay refused, by its code in vads_extra_result: of those that our forms have. It is
// empty for another code.
func formField(code string) string {
	return map[string]string{
		"00":  signatureField,
		"01":  "vads_version",
		"02":  siteField,
		"03":  "vads_trans_id",
		"04":  "vads_trans_date",
		"05":  "vads_validation_mode",
		"06":  "vads_capture_delay",
		"07":  planField,
		"09":  "vads_amount",
		"10":  "vads_currency",
		"11":  modeField,
		"13":  "vads_order_id",
		"46":  "vads_page_action",
		"47":  "vads_action_mode",
		"15":  "vads_cust_email",
		"16":  "vads_cust_id",
		"104": "vads_cust_first_name",
		"105": "vads_cust_last_name",
		"24":  "vads_url_success",
		"25":  "vads_url_refused",
		"27":  "vads_url_cancel",
		"29":  "vads_url_error",
		"32":  "vads_theme_config",
		"33":  "vads_url_check",
		"34":  "vads_redirect_success_timeout",
		"35":  "vads_redirect_success_message",
		"36":  "vads_redirect_error_timeout",
		"37":  "vads_redirect_error_message",
	}[code]
}

// riskReason says which of the shop's own controls of risk a payment failed, by its code in vads_extra_result.
func riskReason(code string) string {
	switch code {
	case "02":
		return "the card is beyond what it may pay in a time"
	case "03":
		return "the card is on the shop's grey list"
	case "04":
		return "the card's country is on the shop's grey list"
	case "05":
		return "the buyer's address on the network is on the shop's grey list"
	case "06":
		return "the card's range is on the shop's grey list"
	case "07":
		return "the card is one for a single use"
	case "08":
		return "the card is a company's, of this country"
	case "09":
		return "the card is a company's, of another country"
	case "14":
		return "the card always asks its bank"
	case "20":
		return "the countries of the card, of the buyer and of the buyer's address on the network do not agree"
	case "30":
		return "the country of the buyer's address on the network is on the shop's grey list"
	case "99":
		return "a control of risk failed"
	default:
		return ""
	}
}
