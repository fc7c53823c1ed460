package payline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
)

// fixedWidth is a layout as a site could have one: fields by position, signed amounts. It gives no reason for a line that
// is no record.
type fixedWidth struct{ day calendar.Date }

func (fixedWidth) Text() lines.Options { return lines.Options{Encoding: lines.Latin1} }

func (f fixedWidth) Decode(text []byte, record *payline.Record) {
	switch {
	case bytes.HasPrefix(text, []byte("00")):
		record.Kind = payline.RecordHeader
		record.Header = payline.Header{Sequence: 7, Date: f.day}
	case bytes.HasPrefix(text, []byte("10")):
		record.Kind = payline.RecordLine
		record.Place(payline.FieldEndToEndID, 2, 18)
		record.Place(payline.FieldAmount, 38, 44)
		record.Line = payline.Line{
			Kind: payline.Movement, EndToEndID: string(text[2:18]), DebtorCP: string(text[18:28]), CreditorCP: string(text[28:38]),
			Currency: money.Currency, ExecDate: f.day, Label: string(text[44:]),
		}

		amount, err := money.ParseCents(bytes.TrimLeft(text[38:44], " "))
		if err != nil {
			record.Refuse(payline.FieldAmount, fault.CodeAmount, "must be digits")
		}

		record.Line.Amount = amount
	case bytes.HasPrefix(text, []byte("99")):
		record.Kind = payline.RecordTrailer
		_, _ = fmt.Sscanf(string(text), "99 %d %d %d", &record.Trailer.Movements, &record.Trailer.Transfers, &record.Trailer.Sum)
	}
}

func TestReadThroughAnotherLayout(t *testing.T) {
	t.Parallel()

	read := func(text string) ([]payline.Line, payline.Summary, error) {
		var given []payline.Line

		summary, err := payline.Read("fixed.txt", strings.NewReader(text), fixedWidth{businessDate(t)}, businessDate(t),
			func(line *payline.Line) error {
				given = append(given, *line)

				return nil
			})

		return given, summary, err
	}

	const account = "DC09255102DC09255103"

	given, summary, err := read(file("00", "102103150015038794"+account+"   250caf\xe9", "102103150015038795"+account+"  -250a;b",
		"1021031500150387;6"+account+"   1x0", "99 3 0 250"))
	require.NoError(t, err)
	require.Equal(t, payline.Line{
		Number: 2, Kind: payline.Movement, EndToEndID: "2103150015038794", DebtorCP: "DC09255102", CreditorCP: "DC09255103",
		Amount: 250, Currency: "EUR", Label: "café", ExecDate: businessDate(t),
	}, given[0])
	require.Equal(t, payline.CodeInvalidFile, given[1].Reject)
	require.Zero(t, given[1].Amount)
	require.Equal(t, payline.CodeInvalidFile, given[2].Reject)
	require.Equal(t, 3, summary.LineFaults.Count)
	require.Equal(t, `fixed.txt line 3 column 39: amountCents "  -250" must not be below zero: a request has no sign`,
		summary.LineFaults.Faults[0].Error())

	_, _, err = read(file("00", "??", "99 0 0 0"))
	require.ErrorContains(t, err, "FF01: fixed.txt: 1 fault: line 2: is no record of the file's layout")
}
