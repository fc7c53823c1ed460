package command

import (
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/postgres"
)

func newMigrate(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.settings(cmd)
			if err != nil {
				return err
			}
			// A server that does not answer is told from a migration that fails.
			if _, err := s.open(cmd.Context(), settings); err != nil {
				return err
			}
			if err := postgres.Migrate(cmd.Context(), settings.Database.URL.Reveal(), s.progressLog()); err != nil {
				return err
			}
			return s.show(migrated{Database: databaseAddress(settings), UpToDate: true})
		},
	}
}

// migrated is a database at the version of this program.
type migrated struct {
	Database string `json:"database"`
	UpToDate bool   `json:"upToDate"`
}

func (d migrated) writeText(t *text) { t.linef("%s is up to date", d.Database) }
