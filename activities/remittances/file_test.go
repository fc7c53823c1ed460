package remittances_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/schemas/xsd"
)

// TestTheFileOfABulk has a block for each debtor, and is kept by its hash.
func TestTheFileOfABulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 4, today)
	_, err := w.pool.Exec(t.Context(), `update payout set debtor_iban = 'FR1420041010050500013M02606' where amount_cents in (1, 3)`)
	require.NoError(t, err)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)

	orders := w.bank.read(t, first)
	require.Equal(t, message.Pain001V03, orders.Definition)
	require.Len(t, orders.Blocks, 2)
	var amounts []int
	for _, block := range orders.Blocks {
		for _, payment := range block.Payments {
			amounts = append(amounts, int(payment.Amount))
		}
	}
	require.Equal(t, []int{1, 3, 2, 4}, amounts, "by debtor")
	require.Equal(t, "FR1420041010050500013M02606", orders.Blocks[0].Debtor.IBAN)

	file := w.bank.files[first]
	digest := sha256.Sum256(file)
	require.EqualValues(t, 1, w.number(t, fmt.Sprintf(
		`select count(*) from bulk where file_format = 'pain.001.001.03' and file_bytes = %d and file_sha256 = '\x%x'
		and replace(bulk_id::text, '-', '') = '%s'`, len(file), digest, orders.MessageID)))
}

// TestAFileIsWrittenAgainAsItWas covers a bulk that an operator has sent again.
func TestAFileIsWrittenAgainAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = []fault{unknown}
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	kept := `select ('x' || left(encode(file_sha256, 'hex'), 15))::bit(60)::bigint from bulk`
	before := w.number(t, kept)
	must[activities.DispatchResult](t, w, activities.LookUpName, w.decide(first, 1))
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	require.Equal(t, before, w.number(t, kept))
	require.Equal(t, 1, w.bank.accepted[first])
}

func TestAnotherFileThanBeforeIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = []fault{unknown}
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	must[activities.DispatchResult](t, w, activities.LookUpName, w.decide(first, 1))
	_, err := w.pool.Exec(t.Context(), `update payout set info = 'ANOTHER'`)
	require.NoError(t, err)
	_, err = call[activities.DispatchResult](t.Context(), w.pool, w.on(w.pool), activities.DispatchName, w.run)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.BankFileInvalid, failure.Code)
	require.Contains(t, failure.Message, "not the one that was made for it before")
	require.Empty(t, w.bank.accepted)
}

func TestAnOrderThatBreaksARule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	_, err := w.pool.Exec(t.Context(), `update payout set creditor_iban = 'FR7630006000011234567890188' where amount_cents = 2`)
	require.NoError(t, err)
	_, err = call[activities.DispatchResult](t.Context(), w.pool, w.on(w.pool), activities.DispatchName, w.run)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.BankFileInvalid, failure.Code)
	require.Contains(t, failure.Message, "0000000000000002", "names the order")
	require.NotContains(t, failure.Message, "FR76")
	require.Empty(t, w.bank.accepted)
	require.Equal(t, []string{first + " PAYOUT PREPARED 3 6 2026-03-17 never attempted PREPARED "}, w.facts(t))

	_, err = w.pool.Exec(t.Context(), `update payout set creditor_iban = 'FR1420041010050500013M02606'`)
	require.NoError(t, err)
	require.Equal(t, activities.DispatchResult{Sent: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
}

// strictGate refuses what stands on a line, as a gate refuses what a writer let through.
type strictGate struct{ line int }

func (g strictGate) Pass(_ context.Context, destination io.Writer, write func(io.Writer) error) error {
	if err := write(destination); err != nil {
		return err
	}
	return &xsd.Refusal{Version: xsd.PAIN00103, Line: g.line, Column: 1, Path: "/Document", Reason: "is not as it is to be"}
}

func TestAGateThatRefusesNamesTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	var named []string
	for line := 1; line <= 8; line++ {
		w.gate = strictGate{line}
		_, err := call[activities.DispatchResult](t.Context(), w.pool, w.on(w.pool), activities.DispatchName, w.run)
		failure := activities.AsFailure(err)
		require.Equal(t, vacation.BankFileInvalid, failure.Code)
		for n := 1; n <= 3; n++ {
			ref := refExterne(0, n)
			if strings.Contains(failure.Message, "order "+ref+":") {
				named = append(named, ref)
			}
		}
	}
	require.Equal(t, []string{refExterne(0, 1), refExterne(0, 2), refExterne(0, 3)}, named, "one line each")
	require.Empty(t, w.bank.accepted)
}
