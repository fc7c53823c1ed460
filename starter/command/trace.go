package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/vacation"
)

// tracedEvents is how many events a trace shows unless it is told otherwise: a
// screen of them.
const tracedEvents = 20

func newTrace(s *session) *cobra.Command {
	var events int64
	var only bool
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Follow a correlationId, a reference or a creId: runs, entries, events in order",
		Long: `Follow an identifier from end to end: the runs, what they posted, the transfers
that they ordered, covers, parked lines, and the events in their order. ID is a
correlationId, a settlement's reference or a creId; for a creId the one event of
that line is shown. The events of a reference are those of its last run.

With --events-only the events alone are streamed, a JSON object a line, all of
them unless --events limits them.`,
		Example: "  starter trace 00000120190725UEP\n  starter trace 00000120190725UEP --events-only > events.ndjson",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if events < 0 {
				return &InputError{What: fmt.Sprintf("--events %d is below zero", events), Next: helpOf(cmd)}
			}
			if only && !cmd.Flags().Changed("events") {
				events = math.MaxInt64
			}
			return s.trace(cmd, args[0], events, only)
		},
	}
	cmd.Flags().Int64Var(&events, "events", tracedEvents, "how many events are shown")
	cmd.Flags().BoolVar(&only, "events-only", false, "stream the events alone, as NDJSON")
	return cmd
}

