//go:build linux

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

const (
	columnKind    = 3 // of a header
	columnAccount = 3
	columnType    = 7
	columnFee     = 9
)

// unpaids makes a file of unpaids of a day's first records, its first lines those given.
func unpaids(t testing.TB, day *sample.Day, lines ...string) cre {
	t.Helper()
	file := readCRE(t, day)[:len(lines)+1].with(0, columnKind, string(settlement.KindImpaye))
	for i, line := range lines {
		columns := strings.Fields(line)
		file = file.with(i+1, columnAccount, columns[0]).with(i+1, columnSiret, columns[1]).
			with(i+1, columnType, columns[2]).with(i+1, columnGross, columns[3]).with(i+1, columnFee, columns[4]).
			with(i+1, columnLabel, fmt.Sprintf("%s %d", columns[2], i+1)).with(i+1, columnScheme, "CB")
	}
	return file
}

// unpaidRequest is the bank line that a file of unpaids explains.
func (s *stage) unpaidRequest(t testing.TB, day *sample.Day, file cre) workflows.ReglementRequest {
	t.Helper()
	request := s.request(t, day)
	gross, _ := file.sums()
	request.Transaction.Amount = money.Cents(gross)
	request.Transaction.Vacation = string(settlement.KindImpaye)
	return request
}

func (s *stage) settleUnpaids(t testing.TB, day *sample.Day, file cre) vacation.Totals {
	t.Helper()
	request := s.unpaidRequest(t, day, file)
	put(t, request.File, file.good())
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	return totals
}

// holder is a payment account and its merchant's SIRET, as a line begins.
func (s *stage) holder(t testing.TB, status string) string {
	t.Helper()
	return s.facts(t, `select account_id || ' ' || siret from merchant m where status = '`+status+`'
		and (select count(*) from merchant o where o.siret = m.siret) = 1 order by account_id limit 1`)[0]
}

// told are a run's events, counted from 1, without their hours.
func (s *stage) told(t testing.TB, run int) []string {
	t.Helper()
	var (
		told []string
		at   int
	)
	for _, body := range eventtest.Bodies(t, s.pool) {
		if strings.HasPrefix(string(body.Type()), "start-") {
			at++
		}
		if at == run {
			told = append(told, brief(body))
		}
	}
	return told
}

// clock is the hour in a label.
var clock = regexp.MustCompile(`\d\d:\d\d:\d\d`)

func brief(body ogep.Body) string {
	text := string(body.Type())
	switch body := body.(type) {
	case ogep.StartReglement:
		return fmt.Sprintf("%s %s %s", text, body.Transaction.Amount, body.Transaction.Vacation)
	case ogep.GetAccountBalance:
		return fmt.Sprintf("%s %s %s", text, body.AccountID, body.Balance)
	case ogep.CreateAccountTransaction:
		label := strings.TrimSpace(clock.ReplaceAllString(body.Transaction.Label, ""))
		return fmt.Sprintf("%s %s %s %s", text, body.AccountID, body.Transaction.Amount, label)
	case ogep.RegisterDebt:
		return fmt.Sprintf("%s %s %s/%s modified %t", text, body.Debt.Siret, body.Debt.Remaining, body.Debt.Initial, body.Debt.ModifiedAt != nil)
	case ogep.CreateTransfer:
		return fmt.Sprintf("%s %s %s", text, body.Orders[0].Amount, strings.TrimSpace(clock.ReplaceAllString(body.Orders[0].Info, "")))
	default:
		return text
	}
}

