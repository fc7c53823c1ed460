package cfonb_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/money"
)

const benchLines = 1_000_000

// statementSource makes a file of a million lines as it is read: a statement of movements of which each has two complements.
type statementSource struct {
	lines  int
	sum    money.Cents
	buffer bytes.Buffer
}

func (s *statementSource) Read(into []byte) (int, error) {
	for s.buffer.Len() < len(into) && s.lines < benchLines {
		s.write()
	}

	return s.buffer.Read(into)
}

func (s *statementSource) write() {
	const account = "02204EUR2 00012345603"

	switch {
	case s.lines == 0:
		fmt.Fprintf(&s.buffer, "0110278    %s  060420%50s%s%16s\n", account, "", "0000000166956E", "")
	case s.lines == benchLines-1:
		fmt.Fprintf(&s.buffer, "0710278    %s  070420%50s%013d%c%16s\n", account, "",
			(s.sum+1669565)/10, "{ABCDEFGHI"[(s.sum+1669565)%10], "")
	case s.lines%3 == 1:
		amount := money.Cents(s.lines%100_000 + 1)
		s.sum += amount
		fmt.Fprintf(&s.buffer, "0410278A127%s05070420  070420%-31s  %07d  %013d%c%-16s\n", account, "VIR RECU 1234567890",
			s.lines, amount/10, "{ABCDEFGHI"[amount%10], "REF"+strconv.Itoa(s.lines))
	case s.lines%3 == 2:
		fmt.Fprintf(&s.buffer, "0510278A127%s05070420     NPYSOCIETE DU COMMERCE DE LYON%45s\n", account, "")
	default:
		fmt.Fprintf(&s.buffer, "0510278A127%s05070420     RCNE2E%032d%-35s  \n", account, s.lines, "FACTURE 2024-117")
	}

	s.lines++
}

func benchFile(b *testing.B) []byte {
	b.Helper()

	file, err := io.ReadAll(&statementSource{})
	require.NoError(b, err)
	require.Len(b, file, 121*benchLines)

	return file
}

func report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}

// BenchmarkRead120 reads a million lines with all controls, with the SHA-256 of the file and without.
func BenchmarkRead120(b *testing.B) {
	file := benchFile(b)

	for name, read := range map[string]func(string, io.Reader, cfonb.Options, cfonb.StatementHandler) (cfonb.Summary, error){
		"summed": cfonb.Read120, "unsummed": cfonb.Read120Unsummed,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()

			for b.Loop() {
				_, err := read("bench", bytes.NewReader(file), cfonb.Options{}, cfonb.StatementHandler{
					Movement: func(*cfonb.Movement) error { return nil },
				})
				require.NoError(b, err)
			}

			report(b)
		})
	}
}

// BenchmarkRead120Naively is the way of the standard library: lines, substrings, dates and sums, and no control but that of
// the closing balance.
func BenchmarkRead120Naively(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	b.ResetTimer()

	for b.Loop() {
		require.NoError(b, readNaively(bytes.NewReader(file)))
	}

	report(b)
}

func readNaively(source io.Reader) error {
	type naive struct {
		label, number, reference string
		booked, value            time.Time
		amount                   int64
		complements              map[string]string
	}

	var (
		scanner = bufio.NewScanner(source)
		sum     int64
		current *naive
	)

	cents := func(text string) (int64, error) {
		digits, err := strconv.ParseInt(text[:13], 10, 64)
		if at := strings.IndexByte("{ABCDEFGHI", text[13]); at >= 0 {
			return digits*10 + int64(at), err
		}

		return -digits*10 - int64(strings.IndexByte("}JKLMNOPQR", text[13])), err
	}

	for scanner.Scan() {
		line := scanner.Text()

		switch line[:2] {
		case "05":
			current.complements[line[45:48]] = strings.TrimSpace(line[48:118])

			continue
		case "04":
			booked, err := time.Parse("020106", line[34:40])
			if err != nil {
				return err
			}

			value, err := time.Parse("020106", line[42:48])
			if err != nil {
				return err
			}

			current = &naive{
				label: strings.TrimSpace(line[48:79]), number: line[81:88], reference: strings.TrimSpace(line[104:120]),
				booked: booked, value: value, complements: map[string]string{},
			}
		}

		amount, err := cents(line[90:104])
		if err != nil {
			return err
		}

		if line[:2] == "07" {
			if amount != sum {
				return fmt.Errorf("%d for %d", amount, sum)
			}

			continue
		}

		sum += amount
		if current != nil {
			current.amount = amount
		}
	}

	return scanner.Err()
}

// BenchmarkHash is the ceiling: one SHA-256 of the bytes.
func BenchmarkHash(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))
	b.ResetTimer()

	for b.Loop() {
		_ = sha256.Sum256(file)
	}

	report(b)
}

// TestRead120KeepsNothing reads a million lines and looks at the memory while it does.
//
//nolint:paralleltest // the memory is that of all tests that run
func TestRead120KeepsNothing(t *testing.T) {
	const limit = 64 << 20

	var (
		memory      runtime.MemStats
		most        uint64
		count       int
		complements int
	)

	summary, err := cfonb.Read120("bench", &statementSource{}, cfonb.Options{}, cfonb.StatementHandler{
		Movement: func(m *cfonb.Movement) error {
			count++
			if count%10_000 == 0 {
				runtime.ReadMemStats(&memory)
				most = max(most, memory.HeapInuse+memory.StackInuse)
			}

			complements += len(m.Complements)

			return nil
		},
	})
	require.NoError(t, err)
	require.Equal(t, benchLines, summary.Records)
	require.Equal(t, summary.Details, count)
	require.Equal(t, benchLines-2, count+complements)
	require.Positive(t, most)
	require.LessOrEqual(t, most, uint64(limit))
}
