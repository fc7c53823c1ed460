package remittances

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/pain002"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// ReadReports reads the bank's reports that stand in the inbox, each in one
// transaction, and gives back what the bank refused. A wrong one keeps nothing
// of another back. One that stops before its end is left alone until the
// cut-off: it is being written.
func (a *Activities) ReadReports(ctx context.Context, request activities.ReadReportsRequest) (activities.ReadReportsResult, error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageReports} })
	defer stop()

	result, err := a.readReports(ctx, request)
	if err != nil {
		return activities.ReadReportsResult{}, activities.Failed("read the bank's reports", err)
	}
	return result, nil
}

func (a *Activities) readReports(ctx context.Context, request activities.ReadReportsRequest) (activities.ReadReportsResult, error) {
	var none activities.ReadReportsResult
	if err := a.archive.Resume(ctx, request.Inbox, reportName.MatchString); err != nil {
		return none, err
	}
	files, err := inbox.Wanted(request.Inbox, isReport)
	if err != nil {
		return none, err
	}
	var refused *vacation.Failure
	for _, path := range files {
		err := a.readReport(ctx, request, path)
		if failure, final := errors.AsType[*vacation.Failure](err); final {
			if refused == nil {
				refused = failure
			}
			continue
		}
		if err != nil {
			return none, err
		}
	}
	if err := a.giveBack(ctx, request.Run); err != nil {
		return none, err
	}
	if refused != nil {
		return none, refused
	}
	sums, err := db.New(a.pool).ReportsSoFar(ctx, string(request.Run.ID.Kind), request.Run.ID.Key)
	if err != nil {
		return none, fmt.Errorf("count what was read: %w", err)
	}
	return activities.ReadReportsResult{
		Reports: int(sums.Reports), RejectedBulks: int(sums.RejectedBulks), RefusedOrders: int(sums.RefusedOrders),
	}, nil
}

// reportName is an archived report, under the name that [report.as] gives it.
var reportName = regexp.MustCompile(`^pain\.002\.[0-9a-f]{16}\.xml$`)

// isReport tells a pain.002 by its beginning, but for one whose identifier says
// that it is the detail of a lot of rejects: the lot's règlement reads it.
func isReport(file io.ReadSeeker) (bool, error) {
	format, _, err := bankfile.Recognise(file)
	if err != nil || !format.Is("pain.002") {
		return false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("go to the file's beginning: %w", err)
	}
	ofLot, err := reject.IsLot(file)
	return !ofLot, err
}

// report is what one file says.
type report struct {
	pain002.Report

	name    string
	refused map[string]string // endToEndId → code
	blocks  map[string]string // PmtInfId → code, of blocks that are refused as a whole
}

// as is the name of its archive.
func (r *report) as() string {
	const digits = 8 // bytes of the content's hash: enough to tell the reports of a lifetime apart
	return "pain.002." + hex.EncodeToString(r.SHA256[:digits]) + ".xml"
}

// readReport takes one report in and puts its file away.
func (a *Activities) readReport(ctx context.Context, request activities.ReadReportsRequest, path string) error {
	read, err := openReport(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // put away meanwhile
	}
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return a.refuseReport(request, path, faults)
	}
	if unreadable, is := errors.AsType[*inbox.UnreadableError](err); is {
		return vacation.Fail(vacation.ReportInvalid, "%s", unreadable)
	}
	if err != nil {
		return err
	}
	again, err := a.archive.Holds(path, read.as())
	if err != nil {
		return err
	}
	if again {
		return vacation.Fail(vacation.ReportInvalid,
			"%s: the report %s was taken in already, with the same content; nothing of it was used: take the file out of the inbox",
			read.name, read.ID)
	}
	err = postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		taking := &reportTaking{Activities: a, tx: tx, queries: db.New(tx), run: request.Run, report: read}
		return taking.take(ctx)
	})
	if err != nil {
		return fmt.Errorf("take %s in: %w", read.name, err)
	}
	_, err = a.archive.Put(ctx, path, read.as(), read.SHA256)
	return err
}

// openReport reads a file whole.
func openReport(path string) (*report, error) {
	file, err := inbox.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	read := &report{name: filepath.Base(path), refused: make(map[string]string), blocks: make(map[string]string)}
	read.Report, err = pain002.Read(read.name, file, pain002.Handler{
		Payment: func(block pain002.Payment) error {
			if block.Status.Rejected() && len(read.blocks) <= transfer.MaxOrdersABulk {
				read.blocks[block.OriginalID] = code(block.Reasons)
			}
			return nil
		},
		Transaction: func(transaction pain002.Transaction) error {
			if transaction.Status.Rejected() && len(read.refused) <= transfer.MaxOrdersABulk {
				read.refused[transaction.EndToEndID] = code(transaction.Reasons)
			}
			return nil
		},
	})
	return read, err
}