// TestAnUnpaidBeyondTheBalanceBecomesADebt has the numbers of the OG-EP
// reference: 1102.00 are taken back from a CP of 101.50. A second unpaid
// increases the debt.
func TestAnUnpaidBeyondTheBalanceBecomesADebt(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newStage(t, first)
	cp := s.holder(t, "ACTIVE")
	account, siret := cp[:10], cp[11:]
	s.settleCRE(t, first, readCRE(t, first)[:2].on(1, account, siret, 101_50))

	day := numberedDay(t, 2)
	totals := s.settleUnpaids(t, day, unpaids(t, day, cp+" IMPAYE -110200 0"))
	require.Equal(t, vacation.Totals{
		CorrelationID: totals.CorrelationID, Reference: day.Reference(), Lines: 1, Gross: -1_102_00, Covered: 1_000_50, Debts: 1,
		Events: 7, FileSHA256: totals.FileSHA256,
	}, totals)
	require.Equal(t, []string{
		"start-vacation-reglement-impayes -1102.00 IMPAYE",
		"create-account-transaction " + account + " -1102.00 IMPAYE 1",
		"get-account-balance " + account + " 101.50",
		"create-account-transaction " + account + " 1000.50 COUVERTURE CREANCE",
		"register-debt " + siret + " 1000.50/1000.50 modified false",
		"create-transfer 1000.50 COUVERTURE CREANCE",
		"end-vacation-reglement-impayes",
	}, s.told(t, 2))
	verify(t, s)

	day = numberedDay(t, 3)
	totals = s.settleUnpaids(t, day, unpaids(t, day, cp+" IMPAYE -20000 1500"))
	require.EqualValues(t, 215_00, totals.Covered)
	require.EqualValues(t, 15_00, totals.Commission)
	require.Equal(t, []string{
		"start-vacation-reglement-impayes -200.00 IMPAYE",
		"create-account-transaction " + account + " -200.00 IMPAYE 1",
		"create-account-transaction " + account + " -15.00 COMCO   CB",
		"get-account-balance " + account + " 0.00",
		"create-account-transaction " + account + " 215.00 COUVERTURE CREANCE",
		"register-debt " + siret + " 1215.50/1215.50 modified true",
		"create-transfer 215.00 COUVERTURE CREANCE",
		"create-transfer 15.00 COMCO   CB",
		"end-vacation-reglement-impayes",
	}, s.told(t, 3))
	require.Equal(t, []string{
		"BK -9756900", "CP 0", "DEBT -121550", "EQ 10000000", "FEE 0", "PL 1500", "TR.INT -123050", "TR.PARK 0", "TR.SET 0",
	}, s.byClass(t))
	verify(t, s)
}

func (s *stage) byClass(t testing.TB) []string {
	t.Helper()
	return s.facts(t, `select class || ' ' || sum(credit_cents - debit_cents) from account group by class order by class`)
}

// TestUnpaidsOfAllKindsOfAccounts: what a CP can bear is taken from it, blocked
// or not, after what comes back to it; what no CP can bear its merchant owes,
// without a fee; a representation that no CP can take is parked.
func TestUnpaidsOfAllKindsOfAccounts(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newStage(t, first)
	active, blocked, closed := s.holder(t, "ACTIVE"), s.holder(t, "BLOCKED"), s.holder(t, "CLOSED")
	s.settleCRE(t, first, readCRE(t, first)[:2].on(1, active[:10], active[11:], 500_00))
	unknown := "9Z00000001 " + closed[11:]
	other := active[:10] + " " + blocked[11:]

	day := numberedDay(t, 2)
	totals := s.settleUnpaids(t, day, unpaids(t, day,
		active+" IMPAYE -40000 1500",
		active+" IMPAYE -12000 1500",
		active+" REPRES 2000 0",
		blocked+" IMPAYE -3000 1500",
		closed+" IMPAYE -7000 1500",
		unknown+" IMPAYE -1000 1500",
		unknown+" REPRES 900 100",
		other+" IMPAYE -50 1500",
		closed+" REPRES 300 0",
	))
	require.Equal(t, vacation.Totals{
		CorrelationID: totals.CorrelationID, Reference: day.Reference(), Lines: 9, Gross: -598_50,
		ParkedLines: 2, Parked: 12_00, Commission: 45_00, Covered: 30_00 + 45_00 + 80_00 + 50, Debts: 4,
		Events: totals.Events, FileSHA256: totals.FileSHA256,
	}, totals)
	require.ElementsMatch(t, []string{
		active[11:] + " 3000 3000", blocked[11:] + " 4550 4550", closed[11:] + " 8000 8000",
	}, s.facts(t, `select siret || ' ' || initial_cents || ' ' || remaining_cents from debt`),
		"500.00 + 20.00 − 520.00 − 30.00; 30.00 + 15.00 and 0.50; 70.00 + 10.00")
	require.Equal(t, []string{
		"5 TO_DEBT -7000", "6 TO_DEBT -1000", "7 UNKNOWN_CP 900", "8 TO_DEBT -50", "9 CLOSED_CP 300",
	}, s.facts(t, `select line || ' ' || reason || ' ' || gross_cents from parked_line order by line`))
	require.Equal(t, []string{
		"COMMISSION 2 4500", "COVER 2 7500", "PARK 2 1200", "REPRESENTED 1 2000", "SETTLEMENT 1 59850",
		"TRANSFER_OUT 2 20050", "UNPAID 3 55000", "UNPAID_DEBT 3 8050",
	}, s.facts(t, `select kind || ' ' || count(*) || ' ' || sum(amount_cents) from entry e join batch b on b.id = e.batch
		where scope like 'vacation-reglement-impayes/%' and kind <> 'EARNING' group by kind order by kind`))
	require.EqualValues(t, 155_50, s.number(t, `select amount_cents from transfer_order where purpose = 'COVER'`))
	require.EqualValues(t, 4, s.number(t, `select count(*) from event where type = 'register-debt'`))
	require.EqualValues(t, 2, s.number(t, `select count(*) from event where type = 'get-account-balance'`), "of each CP with unpaids")
	verify(t, s)
}

