// Package merchants loads the daily snapshot of the merchants: the payment
// accounts (CP), whose they are and how they are paid out.
package merchants

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
)

// MaxClosedPercent is the share of the open CPs that a snapshot may close
// without a person having said so. A snapshot cut short by its sender would
// otherwise close the merchants that it lacks, and park their money.
const MaxClosedPercent = 10

// Snapshot is a file of merchants to load.
type Snapshot struct {
	// Name is the file's name, without its folder.
	Name string
	// Sequence numbers the snapshots, from 1 and without a gap; the first one
	// loaded may have any number. Zero is the number after the last one's.
	Sequence int
	// Text declares the file's encoding and line endings; zero is UTF-8 and LF.
	Text lines.Options
	// Layout reads a site's own file; without one, it is ogep-merchants/1 as Text declares it.
	Layout merchant.Layout
	// Open opens the file for one reading.
	Open func() (io.ReadCloser, error)
	// MaxClosedPercent is the share of the open CPs that it may close; see [MaxClosedPercent].
	MaxClosedPercent int
}

// Result is a snapshot that is loaded. Counts are of payment accounts.
type Result struct {
	Sequence  int       `json:"sequence"`
	File      string    `json:"file"`
	SHA256    string    `json:"sha256"`
	Merchants int       `json:"merchants"`
	Opened    int       `json:"opened"` // not known before
	Closed    int       `json:"closed"` // open before, closed or left out now
	LoadedAt  time.Time `json:"loadedAt"`
	// Again says that the same file was loaded before: nothing was changed, and
	// nothing is counted as opened or closed.
	Again bool `json:"again"`
}

// SequenceError is a snapshot out of its turn: one before it was not loaded,
// or it is older than the first that ever was.
type SequenceError struct {
	File     string
	Sequence int
	Expected int
}

func (e *SequenceError) Error() string {
	return fmt.Sprintf("%s: snapshot %d is not the next one, %d: load the snapshots in their order, without a gap",
		e.File, e.Sequence, e.Expected)
}

// ConflictError is a snapshot that contradicts one that is loaded: its number
// with another content, or its content under another number.
type ConflictError struct {
	File     string
	Sequence int
	Loaded   Result
}

func (e *ConflictError) Error() string {
	if e.Sequence == e.Loaded.Sequence {
		return fmt.Sprintf("%s: snapshot %d was loaded on %s from %s with another content (sha256 %.12s…): "+
			"ask the sender which one holds, and have a correction numbered as the next",
			e.File, e.Sequence, e.Loaded.LoadedAt.Format(time.DateOnly), e.Loaded.File, e.Loaded.SHA256)
	}
	return fmt.Sprintf("%s: snapshot %d has the very content of snapshot %d, loaded on %s from %s: it is the same file sent again",
		e.File, e.Sequence, e.Loaded.Sequence, e.Loaded.LoadedAt.Format(time.DateOnly), e.Loaded.File)
}

// ClosureError is a snapshot that would close more CPs than it may by itself.
type ClosureError struct {
	File       string
	Closed     int
	Open       int
	MaxPercent int
}

func (e *ClosureError) Error() string {
	return fmt.Sprintf("%s: would close %d of %d open payment accounts, more than %d %%: nothing was loaded",
		e.File, e.Closed, e.Open, e.MaxPercent)
}

// Load replaces the merchants by those of a snapshot, in one transaction: new
// CPs get their account in the ledger, known ones are brought up to date, and
// those that it leaves out are closed. A file with any fault changes nothing.
//
// The same snapshot again is a no-op that returns what was loaded. Errors:
// [*fault.Faults] for the file, [*SequenceError], [*ConflictError], [*ClosureError].
func Load(ctx context.Context, pool *pgxpool.Pool, snapshot Snapshot, now time.Time) (Result, error) {
	var result Result
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		load := load{tx: tx, snapshot: snapshot, now: now}
		var err error
		result, err = load.run(ctx)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("load merchants: %w", err)
	}
	return result, nil
}

// load is one loading, inside its transaction.
type load struct {
	tx       pgx.Tx
	snapshot Snapshot
	now      time.Time
}

func (l *load) run(ctx context.Context) (Result, error) {
	// One loading at a time; readers of the snapshots go on.
	if _, err := l.tx.Exec(ctx, `lock table merchant_snapshot in exclusive mode`); err != nil {
		return Result{}, fmt.Errorf("wait for another loading: %w", err)
	}
	sequence, err := l.turn(ctx)
	if err != nil {
		return Result{}, err
	}
	summary, err := l.stage(ctx)
	if err != nil {
		return Result{}, err
	}
	loaded, err := l.loadedBefore(ctx, sequence, summary)
	if err != nil || loaded != nil {
		return deref(loaded), err
	}
	return l.apply(ctx, sequence, summary)
}

