package pesitwizard

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what goes wrong.
type Kind string

// The kinds. Those up to RequestCut happen at the door, to requests that send or receive; those from Refused to NoSize to
// transfers.
const (
	// Unauthorized answers 401, before anything is read.
	Unauthorized Kind = "unauthorized"
	// ServerError answers 500 before anything is read, ServerErrorAfter once all is done.
	ServerError      Kind = "server-error"
	ServerErrorAfter Kind = "server-error-after"
	// Redirect answers 307 to Text.
	Redirect Kind = "redirect"
	// Slow answers At milliseconds late.
	Slow Kind = "slow"
	// ReplyLost cuts the connection instead of answering, once all is done.
	ReplyLost Kind = "reply-lost"
	// Garbage answers with something that is no JSON, once all is done.
	Garbage Kind = "garbage"
	// OtherServer takes the default bank instead of the one that was named.
	OtherServer Kind = "other-server"
	// ReplyCut cuts the connection after At bytes of what is answered, RequestCut after At bytes of a request: on the
	// socket, headers included.
	ReplyCut   Kind = "reply-cut"
	RequestCut Kind = "request-cut"

	// Refused fails with the diagnostic that Text is, and brings the bank nothing.
	Refused Kind = "refused"
	// ShortSend brings the bank the first At bytes and says so.
	ShortSend Kind = "short-send"
	// TwoTransfers brings the bank two copies, for one request of V1.
	TwoTransfers Kind = "two-transfers"
	// FailedAfter, Cancelled and Interrupted are what the product says of a transfer that has brought the bank all.
	FailedAfter Kind = "failed-after"
	Cancelled   Kind = "cancelled"
	Interrupted Kind = "interrupted"
	// Stuck leaves a transfer IN_PROGRESS until Release, though the bank has all.
	Stuck Kind = "stuck"
	// TruncatedReceive writes the first At bytes of what the bank offers, and says that it is all.
	TruncatedReceive Kind = "truncated-receive"
	// NoSize says COMPLETED, and not how many bytes.
	NoSize Kind = "no-size"

	// WebhookTwice calls each webhook twice, WebhookForged once before with a signature of somebody else's.
	WebhookTwice  Kind = "webhook-twice"
	WebhookForged Kind = "webhook-forged"
)

// Kinds gives all of them.
func Kinds() []Kind {
	return []Kind{
		Unauthorized, ServerError, ServerErrorAfter, Redirect, Slow, ReplyLost, Garbage, OtherServer, ReplyCut, RequestCut,
		Refused, ShortSend, TwoTransfers, FailedAfter, Cancelled, Interrupted, Stuck, TruncatedReceive, NoSize,
		WebhookTwice, WebhookForged,
	}
}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind Kind   `json:"kind"`
	At   int64  `json:"at,omitempty"`
	Text string `json:"text,omitempty"`
	// Times is how often it happens, until it is taken away when it is zero.
	Times int `json:"times,omitempty"`
}

// ErrFault is a fault that is none.
var ErrFault = errors.New("no fault: want KIND, KIND=NUMBER or KIND=TEXT, and *TIMES")

// ParseFault reads a fault as it stands on a command line: refused=0x03012D, reply-cut=12*3.
func ParseFault(text string) (Fault, error) {
	var fault Fault
	text, times, counted := strings.Cut(text, "*")
	if counted {
		var err error
		if fault.Times, err = strconv.Atoi(times); err != nil || fault.Times < 1 {
			return Fault{}, fmt.Errorf("%q: %w", text, ErrFault)
		}
	}
	kind, value, _ := strings.Cut(text, "=")
	fault.Kind, fault.Text = Kind(kind), value
	if number, err := strconv.ParseInt(value, 10, 64); err == nil {
		fault.At, fault.Text = number, ""
	}
	if err := fault.check(); err != nil {
		return Fault{}, err
	}
	return fault, nil
}

func (f *Fault) check() error {
	if !slices.Contains(Kinds(), f.Kind) || f.At < 0 || f.Times < 0 {
		return fmt.Errorf("%q, of %q: %w", f.Kind, Kinds(), ErrFault)
	}
	return nil
}

// Break says what goes wrong from now on; nothing when there are none.
func (p *Product) Break(faults ...Fault) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.faults = slices.Clone(faults)
}

// take tells whether something goes wrong now.
func (p *Product) take(kind Kind) (Fault, bool) {
	p.lock.Lock()
	defer p.lock.Unlock()
	at := slices.IndexFunc(p.faults, func(f Fault) bool { return f.Kind == kind })
	if at < 0 {
		return Fault{}, false
	}
	fault := p.faults[at]
	switch fault.Times {
	case 0:
	case 1:
		p.faults = slices.Delete(p.faults, at, at+1)
	default:
		p.faults[at].Times--
	}
	return fault, true
}
