package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/audit/internal/db"
	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// Recognized says what an identifier turned out to be.
type Recognized string

// What [Trace] recognizes.
const (
	Correlation Recognized = "correlation"
	BulkName    Recognized = "bulk"
	Reference   Recognized = "settlement reference"
	CreID       Recognized = "creId"
	AccountID   Recognized = "payment account"
	SiretNumber Recognized = "SIRET"
	RefExterne  Recognized = "refExterne"
	EndToEndID  Recognized = "endToEndId"
	BankLineID  Recognized = "bank line"
	FileSHA256  Recognized = "SHA-256 of a file"
	DebtNumber  Recognized = "debt"
	CardOrder   Recognized = "card payment order"
	CardPayment Recognized = "transaction of a card payment"
	Session     Recognized = "vacation"
)

// ListMax is how many things of a kind are listed; sums and counts are of all.
const ListMax = 1000

// NotFoundError is an identifier that nothing in the database has.
type NotFoundError struct {
	ID        string
	LookedFor []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%q is unknown here: looked for %s", e.ID, strings.Join(e.LookedFor, ", "))
}

// Trail is one identifier from end to end. Amounts are cents of euro.
type Trail struct {
	ID         string     `json:"id"`
	Recognized Recognized `json:"recognized"`
	// Settlement is nil for a vacation that settles none.
	Settlement *Settlement `json:"settlement,omitempty"`
	// Runs are the correlation's own, or all of the settlement's, oldest first.
	Runs []Run `json:"runs"`
	// Line is there for a creId only.
	Line *Line `json:"line,omitempty"`
	// Entries are what the runs posted, by kind.
	Entries []KindSum `json:"entries"`
	Orders  []Order   `json:"orders"`
	// Covers are the shortfalls that became debts, [ListMax] at most.
	Covers []Cover `json:"covers"`
	// Parked are the settlement's parked lines, [ListMax] at most.
	Parked []ParkedLine `json:"parked"`
	// Sections are what the identifier hangs together with across vacations, in
	// the order in which money goes on; those that are empty are left out.
	Sections []Section `json:"sections"`
	// Notes say what a section can and cannot tell.
	Notes []string `json:"notes,omitempty"`
}

// Run is one run of a vacation.
type Run struct {
	Kind           vacation.Kind `json:"kind"`
	Key            string        `json:"key"`
	Run            int           `json:"run"`
	CorrelationID  string        `json:"correlationId"`
	Follows        string        `json:"follows,omitempty"` // correlation of the failed run before
	BusinessDate   string        `json:"businessDate"`
	WorkflowRun    string        `json:"workflowRun"`
	State          string        `json:"state"`
	StartedAt      time.Time     `json:"startedAt"`
	EndedAt        *time.Time    `json:"endedAt,omitempty"`
	FailureCode    string        `json:"failureCode,omitempty"`
	FailureStep    string        `json:"failureStep,omitempty"`
	FailureMessage string        `json:"failureMessage,omitempty"`
	Events         int64         `json:"events"`

	number int32
}

// Settlement is a settlement's state. Lines, sums and hash are empty until its
// file was accepted.
type Settlement struct {
	Reference     string      `json:"reference"`
	Kind          string      `json:"kind"`
	OperationType string      `json:"operationType"`
	Amount        money.Cents `json:"amountCents"`
	ValueDate     string      `json:"valueDate"`
	FileName      string      `json:"fileName,omitempty"`
	FileSHA256    string      `json:"fileSha256,omitempty"`
	Lines         int         `json:"lines"`
	Posted        int         `json:"postedLines"`
	ParkedLines   int64       `json:"parkedLines"`
	Gross         money.Cents `json:"grossCents"`
	Parked        money.Cents `json:"parkedCents"`
	Commission    money.Cents `json:"commissionCents"`
	Taken         money.Cents `json:"takenCents"`
	Covered       money.Cents `json:"coveredCents"`
	SettledAt     *time.Time  `json:"settledAt,omitempty"`

	scope  string
	number int32
}

