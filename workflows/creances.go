package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// CreancesRequest starts a recovery of debts.
type CreancesRequest struct {
	BusinessDate calendar.Date `json:"businessDate"`
	// Key names the session where a day has several; empty for the business date.
	Key         string `json:"key,omitempty"`
	RequestedBy string `json:"requestedBy"`
}

// SessionKey is the key of the session's id.
func (r CreancesRequest) SessionKey() string {
	if r.Key != "" {
		return r.Key
	}
	return r.BusinessDate.String()
}

// parameters are what the session does, whoever asks for it.
func (r CreancesRequest) parameters() CreancesRequest {
	return CreancesRequest{BusinessDate: r.BusinessDate, Key: r.SessionKey()}
}

// Creances takes what merchants owe from what their payment accounts have. Its
// run is named `vacation-creances/<key>`. It returns the totals, or the typed
// failure with which the vacation ended.
func Creances(ctx workflow.Context, request CreancesRequest) (vacation.CreancesTotals, error) {
	var none vacation.CreancesTotals
	session, err := newSession(ctx, vacation.Creances, request.SessionKey(), request.BusinessDate)
	if err != nil {
		return none, err
	}
	ended, err := session.open(ctx, request.parameters())
	if err != nil {
		return none, err
	}
	if ended != nil {
		return earlier[vacation.CreancesTotals](ended)
	}
	recovered, failure := session.recoverDebts(ctx)
	totals := vacation.CreancesTotals{
		CorrelationID: session.run.CorrelationID, Debts: recovered.Debts,
		Recovered: recovered.Recovered, Remaining: recovered.Remaining, Old: recovered.Old,
	}
	totals.Events, err = session.finish(ctx, totals, failure)
	if err != nil {
		return none, err
	}
	return totals, nil
}

// recoverDebts is the vacation between its start and its end.
func (s *session) recoverDebts(ctx workflow.Context) (activities.RecoverDebtsResult, error) {
	if err := s.enter(ctx, vacation.StageRecovering); err != nil {
		return activities.RecoverDebtsResult{}, err
	}
	recovered, err := repeat(func() (activities.RecoverDebtsResult, error) {
		result, err := activities.RecoverDebts(ctx, s.run)
		s.board.tellf(ctx, "%d of %d debts looked at, %s € recovered", result.Debts, result.Total, result.Recovered)
		return result, err
	}, func(result activities.RecoverDebtsResult) bool { return result.Done })
	if err != nil {
		return recovered, err
	}
	return recovered, activities.OrderRecovery(ctx, s.run)
}
