package decisions

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/domain/debt"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
)

// writeOff gives a debt up: Dr PL.LOSS / Cr DEBT. Own money met it long ago, so
// that no client's is touched.
func (d *deciding) writeOff(ctx context.Context) (outcome, error) {
	row, err := d.queries.LockDebt(ctx, d.Debt)
	if errors.Is(err, pgx.ErrNoRows) {
		return outcome{}, refused("the register has no debt %d: see the list of debts", d.Debt)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("read the debt: %w", err)
	}
	owed := debt.Debt{
		Siret: row.Siret, CreatedAt: row.CreatedAt, Initial: money.Cents(row.InitialCents), Remaining: money.Cents(row.RemainingCents),
	}
	closed, written, err := owed.WriteOff(d.now)
	if errors.Is(err, debt.ErrPaid) {
		return outcome{}, refused("nothing remains of debt %d: it was paid or written off", d.Debt)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("write the debt off: %w", err)
	}
	batch, err := d.post(ctx, ledger.Entry{
		Debit: ledger.Loss, Credit: ledger.Debt(owed.Siret), Kind: ledger.KindWriteOff, Amount: written,
		Label: transfer.WriteOffLabel(d.run.StartedAt), TransactionAt: d.now, ValueDate: d.date,
	})
	if err != nil {
		return outcome{}, err
	}
	if err := d.queries.SaveDebt(ctx, int64(closed.Remaining), closed.ModifiedAt, d.Debt); err != nil {
		return outcome{}, fmt.Errorf("save the debt: %w", err)
	}
	return outcome{
		before: owed.Remaining.String() + " remained",
		after:  fmt.Sprintf("debt %d: %s written off, nothing remains", d.Debt, written),
		batch:  batch,
		bodies: []ogep.Body{ogep.RegisterDebt{Debt: ogep.MerchantDebt{
			Siret: closed.Siret, Initial: closed.Initial, Remaining: closed.Remaining,
			CreatedAt: closed.CreatedAt, ModifiedAt: &closed.ModifiedAt,
		}}},
	}, nil
}

// release lets a CP's payouts leave again.
func (d *deciding) release(ctx context.Context) (outcome, error) {
	holder, err := d.merchant(ctx)
	if err != nil {
		return outcome{}, err
	}
	released, err := d.queries.Release(ctx, d.now, holder.AccountID)
	if err != nil {
		return outcome{}, fmt.Errorf("release the payouts: %w", err)
	}
	if released == 0 {
		return outcome{}, refused("the payouts of ledger account %d are not on hold", d.Account)
	}
	return outcome{before: "on hold", after: fmt.Sprintf("payouts of ledger account %d leave again", d.Account)}, nil
}