func TestRepresentationsAloneAreCredited(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	active := s.holder(t, "ACTIVE")
	totals := s.settleUnpaids(t, day, unpaids(t, day, active+" REPRES 2000 0", active+" REPRES 100 0"))
	require.EqualValues(t, 21_00, totals.Gross)
	require.Zero(t, totals.Debts)
	require.Contains(t, s.byClass(t), "CP 2100")
	require.Equal(t, []string{
		"start-vacation-reglement-impayes 21.00 IMPAYE",
		"create-account-transaction " + active[:10] + " 20.00 REPRES 1",
		"create-account-transaction " + active[:10] + " 1.00 REPRES 2",
		"end-vacation-reglement-impayes",
	}, s.told(t, 1))
	verify(t, s)
}

// TestOwnMoneyTooLowForUnpaidsEndsWithError also where no CP is short: a debt as
// a whole is own money's too.
func TestOwnMoneyTooLowForUnpaidsEndsWithError(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newEmptyStage(t)
	s.loadMerchants(t, day)
	closed := s.holder(t, "CLOSED")
	file := unpaids(t, day, closed+" IMPAYE -40000 0")
	request := s.unpaidRequest(t, day, file)
	put(t, request.File, file.good())
	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.OwnMoneyTooLow, failure.Code)
	require.Equal(t, vacation.StageCovering, failure.Step)
	s.requireEnds(t, request, "ENDED_WITH_ERROR OWN_MONEY_TOO_LOW covering-shortfalls")

	s.fund(t)
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	require.EqualValues(t, 400_00, totals.Covered)
	verify(t, s)
}

