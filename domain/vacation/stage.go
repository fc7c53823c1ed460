package vacation

import "github.com/reglo/reglo/domain/money"

// Stage is where a run of a vacation stands, as the operator sees it.
type Stage string

// The stages of a règlement, in their order.
const (
	StageOpening   Stage = "opening"
	StageAwaiting  Stage = "awaiting-file"
	StageLoading   Stage = "loading-file"
	StagePosting   Stage = "posting-lines"
	StageCovering  Stage = "covering-shortfalls"
	StageIsolating Stage = "isolating-revenue"
	StageArchiving Stage = "archiving-file"
	StageProving   Stage = "proving-books"
	StageEnded     Stage = "ended"
)

// The stages of the other vacations.
const (
	StageBusy         Stage = "awaiting-other-vacation"
	StageDecanting    Stage = "decantoning"
	StageMatching     Stage = "matching-bulk"
	StageAllocating   Stage = "allocating-rejects"
	StageRecovering   Stage = "recovering-debts"
	StageMoving       Stage = "moving-between-accounts"
	StageControlling  Stage = "controlling-transfers"
	StagePlanning     Stage = "planning-payouts"
	StageValidating   Stage = "validating-cashout"
	StageApproval     Stage = "awaiting-approval"
	StagePaying       Stage = "posting-payouts"
	StageRemitting    Stage = "remitting-bulks"
	StageOutcome      Stage = "awaiting-outcome"
	StageCantoning    Stage = "cantoning"
	StageAnswering    Stage = "answering-payline"
	StageMerchants    Stage = "loading-merchants"
	StageStatements   Stage = "reading-statements"
	StageReports      Stage = "reading-reports"
	StagePairing      Stage = "pairing-lines"
	StageReglements   Stage = "running-reglements"
	StageReconciling  Stage = "reconciling-bank"
	StageSettling     Stage = "settling-orders"
	StageSafeguarding Stage = "stating-safeguarding"
	StageDeciding     Stage = "deciding"
	StagePlanningERP  Stage = "planning-erp-postings"
	StagePayments     Stage = "matching-payments"
)

// Progress is how far a règlement has come, in lines of its file.
type Progress struct {
	Stage  Stage `json:"stage"`
	Read   int   `json:"linesRead"`
	Posted int   `json:"linesPosted"`
	Total  int   `json:"linesTotal"`
}

// Totals is the result of a règlement that ended: counts in lines, amounts in cents.
type Totals struct {
	CorrelationID string      `json:"correlationId"`
	Reference     string      `json:"reference"`
	Lines         int         `json:"lines"`
	ParkedLines   int         `json:"parkedLines"`
	Gross         money.Cents `json:"grossCents"`
	Parked        money.Cents `json:"parkedCents"`
	Commission    money.Cents `json:"commissionCents"`
	Covered       money.Cents `json:"coveredCents"`
	Debts         int         `json:"debts"`
	Events        int64       `json:"events"`
	FileSHA256    string      `json:"fileSha256"`
}

// VirementsTotals is the result of a settlement of our own remittance, or of a
// lot of rejects: counts in orders, amounts in cents.
type VirementsTotals struct {
	CorrelationID string      `json:"correlationId"`
	Reference     string      `json:"reference"`
	Orders        int         `json:"orders"`
	Amount        money.Cents `json:"amountCents"`
	// Held are CPs whose payouts were put on hold by a repeated reject.
	Held int `json:"heldCps"`
	// Stale are orders that the bank has not debited for days.
	Stale  int   `json:"staleOrders"`
	Events int64 `json:"events"`
}

// CreancesTotals is the result of a recovery of debts.
type CreancesTotals struct {
	CorrelationID string      `json:"correlationId"`
	Debts         int         `json:"debts"` // open debts looked at
	Recovered     money.Cents `json:"recoveredCents"`
	Remaining     money.Cents `json:"remainingCents"`
	// Old are debts beyond twelve months: CMF L522-2 lets a payment institution give no longer credit.
	Old    int   `json:"oldDebts"`
	Events int64 `json:"events"`
}

// FinanciereTotals is the result of a financière: counts in requests and
// orders, amounts in cents.
type FinanciereTotals struct {
	CorrelationID string `json:"correlationId"`
	// PaylineRefused is the reject code of a Payline file refused as a whole.
	PaylineRefused string      `json:"paylineRefused,omitempty"`
	Movements      int         `json:"movements"`
	MovementsSum   money.Cents `json:"movementsCents"`
	Requests       int         `json:"paylineTransfers"`
	RejectedLines  int         `json:"rejectedLines"`
	Automatic      int         `json:"automaticPayouts"`
	Paid           int         `json:"paidOrders"`
	PaidSum        money.Cents `json:"paidCents"`
	Refused        int         `json:"refusedOrders"`
	RefusedSum     money.Cents `json:"refusedCents"`
	Bulks          int         `json:"bulks"`
	Unknown        int         `json:"unknownBulks"`
	Decantoned     money.Cents `json:"decantonedCents"`
	Cantoned       money.Cents `json:"cantonedCents"`
	Events         int64       `json:"events"`
}

// TechniqueTotals is the result of an opening, a closing, or an operator's
// decisions between them.
type TechniqueTotals struct {
	CorrelationID string `json:"correlationId"`
	Snapshot      int    `json:"snapshot,omitempty"` // sequence of the merchants' snapshot in force
	Statements    int    `json:"statements"`
	Lines         int    `json:"bankLines"`
	UnknownLines  int    `json:"unknownLines"` // of all that wait for an operator
	Reports       int    `json:"reports"`      // of the bank, on our bulks
	// RefusedOrders are payouts that the reports say the bank does not execute.
	RefusedOrders int `json:"refusedOrders"`
	Transfers     int `json:"closedTransfers"`
	Reglements    int `json:"reglements"`
	Failed        int `json:"failedReglements"`
	UnknownBulks  int `json:"unknownBulks"`
	StaleOrders   int `json:"staleOrders"`
	// MatchedPayments are card payments of which a card line was found that settles
	// them. Late ones are paid without a line, LateLines settled without a payment,
	// and OpenForms were shown long ago and have no final status.
	MatchedPayments int `json:"matchedPayments,omitempty"`
	LatePayments    int `json:"latePayments,omitempty"`
	LateLines       int `json:"lateLines,omitempty"`
	OpenForms       int `json:"openForms,omitempty"`
	Decisions       int `json:"decisions"`
	// Decided says what each decision changed, a sentence each, in their order.
	Decided []string `json:"decided,omitempty"`
	Events  int64    `json:"events"`
	// Surplus is client money held beyond what is owed at the close, negative for a gap.
	Surplus money.Cents `json:"surplusCents"`
}
