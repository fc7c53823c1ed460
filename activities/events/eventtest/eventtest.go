// Package eventtest reads the events that tests produced, each held against its
// JSON Schema.
package eventtest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/domain/ogep"
	ogepschema "github.com/reglo/reglo/schemas/ogep"
)

// Told are the events of all runs, in the order of the runs and of their
// sequences. It fails the test when one breaks its schema.
func Told(t testing.TB, pool *pgxpool.Pool) []ogep.Event {
	t.Helper()
	validator, err := ogepschema.Compile()
	require.NoError(t, err)
	rows, err := pool.Query(t.Context(), `select number, correlation_id::text, last_seq from vacation order by number`)
	require.NoError(t, err)
	defer rows.Close()
	var told []ogep.Event
	for rows.Next() {
		var run events.Run
		var last int64
		require.NoError(t, rows.Scan(&run.Number, &run.CorrelationID, &last))
		err := events.Read(t.Context(), pool, run, 1, last, func(_ int64, frame []byte) error {
			require.NoError(t, validator.Validate(frame), string(frame))
			event, err := ogep.Parse(frame)
			require.NoError(t, err)
			told = append(told, event)
			return nil
		})
		require.NoError(t, err)
	}
	require.NoError(t, rows.Err())
	return told
}

// Bodies are what the events of [Told] report.
func Bodies(t testing.TB, pool *pgxpool.Pool) []ogep.Body {
	t.Helper()
	told := Told(t, pool)
	bodies := make([]ogep.Body, len(told))
	for i := range told {
		body, err := told[i].Body()
		require.NoError(t, err)
		bodies[i] = body
	}
	return bodies
}
