package command

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// writeTrailCSV writes a trail as flat rows, the runs first. What is not listed
// has a row of its section that counts it. Amounts are in euros.
func writeTrailCSV(out io.Writer, trail *audit.Trail) error {
	rows := append(trailRows{{"kind", "id", "at", "amount", "state", "vacation", "correlationId", "detail"}}, runRows(trail)...)
	rows.addLine(trail)
	rows.addSettlement(trail)
	for i := range trail.Sections {
		rows.addSection(&trail.Sections[i])
	}
	for _, note := range trail.Notes {
		rows.add("note", "", nil, nil, "", "", "", note)
	}
	writer := csv.NewWriter(out)
	if err := writer.WriteAll(rows); err != nil { // which flushes
		return fmt.Errorf("write to the standard output: %w", err)
	}
	return nil
}

type trailRows [][]string

func (r *trailRows) add(kind, id string, at *time.Time, amount *money.Cents, state, session, correlation, detail string) {
	row := []string{kind, id, "", "", state, session, correlation, detail}
	if at != nil {
		row[2] = at.UTC().Format(time.RFC3339Nano)
	}
	if amount != nil {
		row[3] = amount.String()
	}
	*r = append(*r, row)
}

func runRows(trail *audit.Trail) trailRows {
	var rows trailRows
	for i := range trail.Runs {
		run := &trail.Runs[i]
		id := vacation.ID{Kind: run.Kind, Key: run.Key}.String()
		rows.add("run", strconv.Itoa(run.Run), &run.StartedAt, nil, run.State, id, run.CorrelationID, run.FailureCode)
	}
	return rows
}

// addLine adds a card line and what its settlement then did to its CP.
func (r *trailRows) addLine(trail *audit.Trail) {
	if trail.Line == nil {
		return
	}
	entries := trail.Line.After
	if trail.Line.Entry != nil {
		entries = append([]audit.Entry{*trail.Line.Entry}, entries...)
	}
	for i := range entries {
		entry := &entries[i]
		r.add("entry", string(entry.Kind), entry.PostedAt, &entry.Amount, "", "", entry.CorrelationID,
			fmt.Sprintf("Dr %s / Cr %s", entry.Debit, entry.Credit))
	}
	if event := trail.Line.Event; event != nil {
		r.add("event", event.UID, nil, nil, "", "", event.CorrelationID, "event "+strconv.FormatInt(event.Seq, 10))
	}
	if parked := trail.Line.Parked; parked != nil {
		r.add("parked", parked.CreID, &parked.ParkedAt, &parked.Gross, parked.Reason, "", "", parked.AssignedTo)
	}
}

// addSettlement adds a settlement and what its runs did as a whole.
func (r *trailRows) addSettlement(trail *audit.Trail) {
	if settled := trail.Settlement; settled != nil {
		r.add("settlement", settled.Reference, settled.SettledAt, &settled.Amount, "", "", "", settled.Kind)
	}
	if trail.Line != nil {
		return
	}
	for _, kind := range trail.Entries {
		r.add("entries", string(kind.Kind), nil, &kind.Amount, "", "", "", strconv.FormatInt(kind.Entries, 10)+" in all")
	}
	for i := range trail.Orders {
		order := &trail.Orders[i]
		r.add("order", order.RefExterne, &order.CreatedAt, &order.Amount, order.State, "", "",
			fmt.Sprintf("%s from %s to %s", order.Purpose, order.Debtor, order.Creditor))
	}
	for i := range trail.Covers {
		cover := &trail.Covers[i]
		r.add("cover", cover.AccountID, nil, &cover.Amount, "", "", "", "SIRET "+cover.Siret)
	}
	for i := range trail.Parked {
		parked := &trail.Parked[i]
		r.add("parked", parked.CreID, &parked.ParkedAt, &parked.Gross, parked.Reason, "", "", "line "+strconv.Itoa(parked.Line))
	}
}

func (r *trailRows) addSection(section *audit.Section) {
	for i := range section.Items {
		item := &section.Items[i]
		r.add(section.Name+": "+item.Kind, item.ID, item.At, item.Amount, item.State, item.Vacation, item.CorrelationID, item.Detail)
	}
	if section.More > 0 {
		r.add(section.Name, "", nil, nil, "", "", "", strconv.FormatInt(section.More, 10)+" more are not listed")
	}
}
