package lines_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// TestReaderGivesTheLines compares with strings.Split, across the borders of the buffer, and sums before each line.
func TestReaderGivesTheLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("aé;\x00\r€\u0085"))).Filter(func(s string) bool { return !strings.HasSuffix(s, "\r") })
		drawn := rapid.SliceOfN(text, 1, 8).Draw(t, "lines")
		padding := rapid.SampledFrom([]int{0, 1, 60, 61, 62, 63, 64, 65}).Draw(t, "padding")
		records := append(slicesRepeat(strings.Repeat("x", lines.MaxLength), padding), drawn...)
		file := strings.Join(records, "\n") + "\n"

		var faults fault.Faults

		reader := lines.NewReader(iotest.HalfReader(strings.NewReader(file)), lines.Options{}, &faults)
		offset := 0

		for i, want := range records {
			require.True(t, reader.Next())
			require.Equal(t, i+1, reader.Number())
			require.Equal(t, !strings.ContainsFunc(want, unicode.IsControl), reader.Sound(), "%q", want)

			if reader.Sound() {
				require.Equal(t, want, string(reader.Text()))
				require.Equal(t, sha256.Sum256([]byte(file[:offset])), reader.SumBefore())
			}

			offset += len(want) + 1
			require.EqualValues(t, offset, reader.Bytes())
		}

		require.False(t, reader.Next())
		require.False(t, reader.Next())
		require.NoError(t, reader.Err())
		require.Equal(t, sha256.Sum256([]byte(file)), reader.Sum())
	})
}

func slicesRepeat(text string, count int) []string {
	repeated := make([]string, count)
	for i := range repeated {
		repeated[i] = text
	}

	return repeated
}

func TestReaderBoundsALine(t *testing.T) {
	t.Parallel()

	for _, ending := range []lines.Ending{lines.LF, lines.CRLF} {
		end := [...]string{"\n", "\r\n"}[ending]

		for length, sound := range map[int]bool{
			lines.MaxLength: true, lines.MaxLength + 1: false, lines.MaxLength + 2: false, 10 << 20: false,
		} {
			var faults fault.Faults

			file := "a" + end + strings.Repeat("x", length) + end + "b" + end
			reader := lines.NewReader(strings.NewReader(file), lines.Options{Ending: ending}, &faults)

			require.True(t, reader.Next())
			require.True(t, reader.Next())
			require.Equal(t, sound, reader.Sound(), length)
			require.True(t, reader.Next())
			require.Equal(t, "b", string(reader.Text()))
			require.False(t, reader.Next())
			require.Equal(t, sha256.Sum256([]byte(file)), reader.Sum())

			if !sound {
				require.Equal(t, map[fault.Code]int{fault.CodeLineTooLong: 1}, faults.ByCode)
			}
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.SliceOf(rapid.ByteRange(0x1e, 0x82)), rapid.SliceOf(rapid.ByteRange(0x20, 0x7e)), rapid.SliceOf(rapid.Byte()),
		).Draw(t, "text")
		want := utf8.Valid(text) && !bytes.ContainsFunc(text, unicode.IsControl)
		require.Equal(t, want, lines.Clean(text), "%q", text)
	})
}

func TestColumnCountsCharacters(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1, lines.Column([]byte("été"), 0))
	require.Equal(t, 3, lines.Column([]byte("été"), 3))
}
