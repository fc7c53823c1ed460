package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/transfer"
)

// chunkWork is one chunk in its transaction.
type chunkWork struct {
	posting *posting
	chunk   part.Chunk
	tx      pgx.Tx
	now     time.Time
	batches []batch

	cps      map[int32]*cp // by account, those of the chunk and of commissions
	internal accounts
	toDebt   map[string]money.Cents // by SIRET: unpaids that no CP can bear
	sums     part.Part              // what was read, to be compared with the plan
	taken    money.Cents
}

// batch is one of the chunk's batches and how many entries it has so far.
type batch struct {
	id      int64
	entries int
}

// accounts are the ledger's own accounts that lines move money to and from.
type accounts struct {
	suspense, fees int32
}

// cp is a payment account in this chunk. Amounts are cents.
type cp struct {
	account     int32
	id          string // of the payment account
	siret       string
	sales       money.Cents                       // and represented unpaids: all that is credited
	refunds     money.Cents                       // or unpaids: all that is debited but commissions
	commissions map[settlement.Scheme]money.Cents // of the whole part
	taken       money.Cents
}

// settle posts the lines of merchants: sales first, then their refunds, then
// one commission a CP and scheme, then the covers of those that would end below
// zero, and unpaids that no CP can bear. A file of unpaids has represented ones
// for sales and unpaids for refunds.
func (w *chunkWork) settle(ctx context.Context) error {
	if err := w.findAccounts(ctx); err != nil {
		return err
	}
	lines, err := w.openLines()
	if err != nil {
		return err
	}
	defer lines.close()

	_, err = postgres.Copy(ctx, w.tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		if err := w.postLines(rows, lines); err != nil {
			return err
		}
		return w.postCommissions(rows)
	})
	if err != nil {
		return err
	}
	if err := w.compare(); err != nil {
		return err
	}
	rendered := make([]int, len(w.batches))
	for i := range w.batches {
		rendered[i] = w.batches[i].entries
	}
	covers, err := w.cover(ctx)
	if err != nil {
		return err
	}
	if err := w.move(ctx, covers); err != nil {
		return err
	}
	return w.emit(ctx, rendered, covers)
}

// lines reads a chunk's lines in their order.
type lines struct {
	sales, others *part.Reader
	read          int // sales read so far
	line          settlement.Line
}

func (w *chunkWork) openLines() (*lines, error) {
	sales, err := w.posting.folder.Sales(w.chunk.Part)
	if err != nil {
		return nil, err
	}
	others := &part.Reader{}
	if w.chunk.Last {
		if others, err = w.posting.folder.Others(w.chunk.Part); err != nil {
			return nil, errors.Join(err, sales.Close())
		}
	}
	return &lines{sales: sales, others: others}, nil
}

func (l *lines) close() {
	// Read to the end or given up: there is nothing to lose in a file that was read.
	_, _ = l.sales.Close(), l.others.Close()
}

// next is the chunk's next line, whether it is to be posted by this chunk, and
// io.EOF after the last. Sales of the chunks before are read again with the
// last chunk only, for their commissions.
func (l *lines) next(chunk part.Chunk) (account int32, posts bool, err error) {
	for l.read < chunk.To {
		account, err := l.sales.Next(&l.line)
		if err != nil {
			return 0, false, missing(err)
		}
		l.read++
		if l.read > chunk.From {
			return account, true, nil
		}
		if chunk.Last {
			return account, false, nil
		}
	}
	account, err = l.others.Next(&l.line)
	return account, err == nil, err
}

// missing tells an early end of a part from its end.
func missing(err error) error {
	if errors.Is(err, io.EOF) {
		return part.ErrDamaged
	}
	return err
}

// kinds are the kinds of the entries that credit and debit a CP.
func (p *posting) kinds() (credit, debit ledger.Kind) {
	if p.kind == settlement.KindImpaye {
		return ledger.KindRepresented, ledger.KindUnpaid
	}
	return ledger.KindSale, ledger.KindRefund
}

