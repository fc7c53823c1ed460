package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/divalto"
)

// PostingSignal has a run that posts look for settlements once more.
const PostingSignal = "posting"

// PostingID is the workflow id under which a dossier's settlements are posted:
// one run at a time, so that the ERP never works on two of them at once.
func PostingID(dossier string) string { return "erp/" + dossier }

const (
	// postingPauseFirst and postingPauseLast are between two attempts at an ERP
	// that cannot be reached: an update of it takes minutes, a night's maintenance
	// hours, after which the next vacation has it tried again.
	postingPauseFirst = 5 * time.Second
	postingPauseLast  = 10 * time.Minute
	// postingAttempts ends a run that has not reached the ERP in about an hour.
	postingAttempts = 12
	// postingFailures is how often one settlement may fail for technical reasons:
	// the next ones shall not wait for it.
	postingFailures = 3
	// postingsPerRun bounds a run's history.
	postingsPerRun = 500
)

// lookUps are the pauses before each look for a posting of unknown outcome: an
// ERP that was slow has written it by then.
func lookUps() []time.Duration {
	return []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute}
}

// PostingRequest has a dossier's settlements posted.
type PostingRequest struct {
	Dossier string `json:"dossier"`
	// After and Again are of a run that goes on where another ended: after which
	// posting, and whether somebody has asked to look from the beginning in the end.
	After int  `json:"after,omitempty"`
	Again bool `json:"again,omitempty"`
}

// PostingTotals are what a run has posted.
type PostingTotals struct {
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"` // by the ERP or by our own rules: they wait for an operator
	Unknown  int `json:"unknown"` // nobody knows whether the ERP has them: they wait for an operator
	Left     int `json:"left"`    // the ERP failed, or was not reached: the next run tries them again
}

// Posting posts a dossier's settlements to the ERP, one after the other, and
// looks for those whose outcome it did not learn. It never posts one of them a
// second time unless the ERP said that it failed and has nothing of it.
func Posting(ctx workflow.Context, request PostingRequest) (PostingTotals, error) {
	p := &posting{
		dossier: request.Dossier, after: request.After, again: request.Again,
		more: workflow.GetSignalChannel(ctx, PostingSignal), failures: make(map[int]int),
	}
	err := p.postAll(ctx)
	return p.totals, err
}

// posting is one run.
type posting struct {
	dossier string
	totals  PostingTotals
	more    workflow.ReceiveChannel
	// after is the last posting that is done with; again has it begin from the first
	// once more.
	after int
	again bool
	// unreached counts attempts since the ERP was last reached; failures those of
	// each posting that failed for technical reasons.
	unreached int
	failures  map[int]int
}

func (p *posting) postAll(ctx workflow.Context) error {
	for range postingsPerRun {
		posted, err := activities.PostSettlement(ctx, activities.PostSettlementRequest{Dossier: p.dossier, After: p.after})
		if err != nil {
			return err
		}
		switch {
		case posted.Number != 0:
			err = p.settle(ctx, posted.Number, divalto.Class(posted.Class))
		case p.again || p.more.ReceiveAsync(nil):
			p.after, p.again = 0, false
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if p.unreached >= postingAttempts {
			if p.more.Len() == 0 {
				p.totals.Left++
				return nil
			}
			p.unreached = 0 // somebody has asked for more in the last pause
		}
	}
	return p.goOn(ctx)
}

// goOn has another run go on after what this one is done with. Were it to begin
// from the first, as many that fail as fit a run would keep all others waiting.
func (p *posting) goOn(ctx workflow.Context) error {
	for p.more.ReceiveAsync(nil) {
		p.again = true
	}
	return workflow.NewContinueAsNewError( //nolint:wrapcheck // Temporal knows it by its type
		ctx, PostingName, PostingRequest{Dossier: p.dossier, After: p.after, Again: p.again})
}

// settle goes on from what an attempt came to.
func (p *posting) settle(ctx workflow.Context, number int, class divalto.Class) error {
	if class == divalto.NotSent || class == divalto.AuthFailed {
		p.unreached++
		return p.awaitMore(ctx, min(postingPauseFirst<<(p.unreached-1), postingPauseLast))
	}
	p.unreached = 0
	switch class {
	case divalto.Unknown, divalto.TechnicalError, divalto.AcceptedWithoutID:
		return p.find(ctx, number, class)
	case divalto.Accepted:
		p.totals.Accepted++
	default:
		p.totals.Refused++
	}
	p.after = number
	return nil
}

// find looks for a posting whose outcome is not known.
func (p *posting) find(ctx workflow.Context, number int, class divalto.Class) error {
	for _, pause := range lookUps() {
		if err := workflow.Sleep(ctx, pause); err != nil {
			return err //nolint:wrapcheck // a cancellation, told as such
		}
		found, err := activities.FindPosting(ctx, activities.FindPostingRequest{Number: number})
		if err != nil {
			return err
		}
		class = divalto.Class(found.Class)
		if found.Due {
			p.failures[number]++
			if p.failures[number] < postingFailures {
				return nil
			}
			p.totals.Left++
			p.after = number
			return nil
		}
		if class == divalto.Accepted {
			break
		}
	}
	p.after = number
	switch class {
	case divalto.Accepted, divalto.AcceptedWithoutID:
		p.totals.Accepted++
	default:
		p.totals.Unknown++
	}
	return nil
}

// awaitMore waits for that long, or until somebody asks for more from now on.
func (p *posting) awaitMore(ctx workflow.Context, pause time.Duration) error {
	for p.more.ReceiveAsync(nil) {
		continue
	}
	_, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return p.more.Len() > 0 })
	return err //nolint:wrapcheck // a cancellation, told as such
}