func TestARefusedFileOfUnpaidsTouchesNoAccount(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newStage(t, first)
	active := s.holder(t, "ACTIVE")
	settled := unpaids(t, first, active+" IMPAYE -5000 0", active+" IMPAYE -100 0")
	s.settleUnpaids(t, first, settled)
	t.Cleanup(func() { verify(t, s) })

	const invalid, mismatch = vacation.FileInvalid, vacation.ReferenceMismatch
	sequence := 1
	for name, test := range map[string]struct {
		refusal

		amount func(gross money.Cents) money.Cents // of the bank line
	}{
		"a file of sales": {refusal: refusal{func(good cre) string {
			return good.with(0, columnKind, "TRANSACTION").with(1, columnType, "REMB").with(2, columnType, "REMB").
				with(3, columnType, "VENTE").good()
		}, mismatch, "is of kind TRANSACTION, operation 100; the bank line wants IMPAYE", "", 0}},
		"a sale among unpaids": {refusal: refusal{func(good cre) string {
			return good.with(3, columnType, "VENTE").good()
		}, invalid, "does not belong in a file of kind IMPAYE", fault.CodeKind, 4}},
		"an unpaid above zero": {refusal: refusal{func(good cre) string {
			return good.with(2, columnGross, "100").good()
		}, invalid, "must be below zero on a IMPAYE line", fault.CodeSign, 3}},
		"a representation below zero": {refusal: refusal{func(good cre) string {
			return good.with(3, columnGross, "-100").good()
		}, invalid, "must be above zero on a REPRES line", fault.CodeSign, 4}},
		"a credit of the same amount": {refusal{func(good cre) string { return good.good() },
			vacation.AmountMismatch, "apart", "", 0}, func(gross money.Cents) money.Cents { return -gross }},
		"a credit with unpaids in it": {refusal{func(good cre) string {
			return good.with(3, columnGross, "900000").good()
		}, vacation.AmountMismatch, "holds 2 unpaids, and the bank line is a credit", "", 0},
			func(gross money.Cents) money.Cents { return gross - 1000 + 9_000_00 }},
		"a creId that was settled before": {refusal: refusal{func(good cre) string {
			return good.with(2, columnCreID, settled.column(1, columnCreID)).good()
		}, vacation.DuplicateLine, "was settled before", fault.CodeDuplicateCre, 3}},
		"another operation": {refusal: refusal{func(good cre) string {
			return good.with(0, 5, "200").good()
		}, mismatch, "operation 200", "", 0}},
	} {
		sequence++
		day := numberedDay(t, sequence)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := unpaids(t, day, active+" IMPAYE -5000 0", active+" IMPAYE -100 0", active+" REPRES 1000 0")
			request := s.unpaidRequest(t, day, good)
			if test.amount != nil {
				request.Transaction.Amount = test.amount(request.Transaction.Amount)
			}
			put(t, request.File, test.file(good))
			_, err := s.settle(t, request)
			failure := activities.AsFailure(err)
			require.NotNil(t, failure)
			require.Equal(t, test.code, failure.Code, failure.Message)
			require.Contains(t, failure.Message, test.says)
			s.requireEnds(t, request, "ENDED_WITH_ERROR "+string(test.code)+" loading-file")
			s.requireUntouched(t, day)
			s.requireReport(t, failure, test.refusal)
			if test.amount != nil {
				return
			}
			put(t, request.File, good.good())
			_, err = s.settle(t, request)
			require.NoError(t, err)
		})
	}
}

// TestUnpaidsDoNotSettleSales: the file and the bank line are of one kind.
func TestUnpaidsDoNotSettleSales(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	active := s.holder(t, "ACTIVE")
	file := unpaids(t, day, active+" REPRES 2000 0")
	request := s.unpaidRequest(t, day, file)
	request.Transaction.Vacation = string(settlement.KindTransaction)
	put(t, request.File, file.good())
	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.ReferenceMismatch, failure.Code)
	require.Contains(t, failure.Message, "is of kind IMPAYE, operation 100; the bank line wants TRANSACTION")
	s.requireUntouched(t, day)
	verify(t, s)
}

// TestADayOfUnpaids settles made-up sales and then their unpaids, in many chunks.
func TestADayOfUnpaids(t *testing.T) {
	t.Parallel()
	options := sample.Typical(7, 40, 3_000, businessDate(t), 1)
	options.Unpaids, options.UnknownShare, options.ClosedShare, options.RepresentedShare = 1_000, 20, 20, 300
	day, err := sample.New(options)
	require.NoError(t, err)
	s := newStage(t, day)
	_, err = s.settle(t, s.bring(t, day))
	require.NoError(t, err)
	totals, err := s.settle(t, s.bringUnpaids(t, day))
	require.NoError(t, err)
	require.Equal(t, 1_000, totals.Lines)
	require.Negative(t, totals.Gross)
	require.Positive(t, totals.Debts)
	require.Positive(t, totals.ParkedLines)
	require.EqualValues(t, totals.Covered, s.number(t, `select sum(amount_cents) from transfer_order
		where purpose = 'COVER' and batch in (select id from batch where scope like 'vacation-reglement-impayes/%')`))
	require.Empty(t, s.facts(t, `select code from account where class = 'TR.SET' and debit_cents <> credit_cents`))
	verify(t, s)
}

