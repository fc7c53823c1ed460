package statements_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// threeLines are those of the reference's get-account-transactions.
func threeLines() []statement.Line {
	return []statement.Line{
		aLine("idTest1", "LOT REJ VIR 192837544970 02", 200),
		aLine("idTest2", "REM VIR MONEXTEUR20191009002", -2_100),
		aLine("idTest3", "REM VIR MONEXTEUR20191009001", -5_200),
	}
}

func TestTheThreeLinesOfTheReference(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		w.deliver(t, ledger.Reglement, 7, 100_000, threeLines()...)

		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, activities.ReadStatementsResult{Statements: 1, Lines: 3, Missing: []string{"BK.CAN", "BK.FON"}}, result)
		require.Empty(t, w.inboxHolds(t))
		require.Equal(t, string(w.format), w.text(t, `select format from statement`))

		told := eventtest.Bodies(t, w.pool)
		require.Len(t, told, 2)
		transactions, is := told[1].(ogep.GetAccountTransactions)
		require.True(t, is)
		require.Equal(t, "BK.REG", transactions.AccountID)
		require.Len(t, transactions.Transactions, 3)
		require.EqualValues(t, -2_100, transactions.Transactions[1].Amount)

		paired, err := w.pair(run)
		require.NoError(t, err)
		require.Len(t, paired, 3)
		for i, want := range []struct {
			reference, operation string
		}{{"REJ192837544970-02", "LOT REJ VIR"}, {"MONEXTEUR20191009002", "REM VIR"}, {"MONEXTEUR20191009001", "REM VIR"}} {
			line := threeLines()[i]
			require.Equal(t, string(vacation.ReglementVirements), paired[i].Kind)
			require.Equal(t, want.reference, paired[i].Transaction.Reference)
			require.Equal(t, want.operation, paired[i].Transaction.OperationType)
			require.Equal(t, line.Amount, paired[i].Transaction.Amount)
			require.Equal(t, w.id(line, 7, i+1), paired[i].Transaction.ID)
			require.True(t, line.BookedAt.Equal(paired[i].Transaction.BookedAt))
		}
		require.NoError(t, w.settle(vacation.ReglementVirements, paired[1].Transaction))
		left, err := w.pair(run)
		require.NoError(t, err)
		require.Equal(t, []activities.Paired{paired[0], paired[2]}, left, "what a règlement booked does not come again")
	})
}

// TestOneFileOfThreeAccounts is how a bank sends the evening's statements.
func TestOneFileOfThreeAccounts(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		file := w.content(t,
			stated(ledger.Reglement, 1, 0, threeLines()...),
			stated(ledger.Reglement, 2, -7_100, aLine("x", "VIR INTERNE MONEXTINT202603170001", -900)),
			stated(ledger.Fonctionnement, 1, 0),
			stated(ledger.Cantonnement, 1, 0, aLine("y", "VIR INTERNE MONEXTINT202603170001", 900)))
		w.put(t, "releves du 17", file)
		w.interrupted(t, "bank_line", func() error { _, err := w.read(run); return err })

		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, activities.ReadStatementsResult{Statements: 4, Lines: 5}, result)
		require.Empty(t, w.inboxHolds(t))
		require.FileExists(t, filepath.Join(w.archived, w.asOf("REG-CAN-FON", closingDay(2), file)+".gz"))
		numbers := map[bool]string{true: "0 0 0 0", false: "1 2 1 1"}[w.format == bankfile.CFONB120]
		require.Equal(t, "0 BK.REG 1, 1 BK.REG 2, 2 BK.FON 1, 3 BK.CAN 1; "+numbers, w.text(t, `
			select string_agg(ordinal || ' ' || account || ' ' || sequence, ', ' order by ordinal) || '; ' ||
			string_agg(bank_number::text, ' ' order by ordinal) from statement where file_name = 'releves du 17'`))
		require.NoError(t, w.reconcile(run), "all that the bank says is unbooked")
	})
}

