package bank_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// trial is a bank that is driven at random, and killed at random.
type trial struct {
	*world

	rt      *rapid.T
	formats bank.Formats
	date    calendar.Date
	written map[string]money.Cents // bulks by name, with what they move
	told    map[string]bank.Movement
}

// drawFormats draws what the bank writes.
func drawFormats(rt *rapid.T) bank.Formats {
	formats := bank.Formats{
		Statement: rapid.SampledFrom(bank.StatementFormats()).Draw(rt, "statements"),
		Rejects:   rapid.SampledFrom(bank.RejectsFormats()).Draw(rt, "rejects"),
		Report:    rapid.Bool().Draw(rt, "reports"),
	}
	formats.OneFile = rapid.Bool().Draw(rt, "one file")

	if formats.Rejects == bank.RejectsCamt053 && !strings.HasPrefix(string(formats.Statement), "camt.") {
		formats.Rejects = bank.RejectsPain002
	}

	return formats
}

// TestTheBankKeepsItsBooks drives a bank through orders, movements, faults and sudden deaths. Whatever happens, and in
// whatever formats, the statements lead from the opening to the balances, each bulk is executed once, but for the payouts
// that a report said it would leave out, and a lot is what its detail says.
func TestTheBankKeepsItsBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		formats := drawFormats(rt)
		try := &trial{
			world: newWorld(rt, t.TempDir(), bank.WithFormats(formats)), rt: rt, formats: formats, date: day(rt, today),
			written: map[string]money.Cents{}, told: map[string]bank.Movement{},
		}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			try.step()
		}

		try.finish()
		require.NoError(rt, try.bank.Close())
	})
}

func (w *trial) step() {
	if rapid.IntRange(0, 2).Draw(w.rt, "mortal") == 0 {
		w.bank.KillAt(rapid.IntRange(1, 4).Draw(w.rt, "writes"))
	}

	w.bank.SetFaults(bank.Faults{
		RejectShare:        rapid.SampledFrom([]int{0, 300, 1000}).Draw(w.rt, "rejects"),
		RejectBeforeShare:  rapid.SampledFrom([]int{0, 300, 1000}).Draw(w.rt, "rejects before"),
		RefuseBulks:        w.someBulks("refused"),
		SilentBulks:        w.someBulks("silent"),
		LateCredits:        rapid.Bool().Draw(w.rt, "late credits"),
		LateStatements:     w.someAccounts("late"),
		LostStatements:     w.someAccounts("lost"),
		RepeatedStatements: w.someAccounts("repeated"),
		LateDetails:        rapid.Bool().Draw(w.rt, "late details"),
		PartialDetails:     rapid.Bool().Draw(w.rt, "partial details"),
	})

	var err error

	switch rapid.SampledFrom([]string{"bulk", "copy", "movement", "take", "take", "close", "close", "release", "next day"}).Draw(w.rt, "step") {
	case "bulk":
		w.newBulk()
	case "copy":
		if names := slices.Sorted(maps.Keys(w.written)); len(names) > 0 {
			name := rapid.SampledFrom(names).Draw(w.rt, "of")
			w.write(name, reglement, w.date, payment{"P" + name, merchant, w.written[name].Abs()})
		}
	case "movement":
		err = w.newMovement()
	case "take":
		if _, err = w.bank.Take(w.outbox, w.date); err == nil {
			_, err = w.bank.DeliverReports(w.inbox)
		}
	case "close":
		_, err = w.bank.CloseDay(w.date, w.inbox)
	case "release":
		err = w.bank.Release()
	case "next day":
		w.date = calendar.Add(calendar.Target{}, w.date, 1)
	}

	if err != nil {
		require.ErrorIs(w.rt, err, bank.ErrKilled)
	}

	w.again()
	w.receive()
}

func (w *trial) someBulks(name string) []string {
	if len(w.written) == 0 {
		return nil
	}

	return rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(w.written))), 0, 1).Draw(w.rt, name)
}

func (w *trial) someAccounts(name string) []ledger.Code {
	return rapid.SliceOfN(rapid.SampledFrom(bank.Accounts()), 0, 1).Draw(w.rt, name)
}

// newBulk hands over payouts, or a transfer from fonctionnement to règlement.
func (w *trial) newBulk() {
	due := calendar.RollForward(calendar.Target{}, w.date.AddDays(rapid.IntRange(-1, 2).Draw(w.rt, "due")))
	amount := money.Cents(rapid.IntRange(1, 1000).Draw(w.rt, "amount"))

	if rapid.Bool().Draw(w.rt, "own") {
		name := fmt.Sprintf("MONEXTINT20260317%04d", len(w.written)+1)
		w.write(name, fonctionnement, due, payment{"I" + name, reglement, amount})
		w.written[name] = amount

		return
	}

	name := fmt.Sprintf("MONEXTEUR20260317%03d", len(w.written)+1)
	payer := rapid.SampledFrom([]string{reglement, virtual}).Draw(w.rt, "payer")
	w.write(name, payer, due, payment{"A" + name, merchant, amount}, payment{"B" + name, other, 1})
	w.written[name] = -amount - 1
}

