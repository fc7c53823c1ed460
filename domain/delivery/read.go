package delivery

import (
	"errors"
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/pain002"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/statement"
)

// Reader controls files as those who use them do. It is safe for concurrent use.
type Reader struct {
	Layouts

	// Accounts are those of which statements are taken.
	Accounts statement.Accounts
	// Details reads the detail of lots of rejects.
	Details reject.Reader
}

// UselessError is a file that breaks nothing and that nobody reads: it would wait for its reader for ever.
type UselessError struct {
	Reason string
}

func (e *UselessError) Error() string { return e.Reason }

// Read reads a whole file of the kind, in bounded memory, under all controls that need no books. What is business of every
// day, such as a request of a payout that will be rejected, does not make a file wrong. today is the day against which
// dates are held; name is the file's in faults and errors.
//
// number is the one that a Payline file carries, in its sender's sequence, and 0 for the other kinds.
//
// The error is, or wraps, a *[fault.Faults] when the file is refused: nothing of it may be used. It is a [*UselessError] for
// a file without faults that nobody reads, otherwise that of the source.
func (r Reader) Read(name string, source io.ReadSeeker, kind Kind, today calendar.Date) (number int, err error) {
	switch kind {
	case Statement:
		return 0, r.statement(name, source)
	case Report:
		_, err := pain002.Read(name, source, pain002.Handler{})

		return 0, err
	case Notification:
		return 0, r.notification(name, source)
	case CRE:
		_, err := settlement.Read(name, source, r.cre(), func(*settlement.Line) error { return nil })

		return 0, err
	case Merchants:
		return 0, r.merchants(name, source)
	case Payline:
		return r.payline(name, source, today)
	default:
		return 0, &UselessError{Reason: fmt.Sprintf("%q is no kind of file", string(kind))}
	}
}

func (r Reader) statement(name string, source io.Reader) error {
	file, err := statement.Read(name, source, r.Accounts, statement.Handler{})
	if err == nil && len(file.Statements) == 0 {
		return &UselessError{Reason: "holds no statement"}
	}

	return err
}

func (r Reader) notification(name string, source io.Reader) error {
	detail, err := r.Details.Read(name, source, "")
	if err == nil && len(detail.Lots) == 0 {
		return &UselessError{Reason: "details no lot of rejects, and nothing else is read of a notification"}
	}

	return err
}

func (r Reader) merchants(name string, source io.Reader) error {
	each := func(merchant.Merchant) error { return nil }

	var err error
	if r.Merchants == nil {
		_, err = merchant.Read(name, source, lines.Options{}, each)
	} else {
		_, err = merchant.ReadLayout(name, source, r.Merchants, each)
	}

	return err
}

func (r Reader) payline(name string, source io.Reader, today calendar.Date) (int, error) {
	layout := r.Payline
	if layout == nil {
		layout = payline.Ogep1{}
	}

	summary, err := payline.Read(name, source, layout, today, func(*payline.Line) error { return nil })

	return summary.Sequence, err
}

// unlessRefused is nil for what only says that a file is wrong.
func unlessRefused(err error) error {
	if _, refused := errors.AsType[*fault.Faults](err); refused {
		return nil
	}

	return err
}