// code is the bank's first reason, or that it gives none.
func code(reasons []pain002.Reason) string {
	if len(reasons) == 0 || reasons[0].Code == "" {
		return codeNotSent
	}
	return reasons[0].Code
}

// refuseReport reports a file that its controls refuse, unless it is being written.
func (a *Activities) refuseReport(request activities.ReadReportsRequest, path string, faults *fault.Faults) error {
	if faults.Incomplete() && a.clock().Before(request.CutOff) {
		return nil
	}
	written, err := a.archive.Report(fmt.Sprintf("%s.run%d.refused.json", filepath.Base(path), request.Run.Number), faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.ReportInvalid, "%s. Report: %s", faults, written)
}

// reportTaking is the transaction that takes one report in.
type reportTaking struct {
	*Activities

	tx      pgx.Tx
	queries *db.Queries
	run     activities.Run
	report  *report
	bulk    db.LockBulkReportedRow
}

func (t *reportTaking) take(ctx context.Context) error {
	known, err := t.known(ctx)
	if err != nil || known {
		return err
	}
	if err := t.lockBulk(ctx); err != nil {
		return err
	}
	orders, unknown, err := t.match(ctx)
	if err != nil {
		return err
	}
	number, err := t.queries.InsertReport(ctx, db.InsertReportParams{
		MessageID: t.report.ID, Bulk: t.bulk.Number, Format: string(t.report.Version), Status: string(t.report.Status),
		Reason: reasonOf(t.report.Reasons), Orders: int32(t.report.Transactions), //nolint:gosec // bounded by the reader
		Unknown: int32(len(unknown)), FileName: t.report.name, Sha256: t.report.SHA256[:], //nolint:gosec // as above
		Vacation: t.run.Number, ReadAt: t.now(),
	})
	if err != nil {
		return fmt.Errorf("record the report: %w", err)
	}
	if len(unknown) > 0 {
		if _, err := t.archive.Report(t.report.as()+".unknown.json", unknown); err != nil {
			return err
		}
	}
	return t.settle(ctx, number, orders)
}

// reasonOf is the bank's first reason of the whole, empty for none.
func reasonOf(reasons []pain002.Reason) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0].Code
}

// known tells whether the report was taken in before. Another content under its
// identifier is refused.
func (t *reportTaking) known(ctx context.Context) (bool, error) {
	hash, err := t.queries.ReportHash(ctx, t.report.ID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the report: %w", err)
	case [sha256.Size]byte(hash) != t.report.SHA256:
		return false, vacation.Fail(vacation.ReportInvalid,
			"%s: the bank's report %s was taken in already, with another content; nothing of it was used: ask the bank which one holds",
			t.report.name, t.report.ID)
	default:
		return true, nil
	}
}

