package virements_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/vacation"
)

const nextLot = "REJ192837544970-03"

// executed is a world whose orders of 10.00, 5.00 and 2.00 the bank executed.
func executed(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.bulk(t, remittance, "EXECUTED", "EXECUTED", order{1, 1_000, false}, order{2, 500, true}, order{3, 200, false})
	return w
}

func TestEachFormatClosesALot(t *testing.T) {
	t.Parallel()
	for _, format := range formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := executed(t)
			run := w.open(t, cameBack(1_200))
			content := detailIn(t, format, iso20022.NotProvided, lot, back(1, 1_000), back(3, 200))
			path := w.receive(t, "any name", content)
			loaded, err := w.loadRejects(run, w.folders.Inbox, inTime())
			require.NoError(t, err)
			require.Equal(t, 2, loaded.Orders)
			require.Equal(t, money.Cents(1_200), loaded.Amount)
			w.until(t, activities.AllocateRejectsName, run)
			w.close(t, run)
			require.Equal(t, []string{"REJECTED", "EXECUTED", "REJECTED"}, w.states(t))
			require.Equal(t, []string{"1 1000 AC04", "2 200 AC04"}, w.texts(t, `select line || ' ' || amount_cents || ' ' || code from bank_reject order by line`))
			require.Zero(t, w.balance(t, ledger.Rejects(lot)))
			require.NoFileExists(t, path)
			require.Equal(t, content, w.archived(t))
		})
	}
}

// amounts are what a report says of the amounts of its orders.
var amounts = regexp.MustCompile(`(?s)<OrgnlTxRef>.*?</OrgnlTxRef>|<DtldCtrlSum>[^<]*</DtldCtrlSum>`)

// TestAmountsThatTheBankLeavesOut are those of the orders.
func TestAmountsThatTheBankLeavesOut(t *testing.T) {
	t.Parallel()
	for _, format := range formats()[:2] {
		for credited, fails := range map[money.Cents]bool{1_500: false, 1_400: true} {
			w := executed(t)
			run := w.open(t, cameBack(credited))
			content := detailIn(t, format, iso20022.NotProvided, lot, back(1, 1), back(2, 1))
			require.Len(t, amounts.FindAll(content, -1), 4)
			w.receive(t, "d", amounts.ReplaceAll(content, nil))
			_, err := w.loadRejects(run, w.folders.Inbox, inTime())
			if fails {
				requireFailure(t, err, vacation.RejectsMismatch, "its 2 orders come to 15.00, the bank credited 14.00: 1.00 apart")
				continue
			}
			require.NoError(t, err)
			require.Equal(t, money.Cents(1_500), w.until(t, activities.AllocateRejectsName, run).Amount)
		}
	}
}

// detailLine has a statement tell of a lot's orders.
func (w *world) detailLine(t testing.TB, rejects ...reject.Reject) {
	t.Helper()
	w.readStatement(t, cameBack(1_500))
	for i, each := range rejects {
		_, err := w.pool.Exec(t.Context(), `insert into bank_line_detail (line, ordinal, end_to_end_id, amount_cents, code) values ($1, $2, $3, $4, $5)`,
			cameBack(0).id(), i+1, each.EndToEndID, int64(each.Amount), each.Code)
		require.NoError(t, err)
	}
}

func TestTheStatementIsTheDetailWhereThereIsNoFile(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"its folder", "its path"} {
		w := executed(t)
		path := map[string]string{"its folder": w.folders.Inbox, "its path": filepath.Join(w.folders.Inbox, "d")}[at]
		run := w.open(t, cameBack(1_500))
		before, err := w.loadRejects(run, path, inTime())
		require.NoError(t, err)
		require.False(t, before.Found, "neither is there")
		w.detailLine(t, back(1, 1_000), reject.Reject{EndToEndID: endToEnd(2), Amount: 500})
		together(t, func() error {
			_, err := w.loadRejects(run, path, inTime())
			return err
		})
		loaded, err := w.loadRejects(run, path, inTime())
		require.NoError(t, err)
		require.True(t, loaded.Found)
		require.Equal(t, []string{"s " + loaded.SHA256 + " none 2 1500"}, w.texts(t, `
			select file_name || ' ' || encode(file_sha256, 'hex') || ' ' || coalesce(file_bytes::text, 'none') || ' ' || line_count || ' ' || gross_cents
			from settlement`))
		require.Equal(t, 2, w.until(t, activities.AllocateRejectsName, run).Orders)
		w.close(t, run)
		require.Equal(t, []string{"REJECTED AC04", "REJECTED MS03", "EXECUTED "}, w.texts(t, `select state || ' ' || reason from payout order by number`))
	}
}

func TestAStatementThatTellsOfSomeOrders(t *testing.T) {
	t.Parallel()
	w := executed(t)
	run := w.open(t, cameBack(1_500))
	w.detailLine(t, back(1, 1_000))
	loaded, err := w.loadRejects(run, w.folders.Inbox, inTime())
	require.NoError(t, err)
	require.False(t, loaded.Found, "the file may come")
	_, err = w.loadRejects(run, w.folders.Inbox, late())
	requireFailure(t, err, vacation.RejectsMismatch, "s does not explain lot "+lot, "its 1 orders come to 10.00, the bank credited 15.00: 5.00 apart")
	w.detail(t, "d", lot, back(1, 1_000), back(2, 500))
	loaded, err = w.loadRejects(run, w.folders.Inbox, late())
	require.NoError(t, err)
	require.Equal(t, 2, loaded.Orders, "the file goes before the statement")
}