// TestUnpaidsOnARealServer: the run's history replays and holds nothing of a merchant.
func TestUnpaidsOnARealServer(t *testing.T) {
	t.Parallel()
	p := newUnpaidPlay(t)
	h := newHouse(t, p.stage, nil)
	run := h.start(t, p.request)
	totals, err := end(t, run)
	require.NoError(t, err)
	require.Equal(t, 260, totals.Lines)
	p.stage.requireEnds(t, p.request, "ENDED")
	verify(t, p.stage)
	h.history(t, run, "unpaids")
	require.Equal(t, strconv.FormatInt(totals.Events, 10), p.stage.facts(t, `select last_seq::text from vacation order by number desc limit 1`)[0])
}

// TestUnpaidsAreMetFromCantonnement: the CP has the money, and it stands on
// cantonnement while the bank debits règlement.
func TestUnpaidsAreMetFromCantonnement(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newEmptyStage(t)
	s.loadMerchants(t, first)
	_, err := postgres.OpenBooks(t.Context(), s.pool, map[ledger.Code]money.Cents{ledger.Cantonnement: 5_000_00}, time.Now())
	require.NoError(t, err)
	active := s.holder(t, "ACTIVE")
	s.settleCRE(t, first, readCRE(t, first)[:2].on(1, active[:10], active[11:], 2_000_00))
	// What the sale brought has left règlement since.
	require.NoError(t, pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, postgres.Key{Scope: "books", Step: "test"}, time.Now())
		require.NoError(t, err)
		_, err = postgres.Post(t.Context(), tx, batch, 0, []ledger.Entry{{
			Debit: ledger.Opening, Credit: ledger.Reglement, Kind: ledger.KindOwnFunds, Amount: 2_000_00,
			Label: "TEST", TransactionAt: time.Now(), ValueDate: businessDate(t),
		}})
		return err
	}))

	day := numberedDay(t, 2)
	totals := s.settleUnpaids(t, day, unpaids(t, day, active+" IMPAYE -150000 0"))
	require.Zero(t, totals.Debts)
	require.Equal(t, []string{
		"start-vacation-reglement-impayes -1500.00 IMPAYE",
		"create-account-transaction " + active[:10] + " -1500.00 IMPAYE 1",
		"get-account-balance " + active[:10] + " 2000.00",
	}, s.told(t, 2)[:3])
	require.Equal(t, []string{"DECANTONNEMENT 150000"}, s.facts(t, `select purpose || ' ' || amount_cents from transfer_order`))
	require.Len(t, s.told(t, 2), 5, "the transfer, and the end")
	verify(t, s)
}

// TestUnpaidsThatBecameDebtsStayDebts: their CP opens again between two
// splittings of the file, of which the first was accepted.
func TestUnpaidsThatBecameDebtsStayDebts(t *testing.T) {
	t.Parallel()
	p := newUnpaidPlay(t)
	for _, scene := range settlingUnpaids() {
		if scene.name == activities.PostLinesName {
			require.NoError(t, os.RemoveAll(filepath.Join(p.stage.folders.Work, p.sha256)))
			_, err := p.stage.pool.Exec(t.Context(), `update merchant set status = 'ACTIVE'`)
			require.NoError(t, err)
			p.stage = newStageOn(p.stage.pool, p.stage.folders, smallCuts()) // it has read no merchants yet
			again, err := loadScene().play(t.Context(), p, p.stage)
			require.NoError(t, err)
			require.Equal(t, p.sha256, again.(activities.LoadFileResult).SHA256)
		}
		result, err := scene.play(t.Context(), p, p.stage)
		require.NoError(t, err, scene.name)
		p.keep(result)
	}
	require.Positive(t, p.stage.number(t, `select count(*) from entry where kind = 'UNPAID_DEBT'`))
	require.Equal(t, p.stage.number(t, `select count(*) from parked_line where reason = 'TO_DEBT'`),
		p.stage.number(t, `select count(*) from entry where kind = 'UNPAID_DEBT'`))
	verify(t, p.stage)
}
