package pain002_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/pain002"
)

const benchOrders = 100_000

func benchFile(b *testing.B) []byte {
	b.Helper()

	var orders strings.Builder

	for i := range benchOrders {
		orders.WriteString(order(fmt.Sprintf("26030200%08d", i), "RJCT", reason("AC04", "account closed")+`<OrgnlTxRef>`+
			`<Amt><InstdAmt Ccy="EUR">12.30</InstdAmt></Amt><PmtMtd>TRF</PmtMtd><Dbtr><Nm>REGLO</Nm></Dbtr>`+
			`<DbtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></DbtrAcct><CdtrAgt><FinInstnId><BIC>AGRIFRPP</BIC></FinInstnId></CdtrAgt>`+
			`<Cdtr><Nm>MERCHANT ONE</Nm></Cdtr><CdtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></CdtrAcct></OrgnlTxRef>`))
	}

	return []byte(document(pain002.V03,
		fmt.Sprintf("<OrgnlNbOfTxs>%d</OrgnlNbOfTxs>%s%s", benchOrders, partial, count(strconv.Itoa(benchOrders), "RJCT", "1230000.00")),
		block("B", orders.String())))
}

// BenchmarkRead reads a report of 100,000 orders, each rejected with a reason, its amount and its parties.
func BenchmarkRead(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))
	b.ReportAllocs()

	for b.Loop() {
		report, err := pain002.Read("bench", bytes.NewReader(file), pain002.Handler{
			Transaction: func(pain002.Transaction) error { return nil },
		})
		require.NoError(b, err)
		require.Equal(b, benchOrders, report.Transactions)
	}
}

// BenchmarkReadHeap reads the same from a disk, and reports by how much the heap grows at most: seen by a collection every thousand orders.
func BenchmarkReadHeap(b *testing.B) {
	at := filepath.Join(b.TempDir(), "report.xml")
	require.NoError(b, os.WriteFile(at, benchFile(b), 0o600))

	peak := uint64(0)

	for b.Loop() {
		file, err := os.Open(at)
		require.NoError(b, err)

		debug.FreeOSMemory()

		var before, now runtime.MemStats

		runtime.ReadMemStats(&before)

		orders := 0
		_, err = pain002.Read("bench", file, pain002.Handler{
			Transaction: func(pain002.Transaction) error {
				orders++
				if orders%1_000 == 0 {
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
				}

				return nil
			},
		})
		require.NoError(b, err)
		require.NoError(b, file.Close())
	}

	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
}

// BenchmarkTokens is the ceiling: all tokens of the report, and nothing made of them.
func BenchmarkTokens(b *testing.B) {
	file := benchFile(b)

	b.SetBytes(int64(len(file)))

	for b.Loop() {
		decoder := xml.NewDecoder(bytes.NewReader(file))

		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}

			require.NoError(b, err)
		}
	}
}
