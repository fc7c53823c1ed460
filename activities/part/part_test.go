package part_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

func drawParts(t *rapid.T) []part.Part {
	counts := rapid.SliceOfN(rapid.IntRange(0, 40), 2, 20).Draw(t, "counts")
	parts := make([]part.Part, len(counts)/2)
	for i := range parts {
		parts[i] = part.Part{Number: i, Sales: counts[2*i], Others: counts[2*i+1]}
	}
	return parts
}

func TestEverySaleIsInOneChunkAndTheRestInTheLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		size := rapid.IntRange(1, 50).Draw(t, "size")
		plan := part.Plan{Cut: part.Cut{ChunkLines: size, BatchLines: size}, Parts: parts}
		chunks := plan.Chunks()
		require.Equal(t, chunks, plan.Chunks(), "the same for ever")

		posted := 0
		for number, chunk := range chunks {
			require.Equal(t, number, chunk.Number)
			require.NotEqual(t, part.Parked, chunk.Part.Number, "parked lines are posted with the file")
			require.LessOrEqual(t, chunk.To-chunk.From, size)
			require.Positive(t, chunk.Lines(), "no transaction for nothing")
			posted += chunk.Lines()

			// A chunk goes on where the one before stopped, or is the first of its part.
			if number > 0 && chunks[number-1].Part.Number == chunk.Part.Number {
				require.Equal(t, chunks[number-1].To, chunk.From)
				require.False(t, chunks[number-1].Last)
				continue
			}
			require.Zero(t, chunk.From)
			if number > 0 {
				require.True(t, chunks[number-1].Last)
				require.Less(t, chunks[number-1].Part.Number, chunk.Part.Number)
			}
		}
		want := 0
		for _, planned := range parts[1:] {
			want += planned.Lines()
		}
		require.Equal(t, want, posted)
		if len(chunks) > 0 {
			last := chunks[len(chunks)-1]
			require.True(t, last.Last)
			require.Equal(t, last.Part.Sales, last.To)
		}
	})
}

// TestAChunkIsNamedByAllThatItDoes: the name is hashed into the key under which it is committed.
func TestAChunkIsNamedByAllThatItDoes(t *testing.T) {
	t.Parallel()
	chunk := part.Chunk{
		Number: 3, From: 100, To: 200, Last: true,
		Part: part.Part{Number: 2, Sales: 200, SalesSum: 10_00, Others: 7, OthersSum: -5_00, Commissions: 1},
	}
	seen := map[string]bool{chunk.String(): true}
	for _, change := range []func(*part.Chunk){
		func(c *part.Chunk) { c.Number++ }, func(c *part.Chunk) { c.From++ }, func(c *part.Chunk) { c.To++ },
		func(c *part.Chunk) { c.Part.Number++ }, func(c *part.Chunk) { c.Part.Sales++ }, func(c *part.Chunk) { c.Part.SalesSum++ },
		func(c *part.Chunk) { c.Part.Others++ }, func(c *part.Chunk) { c.Part.OthersSum++ },
		func(c *part.Chunk) { c.Part.Commissions++ },
	} {
		other := chunk
		change(&other)
		require.False(t, seen[other.String()], other)
		seen[other.String()] = true
	}
}

func TestHowManyParts(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]int{0: 1, 1: 1, 8 << 20: 1, 8<<20 + 1: 2, 160 << 20: 20, 1 << 40: 256} {
		require.Equal(t, want, part.Count(bytes), bytes)
	}
}

// entry is a line with the number that stands before it.
type entry struct {
	account int32
	text    string
}

func newLine(number int, gross money.Cents) *settlement.Line {
	line := settlement.Line{
		Number: number, CreID: []byte("CRE-1"), AccountID: []byte("1A17660007"), Siret: []byte("73282932000074"),
		Scheme: settlement.SchemeCB, Type: settlement.TypeVente, Gross: gross, Commission: 2,
		TransactionAt: time.Date(2026, time.March, 16, 10, 25, 55, 0, calendar.Paris()),
		ValueDate:     calendar.DateOf(time.Date(2026, time.March, 17, 0, 0, 0, 0, calendar.Paris())),
		Label:         []byte("RBCRR      CB10:25:55C1234567160326"),
	}
	if gross < 0 {
		line.Type, line.Commission = settlement.TypeRemb, 0
	}
	return &line
}

