package statement_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
)

// plain is what any JSON reader finds in an accepted file.
type plain struct {
	Opening  string          `json:"openingBalance"`
	Closing  string          `json:"closingBalance"`
	ID       string          `json:"id"`
	EndToEnd string          `json:"endToEndId"`
	Amount   json.RawMessage `json:"amount"`
	Lines    json.Number     `json:"lines"`
	Sum      string          `json:"sum"`
	SHA256   string          `json:"sha256"`
}

func (p plain) amount(t *testing.T) decimal.Decimal {
	t.Helper()

	var object struct {
		Value json.Number `json:"value"`
	}

	text := strings.Trim(string(p.Amount), `"`)
	if json.Unmarshal(p.Amount, &object) == nil {
		text = object.Value.String()
	}

	var unescaped string
	if json.Unmarshal(p.Amount, &unescaped) == nil {
		text = unescaped
	}

	return exact(t, text)
}

func exact(t *testing.T, text string) decimal.Decimal {
	t.Helper()

	value, err := decimal.NewFromString(text)
	require.NoError(t, err)

	return value
}

// requirePlainlyRight holds an accepted file against a reader written the plain way.
func requirePlainlyRight(t *testing.T, file string, count int) plain {
	t.Helper()
	require.True(t, strings.HasSuffix(file, "\n"))

	records := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	require.Len(t, records, count+2)

	read := make([]plain, len(records))
	for i, record := range records {
		require.NoError(t, json.Unmarshal([]byte(record), &read[i]))
	}

	sum, keys := decimal.Zero, map[string]bool{}

	for _, line := range read[1 : len(read)-1] {
		sum = sum.Add(line.amount(t))
		require.False(t, keys[line.ID+line.EndToEnd])

		keys[line.ID+line.EndToEnd] = true
	}

	head, trailer := read[0], read[len(read)-1]
	digest := sha256.Sum256([]byte(strings.Join(records[:len(records)-1], "\n") + "\n"))
	require.Equal(t, hex.EncodeToString(digest[:]), trailer.SHA256)
	require.True(t, exact(t, trailer.Lines.String()).Equal(decimal.NewFromInt(int64(count))))
	require.True(t, exact(t, trailer.Sum).Equal(sum))

	if head.Opening != "" {
		require.True(t, exact(t, head.Closing).Equal(exact(t, head.Opening).Add(sum)))
	}

	return trailer
}

func requireFaults(t *testing.T, err error) bool {
	t.Helper()

	faults, refused := errors.AsType[*fault.Faults](err)
	if !refused {
		require.NoError(t, err)

		return false
	}

	require.Positive(t, faults.Count)
	require.NotContains(t, faults.Error(), "\n")

	return true
}

// FuzzRead expects that what is accepted is plainly right, and that writing it again gives a file that says the same.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", good(), seal("0.00", strings.Replace(header, "1163.56", "1234.56", 1)), good() + good(), seal("-71.00", header, rejects, rejects),
		strings.Replace(good(), `"id"`, `"id":"a","id"`, 1), strings.Replace(good(), "EUR", `\u0045UR`, 1), "{}\n", "[]\n", "{\n",
	} {
		f.Add(seed, "-71.00", false)
		f.Add(seed, "-71.00", true)
	}

	f.Fuzz(func(t *testing.T, file, sum string, sealed bool) {
		if sealed { // gives the fuzzer a right trailer, which it cannot find by itself
			records := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
			file = seal(sum, records[:max(1, len(records)-1)]...)
		}

		read, found, err := readAll(file)
		if requireFaults(t, err) {
			return
		}

		requirePlainlyRight(t, file, read.Lines)
		require.Len(t, found, read.Lines)
		require.EqualValues(t, len(file), read.Bytes)
		require.Equal(t, sha256.Sum256([]byte(file)), read.SHA256)

		again, _, err := writeOgep(read, found)
		require.NoError(t, err)

		reread, refound, err := readAll(again)
		require.NoError(t, err)
		require.Equal(t, found, refound)

		reread.SHA256, reread.Bytes = read.SHA256, read.Bytes
		require.Equal(t, read, reread)
	})
}
