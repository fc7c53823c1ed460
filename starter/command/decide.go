package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// decision is an operator's decision as it is to be taken.
type decision struct {
	activities.Decision

	// State tells two decisions apart that say the same of something that was
	// there twice, such as a hold after its release.
	State string
}

// decide has a decision taken: by the technique that is under way, else by a
// session of its own, whose end is waited for.
func (s *session) decide(cmd *cobra.Command, flags answerFlags, wanted decision) error {
	actor, err := s.actor(flags.actor)
	if err != nil {
		return err
	}
	if flags.reason == "" {
		return &InputError{What: "--reason is missing", Next: "say why: it stands in the operators' journal"}
	}
	wanted.Answer = activities.Answer{Actor: actor, Reason: flags.reason}
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	connection, _, err := s.temporal(cmd)
	if err != nil {
		return err
	}
	running, err := audit.Running(cmd.Context(), pool, vacation.Technique)
	if err == nil {
		sentence, err := connection.update(
			cmd.Context(), flags.timeout, started{workflowID: running.String()}, workflows.AssignUpdate, wanted, wanted.Decision)
		if err == nil {
			return s.show(answered{WorkflowID: running.String(), Answer: wanted.Act, After: sentence})
		}
		if _, over := errors.AsType[*serviceerror.NotFound](err); !over {
			return err
		}
	} else if _, none := errors.AsType[*audit.NotFoundError](err); !none {
		return err
	}
	id, err := contentID(wanted)
	if err != nil {
		return err
	}
	const enough = 12 // digits of the content's hash: a day has some dozens of decisions
	date := calendar.BusinessDate(calendar.Target{}, s.now())
	request := workflows.TechniqueRequest{
		BusinessDate: date, Phase: workflows.PhaseDecisions, Run: id[:enough], Inbox: settings.Data.Inbox(),
		CutOff: settings.Calendar.CutOff.On(date), RequestedBy: actor, Decisions: []activities.Decision{wanted.Decision},
	}
	started, err := launchOf(vacation.Technique, request.SessionKey(), workflows.TechniqueName, request)
	if err != nil {
		return err
	}
	err = s.launch(cmd, waitFlags{wait: true, timeout: flags.timeout}, started)
	if ended, is := errors.AsType[*EndedError](err); is && ended.Failure != nil && ended.Failure.Code == vacation.Refused {
		return &InputError{What: ended.Failure.Message, Next: "look at what it is about, and decide anew"}
	}
	return err
}

func newParkedAssign(s *session) *cobra.Command {
	var flags answerFlags
	var reference, cp string
	var line int
	cmd := &cobra.Command{
		Use:     "assign --reference REFERENCE --line N --cp ACCOUNT --reason WHY",
		Short:   "Assign a parked line to a payment account, which gets its money and bears its commission",
		Example: "  starter parked assign --reference 00000120190725UEP --line 17 --cp 1A17660007 --actor alice --reason \"new account\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reference == "" || line < 1 || cp == "" {
				return &InputError{
					What: "--reference, --line and --cp name the line and its account", Next: "`starter parked` lists the lines",
				}
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			account, err := audit.AccountOf(cmd.Context(), pool, cp)
			if err != nil {
				return err
			}
			return s.decide(cmd, flags, decision{Decision: activities.Decision{
				Act: activities.ActAssign, Reference: reference, Line: line, Account: account,
			}})
		},
	}
	cmd.Flags().StringVar(&reference, "reference", "", "the settlement's reference")
	cmd.Flags().IntVar(&line, "line", 0, "the line of its file")
	cmd.Flags().StringVar(&cp, "cp", "", "the payment account, such as 1A17660007")
	flags.add(cmd)
	return cmd
}

// kindsOfLine are what a bank line that no grammar explains can be said to be.
func kindsOfLine() []string {
	return []string{"transaction", "impaye", "remittance", "rejects", "own", "own-funds"}
}

func newLinesAssign(s *session) *cobra.Command {
	var flags answerFlags
	var as, reference, operationType string
	cmd := &cobra.Command{
		Use:   "assign ID --as " + strings.Join(kindsOfLine(), "|") + " [--reference REFERENCE] --reason WHY",
		Short: "Say what a bank line is that no grammar explains",
		Long: `Say what a bank line is that no grammar explains: ID is the bank's, as
` + "`starter lines --unknown`" + ` lists it. The next technique starts the règlement that
settles it; own is a transfer between our own bank accounts, whose order it
closes; own-funds, such as the bank's fees, settles nothing and is booked
at once.`,
		Example: "  starter lines assign 20261123-17 --as transaction --reference 00000120261123UEP --operation-type 100 " +
			"--reason \"label cut\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(kindsOfLine(), as) {
				return &InputError{What: "--as \"" + as + "\"", Next: "say one of: " + strings.Join(kindsOfLine(), ", ")}
			}
			return s.decide(cmd, flags, decision{Decision: activities.Decision{
				Act: activities.ActClassify, BankLine: args[0], As: as, Reference: reference, OperationType: operationType,
			}})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "what it is: "+strings.Join(kindsOfLine(), ", "))
	cmd.Flags().StringVar(&reference, "reference", "", "what it settles: a reference, or an own transfer's name; own-funds has none")
	cmd.Flags().StringVar(&operationType, "operation-type", "", "of a settlement, such as 100")
	flags.add(cmd)
	return cmd
}

func newDebtsWriteOff(s *session) *cobra.Command {
	var flags answerFlags
	var siret string
	cmd := &cobra.Command{
		Use:     "write-off --siret SIRET --reason WHY",
		Short:   "Write off a merchant's open debt: Dr PL.LOSS / Cr DEBT",
		Example: "  starter debts write-off --siret 73282932000074 --actor alice --reason \"liquidated\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if siret == "" {
				return &InputError{What: "--siret is missing", Next: "`starter debts` lists the open debts"}
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			debt, err := audit.DebtOf(cmd.Context(), pool, siret)
			if err != nil {
				return err
			}
			return s.decide(cmd, flags, decision{Decision: activities.Decision{Act: activities.ActWriteOff, Debt: debt}})
		},
	}
	cmd.Flags().StringVar(&siret, "siret", "", "the merchant's SIRET")
	flags.add(cmd)
	return cmd
}

func newHoldsRelease(s *session) *cobra.Command {
	var flags answerFlags
	var cp string
	cmd := &cobra.Command{
		Use:     "release --cp ACCOUNT --reason WHY",
		Short:   "Let a payment account be paid out again whose payouts a repeated reject put on hold",
		Example: "  starter holds release --cp 1A17660007 --actor alice --reason \"the merchant gave another IBAN\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cp == "" {
				return &InputError{What: "--cp is missing", Next: "`starter holds` lists the payment accounts"}
			}
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			since, err := audit.HeldSince(cmd.Context(), pool, cp)
			if err != nil {
				return err
			}
			account, err := audit.AccountOf(cmd.Context(), pool, cp)
			if err != nil {
				return fmt.Errorf("release %s: %w", cp, err)
			}
			return s.decide(cmd, flags, decision{
				Decision: activities.Decision{Act: activities.ActRelease, Account: account}, State: since.Format(time.RFC3339Nano),
			})
		},
	}
	cmd.Flags().StringVar(&cp, "cp", "", "the payment account, such as 1A17660007")
	flags.add(cmd)
	return cmd
}
