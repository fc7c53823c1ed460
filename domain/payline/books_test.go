package payline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
)

func holder() payline.Holder {
	return payline.Holder{
		Known: true, Status: merchant.StatusActive, Mode: merchant.PayoutManual, CPToCP: true,
		IBAN: "FR7617028922821276386284526",
	}
}

// changed gives a holder that differs from the good one.
func changed(change func(*payline.Holder)) payline.Holder {
	h := holder()
	change(&h)

	return h
}

func unknown(h *payline.Holder) { *h = payline.Holder{} }
func closed(h *payline.Holder)  { h.Status = merchant.StatusClosed }
func blocked(h *payline.Holder) { h.Status = merchant.StatusBlocked }
func alone(h *payline.Holder)   { h.CPToCP = false }
func mute(h *payline.Holder)    { h.Mode = merchant.PayoutNone }
func same(*payline.Holder)      {}

func TestControlMovement(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		reject           payline.Code
		seen             bool
		debtor, creditor func(*payline.Holder)
		available        money.Cents
		want             payline.Code
	}{
		"250.00 out of 250.00":         {"", false, same, same, 25000, ""},
		"250.00 out of 249.99":         {"", false, same, same, 24999, payline.CodeMovementAmount},
		"out of nothing":               {"", false, same, same, 0, payline.CodeMovementAmount},
		"unknown debtor":               {"", false, unknown, same, 0, payline.CodeUnknownAccount},
		"unknown creditor":             {"", false, same, unknown, 0, payline.CodeUnknownAccount},
		"closed debtor":                {"", false, closed, same, 0, payline.CodeClosedAccount},
		"closed creditor":              {"", false, blocked, closed, 0, payline.CodeClosedAccount},
		"blocked debtor":               {"", false, blocked, alone, 0, payline.CodeBlockedAccount},
		"a status that nobody knows":   {"", false, func(h *payline.Holder) { h.Status = "" }, same, 25000, payline.CodeBlockedAccount},
		"blocked creditor":             {"", false, same, blocked, 25000, ""},
		"debtor not entitled":          {"", false, alone, same, 0, payline.CodeNotEntitled},
		"creditor not entitled":        {"", false, same, alone, 0, payline.CodeNotEntitled},
		"no payouts, but movements":    {"", false, mute, mute, 25000, ""},
		"seen before":                  {"", true, unknown, unknown, 0, payline.CodeDuplicate},
		"rejected by the line, unseen": {payline.CodeDatePast, false, same, same, 25000, payline.CodeDatePast},
		"rejected by the line, seen":   {payline.CodeEndToEndID, true, unknown, same, 0, payline.CodeEndToEndID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			line := movement(t)
			line.Reject = test.reject
			require.Equal(t, test.want,
				payline.ControlMovement(&line, test.seen, changed(test.debtor), changed(test.creditor), test.available))
		})
	}
}

func TestControlTransfer(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		reject    payline.Code
		seen      bool
		debtor    func(*payline.Holder)
		available money.Cents
		want      payline.Code
	}{
		"150.00 out of 150.00":       {"", false, same, 15000, ""},
		"150.00 out of 149.99":       {"", false, same, 14999, payline.CodeNoCover},
		"unknown":                    {"", false, unknown, 0, payline.CodeUnknownAccount},
		"closed":                     {"", false, closed, 0, payline.CodeClosedAccount},
		"blocked":                    {"", false, blocked, 0, payline.CodeBlockedAccount},
		"a status that nobody knows": {"", false, func(h *payline.Holder) { h.Status = "" }, 15000, payline.CodeBlockedAccount},
		"nobody may ask":             {"", false, mute, 0, payline.CodeNotEntitled},
		"also asked by hand":         {"", false, func(h *payline.Holder) { h.Mode = merchant.PayoutAuto }, 15000, ""},
		"no movements, but payouts":  {"", false, alone, 15000, ""},
		"another debtor IBAN":        {"", false, func(h *payline.Holder) { h.IBAN = "GB29NWBK60161331926819" }, 0, payline.CodeInvalidIBAN},
		"seen before":                {"", true, unknown, 0, payline.CodeDuplicate},
		"rejected by the line":       {payline.CodeNoCreditorName, true, unknown, 0, payline.CodeNoCreditorName},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			line := transfer(t)
			line.Reject = test.reject
			require.Equal(t, test.want, payline.ControlTransfer(&line, test.seen, changed(test.debtor), test.available))
		})
	}

	line := transfer(t)
	line.DebtorIBAN = ""
	require.Empty(t, payline.ControlTransfer(&line, false, holder(), 15000), "a debtor IBAN may be left out")

	line.CreditorIBAN = holder().IBAN
	require.Equal(t, payline.CodeInvalidIBAN, payline.ControlTransfer(&line, false, holder(), 15000), "to itself")
}

func TestCodes(t *testing.T) {
	t.Parallel()

	codes := payline.Codes()
	require.Equal(t, []payline.Code{
		"AG01", "AM02", "AM04", "AC04", "AC06", "AC01", "AG03", "AM01", "AM03", "AM05", "FF08", "FF01", "AM10", "AM18", "CH03",
		"CH04", "RR03", "AM14", "TM01",
	}, codes)

	said := map[string]bool{}

	for _, code := range codes {
		require.NotEmpty(t, code.Meaning(), code)
		require.False(t, said[code.Meaning()], code)

		said[code.Meaning()] = true
	}

	require.Empty(t, payline.Code("").Meaning())
	require.Empty(t, payline.Code("ZZ99").Meaning())

	codes[0] = "ZZ99"
	require.Equal(t, payline.CodeUnknownAccount, payline.Codes()[0], "nobody changes the table")
}
