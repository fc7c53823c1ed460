package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain002"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// BankLine is a line of a bank statement. Amount is signed; Label has no IBAN.
type BankLine struct {
	ID        string      `json:"id"`
	Account   string      `json:"account"`
	Statement int         `json:"statement"` // the bank's sequence of the account
	Date      string      `json:"date"`      // of the statement
	Label     string      `json:"label"`
	Amount    money.Cents `json:"amountCents"`
	ValueAt   time.Time   `json:"valueAt"`
	Class     string      `json:"class"`
	Reference string      `json:"reference,omitempty"`
	// Reason says why the line is of class UNKNOWN.
	Reason string `json:"reason,omitempty"`
	// Session is what takes the line up, empty while nothing does.
	Session string `json:"session,omitempty"`
	Booked  bool   `json:"booked"`
}

// BankLines reads lines of statements, [ListMax] at most, the last statement
// first. An empty class, or date of a statement (yyyy-MM-dd), stands for any.
func BankLines(ctx context.Context, pool *pgxpool.Pool, class, date string) ([]BankLine, error) {
	rows, err := db.New(pool).BankLines(ctx, class, date, ListMax)
	if err != nil {
		return nil, fmt.Errorf("read bank lines: %w", err)
	}
	lines := make([]BankLine, 0, len(rows))
	for _, row := range rows {
		lines = append(lines, BankLine{
			ID: row.ID, Account: row.Account, Statement: int(row.Sequence), Date: row.Date, Label: withoutIBANs(row.Label),
			Amount: money.Cents(row.AmountCents), ValueAt: row.ValueAt, Class: row.Class, Reference: row.Reference,
			Reason: row.Reason, Session: row.Scope, Booked: row.Booked,
		})
	}
	return lines, nil
}

// Hold is a CP whose payouts are held, or were.
type Hold struct {
	AccountID  string     `json:"accountId"`
	Since      time.Time  `json:"since"`
	Reason     string     `json:"reason"`
	ReleasedAt *time.Time `json:"releasedAt,omitempty"`
}

// Holds reads the CPs whose payouts are held, and those that were where released
// is asked for too, the oldest first, [ListMax] at most.
func Holds(ctx context.Context, pool *pgxpool.Pool, released bool) ([]Hold, error) {
	rows, err := db.New(pool).Holds(ctx, released, ListMax)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	holds := make([]Hold, 0, len(rows))
	for _, row := range rows {
		holds = append(holds, Hold(row))
	}
	return holds, nil
}

// Payout is an order to pay a merchant out.
type Payout struct {
	RefExterne string `json:"refExterne"`
	EndToEndID string `json:"endToEndId"`
	Source     string `json:"source"` // PAYLINE or AUTO
	AccountID  string `json:"accountId"`
	// Creditor is the IBAN that is paid, masked.
	Creditor    string      `json:"creditorIban"`
	Amount      money.Cents `json:"amountCents"`
	DueDate     string      `json:"dueDate"`
	State       string      `json:"state"`
	Reason      string      `json:"reason,omitempty"`
	Validator   string      `json:"validator,omitempty"`
	Bulk        string      `json:"bulk,omitempty"`
	RequestedAt time.Time   `json:"requestedAt"`
	SettledAt   *time.Time  `json:"settledAt,omitempty"`
}

// PayoutFilter says which payouts are listed. Empty members stand for any.
type PayoutFilter struct {
	State     string
	AccountID string
	DueDate   string // yyyy-MM-dd
}

// PayoutList is payouts, the last first, and the totals of all that fit.
type PayoutList struct {
	Payouts []Payout    `json:"payouts"`
	Total   int64       `json:"total"`
	Amount  money.Cents `json:"amountCents"`
}

// Payouts reads the payouts that fit, [ListMax] at most; the totals count all.
func Payouts(ctx context.Context, pool *pgxpool.Pool, filter PayoutFilter) (PayoutList, error) {
	queries := db.New(pool)
	total, err := queries.PayoutsTotal(ctx, filter.State, filter.AccountID, filter.DueDate)
	if err != nil {
		return PayoutList{}, fmt.Errorf("sum payouts: %w", err)
	}
	rows, err := queries.Payouts(ctx, db.PayoutsParams{
		State: filter.State, AccountID: filter.AccountID, Date: filter.DueDate, AtMost: ListMax,
	})
	if err != nil {
		return PayoutList{}, fmt.Errorf("read payouts: %w", err)
	}
	list := PayoutList{Payouts: make([]Payout, 0, len(rows)), Total: total.Payouts, Amount: money.Cents(total.AmountCents)}
	for _, row := range rows {
		list.Payouts = append(list.Payouts, Payout{
			RefExterne: row.RefExterne, EndToEndID: row.EndToEndID, Source: row.Source, AccountID: row.AccountID,
			Creditor: iban.Mask(row.CreditorIban), Amount: money.Cents(row.AmountCents), DueDate: row.DueDate, State: row.State,
			Reason: row.Reason, Validator: row.Validator, Bulk: row.Bulk, RequestedAt: row.RequestedAt, SettledAt: row.SettledAt,
		})
	}
	return list, nil
}

