package operator_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
)

func known() operator.Actors { return operator.Actors{"alice", "bruno"} }

func resend(id, actor string) operator.Act {
	return operator.Act{
		Act: "resend", Subject: "MONEXTEUR20260317001", Before: "UNKNOWN", After: "PREPARED",
		Answer: activities.Answer{ID: id, Actor: actor, Reason: "the bank does not have it"},
		At:     time.Date(2026, time.March, 17, 6, 30, 0, 0, time.UTC),
	}
}

func TestOneAnswerStandsInTheJournalOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var fresh atomic.Int32
	var answering sync.WaitGroup
	for range 4 {
		answering.Go(func() {
			err := pgx.BeginFunc(context.WithoutCancel(t.Context()), pool, func(tx pgx.Tx) error {
				isNew, err := known().Record(t.Context(), tx, resend("run/update", "alice"))
				if isNew {
					fresh.Add(1)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	answering.Wait()
	require.EqualValues(t, 1, fresh.Load())

	var subject, actor, reason, change string
	var outside bool
	err := pool.QueryRow(t.Context(),
		`select subject, actor, reason, before || ' > ' || after, vacation is null from operator_act`).
		Scan(&subject, &actor, &reason, &change, &outside)
	require.NoError(t, err)
	require.Equal(t, []string{"MONEXTEUR20260317001", "alice", "the bank does not have it", "UNKNOWN > PREPARED"},
		[]string{subject, actor, reason, change})
	require.True(t, outside)
}

func TestWhoAndWhatIsRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	record := func(act operator.Act) error {
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := known().Record(t.Context(), tx, act)
			return err
		})
	}
	require.NoError(t, record(resend("1", "alice")))
	another := resend("1", "alice")
	another.Act = "delivered"
	for name, act := range map[string]operator.Act{
		"a stranger": resend("2", "mallory"), "nobody": resend("2", ""),
		"the same id by another": resend("1", "bruno"), "the same id for another act": another,
	} {
		failure, typed := errors.AsType[*vacation.Failure](record(act))
		require.True(t, typed, name)
		require.Equal(t, vacation.Refused, failure.Code, name)
	}
	var rows int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from operator_act`).Scan(&rows))
	require.Equal(t, 1, rows)
}
