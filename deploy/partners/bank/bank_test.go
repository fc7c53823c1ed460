package bank_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	reglement      = "FR7699999000010000000010106"
	cantonnement   = "FR7699999000010000000010203"
	fonctionnement = "FR7699999000010000000010397"
	merchant       = "FR7630001007941234567890185"
	other          = "FR7630006000011234567890189"
)

func opening() map[ledger.Code]bank.Account {
	return map[ledger.Code]bank.Account{
		ledger.Reglement:      {IBAN: reglement, Balance: 0},
		ledger.Cantonnement:   {IBAN: cantonnement, Balance: 1_000_00},
		ledger.Fonctionnement: {IBAN: fonctionnement, Balance: 50_000_00},
	}
}

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

// world is a bank with the folders that it shares with the EP, and what the EP has received.
type world struct {
	t             require.TestingT
	bank          *bank.Bank
	state         string
	outbox, inbox string

	statements map[ledger.Code]map[int]stated
	details    map[string][]back
	reports    map[string][]report // by bulk
	received   map[string]string   // contents of files, by name
}

// stated is what the EP reads in a statement, whatever its format.
type stated struct {
	account          ledger.Code
	sequence         int
	opening, closing money.Cents
	lines            []statedLine
}

type statedLine struct {
	id, label string
	amount    money.Cents
}

func newWorld(t require.TestingT, dir string, options ...bank.Option) *world {
	w := &world{
		t: t, state: filepath.Join(dir, "bank", "state.json"), outbox: filepath.Join(dir, "outbox"), inbox: filepath.Join(dir, "inbox"),
		statements: map[ledger.Code]map[int]stated{}, details: map[string][]back{},
		reports: map[string][]report{}, received: map[string]string{},
	}
	require.NoError(t, os.MkdirAll(w.outbox, 0o755))

	var err error

	w.bank, err = bank.New(w.state, opening(), options...)
	require.NoError(t, err)

	return w
}

// again kills the bank, as far as it is not dead, and goes on from its state.
func (w *world) again() {
	require.NoError(w.t, w.bank.Close())

	var err error

	w.bank, err = bank.Open(w.state)
	require.NoError(w.t, err)
}

// payment is one of a bulk.
type payment struct {
	id, creditor string
	amount       money.Cents
}

// write hands a bulk over as a pain.001.
func (w *world) write(name, debit string, due calendar.Date, payments ...payment) {
	w.writeMessage(name, order{debit: debit, due: due, payments: payments})
}

// receive reads what the bank has delivered, and empties the inbox.
func (w *world) receive() {
	entries, err := os.ReadDir(w.inbox)
	if os.IsNotExist(err) {
		return
	}

	require.NoError(w.t, err)

	for _, entry := range entries {
		path := filepath.Join(w.inbox, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue // a bank that was killed left it; nobody reads it
		}

		content, err := os.ReadFile(path)
		require.NoError(w.t, err)
		require.NoError(w.t, os.Remove(path))

		w.received[entry.Name()] = string(content)

		kind, _, _ := strings.Cut(entry.Name(), ".")
		w.receiveMessage(kind, entry.Name(), content)
	}
}

func (w *world) keep(read stated) {
	if w.statements[read.account] == nil {
		w.statements[read.account] = map[int]stated{}
	}

	if before, known := w.statements[read.account][read.sequence]; known {
		require.Equal(w.t, read, before, "a number has one content")
	}

	w.statements[read.account][read.sequence] = read
}

// lines are those of the statement of that number.
func (w *world) lines(code ledger.Code, sequence int) []string {
	found, known := w.statements[code][sequence]
	require.True(w.t, known, "statement %d of %s was not delivered", sequence, code)

	texts := []string{}
	for _, line := range found.lines {
		texts = append(texts, line.label+" "+line.amount.String())
	}

	return texts
}

func (w *world) take(date string) []bank.Taken {
	taken, err := w.bank.Take(w.outbox, day(w.t, date))
	require.NoError(w.t, err)

	return taken
}

func (w *world) closeDay(date string) []string {
	names, err := w.bank.CloseDay(day(w.t, date), w.inbox)
	require.NoError(w.t, err)
	w.receive()

	return names
}

const (
	today    = "2026-03-17"
	tomorrow = "2026-03-18"
	payouts  = "MONEXTEUR20260317001"
	internal = "MONEXTINT202603170001"
)

func (w *world) threePayouts() {
	w.write(payouts, reglement, day(w.t, today),
		payment{"P260317000000001", merchant, 100_00}, payment{"P260317000000002", other, 20_00}, payment{"P260317000000003", merchant, 3_00})
}

