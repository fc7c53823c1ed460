package statements_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// bank is a bank that shows its movements when it likes to.
type bank struct {
	*world

	random  *rand.Rand
	run     activities.Run
	hidden  map[ledger.Code][]statement.Line // booked by the bank, on no statement yet
	balance map[ledger.Code]money.Cents      // as of the last statement
	number  map[ledger.Code]int              // of the last statement
	lines   int
}

func accountsOfBank() []ledger.Code {
	return []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement}
}

// newBank is a bank of which the first statements were read.
func newBank(t *testing.T, seed uint64) *bank {
	t.Helper()
	b := &bank{
		world: newWorld(t), random: rand.New(rand.NewPCG(seed, 0)),
		hidden: map[ledger.Code][]statement.Line{}, number: map[ledger.Code]int{},
		balance: map[ledger.Code]money.Cents{ledger.Reglement: 1_000_000, ledger.Cantonnement: 2_000_000, ledger.Fonctionnement: 3_000_000},
	}
	b.format = formats()[seed%3]
	b.run = b.open(t, "open")
	// What was booked before the first statement stands in its opening balance.
	old := aLine("old", "REM E 100 90000120260310UEP", 50_000)
	old.BookedAt = now.AddDate(0, 0, -7)
	_, err := postgres.OpenBooks(t.Context(), b.pool, map[ledger.Code]money.Cents{
		ledger.Reglement: b.balance[ledger.Reglement] - old.Amount, ledger.Cantonnement: b.balance[ledger.Cantonnement],
		ledger.Fonctionnement: b.balance[ledger.Fonctionnement],
	}, now.AddDate(0, 0, -7))
	require.NoError(t, err)
	require.NoError(t, b.settle(vacation.ReglementTransactions, global(old, "90000120260310UEP")))
	for _, account := range accountsOfBank() {
		b.show(t, account, 0)
	}
	return b
}

func (b *bank) amount() money.Cents { return money.Cents(1 + b.random.IntN(5_000)) }

// move is a movement that no statement shows yet.
func (b *bank) move(account ledger.Code, text string, amount money.Cents) statement.Line {
	b.lines++
	line := aLine(fmt.Sprintf("L%d", b.lines), text, amount)
	b.hidden[account] = append(b.hidden[account], line)
	return line
}

// show delivers an account's next statement, with the first lines of those hidden.
func (b *bank) show(t *testing.T, account ledger.Code, lines int) {
	t.Helper()
	b.number[account]++
	shown := b.hidden[account][:lines]
	b.deliver(t, account, b.number[account], b.balance[account], shown...)
	for _, line := range shown {
		b.balance[account] += line.Amount
	}
	b.hidden[account] = b.hidden[account][lines:]
	_, err := b.read(b.run)
	require.NoError(t, err)
}

// act does something at random that a day may bring.
func (b *bank) act(t *testing.T) string {
	t.Helper()
	account := accountsOfBank()[b.random.IntN(3)]
	reference := fmt.Sprintf("%06d20260317UEP", b.lines)
	switch b.random.IntN(8) {
	case 0:
		to := accountsOfBank()[b.random.IntN(3)]
		if to == account {
			return "nothing"
		}
		state, amount := []transfer.State{transfer.Prepared, transfer.Sent, transfer.Unknown}[b.random.IntN(3)], b.amount()
		bulk := b.order(t, b.run.Number, account, to, amount, state)
		b.move(account, "VIR INTERNE "+bulk, -amount)
		b.move(to, "VIR INTERNE "+bulk, amount)
		return "own transfer"
	case 1:
		b.move(ledger.Reglement, "REM E 100 "+reference, b.amount())
		return "settlement"
	case 2:
		line := b.move(ledger.Reglement, "REM E 100 "+reference, b.amount())
		if b.format == bankfile.CFONB120 {
			return "settlement" // nobody knows its identifier before its statement
		}
		require.NoError(t, b.settle(vacation.ReglementTransactions, global(line, reference)))
		return "settlement started by hand"
	case 3:
		line := b.move(ledger.Fonctionnement, "APPORT", b.amount())
		if b.random.IntN(2) == 0 && b.format != bankfile.CFONB120 {
			_, err := postgres.FundOwnMoney(t.Context(), b.pool, line.ID, line.Amount, now)
			require.NoError(t, err)
		}
		return "own money"
	case 4:
		b.move(account, "FRAIS DE TENUE", -b.amount())
		return "unknown line"
	case 5:
		_, err := b.match(b.run)
		require.NoError(t, err)
		return "match"
	case 6:
		paired, err := b.pair(b.run)
		require.NoError(t, err)
		for _, line := range paired {
			if b.random.IntN(2) == 0 {
				require.NoError(t, b.settle(vacation.Kind(line.Kind), line.Transaction))
			}
		}
		return "règlements"
	default:
		b.show(t, account, b.random.IntN(len(b.hidden[account])+1))
		return "statement of " + string(account)
	}
}

