// Package pesitwizard is a STAND-IN for PeSIT Wizard, the product by which files go to a bank over PeSIT, and for the bank
// behind it. It is written from the product's API alone and knows nothing of the engine. It plays the product on a
// developer's machine and in tests, over real sockets, and never reaches a bank.
//
// It serves both of the product's APIs, that below /api and that below /api/v1. What it sends is kept in a folder, as the
// bank has it; what it receives is taken from another one, when it is asked for it or when the bank pushes it. It calls
// webhooks that are registered. What goes wrong with such
// a product goes wrong on demand: see [Fault]. What it knows of transfers lasts as long as the process.
package pesitwizard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Server is a bank as the product has it configured.
type Server struct {
	Number   int // from 1
	Name     string
	Disabled bool
}

// Settings are those of the product.
type Settings struct {
	// Received is the folder of what the bank has, one file for each remote name.
	Received string
	// Offered is the folder of what the bank has for us.
	Offered string
	// Arrived is the folder into which the product puts what the bank brings without being asked, as callers of V1 share it;
	// .arrived within Offered when it is empty.
	Arrived string
	// Key is what callers show as Bearer or X-API-Key; anyone may call when it is empty.
	Key string
	// Servers are the banks. The first is the default one, taken for a name that is unknown.
	Servers []Server
	// Partner is the only one that the bank knows.
	Partner string
	// Header is the header of webhooks' signatures, X-Webhook-Signature when it is empty.
	Header string
	Clock  func() time.Time
}

// Kept is what the bank has under one remote name.
type Kept struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"` // of the last copy
	SHA256 string `json:"sha256"`
	// Copies is how many the bank took.
	Copies int `json:"copies"`
}

// Product is the stand-in. It is safe for concurrent use.
type Product struct {
	settings Settings
	client   *http.Client // calls webhooks
	running  *errands

	lock      sync.Mutex
	transfers map[string]*transfer
	order     []string
	kept      map[string]*Kept
	faults    []Fault
	webhooks  []hook
	pushed    map[string]string // SHA-256 of what was brought last under each name
	meddled   int
	held      chan struct{} // closed by Release
}

// ErrSettings says that the product cannot begin.
var ErrSettings = errors.New("settings of the stand-in: want two folders, a partner, at least one server and a clock")

// webhookTimeout is for one call of a webhook.
const webhookTimeout = 10 * time.Second

// folderMode: files hold merchants' names and accounts.
const folderMode = 0o700

// New makes the stand-in and its folders.
func New(settings Settings) (*Product, error) {
	if settings.Received == "" || settings.Offered == "" || settings.Partner == "" || len(settings.Servers) == 0 || settings.Clock == nil {
		return nil, ErrSettings
	}
	if settings.Header == "" {
		settings.Header = "X-Webhook-Signature"
	}
	if settings.Arrived == "" {
		settings.Arrived = filepath.Join(settings.Offered, ".arrived")
	}
	for _, folder := range []string{settings.Received, settings.Offered, settings.Arrived} {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return nil, fmt.Errorf("make a folder: %w", err)
		}
	}
	return &Product{
		settings: settings, running: newErrands(), client: &http.Client{Timeout: webhookTimeout},
		transfers: map[string]*transfer{}, kept: map[string]*Kept{}, pushed: map[string]string{}, held: make(chan struct{}),
	}, nil
}

// Kept gives what the bank has, by name.
func (p *Product) Kept() []Kept {
	p.lock.Lock()
	defer p.lock.Unlock()
	all := make([]Kept, 0, len(p.kept))
	for _, name := range slices.Sorted(maps.Keys(p.kept)) {
		all = append(all, *p.kept[name])
	}
	return all
}

// Copies is how many copies of a file the bank took.
func (p *Product) Copies(name string) int {
	p.lock.Lock()
	defer p.lock.Unlock()
	if kept := p.kept[name]; kept != nil {
		return kept.Copies
	}
	return 0
}

// Meddled is how often somebody asked to replay, resume or cancel a transfer.
func (p *Product) Meddled() int {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.meddled
}

// Release lets transfers go on that [Stuck] holds.
func (p *Product) Release() {
	p.lock.Lock()
	defer p.lock.Unlock()
	close(p.held)
	p.held = make(chan struct{})
}

// Settle waits until no transfer and no webhook is under way.
func (p *Product) Settle() { p.running.wait() }

// The states of transfers.
const (
	inProgress = "IN_PROGRESS"
	completed  = "COMPLETED"
	failed     = "FAILED"
)

// The directions.
const (
	sending   = "SEND"
	receiving = "RECEIVE"
)

// transfer is one, as V1 shows it.
type transfer struct {
	ID            string    `json:"id"`
	ServerName    string    `json:"serverName"`
	PartnerID     string    `json:"partnerId"`
	Direction     string    `json:"direction"`
	LocalFilename string    `json:"localFilename"`
	Remote        string    `json:"remoteFilename"`
	FileSize      *int64    `json:"fileSize"`
	Transferred   *int64    `json:"bytesTransferred"`
	Status        string    `json:"status"`
	ErrorMessage  *string   `json:"errorMessage"`
	Diagnostic    *string   `json:"diagnosticCode"`
	Checksum      *string   `json:"checksum"`
	CorrelationID string    `json:"correlationId"`
	StartedAt     time.Time `json:"startedAt"`
}

// asked is what a transfer is asked for by, in either dialect.
type asked struct {
	server      Server
	partner     string
	local       string // path of the file that is sent, or that is to be written
	remote      string
	correlation string
	direction   string
}

