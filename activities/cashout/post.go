package cashout

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

const stepPost = "post-payouts"

// PostPayouts posts the VALIDATED orders, those of Payline first: Dr CP / Cr
// TR.OUT. A CP that does not cover its order any more keeps its money: the order
// is refused with the reason NO_COVER; the Payline line is rejected with AM04, an
// automatic payout is planned anew on the next day. So is one whose CP's payouts
// were put on hold since it was validated, with the reason HELD and the code AC06.
func (a *Activities) PostPayouts(ctx context.Context, run activities.Run) (activities.PostPayoutsResult, error) {
	left := queue{sources: []payout.Source{payout.Payline, payout.Automatic}}
	done, err := a.slices.Work(ctx, run, vacation.StagePaying,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) {
			return a.post(ctx, tx, run, &left, now)
		})
	if err != nil {
		return activities.PostPayoutsResult{}, activities.Failed("post payouts", err)
	}
	orders, err := payout.ReadStanding(ctx, a.pool, run.ID.String())
	if err != nil {
		return activities.PostPayoutsResult{}, activities.Failed("post payouts", err)
	}
	return activities.PostPayoutsResult{
		Posted: orders.Posted.Orders, PostedSum: orders.Posted.Amount,
		Dropped: orders.ByReason[string(rules.NoCover)], Refused: orders.Refused.Orders, RefusedSum: orders.Refused.Amount, Done: done,
	}, nil
}

// queue is what a call has not looked at yet. Nothing is validated meanwhile: a
// call need not look again at what lies behind it.
type queue struct {
	sources []payout.Source // the first is being posted
	after   int64           // number of its last order that was taken up
}

// post takes up the next orders, those of one source: the entries of automatic
// ones are rendered as events, those of Payline are told one by one.
func (a *Activities) post(ctx context.Context, tx pgx.Tx, run activities.Run, left *queue, now time.Time) (done bool, err error) {
	for len(left.sources) > 0 {
		source := left.sources[0]
		orders, err := payout.Select(ctx, tx, payout.Selection{
			Scope: run.ID.String(), State: payout.Validated, Source: source, After: left.after, Most: a.chunk,
		})
		if err != nil {
			return false, err
		}
		if len(orders) > 0 {
			left.after = orders[len(orders)-1].Number
			posting := posting{activities: a, tx: tx, run: run, source: source, now: now}
			return false, posting.post(ctx, orders)
		}
		*left = queue{sources: left.sources[1:]}
	}
	return true, nil
}

// posting is the posting of some orders of one source in their transaction.
type posting struct {
	activities *Activities
	tx         pgx.Tx
	run        activities.Run
	source     payout.Source
	now        time.Time
}

func (p *posting) post(ctx context.Context, orders []payout.Order) error {
	covered, dropped, err := p.cover(ctx, orders)
	if err != nil {
		return err
	}
	if err := p.drop(ctx, dropped); err != nil {
		return err
	}
	if len(covered) == 0 {
		return p.tell(ctx, 0, nil, dropped)
	}
	batch, err := p.begin(ctx, covered)
	if err != nil {
		return err
	}
	if err := p.write(ctx, batch, covered); err != nil {
		return err
	}
	if err := payout.Prepare(ctx, p.tx, batch, covered, p.now); err != nil {
		return err
	}
	return p.tell(ctx, batch, covered, dropped)
}

// dropped are orders that were validated and do not leave after all, by the reason.
type dropped map[rules.Reason][]payout.Order

// droppedFor are the reasons for which orders are dropped, in the order in which they are told.
func droppedFor() []rules.Reason { return []rules.Reason{rules.Held, rules.NoCover} }

// cover locks the CPs and tells the orders that they may pay and do cover, in
// their order, from the others.
func (p *posting) cover(ctx context.Context, orders []payout.Order) ([]payout.Order, dropped, error) {
	accounts := make(map[int32]bool, len(orders))
	for i := range orders {
		accounts[orders[i].Account] = true
	}
	balances, err := postgres.LockBalances(ctx, p.tx, slices.Sorted(maps.Keys(accounts)))
	if err != nil {
		return nil, nil, err
	}
	// Whoever puts a CP on hold gave its money back to it in the same transaction:
	// behind the lock, a hold is seen whole, or comes after the posting.
	held, err := payout.Held(ctx, p.tx, accountIDs(orders))
	if err != nil {
		return nil, nil, err
	}
	covered, out := make([]payout.Order, 0, len(orders)), dropped{}
	for i := range orders {
		order := &orders[i]
		switch {
		case held[order.AccountID]:
			out[rules.Held] = append(out[rules.Held], *order)
		case order.Amount > balances[order.Account]:
			out[rules.NoCover] = append(out[rules.NoCover], *order)
		default:
			balances[order.Account] -= order.Amount
			covered = append(covered, *order)
		}
	}
	return covered, out, nil
}

