package command

import (
	"cmp"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/vacation"
)

func newSystemPayUnmatched(s *session) *cobra.Command {
	var payments, lines, forms bool
	var since string
	cmd := newList(s, "unmatched", "List payments that no card line settles, lines of no payment, forms without an end",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			var from time.Time
			if since != "" {
				date, err := calendar.ParseDate(since)
				if err != nil {
					return nil, err
				}
				from = date.Midnight()
			}
			if !payments && !lines && !forms {
				payments, lines, forms = true, true, true
			}
			var list unmatchedList
			var err error
			if payments {
				if list.Payments, err = matching.Payments(cmd.Context(), pool, from); err != nil {
					return nil, err
				}
			}
			if lines {
				if list.Lines, err = matching.Lines(cmd.Context(), pool, from); err != nil {
					return nil, err
				}
				for i := range list.Lines {
					list.Lines[i].Label = iban.MaskIn(list.Lines[i].Label)
					list.Lines[i].AcquirerRef = iban.MaskIn(list.Lines[i].AcquirerRef)
				}
			}
			if forms {
				list.Forms, err = matching.Forms(cmd.Context(), pool, from, s.now())
			}
			return list, err
		})
	cmd.Long = `List, the last first, payments that are paid and that no line of a CRE file
settles, lines at a shop's contract of whose payment nobody told, and forms that
were shown more than a day ago and of which nothing final was told. ` + "`starter\nsystempay match`" + ` says what belongs together.`
	cmd.Example = "  starter systempay unmatched --payments --since 2026-11-01"
	cmd.Flags().BoolVar(&payments, "payments", false, "payments only, or with --lines and --forms those, too")
	cmd.Flags().BoolVar(&lines, "lines", false, "lines only")
	cmd.Flags().BoolVar(&forms, "forms", false, "forms only")
	cmd.Flags().StringVar(&since, "since", "", "those only that were paid, loaded or shown on that day or later, yyyy-MM-dd")
	return cmd
}

// unmatchedList prints what has no match; a list that was not asked for is nil.
type unmatchedList struct {
	Payments []matching.Payment `json:"payments,omitzero"`
	Lines    []matching.Line    `json:"lines,omitzero"`
	Forms    []matching.Form    `json:"forms,omitzero"`
}

func (d unmatchedList) writeText(t *text) {
	if d.Payments != nil {
		d.writePayments(t)
	}
	if d.Lines != nil {
		d.writeLines(t)
	}
	if d.Forms != nil {
		d.writeForms(t)
	}
}

func (d unmatchedList) writePayments(t *text) {
	rows := make([][]string, 0, len(d.Payments))
	for i := range d.Payments {
		payment := &d.Payments[i]
		rows = append(rows, []string{
			"payment " + number(payment.Number), instant(payment.PaidAt), payment.Shop, plain(payment.Order), euros(payment.Amount),
			payment.Status, cmp.Or(plain(payment.Authorisation), "-"), cmp.Or(plain(payment.Contract), "-"), plain(payment.Transaction),
			plain(payment.Doubt),
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Payments), "payment")
}

func (d unmatchedList) writeLines(t *text) {
	rows := make([][]string, 0, len(d.Lines))
	for i := range d.Lines {
		line := &d.Lines[i]
		rows = append(rows, []string{
			"line " + number(line.Line) + " of " + line.Reference, instant(line.TransactionAt), line.Contract, euros(line.Amount),
			cmp.Or(plain(line.AcquirerRef), "-"), plain(line.Label), "loaded " + instant(line.LoadedAt),
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Lines), "line")
}

func (d unmatchedList) writeForms(t *text) {
	rows := make([][]string, 0, len(d.Forms))
	for i := range d.Forms {
		form := &d.Forms[i]
		rows = append(rows, []string{
			"form " + number(form.Number), instant(form.ShownAt), form.Shop, plain(form.Order), form.Transaction,
			number(form.Amount) + " units of currency " + form.Currency,
		})
	}
	t.rows(rows)
	listEnd(t, len(d.Forms), "form")
}

func newSystemPayMatch(s *session) *cobra.Command {
	var by decider
	var payment int64
	var reference string
	var line int
	cmd := &cobra.Command{
		Use:   "match --payment NUMBER --reference REFERENCE --line NUMBER --reason WHY",
		Short: "Say that a line of a settlement settles a payment",
		Long: `Say that a line of a settlement settles a payment, where no rule could tell. It
moves no money. The amounts may differ; one may not pay what the other gives back.`,
		Example: "  starter systempay match --payment 17 --reference 00000120261123UEP --line 4 --actor alice --reason \"same hour\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if payment < 1 || reference == "" || line < 1 || line > math.MaxInt32 {
				return &InputError{
					What: "--payment, --reference and --line must name a payment and a line",
					Next: "`starter systempay unmatched` lists them",
				}
			}
			return s.decideMatch(cmd, &by, func(desk *matching.Desk, answer activities.Answer) (matching.Decision, error) {
				return desk.Match(cmd.Context(), payment, reference, line, answer)
			})
		},
	}
	cmd.Flags().Int64Var(&payment, "payment", 0, "number of the payment")
	cmd.Flags().StringVar(&reference, "reference", "", "reference of the settlement")
	cmd.Flags().IntVar(&line, "line", 0, "number of the line in its file")
	by.add(cmd)
	return cmd
}

func newSystemPayUnmatch(s *session) *cobra.Command {
	var by decider
	var payment int64
	cmd := &cobra.Command{
		Use:     "unmatch --payment NUMBER --reason WHY",
		Short:   "Say that the line of a payment does not settle it: no rule puts them together again",
		Example: "  starter systempay unmatch --payment 17 --actor alice --reason \"another buyer of the same amount\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if payment < 1 {
				return &InputError{What: "--payment must name a payment", Next: "`starter trace ORDER` shows an order's"}
			}
			return s.decideMatch(cmd, &by, func(desk *matching.Desk, answer activities.Answer) (matching.Decision, error) {
				return desk.Unmatch(cmd.Context(), payment, answer)
			})
		},
	}
	cmd.Flags().Int64Var(&payment, "payment", 0, "number of the payment")
	by.add(cmd)
	return cmd
}

// decideMatch has a decision on a payment taken.
func (s *session) decideMatch(
	cmd *cobra.Command, by *decider, decide func(*matching.Desk, activities.Answer) (matching.Decision, error),
) error {
	answer, err := by.answer(s)
	if err != nil {
		return err
	}
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	decided, err := decide(matching.NewDesk(pool, settings.Operator.Actors, s.now), answer)
	if failure, is := errors.AsType[*vacation.Failure](err); is {
		return &InputError{What: failure.Message, Next: "`starter systempay unmatched` lists payments and lines"}
	}
	if err != nil {
		return err
	}
	return s.show(matchDecision{decided})
}

// matchDecision says what was decided.
type matchDecision struct {
	matching.Decision
}

func (d matchDecision) writeText(t *text) {
	switch {
	case d.Again:
		t.linef("payment %d: line %d of %s settles it already", d.Payment, d.Line, d.Reference)
	case d.Matched:
		t.linef("payment %d: line %d of %s settles it", d.Payment, d.Line, d.Reference)
	default:
		t.linef("payment %d: line %d of %s does not settle it, and no rule will say so", d.Payment, d.Line, d.Reference)
	}
}