// KindSum is the entries of one kind.
type KindSum struct {
	Kind    ledger.Kind `json:"kind"`
	Entries int64       `json:"entries"`
	Amount  money.Cents `json:"amountCents"`
}

// Order is a transfer ordered.
type Order struct {
	RefExterne string      `json:"refExterne"`
	BulkID     string      `json:"bulkId"`
	Purpose    string      `json:"purpose"`
	State      string      `json:"state"`
	Debtor     ledger.Code `json:"debtor"`
	Creditor   ledger.Code `json:"creditor"`
	Amount     money.Cents `json:"amountCents"`
	DueDate    string      `json:"dueDate"`
	Info       string      `json:"info"`
	CreatedAt  time.Time   `json:"createdAt"`
}

// Cover is own money credited to a CP against a debt of its merchant.
type Cover struct {
	Siret     string      `json:"siret"`
	AccountID string      `json:"accountId"`
	Amount    money.Cents `json:"amountCents"`
}

// Line is a card line's way: where it stands in its file, its entry, its event,
// and what the settlement then took from its CP or gave it.
type Line struct {
	CreID string `json:"creId"`
	Line  int    `json:"line"`
	// Entry is nil until the line is posted.
	Entry *Entry `json:"entry,omitempty"`
	// Event is nil for a parked line: it moves no CP.
	Event  *EventID    `json:"event,omitempty"`
	Parked *ParkedLine `json:"parked,omitempty"`
	After  []Entry     `json:"after,omitempty"`
}

// Entry is a movement in the journal.
type Entry struct {
	Kind          ledger.Kind `json:"kind"`
	Debit         ledger.Code `json:"debit"`
	Credit        ledger.Code `json:"credit"`
	Amount        money.Cents `json:"amountCents"`
	Label         string      `json:"label"`
	TransactionAt *time.Time  `json:"transactionAt,omitempty"`
	ValueDate     string      `json:"valueDate,omitempty"`
	PostedAt      *time.Time  `json:"postedAt,omitempty"`
	CorrelationID string      `json:"correlationId,omitempty"`

	batch int64
}

// EventID names an event.
type EventID struct {
	CorrelationID string `json:"correlationId"`
	Seq           int64  `json:"seq"`
	UID           string `json:"uid"`
}

// Trace follows an identifier across vacations: a correlationId, a settlement's
// reference, a creId, a payment account, a SIRET, an order's refExterne or
// endToEndId, a bulk's name or bulkId, a bank line, a debt's number, the order or
// the gateway's transaction of a card payment, or the SHA-256 of a file that came
// in or went out, whole or its first [HashPrefix] digits and more. An account of
// the ledger, such as DEBT.73282932000074, stands for what it is named for.
// No name of a person is in a trail, and IBANs are masked.
//
// The error is a [*NotFoundError] when it is none of them.
func Trace(ctx context.Context, pool *pgxpool.Pool, id string) (Trail, error) {
	return look(ctx, pool, id, (*finder).find)
}

// TraceSession is what a session did, by its correlationId or, for one that
// settles, its reference or a creId: without what it hangs together with
// elsewhere, so that the session's own rows are read only. The error is a
// [*NotFoundError] when it is none of them.
func TraceSession(ctx context.Context, pool *pgxpool.Pool, id string) (Trail, error) {
	return look(ctx, pool, id, (*finder).findSession)
}

// look fills a trail from one snapshot of the database.
func look(ctx context.Context, pool *pgxpool.Pool, id string, find func(*finder, context.Context) error) (Trail, error) {
	trail := Trail{
		ID: id, Runs: []Run{}, Entries: []KindSum{}, Orders: []Order{}, Covers: []Cover{}, Parked: []ParkedLine{}, Sections: []Section{},
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) error {
		return find(&finder{queries: db.New(tx), tx: tx, trail: &trail, id: named(id), keys: newKeys()}, ctx)
	})
	if unknown, is := errors.AsType[*NotFoundError](err); is {
		return Trail{}, unknown
	}
	if err != nil {
		return Trail{}, fmt.Errorf("trace %q: %w", id, err)
	}
	return trail, nil
}

