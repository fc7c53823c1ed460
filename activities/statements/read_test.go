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
	w := newWorld(t)
	run := w.open(t, "open")
	w.deliver(t, ledger.Reglement, 7, 100_000, threeLines()...)

	result, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, activities.ReadStatementsResult{Statements: 1, Lines: 3, Missing: []string{"BK.CAN", "BK.FON"}}, result)
	require.Empty(t, w.inboxHolds(t))

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
		require.Equal(t, string(vacation.ReglementVirements), paired[i].Kind)
		require.Equal(t, want.reference, paired[i].Transaction.Reference)
		require.Equal(t, want.operation, paired[i].Transaction.OperationType)
		require.Equal(t, threeLines()[i].Amount, paired[i].Transaction.Amount)
		require.True(t, now.Equal(paired[i].Transaction.BookedAt))
	}
	require.NoError(t, w.settle(vacation.ReglementVirements, paired[1].Transaction))
	left, err := w.pair(run)
	require.NoError(t, err)
	require.Equal(t, []activities.Paired{paired[0], paired[2]}, left, "what a règlement booked does not come again")
}

func TestEachClassOfSettlementHasItsVacation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	w.deliver(t, ledger.Reglement, 1, 0,
		aLine("s", "REM E  100   00000120190725UEP", 1_000), aLine("u", "REM E 100 00000220190725UEP", -10))
	_, err := w.read(run)
	require.NoError(t, err)
	paired, err := w.pair(run)
	require.NoError(t, err)
	require.Len(t, paired, 2)
	require.Equal(t, string(vacation.ReglementTransactions), paired[0].Kind)
	require.Equal(t, global(aLine("s", "REM E  100   00000120190725UEP", 1_000), "00000120190725UEP").AppendJSON(nil),
		paired[0].Transaction.AppendJSON(nil), "the same as somebody types it")
	require.Equal(t, string(vacation.ReglementImpayes), paired[1].Kind)
	require.Equal(t, "IMPAYE", paired[1].Transaction.Vacation)
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
	w := newWorld(t)
	run := w.open(t, "open")
	const secret = "VIR M DUPONT JEAN"
	w.deliver(t, ledger.Reglement, 1, 0, aLine("1", secret, 500), aLine("2", "REM VIR MONEXTEUR20191009001", 500))
	w.deliver(t, ledger.Fonctionnement, 1, 0, aLine("3", "REM E 100 00000120190725UEP", 500))
	result, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, 3, result.Unknown)
	require.Equal(t, "no grammar explains its label", w.text(t, `select reason from bank_line where id = '1'`))
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
}

func TestStatementsAreReadInTheirSequence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	// Ten sorts after nine, whatever the names say.
	w.deliver(t, ledger.Reglement, 10, 100, aLine("b", "x", 10))
	w.deliver(t, ledger.Reglement, 9, 0, aLine("a", "x", 100))
	w.put(t, "statement.REG.0011.jsonl", content(t, ledger.Reglement, 11, 110))
	w.put(t, "statement.REG.12.jsonl.tmp", []byte("x"))
	result, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, 3, result.Statements)
	require.Equal(t, "9 10 11", w.text(t, `select string_agg(sequence::text, ' ' order by number) from statement`))
	require.Equal(t, []string{"statement.REG.12.jsonl.tmp"}, w.inboxHolds(t))

	var last []string
	for _, body := range eventtest.Bodies(t, w.pool) {
		if told, is := body.(ogep.GetAccountTransactions); is {
			last = append(last, strconv.Itoa(len(told.Transactions)))
		}
	}
	require.Equal(t, []string{"1", "1", "0"}, last, "a statement without lines is told too")

	archived, err := os.Open(filepath.Join(w.archived, "statement.REG.11.jsonl.gz"))
	require.NoError(t, err)
	reader, err := gzip.NewReader(archived)
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, content(t, ledger.Reglement, 11, 110), text)
	require.NoError(t, archived.Close())
}

