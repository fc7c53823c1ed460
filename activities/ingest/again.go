package ingest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// splitAgain splits a file that was accepted before: its parts were lost, or
// another run goes on. Merchants may have changed since, so that which lines
// are parked, or their merchant's debt, is read from the list; a CP's account
// never changes.
func (l *loading) splitAgain(
	ctx context.Context, tx pgx.Tx, known db.LockSettlementRow, merchants *snapshot,
) error {
	planned, err := part.Saved(ctx, tx, known.Number)
	if err != nil {
		return err
	}
	if l.writer, err = part.NewWriter(l.activities.folders.Work, len(planned.Parts)-1); err != nil {
		return err
	}
	rows, err := db.New(tx).ParkedLines(ctx, known.Number)
	if err != nil {
		return fmt.Errorf("read the list of parked lines: %w", err)
	}
	parked := make(map[int]part.Reason, len(rows))
	for _, row := range rows {
		parked[int(row.Line)] = part.Reason(row.Reason)
	}
	summary, err := settlement.Read(l.name, l.file, l.activities.layout, func(line *settlement.Line) error {
		l.read.Add(1)
		reason, found := parked[line.Number]
		switch {
		case !found:
			return l.writer.Add(partOf(line.Siret, len(planned.Parts)-1), merchants.cps[string(line.AccountID)].account, line)
		case reason == part.DebtOfMerchant:
			return l.writer.Add(partOf(line.Siret, len(planned.Parts)-1), part.ToDebt, line)
		default:
			return l.writer.Add(part.Parked, reason.Number(), line)
		}
	})
	if err == nil && !slices.Equal(summary.SHA256[:], known.FileSha256) {
		err = vacation.Fail(vacation.ParametersConflict,
			"settlement %s was loaded from a file with SHA-256 %s, %s has another; nothing more was posted: bring the first file back",
			known.Reference, hex.EncodeToString(known.FileSha256), l.name)
	}
	if err != nil {
		return err
	}
	if err := l.writer.Finish(); err != nil {
		return err
	}
	if !slices.Equal(planned.Parts, l.writer.Parts()) {
		return fmt.Errorf("%s is split otherwise than when it was accepted: tell the maintainers", l.name)
	}
	return nil
}
