package ingest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// LoadFile controls the file, claims its creIds, and commits how its lines are
// split: all of it in one transaction, or nothing. Accepted before, the same
// file is only split again where its parts are gone.
func (a *Activities) LoadFile(ctx context.Context, request activities.LoadFileRequest) (activities.LoadFileResult, error) {
	path, err := a.resolve(request.Path, request.Run.ID.Key)
	var file *os.File
	if err == nil {
		file, err = open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return a.withoutFile(ctx, request)
	}
	if err != nil {
		return activities.LoadFileResult{}, activities.Failed("open the file of settlement "+request.Run.ID.Key, err)
	}
	defer func() { _ = file.Close() }() // only read

	load := &loading{activities: a, request: request, file: file, path: path, name: filepath.Base(path)}
	stop := heartbeat.Start(ctx, func() any {
		return vacation.Progress{Stage: vacation.StageLoading, Read: int(load.read.Load())}
	})
	defer stop()
	result, err := load.run(ctx)
	if err != nil {
		return activities.LoadFileResult{}, activities.Failed("load "+load.name, err)
	}
	return result, nil
}

// open opens the file; what cannot be read as one is a failure.
func open(path string) (*os.File, error) {
	file, err := inbox.Open(path)
	if bad, is := errors.AsType[*inbox.UnreadableError](err); is {
		return nil, vacation.Fail(vacation.FileInvalid, "%s, and run this vacation again; nothing was posted", bad)
	}
	return file, err
}

// withoutFile goes on from the parts of a file that was accepted, posted in
// part, and is gone; or says that no file was found.
func (a *Activities) withoutFile(ctx context.Context, request activities.LoadFileRequest) (activities.LoadFileResult, error) {
	var result activities.LoadFileResult
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		known, err := queries.LockSettlement(ctx, request.Run.ID.String())
		if err != nil {
			return fmt.Errorf("read settlement: %w", err)
		}
		if known.FileSha256 == nil || !part.NewFolder(a.folders.Work, hex.EncodeToString(known.FileSha256)).Exists() {
			return nil
		}
		result, err = accepted(ctx, tx, known)
		return err
	})
	if err != nil {
		return activities.LoadFileResult{}, activities.Failed("look for the parts of settlement "+request.Run.ID.Key, err)
	}
	return result, nil
}

// loading is the loading of one file.
type loading struct {
	activities *Activities
	request    activities.LoadFileRequest
	file       *os.File
	path       string
	name       string
	read       atomic.Int64 // lines, for the heartbeat
	writer     *part.Writer // nil until it is known into how many parts
	toDebt     int          // unpaids that become their merchant's debt
	tap        *tap         // of lines that may settle payments
}

func (l *loading) run(ctx context.Context) (activities.LoadFileResult, error) {
	merchants, err := l.activities.directory.current(ctx, l.activities.pool)
	if err != nil {
		return activities.LoadFileResult{}, err
	}
	result, err := l.load(ctx, merchants)
	if err == nil {
		return result, l.writer.Place(result.SHA256)
	}
	if l.writer != nil {
		err = errors.Join(err, l.writer.Abort())
	}
	var faults *fault.Faults
	switch {
	case errors.As(err, &faults):
		return l.refuse(faults)
	case postgres.IsCode(err, postgres.UniqueViolation):
		return activities.LoadFileResult{}, l.explainDuplicate(ctx)
	default:
		return activities.LoadFileResult{}, err
	}
}

// load reads the file in the transaction that accepts it.
func (l *loading) load(ctx context.Context, merchants *snapshot) (activities.LoadFileResult, error) {
	var result activities.LoadFileResult
	err := pgx.BeginFunc(ctx, l.activities.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		known, err := queries.LockSettlement(ctx, l.request.Run.ID.String())
		if err != nil {
			return fmt.Errorf("read settlement: %w", err)
		}
		if known.FileSha256 != nil {
			if err := l.splitAgain(ctx, tx, known, merchants); err != nil {
				return err
			}
			result, err = accepted(ctx, tx, known)
			return err
		}
		info, err := l.file.Stat()
		if err != nil {
			return fmt.Errorf("look at file: %w", err)
		}
		if l.writer, err = part.NewWriter(l.activities.folders.Work, part.Count(info.Size())); err != nil {
			return err
		}
		result, err = l.first(ctx, tx, known, merchants)
		return err
	})
	if err != nil {
		return activities.LoadFileResult{}, fmt.Errorf("accept the file: %w", err)
	}
	return result, nil
}

