package statements

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/safeguarding"
	"github.com/reglo/reglo/domain/vacation"
)

// StateSafeguarding keeps the statement of the day's close, one a day. A run
// that is asked again says the same; a later run, which may come after somebody
// mended what the first one found, states anew. A statement that shows a breach
// is kept too: it is what the day closed with.
func (a *Activities) StateSafeguarding(ctx context.Context, request activities.StateSafeguardingRequest) (money.Cents, error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageSafeguarding} })
	defer stop()
	var stated safeguarding.Statement
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		var err error
		stated, err = a.state(ctx, tx, request)
		return err
	})
	if err == nil {
		err = session.Broken(stated.Breaches())
	}
	if err != nil {
		return 0, activities.Failed("state the safeguarding of "+request.Date.String(), err)
	}
	return stated.Surplus, nil
}

func (a *Activities) state(
	ctx context.Context, tx pgx.Tx, request activities.StateSafeguardingRequest,
) (safeguarding.Statement, error) {
	queries := db.New(tx)
	by, err := queries.SafeguardingRun(ctx, request.Date.String())
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return safeguarding.Statement{}, fmt.Errorf("look for the day's statement: %w", err)
	}
	if err == nil && by == request.Run.Number {
		return audit.Safeguarding(ctx, tx, request.Date)
	}
	before, after, err := previousStatement(ctx, tx, request.Date)
	if err != nil {
		return safeguarding.Statement{}, err
	}
	var left safeguarding.Left
	if before != nil {
		sums, err := queries.LeftClients(ctx, after, request.Date.String(), leavingKinds())
		if err != nil {
			return safeguarding.Statement{}, fmt.Errorf("sum what left clients' accounts: %w", err)
		}
		left = safeguarding.Left{Accounts: money.Cents(sums.Accounts), WithBank: money.Cents(sums.WithBank)}
	}
	books, err := postgres.ReadBooks(ctx, tx, request.Run.Number)
	if err != nil {
		return safeguarding.Statement{}, err
	}
	stated, err := safeguarding.New(books, request.Date, before, left)
	if err != nil {
		return safeguarding.Statement{}, fmt.Errorf("state: %w", err)
	}
	return stated, a.save(ctx, queries, request, stated, left.Accounts+left.WithBank)
}

// leavingKinds are the movements by which money leaves clients' claims: from
// payment accounts, or from parked lines, to nobody's payment account. An
// assigned line, or a transfer between two payment accounts, leaves no claim.
func leavingKinds() []string {
	kinds := []ledger.Kind{
		ledger.KindRefund, ledger.KindCommission, ledger.KindUnpaid, ledger.KindRecovery, ledger.KindPayout, ledger.KindParkedRefund,
	}
	texts := make([]string, len(kinds))
	for i, kind := range kinds {
		texts[i] = string(kind)
	}
	return texts
}

// previousStatement is the last one before the date, nil for none. After a
// business day that was never closed it is an older one: what was owed then and
// did not leave since is due all the more.
func previousStatement(
	ctx context.Context, tx pgx.Tx, date calendar.Date,
) (before *safeguarding.Statement, day string, err error) {
	day, err = db.New(tx).LastSafeguarding(ctx, date.String())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("look for the statement before: %w", err)
	}
	on, err := calendar.ParseDate(day)
	if err != nil {
		return nil, "", fmt.Errorf("date of the statement before: %w", err)
	}
	found, err := audit.Safeguarding(ctx, tx, on)
	if err != nil {
		return nil, "", fmt.Errorf("read the statement before: %w", err)
	}
	return &found, day, nil
}

func (a *Activities) save(
	ctx context.Context, queries *db.Queries, request activities.StateSafeguardingRequest, stated safeguarding.Statement, left money.Cents,
) error {
	err := queries.SaveSafeguarding(ctx, db.SaveSafeguardingParams{
		Date: request.Date.String(), Vacation: request.Run.Number,
		PaymentAccountsCents: int64(stated.PaymentAccounts), ParkedCents: int64(stated.Parked),
		PayoutsCents: int64(stated.PayoutsOrdered), RejectsCents: int64(stated.Rejects),
		ReglementCents: int64(stated.Reglement), CantonnementCents: int64(stated.Cantonnement),
		TransitCents: int64(stated.TransitToClients), ToClearCents: int64(stated.ToClear), CoversCents: int64(stated.CoversToOrder),
		LeftTodayCents: int64(left), CantonnementDueCents: int64(stated.CantonnementDue),
		ToCantonnementCents: int64(stated.CantonnementHeld - stated.Cantonnement), StatedAt: a.now(),
	})
	if err != nil {
		return fmt.Errorf("keep the statement: %w", err)
	}
	return nil
}
