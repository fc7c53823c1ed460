package audit_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	siret    = "73282932000074"
	shortCP  = "9Z00000001"
	lineRate = money.Cents(10) // commission of each sale, parked ones included
)

func startedAt() time.Time { return time.Date(2026, time.July, 8, 6, 30, 0, 0, time.UTC) }

// session is a settlement as vacation-reglement-transactions leaves it: sales of
// 10.00 over a few CPs, then a refund of 50.00 on a CP that has nothing, then a
// parked sale of 7.00 and a parked refund of 2.00.
type session struct {
	pool        *pgxpool.Pool
	reference   string
	sales       int
	cps         int
	correlation string
	number      int32 // of the run
	settlement  int32
	gross       money.Cents
	commission  money.Cents // of all lines
	taken       money.Cents // of the lines that are not parked
}

func (s *session) scope() string { return string(vacation.ReglementTransactions) + "/" + s.reference }
func (s *session) lines() int    { return s.sales + 3 }

func openBooks(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	_, err := postgres.OpenBooks(t.Context(), pool, map[ledger.Code]money.Cents{ledger.Fonctionnement: 100_000}, startedAt())
	require.NoError(t, err)
}

// open commits the start of a session.
func open(t testing.TB, pool *pgxpool.Pool, reference string, sales int) *session {
	t.Helper()
	s := &session{pool: pool, reference: reference, sales: sales, cps: max(1, sales/100)}
	s.gross = money.Cents(sales)*1000 - 5000 + 700 - 200
	s.taken = money.Cents(sales) * lineRate
	s.commission = s.taken + lineRate
	correlation, err := uuid.NewUUID()
	require.NoError(t, err)
	s.correlation = correlation.String()
	s.exec(t, func(tx pgx.Tx) {
		row := tx.QueryRow(t.Context(), `
			insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
			values ($1, $2, 1, $3::text::uuid, '2026-07-08', sha256('x'), $3::text, 'RUNNING', $4) returning number`,
			vacation.ReglementTransactions, reference, s.correlation, startedAt())
		require.NoError(t, row.Scan(&s.number))
		row = tx.QueryRow(t.Context(), `
			insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_id, bank_line_sha256, value_date)
			values ($1, $2, 'TRANSACTION', '100', $3, '{}', 'B-' || $1, sha256('y'), '2026-07-09') returning number`,
			reference, s.scope(), int64(s.gross))
		require.NoError(t, row.Scan(&s.settlement))
		s.post(t, tx, s.batch(t, tx, "open", 0), ledger.Entry{
			Debit: ledger.Reglement, Credit: ledger.Suspense(reference), Kind: ledger.KindSettlement, Amount: s.gross, Label: "REM E",
		})
		s.emit(t, tx, 0, 0, ogep.StartReglement{
			Kind: vacation.ReglementTransactions, File: "Fichier.CRE.EP.TI.UEP.txt",
			Transaction: ogep.GlobalTransaction{
				ID: "1", Label: "REM E 100", Amount: s.gross, BookedAt: startedAt(), TransactionAt: startedAt(), ValueAt: startedAt(),
				Type: "transfer", Status: "booked", Vacation: "TRANSACTION", Reference: reference, OperationType: "100",
			},
		})
	})
	return s
}

// settle commits all that follows up to the end.
func (s *session) settle(t testing.TB) {
	t.Helper()
	s.load(t)
	s.park(t)
	s.postLines(t)
	s.order(t, "cover", "COVER", ledger.Fonctionnement, ledger.Reglement, 5000)
	s.order(t, "revenue", "REVENUE", ledger.Reglement, ledger.Fonctionnement, s.taken)
	s.exec(t, func(tx pgx.Tx) {
		s.emit(t, tx, 0, 0, ogep.End{Kind: vacation.ReglementTransactions})
		s.run(t, tx, "update settlement set settled_at = $2 where number = $1", s.settlement, startedAt())
		s.run(t, tx, "update vacation set state = 'ENDED', ended_at = $2 where number = $1", s.number, startedAt())
	})
}

func (s *session) load(t testing.TB) {
	t.Helper()
	s.exec(t, func(tx pgx.Tx) {
		s.run(t, tx, `
			insert into cre_line (cre_id, settlement, line, part)
			select $1 || '-' || line, $2, line, case when line > $3 then 0 else 1 end from generate_series(1, $4::int) as line`,
			s.reference, s.settlement, s.sales+1, s.lines())
		s.run(t, tx, `
			update settlement set file_name = 'Fichier.CRE.EP.TI.UEP.txt', file_sha256 = sha256($2::text::bytea), file_bytes = 1,
			                      line_count = $3, gross_cents = $4, commission_cents = $5
			where number = $1`,
			s.settlement, s.reference, s.lines(), int64(s.gross), int64(s.commission))
	})
}

