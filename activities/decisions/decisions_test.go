package decisions_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/decisions"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// now is a Thursday in Paris's winter.
var now = time.Date(2026, time.March, 19, 11, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

const (
	reference = "00000120260317UEP"
	scope     = "vacation-reglement-transactions/" + reference
)

// world is books with three CPs, of which the third is closed and the second
// blocked; with parked lines, bank lines, a debt and a hold.
type world struct {
	pool   *pgxpool.Pool
	orders *transfers.Activities
	parts  []registrar
	run    activities.Run
}

// parked are the lines of the settlement's list: gross and commission in cents, and why.
func parked() map[int][3]any {
	return map[int][3]any{
		1: {5_000, 30, "UNKNOWN_CP"}, 2: {-2_000, 0, "OTHER_SIRET"}, 3: {-9_000, 0, "CLOSED_CP"}, 4: {-1_000, 0, "TO_DEBT"},
		5: {100, 20, "CLOSED_CP"}, 6: {40, 50, "UNKNOWN_CP"},
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{pool: pgtest.New(t)}
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	clock := func() time.Time { return now }
	party := func(n int) transfer.Party { return transfer.Party{Name: "EP", BIC: "RGLOFRP0", IBAN: aIBAN(n)} }
	orders := transfers.New(w.pool, outbox, transfers.Bank{
		ID: "999999", PayoutPrefix: "MONEXTEUR", InternalPrefix: "MONEXTINT", Format: pain001.Format{Version: pain001.V03},
		Reglement: party(91), Cantonnement: party(92), Fonctionnement: party(93),
	}, calendar.Target{}, clock)
	w.orders = orders
	// The site's bank writes settlements its own way.
	labels, err := label.Compile(append([]label.Rule{
		{Class: label.SettlementTransaction, Pattern: `REGLT (?P<reference>CB[0-9]{4}) (?P<operationType>[A-Z])`},
	}, label.Default()...), []string{"200", "I"})
	require.NoError(t, err)
	w.parts = []registrar{
		session.New(w.pool, outbox, clock), decisions.New(w.pool, outbox, operator.Actors{"alice", "bruno"}, labels, orders, clock),
		statements.New(w.pool, outbox, labels, nil, inbox.Archive(t.TempDir()), clock),
	}
	w.load(t)
	w.fill(t)
	w.run = w.open(t, "2026-03-19/decisions-1")
	w.list(t)
	return w
}

// registrar is a package of activities.
type registrar interface {
	Register(registry worker.ActivityRegistry)
}

// execute runs an activity in an environment of its own: one does not run several at once.
func (w *world) execute(name string, request any) (converter.EncodedValue, error) {
	suite := new(testsuite.WorkflowTestSuite)
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	for _, part := range w.parts {
		part.Register(env)
	}
	return env.ExecuteActivity(name, request)
}

func cpID(n int) string { return fmt.Sprintf("1A%08d", n) }

func number(n int) string {
	text := fmt.Sprintf("%013d", n)
	return text + string(siret.CheckDigit(text))
}

func aIBAN(n int) string { return iban.French(99999, 1, n) }

func (w *world) load(t testing.TB) {
	t.Helper()
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for n, status := range []merchant.Status{merchant.StatusActive, merchant.StatusBlocked, merchant.StatusClosed} {
		require.NoError(t, writer.Write(&merchant.Merchant{
			AccountID: cpID(n + 1), Siret: number(n + 1), LegalName: "M", CPIBAN: aIBAN(n + 1), CPBIC: "RGLOFRP0", Status: status,
			PayoutMode: merchant.PayoutNone, PayoutCeiling: money.Max, ValidFrom: calendar.DateOf(now),
		}))
	}
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), w.pool, merchants.Snapshot{
		Name: "m.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, now)
	require.NoError(t, err)
}

// fill gives the first CP 30.00, and the first merchant a debt of 700.50.
func (w *world) fill(t testing.TB) {
	t.Helper()
	entries := []ledger.Entry{
		{Debit: ledger.Reglement, Credit: ledger.CP(cpID(1)), Amount: 3_000},
		{Debit: ledger.Reglement, Credit: ledger.Opening, Amount: 100_000},
		{Debit: ledger.Fonctionnement, Credit: ledger.Opening, Amount: 100_000},
		{Debit: ledger.Debt(number(1)), Credit: ledger.Fonctionnement, Amount: 70_050},
	}
	for i := range entries {
		entries[i].Kind, entries[i].Label = ledger.KindOpening, "o"
		entries[i].TransactionAt, entries[i].ValueDate = now, calendar.DateOf(now)
	}
	err := pgx.BeginFunc(context.WithoutCancel(t.Context()), w.pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, postgres.Key{Scope: "test", Step: "fill"}, now)
		if err != nil {
			return err
		}
		_, err = postgres.Post(t.Context(), tx, batch, 0, entries)
		return err
	})
	require.NoError(t, err)
	w.exec(t, `insert into debt (siret, created_at, initial_cents, remaining_cents) values ('`+number(1)+`', '2026-01-05', 100050, 70050)`)
}

