package command

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/domain/calendar"
	booterp "github.com/reglo/reglo/worker/boot/erp"
	"github.com/reglo/reglo/worker/boot/wake"
)

// decider is who decides on a posting, and why.
type decider struct{ actor, reason string }

func (d *decider) add(cmd *cobra.Command) {
	addActor(cmd, &d.actor)
	cmd.Flags().StringVar(&d.reason, "reason", "", "why: it stands in the operators' journal")
}

func (d *decider) answer(s *session) (activities.Answer, error) {
	actor, err := s.actor(d.actor)
	if err != nil {
		return activities.Answer{}, err
	}
	if d.reason == "" {
		return activities.Answer{}, &InputError{What: "no --reason is given", Next: "say why: it stands in the operators' journal"}
	}
	return activities.Answer{Actor: actor, Reason: d.reason}, nil
}

// postings has a dossier's settlements posted.
type postings struct{ server server }

func (p postings) Wake(ctx context.Context, dossier string) error {
	_, err := wake.Postings(ctx, p.server, dossier)
	return err
}

// erpDesk is where decisions on postings are taken. Temporal is asked for first:
// what is decided is to be sent.
func (s *session) erpDesk(cmd *cobra.Command) (*erp.Desk, error) {
	pool, settings, err := s.database(cmd)
	if err != nil {
		return nil, err
	}
	if settings.ERP.URL == "" {
		return nil, &InputError{What: "there is no ERP", Next: "set erp.url, and what belongs to it, as the worker has it"}
	}
	made, err := booterp.Settings(settings)
	if err != nil {
		return nil, &InputError{What: err.Error(), Next: "correct the setting, as the worker has it"}
	}
	connection, _, err := s.temporal(cmd)
	if err != nil {
		return nil, err
	}
	return &erp.Desk{
		Pool: pool, Settings: made, Waker: postings{connection}, Actors: settings.Operator.Actors, Clock: s.now,
	}, nil
}

// decidePosting has a decision on postings taken, and shows what it changed.
func (s *session) decidePosting(
	cmd *cobra.Command, by *decider, decide func(*erp.Desk, activities.Answer) ([]erp.Change, error),
) error {
	answer, err := by.answer(s)
	if err != nil {
		return err
	}
	desk, err := s.erpDesk(cmd)
	if err != nil {
		return err
	}
	changes, err := decide(desk, answer)
	if err != nil {
		return refusedPosting(err)
	}
	return s.show(changeList{changes})
}

// postingNumbers reads numbers of postings.
func postingNumbers(texts []string) ([]int64, error) {
	numbers := make([]int64, len(texts))
	for i, text := range texts {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || number < 1 {
			return nil, &InputError{What: strconv.Quote(text) + " is no number of a posting", Next: "`starter erp list` has them"}
		}
		numbers[i] = number
	}
	return numbers, nil
}

func newERPRetry(s *session) *cobra.Command {
	var by decider
	cmd := &cobra.Command{
		Use:   "retry NUMBER… --reason WHY",
		Short: "Post again what was refused, or what the ERP is known not to have",
		Long: `Post again, all or none of them. Of what was REJECTED by the ERP, or is INVALID
by our own rules, a new attempt is made from what the books, the merchants'
snapshot and the settings say now. What is UNKNOWN is sent as it is: it is your
word that the ERP does not have it.`,
		Example: "  starter erp retry 17 18 --actor alice --reason \"third party created\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := postingNumbers(args)
			if err != nil {
				return err
			}
			return s.decidePosting(cmd, &by, func(desk *erp.Desk, answer activities.Answer) ([]erp.Change, error) {
				return desk.Retry(cmd.Context(), numbers, answer)
			})
		},
	}
	by.add(cmd)
	return cmd
}

func newERPResolve(s *session) *cobra.Command {
	var by decider
	var transaction string
	cmd := &cobra.Command{
		Use:     "resolve NUMBER --transaction ID --reason WHY",
		Short:   "Say that the ERP has a posting that is in doubt, and under which transaction",
		Example: "  starter erp resolve 17 --transaction 1354 --actor alice --reason \"seen in the journal of settlements\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := postingNumbers(args)
			if err != nil {
				return err
			}
			return s.decidePosting(cmd, &by, func(desk *erp.Desk, answer activities.Answer) ([]erp.Change, error) {
				change, err := desk.Resolve(cmd.Context(), numbers[0], transaction, answer)
				return []erp.Change{change}, err
			})
		},
	}
	cmd.Flags().StringVar(&transaction, "transaction", "", "its transaction at the ERP")
	by.add(cmd)
	return cmd
}

func newERPDeposit(s *session) *cobra.Command {
	var by decider
	var name, bank, day string
	var items []string
	cmd := &cobra.Command{
		Use:   "deposit --name NAME --bank BANK --item NUMBER… --reason WHY",
		Short: "Take postings that the ERP has in portfolio to the bank (remise en banque)",
		Long: `Take postings that the ERP has in portfolio, ACCEPTED and in state C30, to the
bank, by one posting of their sum. The same command again is one deposit.`,
		Example: "  starter erp deposit --name REM-47 --bank BNP --item 17 --item 18 --actor alice --reason \"the week's cheques\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			numbers, err := postingNumbers(items)
			if err != nil {
				return err
			}
			date := calendar.BusinessDate(calendar.Target{}, s.now())
			if day != "" {
				if date, err = calendar.ParseDate(day); err != nil {
					return err
				}
			}
			return s.decidePosting(cmd, &by, func(desk *erp.Desk, answer activities.Answer) ([]erp.Change, error) {
				change, err := desk.Deposit(cmd.Context(), erp.DepositRequest{Name: name, Bank: bank, Items: numbers, Date: date}, answer)
				return []erp.Change{change}, err
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the deposit, its own for ever")
	cmd.Flags().StringVar(&bank, "bank", "", "code at the ERP of the bank that gets them (BQC)")
	cmd.Flags().StringArrayVar(&items, "item", nil, "number of a posting; repeat it for several")
	cmd.Flags().StringVar(&day, "date", "", "posting date, yyyy-MM-dd (default: the business day)")
	by.add(cmd)
	return cmd
}
