package audit

import (
	"context"
	"fmt"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// Positions reads the three bank accounts in the books and at the bank, and what
// sets them apart, all of one moment.
func Positions(ctx context.Context, on postgres.Querier) ([]ledger.Position, error) {
	rows, err := db.New(on).Positions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the balances of the bank accounts: %w", err)
	}
	positions := make([]ledger.Position, 0, len(rows))
	for _, row := range rows {
		positions = append(positions, ledger.Position{
			Account: ledger.Code(row.Code), Books: money.Cents(row.Books), Bank: money.Cents(row.Bank), Statement: int(row.Sequence),
			NotDebited: money.Cents(row.NotDebited), NotBooked: money.Cents(row.NotBooked), NotStated: money.Cents(row.NotStated),
		})
	}
	return positions, nil
}
