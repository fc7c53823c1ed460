package statement_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/statement"
)

func TestReadLot(t *testing.T) {
	t.Parallel()

	for file, want := range map[string]string{
		`{"format":"ogep-rejects/1","lot":"REJ192837544970-02"}` + "\n": "REJ192837544970-02",
		`{"lot":"REJ1-1","format":"ogep-rejects/1"}` + "\r\n{":          "REJ1-1",
		`{"format":"ogep-rejects/1","lot":"REJ1-1"}`:                    "", // cut
		`{"format":"ogep-statement/1","lot":"REJ1-1"}` + "\n":           "",
		`{"format":1,"lot":"REJ1-1"}` + "\n":                            "",
		"H;ogep-cre/1\n":                                                "",
		"":                                                              "",
		strings.Repeat(" ", 5_000) + `{"format":"ogep-rejects/1","lot":"REJ1-1"}` + "\n": "",
	} {
		lot, found, err := statement.ReadLot(strings.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, want, lot, "%.60q", file)
		require.Equal(t, want != "", found, "%.60q", file)
	}

	broken := errors.New("disk")
	_, _, err := statement.ReadLot(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}
