package layout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/payline"
)

const iban = "FR7699999000010000000010203"

// payments is a file as payline.yaml declares it.
func payments() string {
	var text strings.Builder

	for _, line := range []string{
		"DEB 00000702032026",
		fmt.Sprintf("MVT %s%-16s%s%s%012d%-70s02032026", "2603020000000001", "TRANS 10:25:55", "1A17660007", "1A17660008", 1011, "Loyer; mars"),
		fmt.Sprintf("VIR %s%s%-70s%-11s%-34s%012d%-70s03032026", "2603020000000002", "1A17660007", "Dupont", "RGLOFRP0", iban, 500, "Facture"),
		fmt.Sprintf("FIN %06d%06d%015d", 1, 1, 1511),
	} {
		fmt.Fprintf(&text, "%-260s\n", line)
	}

	return text.String()
}

func readPayments(file string, site *layout.Payline) (payline.Summary, []payline.Line, error) {
	var read []payline.Line

	today := calendar.DateOf(time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC))
	summary, err := payline.Read("p.txt", strings.NewReader(file), site, today, func(l *payline.Line) error {
		read = append(read, *l)

		return nil
	})

	return summary, read, err
}

// TestPaylineSaysTheSame compares with the same requests in our own format.
func TestPaylineSaysTheSame(t *testing.T) {
	t.Parallel()

	summary, read, err := readPayments(payments(), example(t, "payline.yaml").Payline)
	require.NoError(t, err)
	require.Zero(t, summary.LineFaults.Count, summary.LineFaults.Error())
	require.Equal(t, 7, summary.Sequence)
	require.EqualValues(t, 1511, summary.Sum)

	march := func(day int) calendar.Date {
		return calendar.DateOf(time.Date(2026, time.March, day, 12, 0, 0, 0, time.UTC))
	}
	require.Equal(t, []payline.Line{{
		Number: 2, Kind: payline.Movement, EndToEndID: "2603020000000001", OperationCode: "TRANS 10:25:55", DebtorCP: "1A17660007",
		CreditorCP: "1A17660008", Amount: 1011, Currency: "EUR", Label: "Loyer; mars", ExecDate: march(2),
	}, {
		Number: 3, Kind: payline.Transfer, EndToEndID: "2603020000000002", DebtorCP: "1A17660007", CreditorName: "Dupont",
		CreditorBIC: "RGLOFRP0", CreditorIBAN: iban, Amount: 500, Currency: "EUR", Label: "Facture", ExecDate: march(3),
	}}, read)
}

func TestFaultsOfPayments(t *testing.T) {
	t.Parallel()

	site := example(t, "payline.yaml").Payline

	for name, test := range map[string]struct{ from, to, line, file string }{
		"amount":    {"000000001011", "00000000101x", "2:57 amountCents", "4:17 sumCents"},
		"IBAN":      {iban, "FR7699999000010000000010204", "3:112 creditorIban", ""},
		"id":        {"2603020000000001", "260302000000000X", "2:5 endToEndId", ""},
		"semicolon": {"1A176600071A", "1A17;600071A", "2:37 debtorCp", ""},
		"date":      {"03032026", "30022026", "3:228 execDate", ""},
		"mark":      {"MVT", "MOV", "", "2:0 "},
		"length":    {"Dupont", "Dupont ", "3:0 ", "4:17 sumCents"},
		"count":     {"000001000001", "000002000001", "", "4:5 movements"},
		"sum":       {"1511 ", "1512 ", "", "4:17 sumCents"},
		"header":    {"00000702032026", "00000x02032026", "", "1:5 sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			good := payments()
			require.Equal(t, 1, strings.Count(good, test.from), test.from)

			summary, _, err := readPayments(strings.Replace(good, test.from, test.to, 1), site)

			if test.line != "" {
				require.NotEmpty(t, summary.LineFaults.Faults)

				first := summary.LineFaults.Faults[0]
				require.Equal(t, test.line, fmt.Sprintf("%d:%d %s", first.Line, first.Column, first.Field))
				require.NotContains(t, summary.LineFaults.Error(), "0100000000")
			}

			if test.file == "" {
				require.NoError(t, err)

				return
			}

			var refused *payline.Refusal

			require.ErrorAs(t, err, &refused)

			first := refused.Faults.Faults[0]
			require.Equal(t, test.file, fmt.Sprintf("%d:%d %s", first.Line, first.Column, first.Field), err)
		})
	}
}
