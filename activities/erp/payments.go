package erp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/systempay"
)

// paymentsAtOnce are planned by one transaction, some 200 KB.
const paymentsAtOnce = 1_000

const (
	// noPayer is why a payment cannot be posted.
	noPayer = "neither the form nor the shop names the payment's third party at the ERP: " +
		"give third_party to the shop in the file of shops, then retry it"
	// toldLost is what an operator is to know of a payment that is none any more, or of another amount.
	toldLost = "the ERP was told of it otherwise than it is paid now: look it up in SystemPay's back office, and correct it at the ERP"
)

// planPayments makes a posting of each card payment in euros that settles an
// invoice: of what was paid an encashment, of what was given back a disbursement.
// A payment is decided on once, whether it is posted or not.
func (a *Activities) planPayments(ctx context.Context) (planned int, err error) {
	if err := db.New(a.pool).DoubtTold(ctx, toldLost); err != nil {
		return 0, fmt.Errorf("look for payments that are not what the ERP was told: %w", err)
	}
	shops := slices.Sorted(maps.Keys(a.settings.Payers))
	for {
		var page []db.PaymentsToPlanRow
		err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) (err error) {
			queries := db.New(tx)
			if page, err = queries.PaymentsToPlan(ctx, shops, paymentsAtOnce); err != nil || len(page) == 0 {
				return err
			}
			count, err := a.planPaymentPage(ctx, queries, page)
			planned += count
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("plan card payments: %w", err)
		}
		if len(page) == 0 {
			return planned, nil
		}
	}
}

func (a *Activities) planPaymentPage(ctx context.Context, queries *db.Queries, page []db.PaymentsToPlanRow) (int, error) {
	now := a.now()
	plan := db.PlanPaymentsParams{Dossier: a.settings.dossier(), Means: meansCard, PlannedAt: now, NoThirdParty: noPayer}
	decided := make([]int64, len(page))
	for i := range page {
		row := &page[i]
		decided[i] = row.Number
		if row.InvoicePiece == "" || row.PaidOn < a.settings.Since.String() {
			continue
		}
		label, err := divalto.Label(divalto.Order, row.Key, 1)
		if err != nil {
			return 0, fmt.Errorf("label payment %d: %w", row.Number, err)
		}
		plan.Reference = append(plan.Reference, row.Key)
		plan.ThirdParty = append(plan.ThirdParty, cmp.Or(row.ThirdParty, a.settings.Payers[row.Shop]))
		plan.Direction = append(plan.Direction, directionOf(systempay.Operation(row.Operation)))
		plan.AmountCents = append(plan.AmountCents, row.AmountCents)
		plan.Label = append(plan.Label, label)
		plan.PiecePrefix = append(plan.PiecePrefix, row.InvoicePrefix)
		plan.Piece = append(plan.Piece, row.InvoicePiece)
		plan.PostingDate = append(plan.PostingDate, row.PaidOn)
	}
	count, err := queries.PlanPayments(ctx, plan)
	if err != nil {
		return 0, fmt.Errorf("plan %d payments: %w", len(plan.Reference), err)
	}
	if err := queries.PaymentsDecided(ctx, now, plan.Reference, decided); err != nil {
		return 0, fmt.Errorf("mark %d payments: %w", len(decided), err)
	}
	return int(count), nil
}

// directionOf is which way the money goes, as the table has it.
func directionOf(operation systempay.Operation) int16 {
	if operation == systempay.Credit {
		return int16(divalto.Disbursement)
	}
	return int16(divalto.Encashment)
}

// paymentNow is what a payment and the settings say now of what was refused.
func (d *Desk) paymentNow(ctx context.Context, queries *db.Queries, row *db.LockPostingRow) (thirdParty string, cents int64, err error) {
	payment, err := queries.PaymentNow(ctx, row.Reference)
	if err != nil {
		return "", 0, fmt.Errorf("read its payment: %w", err)
	}
	if !payment.Sound {
		return "", 0, refuse(row, "its payment is in doubt, or not paid any more: look at that first")
	}
	if thirdParty = cmp.Or(payment.ThirdParty, d.Settings.Payers[payment.Shop]); thirdParty == "" {
		return "", 0, refuse(row, "still: %s", noPayer)
	}
	if err := queries.PaymentTold(ctx, row.Reference); err != nil {
		return "", 0, fmt.Errorf("note what the ERP is told of its payment: %w", err)
	}
	return thirdParty, payment.AmountCents, nil
}