func (w *world) exec(t testing.TB, statement string) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), statement)
	require.NoError(t, err)
}

func (w *world) open(t testing.TB, key string) activities.Run {
	t.Helper()
	value, err := w.execute(activities.OpenVacationName, activities.OpenVacationRequest{
		ID: vacation.ID{Kind: vacation.Technique, Key: key}, WorkflowRun: uuid.NewString(),
		BusinessDate: calendar.DateOf(now), Parameters: []byte(`{}`),
	})
	require.NoError(t, err)
	var opened activities.OpenVacationResult
	require.NoError(t, value.Get(&opened))
	return opened.Run
}

// list parks the lines, and reads a statement of lines that nobody knows.
func (w *world) list(t testing.TB) {
	t.Helper()
	w.exec(t, `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
			values ('`+reference+`', '`+scope+`', 'TRANSACTION', '100', 1, '', sha256('x'), '2026-03-17');
		insert into account (code, class) values ('TR.SET.`+reference+`', 'TR.SET');
		insert into batch (scope, step, item, input_sha256, posted_at) values ('`+scope+`', 'park', 0, sha256('x'), now())`)
	for line, row := range parked() {
		gross := row[0].(int)
		w.exec(t, fmt.Sprintf(`
			insert into parked_line (settlement, line, cre_id, account_id, siret, scheme, type, gross_cents, commission_cents, label, reason, parked_at)
			values ((select number from settlement), %d, 'c%d', '1A99999999', 's', 'VISA', 'VENTE', %d, %d, 'label %d', '%s', now())`,
			line, line, gross, row[1], line, row[2]))
		if row[2] == "TO_DEBT" {
			continue
		}
		debit, credit, kind := "TR.SET."+reference, "TR.PARK", "PARK"
		if gross < 0 {
			debit, credit, kind = credit, debit, "PARK_REFUND"
		}
		w.exec(t, fmt.Sprintf(`
			insert into entry select b.id, abs(%d), '2026-03-16 10:00+01', %d, d.id, c.id, %d, '2026-03-17', '%s', 'l'
			from batch b, account d, account c where b.step = 'park' and d.code = '%s' and c.code = '%s';
			update account set debit_cents = debit_cents + abs(%d) where code = '%s';
			update account set credit_cents = credit_cents + abs(%d) where code = '%s'`,
			gross, line, line, kind, debit, credit, gross, debit, gross, credit))
	}
	w.exec(t, `insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
		select 'BK.REG', 1, '2026-03-19', 0, 0, 9, 's', sha256('s'), number, now() from vacation;
		insert into payout_hold (account_id, since, reason) values ('1A00000001', '2026-03-18 11:00+00', 'r');
		insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
		select gen_random_uuid(), 'MONEXTEUR20260317001', 'PAYOUT', 'SENT', number, 1, 500, '2026-03-17', now(), now() from vacation`)
	for i, line := range []struct {
		id, account string
		amount      int
		class       string
	}{
		{"credit", "BK.REG", 500, "UNKNOWN"}, {"debit", "BK.REG", -500, "UNKNOWN"},
		{"capital", "BK.FON", 25_000, "UNKNOWN"}, {"fees", "BK.FON", -300, "UNKNOWN"},
		{"known", "BK.REG", 500, "REJECTS"},
	} {
		w.exec(t, fmt.Sprintf(`
			insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type)
			values ('%s', 1, %d, '%s', 'L', %d, '2026-03-19', '2026-03-19', '2026-03-19', '%s', '', '')`,
			line.id, i, line.account, line.amount, line.class))
	}
}

