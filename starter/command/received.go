package command

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/vacation"
)

// kindsOfFile are what a received file can be, as they are typed.
func kindsOfFile() []string {
	kinds := make([]string, 0, len(delivery.Kinds()))
	for _, kind := range delivery.Kinds() {
		kinds = append(kinds, strings.ToLower(string(kind)))
	}
	return kinds
}

func newReceived(s *session) *cobra.Command {
	var filter reception.Filter
	var kind, since string
	var notices bool
	cmd := newList(s, "received", "List the files that partners sent, the last first, or decide on one that waits",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			if err := oneOf("--kind", kind, kindsOfFile()); err != nil {
				return nil, err
			}
			if notices && (filter.Held || kind != "") {
				return nil, &InputError{What: "--held and --kind are of files, --notices lists none", Next: "leave one of them out"}
			}
			filter.Kind = delivery.Kind(strings.ToUpper(kind))
			if since != "" {
				date, err := calendar.ParseDate(since)
				if err != nil {
					return nil, err
				}
				filter.Since = date.Midnight()
			}
			if notices {
				list, err := reception.ListNotices(cmd.Context(), pool, filter.Since)
				return noticeList{Notices: list}, err
			}
			files, err := reception.Files(cmd.Context(), pool, filter)
			return receivedList{Files: files}, err
		})
	cmd.Long = `List the files that partners sent, the last first. A file is STORED while it is
to be controlled, ROUTED once it was put into the inbox, HELD while it waits for
an operator, and DISCARDED when one decided so.`
	cmd.Flags().BoolVar(&filter.Held, "held", false, "those only that wait for an operator: of no known format, or damaged")
	cmd.Flags().StringVar(&kind, "kind", "", strings.Join(kindsOfFile(), ", "))
	cmd.Flags().StringVar(&since, "since", "", "those only that came on that day or later, yyyy-MM-dd")
	cmd.Flags().BoolVar(&notices, "notices", false, "list what partners' transfer products told us instead")
	cmd.AddCommand(newReceivedRoute(s), newReceivedDiscard(s))
	return cmd
}

// receivedList prints received files.
type receivedList struct {
	Files []reception.File `json:"files"`
}

func (d receivedList) writeText(t *text) {
	const digits = 12 // of the hash: enough to name the file by
	rows := make([][]string, 0, len(d.Files))
	for i := range d.Files {
		file := &d.Files[i]
		again := ""
		if file.Times > 1 {
			again = fmt.Sprintf("came %d times, last %s", file.Times, instant(file.LastAt))
		}
		rows = append(rows, []string{
			number(file.Number), file.SHA256[:digits], "from " + file.Partner, file.Name, count(file.Bytes, "byte"), instant(file.FirstAt),
			file.State, cmp.Or(string(file.Kind), "-"), cmp.Or(file.Format, "-"), cmp.Or(file.InboxName, "-"), again, file.Detail,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Files), "received file")
}

// noticeList prints notices.
type noticeList struct {
	Notices []reception.Notice `json:"notices"`
}

func (d noticeList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Notices))
	for i := range d.Notices {
		notice := &d.Notices[i]
		rows = append(rows, []string{
			instant(notice.ReceivedAt), "from " + notice.Server, notice.Event, notice.Direction, notice.Transfer, notice.Name,
			count(notice.Bytes, "byte"), cmp.Or(ended("dealt with", notice.HandledAt), "open"),
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Notices), "notice")
}

// decideFlags are who decides on a received file, and why.
type decideFlags struct {
	actor, reason string
}

func (f *decideFlags) add(cmd *cobra.Command) {
	addActor(cmd, &f.actor)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why: it stands in the operators' journal")
}

// onReceived has a decision on a received file taken.
func (s *session) onReceived(
	cmd *cobra.Command, flags decideFlags, decide func(desk *reception.Desk, by activities.Answer) (reception.Decision, error),
) error {
	actor, err := s.actor(flags.actor)
	if err != nil {
		return err
	}
	if flags.reason == "" {
		return &InputError{What: "--reason is missing", Next: "say why: it stands in the operators' journal"}
	}
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	desk := reception.NewDesk(pool, operator.Actors(settings.Operator.Actors), s.now)
	decided, err := decide(desk, activities.Answer{Actor: actor, Reason: flags.reason})
	if failure, is := errors.AsType[*vacation.Failure](err); is {
		return &InputError{What: failure.Message, Next: "`starter received` lists the files"}
	}
	if err != nil {
		return err
	}
	return s.show(decidedFile{decided})
}

// decidedFile says what was decided.
type decidedFile struct {
	reception.Decision
}

func (d decidedFile) writeText(t *text) {
	if d.Again {
		t.linef("received file %d: decided so before, it is %s", d.File, d.State)
		return
	}
	t.linef("received file %d is %s: the next reception deals with it", d.File, d.State)
}

func newReceivedRoute(s *session) *cobra.Command {
	var flags decideFlags
	var as, name string
	cmd := &cobra.Command{
		Use:   "route NUMBER|SHA256 --as " + strings.Join(kindsOfFile(), "|") + " [--name NAME] --reason WHY",
		Short: "Say what a file is that waits, and by what name it goes into the inbox",
		Long: `Say what a file is that waits, and by what name it goes into the inbox: it is
named by its number, or by twelve or more digits of its SHA-256. The next
reception controls it as such a file, and puts it into the inbox; one that is
damaged waits again. A merchants' snapshot is found as Merchants.<number>.csv, a
Payline file as Payline.<number>.txt.`,
		Example: "  starter received route 17 --as merchants --name Merchants.000123.csv --actor alice --reason \"named wrongly\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if as == "" {
				return &InputError{What: "--as is missing", Next: "say one of: " + strings.Join(kindsOfFile(), ", ")}
			}
			if err := oneOf("--as", as, kindsOfFile()); err != nil {
				return err
			}
			return s.onReceived(cmd, flags, func(desk *reception.Desk, by activities.Answer) (reception.Decision, error) {
				return desk.Route(cmd.Context(), args[0], delivery.Kind(strings.ToUpper(as)), name, by)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "what it is: "+strings.Join(kindsOfFile(), ", "))
	cmd.Flags().StringVar(&name, "name", "", "its name in the inbox (default: the partner's)")
	flags.add(cmd)
	return cmd
}

func newReceivedDiscard(s *session) *cobra.Command {
	var flags decideFlags
	cmd := &cobra.Command{
		Use:     "discard NUMBER|SHA256 --reason WHY",
		Short:   "Have a file that waits never used; the archive keeps it",
		Example: "  starter received discard 17 --actor alice --reason \"the bank sent a whole one\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.onReceived(cmd, flags, func(desk *reception.Desk, by activities.Answer) (reception.Decision, error) {
				return desk.Discard(cmd.Context(), args[0], by)
			})
		},
	}
	flags.add(cmd)
	return cmd
}
