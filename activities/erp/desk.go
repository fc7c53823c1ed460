package erp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/vacation"
)

// The acts by which operators' decisions on postings stand in their journal.
const (
	actRetry   = "erp-retry"
	actResolve = "erp-resolve"
	actDeposit = "erp-deposit"
)

// Desk takes operators' decisions on postings. Each stands in the operators'
// journal, in the transaction of what it changes. What is refused is a
// [*vacation.Failure], Refused, and changes nothing.
type Desk struct {
	Pool     *pgxpool.Pool
	Settings Settings
	Waker    Waker
	Actors   operator.Actors
	Clock    func() time.Time
}

// Change is what a decision has changed.
type Change struct {
	// Number is the posting that is there now: after a correction, a new one.
	Number int64  `json:"number"`
	Label  string `json:"label"`
	Before State  `json:"before,omitempty"` // empty for a posting that is new
	After  State  `json:"after"`
}

// retryMax is how many postings one decision is about: those of a bulk.
const retryMax = 10_000

// Retry has postings sent again, all or none of them. Of what was refused, by the
// ERP or by our rules, a new attempt is made from what the books and settings say
// now. What is UNKNOWN is sent as it is: the operator's word is that the ERP does
// not have it.
func (d *Desk) Retry(ctx context.Context, numbers []int64, answer activities.Answer) ([]Change, error) {
	if len(numbers) == 0 || len(numbers) > retryMax {
		return nil, vacation.Fail(vacation.Refused, "retry 1 to %d postings at a time", retryMax)
	}
	var changes []Change
	err := pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		changes = make([]Change, 0, len(numbers))
		for _, number := range numbers {
			change, err := d.retry(ctx, tx, number, answer)
			if err != nil {
				return fmt.Errorf("retry posting %d: %w", number, err)
			}
			changes = append(changes, change)
		}
		return nil
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the posting
	}
	return changes, d.wake(ctx)
}

func (d *Desk) retry(ctx context.Context, tx pgx.Tx, number int64, answer activities.Answer) (Change, error) {
	row, err := lock(ctx, tx, number)
	if err != nil {
		return Change{}, err
	}
	change := Change{Number: number, Label: row.Label, Before: State(row.State), After: Prepared}
	switch change.Before {
	case Unknown:
		err = d.sendAsItIs(ctx, tx, row)
	case Rejected, Invalid:
		change.Number, change.Label, err = d.again(ctx, tx, row)
	case Prepared, Sent, Accepted, AcceptedWithoutID:
		err = refuse(row, "is not retried: what was refused or is UNKNOWN is")
	}
	if err != nil {
		return Change{}, err
	}
	return change, d.record(ctx, tx, actRetry, row, change.After, answer)
}

// sendAsItIs has a posting sent to the dossier that it is of, which must be the one
// of the settings: of another nobody would send it.
func (d *Desk) sendAsItIs(ctx context.Context, tx pgx.Tx, row *db.LockPostingRow) error {
	if row.Dossier != d.Settings.dossier() {
		return refuse(row, "of dossier %s, which is not that of these settings (erp.dossier): decide with those of its own", row.Dossier)
	}
	return settle(ctx, db.New(tx), verdict{
		state: Prepared, class: divalto.Class(row.Class), detail: "an operator says that the ERP does not have it",
	}, row.Number, Unknown, row.Attempts)
}

// again makes another attempt at what was refused.
func (d *Desk) again(ctx context.Context, tx pgx.Tx, row *db.LockPostingRow) (number int64, label string, err error) {
	queries := db.New(tx)
	newest, err := queries.NewestAttempt(ctx, row.Kind, row.Reference)
	if err != nil {
		return 0, "", fmt.Errorf("find its newest attempt: %w", err)
	}
	if newest != row.Attempt {
		return 0, "", refuse(row, "has a newer attempt, number %d of it: look at that one", newest)
	}
	thirdParty, cents, err := d.readAnew(ctx, tx, row)
	if err != nil {
		return 0, "", err
	}
	attempt := row.Attempt + 1
	if label, err = divalto.Label(divalto.Kind(row.Kind), row.Reference, int(attempt)); err != nil {
		return 0, "", refuse(row, "cannot be attempted again: %s", err)
	}
	number, err = queries.Again(ctx, db.AgainParams{
		Attempt: attempt, Dossier: d.Settings.dossier(), ThirdParty: thirdParty, AmountCents: cents, Label: label, PlannedAt: d.now(),
		Old: row.Number,
	})
	if err != nil {
		return 0, "", fmt.Errorf("make attempt %d: %w", attempt, err)
	}
	if err := queries.CopyItems(ctx, number, row.Number); err != nil {
		return 0, "", fmt.Errorf("take over its items: %w", err)
	}
	return number, label, nil
}

