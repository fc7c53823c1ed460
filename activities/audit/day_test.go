package audit_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts"
	"github.com/reglo/reglo/activities/cashout"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/activities/debts"
	"github.com/reglo/reglo/activities/decisions"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/payline"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/remittances"
	sessions "github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/reject"
	siretnumber "github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/schemas/xsd"
)

const (
	daySales     = 300 // over three CPs of 990.00 each
	dayReference = "00000120260708UEP"
	dayLot       = "REJ192837544970-02"
	holder       = "TITULAIRE SECRET" // no trail may show it
)

// day is a settled file of sales and all that a business day then makes of it,
// by the activities themselves: a debt recovered, Payline requests, payouts of
// which one needs an approval and one comes back, own transfers, statements of
// the three accounts, an assigned line, the close.
type day struct {
	pool     *pgxpool.Pool
	env      *testsuite.TestActivityEnvironment
	ticks    atomic.Int64
	inbox    string
	accounts statement.Accounts
	settled  *session

	financiere, open activities.Run
}

// now goes on by a millisecond each time that it is looked at.
func (d *day) now() time.Time {
	return startedAt().Add(2*time.Hour + time.Duration(d.ticks.Add(1))*time.Millisecond)
}

func (d *day) date() calendar.Date { return calendar.DateOf(startedAt()) }

func newDay(t testing.TB) *day {
	t.Helper()
	d := &day{pool: pgtest.New(t), inbox: t.TempDir()}
	d.register(t)
	openBooks(t, d.pool)
	d.load(t)
	d.settled = open(t, d.pool, dayReference, daySales)
	d.settled.settle(t)
	d.recover(t)
	d.pay(t)
	d.read(t)
	d.decide(t)
	d.close(t)
	return d
}

func (d *day) register(t testing.TB) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	d.env = suite.NewTestActivityEnvironment()
	outbox, actors := postgres.Outbox{Environment: 'I', Node: 1}, operator.Actors{"alice", "bruno"}
	party := func(n int) transfer.Party {
		return transfer.Party{Name: "EP", BIC: "RGLOFRP0", IBAN: iban.French(99999, 1, n)}
	}
	bank := transfers.Bank{
		ID: "999999", PayoutPrefix: "MONEXTEUR", InternalPrefix: "MONEXTINT",
		Format:    pain001.Format{Version: pain001.V03},
		Reglement: party(91), Cantonnement: party(92), Fonctionnement: party(93),
	}
	d.accounts = bank.IBANs()
	own := transfers.New(d.pool, outbox, bank, calendar.Target{}, d.now)
	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)
	archived := t.TempDir()
	sessions.New(d.pool, outbox, d.now).Register(d.env)
	accounts.New(d.pool, outbox, t.TempDir(), d.now).Register(d.env)
	own.Register(d.env)
	debts.New(d.pool, outbox, d.now).Register(d.env)
	cashout.New(d.pool, outbox, cashout.Settings{
		Bank: transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"}, Calendar: calendar.Target{}, Actors: actors,
		Policy: rules.Policy{CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: 900_00},
	}, d.now).Register(d.env)
	payline.New(d.pool, outbox, payline.Folders{Inbox: d.inbox, Archive: archived, Outbox: t.TempDir()}, payline.Settings{
		Bank: transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"}, BankBIC: "CMBRFR2BARK", Calendar: calendar.Target{}, Layout: request.Ogep1{},
	}, d.now).Register(d.env)
	bankward := remittances.New(remittances.Parts{
		Pool: d.pool, Outbox: outbox, Own: own, Channel: directory.New(t.TempDir()), Bank: bank,
		Gate: gate(t), Archive: inbox.Archive(archived), Calendar: calendar.Target{}, Actors: actors, Clock: d.now,
	})
	bankward.Register(d.env)
	bankward.RegisterDispatch(d.env)
	virements.New(d.pool, outbox, virements.Folders{Inbox: d.inbox, Archive: archived}, reject.NewReader(labels), transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"},
		calendar.Target{}, d.now).Register(d.env)
	statements.New(d.pool, outbox, labels, d.accounts, inbox.Archive(archived), d.now).Register(d.env)
	decisions.New(d.pool, outbox, actors, labels, own, d.now).Register(d.env)
}