func TestADayAtTheBank(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.bank.SetFaults(bank.Faults{RejectIBANs: []string{other}, RejectIDs: []string{"P260317000000003"}})

	settled := bank.Settlement{
		Reference: settlement.NewReference(7, day(t, today)), OperationType: "100", Amount: 500_00, ValueDate: day(t, today),
	}
	id, err := w.bank.Settle(day(t, today), settled)
	require.NoError(t, err)
	_, err = w.bank.Book(day(t, today), bank.Movement{
		Key: "fees", Account: ledger.Fonctionnement, Label: "FRAIS TENUE DE COMPTE", Amount: -12_50,
	})
	require.NoError(t, err)

	again, err := w.bank.Settle(day(t, today), settled)
	require.NoError(t, err)
	require.Equal(t, id, again, "told again, it is not booked again")

	settled.Amount++
	_, err = w.bank.Settle(day(t, today), settled)
	require.ErrorContains(t, err, settled.Reference)

	require.Equal(t, []string{"camt053.REG.20260317.1.xml", "camt053.CAN.20260317.1.xml", "camt053.FON.20260317.1.xml"}, w.closeDay(today))
	require.Equal(t, []string{"REM E 100 00000720260317UEP 500.00"}, w.lines(ledger.Reglement, 1))
	require.Empty(t, w.lines(ledger.Cantonnement, 1))
	require.Equal(t, []string{"FRAIS TENUE DE COMPTE -12.50"}, w.lines(ledger.Fonctionnement, 1))

	w.threePayouts()
	w.write(internal, reglement, day(t, today), payment{"I1", fonctionnement, 7_00})
	require.Equal(t, []bank.Taken{
		{Name: payouts, Outcome: bank.Executed, Purpose: transfer.Payout, Orders: 3, Sum: 123_00, Rejects: 2},
		{Name: internal, Outcome: bank.Executed, Orders: 1, Sum: 7_00},
	}, w.take(today))
	require.FileExists(t, filepath.Join(w.outbox, bank.SentFolder, payouts+".xml"))
	require.NoFileExists(t, filepath.Join(w.outbox, payouts+".xml"))

	w.closeDay(today)
	require.Equal(t, []string{"REM VIR " + payouts + " -123.00", "VIR INTERNE " + internal + " -7.00"}, w.lines(ledger.Reglement, 2))
	require.Equal(t, []string{"VIR INTERNE " + internal + " 7.00"}, w.lines(ledger.Fonctionnement, 2))
	require.Empty(t, w.details, "what comes back does so on a later statement")

	require.Contains(t, w.closeDay(tomorrow), "pain002.LOTREJVIR26031700000101.xml")
	require.Equal(t, []string{"LOT REJ VIR 260317000001 01 23.00"}, w.lines(ledger.Reglement, 3))
	require.Equal(t, []back{
		{EndToEndID: "P260317000000002", Amount: 20_00, Code: "AC04"}, {EndToEndID: "P260317000000003", Amount: 3_00, Code: "AC01"},
	}, w.details["REJ260317000001-01"])

	require.Equal(t, money.Cents(500_00-123_00-7_00+23_00), w.bank.Balance(ledger.Reglement))
	require.Equal(t, money.Cents(1_000_00), w.bank.Balance(ledger.Cantonnement))
	require.Equal(t, money.Cents(50_000_00-12_50+7_00), w.bank.Balance(ledger.Fonctionnement))
}

// TestLabelsAreThoseOfTheContract has the EP's grammars tell the bank's lines apart.
func TestLabelsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.bank.SetFaults(bank.Faults{RejectShare: 1000})
	_, err := w.bank.Settle(day(t, today), bank.Settlement{
		Reference: settlement.NewReference(7, day(t, today)), OperationType: "100", Amount: -5_00, ValueDate: day(t, today),
	})
	require.NoError(t, err)
	w.threePayouts()
	w.write(internal, reglement, day(t, today), payment{"I1", cantonnement, 7_00})
	w.take(today)
	w.closeDay(today)
	w.closeDay(today)

	grammars, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)

	var classes []label.Class

	for _, sequence := range []int{1, 2} {
		for _, line := range w.statements[ledger.Reglement][sequence].lines {
			found := grammars.Classify(line.label, line.amount, ledger.Reglement)
			classes = append(classes, found.Class)

			if found.Class == label.Rejects {
				require.Contains(t, w.details, found.Reference)
			}
		}
	}

	require.Equal(t, []label.Class{label.SettlementUnpaid, label.Remittance, label.Own, label.Rejects}, classes)
	require.Equal(t, label.Own, grammars.Classify(
		w.statements[ledger.Cantonnement][1].lines[0].label, 7_00, ledger.Cantonnement).Class)
}

