package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

func TestTraceOfACorrelation(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	trail, err := audit.Trace(t.Context(), pool, s.correlation)
	require.NoError(t, err)
	require.Equal(t, audit.Correlation, trail.Recognized)
	require.Nil(t, trail.Line)

	require.Len(t, trail.Runs, 1)
	run := trail.Runs[0]
	require.Equal(t, vacation.ReglementTransactions, run.Kind)
	require.Equal(t, s.reference, run.Key)
	require.Equal(t, s.correlation, run.CorrelationID)
	require.Equal(t, "ENDED", run.State)
	require.Equal(t, "2026-07-08", run.BusinessDate)
	require.True(t, startedAt().Equal(*run.EndedAt))
	require.EqualValues(t, 49, run.Events)

	require.Equal(t, s.reference, trail.Settlement.Reference)
	require.Equal(t, []audit.KindSum{
		{Kind: ledger.KindSettlement, Entries: 1, Amount: s.gross},
		{Kind: ledger.KindPark, Entries: 1, Amount: 700},
		{Kind: ledger.KindParkedRefund, Entries: 1, Amount: 200},
		{Kind: ledger.KindSale, Entries: sales, Amount: sales * 1000},
		{Kind: ledger.KindRefund, Entries: 1, Amount: 5000},
		{Kind: ledger.KindCommission, Entries: 1, Amount: s.taken},
		{Kind: ledger.KindCover, Entries: 1, Amount: 5000},
		{Kind: ledger.KindTransferSent, Entries: 2, Amount: 5000 + s.taken},
		{Kind: ledger.KindEarning, Entries: 1, Amount: s.taken},
	}, trail.Entries)
	require.Len(t, trail.Orders, 2)
	require.Equal(t, "COVER", trail.Orders[0].Purpose)
	require.Equal(t, ledger.Fonctionnement, trail.Orders[0].Debtor)
	require.Equal(t, money.Cents(5000), trail.Orders[0].Amount)
	require.Equal(t, "REVENUE", trail.Orders[1].Purpose)
	require.Equal(t, []audit.Cover{{Siret: siret, AccountID: shortCP, Amount: 5000}}, trail.Covers)
	require.Len(t, trail.Parked, 2)
}

func TestTraceOfAReference(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	trail, err := audit.Trace(t.Context(), pool, s.reference)
	require.NoError(t, err)
	require.Equal(t, audit.Reference, trail.Recognized)
	require.Len(t, trail.Runs, 1)

	settled := *trail.Settlement
	require.Equal(t, s.gross, settled.Amount)
	require.Equal(t, s.gross, settled.Gross)
	require.Equal(t, s.commission, settled.Commission)
	require.Equal(t, s.taken, settled.Taken)
	require.Equal(t, money.Cents(5000), settled.Covered)
	require.Equal(t, money.Cents(500), settled.Parked)
	require.EqualValues(t, 2, settled.ParkedLines)
	require.Equal(t, sales+3, settled.Lines)
	require.Equal(t, sales+3, settled.Posted)
	require.Len(t, settled.FileSHA256, 64)
	require.True(t, startedAt().Equal(*settled.SettledAt))

	// One that has no file yet.
	trail, err = audit.Trace(t.Context(), pool, "00000320260708UEP")
	require.NoError(t, err)
	require.Zero(t, trail.Settlement.Lines)
	require.Nil(t, trail.Settlement.SettledAt)
	require.Equal(t, "RUNNING", trail.Runs[0].State)
	require.Empty(t, trail.Orders)
}