const contentHash = "c0ffee"

// write splits lines over three parts besides the parked one and places them.
func write(t testing.TB, work string, amounts []money.Cents) (parts []part.Part, want [][2][]entry) {
	t.Helper()
	writer, err := part.NewWriter(work, 3)
	require.NoError(t, err)
	want = make([][2][]entry, 4)
	for i, amount := range amounts {
		line := newLine(i+1, amount)
		into, kind, account := i%4, 0, int32(1_000_000+i)
		if amount < 0 {
			kind = 1
		}
		require.NoError(t, writer.Add(into, account, line))
		want[into][kind] = append(want[into][kind], entry{account, string(settlement.AppendLine(nil, line))})
	}
	require.NoError(t, writer.Finish())
	require.NoError(t, writer.Place(contentHash))
	return writer.Parts(), want
}

// read reads lines until the end, an error or the count.
func read(reader *part.Reader, err error) ([]entry, error) {
	if err != nil {
		return nil, err
	}
	var (
		line    settlement.Line
		entries []entry
	)
	for {
		account, err := reader.Next(&line)
		if errors.Is(err, io.EOF) {
			return entries, reader.Close()
		}
		if err != nil {
			return entries, errors.Join(err, reader.Close())
		}
		entries = append(entries, entry{account, string(settlement.AppendLine(nil, &line))})
	}
}

func TestPartsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		amounts := rapid.SliceOf(rapid.Map(
			rapid.Int64Range(-1_000_000, 1_000_000).Filter(func(cents int64) bool { return cents != 0 }),
			func(cents int64) money.Cents { return money.Cents(cents) },
		)).Draw(rt, "amounts")
		parts, want := write(t, root, amounts)
		folder := part.NewFolder(root, contentHash)
		require.True(rt, folder.Exists())

		require.Len(rt, parts, 4)
		total, sum := 0, money.Cents(0)
		for i, written := range parts {
			require.Equal(rt, i, written.Number)
			sales, err := read(folder.Sales(written))
			require.NoError(rt, err)
			require.Equal(rt, want[i][0], sales)
			others, err := read(folder.Others(written))
			require.NoError(rt, err)
			require.Equal(rt, want[i][1], others)
			require.Equal(rt, len(sales), written.Sales)
			require.Equal(rt, len(others), written.Others)
			require.EqualValues(rt, 2*written.Sales, written.Commissions)
			total += written.Lines()
			sum += written.SalesSum + written.OthersSum
		}
		require.Equal(rt, len(amounts), total)
		for _, amount := range amounts {
			sum -= amount
		}
		require.Zero(rt, sum)

		left, err := os.ReadDir(root)
		require.NoError(rt, err)
		require.Len(rt, left, 1, "nothing is left of the writing")
		require.NoError(rt, folder.Remove())
		require.False(rt, folder.Exists())
	})
}

