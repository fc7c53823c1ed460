package pain001_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/schemas/xsd"
)

// passed has a file written through the gate that it must pass before it leaves.
func (f *file) passed(t testing.TB, gate *xsd.Gate) (summary pain001.Summary, err error) {
	t.Helper()

	err = gate.Pass(t.Context(), io.Discard, func(destination io.Writer) error {
		summary, err = f.write(destination)

		return err
	})

	return summary, err
}

func TestEveryFileThatIsWrittenPassesTheGate(t *testing.T) {
	t.Parallel()

	gates := make(map[pain001.Version]*xsd.Gate)

	for _, version := range versions() {
		gate, err := xsd.NewGate(string(version))
		require.NoError(t, err)

		gates[version] = gate
		_, err = newFile(t, pain001.Format{Version: version}, 200, 50).passed(t, gate)
		require.NoError(t, err)
	}

	rapid.Check(t, func(drawn *rapid.T) {
		given := drawnFile(drawn)
		_, err := given.passed(t, gates[given.format.Version])
		require.NoError(drawn, err)
	})
}

// BenchmarkWriteThroughTheGate writes 100,000 orders that are judged in the same pass.
func BenchmarkWriteThroughTheGate(b *testing.B) {
	gate, err := xsd.NewGate(string(pain001.V03))
	require.NoError(b, err)

	given := newFile(b, pain001.Format{Version: pain001.V03}, 1, 100_000)

	b.ReportAllocs()

	for b.Loop() {
		summary, err := given.passed(b, gate)
		if err != nil {
			b.Fatal(err)
		}

		b.SetBytes(summary.Bytes)
	}
}