// lockBulk finds the bulk that the report is on, and holds its state.
func (t *reportTaking) lockBulk(ctx context.Context) error {
	id := t.report.OriginalID
	var err error
	t.bulk, err = t.queries.LockBulkReported(ctx, strings.ToLower(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return t.fail("is on the message %q, which is none of our bulks", id)
	}
	if err != nil {
		return fmt.Errorf("look for the bulk: %w", err)
	}
	switch {
	case !t.bulk.Attempted:
		return t.fail("is on bulk %s, which was not handed over", t.bulk.Name)
	case t.report.Orders != 0 && t.report.Orders != int(t.bulk.Orders),
		t.report.Sum != 0 && int64(t.report.Sum) != t.bulk.AmountCents:
		return t.fail("speaks of %d orders and %s, bulk %s has other ones", t.report.Orders, t.report.Sum, t.bulk.Name)
	case t.report.Status.Rejected() && !t.ofCopy() && t.bulk.Debited:
		return t.fail("refuses bulk %s, which its account was debited for", t.bulk.Name)
	}
	return nil
}

// fail refuses the report for what it says of our orders.
func (t *reportTaking) fail(format string, args ...any) error {
	return vacation.Fail(vacation.ReportInvalid, "%s: the bank's report %s %s; nothing of it was used: ask the bank, "+
		"and take the file out of the inbox", t.report.name, t.report.ID, fmt.Sprintf(format, args...))
}

// refused is a payout that the bank does not execute, and why.
type refused struct {
	payout int64
	code   string
}

// match finds the orders that the bank refuses among those of the bulk, and
// lists the identifiers that nothing of it has.
func (t *reportTaking) match(ctx context.Context) (orders []refused, unknown []string, err error) {
	if t.ofCopy() {
		return nil, nil, nil
	}
	ids := slices.Sorted(maps.Keys(t.report.refused))
	rows, err := t.queries.BulkPayoutsByID(ctx, t.bulk.Number, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("look for the orders: %w", err)
	}
	known := make(map[string]bool, len(rows))
	for _, row := range rows {
		orders = append(orders, refused{row.Number, t.report.refused[row.EndToEndID]})
		known[row.EndToEndID] = true
	}
	for _, id := range ids {
		if !known[id] && !t.isOwn(id) {
			unknown = append(unknown, id)
		}
	}
	inBlocks, others, err := t.matchBlocks(ctx)
	return append(orders, inBlocks...), append(unknown, others...), err
}

// matchBlocks finds the orders of the blocks that the bank refuses as a whole,
// by the places of the blocks in the file.
func (t *reportTaking) matchBlocks(ctx context.Context) (orders []refused, unknown []string, err error) {
	codes, places := make(map[int32]string), []int32{}
	for _, id := range slices.Sorted(maps.Keys(t.report.blocks)) {
		place, ours := pain001.BlockOf(t.report.OriginalID, id)
		if !ours {
			unknown = append(unknown, id)
			continue
		}
		codes[int32(place)] = t.report.blocks[id] //nolint:gosec // three digits of base 36
		places = append(places, int32(place))     //nolint:gosec // as above
	}
	if len(places) == 0 {
		return nil, unknown, nil
	}
	rows, err := t.queries.BulkPayoutsByBlock(ctx, t.bank.Format.OneBlock, t.bulk.Number, places)
	if err != nil {
		return nil, nil, fmt.Errorf("look for the orders of blocks: %w", err)
	}
	for _, row := range rows {
		orders = append(orders, refused{row.Number, codes[row.Block]})
	}
	return orders, unknown, nil
}

// isOwn tells the one order of a bulk of the EP's own.
func (t *reportTaking) isOwn(id string) bool {
	return t.bulk.Purpose != string(transfer.Payout) && id == t.bulk.Name
}

// settle keeps what the report says: the bank has the bulk, or refuses it, or
// does not execute some of its orders.
func (t *reportTaking) settle(ctx context.Context, report int32, orders []refused) error {
	payouts, codes := make([]int64, len(orders)), make([]string, len(orders))
	for i, order := range orders {
		payouts[i], codes[i] = order.payout, order.code
	}
	err := t.queries.KeepRefusals(ctx, db.KeepRefusalsParams{Payouts: payouts, Codes: codes, Bulk: t.bulk.Number, Report: report})
	if err != nil {
		return fmt.Errorf("keep the refusals: %w", err)
	}
	whole, reason, err := t.refusedWhole(ctx)
	if err != nil {
		return err
	}
	if whole {
		if err := t.queries.RejectBulk(ctx, reason, t.now(), t.bulk.Number); err != nil {
			return fmt.Errorf("reject the bulk: %w", err)
		}
		return nil // its money follows
	}
	if !t.report.Status.Accepted() && t.report.Status != pain002.Partial && !t.ofCopy() {
		return nil
	}
	if err := t.queries.MarkLeft(ctx, t.bulk.Number); err != nil {
		return fmt.Errorf("mark the bulk: %w", err)
	}
	return settleOrders(ctx, t.queries, t.bulk.Number, transfer.Sent)
}

// ofCopy tells a report that refuses a second copy of the bulk: its reason, by
// the codes of ISO 20022, is that the bank has the first one.
func (t *reportTaking) ofCopy() bool {
	return t.report.Status.Rejected() && slices.Contains([]string{"AM05", "DU01", "DUPL"}, reasonOf(t.report.Reasons))
}

// refusedWhole tells a bulk of which the bank executes nothing, and why.
func (t *reportTaking) refusedWhole(ctx context.Context) (whole bool, reason string, err error) {
	if t.bulk.State == string(transfer.Executed) || t.bulk.State == string(transfer.Rejected) {
		return false, "", nil
	}
	if t.report.Status.Rejected() {
		return !t.ofCopy(), code(t.report.Reasons), nil
	}
	if t.bulk.Purpose != string(transfer.Payout) {
		reason, whole = t.report.refused[t.bulk.Name]
		if !whole {
			reason, whole = t.report.blocks[t.report.OriginalID]
		}
		return whole, reason, nil
	}
	left, err := t.queries.OrdersNotRefused(ctx, t.bulk.Number)
	if err != nil {
		return false, "", fmt.Errorf("count the orders that are left: %w", err)
	}
	return left == 0, codeNotSent, nil
}
