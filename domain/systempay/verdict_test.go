package systempay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
)

func TestVerdict(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		status, result, operation string
		class                     systempay.Class
		state                     systempay.State
		outcome                   systempay.Outcome
		reason                    string
	}{
		{"AUTHORISED", "00", "DEBIT", systempay.ClassPaid, systempay.StateAuthorised, systempay.OutcomeAccepted, "authorised"},
		{"CAPTURED", "00", "DEBIT", systempay.ClassPaid, systempay.StateCaptured, systempay.OutcomeAccepted, "handed to the bank"},
		{"CAPTURED", "00", "CREDIT", systempay.ClassPaid, systempay.StateCaptured, systempay.OutcomeAccepted, "handed"},
		{"AUTHORISED", "00", "-", systempay.ClassPaid, systempay.StateAuthorised, systempay.OutcomeAccepted, "authorised"},

		{"AUTHORISED", "05", "DEBIT", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "not by its result 05"},
		{"CAPTURED", "17", "DEBIT", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "not by its result 17"},
		{"AUTHORISED", "00", "LOAN", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "operation"},
		{"CHARGED", "00", "DEBIT", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "status"},
		{"-", "00", "DEBIT", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "status"},
		{"authorised", "00", "DEBIT", systempay.ClassUnknown, systempay.StateNone, systempay.OutcomeUnknown, "status"},

		{"ACCEPTED", "00", "DEBIT", systempay.ClassCardCheck, systempay.StateChecked, systempay.OutcomeNotPaid, "verified"},
		{"ACCEPTED", "00", "VERIFICATION", systempay.ClassCardCheck, systempay.StateChecked, systempay.OutcomeNotPaid, "verified"},
		{"CAPTURED", "00", "VERIFICATION", systempay.ClassCardCheck, systempay.StateChecked, systempay.OutcomeNotPaid, "verified"},
		{"REFUSED", "05", "VERIFICATION", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "refused"},

		{"AUTHORISED_TO_VALIDATE", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, "AUTHORISED_TO_VALIDATE"},
		{"WAITING_AUTHORISATION", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, "not decided"},
		{"WAITING_AUTHORISATION_TO_VALIDATE", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"WAITING_FOR_PAYMENT", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"UNDER_VERIFICATION", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"INITIAL", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"SUSPENDED", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"PENDING", "00", "CREDIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"PRE_AUTHORISED", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"CAPTURE_PENDING", "00", "DEBIT", systempay.ClassPending, systempay.StatePending, systempay.OutcomePending, ""},
		{"INITIAL", "17", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "abandoned by the buyer"},

		{"REFUSED", "05", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "refused"},
		{"REFUSED", "02", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "ask the card's bank"},
		{"REFUSED", "17", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "abandoned"},
		{"ABANDONED", "17", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "abandoned"},
		{"NOT_CREATED", "05", "DEBIT", systempay.ClassNotPaid, systempay.StateNotPaid, systempay.OutcomeNotPaid, "not created"},

		{"CANCELLED", "00", "DEBIT", systempay.ClassCancelled, systempay.StateCancelled, systempay.OutcomeNotPaid, "cancelled"},
		{"EXPIRED", "00", "DEBIT", systempay.ClassCancelled, systempay.StateCancelled, systempay.OutcomeNotPaid, "expired"},
		{"CAPTURE_FAILED", "00", "DEBIT", systempay.ClassCaptureFailed, systempay.StateCaptureFailed, systempay.OutcomeCaptureFailed, "bank"},

		{"AUTHORISED", "30", "DEBIT", systempay.ClassErrorResult, systempay.StateNone, systempay.OutcomeErrorResult, "look up its code"},
		{"AUTHORISED", "96", "DEBIT", systempay.ClassErrorResult, systempay.StateNone, systempay.OutcomeErrorResult, "failed"},
		{"AUTHORISED", "01", "DEBIT", systempay.ClassErrorResult, systempay.StateNone, systempay.OutcomeErrorResult, "none of those known"},
		{"CAPTURED", "-", "DEBIT", systempay.ClassErrorResult, systempay.StateNone, systempay.OutcomeErrorResult, "no result"},
		{"CAPTURED", "0", "DEBIT", systempay.ClassErrorResult, systempay.StateNone, systempay.OutcomeErrorResult, ""},
	} {
		n := notify(t, map[string]string{
			"vads_trans_status": test.status, "vads_result": test.result, "vads_operation_type": test.operation,
		})
		verdict := n.Judge()
		name := test.status + " " + test.result + " " + test.operation
		require.Equal(t, test.class, verdict.Class, name)
		require.Equal(t, test.state, verdict.State, name)
		require.Equal(t, test.outcome, verdict.Outcome(), name)
		require.Contains(t, verdict.Reason, test.reason, name)
		require.Empty(t, verdict.Field, name)
	}
}

