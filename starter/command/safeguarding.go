package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/safeguarding"
)

func newSafeguarding(s *session) *cobra.Command {
	var day string
	var table bool
	cmd := &cobra.Command{
		Use:   "safeguarding --date DATE",
		Short: "Show the safeguarding statement of a day: what clients are owed, and where it is held",
		Long: `Show the safeguarding statement that the closing of a day left: what clients are
owed, and where it is held. Amounts are in euros, in JSON and in CSV too.`,
		Example: "  starter safeguarding --date 2026-11-23 --csv > 2026-11-23.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case day == "":
				return &InputError{What: "--date is missing", Next: "`starter days` lists the days"}
			case table && s.json:
				return &InputError{What: "--csv and --json", Next: "choose one"}
			}
			date, err := calendar.ParseDate(day)
			if err != nil {
				return err
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			statement, err := audit.Safeguarding(cmd.Context(), pool, date)
			if err != nil {
				return err
			}
			if table {
				s.shown = true
				return statement.WriteCSV(s.out)
			}
			return s.show(safeguardingDocument{statement})
		},
	}
	cmd.Flags().StringVar(&day, "date", "", "business date, yyyy-MM-dd")
	cmd.Flags().BoolVar(&table, "csv", false, "write comma-separated values")
	return cmd
}

// safeguardingDocument prints a statement.
type safeguardingDocument struct {
	safeguarding.Statement
}

func (d safeguardingDocument) writeText(t *text) {
	var table strings.Builder
	if err := d.WriteTable(&table); err != nil && t.err == nil {
		t.err = fmt.Errorf("write the statement: %w", err)
	}
	t.write(table.String())
}
