package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// technique runs a phase of technique to its end.
func (s *stage) technique(t *testing.T, phase workflows.Phase) (vacation.TechniqueTotals, error) {
	t.Helper()
	env := s.environment(t)
	request := workflows.TechniqueRequest{
		BusinessDate: businessDate(t), Phase: phase, Inbox: s.folders.Inbox, CutOff: time.Now().Add(time.Hour), RequestedBy: "alice",
	}
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: string(vacation.Technique) + "/" + request.SessionKey()})
	env.ExecuteWorkflow(string(vacation.Technique), request)
	require.True(t, env.IsWorkflowCompleted())
	var totals vacation.TechniqueTotals
	if err := env.GetWorkflowError(); err != nil {
		return totals, err
	}
	require.NoError(t, env.GetWorkflowResult(&totals))
	return totals, nil
}

// stateAccount puts an account's statement into the inbox and returns its closing balance.
func (s *stage) stateAccount(
	t *testing.T, account ledger.Code, number int, opening money.Cents, movements ...ogep.BankTransaction,
) money.Cents {
	t.Helper()
	stated := message.Statement{
		ID: fmt.Sprintf("%s-%d", account, number), IBAN: bank().IBANs()[account], Number: number,
		Opening: message.Balance{Amount: opening, Date: businessDate(t)}, Closing: message.Balance{Amount: opening, Date: businessDate(t)},
	}
	for _, movement := range movements {
		stated.Closing.Amount += movement.Amount
		stated.Entries = append(stated.Entries, message.Entry{
			ID: movement.ID, Label: movement.Label, Amount: movement.Amount,
			BookedOn: calendar.DateOf(movement.BookedAt), ValueOn: calendar.DateOf(movement.ValueAt),
		})
	}
	file, err := os.Create(filepath.Join(s.folders.Inbox, stated.ID+".xml"))
	require.NoError(t, err)
	require.NoError(t, message.WriteCamt053(file, message.Envelope{
		Definition: message.Camt053V08, ID: stated.ID, CreatedAt: businessDate(t).Midnight(),
	}, stated))
	require.NoError(t, file.Close())
	return stated.Closing.Amount
}

// TestTechniqueOpensAndClosesADay takes the day's files in, has the règlement of
// the bank's line settled, sees the own transfers that follow from it on the next
// statements, and proves that the books are the bank's.
func TestTechniqueOpensAndClosesADay(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newEmptyStage(t)
	s.fund(t)
	const own = money.Cents(100_000_00)
	settled := s.bring(t, day).Transaction
	snapshot, err := os.Create(filepath.Join(s.folders.Inbox, "Merchants.000001.csv"))
	require.NoError(t, err)
	require.NoError(t, day.WriteMerchants(snapshot))
	require.NoError(t, snapshot.Close())
	at := businessDate(t).Midnight()
	line := func(id, text string, amount money.Cents) ogep.BankTransaction {
		return ogep.BankTransaction{ID: id, Label: text, Amount: amount, BookedAt: at, TransactionAt: at, ValueAt: at}
	}
	reglement := s.stateAccount(t, ledger.Reglement, 1, 0, ogep.BankTransaction{
		ID: "settled", Label: settled.Label, Amount: settled.Amount,
		BookedAt: settled.BookedAt, TransactionAt: settled.TransactionAt, ValueAt: settled.ValueAt,
	})
	s.stateAccount(t, ledger.Cantonnement, 1, 0)
	s.stateAccount(t, ledger.Fonctionnement, 1, own)

	opened, err := s.technique(t, workflows.PhaseOpen)
	require.NoError(t, err)
	require.Equal(t, 1, opened.Snapshot)
	require.Equal(t, []int{3, 1, 0, 1, 0}, []int{opened.Statements, opened.Lines, opened.UnknownLines, opened.Reglements, opened.Failed})
	require.EqualValues(t, 1, s.number(t, `select count(*) from bank_line where batch is not null`))

	rows, err := s.pool.Query(t.Context(), `
		select b.name, d.code, o.amount_cents from transfer_order o join bulk b on b.number = o.bulk join account d on d.id = o.debtor`)
	require.NoError(t, err)
	var onReglement, onFonctionnement []ogep.BankTransaction
	for rows.Next() {
		var bulk, debtor string
		var amount money.Cents
		require.NoError(t, rows.Scan(&bulk, &debtor, &amount))
		if ledger.Code(debtor) == ledger.Reglement {
			amount = -amount
		}
		onReglement = append(onReglement, line("R"+bulk, "VIR INTERNE "+bulk, amount))
		onFonctionnement = append(onFonctionnement, line("F"+bulk, "VIR INTERNE "+bulk, -amount))
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, onReglement, "the commission is isolated")
	s.stateAccount(t, ledger.Reglement, 2, reglement, onReglement...)
	s.stateAccount(t, ledger.Cantonnement, 2, 0)
	s.stateAccount(t, ledger.Fonctionnement, 2, own, append(onFonctionnement, line("stray", "VIR DE QUELQU'UN", 7))...)

	closed, err := s.technique(t, workflows.PhaseClose)
	require.NoError(t, err)
	require.Equal(t, []int{3, 1, len(onReglement), 0}, []int{closed.Statements, closed.UnknownLines, closed.Transfers, closed.UnknownBulks})
	require.GreaterOrEqual(t, closed.Surplus, money.Cents(0))
	require.EqualValues(t, 1, s.number(t, `select count(*) from safeguarding`))
	require.EqualValues(t, 3, s.number(t, `select count(*) from event where type = 'get-account-balance'
		and vacation = (select max(number) from vacation)`))
	verify(t, s)

	again, err := s.technique(t, workflows.PhaseClose)
	require.NoError(t, err)
	again.Events = closed.Events // counted when the run ends, after its totals are kept
	require.Equal(t, closed, again, "it ended: the session returns what it returned")
}
