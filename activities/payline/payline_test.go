package payline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/payout/payouttest"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	request "github.com/reglo/reglo/domain/payline"
)

func types(bodies []ogep.Body) []string {
	list := make([]string, len(bodies))
	for i, body := range bodies {
		list[i] = string(body.Type())
	}
	return list
}

// TestARequestOfEachKind: a movement above what there is, a transfer of a CP
// that nobody knows, and a transfer that is accepted.
func TestARequestOfEachKind(t *testing.T) {
	t.Parallel()
	poor, payer := payouttest.Manual(1, 100_00), payouttest.Manual(2, 500_00)
	poor.AccountID, payer.AccountID = "DC09255102", "DC09255105"
	w := payouttest.New(t, payouttest.Options{}, poor, payer)
	w.File(t, 1,
		w.Movement(38794, "DC09255102", "DC09255105", 250_00),
		w.Transfer(38796, "DC99999999", 200_00),
		w.Transfer(38811, "DC09255105", 150_00),
	)
	run := w.Open(t, "2026-03-17", "one")
	require.NoError(t, w.Steps(run))

	told := eventtest.Bodies(t, w.Pool)
	require.Equal(t, []string{
		"start-vacation-financiere", "create-rejected-account-transaction", "create-rejected-order",
		"validate-cashout", "create-account-transaction", "create-validated-order",
	}, types(told))

	moved := told[1].(ogep.CreateRejectedAccountTransaction)
	require.Equal(t, "TRANS 12:02:54", moved.OperationCode)
	require.Equal(t, "DC09255102", moved.AccountID)
	require.Equal(t, "AM02", moved.RejectCode)
	require.Equal(t, payouttest.EndToEndID(38794), moved.EndToEndID)
	require.Equal(t, money.Cents(250_00), moved.Transaction.Amount)
	require.Equal(t, "Transfert de fonds CP à CP", moved.Transaction.Label)

	rejected := told[2].(ogep.CreateRejectedOrder)
	require.Equal(t, "AG01", rejected.RejectCode)
	require.Equal(t, "DC99999999", rejected.AccountID)
	require.Equal(t, payouttest.EndToEndID(38796), rejected.EndToEndID)
	require.Len(t, rejected.Orders, 1)
	require.Equal(t, []string{"UNKNOWN", "CMBRFR2BARK", "Ext", "PAYOUT202603170021", "2026-03-17"}, []string{
		rejected.Orders[0].DebtorName, rejected.Orders[0].DebtorBIC, rejected.Orders[0].CreditorName,
		rejected.Orders[0].Info, rejected.Orders[0].Echeance.String(),
	})
	require.Equal(t, money.Cents(200_00), rejected.Orders[0].Amount)

	judged := told[3].(ogep.ValidateCashout)
	require.Equal(t, []any{money.Cents(150_00), ogep.Validated, "AUTO", 1},
		[]any{judged.Total, judged.Decision, judged.Validator, len(judged.Orders)})
	paid := told[4].(ogep.CreateAccountTransaction)
	require.Equal(t, []any{"DC09255105", money.Cents(-150_00)}, []any{paid.AccountID, paid.Transaction.Amount})
	accepted := told[5].(ogep.CreateValidatedOrder)
	require.Equal(t, []any{"DC09255105", payouttest.EndToEndID(38811), payer.LegalName, payer.CPIBAN},
		[]any{accepted.AccountID, accepted.EndToEndID, accepted.Orders[0].DebtorName, accepted.Orders[0].DebtorIBAN})
	require.Equal(t, judged.Orders, accepted.Orders)
	require.Equal(t, money.Cents(350_00), w.Balance(t, ledger.CP("DC09255105")))
	require.Equal(t, money.Cents(150_00), w.Balance(t, ledger.Payout(accepted.Orders[0].RefExterne)))
	w.Prove(t)

	answer, err := payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
	require.NoError(t, err)
	require.Equal(t, activities.AnswerPaylineResult{File: "Payline.000001.response.txt", Accepted: 1, Rejected: 2}, answer)
	response, err := os.ReadFile(filepath.Join(w.Folders.Outbox, answer.File))
	require.NoError(t, err)
	require.Equal(t, strings.Join([]string{
		"H;1;20260317",
		"M;" + payouttest.EndToEndID(38794) + ";DC09255102;DC09255105;25000;RJCT;AM02",
		"V;" + payouttest.EndToEndID(38796) + ";DC99999999;" + payouttest.IBAN(payouttest.OtherBank, 1_038_796) + ";20000;RJCT;AG01",
		"V;" + payouttest.EndToEndID(38811) + ";DC09255105;" + payouttest.IBAN(payouttest.OtherBank, 1_038_811) + ";15000;ACCP;",
		"T;1;2;15000", "",
	}, "\n"), string(response))
	require.Empty(t, names(t, w.Folders.Inbox), "an answered file leaves the inbox")
	require.Len(t, names(t, w.Folders.Archive), 2, "the file and its answer")

	again, err := payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
	require.NoError(t, err)
	require.Equal(t, answer, again)
}

