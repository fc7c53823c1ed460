package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/safeguarding"
)

// Safeguarding reads the statement of a day's close, as it was kept. The error
// is a [*NotFoundError] for a day that was never closed.
func Safeguarding(ctx context.Context, on postgres.Querier, date calendar.Date) (safeguarding.Statement, error) {
	// The books as they were, each amount credit less debit.
	const query = `
		select payment_accounts_cents, parked_cents, payouts_cents, rejects_cents, -reglement_cents, -cantonnement_cents,
		       -transit_cents, -to_cantonnement_cents, to_clear_cents, covers_cents, cantonnement_due_cents
		from safeguarding where date = $1::text::date`
	var books ledger.Books
	var kept safeguarding.Statement
	err := on.QueryRow(ctx, query, date.String()).Scan(
		&books.CP, &books.Parked, &books.Payouts, &books.Rejects, &books.Reglement, &books.Cantonnement,
		&books.TransitToClients, &books.TransitToCantonnement, &books.ToClear, &books.CoversToOrder, &kept.CantonnementDue)
	if errors.Is(err, pgx.ErrNoRows) {
		return safeguarding.Statement{}, &NotFoundError{
			ID: date.String(), LookedFor: []string{"safeguarding statement of " + date.String()},
		}
	}
	if err != nil {
		return safeguarding.Statement{}, fmt.Errorf("read the safeguarding statement of %s: %w", date, err)
	}
	due := kept.CantonnementDue
	// What was due since the day before depends on what left since: it was kept, not to be found again.
	if kept, err = safeguarding.New(books, date, nil, safeguarding.Left{}); err != nil {
		return safeguarding.Statement{}, fmt.Errorf("read the safeguarding statement of %s: %w", date, err)
	}
	kept.CantonnementDue = due
	kept.CantonnementGap = max(0, due-kept.CantonnementHeld)
	return kept, nil
}
