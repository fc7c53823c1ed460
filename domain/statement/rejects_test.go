package statement_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

const (
	lot      = `{"format":"ogep-rejects/1","lot":"REJ192837544970-02","bulk":"9c8b2f2a-2d4a-4b57-9d5c-0e8f6f4a2b11"}`
	closed   = `{"endToEndId":"2103150015038811","amount":"21.00","code":"AC04"}`
	unnamed  = `{"endToEndId":"9fe1b965c38c11ebbadc0050569b2781","amount":"0.05","code":"MS03"}`
	bothSums = "21.05"
)

func readRejects(file string) (statement.Rejects, []statement.Reject, error) {
	var found []statement.Reject

	read, err := statement.ReadRejects("rejets", strings.NewReader(file), func(reject statement.Reject) error {
		found = append(found, reject)

		return nil
	})

	return read, found, err
}

func writeRejects(header statement.Rejects, found []statement.Reject) (string, statement.Rejects, error) {
	var file bytes.Buffer

	writer, err := statement.NewRejectWriter(&file, header)
	if err != nil {
		return "", statement.Rejects{}, err
	}

	for _, reject := range found {
		if err := writer.Write(reject); err != nil {
			return "", statement.Rejects{}, err
		}
	}

	written, err := writer.Close()

	return file.String(), written, err
}

func TestRejectsAreReadAndWritten(t *testing.T) {
	t.Parallel()

	for header, bulk := range map[string]string{
		lot: "9c8b2f2a-2d4a-4b57-9d5c-0e8f6f4a2b11", `{"format":"ogep-rejects/1","lot":"REJ192837544970-02"}`: "",
	} {
		file := seal(bothSums, header, closed, unnamed)
		read, found, err := readRejects(file)
		require.NoError(t, err)
		require.Equal(t, statement.Rejects{
			Lot: "REJ192837544970-02", Bulk: bulk, Lines: 2, Sum: 2_105,
			SHA256: sha256.Sum256([]byte(file)), Bytes: int64(len(file)),
		}, read)
		require.Equal(t, []statement.Reject{
			{"2103150015038811", 2_100, "AC04"}, {"9fe1b965c38c11ebbadc0050569b2781", 5, "MS03"},
		}, found)

		again, written, err := writeRejects(read, found)
		require.NoError(t, err)
		require.Equal(t, file, again)
		require.Equal(t, read, written)
	}
}

func TestFaultsOfRejects(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ from, to, want string }{
		"a statement":       {"ogep-rejects", "ogep-statement", `line 1 column 11: format "ogep-statement/1" must be ogep-rejects/1`},
		"lot":               {"REJ192837544970-02", "REJ 1", `line 1 column 34: lot "REJ 1" must be made of ASCII letters`},
		"lot empty":         {"REJ192837544970-02", "", "line 1 column 34: lot is empty"},
		"bulk of words":     {"9c8b2f2a-", "9c8b2f2a ", "bulk"},
		"bulk null":         {`"9c8b2f2a-2d4a-4b57-9d5c-0e8f6f4a2b11"`, "null", "bulk must be a string"},
		"no endToEndId":     {`"endToEndId":"2103150015038811",`, "", "line 2: endToEndId is missing"},
		"endToEndId twice":  {"9fe1b965c38c11ebbadc0050569b2781", "2103150015038811", `line 3 column 15: endToEndId "2103150015038811" is already on line 2`},
		"endToEndId long":   {"2103150015038811", strings.Repeat("1", 36), "is longer than 35 characters"},
		"endToEndId spaced": {"2103150015038811", "2103 15", "must be printable ASCII without spaces"},
		"amount number":     {`"21.00"`, "21.00", "line 2 column 43: amount must be a string"},
		"amount object":     {`"21.00"`, `{"value":21.00}`, "line 2 column 43: amount must be a string"},
		"amount negative":   {"21.00", "-21.00", `amount "-21.00" must be above zero`},
		"amount zero":       {"21.00", "0", `amount "0" must be above zero`},
		"code of three":     {"AC04", "AC4", `code "AC4" must be four capital letters or digits`},
		"code in words":     {"AC04", "closed", `code "closed" is longer than 4 characters`},
		"sum":               {`,"code":"MS03"`, `,"code":"MS03","x":1`, `"x" is not a member of this line`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			spoiled := strings.Replace(strings.Join([]string{lot, closed, unnamed}, "\n"), test.from, test.to, 1)
			_, _, err := readRejects(seal(bothSums, strings.Split(spoiled, "\n")...))

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.ErrorContains(t, err, test.want)
		})
	}

	_, _, err := readRejects(seal("21.04", lot, closed, unnamed))
	require.ErrorContains(t, err, `sum "21.04" is not the sum of the lines, 21.05`)
}

// TestFilesBeyondTheLimitAreRefused has lines as short as can be: there are many.
func TestFilesBeyondTheLimitAreRefused(t *testing.T) {
	t.Parallel()

	_, _, err := readRejects(lot + "\n" + strings.Repeat("{}\n", statement.MaxLines+10))

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, 1, faults.ByCode[fault.CodeTooManyLines])
	require.Equal(t, 3*(statement.MaxLines+1), faults.ByCode[fault.CodeMissing], "read no further")
	require.Zero(t, faults.ByCode[fault.CodeNoTrailer])
}

func TestRejectsWrittenAreRead(t *testing.T) {
	t.Parallel()

	reject := rapid.Custom(func(t *rapid.T) statement.Reject {
		return statement.Reject{
			EndToEndID: rapid.StringMatching(`[!-~]{1,35}`).Draw(t, "endToEndId"),
			Amount:     money.Cents(rapid.Int64Range(1, 99_999_999_999).Draw(t, "amount")),
			Code:       rapid.StringMatching(`[A-Z]{2}[0-9]{2}`).Draw(t, "code"),
		}
	})

	rapid.Check(t, func(t *rapid.T) {
		found := rapid.SliceOfNDistinct(reject, 1, 8, func(r statement.Reject) string { return r.EndToEndID }).Draw(t, "rejects")
		header := statement.Rejects{
			Lot:  rapid.StringMatching(`REJ[0-9]{12}-[0-9]{2}`).Draw(t, "lot"),
			Bulk: rapid.StringMatching(`[!-~]{0,64}`).Draw(t, "bulk"),
		}

		file, written, err := writeRejects(header, found)
		require.NoError(t, err)

		read, again, err := readRejects(file)
		require.NoError(t, err)
		require.Equal(t, written, read)
		require.Equal(t, found, again)
	})
}

func TestTheRejectWriterRefusesWhatReadRejectsWould(t *testing.T) {
	t.Parallel()

	sound := statement.Reject{EndToEndID: "2103150015038811", Amount: 1, Code: "AC04"}

	for want, test := range map[string]struct {
		header  statement.Rejects
		rejects []statement.Reject
	}{
		"lot is empty":                   {statement.Rejects{}, nil},
		"amount \"0.00\" must be above":  {statement.Rejects{Lot: "REJ1-1"}, []statement.Reject{{EndToEndID: "1", Code: "AC04"}}},
		"is already on line 2":           {statement.Rejects{Lot: "REJ1-1"}, []statement.Reject{sound, sound}},
		"bulk \"a b\" must be printable": {statement.Rejects{Lot: "REJ1-1", Bulk: "a b"}, nil},
	} {
		_, _, err := writeRejects(test.header, test.rejects)

		var refused *fault.Fault

		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, want)
	}
}