func names(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	list := make([]string, len(entries))
	for i, entry := range entries {
		list[i] = entry.Name()
	}
	return list
}

// TestEveryRejectCode sends one line for each way of being rejected.
func TestEveryRejectCode(t *testing.T) {
	t.Parallel()
	closed, blocked, nobody := payouttest.Manual(3, 50_00), payouttest.Manual(4, 50_00), payouttest.Manual(5, 50_00)
	closed.Status, blocked.Status = merchant.StatusClosed, merchant.StatusBlocked
	nobody.PayoutMode, nobody.CPToCPAllowed = merchant.PayoutNone, false
	w := payouttest.New(t, payouttest.Options{Chunk: 3},
		payouttest.Manual(1, 1000_00), payouttest.Manual(2, 0), closed, blocked, nobody)

	var lines []request.Line
	var want []string
	add := func(code request.Code, line request.Line, change func(*request.Line)) {
		if change != nil {
			change(&line)
		}
		lines, want = append(lines, line), append(want, string(code))
	}
	id := 0
	move := func(from, to int, amount money.Cents) request.Line {
		id++
		return w.Movement(id, payouttest.ID(from), payouttest.ID(to), amount)
	}
	pay := func(from int, amount money.Cents) request.Line {
		id++
		return w.Transfer(id, payouttest.ID(from), amount)
	}
	add("", move(1, 2, 300_00), nil)
	add("", move(2, 1, 300_00), func(line *request.Line) { line.Label = "" }) // out of what it was just credited
	add("AM02", move(2, 1, 1), nil)
	add("AG01", move(9, 1, 1), nil)
	add("AG01", move(1, 9, 1), nil)
	add("AC04", move(1, 3, 1), nil)
	add("AC06", move(4, 1, 1), nil)
	add("", move(1, 4, 1), nil) // a blocked CP still receives
	add("AG03", move(1, 5, 1), nil)
	add("AM01", move(1, 2, 0), nil)
	add("AM03", move(1, 2, 1), func(line *request.Line) { line.Currency = "USD" })
	add("AM05", move(1, 2, 1), func(line *request.Line) { line.EndToEndID = payouttest.EndToEndID(1) })
	add("FF08", move(1, 2, 1), func(line *request.Line) { line.EndToEndID = "26031700000000" })
	add("FF01", move(1, 2, 1), func(line *request.Line) { line.DebtorCP = "nobody" })
	add("CH04", move(1, 2, 1), func(line *request.Line) { line.ExecDate = w.Date.AddDays(-1) })
	add("CH03", move(1, 2, 1), func(line *request.Line) { line.ExecDate = w.Date.AddDays(31) })
	add("", pay(1, 600_00), nil)
	add("AM04", pay(1, 400_00), nil) // 999.99 less 600.00
	add("", pay(1, 399_99), func(line *request.Line) { line.ExecDate = w.Date.AddDays(4) })
	add("AG01", pay(9, 1), nil)
	add("AC04", pay(3, 1), nil)
	add("AC06", pay(4, 1), nil)
	add("AG03", pay(5, 1), nil)
	add("AC01", pay(1, 1), func(line *request.Line) { line.CreditorIBAN = "FR7700000000000000000000000" })
	add("AC01", pay(1, 1), func(line *request.Line) { line.DebtorIBAN = payouttest.IBAN(payouttest.OwnBank, 2) })
	add("RR03", pay(1, 1), func(line *request.Line) { line.CreditorName = "" })
	add("AM05", pay(1, 1), func(line *request.Line) { line.EndToEndID = payouttest.EndToEndID(2) })

	w.File(t, 7, lines...)
	run := w.Open(t, "2026-03-17", "one")
	loaded, err := w.Load(run)
	require.NoError(t, err)
	require.Equal(t, []any{true, 16, 11, ""}, []any{loaded.Found, loaded.Movements, loaded.Transfers, loaded.Refused})
	require.NoError(t, w.Until(activities.MovePaylineName, run))
	moves, err := payouttest.Do[activities.PaylineResult](w, activities.MovePaylineName, run)
	require.NoError(t, err)
	require.Equal(t, activities.PaylineResult{Accepted: 3, AcceptedSum: 600_01, Rejected: 13, Done: true}, moves)
	require.NoError(t, w.Until(activities.ControlPaylineName, run))
	orders, err := payouttest.Do[activities.PaylineResult](w, activities.ControlPaylineName, run)
	require.NoError(t, err)
	require.Equal(t, activities.PaylineResult{Accepted: 2, AcceptedSum: 999_99, Rejected: 9, Done: true}, orders)
	require.Equal(t, "2026-03-23", text(t, w, `select max(due_date)::text from payout`), "a Saturday rolls forward")

	_, err = payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
	require.ErrorContains(t, err, "2 lines have no outcome yet")
	require.NoError(t, w.Steps(run))
	rows, err := w.Pool.Query(t.Context(), `select outcome, reject_code from payline_line order by line`)
	require.NoError(t, err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var outcome, code string
		require.NoError(t, rows.Scan(&outcome, &code))
		require.Equal(t, code == "", outcome == "ACCP")
		got = append(got, code)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, want, got)
	require.Zero(t, w.Balance(t, ledger.CP(payouttest.ID(1))))

	counts := map[string]int{}
	for _, name := range types(eventtest.Bodies(t, w.Pool)) {
		counts[name]++
	}
	require.Equal(t, 13, counts["create-rejected-account-transaction"])
	require.Equal(t, 9, counts["create-rejected-order"])
	require.Equal(t, 2, counts["create-validated-order"])
	require.Equal(t, 8, counts["create-account-transaction"], "two a movement, one an order")
	w.Prove(t)
}

