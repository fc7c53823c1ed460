// Package bank is a STAND-IN for the bank that keeps the EP's three accounts, written from the bank's contract alone: it
// knows the formats that cross the border (pain.001, pain.002, camt.053, camt.054, CFONB 120 and 240; see [Formats]) and
// nothing of the engine. It plays the bank on a developer's machine and in tests, and never touches real money.
//
// It has books of its own in one JSON file, replaced as a whole, so that it goes on from where it was killed. It takes
// bulk files from an outbox folder and executes each name once at most, takes movements from outside (settlements, fees),
// and answers with statements and the details of rejected lots in an inbox folder. What goes wrong at a bank goes wrong on
// demand: see [Faults].
package bank

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// Account is one of the EP's accounts as it is when the stand-in begins.
type Account struct {
	IBAN    string
	Balance money.Cents // below zero when it is overdrawn
}

// Accounts gives the codes of the accounts that the bank keeps: règlement, cantonnement, fonctionnement.
func Accounts() []ledger.Code {
	return []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement}
}

// Bank is the stand-in. One process uses a state at a time: the others wait for its Close. It is not safe for concurrent
// use.
type Bank struct {
	path   string
	lock   *os.File
	state  state
	faults Faults

	// interrupt is called before each write to the disk; a test makes it fail to kill the bank there.
	interrupt func() error
}

// ErrExists says that there are books already where new ones were to begin.
var ErrExists = errors.New("the bank's books are there already: open them, or remove them to begin anew")

// Option is what the EP and the bank have agreed before the books begin.
type Option func(*state)

// WithFormats has the bank write those formats, instead of those of the zero [Formats].
func WithFormats(formats Formats) Option { return func(begun *state) { begun.Formats = formats } }

// New begins the bank's books in a state file that is not there yet. opening holds the three accounts, each with an IBAN of
// its own. The error is ErrExists, or says what is wrong with the opening or the options.
func New(path string, opening map[ledger.Code]Account, options ...Option) (*Bank, error) {
	begun, err := begin(opening, options)
	if err != nil {
		return nil, err
	}

	bank, err := lock(path)
	if err != nil {
		return nil, err
	}

	bank.state = begun

	switch _, err = os.Stat(path); {
	case err == nil:
		err = fmt.Errorf("%s: %w", path, ErrExists)
	case errors.Is(err, fs.ErrNotExist):
		err = bank.save()
	}

	if err != nil {
		return nil, errors.Join(err, bank.Close())
	}

	return bank, nil
}

// Open goes on with the books in a state file. It waits for a process that has them open.
func Open(path string) (*Bank, error) {
	// A lock beside a state that is not there would stay for nothing.
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the bank's books: %w", err)
	}

	bank, err := lock(path)
	if err != nil {
		return nil, err
	}

	if err := bank.load(); err != nil {
		return nil, errors.Join(err, bank.Close())
	}

	return bank, nil
}

// SetFaults says what goes wrong from now on. It is not kept in the state, but for what it has done by then.
func (b *Bank) SetFaults(faults Faults) { b.faults = faults }

// Close lets go of the books. It writes nothing: every operation has written what it did.
func (b *Bank) Close() error {
	if err := b.lock.Close(); err != nil {
		return fmt.Errorf("let go of the bank's books: %w", err)
	}

	return nil
}

// Balance is where an account stands: what was booked, on a statement or not yet. It is zero for an account that the bank
// does not keep.
func (b *Bank) Balance(code ledger.Code) money.Cents {
	account, kept := b.state.Accounts[code]
	if !kept {
		return 0
	}

	return account.balance()
}

// state is all that the bank knows.
type state struct {
	Format   string                   `json:"format"`
	Formats  Formats                  `json:"formats,omitzero"`
	Date     calendar.Date            `json:"date,omitzero"` // of the last statements
	Accounts map[ledger.Code]*account `json:"accounts"`
	Bulks    map[string]*bulk         `json:"bulks"`
	Refused  map[string]string        `json:"refused,omitempty"` // SHA-256 of files that it was told of, and that are not put away
	Told     map[string]told          `json:"told"`              // movements from outside, by their keys
	Later    []movement               `json:"later"`             // to be booked on a day to come
	Mail     []letter                 `json:"mail"`              // not delivered yet
	LastLine int                      `json:"lastLine"`
	LastLot  int                      `json:"lastLot"`
}