func (w *trial) newMovement() error {
	moved := bank.Movement{
		Key: fmt.Sprintf("key-%d", rapid.IntRange(1, 5).Draw(w.rt, "key")), Account: ledger.Fonctionnement, Label: "FRAIS", Amount: -5,
	}
	_, err := w.bank.Book(w.date, moved)
	w.told[moved.Key] = moved

	if err != nil { // killed: whoever told it tells it again
		w.again()
		_, err = w.bank.Book(w.date, moved)
	}

	return err
}

// finish lets the bank end its work, and holds what it said against its books.
func (w *trial) finish() {
	w.bank.SetFaults(bank.Faults{})
	w.date = calendar.Add(calendar.Target{}, w.date, 4)

	_, err := w.bank.Take(w.outbox, w.date)
	require.NoError(w.rt, err)

	for name := range w.written {
		_ = w.bank.Speak(name, w.date) // refused where the bank is not silent
	}

	for range 2 { // the second one has the lots
		require.NoError(w.rt, w.bank.Release())
		_, err = w.bank.CloseDay(w.date, w.inbox)
		require.NoError(w.rt, err)
		w.receive()
	}

	found := map[string][]statedLine{}

	for code, account := range opening() {
		balance := account.Balance

		for sequence := 1; sequence <= len(w.statements[code]); sequence++ {
			next, delivered := w.statements[code][sequence]
			require.True(w.rt, delivered, "statement %d of %s is missing", sequence, code)
			require.Equal(w.rt, balance, next.opening)

			for _, line := range next.lines {
				balance += line.amount
				found[line.label] = append(found[line.label], line)
			}

			require.Equal(w.rt, balance, next.closing)
		}

		require.Equal(w.rt, w.bank.Balance(code), balance, "%s", code)
	}

	w.requireOnce(found)
	w.requireLots(found)
}

// requireOnce holds the lines against what the bank was asked to do. A bulk that was refused first may have been
// executed when it came again.
func (w *trial) requireOnce(found map[string][]statedLine) {
	ids := map[string]bool{}

	for _, lines := range found {
		for _, line := range lines {
			require.False(w.rt, ids[line.id], "an identifier is of one line")
			ids[line.id] = true
		}
	}

	require.Len(w.rt, found["FRAIS"], len(w.told))

	for name, amount := range w.written {
		refused := len(found["REM VIR "+name])+len(found["VIR INTERNE "+name]) == 0
		w.requireReported(name, !refused)

		if refused {
			files, err := filepath.Glob(filepath.Join(w.outbox, bank.RefusedFolder, name+".*"))
			require.NoError(w.rt, err)
			require.NotEmpty(w.rt, files, "%s was neither executed nor refused", name)

			continue
		}

		lines := found["REM VIR "+name]
		if amount > 0 && len(lines) == 0 {
			lines = found["VIR INTERNE "+name]
			require.Len(w.rt, lines, 2)
			require.Zero(w.rt, lines[0].amount+lines[1].amount)

			continue
		}

		require.Len(w.rt, lines, 1, "%s", name)
		require.Equal(w.rt, w.leftOut(name)-amount.Abs(), lines[0].amount)
	}
}

// requireReported wants one report that a bulk was accepted, in whole or in part, if it was, and none otherwise.
func (w *trial) requireReported(name string, executed bool) {
	accepted := map[string]bool{} // by identifier: one may be delivered twice

	for _, told := range w.reports[name] {
		if told.status != "RJCT" {
			accepted[told.id] = true
		}
	}

	if executed && w.formats.Report {
		require.Len(w.rt, accepted, 1, "%s", name)
	} else {
		require.Empty(w.rt, accepted, "%s", name)
	}
}

// leftOut is what the reports on a bulk say is not executed of it, the rest being so.
func (w *trial) leftOut(name string) money.Cents {
	left := map[string]money.Cents{} // by report: one may be delivered twice

	for _, told := range w.reports[name] {
		if told.status == "PART" {
			left[told.id] = told.sum()
		}
	}

	require.LessOrEqual(w.rt, len(left), 1, "%s is executed once", name)

	var sum money.Cents
	for _, amount := range left {
		sum = amount
	}

	return sum
}

func (w *trial) requireLots(found map[string][]statedLine) {
	lots := 0

	for label, lines := range found {
		number, is := strings.CutPrefix(label, "LOT REJ VIR ")
		if !is {
			continue
		}

		lots++

		require.Len(w.rt, lines, 1)

		var sum money.Cents
		for _, reject := range w.details["REJ"+strings.ReplaceAll(number, " ", "-")] {
			sum += reject.Amount
		}

		require.Equal(w.rt, lines[0].amount, sum, "a lot is what its detail says")
	}

	require.Len(w.rt, w.details, lots)
}
