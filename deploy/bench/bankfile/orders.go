package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/schemas/xsd"
)

// Orders are given to all writers, ours and others, in one file of lines of
// fields with a tab between them. The first line is the message: how many orders,
// their sum in cents, MsgId, instant, day of execution, and the debtor's name, BIC
// and IBAN. Each other one is an order: EndToEndId, cents, and the creditor's name,
// BIC and IBAN, and the text of the remittance.
const (
	messageFields = 8
	orderFields   = 6
)

const (
	messageID = "BENCH20260317" // short: others make PmtInfId and InstrId of it, of at most 35 characters
	day       = "2026-03-17"    // an ordinary TARGET day
)

// french makes accounts of a bank that is none.
func french(account int) string {
	const bank, branch = 30_003, 1
	return iban.French(bank, branch, account)
}

func makeOrders(file *os.File, count int) error {
	amount := func(n int) money.Cents { return money.Cents(n%100_000 + 1) }
	sum := money.Cents(0)
	for n := range count {
		sum += amount(n)
	}
	out := bufio.NewWriter(file)
	_, _ = fmt.Fprintf(out, "%d\t%d\t%s\t%sT09:30:00+01:00\t%s\tREGLO REGLEMENT\tSOGEFRPPXXX\t%s\n",
		count, sum, messageID, day, day, french(0))
	for n := range count {
		_, _ = fmt.Fprintf(out, "P260317%09d\t%d\tSOCIETE D'EXEMPLE %d\tSOGEFRPPXXX\t%s\tREM VIR %d DU 17/03/2026\n",
			n, amount(n), n, french(n+1), n)
	}
	// Flush repeats the error of any line before it.
	return out.Flush() //nolint:wrapcheck // create says what was made
}

// orders reads a file of orders, one at a time.
type orders struct {
	lines *bufio.Scanner
}

func (o orders) next(fields int) ([]string, error) {
	if !o.lines.Scan() {
		return nil, errors.Join(io.ErrUnexpectedEOF, o.lines.Err())
	}
	line := strings.Split(o.lines.Text(), "\t")
	if len(line) != fields {
		return nil, fmt.Errorf("a line of %d fields where %d must be", len(line), fields)
	}
	return line, nil
}

func (o orders) message() (pain001.Message, pain001.Block, error) {
	var (
		message pain001.Message
		block   pain001.Block
	)
	fields, err := o.next(messageFields)
	if err != nil {
		return message, block, err
	}
	count, wrongCount := strconv.Atoi(fields[0])
	cents, wrongSum := strconv.ParseInt(fields[1], 10, 64)
	at, wrongInstant := time.Parse(time.RFC3339, fields[3])
	due, wrongDay := calendar.ParseDate(fields[4])
	debtor := transfer.Party{Name: fields[5], BIC: fields[6], IBAN: fields[7]}
	message = pain001.Message{
		ID: fields[2], CreatedAt: at, Initiator: debtor.Name, Orders: count, Sum: money.Cents(cents), Account: debtor,
	}
	block = pain001.Block{Debtor: debtor, DueDate: due, Orders: count, Sum: money.Cents(cents)}
	return message, block, errors.Join(wrongCount, wrongSum, wrongInstant, wrongDay)
}

func (o orders) payment(debtor transfer.Party) (transfer.Payment, error) {
	fields, err := o.next(orderFields)
	if err != nil {
		return transfer.Payment{}, err
	}
	cents, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return transfer.Payment{}, fmt.Errorf("amount: %w", err)
	}
	return transfer.Payment{
		EndToEndID: fields[0], Amount: money.Cents(cents), Debtor: debtor,
		Creditor: transfer.Party{Name: fields[2], BIC: fields[3], IBAN: fields[4]}, Info: fields[5],
	}, nil
}

// writeOrders writes the orders as one pain.001.001.03 of one block, and has the
// file judged in the same pass when it is gated.
func writeOrders(ctx context.Context, path, destination string, gated bool) (result, error) {
	source, err := os.Open(path)
	if err != nil {
		return result{}, err //nolint:wrapcheck // names the file
	}
	defer func() { _ = source.Close() }()
	file, err := os.Create(destination)
	if err != nil {
		return result{}, err //nolint:wrapcheck // the same
	}
	var summary pain001.Summary
	write := func(out io.Writer) error {
		summary, err = compose(orders{bufio.NewScanner(source)}, out)
		return err
	}
	if gated {
		err = pass(ctx, file, write)
	} else {
		err = write(file)
	}
	return result{FileBytes: summary.Bytes, Records: summary.Orders}, errors.Join(err, file.Close())
}

// pass makes the gate too, as a worker does once.
func pass(ctx context.Context, destination io.Writer, write func(io.Writer) error) error {
	gate, err := xsd.NewGate(xsd.PAIN00103) //nolint:contextcheck // it reads the schemas that the program holds
	if err != nil {
		return fmt.Errorf("make the gate: %w", err)
	}
	return gate.Pass(ctx, destination, write)
}

func compose(source orders, destination io.Writer) (pain001.Summary, error) {
	message, block, err := source.message()
	if err != nil {
		return pain001.Summary{}, err
	}
	writer, err := pain001.NewWriter(destination, pain001.Format{Version: pain001.V03, BatchBooking: true}, message)
	if err != nil {
		return pain001.Summary{}, err
	}
	if err := writer.Begin(block); err != nil {
		return pain001.Summary{}, err
	}
	for range message.Orders {
		payment, err := source.payment(block.Debtor)
		if err != nil {
			return pain001.Summary{}, err
		}
		if err := writer.Write(payment); err != nil {
			return pain001.Summary{}, err
		}
	}
	return writer.Close()
}