// named is what an account of the ledger is named for, or the identifier itself.
func named(id string) string {
	if class := ledger.Code(id).Class(); class != "" {
		if rest, found := strings.CutPrefix(id, string(class)+"."); found {
			return rest
		}
	}
	return id
}

// finder fills a trail.
type finder struct {
	queries *db.Queries
	tx      pgx.Tx
	trail   *Trail
	id      string
	keys    keys
	// narrow says that of a settlement one line is followed, not all of it.
	narrow bool
}

// sought is a kind of identifier, and how one is looked for: pgx.ErrNoRows when
// it is none.
type sought struct {
	what Recognized
	look func(context.Context) error
}

func (f *finder) find(ctx context.Context) error {
	err := f.first(ctx, []sought{
		{Correlation, f.correlation},
		{BulkName, f.seed("bulk")},
		{Reference, f.reference},
		{CreID, f.creID},
		{AccountID, f.seed("cp")},
		{SiretNumber, f.seed("siret")},
		{RefExterne, f.seed("order")},
		{EndToEndID, f.seed("end_to_end")},
		{BankLineID, f.seed("line")},
		{FileSHA256, f.file},
		{DebtNumber, f.seed("debt")},
		{CardOrder, f.seed("card_order")},
		{CardPayment, f.seed("card_payment")},
	})
	if err != nil {
		return err
	}
	return f.follow(ctx)
}

func (f *finder) findSession(ctx context.Context) error {
	return f.first(ctx, []sought{{Correlation, f.correlation}, {Reference, f.reference}, {CreID, f.creID}})
}

// first takes the first kind that the identifier is of, and reads what its runs did.
func (f *finder) first(ctx context.Context, kinds []sought) error {
	unknown := &NotFoundError{ID: f.trail.ID}
	for _, kind := range kinds {
		err := kind.look(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			unknown.LookedFor = append(unknown.LookedFor, string(kind.what))
			continue
		}
		if err != nil {
			return err
		}
		f.trail.Recognized = kind.what
		return f.effects(ctx)
	}
	return unknown
}

func (f *finder) correlation(ctx context.Context) error {
	id, err := uuid.Parse(f.id)
	if err != nil {
		return pgx.ErrNoRows // no correlation is written like this
	}
	named, err := f.queries.RunByCorrelation(ctx, id.String())
	if err != nil {
		return fmt.Errorf("look for a run: %w", err)
	}
	if err := f.runs(ctx, named.Kind, named.Key); err != nil {
		return err
	}
	for _, run := range f.trail.Runs {
		if run.CorrelationID == id.String() {
			f.trail.Runs = []Run{run}
			f.keys.add(keyRun, strconv.Itoa(int(run.number)))
			break
		}
	}
	f.keys.add(keyScope, named.Kind+"/"+named.Key)
	reference, err := f.queries.ReferenceByScope(ctx, named.Kind+"/"+named.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the run's settlement: %w", err)
	}
	return f.settlement(ctx, reference)
}

func (f *finder) reference(ctx context.Context) error {
	if err := f.settlement(ctx, f.id); err != nil {
		return err
	}
	return f.runsOf(ctx, f.trail.Settlement.scope)
}

func (f *finder) creID(ctx context.Context) error {
	known, err := f.queries.CreLine(ctx, f.id)
	if err != nil {
		return fmt.Errorf("look for a creId: %w", err)
	}
	if err := f.settlement(ctx, known.Reference); err != nil {
		return err
	}
	if err := f.runsOf(ctx, known.Scope); err != nil {
		return err
	}
	f.narrow = true
	if err := f.line(ctx, known); err != nil {
		return err
	}
	return f.onward(ctx)
}

