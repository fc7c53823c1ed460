package virements

import (
	"context"
	"crypto/sha256"
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
	"github.com/reglo/reglo/domain/reject"
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
	path, err := inbox.Find(request.Path, func(file io.Reader) (bool, error) {
		return a.details.Details(file, request.Run.ID.Key)
	})
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	result, err := a.accepted(ctx, request.Run)
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	if !result.Found {
		take := a.takeFile
		if path == "" {
			take = a.takeFromStatement
		}
		result, err = take(ctx, request, path)
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

// takeFile reads the file and accepts it. One that is being written counts as
// not found yet.
func (a *Activities) takeFile(
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
	name := filepath.Base(path)
	read, err := a.details.Read(name, file, request.Run.ID.Key)
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return activities.LoadRejectsResult{}, a.refuse(request, path, faults)
	}
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	var result activities.LoadRejectsResult
	err = postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		detail := detail{Detail: read, name: name, lot: request.Run.ID.Key}
		var err error
		result, err = detail.accept(ctx, tx, request.Run)
		return err
	})
	return result, err
}

// takeFromStatement accepts what the statement tells of the lot's bank line,
// where there is no file. While one may still come, a statement that tells of
// some of the orders only counts as nothing.
func (a *Activities) takeFromStatement(
	ctx context.Context, request activities.LoadRejectsRequest, _ string,
) (activities.LoadRejectsResult, error) {
	var result activities.LoadRejectsResult
	told := false
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		settled, err := db.New(tx).Settlement(ctx, request.Run.ID.String())
		if err != nil {
			return fmt.Errorf("read settlement: %w", err)
		}
		detail, err := onStatement(ctx, tx, settled)
		if err != nil || len(detail.Rejects) == 0 {
			return err
		}
		sum := money.Cents(0)
		for _, reject := range detail.Rejects {
			sum += reject.Amount
		}
		if sum != money.Cents(settled.AmountCents) && a.clock().Before(request.CutOff) {
			return nil
		}
		told = true
		result, err = detail.accept(ctx, tx, request.Run)
		return err
	})
	if err != nil || told {
		return result, err
	}
	return activities.LoadRejectsResult{}, a.missing(request)
}

// onStatement is what the statement tells of the lot's bank line: no rejects
// where it tells nothing. A lot of more orders than a file may have is refused as
// a partial detail.
func onStatement(ctx context.Context, tx pgx.Tx, settled db.SettlementRow) (detail, error) {
	rows, err := db.New(tx).DetailsOnStatement(ctx, settled.BankLineID, reject.Max)
	if err != nil {
		return detail{}, fmt.Errorf("read the details of the bank line: %w", err)
	}
	told := detail{lot: settled.Reference, Detail: reject.Detail{
		Lots: []string{settled.Reference}, Rejects: make([]reject.Reject, len(rows)),
	}}
	for i := range rows {
		row := &rows[i]
		told.name, told.SHA256 = row.FileName, [sha256.Size]byte(row.Sha256)
		told.Rejects[i] = reject.Reject{
			EndToEndID: row.EndToEndID, Amount: money.Cents(row.AmountCents), Code: transfer.Reason(row.Code),
		}
	}
	return told, nil
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
		awaited, err := a.awaited(ctx, path, request.Run.ID.Key, content)
		if err != nil {
			return err
		}
		if !awaited {
			keep = archived.Put
		}
	}
	_, err = keep(ctx, path, as, content)
	return err
}

