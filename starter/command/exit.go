package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/api/serviceerror"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// What the program's exit code says.
const (
	ExitDone        = 0   // what was asked for is done, or was done before
	ExitEnded       = 1   // it ended with error, or a check found something broken
	ExitInput       = 2   // the command line, or what it names, is not usable
	ExitWaiting     = 3   // it waits for an operator or a file
	ExitUnreachable = 4   // PostgreSQL or Temporal does not answer
	ExitInterrupted = 130 // SIGINT or SIGTERM, as shells number it
)

// InputError is a command line, or something that it names, which cannot be
// used. Next says what to do about it, in a sentence.
type InputError struct {
	What string
	Next string
	Err  error
}

func (e *InputError) Error() string { return withCause(e.What, e.Err) }
func (e *InputError) Unwrap() error { return e.Err }

// UnreachableError is a server that does not answer.
type UnreachableError struct {
	Service string // PostgreSQL or Temporal
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return withCause(e.Service+" at "+e.Address+" does not answer", e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// WaitingError is a run that waits for a person or a file at the deadline.
type WaitingError struct {
	What string
	Next string
}

func (e *WaitingError) Error() string { return e.What }

// EndedError is something that ended with error, or that a check found broken.
type EndedError struct {
	What string
	Next string
	// Failure is a vacation's, else nil.
	Failure *vacation.Failure
}

func (e *EndedError) Error() string { return e.What }

// interruptedError is a command that the operator broke off.
type interruptedError struct {
	What string
	Next string
}

func (e *interruptedError) Error() string { return e.What }

func withCause(what string, err error) string {
	if err == nil {
		return what
	}
	return what + ": " + firstLine(err.Error())
}

// outcome is how an error ends the program: its exit code, what happened and
// what to do next, a line each.
type outcome struct {
	Code int    `json:"exitCode"`
	What string `json:"message"`
	Next string `json:"next,omitempty"`
}

// outcomeOf is the one place where errors become exit codes.
func outcomeOf(err error) outcome {
	var (
		input       *InputError
		unreachable *UnreachableError
		waiting     *WaitingError
		ended       *EndedError
		interrupted *interruptedError
	)
	switch {
	case err == nil:
		return outcome{Code: ExitDone}
	case errors.As(err, &input):
		return outcome{ExitInput, input.Error(), input.Next}
	case errors.As(err, &unreachable):
		return outcome{ExitUnreachable, unreachable.Error(), unreachableNext(unreachable)}
	case errors.As(err, &waiting):
		return outcome{ExitWaiting, waiting.What, waiting.Next}
	case errors.As(err, &ended):
		return outcome{ExitEnded, ended.What, ended.Next}
	case errors.As(err, &interrupted):
		return outcome{ExitInterrupted, interrupted.What, interrupted.Next}
	case errors.Is(err, context.Canceled):
		return outcome{ExitInterrupted, "interrupted", "run the same command again; what it had committed stays, and is not done twice"}
	default:
		return outcomeOfCause(err)
	}
}

// outcomeOfCause judges errors that come from the packages below.
func outcomeOfCause(err error) outcome {
	const correct = "correct the value and run the command again"
	var (
		faults    *fault.Faults
		amount    *money.ParseError
		date      *calendar.ParseError
		version   *postgres.VersionError
		path      *fs.PathError
		connect   *pgconn.ConnectError
		gone      *serviceerror.Unavailable
		gap       *merchants.SequenceError
		duplicate *merchants.ConflictError
		unknown   *audit.NotFoundError
	)
	switch {
	case errors.As(err, &faults):
		return outcome{ExitInput, faults.Error(), "`starter file check FILE` lists every fault with its place"}
	case errors.As(err, &amount), errors.As(err, &date):
		return outcome{ExitInput, firstLine(err.Error()), correct}
	case errors.As(err, &gap), errors.As(err, &duplicate):
		return outcome{ExitInput, firstLine(err.Error()), ""}
	case errors.As(err, &unknown):
		return outcome{
			ExitInput, unknown.Error(),
			"see that it is written as it was given, and that REGLO_DATABASE_URL names the right books",
		}
	case errors.As(err, &version):
		return outcome{ExitEnded, version.Error(), ""}
	case errors.As(err, &path):
		return outcome{ExitInput, firstLine(err.Error()), "name a file or folder that exists and that you may use"}
	case errors.As(err, &connect):
		address := fmt.Sprintf("%s:%d/%s", connect.Config.Host, connect.Config.Port, connect.Config.Database)
		return outcomeOf(&UnreachableError{Service: servicePostgres, Address: address, Err: rootCause(err)})
	case errors.As(err, &gone), errors.Is(err, context.DeadlineExceeded):
		return outcome{
			ExitUnreachable, firstLine(err.Error()),
			"see that the server answers, then run the command again; nothing is done twice",
		}
	default:
		return outcome{ExitEnded, firstLine(err.Error()), ""}
	}
}

// The servers, as messages name them.
const (
	servicePostgres = "PostgreSQL"
	serviceTemporal = "Temporal"
)

func unreachableNext(e *UnreachableError) string {
	setting := "REGLO_DATABASE_URL"
	if e.Service == serviceTemporal {
		setting = "TEMPORAL_ADDRESS"
	}
	return "start it (on a development machine: make up, then . .dev/env), or correct " + setting
}

// write puts an outcome on the error stream: two lines at most.
func (o outcome) write(w io.Writer) {
	_, _ = fmt.Fprintln(w, "error: "+o.What)
	if o.Next != "" {
		_, _ = fmt.Fprintln(w, "what to do: "+o.Next)
	}
}

// firstLine keeps a message of another program to one line.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
