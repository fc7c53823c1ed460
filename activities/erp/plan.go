package erp

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/domain/divalto"
)

const (
	// payoutsAtOnce are planned by one statement, some 200 KB.
	payoutsAtOnce = 1_000
	// settlementsAtOnce are planned by one call: a day has some dozens, and what is
	// left over is planned by the next call.
	settlementsAtOnce = 1_000
)

// noThirdParty is why a payout cannot be posted.
const noThirdParty = "the merchant has no third party at the ERP: " +
	"have erpThirdParty of the merchants' snapshot set and loaded, then retry it"

// PlanPostings makes a posting of each payout that the bank has, of each card
// settlement that was ended and of each card payment that settles an invoice,
// since the day of the settings, and has what is due sent. A bulk's payouts are planned together, once and for all.
func (a *Activities) PlanPostings(ctx context.Context) (activities.PlanPostingsResult, error) {
	if a.erp == nil {
		return activities.PlanPostingsResult{}, nil
	}
	planned, err := a.plan(ctx)
	if err != nil {
		return activities.PlanPostingsResult{}, activities.Failed("plan what the ERP is to be told", err)
	}
	return activities.PlanPostingsResult{Planned: planned}, nil
}

func (a *Activities) plan(ctx context.Context) (int, error) {
	payouts, err := a.planPayouts(ctx)
	if err != nil {
		return 0, err
	}
	settlements, err := a.planSettlements(ctx)
	if err != nil {
		return 0, err
	}
	payments, err := a.planPayments(ctx)
	if err != nil {
		return 0, err
	}
	due, err := db.New(a.pool).SomethingDue(ctx, a.settings.dossier(), lookUpsMax)
	if err != nil {
		return 0, fmt.Errorf("look for what is due: %w", err)
	}
	// Also for what an earlier call has planned, which ended before it came here.
	if due {
		if err := a.waker.Wake(ctx, a.settings.dossier()); err != nil {
			return 0, fmt.Errorf("have what is due sent: %w", err)
		}
	}
	return payouts + settlements + payments, nil
}

func (a *Activities) planPayouts(ctx context.Context) (int, error) {
	bulks, err := db.New(a.pool).BulksToPlan(ctx, a.settings.Since.String())
	if err != nil {
		return 0, fmt.Errorf("list bulks that the bank has: %w", err)
	}
	planned := 0
	for _, bulk := range bulks {
		count, err := a.planBulk(ctx, bulk)
		if err != nil {
			return 0, fmt.Errorf("bulk %d: %w", bulk.Number, err)
		}
		planned += count
	}
	return planned, nil
}

// planBulk plans the payouts of a bulk, unless somebody else has.
func (a *Activities) planBulk(ctx context.Context, bulk db.BulksToPlanRow) (planned int, err error) {
	now := a.now()
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		mine, err := queries.ClaimBulk(ctx, bulk.Number, now)
		if err != nil {
			return fmt.Errorf("claim it: %w", err)
		}
		if mine == 0 {
			return nil
		}
		for after := int64(0); ; {
			page, err := queries.PayoutsToPlan(ctx, bulk.Number, after, payoutsAtOnce)
			if err != nil {
				return fmt.Errorf("read its payouts: %w", err)
			}
			if len(page) == 0 {
				return nil
			}
			count, err := a.planPage(ctx, queries, bulk, page, now)
			if err != nil {
				return err
			}
			planned += count
			after = page[len(page)-1].Number
		}
	})
	if err != nil {
		return 0, err //nolint:wrapcheck // the steps' own errors
	}
	return planned, nil
}

func (a *Activities) planPage(
	ctx context.Context, queries *db.Queries, bulk db.BulksToPlanRow, page []db.PayoutsToPlanRow, now time.Time,
) (int, error) {
	plan := a.draft(divalto.Payout, bulk.Vacation, bulk.BusinessDate, now)
	for i := range page {
		if err := add(&plan, page[i].RefExterne, page[i].ThirdParty, page[i].AmountCents); err != nil {
			return 0, err
		}
	}
	count, err := queries.Plan(ctx, plan)
	if err != nil {
		return 0, fmt.Errorf("plan %d payouts: %w", len(page), err)
	}
	return int(count), nil
}

func (a *Activities) planSettlements(ctx context.Context) (planned int, err error) {
	err = pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := queries.LockPlanning(ctx, a.settings.dossier()); err != nil {
			return fmt.Errorf("wait for another planner: %w", err)
		}
		settlements, err := queries.SettlementsToPlan(ctx, a.settings.Since.String(), settlementsAtOnce)
		if err != nil {
			return fmt.Errorf("list card settlements that were ended: %w", err)
		}
		for _, one := range settlements {
			plan := a.draft(divalto.Settlement, one.Vacation, one.BusinessDate, a.now())
			if err := add(&plan, one.Reference, a.settings.SettlementThirdParty, one.AmountCents); err != nil {
				return err
			}
			count, err := queries.Plan(ctx, plan)
			if err != nil {
				return fmt.Errorf("plan settlement %s: %w", one.Reference, err)
			}
			planned += int(count)
		}
		return nil
	})
	if err != nil {
		return 0, err //nolint:wrapcheck // the steps' own errors
	}
	return planned, nil
}

// draft is an empty list of first attempts.
func (a *Activities) draft(kind divalto.Kind, vacation int32, businessDate string, now time.Time) db.PlanParams {
	plan := db.PlanParams{
		Kind: string(kind), Dossier: a.settings.dossier(), Direction: int16(divalto.Encashment), Means: meansCard,
		PostingDate: businessDate, Vacation: vacation, PlannedAt: now, NoThirdParty: noThirdParty,
	}
	if kind == divalto.Payout {
		plan.Direction, plan.Means = int16(divalto.Disbursement), meansTransfer
	}
	return plan
}

// add adds a first attempt to a list.
func add(plan *db.PlanParams, reference, thirdParty string, cents int64) error {
	label, err := divalto.Label(divalto.Kind(plan.Kind), reference, 1)
	if err != nil {
		return fmt.Errorf("label %s %s: %w", plan.Kind, reference, err)
	}
	plan.Reference = append(plan.Reference, reference)
	plan.ThirdParty = append(plan.ThirdParty, thirdParty)
	plan.AmountCents = append(plan.AmountCents, cents)
	plan.Label = append(plan.Label, label)
	return nil
}