func (p *posting) drop(ctx context.Context, dropped dropped) error {
	var decisions []payout.Decision
	for _, reason := range droppedFor() {
		for i := range dropped[reason] {
			decisions = append(decisions, payout.Decision{
				Order: &dropped[reason][i], State: payout.Refused, Reason: string(reason), Code: string(rejectCode(reason)),
			})
		}
	}
	return payout.Decide(ctx, p.tx, ogep.AutomaticValidator, decisions, p.now)
}

// begin claims the session's next batch.
func (p *posting) begin(ctx context.Context, covered []payout.Order) (int64, error) {
	scope := p.run.ID.String()
	item, err := postgres.NextItem(ctx, p.tx, scope, stepPost)
	if err != nil {
		return 0, err
	}
	hash := sha256.New()
	for i := range covered {
		_, _ = hash.Write([]byte(covered[i].RefExterne)) // never fails
	}
	key := postgres.Key{Scope: scope, Step: stepPost, Item: item, Input: [32]byte(hash.Sum(nil))}
	batch, fresh, err := postgres.BeginBatch(ctx, p.tx, p.run.Number, key, p.now)
	if err == nil && !fresh {
		err = fmt.Errorf("batch %d of %s, step %s is there already", item, scope, stepPost)
	}
	return batch, err
}

// write posts the orders: Dr CP / Cr TR.OUT, one entry an order in their order.
// An order's TR.OUT is its own, and made with the order's amount.
func (p *posting) write(ctx context.Context, batch int64, covered []payout.Order) error {
	out := make([]postgres.NewAccount, len(covered))
	for i := range covered {
		out[i] = postgres.NewAccount{Code: ledger.Payout(covered[i].RefExterne), Credit: covered[i].Amount}
	}
	ids, err := postgres.AddAccounts(ctx, p.tx, out)
	if err != nil {
		return err
	}
	_, err = postgres.Copy(ctx, p.tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		for i := range covered {
			order := &covered[i]
			err := postgres.AppendEntry(rows, postgres.EntryRow{
				Batch: batch, Ordinal: i, Kind: ledger.KindPayout, Debit: order.Account, Credit: ids[i],
				Amount: order.Amount, TransactionAt: p.run.StartedAt, ValueDate: order.Due, Label: []byte(order.Info),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	byCP := make(map[int32]int64, len(covered))
	for i := range covered {
		byCP[covered[i].Account] += int64(covered[i].Amount)
	}
	movements := make([]postgres.Movement, 0, len(byCP))
	for account, debit := range byCP {
		movements = append(movements, postgres.Movement{Account: account, Debit: debit})
	}
	return postgres.Move(ctx, p.tx, movements)
}

// tell tells what was posted, then what was dropped.
func (p *posting) tell(ctx context.Context, batch int64, covered []payout.Order, dropped dropped) error {
	emission := postgres.Emission{Vacation: p.run.Number, At: p.now}
	if p.source == payout.Automatic {
		if len(covered) > 0 {
			emission.Batch, emission.Rendered = batch, len(covered)
		}
	} else {
		for i := range covered {
			order := &covered[i]
			emission.Bodies = append(emission.Bodies,
				p.transaction(order),
				ogep.CreateValidatedOrder{
					Orders:     []ogep.Order{order.Event(p.activities.settings.Bank)},
					EndToEndID: order.EndToEndID, AccountID: order.AccountID,
				})
		}
	}
	emission.Bodies = append(emission.Bodies, p.refused(dropped)...)
	return p.activities.outbox.Emit(ctx, p.tx, emission)
}

func (p *posting) transaction(order *payout.Order) ogep.Body {
	return ogep.CreateAccountTransaction{
		AccountID: order.AccountID,
		Transaction: ogep.AccountTransaction{
			Label: order.Info, Amount: order.Amount.Neg(), TransactionAt: p.run.StartedAt, ValueAt: order.Due.Midnight(),
		},
	}
}

// refused tells that orders that were validated do not leave after all.
func (p *posting) refused(dropped dropped) []ogep.Body {
	var bodies []ogep.Body
	for _, reason := range droppedFor() {
		told := make([]*payout.Order, len(dropped[reason]))
		for i := range told {
			told[i] = &dropped[reason][i]
		}
		bodies = append(bodies, p.activities.tell(verdict{
			decision: ogep.Refused, validator: ogep.AutomaticValidator, reason: reason.Text(),
		}, told)...)
		if p.source == payout.Payline {
			for _, order := range told {
				bodies = append(bodies, p.activities.reject(order, rejectCode(reason)))
			}
		}
	}
	return bodies
}