// account is one account's books.
type account struct {
	IBAN     string        `json:"iban"`
	Stated   money.Cents   `json:"statedCents"`       // closing balance of the last statement
	StatedOn calendar.Date `json:"statedOn,omitzero"` // the last statement's day
	Sequence int           `json:"sequence"`          // of the last statement
	Open     []line        `json:"open"`              // booked, and on no statement yet
}

func (a *account) balance() money.Cents {
	balance := a.Stated
	for i := range a.Open {
		balance += a.Open[i].Amount
	}

	return balance
}

const stateFormat = "bank-stand-in/1"

func begin(opening map[ledger.Code]Account, options []Option) (state, error) {
	begun := state{
		Format: stateFormat, Accounts: map[ledger.Code]*account{}, Bulks: map[string]*bulk{}, Told: map[string]told{},
	}
	seen := map[string]ledger.Code{}

	for _, code := range Accounts() {
		given, found := opening[code]
		if !found {
			return state{}, fmt.Errorf("the bank's books: %s is missing from the opening", code)
		}

		if err := iban.Check(given.IBAN); err != nil {
			return state{}, fmt.Errorf("the bank's books: IBAN of %s: %w", code, err)
		}

		if other, taken := seen[given.IBAN]; taken {
			return state{}, fmt.Errorf("the bank's books: %s and %s have the same IBAN", other, code)
		}

		seen[given.IBAN] = code
		begun.Accounts[code] = &account{IBAN: given.IBAN, Stated: given.Balance}
	}

	for _, option := range options {
		option(&begun)
	}

	if err := begun.Formats.check(); err != nil {
		return state{}, err
	}

	return begun, begun.Formats.checkAccounts(begun.Accounts)
}

// lock takes hold of the books. The kernel lets go of them when the process ends, however it does.
func lock(path string) (*Bank, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("the bank's books: %w", err)
	}

	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, fmt.Errorf("the bank's books: %w", err)
	}

	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, privateMode)
	if err != nil {
		return nil, fmt.Errorf("the bank's books: %w", err)
	}

	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("the bank's books: wait for who has them open: %w", err), file.Close())
	}

	return &Bank{path: path, lock: file, interrupt: func() error { return nil }}, nil
}

func (b *Bank) load() error {
	document, err := os.ReadFile(b.path)
	if err != nil {
		return fmt.Errorf("read the bank's books: %w", err)
	}

	if err := json.Unmarshal(document, &b.state); err != nil {
		return fmt.Errorf("read the bank's books in %s: %w", b.path, err)
	}

	if b.state.Format != stateFormat {
		return fmt.Errorf("%s is not the state of a bank of the format %s", b.path, stateFormat)
	}

	for _, code := range Accounts() {
		if b.state.Accounts[code] == nil {
			return fmt.Errorf("%s holds no %s: it is not the state of a whole bank", b.path, code)
		}
	}

	return nil
}

// save replaces the state file as a whole.
func (b *Bank) save() error {
	document, err := json.Marshal(b.state)
	if err != nil {
		return fmt.Errorf("write the bank's books: %w", err)
	}

	return b.replace(b.path, append(document, '\n'), privateMode)
}

const (
	folderMode  = 0o755 // of folders that the engine reads, maybe as another user
	privateMode = 0o600 // of the state, which holds the EP's IBANs
	sharedMode  = 0o644 // of what the engine reads
)

// replace writes a file under another name first: who watches the folder never sees a part of it.
func (b *Bank) replace(path string, content []byte, mode os.FileMode) (err error) {
	if err := b.interrupt(); err != nil {
		return err
	}

	// Names with a dot in front are passed over by whoever watches the folder.
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}

	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // gone when it was renamed
		}
	}()

	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}

	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}

	return nil
}
