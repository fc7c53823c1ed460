// Package transfers orders payments. An order, its entries and its event commit
// in one transaction; the file that carries it to the bank is another matter.
package transfers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/bulk"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/transfers/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// Bank is the EP's bank and its three accounts there.
type Bank struct {
	// ID is how the EP names the bank in its orders, such as 999999.
	ID string
	// PayoutPrefix and InternalPrefix begin the names of bulks: of payouts, and
	// of transfers between the three accounts.
	PayoutPrefix   string
	InternalPrefix string
	// Format is how the bank wants its files.
	Format         pain001.Format
	Reglement      transfer.Party
	Cantonnement   transfer.Party
	Fonctionnement transfer.Party
}

// Activities orders transfers between the EP's own accounts.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	bank     Bank
	calendar calendar.Calendar
	clock    func() time.Time
}

// New makes the activities; orders fall due on the calendar's days.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, bank Bank, days calendar.Calendar, clock func() time.Time,
) *Activities {
	return &Activities{pool: pool, outbox: outbox, bank: bank, calendar: days, clock: clock}
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.CoverShortfallsName: a.CoverShortfalls,
		activities.IsolateRevenueName:  a.IsolateRevenue,
		activities.OrderRecoveryName:   a.OrderRecovery,
		activities.DecantonName:        a.Decanton,
		activities.CantonName:          a.Canton,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// Steps under which batches are committed.
const (
	stepCover      = "cover"
	stepRevenue    = "revenue"
	stepRecovery   = "recovery"
	stepDecanton   = "decanton"
	stepCanton     = "canton"
	stepTakeBack   = "take-back"
	stepOrderAgain = "order-again"
)

// CoverShortfalls orders fonctionnement → règlement for what CPs were credited
// against debts: own money fills the gap, never another client's.
func (a *Activities) CoverShortfalls(ctx context.Context, run activities.Run) error {
	return a.order(ctx, run, func(settled settlement) order {
		return order{
			step: stepCover, purpose: transfer.Cover, amount: settled.shortfall,
			info: transfer.CoverLabel(run.StartedAt),
		}
	})
}

// IsolateRevenue orders règlement → fonctionnement for the commissions taken,
// due on the settlement's value date where that is still to come, and books them
// as earned.
func (a *Activities) IsolateRevenue(ctx context.Context, run activities.Run) error {
	return a.order(ctx, run, func(settled settlement) order {
		return order{
			step: stepRevenue, purpose: transfer.Revenue, amount: settled.taken,
			earned:    true,
			info:      transfer.CommissionLabel(revenueScheme, run.StartedAt),
			notBefore: settled.valueDate,
		}
	})
}

// revenueScheme is how the OG-EP reference labels the transfer of a file's
// commissions, whatever the schemes of its lines.
const revenueScheme = "CB"

// settlement is what the orders of a règlement depend on.
type settlement struct {
	shortfall, taken money.Cents
	valueDate        calendar.Date
}

// order is a transfer to be ordered between two of the EP's accounts.
type order struct {
	step    string
	purpose transfer.Purpose
	amount  money.Cents
	earned  bool // the amount is income: FEE.DUE becomes PL.COM
	info    string
	// notBefore is a date before which the order is not due; none for most.
	notBefore calendar.Date
	told      []ogep.Body // what is told before the order
}

// route is the accounts between which orders of a purpose move money.
type route struct {
	from, to         ledger.Code
	debtor, creditor transfer.Party
}

func (b Bank) route(purpose transfer.Purpose) route {
	from, to := ledger.Reglement, ledger.Fonctionnement // commission, recovered debts
	switch purpose {
	case transfer.Cover:
		from, to = ledger.Fonctionnement, ledger.Reglement
	case transfer.Canton:
		to = ledger.Cantonnement
	case transfer.Decanton:
		from, to = ledger.Cantonnement, ledger.Reglement
	case transfer.Revenue, transfer.Recovery, transfer.Payout:
	}
	return route{from: from, to: to, debtor: b.party(from), creditor: b.party(to)}
}

// party is the holder of one of the three accounts.
func (b Bank) party(account ledger.Code) transfer.Party {
	switch account {
	case ledger.Fonctionnement:
		return b.Fonctionnement
	case ledger.Cantonnement:
		return b.Cantonnement
	default:
		return b.Reglement
	}
}

// Debtor is the account of the EP's that orders of a purpose are debited from:
// règlement for payouts.
func (b Bank) Debtor(purpose transfer.Purpose) transfer.Party { return b.route(purpose).debtor }

// Creditor is the account of the EP's that its own orders of a purpose credit.
func (b Bank) Creditor(purpose transfer.Purpose) transfer.Party { return b.route(purpose).creditor }

// order commits the order that plan makes of the settlement, once, and nothing
// when it comes to zero.
func (a *Activities) order(ctx context.Context, run activities.Run, plan func(settlement) order) error {
	now := a.clock().Truncate(time.Millisecond)
	var planned order
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		settled, err := read(ctx, tx, run)
		if err != nil {
			return err
		}
		planned = plan(settled)
		if planned.amount == 0 {
			return nil
		}
		key := postgres.Key{
			Scope: run.ID.String(), Step: planned.step, Input: sha256.Sum256([]byte(planned.amount.String())),
		}
		batch, fresh, err := postgres.BeginBatch(ctx, tx, run.Number, key, now)
		if err != nil || !fresh {
			return err
		}
		return a.commit(ctx, tx, run, batch, planned, now)
	})
	if err == nil {
		return nil
	}
	return activities.Failed(fmt.Sprintf("order %s of settlement %s", planned.purpose, run.ID.Key), err)
}

