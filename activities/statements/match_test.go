package statements_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// states are those of the order and of its bulk.
func (w *world) states(t require.TestingT, bulk string) string {
	return w.text(t, `select o.state || ', ' || b.state from transfer_order o join bulk b on b.number = o.bulk where b.name = $1`, bulk)
}

func TestAnOwnTransferIsSeenOnBothStatementsInEitherOrder(t *testing.T) {
	t.Parallel()
	for _, state := range []transfer.State{transfer.Prepared, transfer.Sent, transfer.Unknown} {
		for _, debitFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, debit first %t", state, debitFirst), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				run := w.open(t, "open")
				bulk := w.order(t, run.Number, ledger.Reglement, ledger.Cantonnement, 1_000, state)
				debit := func() { w.deliver(t, ledger.Reglement, 1, 5_000, aLine("debit", "VIR INTERNE "+bulk, -1_000)) }
				credit := func() { w.deliver(t, ledger.Cantonnement, 1, 0, aLine("credit", "VIR  INTERNE "+bulk, 1_000)) }
				first, second, after := debit, credit, "SENT, SENT"
				if !debitFirst {
					first, second, after = credit, debit, "EXECUTED, EXECUTED"
				}
				first()
				_, err := w.read(run)
				require.NoError(t, err)
				closed, err := w.match(run)
				require.NoError(t, err)
				require.Equal(t, after, w.states(t, bulk))
				require.Equal(t, debitFirst, closed == 0)

				second()
				_, err = w.read(run)
				require.NoError(t, err)
				closed, err = w.match(run)
				require.NoError(t, err)
				require.Equal(t, 1, closed)
				require.Equal(t, "EXECUTED, EXECUTED", w.states(t, bulk))
				require.Equal(t, money.Cents(1_000), w.balance(t, ledger.Cantonnement))
				require.Equal(t, money.Cents(-1_000), w.balance(t, ledger.Reglement))
				require.Zero(t, w.number(t, `select coalesce(sum(abs(debit_cents - credit_cents)), 0)::bigint from account where class = 'TR.INT'`))
				require.Equal(t, "debit credit", w.text(t, `select debit_line || ' ' || credit_line from transfer_order`))
				require.EqualValues(t, 2, w.number(t, `select count(*) from bank_line where batch is not null`))
				require.EqualValues(t, 1, w.number(t, `select count(*) from bulk where attempted_at is not null and settled_at is not null`))

				next, err := w.match(w.open(t, "close"))
				require.NoError(t, err)
				require.Zero(t, next, "what another session closed is not counted")
			})
		}
	}
}

func TestALineThatFitsNoTransferIsQueued(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	good := w.order(t, run.Number, ledger.Reglement, ledger.Cantonnement, 1_000, transfer.Sent)
	rejected := w.order(t, run.Number, ledger.Reglement, ledger.Cantonnement, 1_000, transfer.Rejected)
	before := w.balance(t, ledger.Cantonnement)
	w.deliver(t, ledger.Reglement, 1, 0,
		aLine("1", "VIR INTERNE "+good, -999), aLine("2", "VIR INTERNE "+good, 1_000), aLine("3", "VIR INTERNE MONEXTINT202603179999", -1),
		aLine("4", "VIR INTERNE "+rejected, -1_000), aLine("5", "VIR INTERNE "+good, -1_000), aLine("6", "VIR INTERNE "+good, -1_000))
	w.deliver(t, ledger.Cantonnement, 1, 0, aLine("7", "VIR INTERNE "+good, -1_000), aLine("8", "VIR INTERNE "+good, 1_001))
	_, err := w.read(run)
	require.NoError(t, err)
	closed, err := w.match(run)
	require.NoError(t, err)
	require.Zero(t, closed)
	require.Equal(t, before, w.balance(t, ledger.Cantonnement))
	for id, reason := range map[string]string{
		"1": "the own transfer that its label names is of 10.00",
		"2": "the own transfer that its label names has its credit on BK.CAN",
		"3": "no own transfer has the name that its label holds",
		"4": "the own transfer that its label names was rejected",
		"6": "the debit of the own transfer that its label names is line 5",
		"7": "the own transfer that its label names has its debit on BK.REG",
		"8": "the own transfer that its label names is of 10.00",
	} {
		require.Equal(t, "UNKNOWN: "+reason, w.text(t, `select class || ': ' || reason from bank_line where id = $1`, id))
	}
	result, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, 7, result.Unknown)
	require.Equal(t, "REJECTED, REJECTED", w.states(t, rejected))
}

func TestMatchingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	const orders = 3
	for n := range orders {
		bulk := w.order(t, run.Number, ledger.Reglement, ledger.Cantonnement, 1_000, transfer.Sent)
		w.deliver(t, ledger.Cantonnement, n+1, money.Cents(n)*1_000, aLine(strconv.Itoa(n), "VIR INTERNE "+bulk, 1_000))
	}
	_, err := w.read(run)
	require.NoError(t, err)
	w.interrupted(t, "entry", func() error { _, err := w.match(run); return err })
	w.twiceAtOnce(t, func(w *world) error {
		closed, err := w.match(run)
		if err == nil && closed != orders {
			return fmt.Errorf("%d closed", closed)
		}
		return err
	})
	after := w.state(t)
	require.Equal(t, money.Cents(orders*1_000), w.balance(t, ledger.Cantonnement))
	closed, err := w.match(run)
	require.NoError(t, err)
	require.Equal(t, orders, closed)
	require.Equal(t, after, w.state(t))
}