func TestTraceOfACardLine(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)

	sale := traceLine(t, s, s.reference+"-17")
	require.Equal(t, 17, sale.Line)
	require.Equal(t, ledger.KindSale, sale.Entry.Kind)
	require.Equal(t, ledger.CP(cp(0)), sale.Entry.Credit)
	require.Equal(t, money.Cents(1000), sale.Entry.Amount)
	require.Nil(t, sale.Parked)
	require.Len(t, sale.After, 1)
	require.Equal(t, ledger.KindCommission, sale.After[0].Kind)
	require.Equal(t, s.taken, sale.After[0].Amount)
	requireEvent(t, s, sale, ogep.TypeCreateAccountTransaction)
	require.EqualValues(t, 2+16, sale.Event.Seq)

	refund := traceLine(t, s, s.reference+"-41")
	require.Equal(t, ledger.KindRefund, refund.Entry.Kind)
	require.Equal(t, ledger.CP(shortCP), refund.Entry.Debit)
	require.Len(t, refund.After, 1)
	require.Equal(t, ledger.KindCover, refund.After[0].Kind)
	require.Equal(t, ledger.Debt(siret), refund.After[0].Debit)
	requireEvent(t, s, refund, ogep.TypeCreateAccountTransaction)

	parked := traceLine(t, s, s.reference+"-42")
	require.Equal(t, ledger.KindPark, parked.Entry.Kind)
	require.Nil(t, parked.Event)
	require.Empty(t, parked.After)
	require.Equal(t, "UNKNOWN_CP", parked.Parked.Reason)
	require.Equal(t, money.Cents(700), parked.Parked.Gross)

	// One that is loaded, but not posted yet.
	fourth := open(t, pool, "00000420260708UEP", sales)
	fourth.load(t)
	waiting := traceLine(t, fourth, "00000420260708UEP-1")
	require.Nil(t, waiting.Entry)
	require.Nil(t, waiting.Event)
}

func traceLine(t *testing.T, s *session, creID string) audit.Line {
	t.Helper()
	trail, err := audit.Trace(t.Context(), s.pool, creID)
	require.NoError(t, err)
	require.Equal(t, audit.CreID, trail.Recognized)
	require.Equal(t, s.reference, trail.Settlement.Reference)
	require.Equal(t, s.correlation, trail.Runs[0].CorrelationID)
	require.Equal(t, creID, trail.Line.CreID)
	return *trail.Line
}

// requireEvent finds the event that a trace names where the trace says.
func requireEvent(t *testing.T, s *session, line audit.Line, want ogep.Type) {
	t.Helper()
	require.Equal(t, s.correlation, line.Event.CorrelationID)
	found := 0
	err := audit.Events(t.Context(), s.pool, s.correlation, line.Event.Seq, line.Event.Seq, func(seq int64, frame []byte) error {
		found++
		require.Equal(t, line.Event.Seq, seq)
		event, err := ogep.Parse(frame)
		require.NoError(t, err)
		require.Equal(t, line.Event.UID, event.UID)
		require.Equal(t, want, event.Type)
		require.Contains(t, string(frame), line.Entry.Label)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, found)
}

func TestTraceOfASession(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	for id, what := range map[string]audit.Recognized{
		s.correlation: audit.Correlation, s.reference: audit.Reference, s.reference + "-17": audit.CreID,
	} {
		trail, err := audit.TraceSession(t.Context(), pool, id)
		require.NoError(t, err)
		require.Equal(t, what, trail.Recognized)
		require.Equal(t, s.reference, trail.Settlement.Reference)
		require.Len(t, trail.Orders, 2)
		require.Empty(t, trail.Sections, "of elsewhere")
	}
	_, err := audit.TraceSession(t.Context(), pool, siret)
	var unknown *audit.NotFoundError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, []string{"correlation", "settlement reference", "creId"}, unknown.LookedFor)
}

func TestTraceOfTheUnknown(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for _, id := range []string{"", "nothing", "d6e15128-dfa1-11e9-9fab-7c2a3123212b", "'; drop table entry; --"} {
		_, err := audit.Trace(t.Context(), pool, id)
		var unknown *audit.NotFoundError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, id, unknown.ID)
		require.Equal(t, []string{
			"correlation", "bulk", "settlement reference", "creId", "payment account", "SIRET", "refExterne", "endToEndId", "bank line",
			"SHA-256 of a file", "debt", "card payment order", "transaction of a card payment",
		}, unknown.LookedFor)
		require.ErrorAs(t, audit.Events(t.Context(), pool, id, 1, 1, nil), &unknown)
	}
}