func read(ctx context.Context, tx pgx.Tx, run activities.Run) (settlement, error) {
	row, err := db.New(tx).Settlement(ctx, run.ID.String())
	if err != nil {
		return settlement{}, fmt.Errorf("read settlement: %w", err)
	}
	value, err := calendar.ParseDate(row.ValueDate)
	if err != nil {
		return settlement{}, fmt.Errorf("value date: %w", err)
	}
	return settlement{
		shortfall: money.Cents(row.ShortfallCents), taken: money.Cents(row.TakenCents), valueDate: value,
	}, nil
}

// commit posts an order's entries, keeps the order in a bulk of its own, and
// tells it.
func (a *Activities) commit(
	ctx context.Context, tx pgx.Tx, run activities.Run, batch int64, planned order, now time.Time,
) error {
	due, err := a.due(ctx, tx, run, now, planned.notBefore)
	if err != nil {
		return err
	}
	reference, err := uuid.NewUUID()
	if err != nil {
		return fmt.Errorf("make a refExterne: %w", err)
	}
	refExterne, route := transfer.RefExterne(reference.String(), now), a.bank.route(planned.purpose)
	if _, err := postgres.Post(ctx, tx, batch, 0, entries(planned, route.from, refExterne, due, now)); err != nil {
		return err
	}
	ids, err := postgres.Accounts(ctx, tx, []ledger.Code{route.from, route.to})
	if err != nil {
		return err
	}
	if route.from == ledger.Fonctionnement {
		if err := enough(ctx, tx, ids[route.from], planned.amount); err != nil {
			return err
		}
	}
	made, err := bulk.Make(ctx, tx, bulk.Draft{
		Vacation: run.Number, Prefix: a.bank.InternalPrefix, Purpose: planned.purpose, DueDate: due,
		Orders: 1, Sum: planned.amount, At: now,
	})
	if err != nil {
		return err
	}
	err = db.New(tx).InsertOrder(ctx, db.InsertOrderParams{
		Batch:       batch,
		RefExterne:  refExterne,
		BulkID:      made.ID,
		Bulk:        made.Number,
		Purpose:     string(planned.purpose),
		Debtor:      ids[route.from],
		Creditor:    ids[route.to],
		AmountCents: int64(planned.amount),
		DueDate:     due.String(),
		Info:        planned.info,
		CreatedAt:   now,
	})
	if err != nil {
		return fmt.Errorf("keep order: %w", err)
	}
	return a.outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: now,
		Bodies: append(planned.told, ogep.CreateTransfer{Orders: []ogep.Order{{
			RefExterne:   refExterne,
			OrderType:    transfer.OrderType,
			CreditorName: route.creditor.Name, CreditorBIC: route.creditor.BIC, CreditorIBAN: route.creditor.IBAN,
			DebtorName: route.debtor.Name, DebtorBIC: route.debtor.BIC, DebtorIBAN: route.debtor.IBAN,
			Amount: planned.amount, DeviseID: money.Currency, Ccy: money.Currency,
			BankID: a.bank.ID, OrderFormat: a.bank.Named().OrderFormat,
			Echeance: due, Info: planned.info, BulkID: made.ID,
		}}}),
	})
}

// entries of an order: the money leaves its account for the transit account,
// where it stays until the bank's statements show it.
func entries(planned order, from ledger.Code, refExterne string, due calendar.Date, now time.Time) []ledger.Entry {
	list := []ledger.Entry{{
		Debit: ledger.Transit(refExterne), Credit: from, Kind: ledger.KindTransferSent,
		Amount: planned.amount, Label: planned.info, TransactionAt: now, ValueDate: due,
	}}
	if planned.earned {
		list = append(list, ledger.Entry{
			Debit: ledger.FeesDue, Credit: ledger.CommissionEarned, Kind: ledger.KindEarning,
			Amount: planned.amount, Label: planned.info, TransactionAt: now, ValueDate: due,
		})
	}
	return list
}

// enough fails when own money went below zero with the order: client money
// would be short. The account is locked, so that no other order slips in.
func enough(ctx context.Context, tx pgx.Tx, fonctionnement int32, amount money.Cents) error {
	balances, err := postgres.LockBalances(ctx, tx, []int32{fonctionnement})
	if err != nil {
		return err
	}
	// A bank account stands on the debit side.
	left := balances[fonctionnement].Neg()
	if left >= 0 {
		return nil
	}
	return vacation.Fail(vacation.OwnMoneyTooLow,
		"fonctionnement holds %s, the merchants' shortfalls need %s: transfer %s to it at least, "+
			"record that by `starter books fund`, then run this vacation again",
		left+amount, amount, left.Neg())
}