// Bulk is orders that go to the bank together.
type Bulk struct {
	Name    string `json:"name"`
	BulkID  string `json:"bulkId"`
	Purpose string `json:"purpose"`
	State   string `json:"state"`
	// Dispatch is how far it is on its way to the bank.
	Dispatch transfer.Dispatch `json:"dispatch"`
	Orders   int               `json:"orders"`
	Amount   money.Cents       `json:"amountCents"`
	DueDate  string            `json:"dueDate"`
	Session  string            `json:"session"` // that made it
	// AttemptedAt is when it was handed over: from then on it may have left.
	CreatedAt   time.Time  `json:"createdAt"`
	AttemptedAt *time.Time `json:"attemptedAt,omitempty"`
	SettledAt   *time.Time `json:"settledAt,omitempty"`
	Detail      string     `json:"detail,omitempty"` // what the channel said last
	// The file that was handed over: empty before.
	FileFormat string `json:"fileFormat,omitempty"`
	FileSHA256 string `json:"fileSha256,omitempty"`
	FileBytes  int64  `json:"fileBytes,omitempty"`
}

// Bulks reads the bulks of a state, of any for an empty one, the last first,
// [ListMax] at most.
func Bulks(ctx context.Context, pool *pgxpool.Pool, state string) ([]Bulk, error) {
	queries := db.New(pool)
	rows, err := queries.Bulks(ctx, state, ListMax)
	if err != nil {
		return nil, fmt.Errorf("read bulks: %w", err)
	}
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].Name
	}
	dispatches, err := dispatchesOf(ctx, queries, names)
	if err != nil {
		return nil, err
	}
	bulks := make([]Bulk, 0, len(rows))
	for _, row := range rows {
		bulks = append(bulks, Bulk{
			Name: row.Name, BulkID: row.BulkID, Purpose: row.Purpose, State: row.State, Dispatch: dispatches[row.Name],
			Orders: int(row.Orders), Amount: money.Cents(row.AmountCents), DueDate: row.DueDate,
			Session:   vacation.ID{Kind: vacation.Kind(row.Kind), Key: row.Key}.String(),
			CreatedAt: row.CreatedAt, AttemptedAt: row.AttemptedAt, SettledAt: row.SettledAt, Detail: row.Detail,
			FileFormat: row.FileFormat, FileSHA256: row.FileSha256, FileBytes: row.FileBytes,
		})
	}
	return bulks, nil
}

// dispatchesOf says how far bulks are on their way to the bank, by their names.
func dispatchesOf(ctx context.Context, queries *db.Queries, names []string) (map[string]transfer.Dispatch, error) {
	rows, err := queries.Handovers(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read what the bank said of bulks: %w", err)
	}
	dispatches := make(map[string]transfer.Dispatch, len(rows))
	for _, row := range rows {
		dispatches[row.Name] = transfer.Handover{
			State: transfer.State(row.State), Attempted: row.Attempted, Debited: row.Debited,
			Reported: slices.ContainsFunc(row.Reports, func(status string) bool {
				return pain002.Status(status).Accepted() || pain002.Status(status) == pain002.Partial
			}),
		}.Dispatch()
	}
	return dispatches, nil
}

// Act is a row of the operators' journal.
type Act struct {
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Act     string    `json:"act"`
	Subject string    `json:"subject"`
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Reason  string    `json:"reason"`
	// CorrelationID is of the run that was answered, empty for none.
	CorrelationID string `json:"correlationId,omitempty"`
}

