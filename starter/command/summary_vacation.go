package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/config"
)

// subject is what a summary is asked of: a settlement's reference, or the id of
// another vacation, in which case the reference is empty.
func (*session) subject(name string) (id vacation.ID, reference string, err error) {
	if !strings.Contains(name, "/") {
		return vacation.ID{}, name, nil
	}
	id, err = vacation.ParseID(name)
	if err != nil {
		return id, "", &InputError{
			What: err.Error(), Next: "name a settlement's reference or a vacation's workflow id; `starter progress` shows a day",
		}
	}
	if id.Kind == vacation.ReglementTransactions || id.Kind == vacation.ReglementImpayes {
		return id, id.Key, nil
	}
	return id, "", nil
}

// summarizeVacation shows what came out of a vacation that settles no file of lines.
func (s *session) summarizeVacation(
	ctx context.Context, pool *pgxpool.Pool, settings config.Config, id vacation.ID, delivered time.Duration,
) error {
	trail, kept, err := audit.RunsOf(ctx, pool, id)
	if err != nil {
		return err
	}
	run := trail.Runs[len(trail.Runs)-1]
	summary := &vacationSummary{
		Run: run, Entries: trail.Entries, Orders: trail.Orders, UI: s.link(settings.Temporal.Namespace, id.String(), run.WorkflowRun),
	}
	if string(kept) != "null" {
		summary.Totals = newTotals(id.String())
		if err := json.Unmarshal(kept, summary.Totals); err != nil {
			return fmt.Errorf("read the totals of %s: %w", id, err)
		}
		// Totals are kept with the last event, which they cannot count.
		if err := json.Unmarshal(fmt.Appendf(nil, `{"events":%d}`, run.Events), summary.Totals); err != nil {
			return fmt.Errorf("count the events of %s: %w", id, err)
		}
	}
	if summary.Events, err = audit.EventsByType(ctx, pool, run.CorrelationID); err != nil {
		return err
	}
	if settings.Sink.File {
		if summary.Backlog, err = s.awaitDelivery(ctx, pool, settings, delivered); err != nil {
			return err
		}
	}
	return s.show(summary)
}

// vacationSummary is what came out of a vacation. Entries and orders are of all
// its runs, totals and events of the last.
type vacationSummary struct {
	Run     audit.Run         `json:"run"`
	Totals  totals            `json:"totals,omitempty"`
	Entries []audit.KindSum   `json:"entries"`
	Orders  []audit.Order     `json:"orders"`
	Events  []audit.TypeCount `json:"events"`
	Backlog int64             `json:"undeliveredEvents"` // of all vacations
	UI      string            `json:"ui"`
}

func (d *vacationSummary) writeText(t *text) {
	writeRun(t, &d.Run, d.UI)
	if d.Totals != nil {
		section(t, "totals", d.Totals.rows())
	}
	section(t, "entries", kindRows(d.Entries))
	section(t, "own transfers ordered", orderRows(d.Orders))
	section(t, fmt.Sprintf("events: %d", d.Run.Events), typeRows(d.Events))
	if d.Backlog > 0 {
		t.linef("  %s of all vacations not delivered yet", count(d.Backlog, "event"))
	}
}

func typeRows(types []audit.TypeCount) [][]string {
	rows := make([][]string, 0, len(types))
	for _, counted := range types {
		rows = append(rows, []string{string(counted.Type), number(counted.Events)})
	}
	return rows
}
