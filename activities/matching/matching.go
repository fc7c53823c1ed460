// Package matching finds the card lines that settle the payments of which the
// gateway has told.
package matching

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
)

// Activities match payments.
type Activities struct {
	pool *pgxpool.Pool
}

// New makes the activities.
func New(pool *pgxpool.Pool) *Activities { return &Activities{pool: pool} }

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.MatchPayments, activity.RegisterOptions{Name: activities.MatchPaymentsName})
}

// MatchPayments matches nothing: no shop is known yet.
func (a *Activities) MatchPayments(context.Context, activities.MatchPaymentsRequest) (activities.MatchPaymentsResult, error) {
	return activities.MatchPaymentsResult{}, nil
}
