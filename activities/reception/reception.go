// Package reception takes in what partners have for us: it keeps each file once,
// by its content, controls it whole, and puts it where its readers find it. What
// nobody knows, and what is damaged, waits for an operator. Whatever a partner
// says of a file, its name, its length, that it is complete, proves nothing.
package reception

import (
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/domain/delivery"
)

// Partner is somebody who has files for us.
type Partner struct {
	// Name is what operators call the partner, and the server of its notices.
	Name    string
	Mailbox channels.Mailbox
}

// Folders are those that files pass through. The first two are on one file
// system, which all workers share.
type Folders struct {
	// Inbox is where readers look for files.
	Inbox string
	// Work has a folder of its own for files that are not in the inbox yet.
	Work string
	// Archive is where reports of faults are put, and files that operators discarded.
	Archive inbox.Archive
}

// received is the folder for files of which the bytes are safe, under the
// hexadecimal digits of their SHA-256.
func (f Folders) received() string { return filepath.Join(f.Work, "received") }

// Parts are what the activities work with.
type Parts struct {
	Pool *pgxpool.Pool
	// Partners may be none: files that operators decided on are put in place all the same.
	Partners []Partner
	Folders  Folders
	// Reader controls files as the vacations do that use them.
	Reader delivery.Reader
	Clock  func() time.Time
}

// Activities takes files in.
type Activities struct {
	Parts

	limit int64 // MaxBytes
}

// New makes the activities.
func New(parts Parts) *Activities { return &Activities{Parts: parts, limit: MaxBytes} }

// RegisterDispatch makes the activities of [activities.DispatchQueue] known to a
// worker under the contract's names.
func (a *Activities) RegisterDispatch(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.ReceiveFiles, activity.RegisterOptions{Name: activities.ReceiveFilesName})
}
