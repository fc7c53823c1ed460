package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// Key names what is committed together, for ever: a session, a step of it and
// an item of the step. Input is the hash of what it was done with.
type Key struct {
	Scope string
	Step  string
	Item  int
	Input [32]byte
}

// KeyConflictError is a key under which something else was committed before.
type KeyConflictError struct {
	Key Key
}

func (e *KeyConflictError) Error() string {
	return fmt.Sprintf("%s, step %s, item %d was committed before with another input; nothing was changed",
		e.Key.Scope, e.Key.Step, e.Key.Item)
}

// BeginBatch claims the key in the transaction. fresh is false when it was
// committed before with the same input: then there is nothing left to do. A
// second transaction on the same key waits here for the first to end.
// vacation is the run that commits it, 0 for none.
//
// The error is a [*KeyConflictError] when the input differs.
func BeginBatch(ctx context.Context, tx pgx.Tx, vacation int32, key Key, at time.Time) (id int64, fresh bool, err error) {
	queries := db.New(tx)
	id, err = queries.InsertBatch(ctx, db.InsertBatchParams{
		Vacation:    vacation,
		Scope:       key.Scope,
		Step:        key.Step,
		Item:        int32(key.Item), //nolint:gosec // items count chunks of one file
		InputSha256: key.Input[:],
		PostedAt:    at,
	})
	if err == nil {
		return id, true, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, false, fmt.Errorf("claim %s, step %s, item %d: %w", key.Scope, key.Step, key.Item, err)
	}
	known, err := queries.Batch(ctx, key.Scope, key.Step, int32(key.Item)) //nolint:gosec // as above
	if err != nil {
		return 0, false, fmt.Errorf("read %s, step %s, item %d: %w", key.Scope, key.Step, key.Item, err)
	}
	if !bytes.Equal(known.InputSha256, key.Input[:]) {
		return 0, false, &KeyConflictError{Key: key}
	}
	return known.ID, false, nil
}

// Accounts makes the accounts that do not exist yet and returns all their ids.
func Accounts(ctx context.Context, tx pgx.Tx, codes []ledger.Code) (map[ledger.Code]int32, error) {
	queries := db.New(tx)
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = string(code)
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)

	ids := make(map[ledger.Code]int32, len(texts))
	for range 2 {
		rows, err := queries.AccountIDs(ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("look up accounts: %w", err)
		}
		for _, row := range rows {
			ids[ledger.Code(row.Code)] = row.ID
		}
		if len(ids) == len(texts) {
			return ids, nil
		}
		classes := make([]string, len(texts))
		for i, text := range texts {
			classes[i] = string(ledger.Code(text).Class())
		}
		err = queries.InsertAccounts(ctx, texts, classes)
		if err != nil {
			return nil, fmt.Errorf("make accounts: %w", err)
		}
	}
	return nil, fmt.Errorf("%d of %d accounts could not be made", len(texts)-len(ids), len(texts))
}

// NewAccount is an account that does not exist yet, and what its first entries
// credit it with, in cents.
type NewAccount struct {
	Code   ledger.Code
	Credit money.Cents
}

// AddAccounts makes many accounts with the credit of entries that the same
// transaction writes, and returns their ids in their order. The error is of code
// [UniqueViolation] when one exists already.
func AddAccounts(ctx context.Context, tx pgx.Tx, accounts []NewAccount) ([]int32, error) {
	ids, err := db.New(tx).ReserveAccounts(ctx, int32(len(accounts))) //nolint:gosec // a chunk of accounts
	if err != nil {
		return nil, fmt.Errorf("number accounts: %w", err)
	}
	columns := []string{"id", "code", "class", "credit_cents"}
	_, err = Copy(ctx, tx, "account", columns, func(rows *Rows) error {
		for i, account := range accounts {
			if err := rows.Start(); err != nil {
				return err
			}
			rows.Int32(ids[i])
			rows.String(string(account.Code))
			rows.String(string(account.Code.Class()))
			rows.Int64(int64(account.Credit))
		}
		return nil
	})
	return ids, err
}

// Post writes a batch's few entries, from ordinal first on, and adds them to the
// accounts' balances; many are copied with [AppendEntry]. It returns the ids of the accounts they touch.
func Post(ctx context.Context, tx pgx.Tx, batch int64, first int, entries []ledger.Entry) (map[ledger.Code]int32, error) {
	sums, err := ledger.Movements(entries)
	if err != nil {
		return nil, fmt.Errorf("batch %d: %w", batch, err)
	}
	ids, err := Accounts(ctx, tx, slices.Collect(maps.Keys(sums)))
	if err != nil {
		return nil, err
	}
	if err := insert(ctx, tx, batch, first, entries, ids); err != nil {
		return nil, err
	}
	movements := make([]Movement, 0, len(sums))
	for code, sum := range sums {
		movements = append(movements, Movement{Account: ids[code], Debit: int64(sum.Debit), Credit: int64(sum.Credit)})
	}
	return ids, Move(ctx, tx, movements)
}

