package debts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/debts/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/debt"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// stepRecover is the step under which recoveries are committed.
const stepRecover = "recover"

// RecoverDebts looks at the debts that were open when the run started, the
// oldest first, until its slice of time is over. The debts' own rows say which
// of them the session has looked at.
func (a *Activities) RecoverDebts(ctx context.Context, run activities.Run) (activities.RecoverDebtsResult, error) {
	done, err := a.slices.Work(ctx, run, vacation.StageRecovering,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) {
			return a.lookAtSome(ctx, tx, run, now)
		})
	if err != nil {
		return activities.RecoverDebtsResult{}, activities.Failed("recover debts", err)
	}
	result, err := a.outcome(ctx, run)
	if err != nil {
		return activities.RecoverDebtsResult{}, activities.Failed("recover debts of "+run.ID.String(), err)
	}
	result.Done = done
	return result, nil
}

// lookAtSome takes what some of the debts can be paid with. It is done when none is left to look at.
func (a *Activities) lookAtSome(ctx context.Context, tx pgx.Tx, run activities.Run, now time.Time) (done bool, err error) {
	due, err := a.due(ctx, tx, run)
	if err != nil || len(due.debts) == 0 {
		return err == nil, err
	}
	recovery := &recovery{run: run, due: due, now: now}
	if err := recovery.take(); err != nil {
		return false, err
	}
	return false, recovery.commit(ctx, tx, a.outbox)
}

// cp is a payment account of a merchant that owes.
type cp struct {
	id      string
	account int32
}

// owed is a debt with its number in the register.
type owed struct {
	number int32
	debt   debt.Debt
}

// due is what a transaction looks at, locked until its end.
type due struct {
	debts    []owed
	cps      map[string][]cp // by SIRET
	balances map[int32]money.Cents
}

// due locks the CPs first, as all that posts on them does, and the debts after.
func (a *Activities) due(ctx context.Context, tx pgx.Tx, run activities.Run) (due, error) {
	queries := db.New(tx)
	rows, err := queries.DebtsToLookAt(ctx, run.ID.String(), run.StartedAt, int32(a.chunk)) //nolint:gosec // some hundred
	if err != nil {
		return due{}, fmt.Errorf("find open debts: %w", err)
	}
	numbers, sirets := make([]int32, len(rows)), make([]string, len(rows))
	place := make(map[int32]int, len(rows))
	for i, row := range rows {
		numbers[i], sirets[i], place[row.Number] = row.Number, row.Siret, i
	}
	found := due{cps: make(map[string][]cp, len(rows)), debts: make([]owed, len(rows))}
	holders, err := queries.CPsOf(ctx, sirets)
	if err != nil {
		return due{}, fmt.Errorf("find the merchants' CPs: %w", err)
	}
	accounts := make([]int32, 0, len(holders))
	for _, holder := range holders {
		found.cps[holder.Siret] = append(found.cps[holder.Siret], cp{id: holder.AccountID, account: holder.Account})
		accounts = append(accounts, holder.Account)
	}
	if found.balances, err = postgres.LockBalances(ctx, tx, accounts); err != nil {
		return due{}, err
	}
	locked, err := queries.LockDebts(ctx, numbers)
	if err != nil {
		return due{}, fmt.Errorf("lock debts: %w", err)
	}
	for _, row := range locked {
		known := debt.Debt{
			Siret: row.Siret, CreatedAt: row.CreatedAt,
			Initial: money.Cents(row.InitialCents), Remaining: money.Cents(row.RemainingCents),
		}
		if row.Modified {
			known.ModifiedAt = row.ModifiedAt
		}
		found.debts[place[row.Number]] = owed{number: row.Number, debt: known}
	}
	return found, nil
}

// recovery is what one transaction recovers.
type recovery struct {
	run     activities.Run
	due     due
	now     time.Time
	entries []ledger.Entry
	bodies  []ogep.Body
}

