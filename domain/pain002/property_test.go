package pain002_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain002"
)

// drawn is a report that is right by itself, and what it says.
type drawn struct {
	group, blocks string
	counts        map[string]int
	sums          map[string]money.Cents
	orders        []pain002.Transaction
}

func draw(t *rapid.T) drawn {
	report := drawn{counts: map[string]int{}, sums: map[string]money.Cents{}}

	var blocks strings.Builder

	for b := range rapid.IntRange(1, 4).Draw(t, "blocks") {
		id := "B" + strconv.Itoa(b)

		var said strings.Builder

		for o := range rapid.IntRange(1, 5).Draw(t, "orders") {
			want := pain002.Transaction{
				PaymentID: id, EndToEndID: fmt.Sprintf("E%d-%d", b, o),
				Status: rapid.SampledFrom([]pain002.Status{"RJCT", "ACCP", "ACSP", "PDNG", "ACTC"}).Draw(t, "status"),
				Amount: money.Cents(rapid.Int64Range(1, 99_999_999_999).Draw(t, "amount")),
			}

			inside := ""

			if want.Status.Rejected() {
				want.Reasons = []pain002.Reason{{Code: rapid.StringMatching(`[A-Z]{2}[0-9]{2}`).Draw(t, "reason"), Info: "&<é>"}}
				inside = reason(want.Reasons[0].Code, "&amp;&lt;é&#62;")
			}

			said.WriteString(order(want.EndToEndID, string(want.Status), inside+amount(want.Amount.String())))

			report.counts[string(want.Status)]++
			report.sums[string(want.Status)] += want.Amount
			report.orders = append(report.orders, want)
		}

		blocks.WriteString(block(id, "<PmtInfSts>PART</PmtInfSts>"+said.String()))
	}

	report.blocks = blocks.String()
	report.group = partial

	for _, status := range []string{"ACCP", "ACSP", "ACTC", "PDNG", "RJCT"} {
		if report.counts[status] > 0 {
			report.group += count(strconv.Itoa(report.counts[status]), status, report.sums[status].String())
		}
	}

	return report
}

func TestReadGivesWhatIsWritten(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		version := rapid.SampledFrom([]pain002.Version{pain002.V03, pain002.V10}).Draw(t, "version")
		want := draw(t)

		report, all, err := read(document(version, want.group, want.blocks))
		require.NoError(t, err)
		require.Equal(t, want.orders, all.orders)
		require.Equal(t, len(want.orders), report.Transactions)
	})
}

// TestReadFindsWhatIsMissing leaves an order out of a report, or changes one, and has the counts tell.
func TestReadFindsWhatIsMissing(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		want := draw(t)
		rejects := make([]pain002.Transaction, 0, len(want.orders))

		for _, order := range want.orders {
			if order.Status.Rejected() {
				rejects = append(rejects, order)
			}
		}

		if len(rejects) == 0 {
			return
		}

		reject := rapid.SampledFrom(rejects).Draw(t, "reject")
		text := order(reject.EndToEndID, "RJCT", reason(reject.Reasons[0].Code, "&amp;&lt;é&#62;")+amount(reject.Amount.String()))
		require.Contains(t, want.blocks, text)

		changed := rapid.SampledFrom([]string{
			"", strings.Replace(text, "RJCT", "ACWC", 1),
			strings.Replace(text, ">"+reject.Amount.String()+"<", ">"+(reject.Amount+1).String()+"<", 1),
		}).Draw(t, "changed")

		_, _, err := read(document(pain002.V03, want.group, strings.Replace(want.blocks, text, changed, 1)))
		_, isRefused := errors.AsType[*fault.Faults](err)
		require.True(t, isRefused, "%v", err)
	})
}

// plain is what encoding/xml finds in a report by itself.
type plain struct {
	Blocks []struct {
		Status string `xml:"PmtInfSts"`
		Orders []struct {
			EndToEnd string   `xml:"OrgnlEndToEndId"`
			Status   []string `xml:"TxSts"`
			Amount   []string `xml:"OrgnlTxRef>Amt>InstdAmt"`
		} `xml:"TxInfAndSts"`
	} `xml:"CstmrPmtStsRpt>OrgnlPmtInfAndSts"`
}

// FuzzRead holds Read against a reader written the plain way: a report that is accepted has the orders that the plain reader
// finds in it, and each has one status.
func FuzzRead(f *testing.F) {
	for _, report := range sound() {
		f.Add([]byte(document(pain002.V03, report[0], report[1])))
		f.Add([]byte(document(pain002.V10, report[0], report[1])))
	}

	f.Add([]byte(file(f, "full.03.xml")))
	f.Add([]byte(file(f, "full.10.xml")))
	f.Add([]byte(strings.Replace(file(f, "full.03.xml"), "UTF-8", "ISO-8859-1", 1)))

	f.Fuzz(func(t *testing.T, text []byte) {
		report, all, err := readFrom(bytes.NewReader(text))
		if refused, isRefused := errors.AsType[*fault.Faults](err); isRefused {
			require.Positive(t, refused.Count)
			require.NotContains(t, refused.Error(), "\n")

			return
		}

		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(text), report.SHA256)
		require.EqualValues(t, len(text), report.Bytes)
		require.Len(t, all.orders, report.Transactions)
		require.Len(t, all.payments, report.Payments)

		var want plain

		decoder := xml.NewDecoder(bytes.NewReader(text))
		decoder.CharsetReader = nil

		if decoder.Decode(&want) != nil {
			return // another encoding
		}

		require.Len(t, want.Blocks, report.Payments)

		next := 0

		for _, block := range want.Blocks {
			for _, order := range block.Orders {
				got := all.orders[next]
				next++

				require.LessOrEqual(t, len(order.Status), 1)
				require.LessOrEqual(t, len(order.Amount), 1)
				require.Equal(t, strings.TrimSpace(order.EndToEnd), got.EndToEndID)
				require.NotEmpty(t, got.Status)

				if len(order.Status) == 1 {
					require.Equal(t, strings.TrimSpace(order.Status[0]), string(got.Status))
				}
			}
		}

		require.Equal(t, report.Transactions, next)
	})
}
