package audit

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
)

// Invariants that only the stored rows can break, beside those of [ledger].
const (
	// OneOpenDebt: a merchant has one open debt at most.
	OneOpenDebt ledger.Invariant = "ONE_OPEN_DEBT"
	// ParkedListed: what stands on TR.PARK, or became a merchant's debt for want of
	// a CP, is listed line by line.
	ParkedListed ledger.Invariant = "PARKED_LISTED"
	// MovementsTold: each movement of a CP is told by one event, from a CP to another by two.
	MovementsTold ledger.Invariant = "MOVEMENTS_TOLD"
	// OrdersProved: each transfer ordered is in the journal and was told.
	OrdersProved ledger.Invariant = "ORDERS_PROVED"
	// PayoutsProved: what stands on TR.OUT is the payouts that are on their way,
	// and each payout's state is what its entries and its bulk's say.
	PayoutsProved ledger.Invariant = "PAYOUTS_PROVED"
	// BulksProved: a bulk holds the orders that it says, was told, and was executed once at most.
	BulksProved ledger.Invariant = "BULKS_PROVED"
	// StatementsFollow: the bank's statements follow each other without a gap, and their sums hold.
	StatementsFollow ledger.Invariant = "STATEMENTS_FOLLOW"
	// BookedOnce: each bank line that is booked has an entry of its own.
	BookedOnce ledger.Invariant = "BOOKED_ONCE"
	// RequestsAnswered: each request of a Payline file is decided, and done as it was answered.
	RequestsAnswered ledger.Invariant = "REQUESTS_ANSWERED"
	// PostingsProved: the ERP was told of payouts and settlements what the books have
	// of them, each once.
	PostingsProved ledger.Invariant = "POSTINGS_PROVED"
	// PaymentsMatched: a card payment and the line that settles it know of each other.
	PaymentsMatched ledger.Invariant = "PAYMENTS_MATCHED"
	// RejectsProved: a settled lot is the payouts that came back in it.
	RejectsProved ledger.Invariant = "REJECTS_PROVED"
	// HoldsProved: a hold is on a CP that there is.
	HoldsProved ledger.Invariant = "HOLDS_PROVED"
	// ActsJournaled: what only an operator can do stands in the operators' journal.
	ActsJournaled ledger.Invariant = "ACTS_JOURNALED"
	// ConstraintsStand: the database still refuses by itself what must never be:
	// an event's uid twice, a creId twice, a CP below zero, two live runs of a session.
	ConstraintsStand ledger.Invariant = "CONSTRAINTS_STAND"
)

// BreachesListed is how many breaches of one check are listed; the rest are counted.
const BreachesListed = 100

// Report is what [Verify] found.
type Report struct {
	// At is the instant of the snapshot, by the database's clock.
	At       time.Time `json:"at"`
	Checked  Checked   `json:"checked"`
	Breaches []Breach  `json:"breaches"`
	// NotListed counts breaches beyond those listed.
	NotListed int64 `json:"notListed"`
}

// Clean tells whether every invariant holds.
func (r *Report) Clean() bool { return len(r.Breaches) == 0 }

// Checked counts what was checked, in rows. Events count rendered ones.
type Checked struct {
	Entries      int64 `json:"entries"`
	Accounts     int64 `json:"accounts"`
	Correlations int64 `json:"correlations"`
	Events       int64 `json:"events"`
	Settlements  int64 `json:"settlements"`
	CardLines    int64 `json:"cardLines"`
	Debts        int64 `json:"debts"`
	Orders       int64 `json:"orders"`
	Payouts      int64 `json:"payouts"`
	Bulks        int64 `json:"bulks"`
	Requests     int64 `json:"requests"` // of Payline files
	Statements   int64 `json:"statements"`
	BankLines    int64 `json:"bankLines"`
	Acts         int64 `json:"acts"` // of operators
}

// Breach is an invariant that does not hold: where, what stands there and what should.
type Breach struct {
	Invariant ledger.Invariant `json:"invariant"`
	Place     string           `json:"place"`
	Found     string           `json:"found"`
	Expected  string           `json:"expected"`
}

func (b Breach) String() string {
	return fmt.Sprintf("%s: %s: found %s, expected %s", b.Invariant, b.Place, b.Found, b.Expected)
}

//go:embed checks/*.sql
var checkFiles embed.FS

// check is a query that returns one row a breach: place, found, expected.
type check struct {
	invariant ledger.Invariant
	file      string
}

