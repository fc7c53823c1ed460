// Package bulk names the bulks in which orders go to the bank, and keeps them:
// a number of the day's series each, without a gap.
package bulk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/bulk/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// Draft is a bulk that is to be made.
type Draft struct {
	Vacation int32  // the run that makes it
	Prefix   string // of its name
	Purpose  transfer.Purpose
	DueDate  calendar.Date
	Orders   int
	Sum      money.Cents
	At       time.Time
}

// Made is a bulk that was made.
type Made struct {
	Number int32
	ID     string // bulkId of its orders' events
	Name   string
}

// Make keeps a bulk, PREPARED, under the next name of the business day of its
// vacation. It holds the series until the transaction ends, so that a number
// that is rolled back is given again: call it after the accounts are locked.
//
// The error is a [*vacation.Failure] when the day's names are used up.
func Make(ctx context.Context, tx pgx.Tx, draft Draft) (Made, error) {
	id, err := uuid.NewUUID()
	if err != nil {
		return Made{}, fmt.Errorf("make a bulkId: %w", err)
	}
	made := Made{ID: id.String()}
	queries := db.New(tx)
	if made.Name, err = name(ctx, queries, draft); err != nil {
		return Made{}, err
	}
	made.Number, err = queries.InsertBulk(ctx, db.InsertBulkParams{
		BulkID: made.ID, Name: made.Name, Purpose: string(draft.Purpose), Vacation: draft.Vacation,
		Orders:      int32(draft.Orders), //nolint:gosec // at most transfer.MaxOrdersABulk
		AmountCents: int64(draft.Sum), DueDate: draft.DueDate.String(), CreatedAt: draft.At,
	})
	if err != nil {
		return Made{}, fmt.Errorf("keep bulk %s: %w", made.Name, err)
	}
	return made, nil
}

func name(ctx context.Context, queries *db.Queries, draft Draft) (string, error) {
	text, err := queries.BusinessDate(ctx, draft.Vacation)
	if err != nil {
		return "", fmt.Errorf("read the run's business date: %w", err)
	}
	date, err := calendar.ParseDate(text)
	if err != nil {
		return "", fmt.Errorf("business date: %w", err)
	}
	number, err := queries.NextInSeries(ctx, draft.Prefix, text)
	if err != nil {
		return "", fmt.Errorf("number a bulk of %s: %w", text, err)
	}
	naming := transfer.InternalName
	if draft.Purpose == transfer.Payout {
		naming = transfer.BulkName
	}
	name, err := naming(draft.Prefix, date, int(number))
	if errors.Is(err, transfer.ErrDayFull) {
		return "", vacation.Fail(vacation.Unexpected, "%s", err)
	}
	if err != nil {
		return "", fmt.Errorf("name a bulk: %w", err)
	}
	return name, nil
}
