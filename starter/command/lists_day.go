package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
)

// newList is a command that reads a list from the books.
func newList(s *session, use, short string, read func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			list, err := read(cmd, pool)
			if err != nil {
				return err
			}
			return s.show(list)
		},
	}
}

// listDate checks a --date that narrows a list; none is any.
func listDate(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	date, err := calendar.ParseDate(text)
	return date.String(), err
}

// oneOf checks the value of a flag that narrows a list; none is any.
func oneOf(flag, value string, allowed []string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return &InputError{What: flag + " \"" + value + "\" is none", Next: "give one of: " + strings.Join(allowed, ", ")}
}

// listEnd says how many there are, and that the list is cut.
func listEnd(t *text, length int, noun string) {
	if length == audit.ListMax {
		t.linef("the first %ss, %d at most", noun, audit.ListMax)
		return
	}
	t.linef("%s", count(length, noun))
}

func newLines(s *session) *cobra.Command {
	var unknown bool
	var date string
	cmd := newList(s, "lines", "List the lines of the bank's statements, the last statement first, or say what one is",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			day, err := listDate(date)
			if err != nil {
				return nil, err
			}
			class := ""
			if unknown {
				class = string(label.Unknown)
			}
			lines, err := audit.BankLines(cmd.Context(), pool, class, day)
			return lineList{Lines: lines}, err
		})
	cmd.Flags().BoolVar(&unknown, "unknown", false, "those only that no grammar explains: they wait for an operator")
	cmd.Flags().StringVar(&date, "date", "", "date of the statement, yyyy-MM-dd")
	cmd.AddCommand(newLinesAssign(s))
	return cmd
}

// lineList prints bank lines.
type lineList struct {
	Lines []audit.BankLine `json:"lines"`
}

func (d lineList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Lines))
	for i := range d.Lines {
		line := &d.Lines[i]
		booked := "open"
		if line.Booked {
			booked = "booked"
		}
		rows = append(rows, []string{
			line.ID, fmt.Sprintf("%s %d of %s", line.Account, line.Statement, line.Date), euros(line.Amount), line.Class,
			cmp.Or(line.Reference, "-"), booked, line.Label, line.Reason,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Lines), "bank line")
}

func newHolds(s *session) *cobra.Command {
	var all bool
	cmd := newList(s, "holds", "List the payment accounts whose payouts are held, the oldest first, or release one",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			holds, err := audit.Holds(cmd.Context(), pool, all)
			return holdList{Holds: holds}, err
		})
	cmd.Flags().BoolVar(&all, "all", false, "those too that were released")
	cmd.AddCommand(newHoldsRelease(s))
	return cmd
}

// holdList prints holds.
type holdList struct {
	Holds []audit.Hold `json:"holds"`
}

func (d holdList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Holds))
	for _, hold := range d.Holds {
		rows = append(rows, []string{hold.AccountID, "since " + instant(hold.Since), hold.Reason, ended("released", hold.ReleasedAt)})
	}
	t.rows(rows)
	listEnd(t, len(d.Holds), "hold")
}

// ended says when something was over, nothing while it is not.
func ended(word string, at *time.Time) string {
	if at == nil {
		return ""
	}
	return word + " " + instant(*at)
}

// statesOfPayouts are the states by which payouts are listed.
func statesOfPayouts() []string {
	return []string{"REQUESTED", "WAITING", "VALIDATED", "REFUSED", "PREPARED", "SENT", "EXECUTED", "REJECTED", "UNKNOWN"}
}

func newPayouts(s *session) *cobra.Command {
	var filter audit.PayoutFilter
	cmd := newList(s, "payouts", "List payouts, the last first: orders, states, bulks",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			day, err := listDate(filter.DueDate)
			if err != nil {
				return nil, err
			}
			filter.DueDate, filter.State = day, strings.ToUpper(filter.State)
			if err := oneOf("--state", filter.State, statesOfPayouts()); err != nil {
				return nil, err
			}
			list, err := audit.Payouts(cmd.Context(), pool, filter)
			return payoutList{list}, err
		})
	cmd.Flags().StringVar(&filter.State, "state", "", strings.Join(statesOfPayouts(), ", "))
	cmd.Flags().StringVar(&filter.AccountID, "cp", "", "payment account, such as 1A17660007")
	cmd.Flags().StringVar(&filter.DueDate, "date", "", "day on which the bank is to pay them, yyyy-MM-dd")
	return cmd
}