// Acts reads the operators' journal, the last first, [ListMax] at most. IBANs in
// what people wrote are masked.
func Acts(ctx context.Context, pool *pgxpool.Pool) ([]Act, error) {
	queries := db.New(pool)
	rows, err := queries.Acts(ctx, ListMax)
	if err != nil {
		return nil, fmt.Errorf("read the operators' journal: %w", err)
	}
	acts := make([]Act, 0, len(rows))
	for _, row := range rows {
		acts = append(acts, Act{
			Number: row.Number, At: row.ActedAt, Actor: row.Actor, Act: row.Act, Subject: row.Subject,
			Before: row.Before, After: row.After, Reason: row.Reason, CorrelationID: row.CorrelationID,
		})
	}
	var texts []*string
	for i := range acts {
		texts = append(texts, &acts[i].Before, &acts[i].After, &acts[i].Reason)
	}
	if err := maskAll(ctx, queries, texts); err != nil {
		return nil, err
	}
	return acts, nil
}

// Day is a day, or a single vacation of it that a schedule started.
type Day struct {
	Date        string     `json:"date"`
	Run         string     `json:"run,omitempty"` // the vacation's workflow id, empty for the day as a whole
	WorkflowRun string     `json:"workflowRun"`
	StartedAt   time.Time  `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt,omitempty"`
	Outcome     string     `json:"outcome,omitempty"`
}

// Days reads the days that were started, the last first, [ListMax] at most.
func Days(ctx context.Context, pool *pgxpool.Pool) ([]Day, error) {
	rows, err := db.New(pool).Days(ctx, ListMax)
	if err != nil {
		return nil, fmt.Errorf("read days: %w", err)
	}
	days := make([]Day, 0, len(rows))
	for _, row := range rows {
		days = append(days, Day(row))
	}
	return days, nil
}

// RunsOf reads the runs of a session, the oldest first, and the totals of the
// last in JSON, null while it has none. The error is a [*NotFoundError] when
// the session was never opened.
func RunsOf(ctx context.Context, pool *pgxpool.Pool, id vacation.ID) (Trail, []byte, error) {
	f := &finder{queries: db.New(pool), trail: &Trail{ID: id.String(), Recognized: Session}}
	if err := f.runs(ctx, string(id.Kind), id.Key); err != nil {
		return Trail{}, nil, err
	}
	if len(f.trail.Runs) == 0 {
		return Trail{}, nil, &NotFoundError{ID: id.String(), LookedFor: []string{string(Session)}}
	}
	if err := f.effects(ctx); err != nil {
		return Trail{}, nil, err
	}
	totals, err := f.queries.TotalsOfRun(ctx, f.trail.Runs[len(f.trail.Runs)-1].number)
	if err != nil {
		return Trail{}, nil, fmt.Errorf("read the totals of %s: %w", id, err)
	}
	return *f.trail, totals, nil
}

// RunNumber is the number of the run that a Temporal run worked for, 0 when that
// never opened one.
func RunNumber(ctx context.Context, pool *pgxpool.Pool, workflowRun string) (int32, error) {
	number, err := db.New(pool).RunOfWorkflow(ctx, workflowRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the run of %s: %w", workflowRun, err)
	}
	return number, nil
}

// AccountOf is the number in the ledger of a merchant's CP: what a decision
// names it by, so that no merchant stands in a history. The error is a
// [*NotFoundError] for an unknown one.
func AccountOf(ctx context.Context, pool *pgxpool.Pool, accountID string) (int32, error) {
	number, err := db.New(pool).AccountOfMerchant(ctx, accountID)
	return found(number, err, accountID, "payment account")
}

// DebtOf is the number of a merchant's open debt, as [AccountOf] is of a CP.
func DebtOf(ctx context.Context, pool *pgxpool.Pool, siret string) (int32, error) {
	number, err := db.New(pool).OpenDebt(ctx, siret)
	return found(number, err, siret, "SIRET with an open debt")
}

// HeldSince is since when a CP's payouts are held. The error is a
// [*NotFoundError] when they are not.
func HeldSince(ctx context.Context, pool *pgxpool.Pool, accountID string) (time.Time, error) {
	since, err := db.New(pool).OpenHold(ctx, accountID)
	return found(since, err, accountID, "payment account whose payouts are held")
}

func found[V any](value V, err error, id, lookedFor string) (V, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return value, &NotFoundError{ID: id, LookedFor: []string{lookedFor}}
	}
	if err != nil {
		return value, fmt.Errorf("look for a %s: %w", lookedFor, err)
	}
	return value, nil
}

// Running is the session of a kind that runs, the last one opened where there
// are several. The error is a [*NotFoundError] when none does.
func Running(ctx context.Context, pool *pgxpool.Pool, kind vacation.Kind) (vacation.ID, error) {
	key, err := db.New(pool).RunningKey(ctx, string(kind))
	key, err = found(key, err, string(kind), "run under way")
	return vacation.ID{Kind: kind, Key: key}, err
}
