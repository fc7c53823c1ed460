package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// directory keeps the CPs of the last merchant snapshot that was used: some 100
// bytes a CP, read once a snapshot and not once a file.
type directory struct {
	mutex    sync.Mutex
	snapshot *snapshot
}

// snapshot is the CPs as a merchant snapshot says, by accountId. It does not change.
type snapshot struct {
	sequence int32
	cps      map[string]cp
}

type cp struct {
	account int32
	siret   string
	closed  bool
}

// current is the last snapshot that was loaded.
func (d *directory) current(ctx context.Context, pool *pgxpool.Pool) (*snapshot, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	// One snapshot of the database, so that the sequence is that of the rows.
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		queries := db.New(tx)
		sequence, err := queries.LastSnapshot(ctx)
		if err != nil {
			return fmt.Errorf("read the last snapshot: %w", err)
		}
		if sequence == 0 {
			return vacation.Fail(vacation.MerchantsMissing,
				"no merchants were ever loaded: run `starter merchants load FILE`, then this vacation again")
		}
		if d.snapshot != nil && d.snapshot.sequence == sequence {
			return nil
		}
		rows, err := queries.CPs(ctx)
		if err != nil {
			return fmt.Errorf("read CPs: %w", err)
		}
		d.snapshot = newSnapshot(sequence, rows)
		return nil
	})
	if err != nil {
		if failure, final := errors.AsType[*vacation.Failure](err); final {
			return nil, failure
		}
		return nil, fmt.Errorf("read merchants: %w", err)
	}
	return d.snapshot, nil
}

func newSnapshot(sequence int32, rows []db.CPsRow) *snapshot {
	made := &snapshot{sequence: sequence, cps: make(map[string]cp, len(rows))}
	for _, row := range rows {
		made.cps[row.AccountID] = cp{
			account: row.Account, siret: row.Siret, closed: row.Status == string(merchant.StatusClosed),
		}
	}
	return made
}

// find is the CP of a line and, when it cannot be posted there, why.
func (s *snapshot) find(line *settlement.Line) (account int32, parked part.Reason) {
	holder, known := s.cps[string(line.AccountID)]
	switch {
	case !known:
		return 0, part.UnknownCP
	case holder.closed:
		return 0, part.ClosedCP
	case holder.siret != string(line.Siret):
		return 0, part.OtherSiret
	default:
		return holder.account, ""
	}
}