// readAnew is what the books and settings say now of what was refused.
func (d *Desk) readAnew(ctx context.Context, tx pgx.Tx, row *db.LockPostingRow) (thirdParty string, cents int64, err error) {
	queries := db.New(tx)
	switch divalto.Kind(row.Kind) {
	case divalto.Payout:
		payout, err := queries.PayoutNow(ctx, row.Reference)
		if err != nil {
			return "", 0, fmt.Errorf("read its payout: %w", err)
		}
		if payout.ThirdParty == "" {
			return "", 0, refuse(row, "still: %s", noThirdParty)
		}
		return payout.ThirdParty, payout.AmountCents, nil
	case divalto.Settlement:
		cents, err := queries.SettlementNow(ctx, row.Reference)
		if err != nil {
			return "", 0, fmt.Errorf("read its settlement: %w", err)
		}
		return d.Settings.SettlementThirdParty, cents, nil
	case divalto.Order:
		return d.paymentNow(ctx, queries, row)
	case divalto.Remise:
		items, err := queries.DepositItems(ctx, row.Number)
		if err != nil {
			return "", 0, fmt.Errorf("read its items: %w", err)
		}
		numbers := make([]int64, len(items))
		for i := range items {
			numbers[i] = items[i].Number
		}
		if _, err := claim(ctx, tx, numbers, row.Number); err != nil {
			return "", 0, err
		}
		return "", row.AmountCents, nil
	default:
		return row.ThirdParty, row.AmountCents, nil
	}
}

// transactionPattern is what transactions of the ERP are made of.
var transactionPattern = regexp.MustCompile(`^[0-9A-Za-z._-]{1,35}$`)

// Resolve takes an operator's word that the ERP has a posting, under that
// transaction.
func (d *Desk) Resolve(ctx context.Context, number int64, transaction string, answer activities.Answer) (Change, error) {
	if !transactionPattern.MatchString(transaction) {
		return Change{}, vacation.Fail(vacation.Refused, "a transaction of the ERP is 1 to 35 letters and digits")
	}
	change := Change{Number: number, After: Accepted}
	err := pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		row, err := lock(ctx, tx, number)
		if err != nil {
			return err
		}
		change.Label, change.Before = row.Label, State(row.State)
		if change.Before != Unknown && change.Before != AcceptedWithoutID {
			return refuse(row, "is not resolved: what is UNKNOWN or ACCEPTED_WITHOUT_ID is")
		}
		err = settle(ctx, db.New(tx), verdict{
			state: Accepted, class: divalto.Class(row.Class), transaction: transaction, detail: "an operator says that the ERP has it",
			settledAt: d.now(),
		}, number, change.Before, row.Attempts)
		if err != nil {
			return err
		}
		return d.record(ctx, tx, actResolve, row, Accepted, answer)
	})
	if err != nil {
		return Change{}, fmt.Errorf("resolve posting %d: %w", number, err)
	}
	return change, nil
}

// lock reads a posting that a decision is about, and keeps others from it.
func lock(ctx context.Context, tx pgx.Tx, number int64) (*db.LockPostingRow, error) {
	row, err := db.New(tx).LockPosting(ctx, number)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, vacation.Fail(vacation.Refused, "there is no posting %d", number)
	}
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	return &row, nil
}

// refuse is why nothing is changed.
func refuse(row *db.LockPostingRow, format string, arguments ...any) error {
	return vacation.Fail(vacation.Refused, "posting %d, %s, is %s and %s",
		row.Number, row.Label, row.State, fmt.Sprintf(format, arguments...))
}

// record writes the operators' journal. A decision is another one after each
// further attempt.
func (d *Desk) record(ctx context.Context, tx pgx.Tx, act string, row *db.LockPostingRow, after State, answer activities.Answer) error {
	answer.ID = act + "/" + strconv.FormatInt(row.Number, 10) + "/" + strconv.Itoa(int(row.Attempts)) + "/" + row.State
	_, err := d.Actors.Record(ctx, tx, operator.Act{
		Act: act, Subject: row.Label, Before: row.State, After: string(after), Answer: answer, At: d.now(),
	})
	if err != nil {
		return fmt.Errorf("write it down: %w", err)
	}
	return nil
}

// wake has what is due sent.
func (d *Desk) wake(ctx context.Context) error {
	if err := d.Waker.Wake(ctx, d.Settings.dossier()); err != nil {
		return fmt.Errorf("have it sent (it is kept, and is sent with what is planned next): %w", err)
	}
	return nil
}

func (d *Desk) now() time.Time { return d.Clock().Truncate(time.Millisecond) }
