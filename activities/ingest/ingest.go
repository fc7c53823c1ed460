// Package ingest takes files in: it waits for them, reads them under all their
// controls, splits them for posting, and puts them away afterwards.
package ingest

import (
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/settlement"
)

// Folders are where files are kept. All workers share them.
type Folders struct {
	Inbox   string // files that came in; they leave it when they are archived
	Work    string // the split lines of files under way
	Archive string // files that were settled, compressed, and reports
}

// Make makes the folders that are missing, for their owner only.
func (f Folders) Make() error {
	for _, folder := range []string{f.Inbox, f.Work, f.Archive} {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// folderMode: files hold merchants' money and card transactions. Their owner only.
const folderMode = 0o700

// Activities takes CRE files in.
type Activities struct {
	pool    *pgxpool.Pool
	folders Folders
	layout  settlement.Layout
	details reject.Reader
	cut     part.Cut
	clock   func() time.Time
	// contracts are those of which lines may settle payments.
	contracts map[string]bool

	directory directory
}

// Option changes what New makes.
type Option func(*Activities)

// WithCut cuts files into other transactions than the ordinary ones.
func WithCut(cut part.Cut) Option { return func(a *Activities) { a.cut = cut } }

// WithLayout reads CRE files that are written in another layout than our own.
func WithLayout(layout settlement.Layout) Option { return func(a *Activities) { a.layout = layout } }

// WithContracts keeps the sales and refunds under these acceptance contracts, to
// have payments matched with them. Without any it costs nothing.
func WithContracts(contracts []string) Option {
	return func(a *Activities) {
		a.contracts = make(map[string]bool, len(contracts))
		for _, contract := range contracts {
			a.contracts[contract] = true
		}
	}
}

// New makes the activities. details knows the details of lots of rejects, which
// are awaited too, and clock gives the hour against which a cut-off is held.
func New(
	pool *pgxpool.Pool, folders Folders, details reject.Reader, clock func() time.Time, options ...Option,
) *Activities {
	a := &Activities{
		pool: pool, folders: folders, layout: settlement.CRE1{}, details: details, cut: part.OrdinaryCut(), clock: clock,
	}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.AwaitFileName:   a.AwaitFile,
		activities.LoadFileName:    a.LoadFile,
		activities.ArchiveFileName: a.ArchiveFile,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}