func TestADamagedPartIsSaidToBe(t *testing.T) {
	t.Parallel()
	amounts := []money.Cents{1, 1, 100, 1, 1, 1, 200, 1, 1, 1, 300}
	name := "002.sales" // of the lines 3, 7 and 11
	for what, damage := range map[string]func(content []byte) []byte{
		"missing":        nil,
		"empty":          func([]byte) []byte { return nil },
		"a line lost":    func(content []byte) []byte { return content[:bytes.LastIndexByte(content[:len(content)-1], '\n')+1] },
		"cut":            func(content []byte) []byte { return content[:len(content)-10] },
		"no last LF":     func(content []byte) []byte { return content[:len(content)-1] },
		"zeroes":         func(content []byte) []byte { return make([]byte, len(content)) },
		"a zero block":   func(content []byte) []byte { clear(content[20:60]); return content },
		"no account":     func(content []byte) []byte { return bytes.Replace(content, []byte("1000002 D"), []byte("D"), 1) },
		"account signed": func(content []byte) []byte { return append([]byte("-"), content...) },
		"account empty":  func(content []byte) []byte { return append([]byte(" "), content[len("1000002 "):]...) },
		"account beyond": func(content []byte) []byte { return append([]byte("9999"), content...) },
		"another record": func(content []byte) []byte { return bytes.Replace(content, []byte(" D;"), []byte(" X;"), 1) },
		"a column less":  func(content []byte) []byte { return bytes.Replace(content, []byte(";CB;"), []byte(";"), 1) },
		"amount 1e3":     func(content []byte) []byte { return bytes.Replace(content, []byte(";100;"), []byte(";1e3;"), 1) },
		"very long line": func(content []byte) []byte { return []byte(strings.Repeat("1", 1<<20) + string(content)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			parts, _ := write(t, root, amounts)
			folder := part.NewFolder(root, contentHash)
			path := filepath.Join(string(folder), name)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			if damage == nil {
				require.NoError(t, os.Remove(path))
			} else {
				require.NoError(t, os.WriteFile(path, damage(content), 0o600))
			}
			_, err = read(folder.Sales(parts[2]))
			require.ErrorIs(t, err, part.ErrDamaged)
			_, err = read(folder.Sales(parts[1]))
			require.NoError(t, err, "the other parts are whole")
		})
	}
}

// TestVerifyFindsADamageThatStillReads changes lines into other good lines.
func TestVerifyFindsADamageThatStillReads(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]func(content []byte) []byte{
		"none": func(content []byte) []byte { return content },
		"another account": func(content []byte) []byte {
			return bytes.Replace(content, []byte("1000002 D"), []byte("1000003 D"), 1)
		},
		"another amount": func(content []byte) []byte { return bytes.Replace(content, []byte(";100;"), []byte(";101;"), 1) },
		"a line more":    func(content []byte) []byte { return append(content, content...) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			parts, _ := write(t, root, []money.Cents{1, 1, 100, 1, 1, 1, 200, 1, 1, 1, 300, -5})
			folder := part.NewFolder(root, contentHash)
			path := filepath.Join(string(folder), "002.sales")
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(content), 0o600))
			_, err = read(folder.Sales(parts[2]))
			require.NoError(t, err, "it still reads")
			for _, written := range parts {
				err := folder.Verify(written)
				if written.Number == 2 && what != "none" {
					require.ErrorIs(t, err, part.ErrDamaged)
				} else {
					require.NoError(t, err)
				}
			}
		})
	}
}

func TestPlaceTakesThePlaceOfDamagedParts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, _ = write(t, root, []money.Cents{1, 2, 3, 4})
	folder := part.NewFolder(root, contentHash)
	require.NoError(t, os.WriteFile(filepath.Join(string(folder), "009.sales"), []byte("left over"), 0o600))
	parts, want := write(t, root, []money.Cents{5, 6, 7, 8})
	sales, err := read(folder.Sales(parts[1]))
	require.NoError(t, err)
	require.Equal(t, want[1][0], sales)
	_, err = os.Stat(filepath.Join(string(folder), "009.sales"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAbortLeavesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writer, err := part.NewWriter(root, 1)
	require.NoError(t, err)
	require.NoError(t, writer.Add(1, 7, newLine(1, 100)))
	require.NoError(t, writer.Abort())
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSumsBeyondAnAmountAreRefused(t *testing.T) {
	t.Parallel()
	writer, err := part.NewWriter(t.TempDir(), 1)
	require.NoError(t, err)
	require.NoError(t, writer.Add(1, 7, newLine(1, money.Max)))
	require.ErrorIs(t, writer.Add(1, 7, newLine(2, 1)), money.ErrOverflow)
	require.NoError(t, writer.Abort())
}

func TestReasonsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	for _, reason := range []part.Reason{part.UnknownCP, part.ClosedCP, part.OtherSiret} {
		again, err := part.ReasonOf(reason.Number())
		require.NoError(t, err)
		require.Equal(t, reason, again)
	}
	for _, number := range []int32{-1, 3, 1_000_000} {
		_, err := part.ReasonOf(number)
		require.ErrorIs(t, err, part.ErrDamaged)
	}
	require.EqualValues(t, -1, part.Reason("OTHER").Number())
}
