package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
)

var errTest = errors.New("of the test")

func lineColumns() []string { return []string{"cre_id", "settlement", "line", "part"} }

func writeLines(rows *postgres.Rows, from, to int) error {
	for line := from; line < to; line++ {
		if err := rows.Start(); err != nil {
			return err
		}
		rows.Text([]byte("CRE-" + time.UnixMilli(int64(line)).UTC().Format("150405.000")))
		rows.Int32(1)
		rows.Int32(int32(line)) //nolint:gosec // few lines
		rows.Int32(0)
	}
	return nil
}

func TestCopyWritesEachTypeAsPostgreSQLReadsIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	instant := time.Date(2026, time.March, 29, 1, 59, 59, 999_999_000, time.UTC)
	for _, date := range []string{"1999-12-31", "2000-01-01", "2026-03-29", "1970-01-01", "2199-12-31"} {
		value, err := calendar.ParseDate(date)
		require.NoError(t, err)
		require.NoError(t, within(t, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `create temporary table every_type (t text, i integer, b bigint, d date, at timestamptz, n text) on commit drop`)
			if err != nil {
				return err
			}
			written, err := postgres.Copy(t.Context(), tx, "every_type", []string{"t", "i", "b", "d", "at", "n"}, func(rows *postgres.Rows) error {
				if err := rows.Start(); err != nil {
					return err
				}
				rows.String("é;\t\n\\N")
				rows.Int32(-2_147_483_648)
				rows.Int64(-9_223_372_036_854_775_808)
				rows.Date(value)
				rows.Time(instant)
				rows.Null()
				return nil
			})
			require.NoError(t, err)
			require.EqualValues(t, 1, written)
			var (
				text, day string
				null      *string
				small     int32
				large     int64
				at        time.Time
			)
			row := tx.QueryRow(t.Context(), `select t, i, b, d::text, at, n from every_type`)
			require.NoError(t, row.Scan(&text, &small, &large, &day, &at, &null))
			require.Equal(t, "é;\t\n\\N", text)
			require.EqualValues(t, -2_147_483_648, small)
			require.EqualValues(t, -9_223_372_036_854_775_808, large)
			require.Equal(t, date, day)
			require.True(t, instant.Equal(at))
			require.Nil(t, null)
			return nil
		}))
	}
}

func TestCopyOfNoRowsAndOfMany(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	const many = 20_000 // several times what is handed over at once
	for from, to := 0, 0; to <= many; from, to = to, to+many {
		require.NoError(t, within(t, pool, func(tx pgx.Tx) error {
			written, err := postgres.Copy(t.Context(), tx, "cre_line", lineColumns(), func(rows *postgres.Rows) error {
				return writeLines(rows, from, to)
			})
			require.EqualValues(t, to-from, written)
			return err
		}))
	}
	require.EqualValues(t, many, number(t, pool, `select count(distinct line) from cre_line`))
}

// TestCopyEndsWhoeverStopsIt: the writer early or late, PostgreSQL in the midst
// of the rows or at their end, or the caller.
func TestCopyEndsWhoeverStopsIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	require.NoError(t, within(t, pool, func(tx pgx.Tx) error {
		_, err := postgres.Copy(t.Context(), tx, "cre_line", lineColumns(), func(rows *postgres.Rows) error { return writeLines(rows, 0, 1) })
		return err
	}))
	const many = 100_000
	for name, test := range map[string]struct {
		table string
		write func(rows *postgres.Rows, cancel context.CancelFunc) error
		check func(t *testing.T, err error)
	}{
		"writer before its first row": {"cre_line", func(*postgres.Rows, context.CancelFunc) error { return errTest }, isTest},
		"writer in the midst": {"cre_line", func(rows *postgres.Rows, _ context.CancelFunc) error {
			return errors.Join(writeLines(rows, 1, many), errTest)
		}, isTest},
		"a duplicate among the first rows": {"cre_line", func(rows *postgres.Rows, _ context.CancelFunc) error {
			return writeLines(rows, 0, many)
		}, isDuplicate},
		"a duplicate at the end": {"cre_line", func(rows *postgres.Rows, _ context.CancelFunc) error {
			return errors.Join(writeLines(rows, 1, many), writeLines(rows, 0, 1))
		}, isDuplicate},
		"a table that does not exist": {"no_such_table", func(rows *postgres.Rows, _ context.CancelFunc) error {
			return writeLines(rows, 1, many)
		}, func(t *testing.T, err error) {
			t.Helper()
			require.True(t, postgres.IsCode(err, "42P01"), "%v", err)
			require.ErrorContains(t, err, "copy into no_such_table")
		}},
		"cancelled before": {"cre_line", nil, isCancelled},
		"cancelled in the midst": {"cre_line", func(rows *postgres.Rows, cancel context.CancelFunc) error {
			if err := writeLines(rows, 1, many/2); err != nil {
				return err
			}
			cancel()
			return writeLines(rows, many/2, 10*many)
		}, isCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := within(t, pool, func(tx pgx.Tx) error {
				if test.write == nil {
					cancel()
				}
				_, err := postgres.Copy(ctx, tx, test.table, lineColumns(), func(rows *postgres.Rows) error {
					if test.write == nil {
						return writeLines(rows, 1, many)
					}
					return test.write(rows, cancel)
				})
				return err
			})
			test.check(t, err)
			require.EqualValues(t, 1, number(t, pool, `select count(*) from cre_line`))
		})
	}
}

func isTest(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errTest)
}

func isDuplicate(t *testing.T, err error) {
	t.Helper()
	require.True(t, postgres.IsCode(err, postgres.UniqueViolation), "%v", err)
}

func isCancelled(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, context.Canceled)
}

// TestWhatIsCopiedIsNoPartOfAnError: rows hold merchants' transactions.
func TestWhatIsCopiedIsNoPartOfAnError(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	err := within(t, pool, func(tx pgx.Tx) error {
		_, err := postgres.Copy(t.Context(), tx, "cre_line", lineColumns(), func(rows *postgres.Rows) error {
			if err := rows.Start(); err != nil {
				return err
			}
			rows.Text(bytes.Repeat([]byte("secret\x00"), 3))
			rows.Int32(1)
			rows.Int32(1)
			rows.Int32(1)
			return nil
		})
		return err
	})
	require.Error(t, err, "PostgreSQL has no NUL in a text")
	require.NotContains(t, err.Error(), "secret")
}
