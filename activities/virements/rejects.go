package virements

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/virements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// LoadRejects reads the detail of the lot and keeps its rejects, all of them or
// none. The database has all that the file said from then on, so that the file
// is archived at once.
func (a *Activities) LoadRejects(
	ctx context.Context, request activities.LoadRejectsRequest,
) (activities.LoadRejectsResult, error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageLoading} })
	defer stop()

	result, err := a.load(ctx, request)
	if err != nil {
		return activities.LoadRejectsResult{}, activities.Failed("load the detail of lot "+request.Run.ID.Key, err)
	}
	return result, nil
}

func (a *Activities) load(ctx context.Context, request activities.LoadRejectsRequest) (activities.LoadRejectsResult, error) {
	path, err := inbox.Find(request.Path, func(beginning io.Reader) (bool, error) {
		lot, found, err := statement.ReadLot(beginning)
		return found && lot == request.Run.ID.Key, err
	})
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	result, err := a.accepted(ctx, request.Run)
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	if !result.Found {
		if path == "" {
			return activities.LoadRejectsResult{}, a.missing(request)
		}
		result, err = a.take(ctx, request, path)
		if err != nil || !result.Found {
			return result, err
		}
	}
	return result, a.putAway(ctx, request, path, result.SHA256)
}

// accepted is the detail that was accepted before, if one was.
func (a *Activities) accepted(ctx context.Context, run activities.Run) (activities.LoadRejectsResult, error) {
	settled, err := db.New(a.pool).Settlement(ctx, run.ID.String())
	if err != nil {
		return activities.LoadRejectsResult{}, fmt.Errorf("read settlement: %w", err)
	}
	return found(settled), nil
}

func found(settled db.SettlementRow) activities.LoadRejectsResult {
	if len(settled.FileSha256) == 0 {
		return activities.LoadRejectsResult{}
	}
	return activities.LoadRejectsResult{
		Found: true, SHA256: hex.EncodeToString(settled.FileSha256),
		Orders: int(settled.LineCount), Amount: money.Cents(settled.GrossCents),
	}
}

// missing is nil while the file may still come.
func (a *Activities) missing(request activities.LoadRejectsRequest) error {
	if a.clock().Before(request.CutOff) {
		return nil
	}
	return vacation.Fail(vacation.FileMissing,
		"no detail of lot %s at %s by the cut-off, %s: put it there and run this vacation again; its account keeps the money",
		request.Run.ID.Key, request.Path, request.CutOff.In(calendar.Paris()).Format("2006-01-02 15:04 MST"))
}

// take reads the file and accepts it. One that is being written counts as not
// found yet.
func (a *Activities) take(
	ctx context.Context, request activities.LoadRejectsRequest, path string,
) (activities.LoadRejectsResult, error) {
	file, err := inbox.Open(path)
	if unreadable, is := errors.AsType[*inbox.UnreadableError](err); is {
		return activities.LoadRejectsResult{}, vacation.Fail(vacation.FileInvalid, "%s, then run this vacation again", unreadable)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return activities.LoadRejectsResult{}, a.missing(request)
	}
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	defer func() { _ = file.Close() }() // only read
	detail := detail{name: filepath.Base(path), lot: request.Run.ID.Key}
	detail.header, err = statement.ReadRejects(detail.name, file, func(reject statement.Reject) error {
		detail.rejects = append(detail.rejects, reject)
		return nil
	})
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return activities.LoadRejectsResult{}, a.refuse(request, path, faults)
	}
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	var result activities.LoadRejectsResult
	err = postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		var err error
		result, err = detail.accept(ctx, tx, request.Run)
		return err
	})
	return result, err
}

// refuse reports a file that its own controls refuse, unless it is being written.
func (a *Activities) refuse(request activities.LoadRejectsRequest, path string, faults *fault.Faults) error {
	if faults.Incomplete() && a.clock().Before(request.CutOff) {
		settled, err := inbox.Settled(path, a.clock())
		if err != nil || !settled {
			return err
		}
	}
	folder := inbox.Archive(a.folders.Archive)
	report, err := folder.Report(fmt.Sprintf("%s.run%d.refused.json", request.Run.ID.Key, request.Run.Number), faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.FileInvalid, "%s. Report: %s", faults, report)
}

// putAway archives the accepted file; one that was put away before, or another
// that came in its place, is left as it is.
func (a *Activities) putAway(ctx context.Context, request activities.LoadRejectsRequest, path, sha256 string) error {
	archived, as := inbox.Archive(a.folders.Archive), request.Run.ID.Key+".rejects"
	if path == "" {
		path = request.Path
	}
	if inbox.IsFolder(path) {
		// It may have left the inbox under the hands of a worker that died.
		return archived.Resume(ctx, path, func(left string) bool { return left == as })
	}
	content, err := inbox.ParseSum(sha256)
	if err != nil {
		return err
	}
	keep := archived.Keep
	if inbox.Within(a.folders.Inbox, path) {
		keep = archived.Put
	}
	_, err = keep(ctx, path, as, content)
	return err
}

// detail is a lot's detail that is good in itself.
type detail struct {
	name    string
	lot     string // that the bank credited
	header  statement.Rejects
	rejects []statement.Reject
}