func (s *session) park(t testing.TB) {
	t.Helper()
	s.exec(t, func(tx pgx.Tx) {
		batch := s.batch(t, tx, "post", 0)
		s.post(t, tx, batch,
			ledger.Entry{Debit: ledger.Suspense(s.reference), Credit: ledger.Parked, Kind: ledger.KindPark, Amount: 700, Label: "p"},
			ledger.Entry{Debit: ledger.Parked, Credit: ledger.Suspense(s.reference), Kind: ledger.KindParkedRefund, Amount: 200, Label: "p"})
		s.run(t, tx, "update entry set line = $2 + ordinal where batch = $1", batch, s.sales+2)
		s.run(t, tx, `
			insert into parked_line (settlement, line, cre_id, account_id, siret, scheme, type, gross_cents, commission_cents, label,
			                         reason, parked_at)
			values ($1, $2, $3, '0X00000000', $4, 'CB', 'VENTE', 700, $6, 'p', 'UNKNOWN_CP', $5),
			       ($1, $2 + 1, $3 || 'r', '0X00000000', $4, 'CB', 'REMB', -200, 0, 'p', 'UNKNOWN_CP', $5)`,
			s.settlement, s.sales+2, s.reference, siret, startedAt(), int64(lineRate))
		s.run(t, tx, "update settlement set posted_lines = posted_lines + 2 where number = $1", s.settlement)
	})
}

func cp(i int) string { return fmt.Sprintf("1A%08d", i) }

// postLines commits the sales, the refund, the commissions and the cover.
func (s *session) postLines(t testing.TB) {
	t.Helper()
	s.exec(t, func(tx pgx.Tx) {
		codes := []ledger.Code{ledger.CP(shortCP), ledger.Debt(siret), ledger.FeesDue, ledger.Suspense(s.reference)}
		for i := range s.cps {
			codes = append(codes, ledger.CP(cp(i)))
		}
		ids, err := postgres.Accounts(t.Context(), tx, codes)
		require.NoError(t, err)
		cps := make([]int32, s.cps)
		for i := range cps {
			cps[i] = ids[ledger.CP(cp(i))]
		}
		batch := s.batch(t, tx, "post", 1)
		suspense, short := ids[ledger.Suspense(s.reference)], ids[ledger.CP(shortCP)]
		const insert = "insert into entry (batch, amount_cents, transaction_at, ordinal, debit, credit, line, value_date, kind, label) "
		s.run(t, tx, insert+`
			select $1, 1000, $2, i, $3, ($4::int[])[1 + i % cardinality($4::int[])], i + 1, '2026-07-09', 'SALE', 'RBCRR      CB10:25:55C' || i
			from generate_series(0, $5::int - 1) as i`, batch, startedAt(), suspense, cps, s.sales)
		s.run(t, tx, insert+"values ($1, 5000, $2, $3, $4, $5, $3 + 1, '2026-07-09', 'REFUND', 'r')",
			batch, startedAt(), s.sales, short, suspense)
		s.run(t, tx, insert+`
			select $1, $6::bigint * sales, $2, $5::int + i, ($4::int[])[i], $3, null, '2026-07-09', 'COMMISSION', 'COMCO   CB08:30:00'
			from (select 1 + i % cardinality($4::int[]) as i, count(*) as sales from generate_series(0, $5::int - 1) as i group by 1) as cp`,
			batch, startedAt(), ids[ledger.FeesDue], cps, s.sales, int64(lineRate))
		s.run(t, tx, insert+"values ($1, 5000, $2, $3, $4, $5, null, '2026-07-09', 'COVER', 'COUVERTURE CREANCE 08:30:00')",
			batch, startedAt(), s.sales+1+s.cps, ids[ledger.Debt(siret)], short)
		s.run(t, tx, `
			update account a set debit_cents = a.debit_cents + m.debit, credit_cents = a.credit_cents + m.credit
			from (select account, sum(debit) as debit, sum(credit) as credit
			      from (select debit as account, amount_cents as debit, 0 as credit from entry where batch = $1
			            union all select credit, 0, amount_cents from entry where batch = $1) as sides
			      group by account) as m
			where a.id = m.account`, batch)

		owed := money.Cents(5000)
		row := tx.QueryRow(t.Context(), `
			insert into debt (siret, created_at, initial_cents, remaining_cents) values ($1, $2, 5000, 5000)
			on conflict (siret, created_at) do update
			set initial_cents = debt.initial_cents + 5000, remaining_cents = debt.remaining_cents + 5000, modified_at = $2
			returning remaining_cents`, siret, startedAt())
		require.NoError(t, row.Scan(&owed))
		s.emit(t, tx, batch, s.sales+1+s.cps,
			ogep.GetAccountBalance{AccountID: shortCP},
			ogep.CreateAccountTransaction{AccountID: shortCP, Transaction: ogep.AccountTransaction{
				Label: "COUVERTURE CREANCE 08:30:00", Amount: 5000, TransactionAt: startedAt(), ValueAt: startedAt(),
			}},
			ogep.RegisterDebt{Debt: ogep.MerchantDebt{Siret: siret, Initial: owed, Remaining: owed, CreatedAt: startedAt()}})
		s.run(t, tx, "update settlement set posted_lines = posted_lines + $2, shortfall_cents = 5000, taken_cents = $3 where number = $1",
			s.settlement, s.sales+1, int64(s.taken))
	})
}

