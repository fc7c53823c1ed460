package divalto

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Endpoint is one of the ERP's services.
type Endpoint string

// The endpoints.
const (
	Auth      Endpoint = "auth"
	Execute   Endpoint = "execute"
	RecordSQL Endpoint = "recordsql"
)

// Kind is what goes wrong.
type Kind string

// The kinds. Those up to Unreadable happen at every endpoint.
const (
	// ServerError answers 500 and does nothing, ServerErrorAfter once all is done.
	ServerError      Kind = "server-error"
	ServerErrorAfter Kind = "server-error-after"
	// Slow waits At milliseconds before anything is booked, SlowAfter once all is done. A caller that goes away meanwhile
	// does not stop what it has asked for.
	Slow      Kind = "slow"
	SlowAfter Kind = "slow-after"
	// ReplyLost cuts the connection instead of answering, once all is done.
	ReplyLost Kind = "reply-lost"
	// ReplyCut cuts the connection after At bytes of the answer, its headers included, once all is done; RequestCut after
	// At bytes of the body of the request, and nothing is done.
	ReplyCut   Kind = "reply-cut"
	RequestCut Kind = "request-cut"
	// Unreadable answers with something that is no JSON, once all is done.
	Unreadable Kind = "unreadable"
	// TechnicalError answers an error of At, 5 for none, and does nothing: a refused authentication at Auth.
	TechnicalError Kind = "technical-error"

	// TokenExpired takes the token for an expired one, at Execute and RecordSQL; it is expired for ever then.
	TokenExpired Kind = "token-expired"
	// EmptyResult answers no result once all is done at Execute, and finds nothing at RecordSQL.
	EmptyResult Kind = "empty-result"

	// TechnicalErrorAfter answers an error of At, 5 for none, though it is booked. This and what follows is of Execute, and
	// happens to what is booked.
	TechnicalErrorAfter Kind = "technical-error-after"
	// Rejected refuses a posting with the resultcode At, 1 for none; nothing is booked.
	Rejected Kind = "rejected"
	// NoID answers no transactionId, SeveralIDs two of them.
	NoID       Kind = "no-id"
	SeveralIDs Kind = "several-ids"
	// Malformed answers as ShapeBroken does.
	Malformed Kind = "malformed"

	// Refused takes no connections for At milliseconds, from now on: of no endpoint, once.
	Refused Kind = "refused"
)

// endpoints gives those at which a kind happens; none of a kind that there is not.
func endpoints(kind Kind) []Endpoint {
	switch kind {
	case ServerError, ServerErrorAfter, Slow, SlowAfter, ReplyLost, ReplyCut, RequestCut, Unreadable, TechnicalError:
		return []Endpoint{Execute, Auth, RecordSQL}
	case TokenExpired, EmptyResult:
		return []Endpoint{Execute, RecordSQL}
	case TechnicalErrorAfter, Rejected, NoID, SeveralIDs, Malformed, Refused:
		return []Endpoint{Execute}
	default:
		return nil
	}
}

// Kinds gives all of them.
func Kinds() []Kind {
	return []Kind{
		ServerError, ServerErrorAfter, Slow, SlowAfter, ReplyLost, ReplyCut, RequestCut, Unreadable, TechnicalError,
		TokenExpired, EmptyResult, TechnicalErrorAfter, Rejected, NoID, SeveralIDs, Malformed, Refused,
	}
}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind Kind `json:"kind"`
	// On is where it happens, at Execute when it is empty.
	On Endpoint `json:"on,omitempty"`
	At int64    `json:"at,omitempty"`
	// Times is how often it happens, until it is taken away when it is zero.
	Times int `json:"times,omitempty"`
}

// ErrFault is a fault that is none.
var ErrFault = errors.New("no fault: want KIND, KIND=NUMBER, ENDPOINT/KIND and *TIMES, of a kind that happens there")

// ParseFault reads a fault as it stands on a command line: slow=500, reply-cut=12*3, recordsql/server-error*1.
func ParseFault(text string) (Fault, error) {
	var fault Fault
	rest, times, counted := strings.Cut(text, "*")
	if counted {
		var err error
		if fault.Times, err = strconv.Atoi(times); err != nil || fault.Times < 1 {
			return Fault{}, fmt.Errorf("%q: %w", text, ErrFault)
		}
	}
	on, of, named := strings.Cut(rest, "/")
	if !named {
		on, of = string(Execute), rest
	}
	if on == "" {
		return Fault{}, fmt.Errorf("%q: %w", text, ErrFault)
	}
	fault.On = Endpoint(on)
	kind, value, numbered := strings.Cut(of, "=")
	fault.Kind = Kind(kind)
	if numbered {
		var err error
		if fault.At, err = strconv.ParseInt(value, 10, 64); err != nil {
			return Fault{}, fmt.Errorf("%q: %w", text, ErrFault)
		}
	}
	if err := fault.check(); err != nil {
		return Fault{}, err
	}
	return fault, nil
}

// maxLate is the longest wait that a fault may ask for, in milliseconds: an hour, beyond which a wait is a mistake.
const maxLate = 3_600_000

func (f *Fault) check() error {
	late := f.Kind == Slow || f.Kind == SlowAfter || f.Kind == Refused
	switch {
	case !slices.Contains(endpoints(f.Kind), f.on()), f.At < 0, f.Times < 0, late && f.At > maxLate, f.Kind == Refused && f.At == 0:
		return fmt.Errorf("%q at %q with %d, of %q: %w", f.Kind, f.on(), f.At, Kinds(), ErrFault)
	default:
		return nil
	}
}

func (f *Fault) on() Endpoint {
	if f.On == "" {
		return Execute
	}
	return f.On
}

// Break says what goes wrong from now on; nothing when there are none. Faults of one kind at one place follow one another.
func (e *ERP) Break(faults ...Fault) error {
	kept := make([]Fault, 0, len(faults))
	var shut time.Duration
	for _, fault := range faults {
		if err := fault.check(); err != nil {
			return err
		}
		if fault.Kind == Refused {
			shut = time.Duration(fault.At) * time.Millisecond
			continue
		}
		fault.On = fault.on()
		kept = append(kept, fault)
	}
	e.lock.Lock()
	defer e.lock.Unlock()
	e.faults = kept
	switch {
	case shut == 0:
		return nil
	case e.gate == nil:
		e.shutFor = shut // once it is served
		return nil
	default:
		return e.gate.shut(shut)
	}
}

// take tells whether something goes wrong now.
func (e *ERP) take(on Endpoint, kind Kind) (Fault, bool) {
	e.lock.Lock()
	defer e.lock.Unlock()
	at := slices.IndexFunc(e.faults, func(f Fault) bool { return f.Kind == kind && f.On == on })
	if at < 0 {
		return Fault{}, false
	}
	fault := e.faults[at]
	switch fault.Times {
	case 0:
	case 1:
		e.faults = slices.Delete(e.faults, at, at+1)
	default:
		e.faults[at].Times--
	}
	return fault, true
}
