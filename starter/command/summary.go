package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/config"
)

const (
	// largestShown is how many balances a summary shows.
	largestShown = 5
	// listed is how many debts and parked lines a summary shows to a person.
	listed = 10
	// deliveryEvery is how often the sink's backlog is looked at.
	deliveryEvery = 200 * time.Millisecond
)

func newSummary(s *session) *cobra.Command {
	var delivered time.Duration
	cmd := &cobra.Command{
		Use:   "summary REFERENCE|RUN",
		Short: "Show what came out of a settlement or another vacation: totals, entries, orders, events, files",
		Long: `Show what came out of a settlement, named by its reference, or of another
vacation, named by its workflow id, such as vacation-creances/2026-11-23.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if delivered < 0 {
				return &InputError{What: "--delivered-within " + delivered.String() + " is below zero", Next: helpOf(cmd)}
			}
			pool, settings, err := s.database(cmd)
			if err != nil {
				return err
			}
			id, reference, err := s.subject(args[0])
			if err != nil {
				return err
			}
			if reference == "" {
				return s.summarizeVacation(cmd.Context(), pool, settings, id, delivered)
			}
			found, err := audit.TraceSession(cmd.Context(), pool, reference)
			if err != nil {
				return err
			}
			if last := len(found.Runs) - 1; found.Settlement != nil && last >= 0 && found.Runs[last].Kind == vacation.ReglementVirements {
				id := vacation.ID{Kind: found.Runs[last].Kind, Key: found.Runs[last].Key}
				return s.summarizeVacation(cmd.Context(), pool, settings, id, delivered)
			}
			if found.Settlement == nil || len(found.Runs) == 0 {
				return &InputError{What: args[0] + " is no settlement's", Next: "`starter trace " + args[0] + "` shows what it is"}
			}
			summary, err := s.summarize(cmd.Context(), pool, settings, &found, delivered)
			if err != nil {
				return err
			}
			return s.show(summary)
		},
	}
	cmd.Flags().DurationVar(&delivered, "delivered-within", 0,
		"wait so long for the events to be delivered, such as 30s; what is left then is shown")
	return cmd
}

func (s *session) summarize(
	ctx context.Context, pool *pgxpool.Pool, settings config.Config, found *audit.Trail, delivered time.Duration,
) (*summaryDocument, error) {
	run := found.Runs[len(found.Runs)-1]
	id := vacation.ID{Kind: run.Kind, Key: run.Key}.String()
	summary := &summaryDocument{
		Settlement: *found.Settlement, Run: run, Covers: found.Covers, Parked: found.Parked,
		UI: s.link(settings.Temporal.Namespace, id, run.WorkflowRun),
	}
	var err error
	if summary.Largest, err = audit.LargestBalances(ctx, pool, largestShown); err != nil {
		return nil, err
	}
	if summary.Debts, err = audit.Debts(ctx, pool); err != nil {
		return nil, err
	}
	if summary.Events, err = audit.EventsByType(ctx, pool, run.CorrelationID); err != nil {
		return nil, err
	}
	if settings.Sink.File {
		if summary.Backlog, err = s.awaitDelivery(ctx, pool, settings, delivered); err != nil {
			return nil, err
		}
	}
	summary.Files, err = s.filesOf(settings.Data, found.Settlement.Reference, &run)
	return summary, err
}

// awaitDelivery returns how many committed events the file sink was not told
// of, when there are none or the time is over.
func (s *session) awaitDelivery(
	ctx context.Context, pool *pgxpool.Pool, settings config.Config, within time.Duration,
) (int64, error) {
	relay := events.NewRelay(pool, events.NewFile(settings.Data.Events(), s.now), events.Options{}, s.now,
		slog.New(slog.DiscardHandler))
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	ticker := time.NewTicker(deliveryEvery)
	defer ticker.Stop()
	for {
		backlog, err := relay.Backlog(ctx)
		if err != nil || backlog == 0 || within == 0 {
			return backlog, err
		}
		select {
		case <-ctx.Done():
			return backlog, ctx.Err()
		case <-deadline.C:
			return backlog, nil
		case <-ticker.C:
		}
	}
}

// filesOf lists the files that a settlement left on this machine: what is
// archived of it, and the events of the days on which it ran.
func (s *session) filesOf(data config.Data, reference string, run *audit.Run) (filesDocument, error) {
	files := filesDocument{Inbox: data.Inbox(), Archive: []string{}, Events: []string{}}
	entries, err := os.ReadDir(data.Archive())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files, fmt.Errorf("list the archive: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), reference+".") {
			files.Archive = append(files.Archive, filepath.Join(data.Archive(), entry.Name()))
		}
	}
	last := calendar.DateOf(s.now())
	if run.EndedAt != nil {
		// What is committed before midnight may be delivered after it.
		last = calendar.DateOf(*run.EndedAt).AddDays(1)
	}
	for date := calendar.DateOf(run.StartedAt); !date.After(last); date = date.AddDays(1) {
		path := filepath.Join(data.Events(), events.FileName(date))
		if _, err := os.Stat(path); err == nil {
			files.Events = append(files.Events, path)
		}
	}
	return files, nil
}

// summaryDocument is what came out of a settlement. Balances and debts are those
// of the whole books.
type summaryDocument struct {
	Settlement audit.Settlement   `json:"settlement"`
	Run        audit.Run          `json:"run"` // the last one
	Largest    []audit.Balance    `json:"largestBalances"`
	Covers     []audit.Cover      `json:"covers"`
	Debts      audit.DebtList     `json:"debts"`
	Parked     []audit.ParkedLine `json:"parked"`
	Events     []audit.TypeCount  `json:"events"`
	Backlog    int64              `json:"undeliveredEvents"` // of all vacations
	Files      filesDocument      `json:"files"`
	UI         string             `json:"ui"`
}

// filesDocument says where files are; lists hold those that exist.
type filesDocument struct {
	Inbox   string   `json:"inbox"`
	Archive []string `json:"archive"`
	Events  []string `json:"events"`
}

func (d *summaryDocument) writeText(t *text) {
	writeRun(t, &d.Run, d.UI)
	t.linef("")
	t.rows(settlementRows(&d.Settlement))
	section(t, fmt.Sprintf("the %d largest balances", len(d.Largest)), balanceRows(d.Largest))

	section(t, fmt.Sprintf("open debts: %d, %s left of %s", len(d.Debts.Debts), euros(d.Debts.Remaining), euros(d.Debts.Initial)),
		shorten(debtRows(d.Debts.Debts), len(d.Debts.Debts), "`starter debts` lists all"))
	section(t, fmt.Sprintf("parked lines: %d, %s", d.Settlement.ParkedLines, euros(d.Settlement.Parked)),
		shorten(parkedRows(d.Parked), int(d.Settlement.ParkedLines), "`starter parked` lists all"))

	section(t, fmt.Sprintf("events: %d", d.Run.Events), typeRows(d.Events))
	if d.Backlog > 0 {
		t.linef("  %s of all vacations not delivered yet", count(d.Backlog, "event"))
	}

	section(t, "files", d.Files.rows())
}

func (d filesDocument) rows() [][]string {
	rows := make([][]string, 0, 1+len(d.Archive)+len(d.Events))
	rows = append(rows, []string{"inbox", d.Inbox})
	for _, path := range d.Archive {
		rows = append(rows, []string{"archive", path})
	}
	for _, path := range d.Events {
		rows = append(rows, []string{"events", path})
	}
	return rows
}

// shorten keeps the first rows of a list for a person.
func shorten(rows [][]string, total int, rest string) [][]string {
	if total <= listed || len(rows) == 0 {
		return rows
	}
	return append(rows[:listed], []string{fmt.Sprintf("… and %d more: %s", total-listed, rest)})
}
