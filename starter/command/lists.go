package command

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/calendar"
)

func newBalance(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "balance [ACCOUNT…]",
		Short: "Show where accounts stand; without any, the EP's own and the totals by class",
		Long: `Show where accounts stand. A code without its class, such as 1A17660007, is a
payment account's. Without codes: the EP's own accounts and the totals by class.
A balance has its account's natural sign: debit less credit for what stands at
the bank and for debts, credit less debit for all others.`,
		Example: "  starter balance BK.REG CP.1A17660007",
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			sheet, err := audit.Balances(cmd.Context(), pool, args)
			if err != nil {
				return err
			}
			return s.show(balanceSheet{sheet})
		},
	}
}

// balanceSheet prints balances.
type balanceSheet struct {
	audit.BalanceSheet
}

func (d balanceSheet) writeText(t *text) {
	t.rows(balanceRows(d.Accounts))
	if len(d.Classes) == 0 {
		return
	}
	t.linef("")
	rows := make([][]string, 0, len(d.Classes))
	for _, class := range d.Classes {
		rows = append(rows, []string{"all " + string(class.Class), euros(class.Balance), count(class.Accounts, "account")})
	}
	t.rows(rows)
}

func balanceRows(balances []audit.Balance) [][]string {
	rows := make([][]string, 0, len(balances))
	for _, balance := range balances {
		rows = append(rows, []string{string(balance.Account), euros(balance.Balance)})
	}
	return rows
}

func newDebts(s *session) *cobra.Command {
	cmd := newList(s, "debts", "List the open debts (créances), the oldest first, or write one off",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			list, err := audit.Debts(cmd.Context(), pool)
			return debtList{list}, err
		})
	cmd.AddCommand(newDebtsWriteOff(s))
	return cmd
}

// debtList prints open debts.
type debtList struct {
	audit.DebtList
}

func (d debtList) writeText(t *text) {
	t.rows(debtRows(d.Debts))
	t.linef("%s: %s left of %s", count(len(d.Debts), "open debt"), euros(d.Remaining), euros(d.Initial))
}

func debtRows(debts []audit.Debt) [][]string {
	rows := make([][]string, 0, len(debts))
	for i := range debts {
		debt := &debts[i]
		rows = append(rows, []string{
			"SIRET " + debt.Siret, euros(debt.Remaining), "of " + euros(debt.Initial), "since " + instant(debt.CreatedAt),
		})
	}
	return rows
}

func newParked(s *session) *cobra.Command {
	cmd := newList(s, "parked",
		"List the card lines that wait for an operator, their payment account unknown or closed, or assign one",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			list, err := audit.Parked(cmd.Context(), pool)
			return parkedList{list}, err
		})
	cmd.AddCommand(newParkedAssign(s))
	return cmd
}

// parkedList prints parked lines.
type parkedList struct {
	audit.ParkedList
}

func (d parkedList) writeText(t *text) {
	t.rows(parkedRows(d.Lines))
	if more := d.Total - int64(len(d.Lines)); more > 0 {
		t.linef("… and %d more", more)
	}
	t.linef("%s: %s, commission %s", count(d.Total, "parked line"), euros(d.Gross), euros(d.Commission))
}

func parkedRows(lines []audit.ParkedLine) [][]string {
	rows := make([][]string, 0, len(lines))
	for i := range lines {
		line := &lines[i]
		rows = append(rows, []string{
			line.Reference, fmt.Sprintf("line %d", line.Line), line.CreID, line.AccountID, "SIRET " + line.Siret,
			line.Type, euros(line.Gross), line.Reason,
		})
	}
	return rows
}

// instant is how a person reads a time: the clock of Paris, to the second.
func instant(at time.Time) string {
	return at.In(calendar.Paris()).Format("2006-01-02 15:04:05 MST")
}