func TestEventsByType(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	want := []audit.TypeCount{
		{Type: ogep.TypeCreateAccountTransaction, Events: sales + 1 + 1 + 1},
		{Type: ogep.TypeCreateTransfer, Events: 2},
		{Type: ogep.EndType(vacation.ReglementTransactions), Events: 1},
		{Type: ogep.TypeGetAccountBalance, Events: 1},
		{Type: ogep.TypeRegisterDebt, Events: 1},
		{Type: ogep.StartType(vacation.ReglementTransactions), Events: 1},
	}
	counts, err := audit.EventsByType(t.Context(), pool, s.correlation)
	require.NoError(t, err)
	require.Equal(t, want, counts)

	// What is delivered is what is counted.
	byType := make(map[ogep.Type]int64)
	err = audit.Events(t.Context(), pool, s.correlation, 1, 1_000_000, func(_ int64, frame []byte) error {
		event, err := ogep.Parse(frame)
		byType[event.Type]++
		return err
	})
	require.NoError(t, err)
	for _, count := range want {
		require.Equal(t, count.Events, byType[count.Type], count.Type)
	}

	counts, err = audit.EventsByType(t.Context(), pool, "")
	require.NoError(t, err)
	require.Equal(t, audit.TypeCount{Type: ogep.StartType(vacation.ReglementTransactions), Events: 3}, counts[len(counts)-1])
	counts, err = audit.EventsByType(t.Context(), pool, "none")
	require.NoError(t, err)
	require.Empty(t, counts)
}

func TestBalances(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)

	sheet, err := audit.Balances(t.Context(), pool, []string{"BK.FON", cp(0), "DEBT." + siret, "CP." + shortCP, "TR.PARK"})
	require.NoError(t, err)
	require.Empty(t, sheet.Classes)
	var stands []money.Cents
	for _, account := range sheet.Accounts {
		stands = append(stands, account.Balance)
	}
	// Two sessions have posted, one of them has ordered its transfers.
	require.Equal(t, []money.Cents{100_000 - 5000, 2 * (sales*1000 - s.taken), 2 * 5000, 0, 2 * 500}, stands)
	require.Equal(t, ledger.CP(cp(0)), sheet.Accounts[1].Account)

	sheet, err = audit.Balances(t.Context(), pool, nil)
	require.NoError(t, err)
	require.Len(t, sheet.Accounts, 9)
	sum := money.Cents(0)
	for _, class := range sheet.Classes {
		sum += class.Credit - class.Debit
		if class.Class == ledger.ClassDebt {
			require.Equal(t, money.Cents(10_000), class.Balance)
			require.EqualValues(t, 1, class.Accounts)
		}
	}
	require.Zero(t, sum)

	_, err = audit.Balances(t.Context(), pool, []string{"BK.REG", "1A99999999"})
	var unknown *audit.NotFoundError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "1A99999999", unknown.ID)

	largest, err := audit.LargestBalances(t.Context(), pool, 1)
	require.NoError(t, err)
	require.Len(t, largest, 1)
	require.Equal(t, ledger.CP(cp(0)), largest[0].Account)
}

func TestDebtsAndParkedLines(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	empty, err := audit.Debts(t.Context(), pool)
	require.NoError(t, err)
	text, err := json.Marshal(empty)
	require.NoError(t, err)
	require.JSONEq(t, `{"debts":[],"initialCents":0,"remainingCents":0}`, string(text))

	s := populate(t, pool)
	_, err = pool.Exec(t.Context(), `
		insert into debt values ('40483304800022', '2026-01-02', 300, 200), ('40483304800022', '2025-01-02', 300, 0)`)
	require.NoError(t, err)
	debts, err := audit.Debts(t.Context(), pool)
	require.NoError(t, err)
	require.Len(t, debts.Debts, 2)
	require.Equal(t, "40483304800022", debts.Debts[0].Siret, "the oldest first")
	require.Equal(t, money.Cents(10_300), debts.Initial)
	require.Equal(t, money.Cents(10_200), debts.Remaining)
	require.NotNil(t, debts.Debts[1].ModifiedAt)

	parked, err := audit.Parked(t.Context(), pool)
	require.NoError(t, err)
	require.EqualValues(t, 4, parked.Total)
	require.Equal(t, money.Cents(1000), parked.Gross)
	require.Equal(t, 2*lineRate, parked.Commission)
	require.Len(t, parked.Lines, 4)
	require.Equal(t, s.reference, parked.Lines[0].Reference)
	require.Equal(t, sales+2, parked.Lines[0].Line)
}