// cp is the ledger's number of the n-th CP's account.
func (w *world) cp(t testing.TB, n int) int32 {
	t.Helper()
	var account int32
	require.NoError(t, w.pool.QueryRow(t.Context(), `select account from merchant where account_id = $1`, cpID(n)).Scan(&account))
	return account
}

// answered gives a decision its answer, by alice and with a reason.
func answered(decision activities.Decision) activities.Decision {
	decision.Answer = activities.Answer{ID: uuid.NewString(), Actor: "alice", Reason: "the acquirer said so"}
	return decision
}

func (w *world) decideIn(run activities.Run, decision activities.Decision) (string, error) {
	var result activities.DecideResult
	value, err := w.execute(activities.DecideName,
		activities.DecideRequest{Run: run, Date: calendar.DateOf(now), Decision: decision})
	if err == nil {
		err = value.Get(&result)
	}
	return result.After, err
}

func (w *world) decide(decision activities.Decision) (string, error) {
	return w.decideIn(w.run, decision)
}

func (w *world) balance(t testing.TB, account ledger.Code) money.Cents {
	t.Helper()
	var cents int64
	err := w.pool.QueryRow(t.Context(),
		`select coalesce(sum(credit_cents - debit_cents), 0)::bigint from account where code = $1`, string(account)).Scan(&cents)
	require.NoError(t, err)
	return money.Cents(cents)
}

func (w *world) texts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), query)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

