package command

import (
	"cmp"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/workflows"
)

// dayFlags are what a vacation of a day is started with.
type dayFlags struct {
	waitFlags

	date, run, actor string
}

func (f *dayFlags) add(cmd *cobra.Command, runs bool) {
	cmd.Flags().StringVar(&f.date, "date", "", dateUsage)
	if runs {
		cmd.Flags().StringVar(&f.run, "run", "", "name of a further run of the day, such as 2 (default: the day's own)")
	}
	addActor(cmd, &f.actor)
	f.waitFlags.add(cmd)
}

func addActor(cmd *cobra.Command, actor *string) {
	cmd.Flags().StringVar(actor, "actor", "", "who asks (default: "+config.ActorVariable+", or this machine's user)")
}

// actor is who asks: it stands in the request and in the operators' journal.
func (s *session) actor(given string) (string, error) {
	if named := cmp.Or(given, s.variable(config.ActorVariable, "")); named != "" {
		return named, nil
	}
	known, err := user.Current()
	if err != nil || known.Username == "" {
		return "", &InputError{
			What: "this machine does not say who you are", Next: "give your name: --actor, or " + config.ActorVariable, Err: err,
		}
	}
	return known.Username, nil
}

// asked is what all requests of a day have in common.
type asked struct {
	date   calendar.Date
	cutOff calendar.CutOff
	actor  string
}

// ask reads what all requests of a day have in common. A day that TARGET is
// closed on is refused unless any will do.
func (s *session) ask(cmd *cobra.Command, flags *dayFlags, anyDay bool) (asked, error) {
	if err := flags.check(cmd); err != nil {
		return asked{}, err
	}
	settings, err := s.settings(cmd)
	if err != nil {
		return asked{}, err
	}
	actor, err := s.actor(flags.actor)
	if err != nil {
		return asked{}, err
	}
	date, err := s.dateOf(flags.date, anyDay)
	return asked{date: date, cutOff: settings.Calendar.CutOff, actor: actor}, err
}

func (s *session) dateOf(text string, anyDay bool) (calendar.Date, error) {
	switch {
	case !anyDay:
		return s.businessDate(text)
	case text == "":
		return calendar.DateOf(s.now()), nil
	default:
		return calendar.ParseDate(text)
	}
}

// launchOf is the launch of a session of a day.
func launchOf(kind vacation.Kind, key, workflow string, request any) (launch, error) {
	id, err := vacation.NewID(kind, key)
	if err != nil {
		return launch{}, &InputError{What: err.Error(), Next: "give --run a short name of letters and digits"}
	}
	return launch{id: id.String(), workflow: workflow, request: request}, nil
}

func newRunCreances(s *session) *cobra.Command {
	var flags dayFlags
	cmd := &cobra.Command{
		Use:   "creances [--date DATE] [--run NAME]",
		Short: "Take what merchants owe from what their payment accounts have",
		Long: `Take what merchants owe from what their payment accounts have, the oldest debt
first, and order the transfer of what was recovered to fonctionnement. It may
run on any day; while a financière is under way it waits for its end.`,
		Example: "  starter run creances --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked, err := s.ask(cmd, &flags, true)
			if err != nil {
				return err
			}
			request := workflows.CreancesRequest{BusinessDate: asked.date, RequestedBy: asked.actor}
			if flags.run != "" {
				request.Key = asked.date.String() + "/" + flags.run
			}
			started, err := launchOf(vacation.Creances, request.SessionKey(), workflows.CreancesName, request)
			if err != nil {
				return err
			}
			return s.launch(cmd, flags.waitFlags, started)
		},
	}
	flags.add(cmd, true)
	return cmd
}

func newRunFinanciere(s *session) *cobra.Command {
	var flags dayFlags
	var payline string
	var await bool
	cmd := &cobra.Command{
		Use:   "financiere [--payline FILE|FOLDER] [--date DATE] [--run NAME]",
		Short: "Pay merchants out: the requests of the Payline file, and the automatic payouts",
		Long: `Pay merchants out: what they asked for in the day's Payline file, then what is
due to them by itself. Payouts that a ceiling stops wait for the approval of
somebody other than who asked for the session (--actor), until the cut-off.`,
		Example: "  starter run financiere --payline /srv/reglo/inbox --await-payline --actor alice --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked, err := s.ask(cmd, &flags, false)
			if err != nil {
				return err
			}
			request := workflows.FinanciereRequest{
				BusinessDate: asked.date, Run: flags.run, AwaitPayline: await,
				CutOff: asked.cutOff.On(asked.date), RequestedBy: asked.actor,
			}
			if request.Payline, err = paylineOf(payline, await); err != nil {
				return err
			}
			started, err := launchOf(vacation.Financiere, request.SessionKey(), workflows.FinanciereName, request)
			if err != nil {
				return err
			}
			if !await {
				started.payline, started.takenBy = request.Payline, []string{started.id}
			}
			return s.launch(cmd, flags.waitFlags, started)
		},
	}
	addPayline(cmd, &payline, &await)
	flags.add(cmd, true)
	return cmd
}

func newRunTechnique(s *session) *cobra.Command {
	var flags dayFlags
	var phase, inbox string
	cmd := &cobra.Command{
		Use:   "technique --phase open|close [--inbox FOLDER] [--date DATE] [--run NAME]",
		Short: "Open or close a day: merchants, bank statements, règlements; reconciliation, safeguarding",
		Long: `Open or close a day. open loads the merchants' snapshots, reads the bank's
statements and starts the règlement of each line; close does the same with the
statements that came since, then reconciles the books with the bank and states
what is held for clients.`,
		Example: "  starter run technique --phase open --date 2026-11-23 --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if phase != string(workflows.PhaseOpen) && phase != string(workflows.PhaseClose) {
				return &InputError{What: "--phase \"" + phase + "\"", Next: "give --phase open or --phase close"}
			}
			asked, err := s.ask(cmd, &flags, false)
			if err != nil {
				return err
			}
			folder, err := s.inbox(cmd, inbox)
			if err != nil {
				return err
			}
			request := workflows.TechniqueRequest{
				BusinessDate: asked.date, Phase: workflows.Phase(phase), Run: flags.run, Inbox: folder,
				CutOff: asked.cutOff.On(asked.date), RequestedBy: asked.actor,
			}
			started, err := launchOf(vacation.Technique, request.SessionKey(), workflows.TechniqueName, request)
			if err != nil {
				return err
			}
			return s.launch(cmd, flags.waitFlags, started)
		},
	}
	cmd.Flags().StringVar(&phase, "phase", "", "open or close")
	cmd.Flags().StringVar(&inbox, "inbox", "", inboxUsage)
	flags.add(cmd, true)
	return cmd
}

// inboxUsage explains --inbox.
const inboxUsage = "folder that the day's files come to (default: inbox/ of data.dir)"

// inbox is the folder that a day's files come to, as the workers see it.
func (s *session) inbox(cmd *cobra.Command, given string) (string, error) {
	if given != "" {
		return absolute("--inbox", given)
	}
	settings, err := s.settings(cmd)
	if err != nil {
		return "", err
	}
	return settings.Data.Inbox(), nil
}