// first takes in a file of which nothing was accepted before.
func (l *loading) first(
	ctx context.Context, tx pgx.Tx, known db.LockSettlementRow, merchants *snapshot,
) (result activities.LoadFileResult, err error) {
	if l.tap, err = newTap(l.activities.contracts, l.writer.Folder()); err != nil {
		return activities.LoadFileResult{}, err
	}
	defer func() { err = errors.Join(err, l.tap.close()) }()
	summary, err := l.claim(ctx, tx, known.Number, merchants)
	if err != nil {
		return activities.LoadFileResult{}, err
	}
	if err := l.control(ctx, db.New(tx), known, summary); err != nil {
		return activities.LoadFileResult{}, err
	}
	if err := l.writer.Finish(); err != nil {
		return activities.LoadFileResult{}, err
	}
	if err := l.park(ctx, tx, known, summary.SHA256); err != nil {
		return activities.LoadFileResult{}, err
	}
	if err := l.listDebts(ctx, tx, known.Number); err != nil {
		return activities.LoadFileResult{}, err
	}
	if err := l.tap.keep(ctx, tx, known.Number, l.activities.clock().Truncate(time.Millisecond)); err != nil {
		return activities.LoadFileResult{}, err
	}
	return l.accept(ctx, tx, known.Number, merchants, summary)
}

// claim reads the file once: each good line goes to its part, and its creId to
// the table that knows every creId ever accepted.
func (l *loading) claim(
	ctx context.Context, tx pgx.Tx, number int32, merchants *snapshot,
) (settlement.Summary, error) {
	var summary settlement.Summary
	_, err := postgres.Copy(ctx, tx, "cre_line", []string{"cre_id", "settlement", "line", "part"}, func(rows *postgres.Rows) error {
		var err error
		summary, err = settlement.Read(l.name, l.file, l.activities.layout, func(line *settlement.Line) error {
			l.read.Add(1)
			into, err := l.split(line, merchants)
			if err != nil {
				return err
			}
			if err := l.tap.add(line); err != nil {
				return err
			}
			if err := rows.Start(); err != nil {
				return err
			}
			rows.Text(line.CreID)
			rows.Int32(number)
			rows.Int32(int32(line.Number)) //nolint:gosec // a file has fewer than 2^31 lines
			rows.Int32(int32(into))        //nolint:gosec // a few hundred parts at most
			return nil
		})
		return err
	})
	return summary, err
}

// split gives a line to its part, or to the parked one. An unpaid is never
// parked: the bank has taken the money already, and what no CP can bear its
// merchant owes.
func (l *loading) split(line *settlement.Line, merchants *snapshot) (int, error) {
	account, reason := merchants.find(line)
	switch {
	case reason == "":
	case line.Type == settlement.TypeImpaye:
		account = part.ToDebt
		l.toDebt++
	default:
		return part.Parked, l.writer.Add(part.Parked, reason.Number(), line)
	}
	into := partOf(line.Siret, len(l.writer.Parts())-1)
	return into, l.writer.Add(into, account, line)
}

// partOf gives all lines of a merchant to the same of count parts, so that
// transactions of different parts share neither a CP nor a debt.
func partOf(siret []byte, count int) int {
	hash := fnv.New32a()
	_, _ = hash.Write(siret) // never fails
	return 1 + int(hash.Sum32())%count
}

// control holds the file against the settlement that it is to explain.
func (l *loading) control(
	ctx context.Context, queries *db.Queries, known db.LockSettlementRow, summary settlement.Summary,
) error {
	if err := l.identify(ctx, queries, known, summary); err != nil {
		return err
	}
	if amount := money.Cents(known.AmountCents); summary.Gross != amount {
		return vacation.Fail(vacation.AmountMismatch,
			"%s comes to %s, the bank line to %s: %s apart; nothing was posted: ask the sender of the file which of them is right",
			l.name, summary.Gross, amount, (summary.Gross - amount).Abs())
	}
	return l.controlSign(known, summary)
}