// all is everything that a decision may change.
func (w *world) all(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select 'account ' || code || ' ' || debit_cents || ' ' || credit_cents from account
		union all select 'entry ' || e::text from entry e
		union all select 'parked ' || p::text from parked_line p
		union all select 'line ' || l::text from bank_line l
		union all select 'debt ' || d::text from debt d
		union all select 'hold ' || h::text from payout_hold h
		union all select 'order ' || o::text from transfer_order o
		union all select 'act ' || a::text from operator_act a
		union all select 'vacation ' || key || ' ' || last_seq from vacation
		order by 1`)
}

// told are the events of the run after its start.
func (w *world) told(t testing.TB) []ogep.Body {
	t.Helper()
	return eventtest.Bodies(t, w.pool)[1:]
}

// close proves the books.
func (w *world) close(t testing.TB) {
	t.Helper()
	// The settlement's own suspense account is not this run's: the books hold it as money to clear.
	_, err := w.execute(activities.CloseVacationName, activities.CloseVacationRequest{Run: w.run, Totals: []byte(`{}`)})
	require.NoError(t, err)
}

func TestAParkedSaleIsAssigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.balance(t, ledger.Parked)
	decision := answered(activities.Decision{Act: activities.ActAssign, Reference: reference, Line: 1, Account: w.cp(t, 2)})

	after, err := w.decide(decision)

	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("line 1 of %s, 50.00, is on ledger account %d; 0.30 of commission were taken", reference, decision.Account), after)
	require.Equal(t, money.Cents(4_970), w.balance(t, ledger.CP(cpID(2))), "a blocked CP takes in")
	require.Equal(t, before-5_000, w.balance(t, ledger.Parked))
	require.Zero(t, w.balance(t, ledger.FeesDue))
	require.Equal(t, money.Cents(30), w.balance(t, ledger.CommissionEarned))
	require.Equal(t, []string{"1A00000002 true"}, w.texts(t, `
		select assigned_to || ' ' || (assigned_batch = (select id from batch where step = 'decide'))::text from parked_line where assigned_to is not null`))
	require.Equal(t, []string{"REVENUE 30 BK.FON"}, w.texts(t, `
		select purpose || ' ' || amount_cents || ' ' || code from transfer_order o join account a on a.id = o.creditor`))

	told := w.told(t)
	require.Len(t, told, 3)
	sale, commission := told[0].(ogep.CreateAccountTransaction), told[1].(ogep.CreateAccountTransaction)
	require.Equal(t, []string{cpID(2), "label 1", "50.00"}, []string{sale.AccountID, sale.Transaction.Label, sale.Transaction.Amount.String()})
	require.Equal(t, "2026-03-16T09:00:00Z", sale.Transaction.TransactionAt.UTC().Format(time.RFC3339), "as it was parked")
	require.Equal(t, []string{"COMCO   VISA12:00:00", "-0.30"}, []string{commission.Transaction.Label, commission.Transaction.Amount.String()})
	require.Equal(t, money.Cents(30), told[2].(ogep.CreateTransfer).Orders[0].Amount)
	require.Equal(t, []string{"assign|parked line 1 of " + reference + "|alice|the acquirer said so|parked, UNKNOWN_CP|" + after + "|true"}, w.texts(t, `
		select concat_ws('|', act, subject, actor, reason, before, after, (vacation = `+strconv.Itoa(int(w.run.Number))+`)::text) from operator_act`))
	w.close(t)
}

func TestAParkedRefundIsAssigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.balance(t, ledger.Parked)
	_, err := w.decide(answered(activities.Decision{Act: activities.ActAssign, Reference: reference, Line: 2, Account: w.cp(t, 1)}))
	require.NoError(t, err)
	require.Equal(t, money.Cents(1_000), w.balance(t, ledger.CP(cpID(1))))
	require.Equal(t, before+2_000, w.balance(t, ledger.Parked))
	told := w.told(t)
	require.Len(t, told, 1, "no commission, no transfer")
	require.Equal(t, money.Cents(-2_000), told[0].(ogep.CreateAccountTransaction).Transaction.Amount)
	w.close(t)
}

func TestADebtIsWrittenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	after, err := w.decide(answered(activities.Decision{Act: activities.ActWriteOff, Debt: 1}))
	require.NoError(t, err)
	require.Equal(t, "debt 1: 700.50 written off, nothing remains", after)
	require.Equal(t, money.Cents(-70_050), w.balance(t, ledger.Loss))
	require.Zero(t, w.balance(t, ledger.Debt(number(1))))
	told := w.told(t)
	require.Len(t, told, 1)
	register := told[0].(ogep.RegisterDebt).Debt
	require.Equal(t, number(1), register.Siret)
	require.Equal(t, []money.Cents{100_050, 0}, []money.Cents{register.Initial, register.Remaining})
	require.True(t, now.Equal(*register.ModifiedAt))
	w.close(t)
}

func TestPayoutsAreReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	after, err := w.decide(answered(activities.Decision{Act: activities.ActRelease, Account: w.cp(t, 1)}))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("payouts of ledger account %d leave again", w.cp(t, 1)), after)
	require.Equal(t, []string{"true"}, w.texts(t, `select (released_at = '2026-03-19 11:00+00')::text from payout_hold`))
	require.Empty(t, w.told(t))
	w.close(t)
}

func TestBankLinesAreClassified(t *testing.T) {
	t.Parallel()
	const settled = "00000220260319UEP"
	for name, test := range map[string]struct {
		line, as, reference, operation, want string
	}{
		"sales":            {"credit", "transaction", settled, "100", "SETTLEMENT_TRANSACTION " + settled + " 100"},
		"the site's own":   {"credit", "transaction", "CB0001", "A", "SETTLEMENT_TRANSACTION CB0001 A"},
		"its unpaids":      {"credit", "impaye", "CB0001", "I", "SETTLEMENT_UNPAID CB0001 I"},
		"unpaids":          {"debit", "impaye", settled, "200", "SETTLEMENT_UNPAID " + settled + " 200"},
		"unpaids credited": {"credit", "impaye", settled, "200", "SETTLEMENT_UNPAID " + settled + " 200"},
		"a remittance":     {"debit", "remittance", "MONEXTEUR20260317001", "", "REMITTANCE MONEXTEUR20260317001 "},
		"rejects":          {"credit", "rejects", "REJ192837544970-02", "100", "REJECTS REJ192837544970-02 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.decide(answered(activities.Decision{
				Act: activities.ActClassify, BankLine: test.line, As: test.as, Reference: test.reference, OperationType: test.operation,
			}))
			require.NoError(t, err)
			require.Equal(t, []string{test.want}, w.texts(t,
				`select class || ' ' || reference || ' ' || operation_type from bank_line where id = '`+test.line+`' and batch is null and scope = ''`))
			w.close(t)
		})
	}
}

// TestAnOwnTransferIsGivenItsLines: the bank cut the names out of both.
func TestAnOwnTransferIsGivenItsLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := w.ownTransfer(t, 500)
	own := func(line, reference string) activities.Decision {
		return answered(activities.Decision{Act: activities.ActClassify, BankLine: line, As: "own", Reference: reference})
	}
	w.exec(t, `insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type)
		select l.id, 1, l.ordinal, l.account, 'L', l.amount, '2026-03-19', '2026-03-19', '2026-03-19', 'UNKNOWN', '', ''
		from (values ('arrived', 10, 'BK.FON', 500), ('elsewhere', 11, 'BK.CAN', 500), ('too much', 12, 'BK.FON', 501),
		             ('back', 13, 'BK.FON', -500), ('once more', 14, 'BK.FON', 500)) as l(id, ordinal, account, amount)`)
	before := w.all(t)
	for line, want := range map[string]string{
		"elsewhere": "its credit stands on BK.FON", "too much": "it is of 5.00", "back": "its debit stands on BK.REG",
	} {
		_, err := w.decide(own(line, name))
		requireRefused(t, err, line, want)
	}
	_, err := w.decide(own("arrived", "MONEXTINT202603190099"))
	requireRefused(t, err, "nothing", "no own transfer is called")
	_, err = w.decide(own("debit", "MONEXTEUR20260317001"))
	requireRefused(t, err, "a remittance", "no own transfer is called")
	require.Equal(t, before, w.all(t))

	_, err = w.decide(own("arrived", name))
	require.NoError(t, err)
	_, err = w.decide(own("once more", name))
	requireRefused(t, err, "the credit again", "its credit is line arrived")
	_, err = w.decide(own("debit", name))
	require.NoError(t, err)

	_, err = w.execute(activities.MatchTransfersName, w.run)
	require.NoError(t, err)
	require.Equal(t, []string{"EXECUTED debit arrived"}, w.texts(t, `
		select o.state || ' ' || o.debit_line || ' ' || o.credit_line from transfer_order o join bulk b on b.number = o.bulk
		where b.name = '`+name+`'`))
	require.Equal(t, []string{"arrived", "debit"}, w.texts(t, `select id from bank_line where class = 'OWN' and batch is not null order by id`))
	_, err = w.decide(own("once more", name))
	requireRefused(t, err, "the credit yet again", "its credit is line arrived")
	w.close(t)
}

// ownTransfer orders a transfer from règlement to fonctionnement, and gives its bulk's name.
func (w *world) ownTransfer(t testing.TB, amount money.Cents) string {
	t.Helper()
	tx, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, w.orders.IsolateWithin(t.Context(), tx, w.run, amount, now))
	require.NoError(t, tx.Commit(t.Context()))
	names := w.texts(t, `select name from bulk where purpose = 'REVENUE'`)
	require.Len(t, names, 1)
	return names[0]
}

func TestOwnMoneyIsBooked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.balance(t, ledger.Fonctionnement)
	for _, line := range []string{"capital", "fees"} {
		_, err := w.decide(answered(activities.Decision{Act: activities.ActClassify, BankLine: line, As: "own-funds"}))
		require.NoError(t, err)
	}
	require.Equal(t, money.Cents(-24_700), w.balance(t, ledger.Fonctionnement)-before, "a bank account stands on the debit side")
	require.Equal(t, []string{"OWN_FUNDS 25000", "OWN_FUNDS 300"}, w.texts(t, `
		select l.class || ' ' || e.amount_cents from bank_line l join entry e on e.batch = l.batch and e.kind = 'OWN_FUNDS'
		where l.scope = 'vacation-technique/2026-03-19/decisions-1' order by l.ordinal`))
	require.Empty(t, w.told(t))
	w.close(t)
}

func TestDecisionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open, closed := w.cp(t, 1), w.cp(t, 3)
	w.exec(t, `update parked_line set assigned_to = 'x', assigned_batch = 1 where line = 5;
		insert into debt (siret, created_at, initial_cents, remaining_cents) values ('x', now(), 100, 0);
		update bank_line set reference = '00000920260319UEP' where id = 'known'`)
	assign := func(line int, account int32) activities.Decision {
		return activities.Decision{Act: activities.ActAssign, Reference: reference, Line: line, Account: account}
	}
	classify := func(line, as, reference, operation string) activities.Decision {
		return activities.Decision{Act: activities.ActClassify, BankLine: line, As: as, Reference: reference, OperationType: operation}
	}
	before := w.all(t)
	for name, test := range map[string]struct {
		decision activities.Decision
		want     string
	}{
		"no act":              {activities.Decision{Act: "pay"}, `"pay" is no decision`},
		"no such line":        {assign(9, open), "line 9 of settlement " + reference + " is not parked"},
		"an unpaid":           {assign(4, open), "became its merchant's debt"},
		"assigned":            {assign(5, open), "is assigned already"},
		"no CP":               {assign(1, 1), "ledger account 1 is no CP"},
		"a closed CP":         {assign(1, closed), "is closed"},
		"a refund too large":  {assign(3, open), "holds 30.00, and line 3 of " + reference + " comes to -90.00 with a commission of 0.00: it would be 60.00 short"},
		"commission too high": {assign(6, w.cp(t, 2)), "0.10 short"},
		"no bank line":        {classify("nobody", "transaction", "00000220260319UEP", "100"), "no statement has a line nobody"},
		"a known line":        {classify("known", "transaction", "00000220260319UEP", "100"), "is known already: it is REJECTS"},
		"nothing known":       {classify("credit", "salary", "00000220260319UEP", "100"), `"salary" is nothing that a bank line can be`},
		"a bad reference":     {classify("credit", "transaction", "2", "100"), `reference "2"`},
		"a bad day":           {classify("credit", "transaction", "00000220260231UEP", "100"), "no grammar of its class"},
		"no operation":        {classify("credit", "transaction", "00000220260319UEP", ""), "no grammar of its class"},
		"sales debited":       {classify("debit", "transaction", "00000220260319UEP", "100"), "a line of its sign and of that operation type is SETTLEMENT_UNPAID"},
		"elsewhere":           {classify("capital", "impaye", "00000220260319UEP", "100"), "stands on another account"},
		"a bad lot":           {classify("credit", "rejects", "REJ1-1", ""), "no grammar of its class"},
		"rejects debited":     {classify("debit", "rejects", "REJ192837544970-02", ""), "it is a debit"},
		"no bulk":             {classify("debit", "remittance", "MONEXTEUR20260317009", ""), "no remittance of payouts"},
		"a bulk credited":     {classify("credit", "remittance", "MONEXTEUR20260317001", ""), "that is a debit of BK.REG"},
		"settled":             {classify("credit", "transaction", reference, "100"), "another bank line or settlement"},
		"another line's":      {classify("credit", "transaction", "00000920260319UEP", "100"), "another bank line or settlement"},
		"clients' money":      {classify("credit", "own-funds", "", ""), "own money stands on BK.FON only"},
		"no debt":             {activities.Decision{Act: activities.ActWriteOff, Debt: 99}, "no debt 99"},
		"paid":                {activities.Decision{Act: activities.ActWriteOff, Debt: 2}, "nothing remains of debt 2"},
		"not held":            {activities.Decision{Act: activities.ActRelease, Account: w.cp(t, 2)}, "are not on hold"},
		"nobody's account":    {activities.Decision{Act: activities.ActRelease, Account: 1}, "ledger account 1 is no CP"},
	} {
		_, err := w.decide(answered(test.decision))
		requireRefused(t, err, name, test.want)
		require.Equal(t, before, w.all(t), name)
	}

	fits := answered(assign(1, open))
	stranger, silent := fits, fits
	stranger.Answer.Actor, silent.Answer.Reason = "mallory", ""
	_, err := w.decide(stranger)
	requireRefused(t, err, "a stranger", `"mallory" is not an operator`)
	_, err = w.decide(silent)
	requireRefused(t, err, "no reason", "say why")
	require.Equal(t, before, w.all(t))
}

func requireRefused(t testing.TB, err error, name, want string) {
	t.Helper()
	require.Error(t, err, name)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.Refused, failure.Code, "%s: %s", name, failure.Message)
	require.Contains(t, failure.Message, want, name)
}

// each is one decision of each kind.
func (w *world) each(t testing.TB) []activities.Decision {
	t.Helper()
	return []activities.Decision{
		answered(activities.Decision{Act: activities.ActAssign, Reference: reference, Line: 1, Account: w.cp(t, 1)}),
		answered(activities.Decision{Act: activities.ActWriteOff, Debt: 1}),
		answered(activities.Decision{Act: activities.ActRelease, Account: w.cp(t, 1)}),
		answered(activities.Decision{Act: activities.ActClassify, BankLine: "capital", As: "own-funds"}),
		answered(activities.Decision{Act: activities.ActClassify, BankLine: "debit", As: "remittance", Reference: "MONEXTEUR20260317001"}),
	}
}

// TestADecisionIsTakenOnce has each taken by several workers at once, and again;
// the second answer that wants the same is refused by what the first changed.
func TestADecisionIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asMade := w.breaches(t)
	for _, decision := range w.each(t) {
		said := make([]string, 4)
		var deciding sync.WaitGroup
		for i := range said {
			deciding.Go(func() {
				var err error
				if said[i], err = w.decide(decision); err != nil {
					t.Error(err)
				}
			})
		}
		deciding.Wait()
		before := w.all(t)
		again, err := w.decide(decision)
		require.NoError(t, err)
		require.Equal(t, []string{again, again, again, again}, said)
		require.Equal(t, before, w.all(t))

		another := answered(decision)
		_, err = w.decide(another)
		requireRefused(t, err, decision.Act, "nothing was changed")
		other := decision
		other.Act, other.Debt, other.Account = activities.ActRelease, 0, 1
		_, err = w.decide(other)
		requireRefused(t, err, decision.Act, "give another answer an id of its own")
		require.Equal(t, before, w.all(t))
	}
	require.Equal(t, []string{"5"}, w.texts(t, `select count(*)::text from operator_act`))
	w.close(t)
	require.Equal(t, asMade, w.breaches(t), "what was made by hand is no vacation's; all else is proved")
}

// breaches are the invariants that do not hold, and where. What stands there is
// left out: a decision moves a debt, or a balance, that was made by hand.
func (w *world) breaches(t testing.TB) []string {
	t.Helper()
	report, err := audit.Verify(t.Context(), w.pool)
	require.NoError(t, err)
	places := make([]string, len(report.Breaches))
	for i, breach := range report.Breaches {
		places[i] = string(breach.Invariant) + " " + breach.Place
	}
	return places
}

// TestTheSameAnswerInTwoRuns has one wait for the other, and find it taken.
func TestTheSameAnswerInTwoRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	decision := w.each(t)[0]
	runs := []activities.Run{w.run, w.open(t, "2026-03-19/decisions-2")}
	errs := make([]error, 2)
	var deciding sync.WaitGroup
	for i, run := range runs {
		deciding.Go(func() { _, errs[i] = w.decideIn(run, decision) })
	}
	deciding.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
			continue
		}
		requireRefused(t, err, "the second", "is assigned already")
	}
	require.Positive(t, taken)
	require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from operator_act`))
	_, err := w.decideIn(runs[1], decision)
	require.NoError(t, err)
}