// begin keeps a new transfer.
func (p *Product) begin(wanted asked) *transfer {
	p.lock.Lock()
	defer p.lock.Unlock()
	begun := &transfer{
		ID: uuid.NewString(), ServerName: wanted.server.Name, PartnerID: wanted.partner, Direction: wanted.direction,
		LocalFilename: wanted.local, Remote: wanted.remote, Status: inProgress, CorrelationID: wanted.correlation,
		StartedAt: p.settings.Clock(),
	}
	p.transfers[begun.ID] = begun
	p.order = append(p.order, begun.ID)
	return begun
}

// find gives a copy of a transfer.
func (p *Product) find(id string) (transfer, bool) {
	p.lock.Lock()
	defer p.lock.Unlock()
	found, ok := p.transfers[id]
	if !ok {
		return transfer{}, false
	}
	return *found, true
}

// correlated gives the transfers under a correlation.
func (p *Product) correlated(correlation string) []transfer {
	p.lock.Lock()
	defer p.lock.Unlock()
	var all []transfer
	for _, id := range p.order {
		if found := p.transfers[id]; found.CorrelationID == correlation {
			all = append(all, *found)
		}
	}
	return all
}

// end keeps how a transfer ended, and calls the webhooks.
func (p *Product) end(ctx context.Context, ended *transfer, result result) {
	p.lock.Lock()
	ended.Status = result.status
	if !result.silent {
		ended.Transferred = result.bytes
	}
	if result.diagnostic != "" {
		ended.Diagnostic = &result.diagnostic
	}
	if result.message != "" {
		ended.ErrorMessage = &result.message
	}
	notice := *ended
	p.lock.Unlock()
	p.call(ctx, &notice, result.bytes)
}

// result is how a transfer ended.
type result struct {
	status     string
	bytes      *int64
	silent     bool // the product does not say how many bytes
	diagnostic string
	message    string
}

// The diagnostics that the bank gives by itself: class and reason in three bytes.
const (
	diagnosticPartner = "0x03012D" // 301, who calls is unknown
	diagnosticNoFile  = "0x0200CD" // 205, there is no such file
)

// send brings a file to the bank.
func (p *Product) send(ctx context.Context, wanted asked) result {
	if refused, broken := p.take(Refused); broken {
		return result{status: failed, diagnostic: refused.Text, message: "refused"}
	}
	if wanted.partner != p.settings.Partner {
		return result{status: failed, diagnostic: diagnosticPartner, message: "unknown partner"}
	}
	limit := int64(-1)
	if short, broken := p.take(ShortSend); broken {
		limit = short.At
	}
	count, err := p.deliver(wanted, limit)
	if err != nil {
		return result{status: failed, message: "the file could not be read"}
	}
	for kind, status := range map[Kind]string{FailedAfter: failed, Cancelled: "CANCELLED", Interrupted: "INTERRUPTED"} {
		if _, broken := p.take(kind); broken {
			return result{status: status, message: "the bank's acknowledgement did not come"}
		}
	}
	p.hold(ctx)
	_, silent := p.take(NoSize)
	return result{status: completed, bytes: &count, silent: silent}
}

// hold waits for Release when the product is to be stuck.
func (p *Product) hold(ctx context.Context) {
	p.lock.Lock()
	held := p.held
	p.lock.Unlock()
	if _, broken := p.take(Stuck); !broken {
		return
	}
	select {
	case <-held:
	case <-ctx.Done():
	}
}

// deliver puts a file into the bank's folder, whole or up to a limit.
func (p *Product) deliver(wanted asked, limit int64) (int64, error) {
	from, err := os.Open(wanted.local)
	if err != nil {
		return 0, fmt.Errorf("open what is to be sent: %w", err)
	}
	defer func() { _ = from.Close() }() // only read
	content := io.Reader(from)
	if limit >= 0 {
		content = io.LimitReader(from, limit)
	}
	hash := sha256.New()
	count, err := place(filepath.Join(p.settings.Received, wanted.remote), io.TeeReader(content, hash))
	if err != nil {
		return 0, err
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	kept := p.kept[wanted.remote]
	if kept == nil {
		kept = &Kept{Name: wanted.remote}
		p.kept[wanted.remote] = kept
	}
	kept.Copies++
	kept.Bytes, kept.SHA256 = count, hex.EncodeToString(hash.Sum(nil))
	return count, nil
}

// receive brings a file of the bank to a path.
func (p *Product) receive(wanted asked) result {
	if refused, broken := p.take(Refused); broken {
		return result{status: failed, diagnostic: refused.Text, message: "refused"}
	}
	if wanted.partner != p.settings.Partner {
		return result{status: failed, diagnostic: diagnosticPartner, message: "unknown partner"}
	}
	from, err := os.Open(filepath.Join(p.settings.Offered, wanted.remote))
	if err != nil {
		return result{status: failed, diagnostic: diagnosticNoFile, message: "no such file"}
	}
	defer func() { _ = from.Close() }() // only read
	about, err := from.Stat()
	if err != nil {
		return result{status: failed, message: "the file could not be read"}
	}
	size := about.Size()
	content := io.Reader(from)
	if short, broken := p.take(TruncatedReceive); broken {
		content = io.LimitReader(from, short.At)
	}
	if _, err := place(wanted.local, content); err != nil {
		return result{status: failed, message: "the file could not be written"}
	}
	return result{status: completed, bytes: &size}
}

// place writes a file whole or not at all.
func place(path string, content io.Reader) (int64, error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return 0, fmt.Errorf("begin a file: %w", err)
	}
	count, err := io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("write a file: %w", err), os.Remove(file.Name()))
	}
	return count, nil
}

// namePattern is what remote names are made of: they become names of files.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
