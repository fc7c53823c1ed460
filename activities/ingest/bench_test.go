package ingest_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/settlement"
)

const (
	benchLines = 1_000_000
	// memoryMax is what the worker may hold at once, in bytes, however long the file is.
	memoryMax = 256 << 20
)

// BenchmarkLoad loads a file of a million lines: none of them a shop's, or all of
// them, each with the reference of an order in its label.
func BenchmarkLoad(b *testing.B) {
	for name, contracts := range map[string][]string{"none": nil, "all": {ours}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b)
				reference := w.file(b, 1, settlement.KindTransaction, benchLines, func(number int, l *settlement.Line) {
					l.AcquirerRef = fmt.Appendf(nil, "%032x", number)
					l.Label = fmt.Appendf(nil, "VENTE CB TS2026-20260317-%011d-1", number)
				})
				stop := peak(b)
				b.StartTimer()
				_, err := w.load(w.pool, reference, contracts...)
				b.StopTimer()
				require.NoError(b, err)
				most := stop()
				require.Less(b, most, uint64(memoryMax))
				b.ReportMetric(float64(most)/(1<<20), "MiB")
				b.StartTimer()
			}
			b.ReportMetric(benchLines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// peak looks every few milliseconds how much is held, until it is stopped.
func peak(b *testing.B) (stop func() uint64) {
	b.Helper()
	ended, most := make(chan struct{}), make(chan uint64)
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		var highest uint64
		for {
			select {
			case <-ended:
				most <- highest
				return
			case <-ticker.C:
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				highest = max(highest, stats.HeapInuse+stats.StackInuse)
			}
		}
	}()
	return func() uint64 {
		close(ended)
		return <-most
	}
}