// do runs an activity, again and again until it is done where it says so.
func (d *day) do(t testing.TB, name string, asked, result any) {
	t.Helper()
	for {
		value, err := d.env.ExecuteActivity(name, asked)
		require.NoError(t, err, name)
		if result != nil {
			require.NoError(t, value.Get(result), name)
		}
		var progress struct {
			Done *bool `json:"done"`
		}
		if !value.HasValue() || value.Get(&progress) != nil || progress.Done == nil || *progress.Done {
			return
		}
	}
}

func (d *day) start(t testing.TB, kind vacation.Kind, key string) activities.Run {
	t.Helper()
	var opened activities.OpenVacationResult
	d.do(t, activities.OpenVacationName, activities.OpenVacationRequest{
		ID: vacation.ID{Kind: kind, Key: key}, WorkflowRun: uuid.NewString(), BusinessDate: d.date(), Parameters: []byte(`{}`),
	}, &opened)
	return opened.Run
}

func (d *day) end(t testing.TB, run activities.Run) {
	t.Helper()
	d.do(t, activities.CloseVacationName, activities.CloseVacationRequest{Run: run, Totals: []byte(`{}`)}, nil)
}

// load makes the CPs merchants': the first is of the one that owes.
func (d *day) load(t testing.TB) {
	t.Helper()
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for n, id := range []string{cp(0), cp(1), cp(2), shortCP} {
		number := "000000000000" + string(rune('1'+n))
		number += string(siretnumber.CheckDigit(number))
		if id == cp(0) || id == shortCP {
			number = siret
		}
		require.NoError(t, writer.Write(&merchant.Merchant{
			AccountID: id, Siret: number, LegalName: holder, CPIBAN: iban.French(99999, 1, n+1), CPBIC: "RGLOFRP0",
			Status: merchant.StatusActive, PayoutMode: merchant.PayoutAuto, PayoutFrequency: merchant.Frequency{Period: merchant.Daily},
			ExternalIBAN: iban.French(30003, 1, n+1), ExternalBIC: "SOGEFRPPXXX", ExternalName: holder, PayoutCeiling: money.Max,
			CPToCPAllowed: true, ValidFrom: d.date(),
		}))
	}
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), d.pool, merchants.Snapshot{
		Name: "Merchants.000001.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, d.now())
	require.NoError(t, err)
}

// recover takes the debt of 50.00 from the merchant's other CP.
func (d *day) recover(t testing.TB) {
	t.Helper()
	run := d.start(t, vacation.Creances, "2026-07-08")
	d.do(t, activities.RecoverDebtsName, run, nil)
	d.do(t, activities.OrderRecoveryName, run, nil)
	d.end(t, run)
}

// pay runs the financière: a movement between CPs, a payout that Payline asks
// for, one that is rejected, and automatic ones, of which one waits for alice.
func (d *day) pay(t testing.TB) {
	t.Helper()
	var file bytes.Buffer
	writer, err := request.NewWriter(&file, request.Header{Sequence: 1, Date: d.date()})
	require.NoError(t, err)
	line := request.Line{
		Kind: request.Movement, EndToEndID: "2607080000000001", DebtorCP: cp(1), CreditorCP: cp(2), Amount: 100_00,
		Currency: money.Currency, Label: "Transfert", ExecDate: d.date(),
	}
	require.NoError(t, writer.Write(&line))
	line.Kind, line.EndToEndID, line.CreditorCP, line.Amount = request.Transfer, "2607080000000002", "", 200_00
	line.CreditorName, line.CreditorBIC, line.CreditorIBAN = holder, "SOGEFRPPXXX", iban.French(30003, 1, 99)
	require.NoError(t, writer.Write(&line))
	line.EndToEndID, line.DebtorCP = "2607080000000003", "0X00000000"
	require.NoError(t, writer.Write(&line))
	_, err = writer.Close()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(d.inbox, "Payline.000001.txt"), file.Bytes(), 0o600))

	run := d.start(t, vacation.Financiere, "2026-07-08")
	d.financiere = run
	d.do(t, activities.LoadPaylineName, activities.LoadPaylineRequest{Run: run, Path: d.inbox, BusinessDate: d.date(), CutOff: startedAt()}, nil)
	d.do(t, activities.MovePaylineName, run, nil)
	d.do(t, activities.ControlPaylineName, run, nil)
	d.do(t, activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: d.date()}, nil)
	d.do(t, activities.ValidateCashoutsName, run, nil)
	d.do(t, activities.DecideCashoutsName, activities.DecideCashoutsRequest{
		Run: run, Approve: true, Requester: "bruno", Answer: activities.Answer{ID: "approve", Actor: "alice", Reason: "known merchants"},
	}, nil)
	for _, step := range []string{
		activities.PostPayoutsName, activities.DecantonName, activities.RemitName, activities.DispatchName, activities.CantonName,
		activities.DispatchName, activities.AnswerPaylineName,
	} {
		d.do(t, step, run, nil)
	}
	d.end(t, run)
}