func (s *session) trace(cmd *cobra.Command, id string, events int64, only bool) error {
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	found, err := audit.Trace(cmd.Context(), pool, id)
	if err != nil {
		return err
	}
	correlation, from, to := eventsOf(&found, events)
	if only {
		s.shown = true
		return streamEvents(cmd.Context(), pool, s.out, correlation, from, to)
	}
	traced := tracedDocument{Trail: found, Events: []json.RawMessage{}}
	for i := range found.Runs {
		run := &found.Runs[i]
		id := vacation.ID{Kind: run.Kind, Key: run.Key}.String()
		traced.Links = append(traced.Links, s.link(settings.Temporal.Namespace, id, run.WorkflowRun))
		if run.CorrelationID == correlation {
			traced.EventsTotal = run.Events
		}
	}
	if correlation != "" {
		err = audit.Events(cmd.Context(), pool, correlation, from, to, func(_ int64, frame []byte) error {
			traced.Events = append(traced.Events, json.RawMessage(append([]byte(nil), frame...)))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.show(traced)
}

// eventsOf says which events belong to a trace: those of its last run, or the
// one event of its line.
func eventsOf(found *audit.Trail, limit int64) (correlation string, from, to int64) {
	if found.Line != nil {
		if found.Line.Event == nil {
			return "", 0, 0
		}
		return found.Line.Event.CorrelationID, found.Line.Event.Seq, found.Line.Event.Seq
	}
	if len(found.Runs) == 0 {
		return "", 0, 0
	}
	return found.Runs[len(found.Runs)-1].CorrelationID, 1, limit
}

func streamEvents(ctx context.Context, pool *pgxpool.Pool, out io.Writer, correlation string, from, to int64) error {
	if correlation == "" {
		return nil
	}
	return audit.Events(ctx, pool, correlation, from, to, func(_ int64, frame []byte) error {
		if _, err := out.Write(append(frame, '\n')); err != nil {
			return fmt.Errorf("write to the standard output: %w", err)
		}
		return nil
	})
}

// tracedDocument prints a trace with its events.
type tracedDocument struct {
	audit.Trail

	Links       []string          `json:"ui"` // a page of Temporal's UI for each run
	EventsTotal int64             `json:"eventsTotal"`
	Events      []json.RawMessage `json:"events"`
}

func (d tracedDocument) writeText(t *text) {
	t.linef("%s is a %s", d.ID, d.Recognized)
	if d.Line != nil {
		d.writeLine(t)
	}
	for i := range d.Runs {
		writeRun(t, &d.Runs[i], d.Links[i])
	}
	if d.Settlement != nil {
		t.linef("")
		t.rows(settlementRows(d.Settlement))
	}
	if d.Line == nil { // of a card line, its own entries are shown
		section(t, "entries", kindRows(d.Entries))
		section(t, "transfers ordered", orderRows(d.Orders))
		section(t, "covers", coverRows(d.Covers))
		section(t, "parked", parkedRows(d.Parked))
	}
	if len(d.Events) == 0 {
		return
	}
	t.linef("")
	t.linef("events (%d of %d)", len(d.Events), d.EventsTotal)
	for _, frame := range d.Events {
		t.linef("%s", frame)
	}
}

func (d tracedDocument) writeLine(t *text) {
	rows := [][]string{{"line", number(d.Line.Line)}}
	if entry := d.Line.Entry; entry != nil {
		rows = append(rows, entryRow(*entry))
	} else {
		rows = append(rows, []string{"not posted yet"})
	}
	for _, entry := range d.Line.After {
		rows = append(rows, entryRow(entry))
	}
	if d.Line.Parked != nil {
		rows = append(rows, []string{"parked", d.Line.Parked.Reason, "since " + instant(d.Line.Parked.ParkedAt)})
	}
	if d.Line.Event != nil {
		rows = append(rows, []string{"event", fmt.Sprintf("%d of %s, uid %s",
			d.Line.Event.Seq, d.Line.Event.CorrelationID, d.Line.Event.UID)})
	}
	t.rows(rows)
}

func entryRow(entry audit.Entry) []string {
	return []string{string(entry.Kind), fmt.Sprintf("Dr %s / Cr %s", entry.Debit, entry.Credit), euros(entry.Amount), entry.Label}
}

func writeRun(t *text, run *audit.Run, link string) {
	t.linef("")
	t.linef("run %d of %s/%s", run.Run, run.Kind, run.Key)
	rows := [][]string{
		{rowCorrelation, run.CorrelationID},
		{"business date", run.BusinessDate},
		{"state", run.State},
		{"started", instant(run.StartedAt)},
	}
	if run.EndedAt != nil {
		lasted := run.EndedAt.Sub(run.StartedAt).Round(time.Millisecond)
		rows = append(rows, []string{"ended", instant(*run.EndedAt) + ", after " + lasted.String()})
	}
	if run.FailureCode != "" {
		rows = append(rows, []string{"failure", run.FailureCode + " at " + run.FailureStep + ": " + run.FailureMessage})
	}
	t.rows(append(rows, []string{"events", number(run.Events)}, []string{"UI", link}))
}

// section writes rows under a title, and nothing when there are none.
func section(t *text, title string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	t.linef("")
	t.linef("%s", title)
	for _, row := range rows {
		row[0] = "  " + row[0]
	}
	t.rows(rows)
}

// settlementRows are a settlement's state, a line each.
func settlementRows(settled *audit.Settlement) [][]string {
	rows := [][]string{
		{"settlement", settled.Reference + " of " + euros(settled.Amount) + ", value date " + settled.ValueDate},
	}
	if settled.FileSHA256 == "" {
		return append(rows, []string{"file", "none accepted yet"})
	}
	return append(rows,
		[]string{"file", settled.FileName + ", sha256 " + settled.FileSHA256},
		[]string{"lines", fmt.Sprintf("%d, %d posted", settled.Lines, settled.Posted)},
		[]string{"gross", euros(settled.Gross)},
		[]string{"commission", euros(settled.Commission) + ", " + euros(settled.Taken) + " taken"},
		[]string{"parked", fmt.Sprintf("%s in %s", euros(settled.Parked), count(settled.ParkedLines, "line"))},
		[]string{"covered", euros(settled.Covered)})
}

func kindRows(kinds []audit.KindSum) [][]string {
	rows := make([][]string, 0, len(kinds))
	for _, kind := range kinds {
		rows = append(rows, []string{string(kind.Kind), number(kind.Entries), euros(kind.Amount)})
	}
	return rows
}

func orderRows(orders []audit.Order) [][]string {
	rows := make([][]string, 0, len(orders))
	for i := range orders {
		order := &orders[i]
		rows = append(rows, []string{
			order.Purpose, fmt.Sprintf("%s to %s", order.Debtor, order.Creditor), euros(order.Amount),
			"due " + order.DueDate, order.State, order.RefExterne,
		})
	}
	return rows
}

func coverRows(covers []audit.Cover) [][]string {
	rows := make([][]string, 0, len(covers))
	for _, cover := range covers {
		rows = append(rows, []string{"SIRET " + cover.Siret, cover.AccountID, euros(cover.Amount)})
	}
	return rows
}
