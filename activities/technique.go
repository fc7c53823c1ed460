package activities

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

// The names under which the activities of technique are registered.
const (
	LoadMerchantsName     = "load-merchants"
	ReadStatementsName    = "read-statements"
	ReadReportsName       = "read-reports"
	MatchTransfersName    = "match-transfers"
	PairLinesName         = "pair-lines"
	AwaitReglementsName   = "await-reglements"
	ReconcileName         = "reconcile"
	SettleOrdersName      = "settle-orders"
	StateSafeguardingName = "state-safeguarding"
)

// LoadMerchantsRequest takes in the snapshots that stand in the inbox.
type LoadMerchantsRequest struct {
	Run   Run    `json:"run"`
	Inbox string `json:"inbox"`
	// Approved is the SHA-256 of a snapshot whose mass closure an operator
	// approved, Skipped of one that an operator refused.
	Approved string `json:"approved,omitempty"`
	Skipped  string `json:"skipped,omitempty"`
	Answer   Answer `json:"answer"`
}

// LoadMerchantsResult says which snapshot is in force, and whether one waits.
type LoadMerchantsResult struct {
	Snapshot int `json:"snapshot"`
	Loaded   int `json:"loaded"`
	// Waits describes a snapshot that closes more CPs than the guard allows:
	// counts and shares, nobody's name. WaitsFor is its SHA-256.
	Waits    string `json:"waits,omitempty"`
	WaitsFor string `json:"waitsFor,omitempty"`
}

// LoadMerchants loads the snapshots of the inbox in their sequence, and stops
// at one that an operator has to look at.
//
// Failures: SnapshotGap, FileInvalid, MerchantsMissing when there never was one.
func LoadMerchants(ctx workflow.Context, request LoadMerchantsRequest) (LoadMerchantsResult, error) {
	return call[LoadMerchantsResult](long(ctx), LoadMerchantsName, request)
}

// ReadStatementsRequest takes in the bank statements that stand in the inbox.
type ReadStatementsRequest struct {
	Run    Run           `json:"run"`
	Inbox  string        `json:"inbox"`
	Date   calendar.Date `json:"date"`
	CutOff time.Time     `json:"cutOff"`
}

// ReadStatementsResult is what was read, over all calls of the run.
type ReadStatementsResult struct {
	Statements int `json:"statements"`
	Lines      int `json:"lines"`
	Unknown    int `json:"unknown"` // lines of all statements that wait for an operator
	// Missing are the accounts of which this run has read no statement yet.
	Missing []string `json:"missing,omitempty"`
}

// ReadStatements reads the files of bank statements (camt.053, CFONB 120), which
// it finds by their content, each account's statements in their sequence. It
// classifies their lines, queues those that no grammar explains, and emits
// get-account-transactions a statement.
//
// Failures: StatementInvalid; FileInvalid when the inbox holds too many files.
func ReadStatements(ctx workflow.Context, request ReadStatementsRequest) (ReadStatementsResult, error) {
	return call[ReadStatementsResult](long(ctx), ReadStatementsName, request)
}

// ReadReportsRequest takes in the bank's reports that stand in the inbox.
type ReadReportsRequest struct {
	Run    Run       `json:"run"`
	Inbox  string    `json:"inbox"`
	CutOff time.Time `json:"cutOff"`
}

// ReadReportsResult is what was read, over all calls of the run.
type ReadReportsResult struct {
	Reports       int `json:"reports"`
	RejectedBulks int `json:"rejectedBulks"` // refused as a whole: their money is where it came from
	RefusedOrders int `json:"refusedOrders"` // of bulks that the bank took but for these
}

// ReadReports reads the bank's reports on our bulks (pain.002): one that it
// took is SENT, of one that it refused the money goes back, and orders that it
// does not execute are kept until its account says so too.
//
// Failures: ReportInvalid.
func ReadReports(ctx workflow.Context, request ReadReportsRequest) (ReadReportsResult, error) {
	return call[ReadReportsResult](long(ctx), ReadReportsName, request)
}

// MatchTransfers pairs bank lines of our own transfers with their orders, and
// closes a transit account once its money has arrived: Dr BK / Cr TR.INT. It
// returns how many transfers this run closed.
func MatchTransfers(ctx workflow.Context, run Run) (int, error) {
	return call[int](long(ctx), MatchTransfersName, run)
}

// Paired is a bank line with the règlement that settles it.
type Paired struct {
	// Kind is a vacation.Kind, one of the three règlements.
	Kind        string                 `json:"kind"`
	Transaction ogep.GlobalTransaction `json:"transaction"`
}

// PairLines finds the bank lines that no règlement has taken up, in the order
// of their statements, and says which règlement each is for. The same lines come
// again until OpenSettlement has taken them up.
func PairLines(ctx workflow.Context, run Run) ([]Paired, error) {
	return call[[]Paired](short(ctx), PairLinesName, run)
}

// AwaitReglementsRequest waits for règlements that somebody else started.
type AwaitReglementsRequest struct {
	IDs []string `json:"ids"`
}

// AwaitReglements returns when none of the sessions runs any more, and how many
// of them ended with error.
func AwaitReglements(ctx workflow.Context, request AwaitReglementsRequest) (int, error) {
	return call[int](long(ctx), AwaitReglementsName, request)
}

// Reconcile compares the books of the three accounts with the bank's balances,
// emits get-account-balance for each, and proves that what sets them apart is
// unbooked items only.
//
// Failures: InvariantBroken.
func Reconcile(ctx workflow.Context, run Run) error {
	return workflow.ExecuteActivity(long(ctx), ReconcileName, run).Get(ctx, nil)
}

// SettleOrdersResult is what orders the bank still has to answer for.
type SettleOrdersResult struct {
	UnknownBulks int `json:"unknownBulks"`
	// StaleOrders were remitted more than three TARGET days ago and not debited.
	StaleOrders int `json:"staleOrders"`
}

// SettleOrders gives bulks of UNKNOWN outcome the outcome that the bank's lines
// show, and counts what is left.
func SettleOrders(ctx workflow.Context, run Run) (SettleOrdersResult, error) {
	return call[SettleOrdersResult](long(ctx), SettleOrdersName, run)
}

// StateSafeguardingRequest asks for the statement of a day's close.
type StateSafeguardingRequest struct {
	Run  Run           `json:"run"`
	Date calendar.Date `json:"date"`
}

// StateSafeguarding keeps the safeguarding statement of the day and returns the
// surplus in cents, negative for a gap. It sums the day's entries, which takes
// seconds for a million of them.
//
// Failures: InvariantBroken.
func StateSafeguarding(ctx workflow.Context, request StateSafeguardingRequest) (money.Cents, error) {
	return call[money.Cents](long(ctx), StateSafeguardingName, request)
}