func TestWrongStatementsAreRefusedAndKeepNothingBack(t *testing.T) {
	t.Parallel()
	first := func(t *testing.T, w *world) {
		t.Helper()
		w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 100))
		_, err := w.read(w.open(t, "open"))
		require.NoError(t, err)
	}
	for says, deliver := range map[string]func(require.TestingT, *world){
		"number 6 expected, 7 found": func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 7, 100) },
		"number 6 expected, 4 found": func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 4, 100) },
		"begins with 99.99":          func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 6, 99_99) },
		"with the same content; nothing of it was used: take the file out of the inbox; the next one is 6": func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 100))
		},
		"with another content": func(t require.TestingT, w *world) { w.deliver(t, ledger.Reglement, 5, 0, aLine("a", "x", 101)) },
		"holds statement 5 of BK.REG, its name says 6 of BK.REG": func(t require.TestingT, w *world) {
			w.put(t, name(ledger.Reglement, 6), content(t, ledger.Reglement, 5, 0, aLine("a", "x", 100)))
		},
		"holds statement 6 of BK.FON, its name says 6 of BK.REG": func(t require.TestingT, w *world) {
			w.put(t, name(ledger.Reglement, 6), content(t, ledger.Fonctionnement, 6, 100))
		},
		"a stands in statement 5 of BK.REG with the same content": func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 6, 100, aLine("b", "x", 1), aLine("a", "x", 100))
		},
		"a stands in statement 5 of BK.REG with another content": func(t require.TestingT, w *world) {
			w.deliver(t, ledger.Reglement, 6, 100, aLine("a", "y", 100))
		},
		"is no regular file": func(t require.TestingT, w *world) {
			require.NoError(t, os.Mkdir(filepath.Join(w.inbox, name(ledger.Reglement, 6)), 0o700))
		},
		"1 fault": func(t require.TestingT, w *world) {
			w.put(t, name(ledger.Reglement, 6), []byte(strings.Replace(
				string(content(t, ledger.Reglement, 6, 100)), `"2026-03-17"`, `"2026-03-27"`, 1)))
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first(t, w)
			run := w.open(t, "close")
			deliver(t, w)
			held := w.inboxHolds(t)
			before := w.number(t, `select count(*) from statement`)
			w.deliver(t, ledger.Cantonnement, 1, 0, aLine("c", "x", 1))

			_, err := w.read(run)
			require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), says)
			require.Equal(t, before+1, w.number(t, `select count(*) from statement`), "that of another account is read")
			require.Equal(t, held, w.inboxHolds(t))
			_, err = w.read(run)
			require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), says)
			require.Equal(t, before+1, w.number(t, `select count(*) from statement`))
		})
	}
}

func TestAStatementThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.open(t, "open")
	whole := content(t, ledger.Reglement, 1, 0, aLine("a", "x", 100))
	for _, half := range [][]byte{nil, whole[:len(whole)/2], whole[:len(whole)-1], whole[:strings.LastIndex(string(whole[:len(whole)-1]), "\n")+1]} {
		w.put(t, name(ledger.Reglement, 1), half)
		w.deliver(t, ledger.Reglement, 2, 100)
		result, err := w.read(run)
		require.NoError(t, err)
		require.Zero(t, result.Statements)
		require.Len(t, result.Missing, 3)
	}
	// At the cut-off nobody writes it any more.
	w.clock = func() time.Time { return now.Add(4 * time.Hour) }
	_, err := w.another(t).read(run)
	require.Contains(t, requireFailure(t, vacation.StatementInvalid, err), "ends without a trailer")
	report, err := os.ReadFile(filepath.Join(w.archived, fmt.Sprintf("statement.REG.1.jsonl.run%d.refused.json", run.Number)))
	require.NoError(t, err)
	require.Contains(t, string(report), "NO_TRAILER")

	w.put(t, name(ledger.Reglement, 1), whole)
	result, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, 2, result.Statements)
}

func TestALargeStatementIsToldByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
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
}

func TestReadingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
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
}

// TestAWorkerThatDiesLeavesNoFileBehind stops at each point between the commit
// and the file being away.
func TestAWorkerThatDiesLeavesNoFileBehind(t *testing.T) {
	t.Parallel()
	file := name(ledger.Reglement, 1)
	left := "." + file + ".taken"
	for at, prepare := range map[string]func(*testing.T, *world, []byte){
		"before it left the inbox": func(t *testing.T, w *world, text []byte) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(w.archived, file+".gz")))
			w.put(t, file, text)
		},
		"before it was compressed": func(t *testing.T, w *world, text []byte) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(w.archived, file+".gz")))
			w.put(t, left, text)
		},
		"before it was removed": func(t *testing.T, w *world, text []byte) { t.Helper(); w.put(t, left, text) },
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			run := w.open(t, "open")
			text := content(t, ledger.Reglement, 1, 0, threeLines()...)
			w.put(t, file, text)
			_, err := w.read(run)
			require.NoError(t, err)
			prepare(t, w, text)
			before := w.state(t)

			result, err := w.read(run)
			require.NoError(t, err)
			require.Equal(t, 1, result.Statements)
			require.Equal(t, before, w.state(t))
			require.Empty(t, w.inboxHolds(t))
			require.FileExists(t, filepath.Join(w.archived, file+".gz"))
		})
	}
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
	w := newWorld(t)
	run := w.open(t, "open")
	line, other := aLine("bank-1", "REM E 100 00000120260317UEP", 1_000), aLine("bank-2", "REM E 100 00000220260317UEP", 2_000)
	require.NoError(t, w.settle(vacation.ReglementTransactions, global(line, "00000120260317UEP")))
	wrong := global(other, "00000220260317UEP")
	wrong.Amount++
	require.NoError(t, w.settle(vacation.ReglementTransactions, wrong))

	w.deliver(t, ledger.Reglement, 1, 0, line, other)
	_, err := w.read(run)
	require.NoError(t, err)
	require.Equal(t, "vacation-reglement-transactions/00000120260317UEP", w.text(t, `select scope from bank_line where id = 'bank-1'`))
	paired, err := w.pair(run)
	require.NoError(t, err)
	require.Len(t, paired, 1, "the line of another amount is not what was settled")
	require.Equal(t, "bank-2", paired[0].Transaction.ID)
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(w.settle(vacation.ReglementTransactions, paired[0].Transaction)).Code)
	require.Contains(t, requireFailure(t, vacation.InvariantBroken, w.reconcile(run)), "BK.REG")
}
