package cfonb

import (
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// total controls records that stand between a header and a total, one such group behind the other.
type total struct {
	decoder

	header, trailer string // their types of record

	open bool // behind a header and before its total
	good bool // the header is good, so that the handler knows it
	line int  // of the header
	lost bool // an amount could not be read or added: the total says nothing
	sum  money.Cents
}

func (t *total) note(column int, code fault.Code, reason string) {
	t.file.note(column, code, nil, reason)
}

// begin begins a group whose header is the current record.
func (t *total) begin(good bool) {
	if t.open {
		t.note(1, fault.CodeHeaderAgain,
			"begins a group, and the one of line "+strconv.Itoa(t.line)+" has not ended with a record "+t.trailer)
	}

	t.open, t.good, t.line, t.lost, t.sum = true, good, t.file.number, false, 0
}

// within tells whether the current record stands in a group.
func (t *total) within() bool {
	if !t.open {
		t.note(1, fault.CodeNoHeader, "stands in no group: a record "+t.header+" must come before it")
	}

	return t.open
}

// unknown notes a record of a type that the file has not.
func (t *total) unknown(record []byte, types string) {
	t.file.note(1, fault.CodeRecord, record[:2], "is no type of record of "+t.file.name+": "+types)

	t.lost = true
}

// add adds an amount, and tells whether it could.
func (t *total) add(amount money.Cents, column int) bool {
	sum, err := t.sum.Add(amount)
	if err != nil {
		t.note(column, fault.CodeAmount, "brings the sum of the group beyond the largest amount")

		t.lost = true

		return false
	}

	t.sum = sum

	return true
}

// foots compares a total with the sum of what it totals, and tells whether it is proved.
func (t *total) foots(said, sum money.Cents, column int) bool {
	if !t.lost && said != sum {
		t.note(column, fault.CodeTrailerSum, "is "+said.String()+", and the amounts before it come to "+sum.String())
	}

	return !t.lost && said == sum
}

// end controls what only the end of the file tells.
func (t *total) end() {
	if t.open && !t.file.unread {
		t.file.faults.Add(fault.Fault{Code: fault.CodeNoTrailer, Reason: "ends without the record " + t.trailer +
			" of the group of line " + strconv.Itoa(t.line)})
	}
}