// postLines posts the chunk's lines: Dr TR.SET / Cr CP, or the other way for a
// refund or an unpaid. Unpaids that no CP can bear are only summed.
func (w *chunkWork) postLines(rows *postgres.Rows, lines *lines) error {
	credit, debit := w.posting.kinds()
	for {
		account, posts, err := lines.next(w.chunk)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line := &lines.line
		if err := w.read(line); err != nil {
			return err
		}
		if account == part.ToDebt {
			if err := w.countDebt(line); err != nil {
				return err
			}
			continue
		}
		if err := w.count(w.holder(account, line), line, posts); err != nil {
			return err
		}
		if !posts {
			continue
		}
		entry := postgres.EntryRow{
			Kind: credit, Debit: w.internal.suspense, Credit: account, Amount: line.Gross.Abs(),
			Line: line.Number, TransactionAt: line.TransactionAt, ValueDate: line.ValueDate, Label: line.Label,
		}
		if line.Gross < 0 {
			entry.Kind, entry.Debit, entry.Credit = debit, account, w.internal.suspense
		}
		if err := w.append(rows, entry); err != nil {
			return err
		}
	}
}

// append encodes an entry into the batch that has room for it.
func (w *chunkWork) append(rows *postgres.Rows, entry postgres.EntryRow) error {
	index := 0
	for index < len(w.batches)-1 && w.batches[index].entries == w.posting.cut.BatchLines {
		index++
	}
	entry.Batch, entry.Ordinal = w.batches[index].id, w.batches[index].entries
	w.batches[index].entries++
	return postgres.AppendEntry(rows, entry)
}

func (w *chunkWork) holder(account int32, line *settlement.Line) *cp {
	holder := w.cps[account]
	if holder == nil {
		holder = &cp{
			account: account, id: string(line.AccountID), siret: string(line.Siret),
			commissions: make(map[settlement.Scheme]money.Cents, 1),
		}
		w.cps[account] = holder
	}
	return holder
}

// count adds a line to what its CP has. A line of an earlier chunk counts for
// its commission only.
func (w *chunkWork) count(holder *cp, line *settlement.Line, posts bool) error {
	sum := adder{}
	switch {
	case !posts:
	case line.Gross > 0:
		sum.add(&holder.sales, line.Gross)
	default:
		sum.add(&holder.refunds, line.Gross.Neg())
	}
	if w.chunk.Last && line.Commission != 0 {
		commission := holder.commissions[line.Scheme]
		sum.add(&commission, line.Commission)
		holder.commissions[line.Scheme] = commission
		sum.add(&holder.taken, line.Commission)
		sum.add(&w.taken, line.Commission)
	}
	return sum.failure(line)
}

// countDebt adds an unpaid to what its merchant will owe. Its commission is not taken.
func (w *chunkWork) countDebt(line *settlement.Line) error {
	sum, owed := adder{}, w.toDebt[string(line.Siret)]
	sum.add(&owed, line.Gross.Neg())
	w.toDebt[string(line.Siret)] = owed
	return sum.failure(line)
}

// read adds a line to what was read of the part.
func (w *chunkWork) read(line *settlement.Line) error {
	sum := adder{}
	if line.Gross > 0 {
		w.sums.Sales++
		sum.add(&w.sums.SalesSum, line.Gross)
	} else {
		w.sums.Others++
		sum.add(&w.sums.OthersSum, line.Gross)
	}
	sum.add(&w.sums.Commissions, line.Commission)
	return sum.failure(line)
}

// adder adds amounts up to the first that goes beyond what an amount can be.
type adder struct {
	err error
}

func (a *adder) add(sum *money.Cents, amount money.Cents) {
	if a.err == nil {
		*sum, a.err = sum.Add(amount)
	}
}

func (a *adder) failure(line *settlement.Line) error {
	if a.err != nil {
		return fmt.Errorf("line %d: %w", line.Number, a.err)
	}
	return nil
}

