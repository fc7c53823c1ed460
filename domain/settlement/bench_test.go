package settlement_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/settlement"
)

const benchLines = 200_000

func benchFile(b *testing.B) []byte {
	b.Helper()

	var file bytes.Buffer

	writer, err := settlement.NewWriter(&file, header(b))
	require.NoError(b, err)

	random := rand.New(rand.NewPCG(1, 2))
	line := sale(b, "")
	start := line.TransactionAt

	for i := range benchLines {
		line.CreID = fmt.Appendf(line.CreID[:0], "%08X%08X", random.Uint32(), i)
		line.AccountID = fmt.Appendf(line.AccountID[:0], "1A1766%04d", random.IntN(10_000))
		line.Gross = 1 + line.Gross*7919%100_000
		line.TransactionAt = start.Add(time.Duration(random.IntN(86_400)) * time.Second)
		require.NoError(b, writer.Write(&line))
	}

	_, err = writer.Close()
	require.NoError(b, err)

	return file.Bytes()
}

func report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}

// BenchmarkRead reads a file with all controls, both SHA-256 included.
func BenchmarkRead(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	b.ResetTimer()

	for b.Loop() {
		_, err := settlement.Read("bench", bytes.NewReader(file), settlement.CRE1{},
			func(*settlement.Line) error { return nil })
		require.NoError(b, err)
	}

	report(b)
}

// BenchmarkReadNaively is the way of the standard library, with sums and one SHA-256 and no other control.
func BenchmarkReadNaively(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	b.ResetTimer()

	for b.Loop() {
		sum := sha256.New()
		scanner := bufio.NewScanner(bytes.NewReader(file))

		var gross, commission decimal.Decimal

		for scanner.Scan() {
			sum.Write(scanner.Bytes())

			columns := strings.Split(scanner.Text(), ";")
			if columns[0] != "D" {
				continue
			}

			_, err := strconv.Atoi(columns[1])
			require.NoError(b, err)
			amount, err := decimal.NewFromString(columns[8])
			require.NoError(b, err)

			gross = gross.Add(amount)

			amount, err = decimal.NewFromString(columns[9])
			require.NoError(b, err)

			commission = commission.Add(amount)

			_, err = time.Parse(time.RFC3339, columns[10])
			require.NoError(b, err)
			_, err = time.Parse("20060102", columns[11])
			require.NoError(b, err)
		}
	}

	report(b)
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

func benchRaw(b *testing.B) (raw []byte, line settlement.Line) {
	b.Helper()

	line = sale(b, "00C0FFEE00000001")
	line.Number = 123_456
	raw = settlement.AppendLine(nil, &line)

	return raw[:len(raw)-1], line
}

func BenchmarkParseLine(b *testing.B) {
	raw, line := benchRaw(b)

	b.ReportAllocs()

	for b.Loop() {
		if err := settlement.ParseLine(raw, &line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	raw, line := benchRaw(b)

	b.ReportAllocs()

	for b.Loop() {
		raw = settlement.AppendLine(raw[:0], &line)
	}
}
