package activities

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// The names under which activities are registered. They stand in histories of
// runs that are under way: a name never changes.
const (
	OpenSettlementName  = "open-settlement"
	AwaitFileName       = "await-file"
	LoadFileName        = "load-file"
	PostLinesName       = "post-lines"
	CoverShortfallsName = "cover-shortfalls"
	IsolateRevenueName  = "isolate-revenue"
	ArchiveFileName     = "archive-file"
	CloseSettlementName = "close-settlement"
	FailVacationName    = "fail-vacation"
)

// Run identifies a run of a vacation to every activity that works for it.
type Run struct {
	ID            vacation.ID `json:"id"`
	Number        int32       `json:"number"`
	CorrelationID string      `json:"correlationId"`
	// StartedAt is the hour that the run's labels carry: fixed once, so that a
	// repeated step writes the same.
	StartedAt time.Time `json:"startedAt"`
}

// OpenSettlementRequest opens a règlement: the bank line, the name of the file
// that explains it, and the Temporal run that does the work.
type OpenSettlementRequest struct {
	ID           vacation.ID            `json:"id"`
	WorkflowRun  string                 `json:"workflowRun"`
	BusinessDate calendar.Date          `json:"businessDate"`
	Transaction  ogep.GlobalTransaction `json:"transaction"`
	FileName     string                 `json:"fileName"`
}

// OpenSettlementResult is the run that was opened, or the totals of the one
// that settled this reference before.
type OpenSettlementResult struct {
	Run     Run              `json:"run"`
	Settled *vacation.Totals `json:"settled,omitempty"`
	// Ended holds the totals of the session that ended before, where they are
	// no lines of a file's: those of reglement-virements.
	Ended json.RawMessage `json:"ended,omitempty"`
}

// OpenSettlement guards the reference, emits the start event and takes the
// bank's amount into the books: Dr BK.REG / Cr TR.SET, the other way for a
// debit, and Cr TR.REJ for rejected transfers that came back.
//
// Failures: ParametersConflict when the reference is known with another bank line.
func OpenSettlement(ctx workflow.Context, request OpenSettlementRequest) (OpenSettlementResult, error) {
	return call[OpenSettlementResult](short(ctx), OpenSettlementName, request)
}

// AwaitFileRequest says which file to wait for, and until when. A folder stands
// for the file in it that carries the reference.
type AwaitFileRequest struct {
	Path      string    `json:"path"`
	Reference string    `json:"reference,omitempty"`
	CutOff    time.Time `json:"cutOff"`
}

// AwaitFile returns when a file stands at the path that does not change any
// more or, at the cut-off, whatever stands there; it fails with FileMissing when
// nothing does.
func AwaitFile(ctx workflow.Context, request AwaitFileRequest) error {
	return workflow.ExecuteActivity(long(ctx), AwaitFileName, request).Get(ctx, nil)
}

// LoadFileRequest says which file explains the settlement. A folder stands for
// the file in it that carries the settlement's reference.
type LoadFileRequest struct {
	Run  Run    `json:"run"`
	Path string `json:"path"`
	// CutOff is until when a file without its end is taken for one that is
	// being written still.
	CutOff time.Time `json:"cutOff"`
}

// LoadFileResult is the file as it was accepted. Lines count all of its
// records; parked ones are among them.
type LoadFileResult struct {
	// Found is false when nothing complete stands at the path yet.
	Found      bool        `json:"found"`
	SHA256     string      `json:"sha256,omitempty"`
	Lines      int         `json:"lines"`
	Gross      money.Cents `json:"grossCents"`
	Commission money.Cents `json:"commissionCents"`
	Parked     int         `json:"parkedLines"`
	ParkedSum  money.Cents `json:"parkedCents"`
}

// LoadFile reads the whole file under all its controls before any CP is
// touched: format, trailer, checksum, duplicates in the file and across files,
// and signed gross against the bank's amount. It finds each line's CP, splits
// the lines by merchant into the work folder, and commits the plan.
//
// Failures: FileInvalid, AmountMismatch, ReferenceMismatch, DuplicateReference,
// DuplicateLine, ParametersConflict, MerchantsMissing.
func LoadFile(ctx workflow.Context, request LoadFileRequest) (LoadFileResult, error) {
	return call[LoadFileResult](long(ctx), LoadFileName, request)
}

// PostLinesRequest posts the chunks that are not posted yet.
type PostLinesRequest struct {
	Run    Run    `json:"run"`
	SHA256 string `json:"sha256"`
}

// PostLinesResult says how far the journal is. It hands back every few seconds,
// so that the run's progress is seen and a cancellation is heard.
type PostLinesResult struct {
	Posted int  `json:"postedLines"`
	Done   bool `json:"done"`
	// PartsLost says that the work folder has lost the split lines: load the
	// file again, then go on.
	PartsLost bool `json:"partsLost,omitempty"`
}

// PostLines posts parked lines, then each merchant's sales, refunds,
// commissions and cover, a chunk a transaction, for a few seconds.
func PostLines(ctx workflow.Context, request PostLinesRequest) (PostLinesResult, error) {
	return call[PostLinesResult](long(ctx), PostLinesName, request)
}

// CoverShortfalls orders the transfer fonctionnement → règlement of what CPs
// were credited against debts, nothing when there was no shortfall.
//
// Failures: OwnMoneyTooLow.
func CoverShortfalls(ctx workflow.Context, run Run) error {
	return workflow.ExecuteActivity(short(ctx), CoverShortfallsName, run).Get(ctx, nil)
}

// IsolateRevenue orders the transfer règlement → fonctionnement of the
// commissions taken, due on the settlement's value date.
func IsolateRevenue(ctx workflow.Context, run Run) error {
	return workflow.ExecuteActivity(short(ctx), IsolateRevenueName, run).Get(ctx, nil)
}

// ArchiveFileRequest puts away the file that was settled.
type ArchiveFileRequest struct {
	Run    Run             `json:"run"`
	Path   string          `json:"path"`
	Totals vacation.Totals `json:"totals"`
}

// ArchiveFile keeps the file, compressed, beside its report, and clears the
// work folder.
func ArchiveFile(ctx workflow.Context, request ArchiveFileRequest) error {
	return workflow.ExecuteActivity(long(ctx), ArchiveFileName, request).Get(ctx, nil)
}

// CloseSettlement proves the invariants and emits the end event in one
// transaction.
//
// Failures: InvariantBroken.
func CloseSettlement(ctx workflow.Context, run Run) (vacation.Totals, error) {
	return call[vacation.Totals](short(ctx), CloseSettlementName, run)
}

// FailVacationRequest ends a run with error.
type FailVacationRequest struct {
	Run     Run                  `json:"run"`
	Code    vacation.FailureCode `json:"code"`
	Step    vacation.Stage       `json:"step"`
	Message string               `json:"message"`
}

// FailVacation emits the end-with-error event, once.
func FailVacation(ctx workflow.Context, request FailVacationRequest) error {
	return workflow.ExecuteActivity(short(ctx), FailVacationName, request).Get(ctx, nil)
}