func (s *session) order(t testing.TB, step, purpose string, from, to ledger.Code, amount money.Cents) {
	t.Helper()
	s.exec(t, func(tx pgx.Tx) {
		id, err := uuid.NewUUID()
		require.NoError(t, err)
		reference := id.String() + "-" + strconv.FormatInt(startedAt().UnixMilli(), 10)
		batch := s.batch(t, tx, step, 0)
		entries := []ledger.Entry{{
			Debit: ledger.Transit(reference), Credit: from, Kind: ledger.KindTransferSent, Amount: amount, Label: step,
		}}
		if purpose == "REVENUE" {
			entries = append(entries, ledger.Entry{
				Debit: ledger.FeesDue, Credit: ledger.CommissionEarned, Kind: ledger.KindEarning, Amount: amount, Label: step,
			})
		}
		s.post(t, tx, batch, entries...)
		s.run(t, tx, `
			insert into transfer_order (batch, ref_externe, bulk_id, purpose, state, debtor, creditor, amount_cents, due_date, info, created_at)
			select $1, $2, $3::text::uuid, $4, 'PREPARED', d.id, c.id, $5, '2026-07-09', $6, $7
			from account d, account c where d.code = $8 and c.code = $9`,
			batch, reference, id.String(), purpose, int64(amount), step, startedAt(), from, to)
		s.emit(t, tx, 0, 0, ogep.CreateTransfer{Orders: []ogep.Order{{
			RefExterne: reference, OrderType: "V", CreditorName: "EP", CreditorBIC: "AGRIFRPP", CreditorIBAN: "FR7630006000011234567890189",
			DebtorName: "EP", DebtorBIC: "AGRIFRPP", DebtorIBAN: "FR7630006000011234567890189", Amount: amount,
			DeviseID: "EUR", Ccy: "EUR", BankID: "999999", OrderFormat: "PAIN.001.001.03",
			Echeance: calendar.DateOf(startedAt()), Info: step, BulkID: id.String(),
		}}})
	})
}

func (s *session) exec(t testing.TB, work func(pgx.Tx)) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		work(tx)
		return nil
	}))
}

func (s *session) run(t testing.TB, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	_, err := tx.Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
}

func (s *session) batch(t testing.TB, tx pgx.Tx, step string, item int) int64 {
	t.Helper()
	id, fresh, err := postgres.BeginBatch(t.Context(), tx, s.number, postgres.Key{Scope: s.scope(), Step: step, Item: item}, startedAt())
	require.NoError(t, err)
	require.True(t, fresh)
	return id
}

func (s *session) post(t testing.TB, tx pgx.Tx, batch int64, entries ...ledger.Entry) {
	t.Helper()
	for i := range entries {
		entries[i].TransactionAt, entries[i].ValueDate = startedAt(), calendar.DateOf(startedAt())
	}
	_, err := postgres.Post(t.Context(), tx, batch, 0, entries)
	require.NoError(t, err)
}

func (s *session) emit(t testing.TB, tx pgx.Tx, batch int64, rendered int, bodies ...ogep.Body) {
	t.Helper()
	err := postgres.Outbox{Environment: 'I', Node: 3}.Emit(t.Context(), tx, postgres.Emission{
		Vacation: s.number, At: startedAt(), Batch: batch, Rendered: rendered, Bodies: bodies,
	})
	require.NoError(t, err)
}
