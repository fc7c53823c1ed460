// Package channels is the port to partners that take files: adapters below it
// are named after their technology. What is in a file is the caller's business.
//
// # What is said of an attempt
//
// Whatever goes wrong, wherever it does, an attempt ends in one of these, and they
// never mix:
//
//   - SENT: the partner, or what stands before it, acknowledged the whole file, by
//     its size or its content.
//   - Not sent ([ErrNotSent]): nothing of it reached the partner, nor can any more.
//     Nobody listens; who we are is refused, with a PeSIT diagnostic of 301 or 304
//     or a status of HTTP in the fours; the file is refused before data, with a
//     diagnostic of 200 to 207 or 226; or the line ends where the partner cannot
//     keep what it has as the file. It may be sent again.
//   - UNKNOWN: all between. A reply is lost after the end of the file went, a server
//     fails while it answers, a transfer FAILED without a diagnostic (the last
//     acknowledgement may be all that was lost), is CANCELLED or INTERRUPTED, or goes
//     on beyond its time. It is looked up, and otherwise waits for an operator or
//     the bank's own word; it is never sent again by itself.
//
// So a partner that is dispatched to by these rules has at most one copy of a file.
// Each adapter's tests hold this for each fault at each moment, by the count of the
// partner.
package channels

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/reglo/reglo/domain/transfer"
)

// File is what is handed over.
type File struct {
	// Name is its name at the partner, without a folder: letters, digits, dots,
	// hyphens and underscores. It is one file's for ever.
	Name string
	// Correlation is by what an attempt is found again where the partner keeps
	// one: a uuid, the file's for ever.
	Correlation string
	Bytes       int64
	SHA256      [sha256.Size]byte
	// Write writes the content: the same Bytes bytes each time it is called.
	Write func(io.Writer) error
}

// Channel is a way to one partner.
type Channel interface {
	// Send hands a file over, in one attempt. The outcome is SENT, REJECTED or
	// UNKNOWN.
	//
	// An error that wraps [ErrNotSent] says that the partner has nothing of this
	// attempt and will get nothing of it; any other leaves open what it has.
	Send(ctx context.Context, file File) (Outcome, error)
	// LookUp asks what became of a file that was handed over: SENT, REJECTED, or
	// UNKNOWN. PREPARED says that the partner does not have it, and that nothing
	// of an earlier attempt can reach it any more: a channel that cannot be sure
	// of that says UNKNOWN. It never sends, cancels or resumes anything.
	LookUp(ctx context.Context, file File) (Outcome, error)
}

// namePattern is what a partner's file system, a shell and a protocol of thirty
// years ago take; a name cannot leave its folder or be hidden in it.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ErrName is a name that no file may be handed over by.
var ErrName = errors.New("no name for a file at a partner: want 1 to 64 letters, digits, dots, hyphens and underscores")

// CheckName is nil for what may be a [File]'s name, otherwise it wraps [ErrName].
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	return nil
}

// Outcome is what a channel knows of a file.
type Outcome struct {
	State transfer.State
	// Detail is for operators: no names and no accounts.
	Detail string
}

// ErrNotSent is wrapped by errors of [Channel.Send] after which the file may be
// sent again.
var ErrNotSent = errors.New("the file was not sent")
