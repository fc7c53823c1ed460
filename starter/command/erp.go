package command

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/domain/vacation"
)

func newERP(s *session) *cobra.Command {
	group := &cobra.Command{
		Use:   "erp",
		Short: "List what the ERP is told, show what it answered, decide what is in doubt",
	}
	group.AddCommand(newERPList(s), newERPShow(s), newERPRetry(s), newERPResolve(s), newERPDeposit(s))
	return group
}

// statesOfPostings are the states by which postings are listed.
func statesOfPostings() []string {
	states := make([]string, 0, len(erp.States()))
	for _, state := range erp.States() {
		states = append(states, string(state))
	}
	return states
}

func newERPList(s *session) *cobra.Command {
	var state string
	var filter erp.Filter
	cmd := newList(s, "list", "List postings to the ERP, the last first",
		func(cmd *cobra.Command, pool *pgxpool.Pool) (document, error) {
			state = strings.ToUpper(state)
			if err := oneOf("--state", state, statesOfPostings()); err != nil {
				return nil, err
			}
			filter.State = erp.State(state)
			list, err := erp.List(cmd.Context(), pool, filter)
			return postingList{Postings: list}, err
		})
	cmd.Flags().StringVar(&state, "state", "", strings.Join(statesOfPostings(), ", "))
	cmd.Flags().BoolVar(&filter.Operator, "operator", false,
		"those only that wait for an operator: in doubt, or refused and not attempted anew")
	return cmd
}

// postingList prints postings.
type postingList struct {
	Postings []erp.Listed `json:"postings"`
}

func (d postingList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Postings))
	for i := range d.Postings {
		posting := &d.Postings[i]
		rows = append(rows, []string{
			number(posting.Number), posting.Label, posting.Direction, euros(posting.Amount), cmp.Or(posting.ThirdParty, "-"),
			"on " + posting.PostingDate, string(posting.State), cmp.Or(posting.Transaction, "-"), posting.Detail,
		})
	}
	t.rows(rows)
	if len(d.Postings) == erp.ListMax {
		t.linef("the last %d postings", erp.ListMax)
		return
	}
	t.linef("%s", count(len(d.Postings), "posting"))
}

func newERPShow(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "show NUMBER|LABEL",
		Short:   "Show a posting: what it is of, each call about it, and what the ERP answered, byte for byte",
		Example: "  starter erp show RGR:00000120261123UEP",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, _, err := s.database(cmd)
			if err != nil {
				return err
			}
			shown, err := erp.Show(cmd.Context(), pool, args[0])
			if err != nil {
				return refusedPosting(err)
			}
			return s.show(newPostingDocument(shown))
		},
	}
}

// postingDocument prints a posting. Replies are text as far as they can be.
type postingDocument struct {
	erp.Shown

	Calls []callDocument `json:"calls"`
}

type callDocument struct {
	erp.Call

	Reply string `json:"reply"`
}

func newPostingDocument(shown erp.Shown) postingDocument {
	document := postingDocument{Shown: shown, Calls: make([]callDocument, len(shown.Calls))}
	for i := range shown.Calls {
		document.Calls[i] = callDocument{Call: shown.Calls[i], Reply: string(shown.Calls[i].Reply)}
	}
	return document
}

func (d postingDocument) writeText(t *text) {
	rows := [][]string{
		{"posting", number(d.Number) + " " + d.Label},
		{"of", d.Kind + " " + d.Reference + ", attempt " + strconv.Itoa(d.Attempt)},
		{"amount", euros(d.Amount) + ", " + d.Direction + " by " + d.Means},
		{"third party", cmp.Or(d.ThirdParty, "-") + ", dossier " + d.Dossier},
		{"posting date", d.PostingDate},
	}
	if d.Piece != "" {
		rows = append(rows, []string{"piece", d.PiecePrefix + d.Piece})
	}
	if d.Bank != "" {
		rows = append(rows, []string{"bank", d.Bank})
	}
	for _, item := range d.Items {
		rows = append(rows, []string{"item", number(item.Number) + " " + item.Reference + ", " + euros(item.Amount) +
			", transaction " + cmp.Or(item.Transaction, "-")})
	}
	rows = append(rows, []string{"run", cmp.Or(d.Vacation, "-") + " " + d.Correlation},
		[]string{"state", string(d.State) + " " + d.Detail}, []string{"transaction", cmp.Or(d.Transaction, "-")})
	t.rows(rows)
	for i := range d.Calls {
		call := &d.Calls[i]
		t.linef("%s %s: %s, %s (read as tier %d, error %s, result code %s)", instant(call.At), call.What, call.Class, call.Detail,
			call.Tier, cmp.Or(call.Error, "-"), cmp.Or(call.ResultCode, "-"))
		if call.Reply != "" {
			t.linef("  %s", printable(call.Reply))
		}
	}
}

// printable is a partner's text as a terminal may take it, on one line.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// refusedPosting is a decision that was refused, for who gave it.
func refusedPosting(err error) error {
	if failure, is := errors.AsType[*vacation.Failure](err); is && failure.Code == vacation.Refused {
		return &InputError{What: failure.Message, Next: "`starter erp list` lists the postings"}
	}
	return err
}

// changeList prints what a decision has changed.
type changeList struct {
	Changes []erp.Change `json:"changes"`
}

func (d changeList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Changes))
	for _, change := range d.Changes {
		rows = append(rows, []string{
			number(change.Number), change.Label, fmt.Sprintf("%s → %s", cmp.Or(change.Before, "-"), change.After),
		})
	}
	t.rows(rows)
}
