package command

import (
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
)

func newVerify(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Prove every invariant of the books; exit code 1 names the place of a breach",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			report, err := audit.Verify(cmd.Context(), pool)
			if err != nil {
				return err
			}
			if err := s.show(verified{report}); err != nil {
				return err
			}
			if !report.Clean() {
				return &EndedError{
					What: "the books do not prove: " + report.Breaches[0].String(),
					Next: "stop the vacations that touch this place, and find out who wrote to the database; nothing must go on before",
				}
			}
			return nil
		},
	}
}

// verified prints a report of the invariants.
type verified struct {
	audit.Report
}

func (d verified) writeText(t *text) {
	for _, breach := range d.Breaches {
		t.linef("%s", breach)
	}
	if d.NotListed > 0 {
		t.linef("… and %d more", d.NotListed)
	}
	checked := d.Checked
	t.rows([][]string{
		{"entries", number(checked.Entries)},
		{"accounts", number(checked.Accounts)},
		{"settlements", number(checked.Settlements)},
		{"card lines", number(checked.CardLines)},
		{"debts", number(checked.Debts)},
		{"orders", number(checked.Orders)},
		{"payouts", number(checked.Payouts)},
		{"bulks", number(checked.Bulks)},
		{"requests", number(checked.Requests)},
		{"statements", number(checked.Statements)},
		{"bank lines", number(checked.BankLines)},
		{"acts", number(checked.Acts)},
		{"correlations", number(checked.Correlations)},
		{"events", number(checked.Events)},
	})
	if d.Clean() {
		t.linef("all invariants hold")
	}
}

// MarshalJSON adds the verdict to the report.
func (d verified) MarshalJSON() ([]byte, error) {
	report := d.Report
	if report.Breaches == nil {
		report.Breaches = []audit.Breach{} // an empty list, not null
	}
	return marshal(struct {
		audit.Report

		Clean bool `json:"clean"`
	}{report, report.Clean()})
}