// TestADetailIsCut has the answer to each of PostgreSQL's messages lost while a
// statement's details are taken.
func TestADetailIsCut(t *testing.T) {
	t.Parallel()
	loaded := func(message int) (all []string, struck bool) {
		w := executed(t)
		run := w.open(t, cameBack(1_500))
		w.detailLine(t, back(1, 1_000), back(2, 500))
		if message > 0 {
			pool, hit := pgtest.Cut(t, w.pool, message)
			_, _ = (&world{parts: w.partsOn(t, pool)}).loadRejects(run, w.folders.Inbox, inTime())
			struck = hit()
		}
		result, err := w.loadRejects(run, w.folders.Inbox, inTime())
		require.NoError(t, err)
		require.True(t, result.Found)
		return w.all(t), struck
	}
	want, _ := loaded(0)
	for message := 1; ; message++ {
		got, struck := loaded(message)
		require.Equal(t, want, got, "cut at message %d", message)
		if !struck {
			require.Greater(t, message, 5)
			break
		}
	}
}

// twoLots is a notification of two lots, and of something else.
func twoLots(t testing.TB) []byte {
	t.Helper()
	entry := func(label string, n int, amount money.Cents) message.Entry {
		return message.Entry{
			ID: "N" + label, Label: label, Amount: amount, BookedOn: calendar.DateOf(now), ValueOn: calendar.DateOf(now),
			Details: []message.Detail{{EndToEndID: endToEnd(n), Amount: amount, Code: "AC04"}},
		}
	}
	var file bytes.Buffer
	err := message.WriteCamt054(&file, message.Envelope{Definition: message.Camt054V08, ID: "N", CreatedAt: now}, aIBAN(1),
		entry(bankLine{lot, 1}.label(), 1, 1_000), entry("VIR RECU", 9, 50), entry(bankLine{nextLot, 1}.label(), 2, 500))
	require.NoError(t, err)
	return file.Bytes()
}

// TestANotificationOfTwoLots stays in the inbox until both are taken in,
// whichever is first, and however often each is.
func TestANotificationOfTwoLots(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"its folder", "its path"} {
		w := executed(t)
		content := twoLots(t)
		path := w.receive(t, "notification", content)
		asked := map[string]string{"its folder": w.folders.Inbox, "its path": path}[at]
		first, second := w.open(t, cameBack(1_000)), w.open(t, bankLine{nextLot, 500})
		for range 2 {
			loaded, err := w.loadRejects(second, asked, inTime())
			require.NoError(t, err)
			require.Equal(t, money.Cents(500), loaded.Amount)
			require.FileExists(t, path, "the other lot's run needs it")
		}
		for range 2 {
			loaded, err := w.loadRejects(first, asked, inTime())
			require.NoError(t, err)
			require.Equal(t, money.Cents(1_000), loaded.Amount)
			require.NoFileExists(t, path)
		}
		require.Equal(t, content, w.archived(t))
		require.FileExists(t, filepath.Join(w.folders.Archive, nextLot+".rejects.gz"))
		w.until(t, activities.AllocateRejectsName, first)
		w.until(t, activities.AllocateRejectsName, second)
		require.Equal(t, []string{"REJECTED", "REJECTED", "EXECUTED"}, w.states(t))
	}
}

// TestADetailIsOnItsMessage holds it against the bulk of its orders, where the
// message that it names is one of ours.
func TestADetailIsOnItsMessage(t *testing.T) {
	t.Parallel()
	w := executed(t)
	w.bulk(t, second, "EXECUTED", "EXECUTED", order{1, 100, false})
	messages := w.texts(t, `select replace(bulk_id::text, '-', '') from bulk order by number`)
	run := w.open(t, cameBack(1_000))
	w.receive(t, "d", detailIn(t, message.Pain002V03, messages[1], lot, back(1, 1_000)))
	_, err := w.loadRejects(run, w.folders.Inbox, inTime())
	requireFailure(t, err, vacation.RejectsMismatch, "reject 1: order "+endToEnd(1)+" was not handed over in "+messages[1])
	for i, sound := range []string{"the bank's own", strings.ToUpper(messages[0])} {
		w := executed(t)
		if i == 1 {
			_, err := w.pool.Exec(t.Context(), `update bulk set bulk_id = $1::uuid`, messages[0])
			require.NoError(t, err)
		}
		run := w.open(t, cameBack(1_000))
		w.receive(t, "d", detailIn(t, message.Pain002V03, sound, lot, back(1, 1_000)))
		loaded, err := w.loadRejects(run, w.folders.Inbox, inTime())
		require.NoError(t, err)
		require.True(t, loaded.Found)
	}
}

func TestAnOrderThatIsToldTwice(t *testing.T) {
	t.Parallel()
	w := executed(t)
	run := w.open(t, cameBack(1_000))
	w.receive(t, "d", detailIn(t, "CFONB 240", "", lot, back(2, 500), back(2, 500)))
	_, err := w.loadRejects(run, w.folders.Inbox, inTime())
	requireFailure(t, err, vacation.RejectsMismatch, "reject 2: order "+endToEnd(2)+" is told twice")
}

// TestAReportOnABulkIsNoDetail stays where it is, for those who read reports.
func TestAReportOnABulkIsNoDetail(t *testing.T) {
	t.Parallel()
	w := executed(t)
	run := w.open(t, cameBack(1_000))
	content := bytes.Replace(detailOf(t, lot, back(1, 1_000)), []byte("LOTREJVIR19283754497002"), []byte("R1"), 1)
	path := w.receive(t, "d", content)
	loaded, err := w.loadRejects(run, w.folders.Inbox, inTime())
	require.NoError(t, err)
	require.False(t, loaded.Found)
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, content, kept)
}