// awaited tells whether the file with that content details other lots too, of
// which one is not accepted yet: it stays in the inbox for that one's run.
func (a *Activities) awaited(ctx context.Context, path, lot string, content [sha256.Size]byte) (bool, error) {
	file, err := inbox.Open(path)
	if _, unreadable := errors.AsType[*inbox.UnreadableError](err); unreadable || errors.Is(err, fs.ErrNotExist) {
		return false, nil // put away before
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read
	read, err := a.details.Read(filepath.Base(path), file, lot)
	if _, bad := errors.AsType[*fault.Faults](err); bad || read.SHA256 != content {
		return false, nil // another file, which came in its place
	}
	if err != nil {
		return false, err
	}
	accepted, err := db.New(a.pool).DetailsAccepted(ctx, read.Lots, content[:])
	if err != nil {
		return false, fmt.Errorf("look for the other lots of %s: %w", filepath.Base(path), err)
	}
	return accepted < int64(len(read.Lots)), nil
}

// detail is a lot's detail that is good in itself.
type detail struct {
	reject.Detail

	name string // of the file
	lot  string // that the bank credited
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
	if !d.Has(d.lot) {
		return activities.LoadRejectsResult{}, vacation.Fail(vacation.RejectsMismatch,
			"%s details %s, the bank credited lot %s; nothing was posted: bring the detail of that lot",
			d.name, lots(d.Lots), d.lot)
	}
	numbers, sum, err := d.control(ctx, queries, settled)
	if err != nil {
		return activities.LoadRejectsResult{}, err
	}
	if err := d.keep(ctx, tx, settled.Number, numbers, sum); err != nil {
		return activities.LoadRejectsResult{}, err
	}
	return activities.LoadRejectsResult{
		Found: true, SHA256: hex.EncodeToString(d.SHA256[:]), Orders: len(d.Rejects), Amount: sum,
	}, nil
}

// lots names the lots of a file, some of them at least.
func lots(references []string) string {
	if len(references) == 0 {
		return "no lot"
	}
	return "lot " + strings.Join(references[:min(len(references), mismatchesTold)], ", ")
}

// control finds each reject's order: known, with the bank, of that amount, told
// once, and not rejected before. It returns their numbers in the order of the
// detail, of which amounts that the bank left out are made good, and their sum.
func (d *detail) control(
	ctx context.Context, queries *db.Queries, settled db.SettlementRow,
) (numbers []int64, sum money.Cents, err error) {
	orders, err := d.orders(ctx, queries)
	if err != nil {
		return nil, 0, err
	}
	numbers, wrong := make([]int64, len(d.Rejects)), mismatches{}
	seen := make(map[int64]bool, len(d.Rejects))
	for i := range d.Rejects {
		reject := &d.Rejects[i]
		order := orders[reject.EndToEndID]
		if reject.Amount == 0 {
			reject.Amount = money.Cents(order.AmountCents)
		}
		if order.Number != 0 && seen[order.Number] {
			wrong.addf("reject %d: order %s is told twice", i+1, reject.EndToEndID)
		} else {
			wrong.judge(i+1, *reject, order)
		}
		numbers[i], seen[order.Number] = order.Number, true
		sum += reject.Amount
	}
	wrong.sum(len(d.Rejects), sum, money.Cents(settled.AmountCents))
	if wrong.count > 0 {
		return nil, 0, vacation.Fail(vacation.RejectsMismatch,
			"%s does not explain lot %s: %s; nothing was posted, the lot's account keeps the money: "+
				"ask the bank for the whole detail, put it in its place, and run this vacation again",
			d.name, d.lot, wrong.text())
	}
	return numbers, sum, nil
}

// candidate is an order of ours that a reject names.
type candidate struct {
	db.LockOrdersOfRow

	otherLot string // that it came back in, or is to
	message  string // that the detail is on, where the order is of another bulk of ours
}

// orders finds the orders that the rejects name, and holds them.
func (d *detail) orders(ctx context.Context, queries *db.Queries) (map[string]candidate, error) {
	ids := make([]string, len(d.Rejects))
	for i := range d.Rejects {
		ids[i] = d.Rejects[i].EndToEndID
	}
	rows, err := queries.LockOrdersOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look for the orders: %w", err)
	}
	bulk, err := queries.BulkOfMessage(ctx, d.Bulk)
	if err != nil {
		return nil, fmt.Errorf("look for the bulk: %w", err)
	}
	known := make([]int64, len(rows))
	for i, row := range rows {
		known[i] = row.Number
	}
	others, err := queries.InOtherLots(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("look for the orders in other lots: %w", err)
	}
	elsewhere := make(map[int64]string, len(others))
	for _, row := range others {
		elsewhere[row.Payout] = row.Reference
	}
	orders := make(map[string]candidate, len(rows))
	for _, row := range rows {
		order := candidate{LockOrdersOfRow: row, otherLot: elsewhere[row.Number]}
		if bulk != 0 && row.Bulk != bulk {
			order.message = d.Bulk
		}
		orders[row.EndToEndID] = order
	}
	return orders, nil
}

// keep writes the rejects down, and the file whose they are.
func (d *detail) keep(ctx context.Context, tx pgx.Tx, settlement int32, numbers []int64, sum money.Cents) error {
	columns := []string{"settlement", "line", "end_to_end_id", "amount_cents", "code", "payout"}
	_, err := postgres.Copy(ctx, tx, "bank_reject", columns, func(rows *postgres.Rows) error {
		for i, reject := range d.Rejects {
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
	var size *int64 // not known of a statement
	if d.Bytes > 0 {
		size = &d.Bytes
	}
	err = db.New(tx).AcceptDetail(ctx, db.AcceptDetailParams{
		FileName: d.name, FileSha256: d.SHA256[:], FileBytes: size,
		LineCount:  int32(len(d.Rejects)), //nolint:gosec // reject.Max is below 2^31
		GrossCents: int64(sum), Number: settlement,
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

func (m *mismatches) judge(place int, told reject.Reject, order candidate) {
	state := transfer.State(order.State)
	switch {
	case order.Number == 0:
		m.addf("reject %d: no order %s is ours", place, told.EndToEndID)
	case state == transfer.Rejected || order.otherLot != "":
		m.addf("reject %d: order %s was rejected before%s", place, told.EndToEndID, inLot(order.otherLot))
	case state != transfer.Sent && state != transfer.Executed:
		m.addf("reject %d: order %s is %s, not known to be with the bank", place, told.EndToEndID, state)
	case order.message != "":
		m.addf("reject %d: order %s was not handed over in %s", place, told.EndToEndID, order.message)
	case money.Cents(order.AmountCents) != told.Amount:
		m.addf("reject %d: order %s is of %s, %s came back",
			place, told.EndToEndID, money.Cents(order.AmountCents), told.Amount)
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
