package payline

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/reglo/reglo/domain/money"
)

const (
	refusalMark = "F"

	accepted = "ACCP"
	rejected = "RJCT"
)

// ResponseLine is the answer to one line of a file, under the keys that the line has there.
type ResponseLine struct {
	Kind       Kind
	EndToEndID string
	DebtorCP   string
	Creditor   string      // of a movement the payment account, of a transfer the IBAN
	Amount     money.Cents // zero when it could not be read
	Reject     Code        // empty when the request is accepted
}

// Answer gives the answer to a line: accepted when reject is empty.
func Answer(line *Line, reject Code) ResponseLine {
	creditor := line.CreditorCP
	if line.Kind == Transfer {
		creditor = line.CreditorIBAN
	}

	return ResponseLine{
		Kind: line.Kind, EndToEndID: line.EndToEndID, DebtorCP: line.DebtorCP, Creditor: creditor, Amount: line.Amount,
		Reject: reject,
	}
}

// ResponseSummary is what a response comes to.
type ResponseSummary struct {
	Accepted int
	Rejected int
	Sum      money.Cents // of the amounts accepted
}

// Response writes the response to a file: UTF-8 separated by semicolons, lines ending in LF, the same bytes for the same
// answers.
//
//	H;<sequence>;<date yyyyMMdd>
//	M;<endToEndId>;<debtorCp>;<creditorCp>;<amountCents>;ACCP|RJCT;<code, empty when accepted>
//	V;<endToEndId>;<debtorCp>;<creditorIban>;<amountCents>;ACCP|RJCT;<code, empty when accepted>
//	T;<number of ACCP>;<number of RJCT>;<sum of the cents accepted>
//
// The lines are those of the file in its order, each answered once: that is the caller's to hold.
type Response struct {
	buffer  *bufio.Writer
	record  []byte
	summary ResponseSummary
}

// NewResponse writes the header, that of the file. The error is that of the destination.
func NewResponse(destination io.Writer, header Header) (*Response, error) {
	r := &Response{buffer: bufio.NewWriter(destination)}
	sequence := ""

	if header.Sequence > 0 {
		sequence = strconv.Itoa(header.Sequence)
	}

	if err := r.write(headerMark, sequence, header.Date.Compact()); err != nil {
		return nil, err
	}

	return r, nil
}

// Write writes one answer. The error is that of the destination, or money.ErrOverflow when the sum accepted is beyond
// the largest amount, which that of a whole file never is.
func (r *Response) Write(line ResponseLine) error {
	verdict := accepted

	if line.Reject != "" {
		verdict = rejected
		r.summary.Rejected++
	} else {
		sum, err := r.summary.Sum.Add(line.Amount)
		if err != nil {
			return fmt.Errorf("sum of a Payline response: %w", err)
		}

		r.summary.Accepted++
		r.summary.Sum = sum
	}

	mark := movementMark
	if line.Kind == Transfer {
		mark = transferMark
	}

	return r.write(mark, oneColumn(line.EndToEndID), oneColumn(line.DebtorCP), oneColumn(line.Creditor),
		plainCents(line.Amount), verdict, string(line.Reject))
}

// Close writes the trailer and gives what the response comes to. It does not close the destination.
func (r *Response) Close() (ResponseSummary, error) {
	err := r.write(trailerMark, strconv.Itoa(r.summary.Accepted), strconv.Itoa(r.summary.Rejected), plainCents(r.summary.Sum))
	if err != nil {
		return ResponseSummary{}, err
	}

	if err := r.buffer.Flush(); err != nil {
		return ResponseSummary{}, fmt.Errorf("write a Payline response: %w", err)
	}

	return r.summary, nil
}

// WriteRefusal writes the response to a file that is refused as a whole, whose lines have no answers of their own. What
// could not be read of its header is left empty. The error is that of the destination.
//
//	H;<sequence>;<date yyyyMMdd>
//	F;RJCT;<code>
//	T;0;0;0
func WriteRefusal(destination io.Writer, header Header, code Code) error {
	response, err := NewResponse(destination, header)
	if err != nil {
		return err
	}

	if err := response.write(refusalMark, rejected, string(code)); err != nil {
		return err
	}

	_, err = response.Close()

	return err
}

func (r *Response) write(mark string, columns ...string) error {
	r.record = appendRecord(r.record[:0], mark, columns...)

	if _, err := r.buffer.Write(r.record); err != nil {
		return fmt.Errorf("write a Payline response: %w", err)
	}

	return nil
}

// oneColumn puts a space for what would end a column or a line: a key that is refused for its shape is repeated all the
// same, and other layouts than Ogep1 may let a semicolon in.
func oneColumn(text string) string {
	return strings.Map(func(char rune) rune {
		if char == separator || unicode.IsControl(char) {
			return ' '
		}

		return char
	}, text)
}
