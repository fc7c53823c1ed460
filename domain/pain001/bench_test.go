package pain001_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/pain001"
)

// BenchmarkWrite writes 100,000 orders: in one block, and in as many as a payout's day has merchants.
func BenchmarkWrite(b *testing.B) {
	const orders = 100_000

	for name, blocks := range map[string]int{"one block": 1, "10000 blocks": 10_000} {
		b.Run(name, func(b *testing.B) {
			given := newFile(b, pain001.Format{Version: pain001.V03}, blocks, orders/blocks)

			b.ReportAllocs()

			for b.Loop() {
				summary, err := given.write(io.Discard)
				if err != nil {
					b.Fatal(err)
				}

				b.SetBytes(summary.Bytes)
			}
		})
	}
}

// TestOrdersDoNotAllocate holds the memory of the writer to what it states: its buffer, and the identifiers' room, which it
// takes as it begins.
func TestOrdersDoNotAllocate(t *testing.T) {
	const runs = 1_000

	given := newFile(t, pain001.Format{Version: pain001.V03}, 1, runs+1) // AllocsPerRun runs once more, to warm up
	writer, err := pain001.NewWriter(io.Discard, given.format, given.message)
	require.NoError(t, err)
	require.NoError(t, writer.Begin(given.blocks[0].Block))

	next := 0

	require.Zero(t, testing.AllocsPerRun(runs, func() {
		if err := writer.Write(given.blocks[0].payments[next]); err != nil {
			t.Error(err)
		}

		next++
	}))
}