// turn is the number that the snapshot is loaded under. That of a snapshot
// loaded before is given back: whether it is the same is told by its content.
func (l *load) turn(ctx context.Context) (int, error) {
	var first, last int
	const bounds = `select coalesce(min(sequence), 0), coalesce(max(sequence), 0) from merchant_snapshot`
	if err := l.tx.QueryRow(ctx, bounds).Scan(&first, &last); err != nil {
		return 0, fmt.Errorf("read the last snapshot: %w", err)
	}
	given := l.snapshot.Sequence
	switch {
	case given == 0:
		return last + 1, nil
	case last == 0 && given > 0, given >= first && given <= last+1:
		return given, nil
	default:
		return 0, &SequenceError{File: l.snapshot.Name, Sequence: given, Expected: last + 1}
	}
}

// stage reads the file under all its controls into a table of the transaction's own.
func (l *load) stage(ctx context.Context) (merchant.Summary, error) {
	const table = `create temporary table merchant_read (like merchant including defaults) on commit drop`
	if _, err := l.tx.Exec(ctx, table); err != nil {
		return merchant.Summary{}, fmt.Errorf("stage: %w", err)
	}
	// What only the loading itself fills in.
	const relax = `alter table merchant_read drop column account, drop column snapshot`
	if _, err := l.tx.Exec(ctx, relax); err != nil {
		return merchant.Summary{}, fmt.Errorf("stage: %w", err)
	}

	file, err := l.snapshot.Open()
	if err != nil {
		return merchant.Summary{}, fmt.Errorf("open %s: %w", l.snapshot.Name, err)
	}
	defer func() { _ = file.Close() }()

	// COPY pulls its rows where the reader pushes them.
	var (
		summary merchant.Summary
		failure error
	)
	next, stop := iter.Pull(func(yield func(*merchant.Merchant) bool) {
		each := func(m merchant.Merchant) error {
			if !yield(&m) {
				return errStopped
			}
			return nil
		}
		if l.snapshot.Layout != nil {
			summary, failure = merchant.ReadLayout(l.snapshot.Name, file, l.snapshot.Layout, each)
		} else {
			summary, failure = merchant.Read(l.snapshot.Name, file, l.snapshot.Text, each)
		}
	})
	defer stop()

	source := pgx.CopyFromFunc(func() ([]any, error) {
		m, more := next()
		if !more {
			return nil, failure
		}
		return row(m), nil
	})
	_, err = l.tx.CopyFrom(ctx, pgx.Identifier{"merchant_read"}, columns, source)
	if failure != nil {
		return merchant.Summary{}, failure
	}
	if err != nil {
		return merchant.Summary{}, fmt.Errorf("stage %s: %w", l.snapshot.Name, err)
	}
	// Without it the planner would take the table for an empty one.
	if _, err := l.tx.Exec(ctx, `analyze merchant_read`); err != nil {
		return merchant.Summary{}, fmt.Errorf("stage: %w", err)
	}
	return summary, nil
}

// errStopped ends the reading of a file whose rows PostgreSQL no longer takes.
var errStopped = errors.New("PostgreSQL takes no more rows")

// loadedBefore finds the loaded snapshot that has the number or the content of
// this one: the same one, or a conflict.
func (l *load) loadedBefore(ctx context.Context, sequence int, summary merchant.Summary) (*Result, error) {
	const query = `select sequence, file_name, sha256, merchants, loaded_at from merchant_snapshot
		where sequence = $1 or sha256 = $2 order by sequence = $1 desc limit 1`
	var (
		loaded Result
		sum    []byte
	)
	err := l.tx.QueryRow(ctx, query, sequence, summary.SHA256[:]).
		Scan(&loaded.Sequence, &loaded.File, &sum, &loaded.Merchants, &loaded.LoadedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none was loaded, which is the usual case
	}
	if err != nil {
		return nil, fmt.Errorf("look for the snapshot: %w", err)
	}
	loaded.SHA256, loaded.Again = hex.EncodeToString(sum), true

	sameContent := loaded.SHA256 == hex.EncodeToString(summary.SHA256[:])
	if sameContent && (l.snapshot.Sequence == 0 || l.snapshot.Sequence == loaded.Sequence) {
		return &loaded, nil
	}
	return nil, &ConflictError{File: l.snapshot.Name, Sequence: sequence, Loaded: loaded}
}

// apply makes the merchants those that were read.
func (l *load) apply(ctx context.Context, sequence int, summary merchant.Summary) (Result, error) {
	result := Result{
		Sequence: sequence, File: l.snapshot.Name, SHA256: hex.EncodeToString(summary.SHA256[:]),
		Merchants: summary.Merchants, LoadedAt: l.now,
	}
	var open int
	const closing = `select count(*), count(*) filter (where r.account_id is null or r.status = 'CLOSED')
		from merchant m left join merchant_read r using (account_id) where m.status <> 'CLOSED'`
	if err := l.tx.QueryRow(ctx, closing).Scan(&open, &result.Closed); err != nil {
		return Result{}, fmt.Errorf("count closures: %w", err)
	}
	const percent = 100
	if result.Closed*percent > open*l.snapshot.MaxClosedPercent {
		return Result{}, &ClosureError{
			File: l.snapshot.Name, Closed: result.Closed, Open: open, MaxPercent: l.snapshot.MaxClosedPercent,
		}
	}

	opened, err := l.exec(ctx, "write the merchants", applySteps(sequence, l.snapshot.Name, summary, l.now))
	result.Opened = opened
	return result, err
}

