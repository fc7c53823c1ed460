package remittances

import (
	"context"
	"errors"
	"io"

	"github.com/reglo/reglo/domain/transfer"
)

// Channel is the way to the bank.
type Channel interface {
	// Send hands a bulk over. content writes the bulk's file, the same bytes each
	// time it is called. The outcome is SENT, REJECTED or UNKNOWN.
	//
	// An error that wraps [ErrNotSent] says that the bank has nothing of this
	// attempt and will get nothing of it; any other leaves open what the bank has.
	Send(ctx context.Context, bulk transfer.Bulk, content func(io.Writer) error) (Outcome, error)
	// LookUp asks what became of a bulk that was handed over: SENT, REJECTED, or
	// UNKNOWN. PREPARED says that the bank does not have it, and that nothing of
	// an earlier attempt can reach it any more: a channel that cannot be sure of
	// that says UNKNOWN.
	LookUp(ctx context.Context, name string) (Outcome, error)
}

// Outcome is what a channel knows of a bulk.
type Outcome struct {
	State transfer.State
	// Detail is for operators: no names and no accounts.
	Detail string
}

// ErrNotSent is wrapped by errors of [Channel.Send] after which the bulk may be
// sent again.
var ErrNotSent = errors.New("the bulk was not sent")
