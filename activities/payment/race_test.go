package payment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/systempay"
)

// said is one notification, and the state that it makes.
type said struct {
	status, result string
	state          systempay.State
}

func sayings() []said {
	return []said{
		{"INITIAL", "00", systempay.StatePending}, {"AUTHORISED_TO_VALIDATE", "00", systempay.StatePending},
		{"AUTHORISED", "00", systempay.StateAuthorised}, {"CAPTURED", "00", systempay.StateCaptured},
		{"CAPTURE_FAILED", "00", systempay.StateCaptureFailed}, {"CANCELLED", "00", systempay.StateCancelled},
		{"EXPIRED", "00", systempay.StateCancelled}, {"REFUSED", "05", systempay.StateNotPaid}, {"TOMORROW", "00", systempay.StateNone},
	}
}

// One payment, whatever comes of it in whatever order, how often and how many at a
// time: each event is kept once, and the state is that of all of them together.
func TestInAnyOrderAnyNumberOfTimes(t *testing.T) {
	t.Parallel()
	shared := newBench(t)
	rapid.Check(t, func(r *rapid.T) {
		b := shared.cleared(t)
		form := b.begin("ORDER-1")
		drawn := rapid.SliceOfN(rapid.SampledFrom(sayings()), 1, 12).Draw(r, "notifications")
		states := make(map[string]systempay.State)
		var want systempay.State
		bodies := make([][]byte, 0, len(drawn))
		for _, one := range drawn {
			states[one.status] = one.state
			bodies = append(bodies, signed(told(&form, map[string]string{
				"vads_trans_status": one.status, "vads_result": one.result, "vads_hash": strconv.Itoa(len(bodies)),
			}), &shops()[0], testKey))
		}
		for _, state := range states {
			want, _, _ = systempay.Advance(want, state)
		}
		hands := rapid.IntRange(1, 4).Draw(r, "at once")
		b.inParallel(bodies, hands)

		paid := b.payment()
		require.Equal(r, string(want), paid["state"])
		require.Equal(r, want == systempay.StateContradictory, paid["doubt"] != "", paid["doubt"])
		if want == systempay.StateAuthorised || want == systempay.StateCaptured {
			require.Equal(r, "PAID", paid["class"])
			require.EqualValues(r, 20000, paid["amount_units"])
		} else {
			require.NotEqual(r, "PAID", paid["class"])
		}
		require.EqualValues(r, len(states), b.number("select count(*) from payment_notification"))
		require.EqualValues(r, len(drawn)-len(states), b.number("select sum(repeats) from payment_notification"))
	})
}

// inParallel has bodies taken by that many at once.
func (b *bench) inParallel(bodies [][]byte, hands int) {
	b.t.Helper()
	var all sync.WaitGroup
	var next atomic.Int64
	for range hands {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				answer, err := b.desk.Take(context.WithoutCancel(b.t.Context()), "cantine", gateway(), bodies[i])
				if err != nil || answer.Status != http.StatusOK {
					b.t.Errorf("notification %d: %d %v", i, answer.Status, err)
				}
			}
		})
	}
	all.Wait()
}

// Many payments, each with several notifications that come several times, from many
// at once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const payments, copies, hands = 40, 3, 12
	var bodies [][]byte
	for i := range payments {
		form := b.begin(fmt.Sprintf("ORDER-%d", i))
		for _, status := range []string{"AUTHORISED", "CAPTURED"} {
			for range copies {
				bodies = append(bodies, signed(told(&form, map[string]string{
					"vads_trans_status": status, "vads_trans_uuid": fmt.Sprintf("%032x", i),
				}), &shops()[0], testKey))
			}
		}
	}
	draws := rand.New(rand.NewPCG(7, 11))
	draws.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	b.inParallel(slices.Clip(bodies), hands)
	require.EqualValues(t, payments, b.number("select count(*) from payment where state = 'CAPTURED' and class = 'PAID' and doubt = ''"))
	require.EqualValues(t, payments, b.number("select count(*) from payment"))
	require.EqualValues(t, 2*payments, b.number("select count(*) from payment_notification where outcome = 'ACCEPTED'"))
	require.EqualValues(t, 2*payments*(copies-1), b.number("select sum(repeats) from payment_notification"))
}