// take goes through the debts, and for each through its merchant's CPs.
func (r *recovery) take() error {
	for i := range r.due.debts {
		owed := &r.due.debts[i]
		for _, holder := range r.due.cps[owed.debt.Siret] {
			if owed.debt.Remaining == 0 {
				break
			}
			if err := r.takeFrom(owed, holder); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *recovery) takeFrom(owed *owed, holder cp) error {
	available := r.due.balances[holder.account]
	r.bodies = append(r.bodies, ogep.GetAccountBalance{AccountID: holder.id, Balance: available})
	left, taken, err := owed.debt.Recover(available, r.now)
	if err != nil {
		return fmt.Errorf("debt %d: %w", owed.number, err)
	}
	if taken == 0 {
		return nil
	}
	owed.debt = left
	r.due.balances[holder.account] -= taken
	label, value := transfer.RecoveryLabel(r.run.StartedAt), calendar.DateOf(r.now)
	r.entries = append(r.entries, ledger.Entry{
		Debit: ledger.CP(holder.id), Credit: ledger.Debt(left.Siret), Kind: ledger.KindRecovery,
		Amount: taken, Label: label, TransactionAt: r.now, ValueDate: value,
	})
	r.bodies = append(r.bodies,
		ogep.CreateAccountTransaction{AccountID: holder.id, Transaction: ogep.AccountTransaction{
			Label: label, Amount: taken.Neg(), TransactionAt: r.now, ValueAt: value.Midnight(),
		}},
		ogep.RegisterDebt{Debt: merchantDebt(left)})
	return nil
}

func merchantDebt(left debt.Debt) ogep.MerchantDebt {
	return ogep.MerchantDebt{
		Siret: left.Siret, Initial: left.Initial, Remaining: left.Remaining, CreatedAt: left.CreatedAt, ModifiedAt: &left.ModifiedAt,
	}
}

// commit posts the recoveries, changes the register, and tells so.
func (r *recovery) commit(ctx context.Context, tx pgx.Tx, outbox postgres.Outbox) error {
	if len(r.entries) > 0 {
		if err := r.post(ctx, tx); err != nil {
			return err
		}
	}
	params := db.SaveDebtsParams{Scope: r.run.ID.String()}
	for _, owed := range r.due.debts {
		params.Numbers = append(params.Numbers, owed.number)
		params.Remainings = append(params.Remainings, int64(owed.debt.Remaining))
		params.Modified = append(params.Modified, owed.debt.ModifiedAt)
	}
	if err := db.New(tx).SaveDebts(ctx, params); err != nil {
		return fmt.Errorf("save debts: %w", err)
	}
	return outbox.Emit(ctx, tx, postgres.Emission{Vacation: r.run.Number, At: r.now, Bodies: r.bodies})
}

func (r *recovery) post(ctx context.Context, tx pgx.Tx) error {
	item, err := postgres.NextItem(ctx, tx, r.run.ID.String(), stepRecover)
	if err != nil {
		return err
	}
	var numbers []byte
	for _, owed := range r.due.debts {
		numbers = fmt.Appendf(numbers, "%d ", owed.number)
	}
	key := postgres.Key{Scope: r.run.ID.String(), Step: stepRecover, Item: item, Input: sha256.Sum256(numbers)}
	batch, _, err := postgres.BeginBatch(ctx, tx, r.run.Number, key, r.now)
	if err != nil {
		return err
	}
	_, err = postgres.Post(ctx, tx, batch, 0, r.entries)
	return err
}

// outcome is what the whole session has come to.
func (a *Activities) outcome(ctx context.Context, run activities.Run) (activities.RecoverDebtsResult, error) {
	queries := db.New(a.pool)
	row, err := queries.Outcome(ctx, run.ID.String(), run.StartedAt, stepRecover)
	if err != nil {
		return activities.RecoverDebtsResult{}, fmt.Errorf("count what was recovered: %w", err)
	}
	// A debt is old after twelve months: those of eleven are looked at one by one.
	const months = 11
	today := calendar.DateOf(a.clock())
	since, err := queries.LongOpen(ctx, today.Midnight().AddDate(0, -months, 0))
	if err != nil {
		return activities.RecoverDebtsResult{}, fmt.Errorf("find old debts: %w", err)
	}
	old := slices.DeleteFunc(since, func(created time.Time) bool {
		return !debt.Debt{Remaining: 1, CreatedAt: created}.Old(today)
	})
	return activities.RecoverDebtsResult{
		Debts: int(row.Debts), Total: int(row.Debts + row.LeftOver), Old: len(old),
		Recovered: money.Cents(row.Recovered), Remaining: money.Cents(row.Remaining),
	}, nil
}
