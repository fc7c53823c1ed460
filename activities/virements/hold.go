package virements

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/virements/internal/db"
	"github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/merchant"
)

// comeback is a payout that the bank did not bring to its creditor.
type comeback struct {
	number    int64
	accountID string // of the CP that has its money back
	status    string // of that CP's merchant
}

// hold holds the payouts of CPs whose account elsewhere does not take them.
type hold struct {
	queries *db.Queries
	run     activities.Run
	where   string // they came back, for the reason: "in lot REJ192837544970-02"
	now     time.Time
}

// after holds the payouts of CPs of which several came back one after the other,
// and of those that are closed, until an operator releases them. The CPs are
// locked by now: of two transactions at once, the second sees what came back in
// the first.
func (h hold) after(ctx context.Context, returned []comeback) error {
	numbers := make([]int64, len(returned))
	for i := range returned {
		numbers[i] = returned[i].number
	}
	repeated, err := h.queries.RejectedInARow(ctx, cashout.RejectsBeforeHold-1, numbers)
	if err != nil {
		return fmt.Errorf("look for repeated rejects: %w", err)
	}
	reasons := make(map[string]string, len(repeated))
	for i := range returned {
		if returned[i].status == string(merchant.StatusClosed) {
			reasons[returned[i].accountID] = "a payout came back " + h.where + " after the CP was closed"
		}
	}
	for _, accountID := range repeated {
		reasons[accountID] = fmt.Sprintf("%d payouts in a row came back, one %s", cashout.RejectsBeforeHold, h.where)
	}
	if len(reasons) == 0 {
		return nil
	}
	var accountIDs, texts []string
	for accountID := range reasons {
		accountIDs = append(accountIDs, accountID)
	}
	slices.Sort(accountIDs)
	for _, accountID := range accountIDs {
		texts = append(texts, reasons[accountID])
	}
	held, err := h.queries.HoldPayouts(ctx, accountIDs, h.now, texts)
	if err != nil {
		return fmt.Errorf("hold payouts: %w", err)
	}
	if err := h.queries.AddHeld(ctx, h.run.ID.String(), held); err != nil {
		return fmt.Errorf("count the holds: %w", err)
	}
	return nil
}