// TestAnyHistoryReconcilesAndACentWrongIsFound lets a bank show what it likes,
// late or early: after each thing that happens, unbooked items explain all.
func TestAnyHistoryReconcilesAndACentWrongIsFound(t *testing.T) {
	t.Parallel()
	const histories, length = 6, 60
	for seed := range uint64(histories) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			b := newBank(t, seed)
			var history []string
			for range length {
				history = append(history, b.act(t))
				require.NoError(t, b.reconcile(b.run), history)
			}
			for _, account := range accountsOfBank() {
				for wrong, mend := range map[string]string{
					`update account set debit_cents = debit_cents + 1 where code = $1`:   `update account set debit_cents = debit_cents - 1 where code = $1`,
					`update account set credit_cents = credit_cents + 1 where code = $1`: `update account set credit_cents = credit_cents - 1 where code = $1`,
					`update statement s set closing_cents = closing_cents + 1 where account = $1
						and sequence = (select max(sequence) from statement where account = $1)`: `update statement s set closing_cents = closing_cents - 1
						where account = $1 and sequence = (select max(sequence) from statement where account = $1)`,
				} {
					_, err := b.pool.Exec(t.Context(), wrong, string(account))
					require.NoError(t, err)
					says := requireFailure(t, vacation.InvariantBroken, b.reconcile(b.run))
					require.Contains(t, says, string(ledger.BankAgrees)+": "+string(account))
					require.Contains(t, says, "the bank says ")
					require.Regexp(t, `: -?0\.01 unexplained`, says)
					_, err = b.pool.Exec(t.Context(), mend, string(account))
					require.NoError(t, err)
				}
			}
			require.NoError(t, b.reconcile(b.run))

			// At the end the bank shows all, and all is settled: nothing is left but what nobody knows.
			for _, account := range accountsOfBank() {
				b.show(t, account, len(b.hidden[account]))
			}
			_, err := b.match(b.run)
			require.NoError(t, err)
			paired, err := b.pair(b.run)
			require.NoError(t, err)
			for _, line := range paired {
				require.NoError(t, b.settle(vacation.Kind(line.Kind), line.Transaction))
			}
			require.NoError(t, b.reconcile(b.run))
			for _, account := range accountsOfBank() {
				unknown := money.Cents(b.world.number(t, `select coalesce(sum(amount_cents), 0)::bigint from bank_line
					where account = $1 and class = 'UNKNOWN' and batch is null`, string(account)))
				require.Equal(t, b.balance[account], b.world.balance(t, account)+unknown, account)
			}
			require.Zero(t, b.world.number(t, `select count(*) from transfer_order where state <> 'EXECUTED'`))
		})
	}
}

func TestReconcilingTellsTheBanksBalancesOnceARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	require.NoError(t, w.reconcile(run), "there is no statement to be held against")
	w.deliver(t, ledger.Reglement, 1, 0, aLine("a", "x", 150))
	w.deliver(t, ledger.Cantonnement, 1, 0)
	w.deliver(t, ledger.Fonctionnement, 1, 0, aLine("b", "x", -50))
	run = w.open(t, "close")
	_, err := w.read(run)
	require.NoError(t, err)
	w.interrupted(t, "event_block", func() error { return w.reconcile(run) })
	w.twiceAtOnce(t, func(w *world) error { return w.reconcile(run) })
	require.NoError(t, w.reconcile(run))
	var told []ogep.GetAccountBalance
	for _, body := range eventtest.Bodies(t, w.pool) {
		if balance, is := body.(ogep.GetAccountBalance); is {
			told = append(told, balance)
		}
	}
	require.Equal(t, []ogep.GetAccountBalance{
		{AccountID: "BK.REG", Balance: 150}, {AccountID: "BK.CAN"}, {AccountID: "BK.FON", Balance: -50},
	}, told)

	// A lost cent is found in the run that told the balances already.
	_, err = w.pool.Exec(t.Context(), `update account set debit_cents = debit_cents + 1 where code = 'BK.CAN'`)
	require.NoError(t, err)
	require.Contains(t, requireFailure(t, vacation.InvariantBroken, w.reconcile(run)), "BK.CAN")
}

func TestWaitingForReglementsThatSomebodyElseStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wait := func(w *world, ids ...string) (int, error) {
		return call[int](w, activities.AwaitReglementsName, activities.AwaitReglementsRequest{IDs: ids})
	}
	failed, err := wait(w)
	require.NoError(t, err)
	require.Zero(t, failed)
	_, err = wait(w, "vacation-reglement")
	requireFailure(t, vacation.ParametersConflict, err)

	line := aLine("1", "REM E 100 00000120260317UEP", 1_000)
	require.NoError(t, w.settle(vacation.ReglementTransactions, global(line, "00000120260317UEP")))
	require.NoError(t, w.settle(vacation.ReglementVirements, global(line, "REJ1")))
	const one, two = "vacation-reglement-transactions/00000120260317UEP", "vacation-reglement-virements/REJ1"
	ended, other := make(chan int, 1), w.another(t)
	go func() {
		failed, err := wait(other, one, two)
		if err != nil {
			t.Error(err)
		}
		ended <- failed
	}()
	finish := func(key, state string) {
		_, err := w.pool.Exec(t.Context(), `update vacation set state = $2, ended_at = $3,
			failure_code = case when $2 = 'ENDED' then null else 'X' end where key = $1`, key, state, now)
		require.NoError(t, err)
	}
	finish("00000120260317UEP", "ENDED")
	select {
	case <-ended:
		t.Fatal("one of the two runs still")
	case <-time.After(1500 * time.Millisecond):
	}
	finish("REJ1", "ENDED_WITH_ERROR")
	require.Equal(t, 1, <-ended)

	// One that opens no session was refused at its opening.
	asked := 0
	w.clock = func() time.Time {
		asked++
		return now.Add(time.Duration(asked-1) * time.Minute)
	}
	failed, err = wait(w.another(t), one, "vacation-reglement-impayes/never")
	require.NoError(t, err)
	require.Equal(t, 1, failed)
}
