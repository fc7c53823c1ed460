package accounts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/domain/debt"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

// register is the open debts of the merchants of a transaction, locked in it.
type register struct {
	bySiret map[string]debt.Debt
}

func (w *chunkWork) openRegister(ctx context.Context, sirets []string) (*register, error) {
	rows, err := db.New(w.tx).OpenDebts(ctx, sirets)
	if err != nil {
		return nil, fmt.Errorf("read open debts: %w", err)
	}
	open := &register{bySiret: make(map[string]debt.Debt, len(rows))}
	for _, row := range rows {
		known := debt.Debt{
			Siret: row.Siret, CreatedAt: row.CreatedAt,
			Initial: money.Cents(row.InitialCents), Remaining: money.Cents(row.RemainingCents),
		}
		if row.Modified {
			known.ModifiedAt = row.ModifiedAt
		}
		open.bySiret[row.Siret] = known
	}
	return open, nil
}

// add opens or increases a merchant's debt and returns it as it is then.
func (r *register) add(siret string, shortfall money.Cents, now time.Time) (debt.Debt, error) {
	owed, known := r.bySiret[siret]
	var err error
	if known {
		owed, err = owed.Increase(shortfall, now)
	} else {
		owed, err = debt.Open(siret, shortfall, now)
	}
	if err != nil {
		return debt.Debt{}, fmt.Errorf("register debt: %w", err)
	}
	r.bySiret[siret] = owed
	return owed, nil
}

func (r *register) save(ctx context.Context, tx pgx.Tx) error {
	var params db.SaveDebtsParams
	for _, siret := range slices.Sorted(maps.Keys(r.bySiret)) {
		owed := r.bySiret[siret]
		params.Sirets = append(params.Sirets, siret)
		params.CreatedAt = append(params.CreatedAt, owed.CreatedAt)
		params.Initials = append(params.Initials, int64(owed.Initial))
		params.Remainings = append(params.Remainings, int64(owed.Remaining))
		params.ModifiedAt = append(params.ModifiedAt, owed.ModifiedAt)
	}
	if err := db.New(tx).SaveDebts(ctx, params); err != nil {
		return fmt.Errorf("save debts: %w", err)
	}
	return nil
}

func merchantDebt(owed debt.Debt) ogep.MerchantDebt {
	body := ogep.MerchantDebt{
		Siret: owed.Siret, Initial: owed.Initial, Remaining: owed.Remaining, CreatedAt: owed.CreatedAt,
	}
	if !owed.ModifiedAt.IsZero() {
		body.ModifiedAt = &owed.ModifiedAt
	}
	return body
}