// TestBothLinesOfATransferMayHaveOneReference: the bank's reference of a transfer
// between two of our accounts is the transfer's, not the line's.
func TestBothLinesOfATransferMayHaveOneReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	bulk := w.order(t, run.Number, ledger.Reglement, ledger.Cantonnement, 1_000, "SENT")
	lines := func(amount money.Cents) []statement.Line {
		return []statement.Line{aLine("other "+amount.String(), "x", 1), aLine("T1", "VIR INTERNE "+bulk, amount)}
	}
	w.put(t, "f", w.content(t, stated(ledger.Reglement, 1, 0, lines(-1_000)...), stated(ledger.Cantonnement, 1, 0, lines(1_000)...)))
	_, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, "BK.REG T1, BK.CAN T1-CAN", w.text(t, `
		select string_agg(account || ' ' || id, ', ' order by id) from bank_line where id like 'T1%'`))
	closed, err := w.match(run)
	require.NoError(t, err)
	require.Equal(t, 1, closed)

	// That name is a line's for ever too.
	w.deliver(t, ledger.Cantonnement, 2, 1_001, aLine("T1", "x", 1))
	_, err = w.read(w.open(t, "close"))
	require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), "T1-CAN stands in statement 1 of BK.CAN with another content")
}

func TestTheOrdersBehindALotAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	orders := []statement.Detail{{EndToEndID: "E1", Amount: 150, Code: "AC04"}, {EndToEndID: "E2", Amount: 50, Code: "MD07"}}
	with := func(id, text string, amount money.Cents) statement.Line {
		line := aLine(id, text, amount)
		line.Details = orders
		return line
	}
	w.deliver(t, ledger.Reglement, 1, 10_000,
		with("lot", "LOT REJ VIR 192837544970 02", 200), with("remitted", "REM VIR MONEXTEUR20191009002", -200),
		with("perhaps a lot", "RETOURS DE VIREMENTS", 200), with("none", "RETOURS DE VIREMENTS", -200))
	w.interrupted(t, "bank_line_detail", func() error { _, err := w.read(run); return err })
	_, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, "lot 1 E1 150 AC04, lot 2 E2 50 MD07, perhaps a lot 1 E1 150 AC04, perhaps a lot 2 E2 50 MD07", w.text(t, `
		select string_agg(concat_ws(' ', line, ordinal, end_to_end_id, amount_cents, code), ', ' order by line, ordinal)
		from bank_line_detail`))
}

// TestALargeLotIsKeptByPages has more orders behind few lines than are held in memory at once.
func TestALargeLotIsKeptByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	const orders, lots = 10_001, 3
	var lines []statement.Line
	for n := range lots {
		line := aLine(fmt.Sprintf("L%d", n), fmt.Sprintf("LOT REJ VIR %012d 01", n), orders)
		for order := range orders {
			line.Details = append(line.Details, statement.Detail{EndToEndID: strconv.Itoa(order), Amount: 1, Code: "AC04"})
		}
		lines = append(lines, line)
	}
	w.deliver(t, ledger.Reglement, 1, 0, lines...)
	_, err := w.read(run)
	require.NoError(t, err)
	require.EqualValues(t, lots*orders, w.number(t, `select count(*) from bank_line_detail`))
	require.Len(t, eventtest.Bodies(t, w.pool), 3, "start, and two pages")
}

func TestEachClassOfSettlementHasItsVacation(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		sale := aLine("s", "REM E  100   00000120190725UEP", 1_000)
		w.deliver(t, ledger.Reglement, 1, 0, sale, aLine("u", "REM E 100 00000220190725UEP", -10))
		_, err := w.read(run)
		require.NoError(t, err)
		paired, err := w.pair(run)
		require.NoError(t, err)
		require.Len(t, paired, 2)
		require.Equal(t, string(vacation.ReglementTransactions), paired[0].Kind)
		sale.ID = w.id(sale, 1, 1)
		require.Equal(t, string(global(sale, "00000120190725UEP").AppendJSON(nil)),
			string(paired[0].Transaction.AppendJSON(nil)), "the same as somebody types it")
		require.Equal(t, string(vacation.ReglementImpayes), paired[1].Kind)
		require.Equal(t, "IMPAYE", paired[1].Transaction.Vacation)
	})
}

