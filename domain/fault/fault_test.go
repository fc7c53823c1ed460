package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
)

func TestFaultSaysWhereWhatAndWhy(t *testing.T) {
	t.Parallel()

	for want, found := range map[string]fault.Fault{
		`f.txt line 3 column 7: siret "123" must be 14 digits`: {
			File: "f.txt", Line: 3, Column: 7, Field: "siret", Value: "123", Reason: "must be 14 digits",
		},
		"f.txt line 3: is cut":           {File: "f.txt", Line: 3, Reason: "is cut"},
		"f.txt: is empty":                {File: "f.txt", Reason: "is empty"},
		"column 2: label is empty":       {Column: 2, Field: "label", Reason: "is empty"},
		"is no line":                     {Reason: "is no line"},
		"f.txt: legalName is too long":   {File: "f.txt", Field: "legalName", Reason: "is too long"},
		`f.txt line 1: "x" is no column`: {File: "f.txt", Line: 1, Value: "x", Reason: "is no column"},
	} {
		require.EqualError(t, &found, want)
	}
}

func TestFaultsKeepTheFirstAndCountAll(t *testing.T) {
	t.Parallel()

	faults := fault.Faults{File: "f.txt"}
	require.NoError(t, faults.Err())

	for i := range fault.MaxDetailed + 500 {
		faults.Add(fault.Fault{Line: i + 1, Reason: "is bad", Code: fault.CodeRecord})
	}

	faults.Add(fault.Fault{Reason: "ends without a trailer", Code: fault.CodeNoTrailer})
	require.Error(t, faults.Err())
	require.Len(t, faults.Faults, fault.MaxDetailed)
	require.Equal(t, fault.MaxDetailed+501, faults.Count)
	require.Equal(t, "f.txt", faults.Faults[0].File)
	require.True(t, faults.Incomplete(), "a fault is not forgotten because a thousand came before")
	require.EqualError(t, &faults, "f.txt: 1501 faults: line 1: is bad; line 2: is bad; line 3: is bad; and 1498 more "+
		"(NO_TRAILER 1, RECORD 1500). Nothing of this file has been used: it stops before its end; wait until it is completely "+
		"written, or ask its sender for it again")
}

func TestSort(t *testing.T) {
	t.Parallel()

	var faults fault.Faults

	for _, at := range [][2]int{{0, 0}, {9, 1}, {2, 5}, {2, 1}, {9, 0}} {
		faults.Add(fault.Fault{Line: at[0], Column: at[1]})
	}

	faults.Sort()

	sorted := make([][2]int, 0, len(faults.Faults))
	for _, found := range faults.Faults {
		sorted = append(sorted, [2]int{found.Line, found.Column})
	}

	require.Equal(t, [][2]int{{2, 1}, {2, 5}, {9, 0}, {9, 1}, {0, 0}}, sorted)
}

func TestJoin(t *testing.T) {
	t.Parallel()

	faults := fault.Faults{File: "f"}
	faults.Add(fault.Fault{Line: 2, Code: fault.CodeDate})

	broken := errors.New("disk")
	require.Equal(t, broken, faults.Join(broken))
	require.Equal(t, 1, faults.Count)

	require.Equal(t, error(&faults), faults.Join(fmt.Errorf("read: %w", &fault.Fault{Line: 1, Code: fault.CodeTruncated})))
	require.Equal(t, []fault.Fault{{File: "f", Line: 1, Code: fault.CodeTruncated}, {File: "f", Line: 2, Code: fault.CodeDate}}, faults.Faults)
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	require.Equal(t, `été \u0000\xe9\"\\ \u200b`, fault.Printable([]byte("été \x00\xe9\"\\ \u200b")))
	require.Equal(t, strings.Repeat("é", fault.MaxValue)+"…", fault.Printable([]byte(strings.Repeat("é", 1000))))
	rapid.Check(t, func(t *rapid.T) {
		shown := fault.Printable(rapid.SliceOf(rapid.Byte()).Draw(t, "value"))
		require.False(t, strings.ContainsFunc(shown, func(char rune) bool { return !unicode.IsPrint(char) }), "%q", shown)
	})
}
