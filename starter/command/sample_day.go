package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
)

// newSampleDay makes up everything that comes in on a whole day.
func newSampleDay(s *session) *cobra.Command {
	options := sample.JourneeOptions{}
	var date, after, fourEyes string
	cmd := &cobra.Command{
		Use:   "day FOLDER",
		Short: "Make up everything that comes in on a whole day",
		Long: `Make up everything that comes in on a whole day, in three folders of FOLDER:

  inbox/  what stands in the inbox before the day begins: merchants, two CRE
          files of sales and one of unpaids, a Payline file
  late/   what comes while the day waits for it: a third CRE file of sales, and
          the merchants again, with payment accounts that were unknown before
  bank/   what a stand-in for the bank is told: ` + sample.MovementsFile + ` (the
          settlements, and a line that no grammar explains) and ` + sample.RejectIBANsFile + `
          (creditors whose payouts come back)

The same options make the same bytes on any machine.`,
		Example: "  starter sample day day1 --number 1 --snapshot 1\n  starter sample day day2 --number 2 --snapshot 3 --date 2026-03-18",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if options.Date, err = s.journeeDate(date, after); err != nil {
				return err
			}
			if options.FourEyes, err = money.Parse(fourEyes); err != nil {
				return err
			}
			journee, err := sample.NewJournee(options)
			if err != nil {
				return &InputError{What: err.Error(), Next: helpOf(cmd)}
			}
			made, err := writeJournee(args[0], journee)
			if err != nil {
				return err
			}
			return s.show(made)
		},
	}
	set := cmd.Flags()
	set.StringVar(&date, "date", "", "the business day, yyyy-MM-dd (default: today, or the next TARGET day)")
	set.StringVar(&after, "after", "", "another day, yyyy-MM-dd: take the first TARGET day after it")
	set.Uint64Var(&options.Seed, "seed", 1, "other seed, other merchants and lines")
	set.IntVar(&options.Lines, "lines", 20_000, "card transactions in all files together")
	set.IntVar(&options.Merchants, "merchants", 200, "payment accounts")
	set.IntVar(&options.Number, "number", 1, "of the day: numbers its settlements and its Payline file")
	set.IntVar(&options.Snapshot, "snapshot", 1, "sequence of the merchants that the day begins with")
	set.StringVar(&fourEyes, "four-eyes", "20000.00", "amount above which a payout needs an approval, in euros")
	return cmd
}

// journeeDate is the day that is asked for, else the first business day after another one, else today's.
func (s *session) journeeDate(date, after string) (calendar.Date, error) {
	switch {
	case date != "" && after != "":
		return calendar.Date{}, &InputError{What: "--date and --after are both given", Next: "give one of them"}
	case date != "":
		return calendar.ParseDate(date)
	case after != "":
		other, err := calendar.ParseDate(after)
		return calendar.Add(calendar.Target{}, other, 1), err
	default:
		return calendar.BusinessDate(calendar.Target{}, s.now()), nil
	}
}

func writeJournee(folder string, journee *sample.Journee) (madeJournee, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return madeJournee{}, &InputError{What: "the folder " + folder, Next: "give an absolute path", Err: err}
	}
	made := madeJournee{JourneeSummary: journee.Summary(), Folder: folder}
	for _, file := range journee.Files() {
		const readableByAll = 0o755 // the worker may run as another user
		place := filepath.Join(folder, string(file.Place))
		if err := os.MkdirAll(place, readableByAll); err != nil {
			return madeJournee{}, fmt.Errorf("make the folder: %w", err)
		}
		path := filepath.Join(place, file.Name)
		if err := writeWhole(path, file.Write); err != nil {
			return madeJournee{}, err
		}
		made.Files = append(made.Files, path)
	}
	return made, nil
}

// madeJournee says what was made up, and where it is.
type madeJournee struct {
	sample.JourneeSummary

	Folder string   `json:"folder"`
	Files  []string `json:"files"`
}

func (d madeJournee) writeText(t *text) {
	t.linef("%s: %s, in %s", d.Date, count(d.Merchants, "merchant"), d.Folder)
	rows := make([][]string, 0, len(d.Settlements)+1)
	for _, file := range d.Settlements {
		when := "in the morning"
		if file.Late {
			when = "late"
		}
		rows = append(rows, []string{
			file.Reference, string(file.Kind), count(file.Lines, "line"),
			"gross " + euros(file.Gross), "commission " + euros(file.Commission), when,
		})
	}
	rows = append(rows, []string{
		"Payline " + strconv.Itoa(d.Payline.Sequence), "", count(d.Payline.Requests, "request"),
		strconv.Itoa(d.Payline.Refused) + " to be refused",
	})
	t.rows(rows)
	if d.Payline.Approval != "" {
		t.linef("transfer %s needs an approval", d.Payline.Approval)
	}
}
