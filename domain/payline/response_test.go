package payline_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
)

// TestResponse answers the requests of the events' reference: a movement of 250.00 above what is available, a transfer of
// 200.00 from an account that nobody knows, a transfer of 150.00 that is good.
func TestResponse(t *testing.T) {
	t.Parallel()

	stranger := with(with(with(transferText, 1, "2103150015038796"), 2, "DC99999999"), 7, "20000")
	summary, given, err := read(t, file(headerText, movementText, stranger, transferText, "V;2103150015038812;", "T;1;3;60000"),
		lines.Options{})
	require.NoError(t, err)

	codes := []payline.Code{
		payline.ControlMovement(&given[0], false, holder(), holder(), 24999),
		payline.ControlTransfer(&given[1], false, payline.Holder{}, 0),
		payline.ControlTransfer(&given[2], false, holder(), 15000),
		payline.ControlTransfer(&given[3], false, payline.Holder{}, 0),
	}

	var text bytes.Buffer

	response, err := payline.NewResponse(&text, summary.Header)
	require.NoError(t, err)

	for i := range given {
		require.NoError(t, response.Write(payline.Answer(&given[i], codes[i])))
	}

	total, err := response.Close()
	require.NoError(t, err)
	require.Equal(t, payline.ResponseSummary{Accepted: 1, Rejected: 3, Sum: 15000}, total)
	require.Equal(t, file(
		"H;12;20210809",
		"M;2103150015038794;DC09255102;DC09255103;25000;RJCT;AM02",
		"V;2103150015038796;DC99999999;FR892193300001PNM1I3223UV55;20000;RJCT;AG01",
		"V;2103150015038811;DC09255105;FR892193300001PNM1I3223UV55;15000;ACCP;",
		"V;2103150015038812;;;0;RJCT;FF01",
		"T;1;3;15000",
	), text.String())
}

func TestWriteRefusal(t *testing.T) {
	t.Parallel()

	var text bytes.Buffer

	require.NoError(t, payline.WriteRefusal(&text, payline.Header{Sequence: 12, Date: date(t, "2021-08-09")}, payline.CodeControlSum))
	require.Equal(t, file("H;12;20210809", "F;RJCT;AM10", "T;0;0;0"), text.String())

	text.Reset()
	require.NoError(t, payline.WriteRefusal(&text, payline.Header{}, payline.CodeInvalidFile))
	require.Equal(t, file("H;;", "F;RJCT;FF01", "T;0;0;0"), text.String())

	require.ErrorIs(t, payline.WriteRefusal(failing{}, payline.Header{}, payline.CodeInvalidFile), errBroken)
}

func TestResponseKeepsItsColumns(t *testing.T) {
	t.Parallel()

	var text bytes.Buffer

	response, err := payline.NewResponse(&text, payline.Header{Sequence: 1, Date: date(t, "2021-08-09")})
	require.NoError(t, err)
	require.NoError(t, response.Write(payline.ResponseLine{
		Kind: payline.Movement, EndToEndID: "a;b", DebtorCP: "c\nd", Creditor: "é\x00", Amount: 1, Reject: payline.CodeInvalidFile,
	}))
	_, err = response.Close()
	require.NoError(t, err)
	require.Equal(t, file("H;1;20210809", "M;a b;c d;é ;1;RJCT;FF01", "T;0;1;0"), text.String())
}

func TestResponseRefusesASumBeyondTheLargest(t *testing.T) {
	t.Parallel()

	response, err := payline.NewResponse(&bytes.Buffer{}, payline.Header{})
	require.NoError(t, err)
	require.NoError(t, response.Write(payline.ResponseLine{Amount: money.Max}))
	require.ErrorIs(t, response.Write(payline.ResponseLine{Amount: 1}), money.ErrOverflow)
}