// TestMoreLinesThanPassAtOnceAreAllPaired: who asks again gets the next ones,
// once règlements have taken the first ones up.
func TestMoreLinesThanPassAtOnceAreAllPaired(t *testing.T) {
	t.Parallel()
	const count = 1_001
	w := newWorld(t)
	run := w.open(t, "open")
	lines := make([]statement.Line, count)
	for n := range lines {
		lines[n] = aLine(fmt.Sprintf("L%d", n), fmt.Sprintf("REM E 100 %06d20260317UEP", n+1), 100)
	}
	w.deliver(t, ledger.Reglement, 1, 0, lines...)
	_, err := w.read(run)
	require.NoError(t, err)
	batch := w.post(t, 0, "taken up", ledger.Entry{Debit: ledger.Reglement, Credit: ledger.Opening, Kind: ledger.KindOpening, Amount: 1})
	var seen []string
	for _, want := range []int{1_000, 1, 0} {
		paired, err := w.pair(run)
		require.NoError(t, err)
		require.Len(t, paired, want)
		ids := make([]string, len(paired))
		for i, line := range paired {
			ids[i] = line.Transaction.ID
		}
		_, err = w.pool.Exec(t.Context(), `update bank_line set scope = 'x', batch = $1 where id = any ($2)`, batch, ids)
		require.NoError(t, err)
		seen = append(seen, ids...)
	}
	for n, id := range seen {
		require.Equal(t, lines[n].ID, id)
	}
}

func TestUnknownLinesAreQueuedAndNeverDropped(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		secret := aLine("1", "VIR M DUPONT JEAN", 500)
		w.deliver(t, ledger.Reglement, 1, 0, secret, aLine("2", "REM VIR MONEXTEUR20191009001", 500))
		w.deliver(t, ledger.Fonctionnement, 1, 0, aLine("3", "REM E 100 00000120190725UEP", 500))
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 3, result.Unknown)
		require.Equal(t, "no grammar explains its label",
			w.text(t, `select reason from bank_line where id = $1`, w.id(secret, 1, 1)))
		for range 2 {
			_, err = w.match(run)
			require.NoError(t, err)
			paired, err := w.pair(run)
			require.NoError(t, err)
			require.Empty(t, paired)
			require.NoError(t, w.reconcile(run), "they are unbooked items")
			result, err = w.read(w.open(t, "close"))
			require.NoError(t, err)
			require.Equal(t, 3, result.Unknown)
		}
		require.EqualValues(t, 3, w.number(t, `select count(*) from bank_line where class = 'UNKNOWN' and batch is null and reason <> ''`))
	})
}

// TestStatementsAreReadInTheirSequence: files are named and sorted as their
// senders like.
func TestStatementsAreReadInTheirSequence(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		w.deliver(t, ledger.Reglement, 10, 100, aLine("b", "x", 10))
		w.deliver(t, ledger.Reglement, 9, 0, aLine("a", "x", 100))
		empty := w.content(t, stated(ledger.Reglement, 11, 110))
		w.put(t, "0", empty)
		w.put(t, "1.tmp", empty)
		w.put(t, "2", []byte("something else"))
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 3, result.Statements)
		require.Equal(t, "1 2 3", w.text(t, `select string_agg(sequence::text, ' ' order by number) from statement`))
		require.Equal(t, "2026-03-25 2026-03-26 2026-03-27", w.text(t, `select string_agg(date::text, ' ' order by number) from statement`))
		require.Equal(t, []string{"1.tmp", "2"}, w.inboxHolds(t))

		var last []string
		for _, body := range eventtest.Bodies(t, w.pool) {
			if told, is := body.(ogep.GetAccountTransactions); is {
				last = append(last, strconv.Itoa(len(told.Transactions)))
			}
		}
		require.Equal(t, []string{"1", "1", "0"}, last, "a statement without lines is told too")

		archived, err := os.Open(filepath.Join(w.archived, w.as(ledger.Reglement, 11, empty)+".gz"))
		require.NoError(t, err)
		reader, err := gzip.NewReader(archived)
		require.NoError(t, err)
		text, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, empty, text)
		require.NoError(t, archived.Close())
	})
}