func TestAuthorisedIsPaidWithItsCertificateOnly(t *testing.T) {
	t.Parallel()

	for _, value := range []string{"-", "", certificate[1:], certificate + "0"} {
		n := notify(t, map[string]string{"vads_payment_certificate": value})
		require.Equal(t, systempay.ClassUnknown, n.Judge().Class, value)

		n = notify(t, map[string]string{"vads_payment_certificate": value, "vads_trans_status": "CAPTURED"})
		require.Equal(t, systempay.ClassPaid, n.Judge().Class, value)
	}
}

func TestErrorResultNamesTheField(t *testing.T) {
	t.Parallel()

	for code, field := range map[string]string{
		"00": "signature", "01": "vads_version", "02": "vads_site_id", "03": "vads_trans_id", "04": "vads_trans_date",
		"05": "vads_validation_mode", "06": "vads_capture_delay", "07": "vads_payment_config", "09": "vads_amount", "10": "vads_currency",
		"11": "vads_ctx_mode", "13": "vads_order_id", "15": "vads_cust_email", "16": "vads_cust_id", "24": "vads_url_success",
		"25": "vads_url_refused", "27": "vads_url_cancel", "29": "vads_url_error", "32": "vads_theme_config", "33": "vads_url_check",
		"34": "vads_redirect_success_timeout", "35": "vads_redirect_success_message", "36": "vads_redirect_error_timeout",
		"37": "vads_redirect_error_message", "46": "vads_page_action", "47": "vads_action_mode", "104": "vads_cust_first_name",
		"105": "vads_cust_last_name", "99": "", "": "", "12": "",
	} {
		n := notify(t, map[string]string{"vads_result": "30", "vads_extra_result": code})
		verdict := n.Judge()
		require.Equal(t, systempay.ClassErrorResult, verdict.Class)
		require.Equal(t, field, verdict.Field, code)
		require.Contains(t, verdict.Reason, field)
	}
}

func TestRefusalSaysWhatTheBankAndTheControlsAnswered(t *testing.T) {
	t.Parallel()

	n := notify(t, map[string]string{
		"vads_trans_status": "REFUSED", "vads_result": "05", "vads_auth_result": "51", "vads_extra_result": "03",
	})
	require.Equal(t, "refused, the card's bank answered 51, the card is on the shop's grey list", n.Judge().Reason)

	reasons := make(map[string]bool)

	for _, code := range []string{"02", "03", "04", "05", "06", "07", "08", "09", "14", "20", "30", "99"} {
		n := notify(t, map[string]string{"vads_trans_status": "REFUSED", "vads_result": "05", "vads_extra_result": code})
		reasons[n.Judge().Reason] = true
	}

	require.Len(t, reasons, 12)
	require.NotContains(t, reasons, "refused")
}

func TestLevelOfOutcomes(t *testing.T) {
	t.Parallel()

	for outcome, level := range map[systempay.Outcome]systempay.Level{
		systempay.OutcomeForbidden: systempay.LevelWarn, systempay.OutcomeMalformed: systempay.LevelErr,
		systempay.OutcomeBadSignature: systempay.LevelErr, systempay.OutcomeWrongShop: systempay.LevelErr,
		systempay.OutcomeWrongMode: systempay.LevelErr, systempay.OutcomeUnmaskedCard: systempay.LevelAlert,
		systempay.OutcomeDuplicate: systempay.LevelInfo, systempay.OutcomeConflict: systempay.LevelErr,
		systempay.OutcomeErrorResult: systempay.LevelErr, systempay.OutcomeUnknown: systempay.LevelWarn,
		systempay.OutcomeNotPaid: systempay.LevelNotice, systempay.OutcomePending: systempay.LevelNotice,
		systempay.OutcomeMismatch: systempay.LevelWarn, systempay.OutcomeCaptureFailed: systempay.LevelAlert,
		systempay.OutcomeAccepted: systempay.LevelInfo, "": systempay.LevelErr,
	} {
		require.Equal(t, level, outcome.Level(), outcome)
	}
}