// state puts the next statement of an account into the inbox.
func (d *day) state(t testing.TB, account ledger.Code, number int, opening money.Cents, lines ...statement.Line) {
	t.Helper()
	stated := message.Statement{
		ID: fmt.Sprintf("%s-%d", account, number), IBAN: d.accounts[account], Number: number,
		Opening: message.Balance{Amount: opening, Date: d.date()}, Closing: message.Balance{Amount: opening, Date: d.date()},
	}
	for _, line := range lines {
		stated.Closing.Amount += line.Amount
		stated.Entries = append(stated.Entries, message.Entry{
			ID: line.ID, Label: line.Label, Amount: line.Amount, BookedOn: d.date(), ValueOn: d.date(),
		})
	}
	var file bytes.Buffer
	require.NoError(t, message.WriteCamt053(&file, message.Envelope{
		Definition: message.Camt053V08, ID: stated.ID, CreatedAt: d.now(),
	}, stated))
	require.NoError(t, os.WriteFile(filepath.Join(d.inbox, fmt.Sprintf("statement.%s.%d.xml", account[len("BK."):], number)), file.Bytes(), 0o600))
}

func bankLine(id, text string, amount money.Cents) statement.Line {
	at := startedAt().Truncate(time.Hour)
	return statement.Line{ID: id, Label: text, Amount: amount, BookedAt: at, TransactionAt: at, ValueAt: at}
}

// read has the bank show what happened, and settles it: own transfers, the
// remittance, and a payout that comes back.
func (d *day) read(t testing.TB) {
	t.Helper()
	var bulk string
	var paid money.Cents
	row := d.pool.QueryRow(t.Context(), `select name, amount_cents from bulk where purpose = 'PAYOUT'`)
	require.NoError(t, row.Scan(&bulk, &paid))
	back := message.Detail{PaymentID: "P", Code: "AC04"}
	row = d.pool.QueryRow(t.Context(), `select end_to_end_id, amount_cents from payout where account_id = $1 and state = 'SENT'`, cp(2))
	require.NoError(t, row.Scan(&back.EndToEndID, &back.Amount))

	lines := map[ledger.Code][]statement.Line{
		ledger.Reglement: {
			bankLine("B-"+dayReference, "REM E 100 "+dayReference, d.settled.gross), bankLine("B-remittance", "REM VIR "+bulk, -paid),
			bankLine("B-lot", "LOT REJ VIR 192837544970 02", back.Amount),
		},
		ledger.Fonctionnement: {bankLine("B-stray", "VIR APPORT "+iban.French(30003, 1, 77), 7_00)},
		ledger.Cantonnement:   nil,
	}
	rows, err := d.pool.Query(t.Context(), `
		select b.name, d.code, c.code, o.amount_cents
		from transfer_order o join bulk b on b.number = o.bulk join account d on d.id = o.debtor join account c on c.id = o.creditor
		order by o.number`)
	require.NoError(t, err)
	var name, debtor, creditor string
	var amount money.Cents
	_, err = pgx.ForEachRow(rows, []any{&name, &debtor, &creditor, &amount}, func() error {
		lines[ledger.Code(debtor)] = append(lines[ledger.Code(debtor)], bankLine("D-"+name, "VIR INTERNE "+name, -amount))
		lines[ledger.Code(creditor)] = append(lines[ledger.Code(creditor)], bankLine("C-"+name, "VIR INTERNE "+name, amount))
		return nil
	})
	require.NoError(t, err)
	d.state(t, ledger.Reglement, 1, 0, lines[ledger.Reglement]...)
	d.state(t, ledger.Cantonnement, 1, 0, lines[ledger.Cantonnement]...)
	d.state(t, ledger.Fonctionnement, 1, 100_000, lines[ledger.Fonctionnement]...)

	run := d.start(t, vacation.Technique, "2026-07-08/open")
	d.open = run
	d.do(t, activities.ReadStatementsName, activities.ReadStatementsRequest{
		Run: run, Inbox: d.inbox, Date: d.date(), CutOff: startedAt().Add(9 * time.Hour),
	}, nil)
	d.do(t, activities.MatchTransfersName, run, nil)
	var paired []activities.Paired
	d.do(t, activities.PairLinesName, run, &paired)
	require.Len(t, paired, 2)
	for _, each := range paired {
		d.settle(t, each, back)
	}
	d.end(t, run)
}