// payoutList prints payouts.
type payoutList struct {
	audit.PayoutList
}

func (d payoutList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Payouts))
	for i := range d.Payouts {
		payout := &d.Payouts[i]
		rows = append(rows, []string{
			payout.RefExterne, payout.Source, payout.AccountID, "to " + payout.Creditor, euros(payout.Amount), "due " + payout.DueDate,
			payout.State, cmp.Or(payout.Bulk, "-"), payout.Reason,
		})
	}
	t.rows(rows)
	if more := d.Total - int64(len(d.Payouts)); more > 0 {
		t.linef("… and %d more", more)
	}
	t.linef("%s: %s", count(d.Total, "payout"), euros(d.Amount))
}

// statesOfBulks are the states by which bulks are listed.
func statesOfBulks() []string { return []string{"PREPARED", "SENT", "EXECUTED", "REJECTED", "UNKNOWN"} }

func newBulks(s *session) *cobra.Command {
	var state string
	cmd := newList(s, "bulks", "List the bulks of orders that go to the bank together, the last first",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			state = strings.ToUpper(state)
			if err := oneOf("--state", state, statesOfBulks()); err != nil {
				return nil, err
			}
			bulks, err := audit.Bulks(cmd.Context(), pool, state)
			return bulkList{Bulks: bulks}, err
		})
	cmd.Long = cmd.Short + `.

Behind its state stands how far a bulk is on its way to the bank: PREPARED; SENT,
an attempt whose outcome was not kept; ACCEPTED_BY_CHANNEL; CONFIRMED, by the
bank's report or its account; REJECTED; UNKNOWN.`
	cmd.Flags().StringVar(&state, "state", "", strings.Join(statesOfBulks(), ", "))
	return cmd
}

// bulkList prints bulks.
type bulkList struct {
	Bulks []audit.Bulk `json:"bulks"`
}

func (d bulkList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Bulks))
	for i := range d.Bulks {
		bulk := &d.Bulks[i]
		rows = append(rows, []string{
			bulk.Name, bulk.Purpose, count(bulk.Orders, "order"), euros(bulk.Amount), "due " + bulk.DueDate, bulk.State,
			"dispatch " + string(bulk.Dispatch), ended("handed over", bulk.AttemptedAt), bulk.Detail,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Bulks), "bulk")
}

func newActs(s *session) *cobra.Command {
	return newList(s, "acts", "List the operators' journal, the last act first: who, what, why, what it changed",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			acts, err := audit.Acts(cmd.Context(), pool)
			return actList{Acts: acts}, err
		})
}

// actList prints the operators' journal.
type actList struct {
	Acts []audit.Act `json:"acts"`
}

func (d actList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Acts))
	for i := range d.Acts {
		act := &d.Acts[i]
		rows = append(rows, []string{
			instant(act.At), act.Actor, act.Act, act.Subject, cmp.Or(act.Before, "-") + " → " + cmp.Or(act.After, "-"), act.Reason,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Acts), "act")
}

func newDays(s *session) *cobra.Command {
	return newList(s, "days", "List the days that were started, the last first, and how they went",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			days, err := audit.Days(cmd.Context(), pool)
			return dayList{Days: days}, err
		})
}

// dayList prints days.
type dayList struct {
	Days []audit.Day `json:"days"`
}

func (d dayList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Days))
	for _, day := range d.Days {
		rows = append(rows, []string{
			day.Date, cmp.Or(day.Run, "day"), "started " + instant(day.StartedAt),
			cmp.Or(ended("ended", day.EndedAt), "under way"), day.Outcome,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Days), "day")
}
