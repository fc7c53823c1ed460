package command

import (
	"cmp"
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
	var how tracing
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Follow any identifier from end to end, across vacations",
		Long: `Follow an identifier from end to end, across vacations: runs, entries, debts and
their recoveries, payouts, bulks, bank lines, rejects, operators' acts, events.

ID is a correlationId, a settlement's reference, a creId, a payment account, a
SIRET, an order's refExterne or endToEndId, a bulk's name or bulkId, a bank
line, a debt's number, the order or the gateway's transaction of a card payment,
or the SHA-256 of a file that came in: twelve digits of it are enough. Events are shown of a correlationId, or of a reference's last
run; of a creId the one event of that line.

With --events-only the events alone are streamed, a JSON object a line, all of
them unless --events limits them. With --csv there is a row a thing: kind, id,
at, amount, state, vacation, correlationId, detail.`,
		Example: "  starter trace 00000120190725UEP\n  starter trace MONEXTEUR20260317001 --csv\n" +
			"  starter trace 00000120190725UEP --events-only > events.ndjson",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if how.events < 0 {
				return &InputError{What: fmt.Sprintf("--events %d is below zero", how.events), Next: helpOf(cmd)}
			}
			if how.csv && (s.json || how.only) {
				return &InputError{What: "--csv goes neither with --json nor with --events-only", Next: helpOf(cmd)}
			}
			if how.only && !cmd.Flags().Changed("events") {
				how.events = math.MaxInt64
			}
			return s.trace(cmd, args[0], how)
		},
	}
	cmd.Flags().Int64Var(&how.events, "events", tracedEvents, "how many events are shown")
	cmd.Flags().BoolVar(&how.only, "events-only", false, "stream the events alone, as NDJSON")
	cmd.Flags().BoolVar(&how.csv, "csv", false, "write a CSV row a thing, amounts in euros")
	return cmd
}

// tracing is how a trail is shown.
type tracing struct {
	events    int64 // at most
	only, csv bool
}

func (s *session) trace(cmd *cobra.Command, id string, how tracing) error {
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	found, err := audit.Trace(cmd.Context(), pool, id)
	if err != nil {
		return err
	}
	correlation, from, to := eventsOf(&found, how.events)
	switch {
	case how.only:
		s.shown = true
		return streamEvents(cmd.Context(), pool, s.out, correlation, from, to)
	case how.csv:
		s.shown = true
		return writeTrailCSV(s.out, &found)
	}
	traced := tracedDocument{Trail: found, Links: []string{}, Events: []json.RawMessage{}}
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
	article := "a"
	if d.Recognized == audit.EndToEndID {
		article = "an"
	}
	t.linef("%s is %s %s", d.ID, article, d.Recognized)
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
	for i := range d.Sections {
		writeSection(t, &d.Sections[i])
	}
	for _, note := range d.Notes {
		t.linef("")
		t.linef("note: %s", note)
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

// writeSection writes things that hang together with what is traced.
func writeSection(t *text, traced *audit.Section) {
	rows := make([][]string, 0, len(traced.Items))
	for i := range traced.Items {
		item := &traced.Items[i]
		row := []string{item.Kind, item.ID, "", "", cmp.Or(item.State, "-"), cmp.Or(item.Vacation, "-"), item.Detail}
		if item.At != nil {
			row[2] = instant(*item.At)
		}
		if item.Amount != nil {
			row[3] = euros(*item.Amount)
		}
		rows = append(rows, row)
	}
	section(t, traced.Name, rows)
	if traced.More > 0 {
		t.linef("  … and %d more", traced.More)
	}
}