func (d *day) settle(t testing.TB, paired activities.Paired, back message.Detail) {
	t.Helper()
	var opened activities.OpenSettlementResult
	d.do(t, activities.OpenSettlementName, activities.OpenSettlementRequest{
		ID:          vacation.ID{Kind: vacation.Kind(paired.Kind), Key: paired.Transaction.Reference},
		WorkflowRun: uuid.NewString(), BusinessDate: d.date(), Transaction: paired.Transaction, FileName: "f",
	}, &opened)
	if paired.Transaction.Amount < 0 {
		d.do(t, activities.MatchRemittanceName, opened.Run, nil)
		d.end(t, opened.Run)
		return
	}
	var file bytes.Buffer
	err := message.WritePain002(&file, message.Envelope{
		Definition: message.Pain002V10, ID: "LOTREJVIR19283754497002", CreatedAt: startedAt(),
	}, message.Report{
		MessageID: "NOTPROVIDED", Definition: message.Pain001V09, Orders: 1, Sum: back.Amount, Status: message.Rejected,
		Rejected: []message.Detail{back},
	})
	require.NoError(t, err)
	path := filepath.Join(d.inbox, "Rejects."+dayLot+".xml")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	d.do(t, activities.LoadRejectsName, activities.LoadRejectsRequest{Run: opened.Run, Path: path, CutOff: startedAt()}, nil)
	d.do(t, activities.AllocateRejectsName, opened.Run, nil)
	d.end(t, opened.Run)
}

// decide assigns the parked sale, and takes the stray line for own money.
func (d *day) decide(t testing.TB) {
	t.Helper()
	run := d.start(t, vacation.Technique, "2026-07-08/decisions-1")
	var account int32
	require.NoError(t, d.pool.QueryRow(t.Context(), `select account from merchant where account_id = $1`, cp(2)).Scan(&account))
	for _, decision := range []activities.Decision{
		{
			Act: activities.ActAssign, Reference: dayReference, Line: daySales + 2, Account: account,
			Answer: activities.Answer{ID: "assign", Actor: "alice", Reason: "the merchant's new CP"},
		},
		{
			Act: activities.ActClassify, BankLine: "B-stray", As: "own-funds",
			Answer: activities.Answer{ID: "classify", Actor: "bruno", Reason: "own money from " + iban.French(30003, 1, 77)},
		},
	} {
		d.do(t, activities.DecideName, activities.DecideRequest{Run: run, Date: d.date(), Decision: decision}, nil)
	}
	d.end(t, run)
}

func (d *day) close(t testing.TB) {
	t.Helper()
	run := d.start(t, vacation.Technique, "2026-07-08/close")
	d.do(t, activities.SettleOrdersName, run, nil)
	d.do(t, activities.ReconcileName, run, nil)
	d.do(t, activities.StateSafeguardingName, activities.StateSafeguardingRequest{Run: run, Date: d.date()}, nil)
	d.end(t, run)
}

// gate is that of the version that the bank takes.
func gate(t testing.TB) remittances.Gate {
	t.Helper()
	gate, err := xsd.NewGate(string(pain001.V03))
	require.NoError(t, err)
	return gate
}
