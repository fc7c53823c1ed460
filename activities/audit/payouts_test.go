package audit_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// payOut has a financière order payouts of 1.00 from the first hundred CPs, in
// bulks that are with the bank.
func payOut(t testing.TB, pool *pgxpool.Pool, payouts int) {
	t.Helper()
	s := &session{pool: pool, reference: "2026-07-08", correlation: uuid.NewString()}
	s.exec(t, func(tx pgx.Tx) {
		row := tx.QueryRow(t.Context(), `
			insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
			values ($1, $2, 1, $3::text::uuid, '2026-07-08', sha256('x'), $3::text, 'RUNNING', $4) returning number`,
			vacation.Financiere, s.reference, s.correlation, startedAt())
		require.NoError(t, row.Scan(&s.number))
		s.emit(t, tx, 0, 0, ogep.Start{Kind: vacation.Financiere})
	})
	for bulk := range (payouts + transfer.MaxOrdersABulk - 1) / transfer.MaxOrdersABulk {
		s.bulk(t, bulk, min(transfer.MaxOrdersABulk, payouts-bulk*transfer.MaxOrdersABulk))
	}
}

// bulk posts the orders of one bulk, and tells them.
func (s *session) bulk(t testing.TB, n, orders int) {
	t.Helper()
	s.exec(t, func(tx pgx.Tx) {
		scope := string(vacation.Financiere) + "/" + s.reference
		name, id := fmt.Sprintf("MONEXTEUR20260708%03d", n+1), uuid.NewString()
		var number int32
		row := tx.QueryRow(t.Context(), `
			insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
			values ($1::text::uuid, $2, 'PAYOUT', 'SENT', $3, $4, $4::int * 100, '2026-07-08', $5, $5) returning number`,
			id, name, s.number, orders, startedAt())
		require.NoError(t, row.Scan(&number))
		var batch int64
		row = tx.QueryRow(t.Context(), `
			insert into batch (vacation, scope, step, item, input_sha256, posted_at) values ($1, $2, 'post-payouts', $3, sha256('x'), $4)
			returning id`, s.number, scope, n, startedAt())
		require.NoError(t, row.Scan(&batch))
		s.run(t, tx, `insert into account (code, class, credit_cents) select 'TR.OUT.' || $1 || '-' || i, 'TR.OUT', 100 from generate_series(1, $2::int) as i`, name, orders)
		s.run(t, tx, `
			insert into entry (batch, amount_cents, transaction_at, ordinal, debit, credit, line, value_date, kind, label)
			select $1, 100, $2, i - 1, c.id, o.id, null, '2026-07-08', 'PAYOUT', 'p'
			from generate_series(1, $3::int) as i
			join account o on o.code = 'TR.OUT.' || $4 || '-' || i
			join account c on c.code = 'CP.1A' || lpad((i % 100) || '', 8, '0')`, batch, startedAt(), orders, name)
		s.run(t, tx, `
			update account a set debit_cents = debit_cents + m.sum
			from (select debit, sum(amount_cents) as sum from entry where batch = $1 group by debit) as m where a.id = m.debit`, batch)
		s.run(t, tx, `
			insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban,
				creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, validator, batch, bulk)
			select $1, 'AUTO', $2 || '-' || (e.ordinal + 1), 'e' || $2 || e.ordinal, substr(a.code, 4), e.debit, 'N', 'B', 'I', 'N', 'B', 'I', 100, 0,
				'2026-07-08', 'p', $3, 'SENT', 'AUTO', $4, $5
			from entry e join account a on a.id = e.debit where e.batch = $4`, scope, name, startedAt(), batch, number)
		var bodies []ogep.Body
		for at := 0; at < orders; at += 500 {
			page := make([]ogep.Order, min(500, orders-at))
			for i := range page {
				page[i] = ogep.Order{
					RefExterne: fmt.Sprintf("%s-%d", name, at+i+1), OrderType: "V", CreditorName: "EP", CreditorBIC: "AGRIFRPP",
					CreditorIBAN: "FR7630006000011234567890189", DebtorName: "EP", DebtorBIC: "AGRIFRPP",
					DebtorIBAN: "FR7630006000011234567890189", Amount: 100, DeviseID: "EUR", Ccy: "EUR", BankID: "999999",
					OrderFormat: "PAIN.001.001.03", Echeance: calendar.DateOf(startedAt()), Info: "p", BulkID: id,
				}
			}
			bodies = append(bodies, ogep.CreateTransfer{Orders: page})
		}
		s.emit(t, tx, batch, orders, bodies...)
	})
}
