package part

import (
	"context"
	"fmt"

	"github.com/reglo/reglo/activities/part/internal/db"
	"github.com/reglo/reglo/domain/money"
)

// Plan is how a file is posted: its parts, the parked one first, and how they
// are cut into transactions. It is made when the file is accepted and does not
// change, whatever a later release would make of the file.
type Plan struct {
	Cut   Cut
	Parts []Part
}

// Querier is what a plan is read from and written to: a pool or a transaction.
type Querier = db.DBTX

// Save keeps a settlement's plan.
func Save(ctx context.Context, to Querier, settlement int32, plan Plan) error {
	queries := db.New(to)
	//nolint:gosec // lines of one file
	if err := queries.SetCut(ctx, int32(plan.Cut.ChunkLines), int32(plan.Cut.BatchLines), settlement); err != nil {
		return fmt.Errorf("keep how the file is cut: %w", err)
	}
	params := db.InsertPartsParams{Settlement: settlement}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		params.Parts = append(params.Parts, int32(part.Number))   //nolint:gosec // a few hundred
		params.Sales = append(params.Sales, int32(part.Sales))    //nolint:gosec // lines of one file
		params.Others = append(params.Others, int32(part.Others)) //nolint:gosec // lines of one file
		params.SalesCents = append(params.SalesCents, int64(part.SalesSum))
		params.OthersCents = append(params.OthersCents, int64(part.OthersSum))
		params.CommissionCents = append(params.CommissionCents, int64(part.Commissions))
		params.SalesSha256 = append(params.SalesSha256, part.SalesHash[:])
		params.OthersSha256 = append(params.OthersSha256, part.OthersHash[:])
	}
	if err := queries.InsertParts(ctx, params); err != nil {
		return fmt.Errorf("keep how the file is split: %w", err)
	}
	return nil
}

// Saved is a settlement's plan; without parts before its file was accepted.
func Saved(ctx context.Context, from Querier, settlement int32) (Plan, error) {
	queries := db.New(from)
	cut, err := queries.Cut(ctx, settlement)
	if err != nil {
		return Plan{}, fmt.Errorf("read how the file is cut: %w", err)
	}
	rows, err := queries.Parts(ctx, settlement)
	if err != nil {
		return Plan{}, fmt.Errorf("read how the file is split: %w", err)
	}
	plan := Plan{
		Cut:   Cut{ChunkLines: int(cut.ChunkLines), BatchLines: int(cut.BatchLines)},
		Parts: make([]Part, len(rows)),
	}
	for i, row := range rows {
		plan.Parts[i] = Part{
			Number: int(row.Part),
			Sales:  int(row.Sales), SalesSum: money.Cents(row.SalesCents),
			Others: int(row.Others), OthersSum: money.Cents(row.OthersCents),
			Commissions: money.Cents(row.CommissionCents),
			SalesHash:   [32]byte(row.SalesSha256), OthersHash: [32]byte(row.OthersSha256),
		}
	}
	return plan, nil
}

// Parked is the part of the parked lines; empty before the file was accepted.
func (p Plan) Parked() Part {
	for i := range p.Parts {
		if p.Parts[i].Number == Parked {
			return p.Parts[i]
		}
	}
	return Part{}
}