func (f *finder) settlement(ctx context.Context, reference string) error {
	row, err := f.queries.SettlementByReference(ctx, reference)
	if err != nil {
		return fmt.Errorf("look for a settlement: %w", err)
	}
	settled := settlementOf(row)
	f.trail.Settlement = &settled
	f.keys.add(keySettlement, strconv.Itoa(int(settled.number)))
	return nil
}

func settlementOf(row db.SettlementByReferenceRow) Settlement {
	return Settlement{
		Reference: row.Reference, Kind: row.Kind, OperationType: row.OperationType, Amount: money.Cents(row.AmountCents),
		ValueDate: row.ValueDate, FileName: row.FileName, FileSHA256: row.FileSha256, Lines: int(row.LineCount),
		Posted: int(row.PostedLines), ParkedLines: row.ParkedLines, Gross: money.Cents(row.GrossCents),
		Parked: money.Cents(row.ParkedCents), Commission: money.Cents(row.CommissionCents), Taken: money.Cents(row.TakenCents),
		Covered: money.Cents(row.ShortfallCents), SettledAt: row.SettledAt, scope: row.Scope, number: row.Number,
	}
}

func (f *finder) runsOf(ctx context.Context, scope string) error {
	id, err := vacation.ParseID(scope)
	if err != nil {
		return fmt.Errorf("scope of the settlement: %w", err)
	}
	return f.runs(ctx, string(id.Kind), id.Key)
}

func (f *finder) runs(ctx context.Context, kind, key string) error {
	rows, err := f.queries.Runs(ctx, kind, key)
	if err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	for _, row := range rows {
		f.trail.Runs = append(f.trail.Runs, Run{
			Kind: vacation.Kind(row.Kind), Key: row.Key, Run: int(row.Run), CorrelationID: row.CorrelationID, Follows: row.Follows,
			BusinessDate: row.BusinessDate, WorkflowRun: row.WorkflowRun, State: row.State, StartedAt: row.StartedAt,
			EndedAt: row.EndedAt, FailureCode: row.FailureCode, FailureStep: row.FailureStep, FailureMessage: row.FailureMessage,
			Events: row.LastSeq, number: row.Number,
		})
	}
	return nil
}