// TestFilesOfOneDayAreReadAccountByAccount, whatever they are called.
func TestFilesOfOneDayAreReadAccountByAccount(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		for file, account := range map[string]ledger.Code{"b": ledger.Reglement, "c": ledger.Cantonnement, "a": ledger.Fonctionnement} {
			w.put(t, file, w.content(t, stated(account, 1, 0)))
		}
		_, err := w.read(w.open(t, "open"))
		require.NoError(t, err)
		require.Equal(t, "BK.REG BK.CAN BK.FON", w.text(t, `select string_agg(account, ' ' order by number) from statement`))
	})
}

// TestABankMayChangeItsFormat, and begin its numbers anew each year: ours go on.
func TestABankMayChangeItsFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, ledger.Reglement, 289, 0, aLine("a", "x", 100))
	w.deliver(t, ledger.Reglement, 290, 100) // of 2026-12-31
	newYear := stated(ledger.Reglement, 291, 100, aLine("b", "x", 5))
	newYear.Number = 1
	w.put(t, "new year", w.content(t, newYear))
	cfonb := *w
	cfonb.format = bankfile.CFONB120
	cfonb.deliver(t, ledger.Reglement, 292, 105, aLine("", "x", 6))
	second := stated(ledger.Reglement, 292, 111, aLine("", "x", 7))
	second.Opening.Date = second.Closing.Date
	w.put(t, "again that day", cfonb.content(t, second))
	result, err := w.read(w.open(t, "open"))
	require.NoError(t, err)
	require.Equal(t, 5, result.Statements)
	require.Equal(t, "289 290 1 0 0", w.text(t, `select string_agg(bank_number::text, ' ' order by sequence) from statement`))
	require.Equal(t, "a b REG.2027-01-02.1 REG.2027-01-02.111.118.1",
		w.text(t, `select string_agg(id, ' ' order by statement) from bank_line`))

	w.deliver(t, ledger.Reglement, 400, 118)
	result, err = w.read(w.open(t, "later"))
	require.NoError(t, err, "there is no number to be compared with")
	require.Equal(t, 1, result.Statements)
}