// step is one statement of the loading.
type step struct {
	sql  string
	args []any
	// opens marks the statement whose rows are the CPs not known before.
	opens bool
}

func applySteps(sequence int, name string, summary merchant.Summary, now time.Time) []step {
	return []step{
		{
			sql: `insert into merchant_snapshot (sequence, file_name, sha256, merchants, loaded_at)
				values ($1, $2, $3, $4, $5)`,
			args: []any{sequence, name, summary.SHA256[:], summary.Merchants, now},
		},
		{
			sql: `insert into account (code, class) select $1 || r.account_id, $2 from merchant_read r
				where not exists (select from merchant m where m.account_id = r.account_id) order by r.account_id`,
			args:  []any{string(ledger.CP("")), string(ledger.ClassCP)},
			opens: true,
		},
		{sql: upsert, args: []any{sequence, string(ledger.CP(""))}},
		{
			// Its row keeps the number of the last snapshot that held it.
			sql:  `update merchant set status = 'CLOSED' where snapshot <> $1 and status <> 'CLOSED'`,
			args: []any{sequence},
		},
		// A settlement may follow at once, before the server's own analysis.
		{sql: `analyze merchant, account`},
	}
}

func (l *load) exec(ctx context.Context, what string, steps []step) (int, error) {
	opened := 0
	for _, step := range steps {
		tag, err := l.tx.Exec(ctx, step.sql, step.args...)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", what, err)
		}
		if step.opens {
			opened = int(tag.RowsAffected())
		}
	}
	return opened, nil
}

func deref(result *Result) Result {
	if result == nil {
		return Result{}
	}
	return *result
}

// columns are those of the table that a file is read into, in the order of [row].
var columns = []string{ //nolint:gochecknoglobals // a constant list
	"account_id", "siret", "legal_name", "cp_iban", "cp_bic", "status", "payout_mode", "payout_frequency",
	"external_iban", "external_bic", "external_name", "reserve_cents", "min_payout_cents", "payout_ceiling_cents",
	"cp_to_cp_allowed", "agent", "erp_third_party", "valid_from",
}

func row(m *merchant.Merchant) []any {
	return []any{
		m.AccountID, m.Siret, m.LegalName, m.CPIBAN, m.CPBIC, string(m.Status), string(m.PayoutMode),
		m.PayoutFrequency.String(), m.ExternalIBAN, m.ExternalBIC, m.ExternalName, int64(m.Reserve), int64(m.MinPayout),
		int64(m.PayoutCeiling), m.CPToCPAllowed, m.Agent, m.ERPThirdParty,
		time.Date(m.ValidFrom.Year(), m.ValidFrom.Month(), m.ValidFrom.Day(), 0, 0, 0, 0, time.UTC),
	}
}

// upsert writes what was read, under the number of its snapshot. A merchant's
// rows are all written anew: their snapshot is the last one that held them.
const upsert = `
insert into merchant (
    account_id, account, siret, legal_name, cp_iban, cp_bic, status, payout_mode, payout_frequency,
    external_iban, external_bic, external_name, reserve_cents, min_payout_cents, payout_ceiling_cents,
    cp_to_cp_allowed, agent, erp_third_party, valid_from, snapshot)
select r.account_id, a.id, r.siret, r.legal_name, r.cp_iban, r.cp_bic, r.status, r.payout_mode, r.payout_frequency,
       r.external_iban, r.external_bic, r.external_name, r.reserve_cents, r.min_payout_cents, r.payout_ceiling_cents,
       r.cp_to_cp_allowed, r.agent, r.erp_third_party, r.valid_from, $1
from merchant_read r
join account a on a.code = $2 || r.account_id
on conflict (account_id) do update
set siret = excluded.siret, legal_name = excluded.legal_name, cp_iban = excluded.cp_iban, cp_bic = excluded.cp_bic,
    status = excluded.status, payout_mode = excluded.payout_mode, payout_frequency = excluded.payout_frequency,
    external_iban = excluded.external_iban, external_bic = excluded.external_bic,
    external_name = excluded.external_name, reserve_cents = excluded.reserve_cents,
    min_payout_cents = excluded.min_payout_cents, payout_ceiling_cents = excluded.payout_ceiling_cents,
    cp_to_cp_allowed = excluded.cp_to_cp_allowed, agent = excluded.agent, erp_third_party = excluded.erp_third_party,
    valid_from = excluded.valid_from, snapshot = excluded.snapshot`
