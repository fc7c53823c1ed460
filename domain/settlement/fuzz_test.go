package settlement_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/settlement"
)

// FuzzRead holds Read against a reader written the plain way: a file that Read accepts has the count, the sums, the
// checksum and the creIds that the plain reader finds in it.
func FuzzRead(f *testing.F) {
	good := seal(headerText, saleText, refundText)
	for _, seed := range []string{
		"", good, good[:len(good)-1], seal(headerText), strings.ReplaceAll(good, "\n", "\r\n"), good + good,
		seal(headerText, saleText, with(saleText, 1, "2")), seal(headerText, with(saleText, 15, "été \x00")),
		seal(headerText, with(saleText, 10, "2019-07-24T10:25:55.123456789-23:59")), "\xef\xbb\xbf" + good,
	} {
		f.Add(seed, false, false)
		f.Add(seed, true, true)
	}

	f.Fuzz(func(t *testing.T, file string, sealed, declared bool) {
		options := lines.Options{}
		if declared {
			options = lines.Options{Encoding: lines.Latin1, Ending: lines.CRLF, ByteOrderMark: true}
		}

		if sealed { // gives the fuzzer a right trailer, which it cannot find by itself
			file = seal(strings.Split(file, "\n")...)
		}

		summary, read, err := readAll(file, options)

		if faults, ok := errors.AsType[*fault.Faults](err); ok {
			require.Positive(t, faults.Count)
			require.Len(t, faults.Faults, min(faults.Count, fault.MaxDetailed))
			require.NotContains(t, faults.Error(), "\n")

			return
		}

		require.NoError(t, err)
		requirePlainlyRight(t, file, summary, read)
	})
}

func requirePlainlyRight(t *testing.T, file string, summary settlement.Summary, read []string) {
	t.Helper()

	require.True(t, strings.HasSuffix(file, "\n"))

	records := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	body := records[1 : len(records)-1]
	gross, commission, creIDs := new(big.Int), new(big.Int), map[string]bool{}

	for i, record := range body {
		columns := strings.Split(strings.TrimSuffix(record, "\r"), ";")
		require.Len(t, columns, 16)
		require.Equal(t, strconv.Itoa(i+1), columns[1])
		require.False(t, creIDs[columns[2]])

		creIDs[columns[2]] = true
		amount, ok := new(big.Int).SetString(columns[8], 10)
		require.True(t, ok)
		gross.Add(gross, amount)

		amount, ok = new(big.Int).SetString(columns[9], 10)
		require.True(t, ok)
		commission.Add(commission, amount)

		want, err := time.Parse(time.RFC3339Nano, columns[10])
		require.NoError(t, err)

		got, err := time.Parse(time.RFC3339Nano, strings.Split(read[i], ";")[10])
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s, %s", want, got)

		// All columns but the instant are written again as they were read.
		again := strings.Split(strings.TrimSuffix(read[i], "\n"), ";")
		require.Equal(t, columns[1:10], again[1:10])
		require.Equal(t, columns[11], again[11])
	}

	trailer := strings.Split(strings.TrimSuffix(records[len(records)-1], "\r"), ";")
	sum := sha256.Sum256([]byte(strings.Join(records[:len(records)-1], "\n") + "\n"))
	require.Equal(t, []string{
		"T", strconv.Itoa(len(body)), gross.String(), commission.String(), hex.EncodeToString(sum[:]),
	}, trailer)
	require.Equal(t, len(body), summary.Lines)
	require.Len(t, read, len(body))
	require.Equal(t, gross.String(), strconv.FormatInt(int64(summary.Gross), 10))
	require.Equal(t, commission.String(), strconv.FormatInt(int64(summary.Commission), 10))
	require.Equal(t, sha256.Sum256([]byte(file)), summary.SHA256)
	require.EqualValues(t, len(file), summary.Bytes)
}

// FuzzParseLine expects that what can be read is written and read again as the same.
func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{saleText, refundText, "", "D;", headerText, with(saleText, 8, "1e3"), saleText + ";"} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, raw []byte) {
		var line, again settlement.Line

		if err := settlement.ParseLine(raw, &line); err != nil {
			var refused *fault.Fault

			require.ErrorAs(t, err, &refused)

			return
		}

		written := settlement.AppendLine(nil, &line)
		require.Equal(t, byte('\n'), written[len(written)-1])
		require.NoError(t, settlement.ParseLine(written[:len(written)-1], &again))
		requireSame(t, &line, &again)
		require.Equal(t, written, settlement.AppendLine(nil, &again))
	})
}
