package part

import (
	"context"
	"fmt"

	"github.com/reglo/reglo/activities/part/internal/db"
	"github.com/reglo/reglo/domain/money"
)

// Querier is what the plan is read from and written to: a pool or a transaction.
type Querier = db.DBTX

// Save keeps how a settlement's file was split.
func Save(ctx context.Context, to Querier, settlement int32, parts []Part) error {
	params := db.InsertPartsParams{Settlement: settlement}
	for _, part := range parts {
		params.Parts = append(params.Parts, int32(part.Number))   //nolint:gosec // a few hundred
		params.Sales = append(params.Sales, int32(part.Sales))    //nolint:gosec // lines of one file
		params.Others = append(params.Others, int32(part.Others)) //nolint:gosec // lines of one file
		params.SalesCents = append(params.SalesCents, int64(part.SalesSum))
		params.OthersCents = append(params.OthersCents, int64(part.OthersSum))
		params.CommissionCents = append(params.CommissionCents, int64(part.Commissions))
	}
	if err := db.New(to).InsertParts(ctx, params); err != nil {
		return fmt.Errorf("keep how the file is split: %w", err)
	}
	return nil
}

// Saved is how a settlement's file was split, the parked part first; nothing
// before the file was accepted.
func Saved(ctx context.Context, from Querier, settlement int32) ([]Part, error) {
	rows, err := db.New(from).Parts(ctx, settlement)
	if err != nil {
		return nil, fmt.Errorf("read how the file is split: %w", err)
	}
	parts := make([]Part, len(rows))
	for i, row := range rows {
		parts[i] = Part{
			Number: int(row.Part),
			Sales:  int(row.Sales), SalesSum: money.Cents(row.SalesCents),
			Others: int(row.Others), OthersSum: money.Cents(row.OthersCents),
			Commissions: money.Cents(row.CommissionCents),
		}
	}
	return parts, nil
}
