package erp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// ListMax is how many postings a list has at most: more is not read by anybody.
const ListMax = 1_000

// Filter narrows a list of postings.
type Filter struct {
	State State // empty for any
	// Operator leaves those only that wait for an operator: what is in doubt, and
	// what was refused and has no newer attempt.
	Operator bool
}

// Listed is a posting as lists have it.
type Listed struct {
	Number      int64       `json:"number"`
	Kind        string      `json:"kind"`
	Reference   string      `json:"reference"`
	Attempt     int         `json:"attempt"`
	ThirdParty  string      `json:"thirdParty,omitempty"`
	Direction   string      `json:"direction"`
	Amount      money.Cents `json:"amountCents"`
	Label       string      `json:"label"`
	PostingDate string      `json:"postingDate"`
	State       State       `json:"state"`
	Class       string      `json:"class,omitempty"` // how the last call came out
	Attempts    int         `json:"attempts"`        // at sending it
	AttemptedAt *time.Time  `json:"attemptedAt,omitempty"`
	Transaction string      `json:"transaction,omitempty"`
	Detail      string      `json:"detail,omitempty"`
}

// List reads postings, the last first, [ListMax] at most.
func List(ctx context.Context, on postgres.Querier, filter Filter) ([]Listed, error) {
	rows, err := db.New(on).Postings(ctx, string(filter.State), filter.Operator, ListMax)
	if err != nil {
		return nil, fmt.Errorf("list postings: %w", err)
	}
	list := make([]Listed, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = Listed{
			Number: row.Number, Kind: row.Kind, Reference: row.Reference, Attempt: int(row.Attempt), ThirdParty: row.ThirdParty,
			Direction: divalto.Direction(row.Direction).String(), Amount: money.Cents(row.AmountCents), Label: row.Label,
			PostingDate: row.PostingDate, State: State(row.State), Class: row.Class, Attempts: int(row.Attempts),
			AttemptedAt: row.AttemptedAt, Transaction: row.TransactionID, Detail: row.Detail,
		}
	}
	return list, nil
}

// Shown is a posting with all that is kept of it.
type Shown struct {
	Listed

	Dossier     string     `json:"dossier"`
	Means       string     `json:"means"`
	PiecePrefix string     `json:"piecePrefix,omitempty"`
	Piece       string     `json:"piece,omitempty"`
	Bank        string     `json:"bank,omitempty"` // of a deposit
	PlannedAt   time.Time  `json:"plannedAt"`
	SettledAt   *time.Time `json:"settledAt,omitempty"`
	// PayloadSHA256 is of the last parameter that was sent.
	PayloadSHA256 string `json:"payloadSha256,omitempty"`
	// Vacation and Correlation are of the run that moved the money.
	Vacation    string `json:"vacation,omitempty"`
	Correlation string `json:"correlation,omitempty"`
	Items       []Item `json:"items,omitempty"` // of a deposit
	Calls       []Call `json:"calls"`
}

// Item is what a deposit takes to the bank.
type Item struct {
	Number      int64       `json:"number"`
	Reference   string      `json:"reference"`
	Amount      money.Cents `json:"amountCents"`
	Transaction string      `json:"transaction"`
}

// Call is one call to the ERP about a posting.
type Call struct {
	What        string    `json:"what"` // POST or FIND
	At          time.Time `json:"at"`
	Class       string    `json:"class"`
	Tier        int       `json:"tier"` // how the reply could be read, 0 for not at all
	Error       string    `json:"error,omitempty"`
	ResultCode  string    `json:"resultCode,omitempty"`
	ReplySHA256 string    `json:"replySha256"`
	// Reply is as it came, in bytes that a terminal may not take.
	Reply  []byte `json:"reply,omitempty"`
	Detail string `json:"detail"`
}

// Show reads a posting by its number or its label. The error is a
// [*vacation.Failure], Refused, when there is none.
func Show(ctx context.Context, on postgres.Querier, name string) (Shown, error) {
	queries := db.New(on)
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		number, err = queries.NumberOfLabel(ctx, name)
	}
	var row db.ShownRow
	if err == nil {
		row, err = queries.Shown(ctx, number)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Shown{}, vacation.Fail(vacation.Refused, "there is no posting %q", name)
	}
	if err != nil {
		return Shown{}, fmt.Errorf("read posting %q: %w", name, err)
	}
	shown := newShown(&row)
	if shown.Items, err = items(ctx, queries, number); err != nil {
		return Shown{}, err
	}
	shown.Calls, err = calls(ctx, queries, number)
	return shown, err
}

func newShown(row *db.ShownRow) Shown {
	return Shown{
		Listed: Listed{
			Number: row.Number, Kind: row.Kind, Reference: row.Reference, Attempt: int(row.Attempt), ThirdParty: row.ThirdParty,
			Direction: divalto.Direction(row.Direction).String(), Amount: money.Cents(row.AmountCents), Label: row.Label,
			PostingDate: row.PostingDate, State: State(row.State), Class: row.Class, Attempts: int(row.Attempts),
			AttemptedAt: row.AttemptedAt, Transaction: row.TransactionID, Detail: row.Detail,
		},
		Dossier: row.Dossier, Means: row.Means, PiecePrefix: row.PiecePrefix, Piece: row.Piece, Bank: row.Bank,
		PlannedAt: row.PlannedAt, SettledAt: row.SettledAt, PayloadSHA256: hex.EncodeToString(row.PayloadSha256),
		Vacation: row.Vacation, Correlation: row.Correlation,
	}
}

func items(ctx context.Context, queries *db.Queries, deposit int64) ([]Item, error) {
	rows, err := queries.DepositItems(ctx, deposit)
	if err != nil {
		return nil, fmt.Errorf("read the items of posting %d: %w", deposit, err)
	}
	items := make([]Item, len(rows))
	for i, row := range rows {
		items[i] = Item{Number: row.Number, Reference: row.Reference, Amount: money.Cents(row.AmountCents), Transaction: row.TransactionID}
	}
	return items, nil
}

func calls(ctx context.Context, queries *db.Queries, posting int64) ([]Call, error) {
	rows, err := queries.Calls(ctx, posting)
	if err != nil {
		return nil, fmt.Errorf("read the calls of posting %d: %w", posting, err)
	}
	calls := make([]Call, len(rows))
	for i := range rows {
		row := &rows[i]
		calls[i] = Call{
			What: row.What, At: row.CalledAt, Class: row.Class, Tier: int(row.Tier), Error: row.ErrorCode, ResultCode: row.ResultCode,
			ReplySHA256: hex.EncodeToString(row.ReplySha256), Reply: row.Reply, Detail: row.Detail,
		}
	}
	return calls, nil
}
