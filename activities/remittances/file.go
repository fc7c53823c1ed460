package remittances

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/schemas/xsd"
)

// Gate controls a file by the bank's rules while it is written.
type Gate interface {
	// Pass calls write, and what that writes goes to the destination and through
	// the control. The error is an [*xsd.Refusal] for a file that breaks a rule,
	// otherwise that of write or of the destination.
	Pass(ctx context.Context, destination io.Writer, write func(io.Writer) error) error
}

// bankFile is the file of a bulk: everything in it comes from the bulk and its
// orders, so that it has the same bytes whenever it is written.
type bankFile struct {
	*turn

	row    handedOver
	bulk   transfer.Bulk
	orders []order
	proved pain001.Summary // of the file that passed the gate
}

// order is a payment with what the block of its debtor comes to.
type order struct {
	transfer.Payment

	block pain001.Block
}

// file reads a bulk's orders, of which [transfer.MaxOrdersABulk] take some ten
// megabytes, and proves the file that they come to: only one that passes the
// gate is handed out.
func (t *turn) file(ctx context.Context, row handedOver) (*bankFile, error) {
	due, err := calendar.ParseDate(row.DueDate)
	if err != nil {
		return nil, fmt.Errorf("due date: %w", err)
	}
	f := &bankFile{turn: t, row: row, bulk: transfer.Bulk{
		Name: row.Name, ID: row.BulkID, Purpose: transfer.Purpose(row.Purpose), DueDate: due, Orders: int(row.Orders),
		Sum: money.Cents(row.AmountCents),
	}}
	read := f.readPayouts
	if f.bulk.Purpose != transfer.Payout {
		read = f.readOwnOrder
	}
	if err := read(ctx); err != nil {
		return nil, err
	}
	if err := f.prove(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *bankFile) readPayouts(ctx context.Context) error {
	rows, err := db.New(f.Conn).PayoutsByDebtor(ctx, f.row.Number)
	if err != nil {
		return fmt.Errorf("read the orders of bulk %s: %w", f.bulk.Name, err)
	}
	f.orders = make([]order, len(rows))
	for i := range rows {
		row := &rows[i]
		debtor := transfer.Party{Name: row.DebtorName, BIC: row.DebtorBic, IBAN: row.DebtorIban}
		f.orders[i] = order{
			Payment: transfer.Payment{
				EndToEndID: row.EndToEndID, RefExterne: row.RefExterne, Amount: money.Cents(row.AmountCents), Debtor: debtor,
				Creditor: transfer.Party{Name: row.CreditorName, BIC: row.CreditorBic, IBAN: row.CreditorIban}, Info: row.Info,
			},
			block: pain001.Block{
				Debtor: debtor, DueDate: f.bulk.DueDate, Orders: int(row.BlockOrders), Sum: money.Cents(row.BlockCents),
			},
		}
	}
	return nil
}

// readOwnOrder reads the one transfer of a bulk of the EP's own, which the
// bulk's name identifies from end to end.
func (f *bankFile) readOwnOrder(ctx context.Context) error {
	own, err := db.New(f.Conn).OwnOrderOfBulk(ctx, f.row.Number)
	if err != nil {
		return fmt.Errorf("read the order of bulk %s: %w", f.bulk.Name, err)
	}
	debtor := f.bank.Debtor(f.bulk.Purpose)
	f.orders = []order{{
		Payment: transfer.Payment{
			EndToEndID: f.bulk.Name, RefExterne: own.RefExterne, Amount: money.Cents(own.AmountCents),
			Debtor: debtor, Creditor: f.bank.Creditor(f.bulk.Purpose), Info: own.Info,
		},
		block: pain001.Block{Debtor: debtor, DueDate: f.bulk.DueDate, Orders: 1, Sum: money.Cents(own.AmountCents)},
	}}
	return nil
}

// prove writes the file through the gate, to nowhere. One that does not pass, or
// that is not the one that was handed over before, is a failure.
func (f *bankFile) prove(ctx context.Context) error {
	err := f.gate.Pass(ctx, io.Discard, func(gated io.Writer) error {
		var err error
		f.proved, err = f.compose(gated, func(int, *order) {})
		return err
	})
	if refusal, refused := errors.AsType[*xsd.Refusal](err); refused {
		return f.refuse(f.orderAt(refusal.Line), refusal)
	}
	if bad, refused := errors.AsType[*fault.Fault](err); refused {
		return f.refuse("", bad)
	}
	if err != nil {
		return fmt.Errorf("prove the file of bulk %s: %w", f.bulk.Name, err)
	}
	if before := f.row.FileSha256; len(before) > 0 && !bytes.Equal(before, f.proved.SHA256[:]) {
		return vacation.Fail(vacation.BankFileInvalid,
			"the file of bulk %s is not the one that was made for it before (SHA-256 %x, now %x); it was not handed over: "+
				"find out what changed its orders or the bank's settings, and put it back", f.bulk.Name, before, f.proved.SHA256)
	}
	return nil
}

// write writes the file that was proved.
func (f *bankFile) write(destination io.Writer) error {
	written, err := f.compose(destination, func(int, *order) {})
	if err != nil {
		return fmt.Errorf("write the file of bulk %s: %w", f.bulk.Name, err)
	}
	if written.SHA256 != f.proved.SHA256 {
		return fmt.Errorf("the file of bulk %s is not the one that was proved", f.bulk.Name)
	}
	return nil
}

// handed is the file as the channel is given it.
func (f *bankFile) handed() channels.File {
	return channels.File{
		Name: fileName(f.bulk.Name), Correlation: f.bulk.ID, Bytes: f.proved.Bytes, SHA256: f.proved.SHA256, Write: f.write,
	}
}

// refuse is the failure of a file that may not leave; order is empty where the reason names it.
func (f *bankFile) refuse(order string, reason error) error {
	if order != "" {
		order = " order " + order + ":"
	}
	return vacation.Fail(vacation.BankFileInvalid,
		"the file of bulk %s does not pass the bank's rules:%s %s; it was not handed over, and its orders keep their money: "+
			"have the order or the setting mended, and run this vacation again", f.bulk.Name, order, reason)
}

// compose writes the file itself, and tells the line on which each order begins.
func (f *bankFile) compose(destination io.Writer, at func(line int, order *order)) (pain001.Summary, error) {
	var none pain001.Summary
	writer, err := pain001.NewWriter(destination, f.bank.Format, pain001.Message{
		ID: strings.ReplaceAll(f.bulk.ID, "-", ""), CreatedAt: f.row.CreatedAt, Initiator: f.bank.Reglement.Name,
		Orders: f.bulk.Orders, Sum: f.bulk.Sum, Account: f.bank.Debtor(f.bulk.Purpose),
	})
	if err != nil {
		return none, err
	}
	whole := pain001.Block{
		Debtor: f.bank.Debtor(f.bulk.Purpose), DueDate: f.bulk.DueDate, Orders: f.bulk.Orders, Sum: f.bulk.Sum,
	}
	for i := range f.orders {
		order := &f.orders[i]
		begins := i == 0 || order.block != f.orders[i-1].block
		block := order.block
		if f.bank.Format.OneBlock {
			begins, block = i == 0, whole
		}
		if begins {
			if err := writer.Begin(block); err != nil {
				return none, err
			}
		}
		at(writer.Line(), order)
		if err := writer.Write(order.Payment); err != nil {
			return none, err
		}
	}
	return writer.Close()
}

// orderAt is the reference of the order on that line of the file, empty for
// another line: the file is written once more, to nowhere.
func (f *bankFile) orderAt(line int) string {
	found := ""
	_, err := f.compose(io.Discard, func(at int, order *order) {
		if at == line {
			found = order.RefExterne
		}
	})
	if err != nil {
		return ""
	}
	return found
}