// compare proves that what was read is the part that was planned.
func (w *chunkWork) compare() error {
	want := w.chunk.Part
	if !w.chunk.Last {
		return nil // its sales were counted; their sums are proved with the last chunk
	}
	w.sums.Number, w.sums.SalesHash, w.sums.OthersHash = want.Number, want.SalesHash, want.OthersHash
	if w.sums != want {
		return fmt.Errorf("part %d holds %+v, planned %+v: %w", want.Number, w.sums, want, part.ErrDamaged)
	}
	return nil
}

// postCommissions posts one commission a CP and scheme, in the order of the
// CPs' ids and the schemes' names, so that every run writes the same:
// Dr CP / Cr FEE.DUE.
func (w *chunkWork) postCommissions(rows *postgres.Rows) error {
	for _, holder := range w.holders() {
		for _, scheme := range slices.Sorted(maps.Keys(holder.commissions)) {
			err := w.append(rows, postgres.EntryRow{
				Kind: ledger.KindCommission, Debit: holder.account, Credit: w.internal.fees, Amount: holder.commissions[scheme],
				TransactionAt: w.posting.run.StartedAt, ValueDate: w.posting.valueDate,
				Label: []byte(transfer.CommissionLabel(string(scheme), w.posting.run.StartedAt)),
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// holders are the chunk's CPs in the order of their ids.
func (w *chunkWork) holders() []*cp {
	return slices.SortedFunc(maps.Values(w.cps), func(a, b *cp) int { return cmp.Compare(a.id, b.id) })
}

func (w *chunkWork) findAccounts(ctx context.Context) error {
	suspense := ledger.Suspense(w.posting.reference)
	ids, err := postgres.Accounts(ctx, w.tx, []ledger.Code{suspense, ledger.FeesDue})
	if err != nil {
		return err
	}
	w.internal = accounts{suspense: ids[suspense], fees: ids[ledger.FeesDue]}
	return nil
}

// move adds the chunk to the balances and to the settlement's counters.
func (w *chunkWork) move(ctx context.Context, covers covers) error {
	suspense := postgres.Movement{Account: w.internal.suspense, Credit: int64(covers.unpaid)}
	movements := make([]postgres.Movement, 0, len(w.cps)+len(covers.debts)+1)
	for account, holder := range w.cps {
		movements = append(movements, postgres.Movement{
			Account: account, Debit: int64(holder.refunds + holder.taken), Credit: int64(holder.sales + covers.byCP[account]),
		})
		suspense.Debit += int64(holder.sales)
		suspense.Credit += int64(holder.refunds)
	}
	movements = append(movements, suspense)
	if w.taken > 0 {
		movements = append(movements, postgres.Movement{Account: w.internal.fees, Credit: int64(w.taken)})
	}
	movements = append(movements, covers.debts...)
	if err := postgres.Move(ctx, w.tx, movements); err != nil {
		return err
	}
	return w.progress(ctx, covers)
}

func (w *chunkWork) progress(ctx context.Context, covers covers) error {
	err := db.New(w.tx).AddPosted(ctx, db.AddPostedParams{
		Lines:     int32(w.chunk.Lines()), //nolint:gosec // a file has fewer than 2^31 lines
		Shortfall: int64(covers.sum),
		ShortCps:  int32(covers.count), //nolint:gosec // fewer than the file's lines
		Taken:     int64(w.taken),
		Number:    w.posting.settlement,
	})
	if err != nil {
		return fmt.Errorf("count posted lines: %w", err)
	}
	return nil
}

// emit tells the chunk's events: one a line and a commission, rendered from the
// entries, then those of the covers.
func (w *chunkWork) emit(ctx context.Context, rendered []int, covers covers) error {
	for i, batch := range w.batches {
		emission := postgres.Emission{
			Vacation: w.posting.run.Number, At: w.now, Batch: batch.id, Rendered: rendered[i],
		}
		if i == len(w.batches)-1 {
			emission.Bodies = covers.bodies
		}
		if err := w.posting.activities.outbox.Emit(ctx, w.tx, emission); err != nil {
			return err
		}
	}
	return nil
}