func TestWrongStatementsAreRefusedAndKeepNothingBack(t *testing.T) {
	t.Parallel()
	camt, cfonb := []bankfile.Format{message.Camt053V02, message.Camt053V08}, []bankfile.Format{bankfile.CFONB120}
	first := func(t *testing.T, w *world) {
		t.Helper()
		w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 100))
		_, err := w.read(w.open(t, "open"))
		require.NoError(t, err)
	}
	for says, test := range map[string]struct {
		in      []bankfile.Format
		deliver func(require.TestingT, *world)
	}{
		"number 6 expected, 7 found": {camt, func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 7, 100) }},
		"number 6 expected, 4 found": {camt, func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 4, 100) }},
		"one that goes on from 1.00 on 2026-03-21 expected, one that goes on from 1.00 on 2026-03-22 found": {
			cfonb, func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 7, 100) },
		},
		"one that goes on from 1.00 on 2026-03-21 expected, one that goes on from 1.00 on 2026-03-19 found": {
			cfonb, func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 4, 100) },
		},
		"begins with 99.99": {formats(), func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 6, 99_99) }},
		"was taken in already, with the same content (statement": {formats(), func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 100))
		}},
		"it was taken in already": {formats(), func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 101))
		}},
		"a stands in statement 5 of BK.REG with the same content": {camt, func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 6, 100, aLine("b", "x", 1), aLine("a", "x", 100))
		}},
		"a stands in statement 5 of BK.REG with another content": {camt, func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 6, 100, aLine("a", "y", 100))
		}},
		"is none of the EP's accounts": {formats(), func(t require.TestingT, w *world) {
			foreign := stated(ledger.Reglement, 6, 100)
			foreign.IBAN = iban.French(30003, 1, 94)
			w.put(t, "releve_"+foreign.IBAN+".txt", w.content(t, foreign))
		}},
		"1 fault": {camt, func(t require.TestingT, w *world) {
			w.put(t, "x", []byte(strings.Replace(string(w.content(t, stated(ledger.Reglement, 6, 100))), ">1.00<", ">1.01<", 1)))
		}},
		"1 fault: ": {cfonb, func(t require.TestingT, w *world) {
			w.put(t, "x", []byte(strings.Replace(string(w.content(t, stated(ledger.Reglement, 6, 100))), "10{", "11{", 1)))
		}},
		"begins with 99.98": {formats(), func(t require.TestingT, w *world) {
			// All of a file is used, or nothing.
			w.put(t, "x", w.content(t, stated(ledger.Fonctionnement, 1, 0), stated(ledger.Reglement, 6, 99_98)))
		}},
	} {
		for _, format := range test.in {
			t.Run(says+", "+string(format), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.format = format
				first(t, w)
				run := w.open(t, "close")
				test.deliver(t, w)
				held := w.inboxHolds(t)
				before := w.number(t, `select count(*) from statement`)
				w.deliver(t, ledger.Cantonnement, 1, 0, aLine("c", "x", 1))

				_, err := w.read(run)
				require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), says)
				require.NotContains(t, err.Error(), iban.French(30003, 1, 94))
				require.Equal(t, before+1, w.number(t, `select count(*) from statement`), "that of another account is read")
				require.Equal(t, held, w.inboxHolds(t))
				_, err = w.read(run)
				require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), says)
				require.Equal(t, before+1, w.number(t, `select count(*) from statement`))
			})
		}
	}
}

// TestTheFirstStatementsOfAnAccount have none before to be compared with: one
// that is refused is not overtaken by those after it.
func TestTheFirstStatementsOfAnAccount(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		w.deliver(t, ledger.Reglement, 2, 100)
		good := w.content(t, stated(ledger.Reglement, 1, 0, aLine("a", "x", 100)))
		wrong := strings.Replace(strings.Replace(string(good), ">1.00<", ">1.01<", 1), "10{", "11{", 1)
		w.put(t, "wrong", []byte(wrong))
		for range 2 {
			_, err := w.read(run)
			require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), "wrong: ")
			require.Zero(t, w.number(t, `select count(*) from statement`))
		}
		w.put(t, "wrong", good)
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 2, result.Statements)
	})
}

func TestAFileThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		whole := w.content(t, stated(ledger.Reglement, 1, 0, aLine("a", "x", 100)))
		for _, half := range [][]byte{
			whole[:len(whole)/2], whole[:len(whole)*3/4], whole[:strings.LastIndex(string(whole[:len(whole)-1]), "\n")+1],
		} {
			w.put(t, "f", half)
			w.deliver(t, ledger.Reglement, 2, 100)
			result, err := w.read(run)
			require.NoError(t, err)
			require.Zero(t, result.Statements)
			require.Len(t, result.Missing, 3)
		}
		// At the cut-off nobody writes it any more.
		w.clock = func() time.Time { return now.Add(4 * time.Hour) }
		_, err := w.another(t).read(run)
		require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), "it stops before its end")
		report, err := os.ReadFile(filepath.Join(w.archived, fmt.Sprintf("f.run%d.refused.json", run.Number)))
		require.NoError(t, err)
		require.Regexp(t, "TRUNCATED|NO_TRAILER", string(report))

		w.put(t, "f", whole)
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 2, result.Statements)
	})
}