func TestABulkIsExecutedOnce(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.threePayouts()
	w.take(today)
	w.threePayouts()
	require.Equal(t, bank.Duplicate, w.take(today)[0].Outcome)
	w.write(payouts, reglement, day(t, today), payment{"P260317000000009", merchant, 9_00})

	taken := w.take(tomorrow)[0]
	require.Equal(t, bank.Duplicate, taken.Outcome)
	require.Contains(t, taken.Reason, "another content")
	require.Equal(t, map[string]int{payouts: 2}, w.bank.Copies())
	require.Equal(t, money.Cents(-123_00), w.bank.Balance(ledger.Reglement))
	require.FileExists(t, filepath.Join(w.outbox, bank.SentFolder, payouts+".xml.copy-2"))
	require.Empty(t, w.take(tomorrow))
}

// TestACopyIsToldFromAFileThatWasNotPutAway kills the bank while it takes a bulk.
func TestACopyIsToldFromAFileThatWasNotPutAway(t *testing.T) {
	t.Parallel()

	for write, wants := range map[int][]bank.Outcome{
		1: {bank.Executed, bank.Duplicate}, // before its books: nothing was done
		2: {bank.Duplicate},                // before the file was put away
		3: {bank.Duplicate},                // before that was noted
	} {
		w := newWorld(t, t.TempDir())
		w.threePayouts()
		w.bank.KillAt(write)
		_, err := w.bank.Take(w.outbox, day(t, today))
		require.ErrorIs(t, err, bank.ErrKilled)
		w.again()

		var outcomes []bank.Outcome

		for range 2 { // what is left of the first, then a copy
			for _, taken := range w.take(today) {
				outcomes = append(outcomes, taken.Outcome)
			}

			w.threePayouts()
		}

		for _, taken := range w.take(today) {
			outcomes = append(outcomes, taken.Outcome)
		}

		require.Equal(t, append(wants, bank.Duplicate), outcomes, "killed before write %d", write)
		require.Equal(t, money.Cents(-123_00), w.bank.Balance(ledger.Reglement))
	}
}

func TestAnOrderOfALaterDayWaits(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.write(payouts, reglement, day(t, tomorrow), payment{"P260317000000001", merchant, 9_00})
	w.take(today)
	require.Zero(t, w.bank.Balance(ledger.Reglement))
	w.closeDay(today)
	require.Empty(t, w.lines(ledger.Reglement, 1))
	w.closeDay(tomorrow)
	require.Equal(t, []string{"REM VIR " + payouts + " -9.00"}, w.lines(ledger.Reglement, 2))
}

func TestFaultsOfTheAnswers(t *testing.T) {
	t.Parallel()

	t.Run("a silent bulk", func(t *testing.T) {
		t.Parallel()

		w := newWorld(t, t.TempDir())
		w.bank.SetFaults(bank.Faults{SilentBulks: []string{payouts}})
		w.threePayouts()
		require.Equal(t, bank.Silent, w.take(today)[0].Outcome)
		w.closeDay(today)
		require.Empty(t, w.lines(ledger.Reglement, 1))
		w.threePayouts()
		require.Equal(t, bank.Duplicate, w.take(tomorrow)[0].Outcome, "it was taken, whatever was heard of it")
		require.NoError(t, w.bank.Speak(payouts, day(t, tomorrow)))
		require.Error(t, w.bank.Speak(payouts, day(t, tomorrow)))
		w.closeDay(tomorrow)
		require.Equal(t, []string{"REM VIR " + payouts + " -123.00"}, w.lines(ledger.Reglement, 2))
	})

	t.Run("a late credit", func(t *testing.T) {
		t.Parallel()

		w := newWorld(t, t.TempDir())
		w.bank.SetFaults(bank.Faults{LateCredits: true})
		w.write(internal, cantonnement, day(t, "2026-03-20"), payment{"I1", reglement, 7_00})
		w.take("2026-03-20")
		w.closeDay("2026-03-20")
		require.Len(t, w.lines(ledger.Cantonnement, 1), 1)
		require.Empty(t, w.lines(ledger.Reglement, 1))
		w.closeDay("2026-03-23") // the Monday after
		require.Equal(t, []string{"VIR INTERNE " + internal + " 7.00"}, w.lines(ledger.Reglement, 2))
	})

	t.Run("statements late, lost and repeated", func(t *testing.T) {
		t.Parallel()

		w := newWorld(t, t.TempDir())
		w.bank.SetFaults(bank.Faults{
			LateStatements:     []ledger.Code{ledger.Reglement},
			LostStatements:     []ledger.Code{ledger.Cantonnement},
			RepeatedStatements: []ledger.Code{ledger.Fonctionnement},
		})
		require.Equal(t, []string{"camt053.FON.20260317.1.xml"}, w.closeDay(today))
		w.bank.SetFaults(bank.Faults{})
		w.again()
		require.Equal(t, []string{
			"camt053.REG.20260317.1.xml", "camt053.FON.20260317.1.xml", "camt053.REG.20260318.2.xml", "camt053.CAN.20260318.2.xml", "camt053.FON.20260318.2.xml",
		}, w.closeDay(tomorrow))
		require.NoError(t, w.bank.Release())

		names, err := w.bank.Deliver(w.inbox)
		require.NoError(t, err)
		require.Equal(t, []string{"camt053.CAN.20260317.1.xml"}, names)
	})

	t.Run("a detail that is late, and not whole", func(t *testing.T) {
		t.Parallel()

		w := newWorld(t, t.TempDir())
		w.bank.SetFaults(bank.Faults{RejectShare: 1000, LateDetails: true, PartialDetails: true})
		w.threePayouts()
		w.take(today)
		w.closeDay(today)
		w.closeDay(today)
		require.Equal(t, []string{"LOT REJ VIR 260317000001 01 123.00"}, w.lines(ledger.Reglement, 2))
		require.Empty(t, w.details)
		w.closeDay(tomorrow)
		require.Len(t, w.details["REJ260317000001-01"], 2)
		require.NoError(t, w.bank.Release())
		w.closeDay(tomorrow)
		require.Len(t, w.details["REJ260317000001-01"], 3)
	})
}