func text(t testing.TB, w *payouttest.World, query string) string {
	t.Helper()
	var value string
	require.NoError(t, w.Pool.QueryRow(t.Context(), query).Scan(&value))
	return value
}

// TestAFileRefusedAsAWhole: nothing of it is processed; the automatic payouts go on.
// TestTransfersOfALateSessionFallDueToday: what was asked for a day that has
// passed by now is paid today, and what was asked for a later day on that one.
func TestTransfersOfALateSessionFallDueToday(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Manual(1, 300_00))
	w.Date = w.Date.AddDays(-4) // Friday before
	passed, later := w.Transfer(1, payouttest.ID(1), 10_00), w.Transfer(2, payouttest.ID(1), 20_00)
	later.ExecDate = w.Date.AddDays(5)
	w.File(t, 7, passed, later)
	run := w.Open(t, w.Date.String(), "one")
	_, err := w.Load(run)
	require.NoError(t, err)
	require.NoError(t, w.Until(activities.MovePaylineName, run))
	require.NoError(t, w.Until(activities.ControlPaylineName, run))
	require.Equal(t, "1000 2026-03-17, 2000 2026-03-18",
		text(t, w, `select string_agg(amount_cents || ' ' || due_date, ', ' order by amount_cents) from payout`))
}

func TestAFileRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Active(1, 1000_00))
	path := w.File(t, 1, w.Transfer(1, payouttest.ID(1), 10_00))
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for content, code := range map[string]string{
		strings.Replace(string(good), "T;0;1;1000", "T;0;1;1001", 1):  "AM10",
		strings.Replace(string(good), "T;0;1;1000", "T;0;2;1000", 1):  "AM18",
		strings.Replace(string(good), "H;1;20260317", "H;x;today", 1): "FF01",
		strings.TrimSuffix(string(good), "T;0;1;1000\n"):              "FF01",
		"": "FF01",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		run := w.Open(t, "2026-03-17", code+content)
		loaded, err := w.Load(run)
		require.NoError(t, err)
		require.Equal(t, code, loaded.Refused, content)
		require.NotEmpty(t, loaded.Message)
		again, err := w.Load(run)
		require.NoError(t, err)
		require.Equal(t, loaded, again)
		answer, err := payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
		require.NoError(t, err)
		response, err := os.ReadFile(filepath.Join(w.Folders.Outbox, answer.File))
		require.NoError(t, err)
		require.Contains(t, string(response), "F;RJCT;"+code+"\n")
		require.Empty(t, names(t, w.Folders.Inbox))
		w.Fail(t, run)
	}
	require.Zero(t, w.Number(t, `select count(*) from payline_line`))

	// Corrected, the number is free still; the run that follows takes it.
	require.NoError(t, os.WriteFile(path, good, 0o600))
	run := w.Open(t, "2026-03-17", "corrected")
	require.NoError(t, w.Steps(run))
	require.Equal(t, int64(2), w.Number(t, `select count(*) from payout where state = 'PREPARED'`))
	require.Zero(t, w.Balance(t, ledger.CP(payouttest.ID(1))))
	w.Prove(t)
}

