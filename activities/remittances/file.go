package remittances

import (
	"context"
	"fmt"
	"io"

	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// file is the bulk's header, and what writes its file from the orders, read some
// at a time.
func (t *turn) file(ctx context.Context, row handedOver) (transfer.Bulk, func(io.Writer) error, error) {
	due, err := calendar.ParseDate(row.DueDate)
	if err != nil {
		return transfer.Bulk{}, nil, fmt.Errorf("due date: %w", err)
	}
	bulk := transfer.Bulk{
		Name: row.Name, ID: row.BulkID, Purpose: transfer.Purpose(row.Purpose), DueDate: due, Orders: int(row.Orders),
		Sum: money.Cents(row.AmountCents), DebitIBAN: t.bank.Debtor(transfer.Purpose(row.Purpose)).IBAN,
	}
	payments := t.eachPayout
	if bulk.Purpose != transfer.Payout {
		payments = t.ownOrder
	}
	return bulk, func(destination io.Writer) error {
		writer, err := transfer.NewBulkWriter(destination, bulk)
		if err != nil {
			return fmt.Errorf("begin the file: %w", err)
		}
		if err := payments(ctx, row, writer.Write); err != nil {
			return err
		}
		if err := writer.Close(); err != nil {
			return fmt.Errorf("end the file: %w", err)
		}
		return nil
	}, nil
}

func (t *turn) eachPayout(ctx context.Context, row handedOver, do func(transfer.Payment) error) error {
	return eachPage(ctx, t.conn, row.Number, func(page []db.PayoutsOfBulkRow) error {
		for i := range page {
			payout := &page[i]
			err := do(transfer.Payment{
				EndToEndID: payout.EndToEndID, RefExterne: payout.RefExterne, Amount: money.Cents(payout.AmountCents),
				Debtor:   transfer.Party{Name: payout.DebtorName, BIC: payout.DebtorBic, IBAN: payout.DebtorIban},
				Creditor: transfer.Party{Name: payout.CreditorName, BIC: payout.CreditorBic, IBAN: payout.CreditorIban},
				Info:     payout.Info,
			})
			if err != nil {
				return fmt.Errorf("payout %s: %w", payout.RefExterne, err)
			}
		}
		return nil
	})
}

// ownOrder is the one transfer of a bulk of the EP's own, which the bulk's name
// identifies from end to end.
func (t *turn) ownOrder(ctx context.Context, row handedOver, do func(transfer.Payment) error) error {
	own, err := db.New(t.conn).OwnOrderOfBulk(ctx, row.Number)
	if err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	purpose := transfer.Purpose(row.Purpose)
	err = do(transfer.Payment{
		EndToEndID: row.Name, RefExterne: own.RefExterne, Amount: money.Cents(own.AmountCents),
		Debtor: t.bank.Debtor(purpose), Creditor: t.bank.Creditor(purpose), Info: own.Info,
	})
	if err != nil {
		return fmt.Errorf("order %s: %w", own.RefExterne, err)
	}
	return nil
}