// TestWhatFollowsAFileThatIsBeingWrittenWaits: what does not follow yet is not
// out of sequence before the cut-off. What does not depend on it is taken in.
func TestWhatFollowsAFileThatIsBeingWrittenWaits(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		w.deliver(t, ledger.Reglement, 1, 0, aLine("a", "x", 100))
		w.deliver(t, ledger.Cantonnement, 1, 0)
		_, err := w.read(run)
		require.NoError(t, err)
		whole := w.content(t, stated(ledger.Reglement, 2, 100))
		// Half of it tells the account, a tenth does not.
		for _, part := range []int{len(whole) / 2, max(120, len(whole)/10)} {
			w.put(t, "f", whole[:part])
			w.deliver(t, ledger.Reglement, 3, 100)
			result, err := w.read(run)
			require.NoError(t, err)
			require.Equal(t, 2, result.Statements)
		}
		w.deliver(t, ledger.Cantonnement, 2, 0)
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 3, result.Statements)
		w.put(t, "f", whole)
		result, err = w.read(run)
		require.NoError(t, err)
		require.Equal(t, 5, result.Statements)
	})
}

func TestALargeStatementIsToldByPages(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		for sequence, count := range map[int]int{1: 1_000, 2: 1} {
			lines := make([]statement.Line, count)
			for i := range lines {
				lines[i] = aLine(fmt.Sprintf("%d-%d", sequence, i), "x", 1)
			}
			w.deliver(t, ledger.Reglement, sequence, map[int]money.Cents{1: 0, 2: 1_000}[sequence], lines...)
		}
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 1_001, result.Lines)
		var told []int
		for _, body := range eventtest.Bodies(t, w.pool) {
			if page, is := body.(ogep.GetAccountTransactions); is {
				told = append(told, len(page.Transactions))
			}
		}
		require.Equal(t, []int{500, 500, 1}, told)
		require.EqualValues(t, 1_000, w.number(t, `select count(distinct ordinal) from bank_line where statement = 1`))
	})
}

func TestReadingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		w.deliver(t, ledger.Reglement, 1, 0, threeLines()...)
		w.interrupted(t, "bank_line", func() error { _, err := w.read(run); return err })
		require.Equal(t, []string{name(ledger.Reglement, 1)}, w.inboxHolds(t))

		w.twiceAtOnce(t, func(w *world) error { _, err := w.read(run); return err })
		after := w.state(t)
		require.EqualValues(t, 3, w.number(t, `select count(*) from bank_line`))
		require.Empty(t, w.inboxHolds(t))
		first, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 3, first.Lines, "the session's, however often it is asked")
		require.Equal(t, after, w.state(t))
	})
}

// TestReadingCutAtAnyMessageToTheDatabase leaves all of a file or nothing, and
// the next try ends as one that was never cut: file after file, each cut later.
func TestReadingCutAtAnyMessageToTheDatabase(t *testing.T) {
	t.Parallel()
	deliver := func(w *world, n int) {
		lot := aLine(fmt.Sprintf("L%d", n), fmt.Sprintf("LOT REJ VIR %012d 01", n), 200)
		lot.Details = []statement.Detail{{EndToEndID: fmt.Sprintf("E%d", n), Amount: 200, Code: "AC04"}}
		opening := money.Cents(n-1) * 200
		w.clock = func() time.Time { return now.Add(time.Duration(n) * time.Second) } // events have an hour each
		w.put(t, "f", w.content(t, stated(ledger.Reglement, n, opening, lot), stated(ledger.Fonctionnement, n, 0)))
	}
	w := newWorld(t)
	run, files := w.open(t, "open"), 0
	for struck := true; struck; {
		files++
		deliver(w, files)
		cut := *w
		var ask func() bool
		cut.pool, ask = pgtest.Cut(t, w.pool, files)
		_, err := cut.another(t).read(run)
		struck = ask()
		require.True(t, struck || err == nil, "%v", err)
		require.Contains(t, []int64{2*int64(files) - 2, 2 * int64(files)}, w.number(t, `select count(*) from statement`))
		result, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, 2*files, result.Statements)
		require.Empty(t, w.inboxHolds(t))
	}
	require.Greater(t, files, 10, "it writes more than a few rows")

	whole := newWorld(t)
	run = whole.open(t, "open")
	for n := range files {
		deliver(whole, n+1)
		_, err := whole.read(run)
		require.NoError(t, err)
	}
	pgtest.Same(t, pgtest.Dump(t, whole.pool), pgtest.Dump(t, w.pool))
}

