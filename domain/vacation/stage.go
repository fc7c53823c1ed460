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