// accept controls the detail against the lot and the orders, and keeps it. The
// orders are held meanwhile: no other lot takes them.
func (d *detail) accept(ctx context.Context, tx pgx.Tx, run activities.Run) (activities.LoadRejectsResult, error) {
	queries := db.New(tx)
	settled, err := queries.Settlement(ctx, run.ID.String())
	if err != nil {
		return activities.LoadRejectsResult{}, fmt.Errorf("read settlement: %w", err)
	}
	if before := found(settled); before.Found {
		return before, nil
	}
	if d.header.Lot != d.lot {
		return activities.LoadRejectsResult{}, vacation.Fail(vacation.RejectsMismatch,
			"%s details lot %s, the bank credited lot %s; nothing was posted: bring the detail of that lot",
			d.name, d.header.Lot, d.lot)
	}
	numbers, err := d.control(ctx, queries, settled)
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	if err := d.keep(ctx, tx, settled.Number, numbers); err != nil {
		return activities.LoadRejectsResult{}, err
	}
	return activities.LoadRejectsResult{
		Found: true, SHA256: hex.EncodeToString(d.header.SHA256[:]), Orders: len(d.rejects), Amount: d.header.Sum,
	}, nil
}

// control finds each reject's order: known, with the bank, of that amount, and
// not rejected before. It returns their numbers in the order of the lines.
func (d *detail) control(ctx context.Context, queries *db.Queries, settled db.SettlementRow) ([]int64, error) {
	ids := make([]string, len(d.rejects))
	for i, reject := range d.rejects {
		ids[i] = reject.EndToEndID
	}
	rows, err := queries.LockOrdersOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look for the orders: %w", err)
	}
	orders, known := make(map[string]db.LockOrdersOfRow, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		orders[row.EndToEndID], known[i] = row, row.Number
	}
	others, err := queries.InOtherLots(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("look for the orders in other lots: %w", err)
	}
	elsewhere := make(map[int64]string, len(others))
	for _, row := range others {
		elsewhere[row.Payout] = row.Reference
	}
	numbers, wrong := make([]int64, len(d.rejects)), mismatches{}
	for i, reject := range d.rejects {
		order := orders[reject.EndToEndID]
		wrong.judge(headerLines+i, reject, order, elsewhere[order.Number])
		numbers[i] = order.Number
	}
	wrong.sum(len(d.rejects), d.header.Sum, money.Cents(settled.AmountCents))
	if wrong.count > 0 {
		return nil, vacation.Fail(vacation.RejectsMismatch,
			"%s does not explain lot %s: %s; nothing was posted, the lot's account keeps the money: "+
				"ask the bank for the whole detail, put it in its place, and run this vacation again",
			d.name, d.lot, wrong.text())
	}
	return numbers, nil
}

// headerLines is the line of the file on which the first reject stands.
const headerLines = 2

// keep writes the rejects down, and the file whose they are.
func (d *detail) keep(ctx context.Context, tx pgx.Tx, settlement int32, numbers []int64) error {
	columns := []string{"settlement", "line", "end_to_end_id", "amount_cents", "code", "payout"}
	_, err := postgres.Copy(ctx, tx, "bank_reject", columns, func(rows *postgres.Rows) error {
		for i, reject := range d.rejects {
			if err := rows.Start(); err != nil {
				return err
			}
			rows.Int32(settlement)
			rows.Int32(int32(i + 1))
			rows.String(reject.EndToEndID)
			rows.Int64(int64(reject.Amount))
			rows.String(reject.Code)
			rows.Int64(numbers[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = db.New(tx).AcceptDetail(ctx, db.AcceptDetailParams{
		FileName: d.name, FileSha256: d.header.SHA256[:], FileBytes: d.header.Bytes,
		LineCount:  int32(d.header.Lines), //nolint:gosec // the reader's limit is below 2^31
		GrossCents: int64(d.header.Sum), Number: settlement,
	})
	if err != nil {
		return fmt.Errorf("accept the detail: %w", err)
	}
	return nil
}

// mismatches are the ways in which a detail does not fit its lot: how many, and
// the first of them in words.
type mismatches struct {
	count int
	first []string
}

// mismatchesTold is how many a failure spells out: a wrong file has as many as lines.
const mismatchesTold = 3

func (m *mismatches) addf(format string, args ...any) {
	m.count++
	if len(m.first) < mismatchesTold {
		m.first = append(m.first, fmt.Sprintf(format, args...))
	}
}

func (m *mismatches) judge(line int, reject statement.Reject, order db.LockOrdersOfRow, otherLot string) {
	state := transfer.State(order.State)
	switch {
	case order.Number == 0:
		m.addf("line %d: no order %s is ours", line, reject.EndToEndID)
	case state == transfer.Rejected || otherLot != "":
		m.addf("line %d: order %s was rejected before%s", line, reject.EndToEndID, inLot(otherLot))
	case state != transfer.Sent && state != transfer.Executed:
		m.addf("line %d: order %s is %s, not known to be with the bank", line, reject.EndToEndID, state)
	case money.Cents(order.AmountCents) != reject.Amount:
		m.addf("line %d: order %s is of %s, %s came back",
			line, reject.EndToEndID, money.Cents(order.AmountCents), reject.Amount)
	}
}

func inLot(lot string) string {
	if lot == "" {
		return ""
	}
	return ", in lot " + lot
}

func (m *mismatches) sum(rejects int, sum, credited money.Cents) {
	if sum != credited {
		m.addf("its %d orders come to %s, the bank credited %s: %s apart", rejects, sum, credited, (sum - credited).Abs())
	}
}

// text gives the number first, and says when there are more than are told.
func (m *mismatches) text() string {
	text := strings.Join(m.first, "; ")
	if m.count > len(m.first) {
		text += fmt.Sprintf("; %d mismatches in all", m.count)
	}
	return text
}