// controlSign refuses unpaids that the bank credits: a credit is for
// representations alone.
func (l *loading) controlSign(known db.LockSettlementRow, summary settlement.Summary) error {
	if summary.Kind != settlement.KindImpaye || known.AmountCents < 0 {
		return nil
	}
	unpaids := 0
	for _, split := range l.writer.Parts() {
		unpaids += split.Others
	}
	if unpaids == 0 {
		return nil
	}
	return vacation.Fail(vacation.AmountMismatch,
		"%s holds %d unpaids, and the bank line is a credit of %s: only representations are credited; nothing was posted: "+
			"ask the sender of the file for the unpaids in a file of their own", l.name, unpaids, money.Cents(known.AmountCents))
}

// identify refuses the file of another settlement, first of all one that was settled.
func (l *loading) identify(
	ctx context.Context, queries *db.Queries, known db.LockSettlementRow, summary settlement.Summary,
) error {
	other, err := queries.SettledFile(ctx, summary.SHA256[:])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("look for the file's hash: %w", err)
	}
	if err == nil {
		return vacation.Fail(vacation.DuplicateReference,
			"%s is the file of settlement %s already; nothing was posted: bring the file of %s", l.name, other, known.Reference)
	}
	if summary.Reference != known.Reference {
		settled, err := queries.SettledReference(ctx, summary.Reference)
		if err != nil {
			return fmt.Errorf("look for the file's reference: %w", err)
		}
		if settled {
			return vacation.Fail(vacation.DuplicateReference,
				"%s carries reference %s, which is settled already; nothing was posted: bring the file of %s",
				l.name, summary.Reference, known.Reference)
		}
		return vacation.Fail(vacation.ReferenceMismatch,
			"%s carries reference %s, the bank line %s; nothing was posted: bring the file of that bank line",
			l.name, summary.Reference, known.Reference)
	}
	if string(summary.Kind) != known.Kind || summary.OperationType != known.OperationType {
		return vacation.Fail(vacation.ReferenceMismatch,
			"%s is of kind %s, operation %s; the bank line wants %s, operation %s; nothing was posted: bring the file of that bank line",
			l.name, summary.Kind, summary.OperationType, known.Kind, known.OperationType)
	}
	return nil
}

func (l *loading) accept(
	ctx context.Context, tx pgx.Tx, number int32, merchants *snapshot, summary settlement.Summary,
) (activities.LoadFileResult, error) {
	plan := part.Plan{Cut: l.activities.cut, Parts: l.writer.Parts()}
	err := db.New(tx).AcceptFile(ctx, db.AcceptFileParams{
		FileName:        l.name,
		FileSha256:      summary.SHA256[:],
		FileBytes:       summary.Bytes,
		LineCount:       int32(summary.Lines), //nolint:gosec // the reader's limit is below 2^31
		GrossCents:      int64(summary.Gross),
		CommissionCents: int64(summary.Commission),
		Snapshot:        merchants.sequence,
		ParkedLines:     int32(plan.Parked().Lines()), //nolint:gosec // as above
		Number:          number,
	})
	if err != nil {
		return activities.LoadFileResult{}, fmt.Errorf("accept file: %w", err)
	}
	if err := part.Save(ctx, tx, number, plan); err != nil {
		return activities.LoadFileResult{}, err
	}
	return found(summary.SHA256[:], summary.Lines, summary.Gross, summary.Commission, plan), nil
}

// accepted is the result for a file that was accepted before.
func accepted(ctx context.Context, tx pgx.Tx, known db.LockSettlementRow) (activities.LoadFileResult, error) {
	plan, err := part.Saved(ctx, tx, known.Number)
	if err != nil {
		return activities.LoadFileResult{}, err
	}
	return found(known.FileSha256, int(known.LineCount), money.Cents(known.GrossCents), money.Cents(known.CommissionCents), plan), nil
}

func found(sha256 []byte, lines int, gross, commission money.Cents, plan part.Plan) activities.LoadFileResult {
	parked := plan.Parked()
	return activities.LoadFileResult{
		Found: true, SHA256: hex.EncodeToString(sha256), Lines: lines, Gross: gross, Commission: commission,
		Parked: parked.Lines(), ParkedSum: parked.SalesSum + parked.OthersSum,
	}
}