func TestRejectsAreDrawnFromTheSeed(t *testing.T) {
	t.Parallel()

	drawn := func(seed uint64) []back {
		w := newWorld(t, t.TempDir())
		w.bank.SetFaults(bank.Faults{RejectShare: 300, Seed: seed})

		var payments []payment
		for i := range 400 {
			payments = append(payments, payment{fmt.Sprintf("P260317%09d", i), merchant, 1})
		}

		w.write(payouts, reglement, day(t, today), payments...)
		w.take(today)
		w.closeDay(today)
		w.closeDay(today)

		return w.details["REJ260317000001-01"]
	}

	first := drawn(1)
	require.InDelta(t, 120, len(first), 40)
	require.Equal(t, first, drawn(1))
	require.NotEqual(t, first, drawn(2))
}

func TestWhatTheBankDoesNotBook(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.closeDay(today)

	fee := bank.Movement{Key: "fee", Account: ledger.Fonctionnement, Label: "FRAIS", Amount: -1}

	for name, test := range map[string]struct {
		date   string
		change func(m *bank.Movement)
	}{
		"a day that was closed": {"2026-03-16", func(*bank.Movement) {}},
		"no key":                {today, func(m *bank.Movement) { m.Key = "" }},
		"another account":       {today, func(m *bank.Movement) { m.Account = "BK.XXX" }},
		"nothing":               {today, func(m *bank.Movement) { m.Amount = 0 }},
		"no label":              {today, func(m *bank.Movement) { m.Label = "" }},
		"a label too long":      {today, func(m *bank.Movement) { m.Label = strings.Repeat("é", 256) }},
		"too much":              {today, func(m *bank.Movement) { m.Amount = money.Max }},
	} {
		moved := fee
		test.change(&moved)
		_, err := w.bank.Book(day(t, test.date), moved)
		require.Error(t, err, name)
	}

	require.Equal(t, money.Cents(50_000_00), w.bank.Balance(ledger.Fonctionnement))

	_, err := w.bank.Take(w.outbox, day(t, "2026-03-16"))
	require.Error(t, err)
	_, err = w.bank.CloseDay(day(t, "2026-03-16"), w.inbox)
	require.Error(t, err)
}

func TestBooksBeginOnce(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	require.NoError(t, w.bank.Close())

	_, err := bank.New(w.state, opening())
	require.ErrorIs(t, err, bank.ErrExists)

	_, err = bank.Open(filepath.Join(t.TempDir(), "none.json"))
	require.ErrorIs(t, err, os.ErrNotExist)

	other := filepath.Join(t.TempDir(), "other.json")
	require.NoError(t, os.WriteFile(other, []byte(`{"format":"something"}`), 0o600))
	_, err = bank.Open(other)
	require.ErrorContains(t, err, "is not the state of a bank")

	for name, spoil := range map[string]func(map[ledger.Code]bank.Account){
		"two accounts only": func(o map[ledger.Code]bank.Account) { delete(o, ledger.Cantonnement) },
		"a wrong IBAN":      func(o map[ledger.Code]bank.Account) { o[ledger.Cantonnement] = bank.Account{IBAN: "FR00"} },
		"an IBAN twice":     func(o map[ledger.Code]bank.Account) { o[ledger.Cantonnement] = bank.Account{IBAN: reglement} },
	} {
		spoilt := opening()
		spoil(spoilt)
		_, err := bank.New(filepath.Join(t.TempDir(), "state.json"), spoilt)
		require.Error(t, err, name)
	}
}
