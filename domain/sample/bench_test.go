package sample_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/sample"
)

func BenchmarkWriteSettlement(b *testing.B) {
	const made = 100_000

	day, err := sample.New(typical(b, 10_000, made))
	require.NoError(b, err)

	for b.Loop() {
		_, err := day.WriteSettlement(io.Discard)
		require.NoError(b, err)
	}

	b.ReportMetric(made*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}