// A message whose answer was lost on the way to the database is never answered 200
// without being there; sent again it is there once.
func TestCutOffAtEachMessage(t *testing.T) { //nolint:tparallel // its parts share a database, which makes each one quick
	t.Parallel()
	shared := newBench(t)
	for name, statuses := range map[string][]string{ //nolint:paralleltest // as above
		"the first": {"AUTHORISED"}, "a further one": {"AUTHORISED", "CAPTURED"}, "the same again": {"AUTHORISED", "AUTHORISED"},
	} {
		t.Run(name, func(t *testing.T) {
			for message := 1; ; message++ {
				b := shared.cleared(t)
				form := b.begin("ORDER-1")
				last := statuses[len(statuses)-1]
				for _, status := range statuses[:len(statuses)-1] {
					b.notify(&form, map[string]string{"vads_trans_status": status})
				}
				state := b.state(last)
				cut, struck := pgtest.Cut(t, b.pool, message)
				body := signed(told(&form, map[string]string{"vads_trans_status": last}), &shops()[0], testKey)
				desk := payment.New(payment.Parts{Pool: cut, Clock: now, Shops: shops()})
				answer, err := desk.Take(t.Context(), "cantine", gateway(), body)
				if answer.Status == http.StatusOK {
					require.NoError(t, err)
					require.NotEqual(t, state, b.state(last), "message %d: answered, and not there", message)
				} else {
					require.Error(t, err)
					require.Equal(t, http.StatusServiceUnavailable, answer.Status)
				}
				if !struck() {
					require.Equal(t, http.StatusOK, answer.Status)
					require.Greater(t, message, 3)
					return
				}
				require.Equal(t, http.StatusOK, b.notify(&form, map[string]string{"vads_trans_status": last}).Status)
				require.EqualValues(t, 1, b.number("select count(*) from payment where state = $1", last))
				require.EqualValues(t, 1, b.number("select count(*) from payment_notification where status = $1", last))
			}
		})
	}
}

// state is all that changes by a notification of a status.
func (b *bench) state(status string) string {
	b.t.Helper()
	return fmt.Sprint(
		b.rows("select state from payment"), b.rows("select status, repeats from payment_notification where status = $1", status))
}

// A form whose number was spent, and whose answer was lost, is kept once or not at
// all, and stands in nobody's way.
func TestAFormIsCutOffAtEachMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for message := 1; ; message++ {
		cut, struck := pgtest.Cut(t, b.pool, message)
		form, err := payment.New(payment.Parts{Pool: cut, Clock: now, Shops: shops()}).Begin(t.Context(), "cantine", order("ORDER-1"), payment.Invoice{})
		if err == nil {
			require.EqualValues(t, 1, b.number("select count(*) from payment_form where trans_id = $1", form.Expected.TransactionID))
		}
		// In one statement: what was cut off may be committed at any moment.
		require.Zero(t, b.number(`select (select count(*) from payment_form) - (select coalesce(max(last) + 1, 0)::bigint from payment_counter)`))
		if !struck() {
			require.NoError(t, err)
			return
		}
	}
}

// PostgreSQL was restarted since the last notification: the next one is taken by a
// new connection.
func TestConnectionsFromBeforeARestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	other, err := pgx.ConnectConfig(t.Context(), b.pool.Config().ConnConfig.Copy())
	require.NoError(t, err)
	defer func() { _ = other.Close(context.WithoutCancel(t.Context())) }()
	var ended int
	require.NoError(t, other.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`).Scan(&ended))
	require.Positive(t, ended)
	require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, nil).Outcome)
	require.EqualValues(t, 1, b.number("select count(*) from payment_notification where repeats = 0"))
}