func checks() []check {
	return []check{
		{ConstraintsStand, "constraints"},
		{ledger.ZeroSum, "entries"},
		{ledger.BalancesProved, "balances"},
		{ledger.BalancesProved, "batches"},
		{ledger.NoOverdraft, "overdraft"},
		{ledger.SuspenseEmpty, "suspense"},
		{ledger.SuspenseEmpty, "transit"},
		{PayoutsProved, "payouts_out"},
		{PayoutsProved, "payouts_entries"},
		{PayoutsProved, "payouts_references"},
		{BulksProved, "bulks"},
		{BulksProved, "bulks_executed"},
		{BulksProved, "bulks_told"},
		{RejectsProved, "rejects"},
		{RequestsAnswered, "payline_decided"},
		{RequestsAnswered, "payline_effects"},
		{HoldsProved, "holds"},
		{StatementsFollow, "statements"},
		{BookedOnce, "bank_lines"},
		{ledger.Safeguarding, "safeguarding"},
		{ActsJournaled, "acts"},
		{ledger.DebtsAgree, "debts"},
		{ledger.DebtsAgree, "debts_moved"},
		{OneOpenDebt, "open_debts"},
		{ledger.FilePosted, "file_lines"},
		{ledger.FilePosted, "file_ids"},
		{ParkedListed, "parked"},
		{ParkedListed, "parked_assigned"},
		{ParkedListed, "parked_sum"},
		{ledger.EventsGapless, "events_tile"},
		{ledger.EventsGapless, "events_rows"},
		{ledger.EventsGapless, "events_rendered"},
		{MovementsTold, "events_movements"},
		{ledger.OneEnd, "one_end"},
		{OrdersProved, "orders"},
		{PostingsProved, "erp"},
		{PaymentsMatched, "card_matches"},
	}
}

// Verify proves every invariant over the whole database, as it stood at one
// instant: vacations may go on. Its memory is bounded by what it lists; a
// million entries take a few seconds.
func Verify(ctx context.Context, pool *pgxpool.Pool) (Report, error) {
	var report Report
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) (err error) {
		report, err = verify(ctx, tx)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return report, nil
}

// verify runs all checks in a transaction, which is its snapshot.
func verify(ctx context.Context, tx pgx.Tx) (Report, error) {
	var report Report
	if _, err := tx.Exec(ctx, verifySettings); err != nil {
		return report, fmt.Errorf("set up the session: %w", err)
	}
	if err := report.count(ctx, tx); err != nil {
		return report, err
	}
	if err := report.books(ctx, tx); err != nil {
		return report, err
	}
	if err := report.bank(ctx, tx); err != nil {
		return report, err
	}
	for _, check := range checks() {
		if err := report.run(ctx, tx, check); err != nil {
			return report, fmt.Errorf("check %s of %s: %w", check.file, check.invariant, err)
		}
	}
	return report, nil
}

// verifySettings fit queries that read whole tables once: room to sort and hash
// a million rows in memory, and no compilation of queries that run for a second.
const verifySettings = "set local work_mem = '64MB'; set local jit = off"

func (r *Report) count(ctx context.Context, tx pgx.Tx) error {
	counts, err := db.New(tx).Counts(ctx)
	if err != nil {
		return fmt.Errorf("count what is checked: %w", err)
	}
	r.At = counts.At
	r.Checked = Checked{
		Entries: counts.Entries, Accounts: counts.Accounts, Correlations: counts.Correlations, Events: counts.Events,
		Settlements: counts.Settlements, CardLines: counts.CreLines, Debts: counts.Debts, Orders: counts.Orders,
		Payouts: counts.Payouts, Bulks: counts.Bulks, Requests: counts.Requests, Statements: counts.Statements,
		BankLines: counts.BankLines, Acts: counts.Acts,
	}
	return nil
}

// books checks the sums of the whole ledger. Accounts below zero and debts that
// disagree are left to the checks that name each.
func (r *Report) books(ctx context.Context, tx pgx.Tx) error {
	books, err := postgres.ReadBooks(ctx, tx, 0)
	if err != nil {
		return fmt.Errorf("read the books: %w", err)
	}
	expected := map[ledger.Invariant]string{
		ledger.ZeroSum:      "0.00 over all accounts",
		ledger.Safeguarding: "no less than what clients are owed",
	}
	for _, breach := range books.Check() {
		if text, whole := expected[breach.Invariant]; whole {
			r.Breaches = append(r.Breaches, Breach{
				Invariant: breach.Invariant, Place: breach.Where, Found: breach.Detail, Expected: text,
			})
		}
	}
	return nil
}

// bank holds the bank accounts against the last statements.
func (r *Report) bank(ctx context.Context, tx pgx.Tx) error {
	positions, err := Positions(ctx, tx)
	if err != nil {
		return err
	}
	for _, position := range positions {
		for _, breach := range position.Breaches() {
			r.Breaches = append(r.Breaches, Breach{
				Invariant: breach.Invariant, Place: breach.Where, Found: breach.Detail, Expected: "nothing unexplained",
			})
		}
	}
	return nil
}

func (r *Report) run(ctx context.Context, tx pgx.Tx, check check) error {
	query, err := checkFiles.ReadFile("checks/" + check.file + ".sql")
	if err != nil {
		return fmt.Errorf("read the query: %w", err)
	}
	rows, err := tx.Query(ctx, `
		select place, coalesce(found, 'nothing'), coalesce(expected, 'something'), count(*) over ()
		from (`+string(query)+`) as breach limit $1`, BreachesListed)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	var (
		breach = Breach{Invariant: check.invariant}
		listed int64
		total  int64
	)
	_, err = pgx.ForEachRow(rows, []any{&breach.Place, &breach.Found, &breach.Expected, &total}, func() error {
		r.Breaches = append(r.Breaches, breach)
		listed++
		return nil
	})
	if err != nil {
		return fmt.Errorf("read breaches: %w", err)
	}
	r.NotListed += total - listed
	return nil
}