func insert(
	ctx context.Context, tx pgx.Tx, batch int64, first int, entries []ledger.Entry, ids map[ledger.Code]int32,
) error {
	params := db.InsertEntriesParams{Batch: batch}
	for i := range entries {
		entry := &entries[i]
		params.Ordinals = append(params.Ordinals, int32(first+i)) //nolint:gosec // a batch has fewer than 2^31 entries
		params.Debits = append(params.Debits, ids[entry.Debit])
		params.Credits = append(params.Credits, ids[entry.Credit])
		params.Amounts = append(params.Amounts, int64(entry.Amount))
		params.TransactionAt = append(params.TransactionAt, entry.TransactionAt)
		params.ValueDates = append(params.ValueDates, entry.ValueDate.String())
		params.Kinds = append(params.Kinds, string(entry.Kind))
		params.Labels = append(params.Labels, entry.Label)
	}
	if err := db.New(tx).InsertEntries(ctx, params); err != nil {
		return fmt.Errorf("write entries of batch %d: %w", batch, err)
	}
	return nil
}

// Movement is what a transaction adds to both sides of an account, in cents.
type Movement struct {
	Account       int32
	Debit, Credit int64
}

// Move adds movements to balances. Accounts are locked in the order of their
// ids, then changed, so that two transactions never lock each other up.
func Move(ctx context.Context, tx pgx.Tx, movements []Movement) error {
	if len(movements) == 0 {
		return nil
	}
	ids := make([]int32, len(movements))
	debits, credits := make([]int64, len(movements)), make([]int64, len(movements))
	for i, movement := range movements {
		ids[i], debits[i], credits[i] = movement.Account, movement.Debit, movement.Credit
	}
	changed, err := db.New(tx).ApplyMovements(ctx, ids, debits, credits)
	if err != nil {
		return fmt.Errorf("change balances: %w", err)
	}
	if changed != int64(len(movements)) {
		return fmt.Errorf("change balances: %d accounts named, %d found", len(movements), changed)
	}
	return nil
}

// LockBalances locks accounts for this transaction and returns their balances
// as credit less debit, in cents.
func LockBalances(ctx context.Context, tx pgx.Tx, accounts []int32) (map[int32]money.Cents, error) {
	rows, err := db.New(tx).LockAccounts(ctx, accounts)
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	if len(rows) != len(accounts) {
		return nil, fmt.Errorf("lock accounts: %d named, %d found", len(accounts), len(rows))
	}
	balances := make(map[int32]money.Cents, len(rows))
	for _, row := range rows {
		balances[row.ID] = money.Cents(row.Balance)
	}
	return balances, nil
}

// EntryTable is the journal.
const EntryTable = "entry"

// EntryColumns are the journal's columns in the order in which [AppendEntry] writes them.
func EntryColumns() []string {
	return []string{
		"batch", "amount_cents", "transaction_at", "ordinal", "debit", "credit", "line", "value_date", "kind", "label",
	}
}

// EntryRow is one row of the journal. Line is the number of the file's line
// that it posts, 0 for none.
type EntryRow struct {
	Batch         int64
	Ordinal       int
	Debit, Credit int32
	Amount        money.Cents
	Kind          ledger.Kind
	Line          int
	TransactionAt time.Time
	ValueDate     calendar.Date
	Label         []byte
}

// AppendEntry encodes a row of the journal for [Copy].
func AppendEntry(rows *Rows, entry EntryRow) error {
	if err := rows.Start(); err != nil {
		return err
	}
	rows.Int64(entry.Batch)
	rows.Int64(int64(entry.Amount))
	rows.Time(entry.TransactionAt)
	rows.Int32(int32(entry.Ordinal)) //nolint:gosec // a batch has fewer than 2^31 entries
	rows.Int32(entry.Debit)
	rows.Int32(entry.Credit)
	if entry.Line == 0 {
		rows.Null()
	} else {
		rows.Int32(int32(entry.Line)) //nolint:gosec // a file has fewer than 2^31 lines
	}
	rows.Date(entry.ValueDate)
	rows.String(string(entry.Kind))
	rows.Text(entry.Label)
	return nil
}

// ReadBooks sums the ledger for the invariants. What runs other than
// exceptVacation still have to order from own money is told apart.
func ReadBooks(ctx context.Context, on Querier, exceptVacation int32) (ledger.Books, error) {
	rows, err := db.New(on).ReadBooks(ctx, exceptVacation)
	if err != nil {
		return ledger.Books{}, fmt.Errorf("read the books: %w", err)
	}
	sums := make(map[string]money.Cents, len(rows))
	below := 0
	for _, row := range rows {
		sums[row.Name] = money.Cents(row.Amount)
		below += int(row.BelowZero)
	}
	toClients := sums["transit to clients"]
	return ledger.Books{
		Reglement:             sums[string(ledger.Reglement)],
		Cantonnement:          sums[string(ledger.Cantonnement)],
		Fonctionnement:        sums[string(ledger.Fonctionnement)],
		CP:                    sums[string(ledger.ClassCP)],
		CPBelowZero:           below,
		Suspense:              sums[string(ledger.ClassSuspense)],
		Parked:                sums[string(ledger.ClassParked)],
		Payouts:               sums[string(ledger.ClassPayout)],
		Rejects:               sums[string(ledger.ClassReject)],
		TransitToClients:      toClients,
		TransitToOwn:          sums[string(ledger.ClassTransit)] - toClients,
		TransitToCantonnement: sums["transit to cantonnement"],
		ToClear:               sums["to clear"],
		Fees:                  sums[string(ledger.ClassFee)],
		Debts:                 sums[string(ledger.ClassDebt)],
		Result:                sums[string(ledger.ClassResult)],
		Equity:                sums[string(ledger.ClassEquity)],
		CoversToOrder:         sums["covers to order"],
		DebtsRegistered:       sums["debts registered"],
	}, nil
}