// TestAFileOutOfItsTurn: sent again, numbered again, or after a gap.
func TestAFileOutOfItsTurn(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Manual(1, 1000_00))
	path := w.File(t, 5, w.Transfer(1, payouttest.ID(1), 10_00))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	run := w.Open(t, "2026-03-17", "one")
	require.NoError(t, w.Steps(run))
	accepted, err := payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
	require.NoError(t, err)
	response, err := os.ReadFile(filepath.Join(w.Folders.Outbox, accepted.File))
	require.NoError(t, err)
	w.Fail(t, run)

	try := func(key string) activities.LoadPaylineResult {
		run := w.Open(t, key, key)
		loaded, err := w.Load(run)
		require.NoError(t, err)
		_, err = payouttest.Do[activities.AnswerPaylineResult](w, activities.AnswerPaylineName, run)
		require.NoError(t, err)
		w.Fail(t, run)
		return loaded
	}
	require.NoError(t, os.WriteFile(path, first, 0o600))
	same := try("2026-03-18")
	require.Equal(t, "AM05", same.Refused)
	require.Contains(t, same.Message, "content of file 5")

	w.File(t, 5, w.Transfer(2, payouttest.ID(1), 10_00))
	numbered := try("2026-03-19")
	require.Equal(t, "AM05", numbered.Refused)
	require.Contains(t, numbered.Message, "number 5")

	w.File(t, 7, w.Transfer(3, payouttest.ID(1), 10_00))
	gap := try("2026-03-20")
	require.Equal(t, "FF01", gap.Refused)
	require.Contains(t, gap.Message, "the next one is 6")

	// The lowest number goes first; an identifier of another file is seen.
	w.File(t, 7, w.Transfer(3, payouttest.ID(1), 10_00))
	w.File(t, 6, w.Transfer(1, payouttest.ID(1), 10_00))
	run = w.Open(t, "2026-03-23", "last")
	require.NoError(t, w.Steps(run))
	require.Equal(t, "AM05", text(t, w, `select reject_code from payline_line where seen`))
	require.Equal(t, []string{"Payline.000006.txt", "Payline.000007.txt"}, names(t, w.Folders.Inbox))

	still, err := os.ReadFile(filepath.Join(w.Folders.Outbox, accepted.File))
	require.NoError(t, err)
	require.Equal(t, response, still, "a refusal writes over no response")
	w.Prove(t)
}

func TestAFileThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Manual(1, 1000_00))
	path := w.File(t, 1, w.Transfer(1, payouttest.ID(1), 10_00))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-5], 0o600))
	require.NoError(t, os.Chtimes(path, payouttest.Start(), payouttest.Start()))
	run := w.Open(t, "2026-03-17", "one")
	load := func(cutOff time.Time) (activities.LoadPaylineResult, error) {
		return payouttest.Do[activities.LoadPaylineResult](w, activities.LoadPaylineName, activities.LoadPaylineRequest{
			Run: run, Path: path, BusinessDate: w.Date, CutOff: cutOff,
		})
	}
	_, err = load(payouttest.Start().Add(time.Hour))
	require.ErrorContains(t, err, "is being written")
	late, err := load(payouttest.Start())
	require.NoError(t, err)
	require.Equal(t, "FF01", late.Refused)

	none, err := payouttest.Do[activities.LoadPaylineResult](w, activities.LoadPaylineName, activities.LoadPaylineRequest{
		Run: run, Path: filepath.Join(w.Folders.Inbox, "none"), BusinessDate: w.Date,
	})
	require.NoError(t, err)
	require.False(t, none.Found)
}

// TestPaylineTwiceAtOnce: two workers take the file in, move and control beside each other.
func TestPaylineTwiceAtOnce(t *testing.T) {
	t.Parallel()
	build := func() (*payouttest.World, activities.Run) {
		w := payouttest.New(t, payouttest.Options{Chunk: 2, Slice: -time.Second},
			payouttest.Manual(1, 100_00), payouttest.Active(2, 50_00), payouttest.Manual(3, 0))
		lines := make([]request.Line, 0, 24)
		for i := range 12 {
			lines = append(lines,
				w.Movement(100+i, payouttest.ID(1+i%3), payouttest.ID(1+(i+1)%3), money.Cents(7_00*(1+i%4))),
				w.Transfer(200+i, payouttest.ID(1+i%3), money.Cents(9_00*(1+i%3))))
		}
		w.File(t, 1, lines...)
		run := w.Open(t, "2026-03-17", "one")
		return w, run
	}
	once, run := build()
	require.NoError(t, once.Steps(run))
	want := once.Facts(t)
	require.NoError(t, once.Steps(run), "again")
	require.Equal(t, want, once.Facts(t))
	once.Prove(t)

	twice, run := build()
	var both sync.WaitGroup
	failures := make([]error, 2)
	for i, worker := range []*payouttest.World{twice, twice.Beside()} {
		both.Go(func() { failures[i] = worker.Steps(run) })
	}
	both.Wait()
	require.NoError(t, errors.Join(failures...))
	require.Equal(t, want, twice.Facts(t))
	twice.Prove(t)
}