// TestAWorkerThatDiesLeavesNoFileBehind stops at each point between the commit
// and the file being away.
func TestAWorkerThatDiesLeavesNoFileBehind(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		text := w.content(t, stated(ledger.Reglement, 1, 0, threeLines()...))
		as := w.as(ledger.Reglement, 1, text)
		left := "." + as + ".taken"
		w.put(t, "f", text)
		_, err := w.read(run)
		require.NoError(t, err)
		archived := filepath.Join(w.archived, as+".gz")
		for at, prepare := range map[string]func(){
			"before it left the inbox": func() {
				require.NoError(t, os.Remove(archived))
				w.put(t, "f", text)
			},
			"before it was compressed": func() {
				require.NoError(t, os.Remove(archived))
				w.put(t, left, text)
			},
			"before it was removed": func() { w.put(t, left, text) },
		} {
			prepare()
			before := w.state(t)
			result, err := w.read(run)
			require.NoError(t, err, at)
			require.Equal(t, 1, result.Statements, at)
			require.Equal(t, before, w.state(t), at)
			require.Empty(t, w.inboxHolds(t), at)
			require.FileExists(t, archived, at)
		}
	})
}

// TestTheSameFileUnderTwoNames is used once.
func TestTheSameFileUnderTwoNames(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		text := w.content(t, stated(ledger.Reglement, 1, 0, threeLines()...))
		w.put(t, "a", text)
		w.put(t, "b", text)
		for range 2 {
			_, err := w.read(run)
			says := requireFailure(t, vacation.StatementInvalid, err)
			require.Contains(t, says, "b was taken in already, with the same content (statement ")
			require.Contains(t, says, "take the file out of the inbox")
			require.Equal(t, []string{"b"}, w.inboxHolds(t))
			require.EqualValues(t, 1, w.number(t, `select count(*) from statement`))
		}
	})
}

func TestAFailedRunsStatementsAreTheSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	w.deliver(t, ledger.Reglement, 1, 0)
	_, err := w.read(run)
	require.NoError(t, err)
	_, err = call[any](w, activities.FailVacationName, activities.FailVacationRequest{Run: run, Code: vacation.StatementInvalid, Step: "x"})
	require.NoError(t, err)
	again := w.open(t, "open")
	require.NotEqual(t, run.Number, again.Number)
	result, err := w.read(again)
	require.NoError(t, err)
	require.Equal(t, []string{"BK.CAN", "BK.FON"}, result.Missing)
}

func TestAReglementStartedBeforeItsLineIsRead(t *testing.T) {
	t.Parallel()
	inEachFormat(t, func(t *testing.T, w *world) {
		t.Helper()
		run := w.open(t, "open")
		line, other := aLine("bank-1", "REM E 100 00000120260317UEP", 1_000), aLine("bank-2", "REM E 100 00000220260317UEP", 2_000)
		line.ID, other.ID = w.id(line, 1, 1), w.id(other, 1, 2)
		require.NoError(t, w.settle(vacation.ReglementTransactions, global(line, "00000120260317UEP")))
		wrong := global(other, "00000220260317UEP")
		wrong.Amount++
		require.NoError(t, w.settle(vacation.ReglementTransactions, wrong))

		w.deliver(t, ledger.Reglement, 1, 0, line, other)
		_, err := w.read(run)
		require.NoError(t, err)
		require.Equal(t, "vacation-reglement-transactions/00000120260317UEP", w.text(t, `select scope from bank_line where id = $1`, line.ID))
		paired, err := w.pair(run)
		require.NoError(t, err)
		require.Len(t, paired, 1, "the line of another amount is not what was settled")
		require.Equal(t, other.ID, paired[0].Transaction.ID)
		require.Equal(t, vacation.ParametersConflict, activities.AsFailure(w.settle(vacation.ReglementTransactions, paired[0].Transaction)).Code)
		require.Contains(t, requireFailure(t, vacation.InvariantBroken, w.reconcile(run)), "BK.REG")
	})
}
