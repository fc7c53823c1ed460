package payline_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/payline"
)

// seal puts the trailer under the records that they come to.
func seal(records ...string) string {
	movements, transfers, sum := plainly(records)

	return file(append(records, fmt.Sprintf("T;%d;%d;%s", movements, transfers, sum))...)
}

// plainly counts and adds up records the plain way.
func plainly(records []string) (movements, transfers int, sum *big.Int) {
	sum = new(big.Int)

	for _, record := range records {
		columns := strings.Split(strings.TrimSuffix(record, "\r"), ";")

		amount := ""

		switch {
		case len(columns) < 2:
		case columns[0] == "M":
			movements++

			if len(columns) == 9 {
				amount = columns[5]
			}
		case columns[0] == "V":
			transfers++

			if len(columns) == 11 {
				amount = columns[7]
			}
		}

		cents, ok := new(big.Int).SetString(amount, 10)
		if ok && strings.Trim(amount, "0123456789") == "" && cents.Cmp(big.NewInt(99_999_999_999_999)) <= 0 {
			sum.Add(sum, cents)
		}
	}

	return movements, transfers, sum
}

// FuzzRead holds Read against a reader written the plain way: a file that Read accepts has the counts and the sum that the
// plain reader finds in it, a line that passes can be paid, and a file that Read refuses has a code and faults.
func FuzzRead(f *testing.F) {
	good := seal(headerText, movementText, transferText)
	for _, seed := range []string{
		"", good, good[:len(good)-1], seal(headerText), strings.ReplaceAll(good, "\n", "\r\n"), good + good,
		seal(headerText, with(movementText, 5, "-1"), "V;"), seal(headerText, with(movementText, 7, "été \x00")),
		seal(headerText, with(transferText, 6, "FR00"), with(transferText, 10, "20990101")), "\xef\xbb\xbf" + good,
		seal(headerText, with(movementText, 5, "99999999999999"), movementText),
	} {
		f.Add(seed, false, false)
		f.Add(seed, true, true)
	}

	f.Fuzz(func(t *testing.T, text string, sealed, declared bool) {
		options := lines.Options{}
		if declared {
			options = lines.Options{Encoding: lines.Latin1, Ending: lines.CRLF, ByteOrderMark: true}
		}

		if sealed { // gives the fuzzer a right trailer, which it cannot find by itself
			text = seal(strings.Split(text, "\n")...)
		}

		summary, given, err := read(t, text, options)

		if err != nil {
			refusal, ok := errors.AsType[*payline.Refusal](err)
			require.True(t, ok, err)
			require.Contains(t, []payline.Code{payline.CodeInvalidFile, payline.CodeControlSum, payline.CodeTransactionCount}, refusal.Code)
			require.Positive(t, refusal.Faults.Count)
			require.NotContains(t, refusal.Error(), "\n")

			return
		}

		movements, transfers, sum := plainly(strings.Split(text, "\n"))
		require.Equal(t, movements, summary.Movements)
		require.Equal(t, transfers, summary.Transfers)
		require.Equal(t, sum.String(), strconv.FormatInt(int64(summary.Sum), 10))
		require.Len(t, given, movements+transfers)
		require.Equal(t, sha256.Sum256([]byte(text)), summary.SHA256)
		require.EqualValues(t, len(text), summary.Bytes)

		rejected := 0

		for i := range given {
			if given[i].Reject != "" {
				rejected++
			} else {
				requirePayable(t, &given[i])
			}
		}

		require.GreaterOrEqual(t, summary.LineFaults.Count, rejected)
	})
}

func requirePayable(t *testing.T, line *payline.Line) {
	t.Helper()

	require.Regexp(t, `^[0-9]{16}$`, line.EndToEndID)
	require.Positive(t, line.Amount)
	require.Equal(t, "EUR", line.Currency)
	require.True(t, merchant.ValidAccountID(line.DebtorCP))
	require.False(t, line.ExecDate.Before(businessDate(t)))
	require.False(t, line.ExecDate.After(businessDate(t).AddDays(payline.MaxAheadDays)))

	if line.Kind == payline.Movement {
		require.True(t, merchant.ValidAccountID(line.CreditorCP))
		require.NotEqual(t, line.DebtorCP, line.CreditorCP)

		return
	}

	require.NotEmpty(t, strings.TrimSpace(line.CreditorName))
	require.NoError(t, iban.Check(line.CreditorIBAN))
}