// line follows a card line from its file to the books.
func (f *finder) line(ctx context.Context, known db.CreLineRow) error {
	line := &Line{CreID: f.id, Line: int(known.Line)}
	f.trail.Line = line
	parked, err := f.queries.ParkedLines(ctx, known.Reference, known.Line, 1)
	if err != nil {
		return fmt.Errorf("look for a parked line: %w", err)
	}
	for _, row := range parked {
		listed := parkedOf(row)
		line.Parked = &listed
	}
	posted, err := f.queries.JournalLine(ctx, known.Scope, known.Line)
	if err != nil {
		return fmt.Errorf("look for the line's entry: %w", err)
	}
	for _, row := range posted {
		line.Entry = &Entry{
			Kind: ledger.Kind(row.Kind), Debit: ledger.Code(row.Debit), Credit: ledger.Code(row.Credit),
			Amount: money.Cents(row.AmountCents), Label: row.Label, TransactionAt: &row.TransactionAt, ValueDate: row.ValueDate,
			PostedAt: &row.PostedAt, CorrelationID: row.CorrelationID, batch: row.Batch,
		}
		if err := f.event(ctx, row); err != nil {
			return err
		}
		if err := f.after(ctx, known.Scope); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) event(ctx context.Context, row db.JournalLineRow) error {
	blocks, err := f.queries.EntryBlock(ctx, row.Number, row.Batch, row.Ordinal)
	if err != nil {
		return fmt.Errorf("look for the line's event: %w", err)
	}
	for _, block := range blocks {
		stamp := ogep.Stamp{
			Environment: block.Environment[0], Node: int(block.Node), CorrelationID: row.CorrelationID,
			Instant: block.Instant, Sequence: int(row.Ordinal),
		}
		f.trail.Line.Event = &EventID{
			CorrelationID: row.CorrelationID, Seq: block.FirstSeq + int64(row.Ordinal), UID: stamp.UID(),
		}
	}
	return nil
}

func (f *finder) after(ctx context.Context, scope string) error {
	entry := f.trail.Line.Entry
	cp := entry.Credit
	if _, is := cp.AccountID(); !is {
		cp = entry.Debit
	}
	if _, is := cp.AccountID(); !is {
		return nil // parked: no CP was touched
	}
	rows, err := f.queries.Consequences(ctx, scope, string(cp))
	if err != nil {
		return fmt.Errorf("look for what came after: %w", err)
	}
	for _, row := range rows {
		f.trail.Line.After = append(f.trail.Line.After, Entry{
			Kind: ledger.Kind(row.Kind), Debit: ledger.Code(row.Debit), Credit: ledger.Code(row.Credit),
			Amount: money.Cents(row.AmountCents), Label: row.Label,
		})
	}
	return nil
}

// effects reads what the runs did.
func (f *finder) effects(ctx context.Context) error {
	numbers := make([]int32, len(f.trail.Runs))
	for i, run := range f.trail.Runs {
		numbers[i] = run.number
	}
	kinds, err := f.queries.EntriesByKind(ctx, numbers)
	if err != nil {
		return fmt.Errorf("sum entries: %w", err)
	}
	for _, row := range kinds {
		f.trail.Entries = append(f.trail.Entries, KindSum{
			Kind: ledger.Kind(row.Kind), Entries: row.Entries, Amount: money.Cents(row.AmountCents),
		})
	}
	orders, err := f.queries.Orders(ctx, numbers)
	if err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	for _, row := range orders {
		f.trail.Orders = append(f.trail.Orders, Order{
			RefExterne: row.RefExterne, BulkID: row.BulkID, Purpose: row.Purpose, State: row.State, Debtor: ledger.Code(row.Debtor),
			Creditor: ledger.Code(row.Creditor), Amount: money.Cents(row.AmountCents), DueDate: row.DueDate, Info: row.Info,
			CreatedAt: row.CreatedAt,
		})
	}
	covers, err := f.queries.Covers(ctx, numbers, ListMax)
	if err != nil {
		return fmt.Errorf("read covers: %w", err)
	}
	for _, row := range covers {
		f.trail.Covers = append(f.trail.Covers, Cover{Siret: row.Siret, AccountID: row.AccountID, Amount: money.Cents(row.AmountCents)})
	}
	if f.trail.Settlement == nil {
		return nil
	}
	parked, err := f.queries.ParkedLines(ctx, f.trail.Settlement.Reference, 0, ListMax)
	if err != nil {
		return fmt.Errorf("read parked lines: %w", err)
	}
	for _, row := range parked {
		f.trail.Parked = append(f.trail.Parked, parkedOf(row))
	}
	return nil
}

// Events hands a correlation's events from..to to each, in order; the trail's
// run says how many there are. A frame is one JSON object, valid until each
// returns. Memory does not grow with the range.
//
// The error is a [*NotFoundError] for an unknown correlation.
func Events(
	ctx context.Context, pool *pgxpool.Pool, correlationID string, from, to int64, each func(seq int64, frame []byte) error,
) error {
	id, err := uuid.Parse(correlationID)
	if err != nil {
		return &NotFoundError{ID: correlationID, LookedFor: []string{string(Correlation)}}
	}
	run, err := db.New(pool).RunNumber(ctx, id.String())
	if errors.Is(err, pgx.ErrNoRows) {
		return &NotFoundError{ID: correlationID, LookedFor: []string{string(Correlation)}}
	}
	if err != nil {
		return fmt.Errorf("look for correlation %s: %w", correlationID, err)
	}
	err = events.Read(ctx, pool, events.Run{Number: run.Number, CorrelationID: id.String()}, max(from, 1), min(to, run.LastSeq), each)
	if err != nil {
		return fmt.Errorf("events of %s: %w", correlationID, err)
	}
	return nil
}