// TestADecisionThatIsInterrupted has the database fail at each of the statements
// that change it: nothing is left of it, and it is taken when it is tried again.
func TestADecisionThatIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `create sequence statements; create table fails (at bigint);
		create function fail() returns trigger language plpgsql as $$ begin
			if nextval('statements') = (select at from fails) then raise 'power cut'; end if;
			return null;
		end $$`)
	for _, table := range []string{
		"batch", "entry", "account", "parked_line", "bank_line", "debt", "payout_hold", "transfer_order", "bulk", "bulk_series",
		"operator_act", "event_block", "event",
	} {
		w.exec(t, `create trigger fail after insert or update on `+table+` for each statement execute function fail()`)
	}
	interrupted := 0
	for _, decision := range w.each(t) {
		before := w.all(t)
		for at := 1; ; at++ {
			w.exec(t, fmt.Sprintf(`alter sequence statements restart; delete from fails; insert into fails values (%d)`, at))
			if _, err := w.decide(decision); err == nil {
				break
			}
			interrupted++
			require.Equal(t, before, w.all(t), "%s, statement %d", decision.Act, at)
		}
	}
	w.exec(t, `delete from fails`)
	require.Greater(t, interrupted, 20)
	require.Equal(t, []string{"5"}, w.texts(t, `select count(*)::text from operator_act`))
	w.close(t)
}

func TestARunThatIsOverTakesNoDecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.close(t)
	_, err := w.decide(w.each(t)[0])
	require.ErrorContains(t, err, "the run is over")
}

func TestAnswersStandInTheJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := activities.RecordAnswerRequest{
		Run: w.run, Act: "retry", Answer: activities.Answer{ID: "run/update", Actor: "bruno"},
		Subject: "vacation-technique/2026-03-19/open", Before: "awaiting-file", After: "retry",
	}
	for range 2 {
		_, err := w.execute(activities.RecordAnswerName, request)
		require.NoError(t, err)
	}
	outside := request
	outside.Run, outside.Answer.ID = activities.Run{}, "another"
	_, err := w.execute(activities.RecordAnswerName, outside)
	require.NoError(t, err)
	require.Equal(t, []string{
		"retry|vacation-technique/2026-03-19/open|bruno|awaiting-file|retry|true",
		"retry|vacation-technique/2026-03-19/open|bruno|awaiting-file|retry|false",
	}, w.texts(t, `select concat_ws('|', act, subject, actor, before, after, (vacation is not null)::text) from operator_act order by number`))

	stranger := request
	stranger.Answer = activities.Answer{ID: "third", Actor: "mallory"}
	_, err = w.execute(activities.RecordAnswerName, stranger)
	requireRefused(t, err, "a stranger", "is not an operator")
}
