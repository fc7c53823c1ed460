// Package reject reads the detail of a lot of payouts that came back, in whichever of its formats the bank sends it:
// pain.002, camt.054 or CFONB 240.
package reject

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	// Max is the largest number of payouts of a lot. A lot is held in memory while its payouts are found, in some 150 bytes
	// each; the largest bulk has 10,000.
	Max = 200_000

	// shortest is the length of the shortest file that can be told, in bytes: the first record of CFONB 240. The opening of
	// an XML document is shorter, and the whole of one is longer.
	shortest = 240
)

// Reject is one payout that came back.
type Reject struct {
	EndToEndID string      // of the payout; empty where the bank leaves it out
	Amount     money.Cents // 0 where the bank leaves it out: that of the payout
	Code       string      // why it came back: a code of ISO 20022 as transfer.Reason gives it
}

// Detail is what a file says of one lot.
type Detail struct {
	// Lots are the lots that the file details, in its order, by their references. A pain.002 details one.
	Lots    []string
	Rejects []Reject // of the lot asked for, in the order of the file, at most Max
	// Bulk is the identifier of the message in which these were handed over: empty where the file does not say.
	Bulk   string
	SHA256 [sha256.Size]byte
	Bytes  int64 // size of the file, whose identity SHA256 is
}

// Has tells whether the file details the lot of that reference.
func (d *Detail) Has(lot string) bool { return slices.Contains(d.Lots, lot) }

// Reader reads details. It is safe for concurrent use.
type Reader struct {
	labels *label.Classifier
}

// NewReader makes a reader, which knows lots by the grammars of the labels of their bank lines.
func NewReader(labels *label.Classifier) Reader { return Reader{labels: labels} }

// Details looks at a file and tells whether it details the lot: that of a reference such as REJ192837544970-02. It controls
// nothing else, and a file that cannot be read so far does not. The error is that of the source.
func (r Reader) Details(source io.Reader, lot string) (bool, error) {
	reading := reading{labels: r.labels, wanted: lot, looking: true}

	_, err := reading.read("", source)
	if errors.Is(err, errFound) {
		return true, nil
	}

	if _, bad := errors.AsType[*fault.Faults](err); bad {
		return false, nil
	}

	return false, err
}

// Read reads what a file says of the lot, and controls the whole of it by its format. That it does not detail the lot is no
// error: see Detail.Has. name is the file's in faults and errors.
//
// The error is a *fault.Faults when the file is refused, otherwise that of the source.
func (r Reader) Read(name string, source io.Reader, lot string) (Detail, error) {
	reading := reading{labels: r.labels, wanted: lot}

	return reading.read(name, source)
}

// errFound ends a look at a file.
var errFound = errors.New("what was looked for is there")

// reading is one reading of a file.
type reading struct {
	labels  *label.Classifier
	wanted  string // the lot that is asked for
	looking bool   // whether the file details it is all that is asked

	detail Detail
	within bool // what is read now is of the lot
	rest   int  // rejects beyond Max
}

func (r *reading) read(name string, source io.Reader) (Detail, error) {
	file, err := bankfile.Peek(source)
	if err != nil {
		return Detail{}, fmt.Errorf("read %s: %w", name, err)
	}

	switch {
	case file.Format.Is("pain.002"):
		err = r.readPain002(name, file)
	case file.Format.Is("camt.054"):
		err = r.readCamt(name, file)
	case file.Format == bankfile.CFONB240:
		err = r.readCFONB(name, file)
	default:
		return Detail{}, r.refuse(name, unreadable(file.Seen))
	}

	if err != nil {
		return Detail{}, err
	}

	if r.rest > 0 {
		return Detail{}, r.refuse(name, fault.Fault{
			Code: fault.CodeTooManyLines, Field: "lot", Value: r.wanted,
			Reason: "has " + strconv.Itoa(r.rest) + " payouts beyond the limit of " + strconv.Itoa(Max) + ": have it split",
		})
	}

	return r.detail, nil
}

// unreadable is the fault of a file of none of the formats. One that is too short to be told may still be written.
func unreadable(length int) fault.Fault {
	switch {
	case length == 0:
		return fault.Fault{Code: fault.CodeEmpty, Reason: "is empty"}
	case length < shortest:
		return fault.Fault{Code: fault.CodeTruncated, Reason: "is cut: it ends before its format can be told"}
	default:
		return fault.Fault{Code: fault.CodeFormat, Reason: "is neither a pain.002, a camt.054 nor a CFONB 240"}
	}
}

func (*reading) refuse(name string, what fault.Fault) error {
	faults := &fault.Faults{File: name}
	faults.Add(what)

	return faults.Err()
}

// begin begins what the file says of a lot, or of something else, which is no lot.
func (r *reading) begin(lot string) error {
	r.within = lot != "" && lot == r.wanted

	if lot != "" && !slices.Contains(r.detail.Lots, lot) {
		r.detail.Lots = append(r.detail.Lots, lot)
	}

	if r.within && r.looking {
		return errFound
	}

	return nil
}

// add takes a payout, if it is one of the lot's.
func (r *reading) add(found Reject) {
	if !r.within {
		return
	}

	if len(r.detail.Rejects) == Max {
		r.rest++

		return
	}

	found.Code = transfer.Reason(found.Code)
	r.detail.Rejects = append(r.detail.Rejects, found)
}

// lotOf is the reference of the lot that a bank line of that label credits, or nothing.
func (r *reading) lotOf(text string, credit money.Cents) string {
	line := r.labels.Classify(text, credit, ledger.Reglement)
	if line.Class != label.Rejects {
		return ""
	}

	return line.Reference
}
