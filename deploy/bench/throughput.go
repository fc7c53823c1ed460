package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/workflows"
)

// throughput is P1: a large file, from its place on disk to the committed end
// event, beside what PostgreSQL takes at most and beside one transaction a line.
func throughput(ctx context.Context, stand *stand, options options, found *report) error {
	made, err := day(options.merchants, options.lines, 1)
	if err != nil {
		return err
	}
	request, err := stand.file(made)
	if err != nil {
		return err
	}
	var ours, ceilings, naives []float64
	for range options.runs {
		measured, err := throughputOnce(ctx, stand, options, request)
		if err != nil {
			return err
		}
		ours = append(ours, measured.ours)
		ceilings = append(ceilings, measured.ceiling)
		naives = append(naives, measured.naive)
		fmt.Printf("      run: ours %.0f lines/s, ceiling %.0f, naive %.0f\n", measured.ours, measured.ceiling, measured.naive)
	}
	ratios := make([]float64, len(ours))
	over := make([]float64, len(ours))
	for i := range ours {
		ratios[i], over[i] = ours[i]/ceilings[i], ours[i]/naives[i]
	}
	found.add("P1", "règlement-transactions, file to end event", median(ours), "lines/s")
	found.add("P1", "ceiling: COPY of the same rows, same indexes, balances set-based", median(ceilings), "lines/s")
	found.add("P1", "naive: one transaction a line, 8 clients", median(naives), "lines/s")
	found.atLeast("P1", "ours / ceiling", median(ratios), 0.5, "")
	found.atLeast("P1", "ours / naive", median(over), 20, "")
	return nil
}

type rates struct {
	ours, ceiling, naive float64 // lines a second
}

func throughputOnce(
	ctx context.Context, stand *stand, options options, request workflows.ReglementRequest,
) (rates, error) {
	settled, err := stand.database(ctx)
	if err != nil {
		return rates{}, err
	}
	defer settled.drop(ctx)
	made, err := day(options.merchants, options.lines, 1)
	if err != nil {
		return rates{}, err
	}
	if err := settled.prepare(ctx, made); err != nil {
		return rates{}, err
	}
	worker, err := settled.start(ctx, "REGLO_RELAY_ENABLED=false")
	if err != nil {
		return rates{}, err
	}
	defer worker.stop()
	if err := settled.checkpoint(ctx); err != nil {
		return rates{}, err
	}
	ours, err := settled.settle(ctx, request)
	if err != nil {
		return rates{}, err
	}
	ceiling, err := ceiling(ctx, settled)
	if err != nil {
		return rates{}, fmt.Errorf("ceiling: %w", err)
	}
	naive, err := naive(ctx, settled)
	if err != nil {
		return rates{}, fmt.Errorf("naive: %w", err)
	}
	lines := float64(ours.totals.Lines)
	return rates{ours: lines / ours.seconds, ceiling: lines / ceiling, naive: naive}, nil
}

// bulk are the tables that hold rows a line.
func bulk() []string { return []string{"cre_line", "entry"} }

// ceiling copies the rows that the settled database holds into an empty one
// with the same tables and indexes, and brings the balances up to date in one
// statement: no controls, no events, no Temporal. It returns seconds.
func ceiling(ctx context.Context, settled *database) (float64, error) {
	return copied(ctx, settled, []string{"account"}, bulk())
}

// copied is how long the rows of tables take into an empty database, with the
// balances. What they refer to is there before.
func copied(ctx context.Context, settled *database, before, tables []string) (float64, error) {
	for _, table := range slices.Concat(before, tables) {
		if err := dump(ctx, settled, table); err != nil {
			return 0, err
		}
	}
	empty, err := settled.stand.database(ctx)
	if err != nil {
		return 0, err
	}
	defer empty.drop(ctx)
	if _, err := empty.pool.Exec(ctx, `truncate account cascade`); err != nil {
		return 0, fmt.Errorf("prepare: %w", err)
	}
	fill := func(tx pgx.Tx, tables []string) error {
		for _, table := range tables {
			if err := load(ctx, tx, settled, table); err != nil {
				return err
			}
		}
		return nil
	}
	if err := pgx.BeginFunc(ctx, empty.pool, func(tx pgx.Tx) error { return fill(tx, before) }); err != nil {
		return 0, fmt.Errorf("prepare: %w", err)
	}
	// Vacuum runs in no transaction, so that it cannot share the update's.
	for _, statement := range []string{`update account set debit_cents = 0, credit_cents = 0`, `vacuum analyze account`} {
		if _, err := empty.pool.Exec(ctx, statement); err != nil {
			return 0, fmt.Errorf("prepare: %w", err)
		}
	}
	if err := empty.checkpoint(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	err = pgx.BeginFunc(ctx, empty.pool, func(tx pgx.Tx) error {
		if err := fill(tx, tables); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			update account a set debit_cents = m.debit, credit_cents = m.credit
			from (select account, sum(debit) as debit, sum(credit) as credit
			      from (select debit as account, amount_cents as debit, 0 as credit from entry
			            union all
			            select credit, 0, amount_cents from entry) as sides
			      group by account) as m
			where a.id = m.account`)
		if err != nil {
			return fmt.Errorf("balances: %w", err)
		}
		return nil
	})
	return time.Since(began).Seconds(), err
}

func (d *database) dumped(table string) string {
	return filepath.Join(d.stand.folder, d.name+"."+table)
}

func dump(ctx context.Context, from *database, table string) error {
	file, err := os.Create(from.dumped(table))
	if err != nil {
		return fmt.Errorf("dump %s: %w", table, err)
	}
	defer func() { _ = file.Close() }()
	err = from.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Conn().PgConn().CopyTo(ctx, file, "copy "+table+" to stdout (format binary)"); err != nil {
			return fmt.Errorf("copy out: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dump %s: %w", table, err)
	}
	return nil
}

func load(ctx context.Context, tx pgx.Tx, from *database, table string) error {
	file, err := os.Open(from.dumped(table))
	if err != nil {
		return fmt.Errorf("load %s: %w", table, err)
	}
	defer func() { _ = file.Close() }()
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, file, "copy "+table+" from stdin (format binary)"); err != nil {
		return fmt.Errorf("load %s: %w", table, err)
	}
	return nil
}

// The naive way: what one would write first.
const (
	naiveClients = 8
	naiveTime    = 5 * time.Second
)

// naive posts lines of the settled file one a transaction, from 8 clients: its
// line, its entry, its two balances, its event. It returns lines a second.
func naive(ctx context.Context, settled *database) (float64, error) {
	_, err := settled.pool.Exec(ctx, strings.Join([]string{
		`create table naive_line (like cre_line including all)`,
		`create table naive_entry (like entry including all)`,
		`create table naive_event (like event including all)`,
	}, "; "))
	if err != nil {
		return 0, fmt.Errorf("prepare: %w", err)
	}
	var accounts []int32
	rows, err := settled.pool.Query(ctx, `select id from account where class = 'CP' order by id`)
	if err != nil {
		return 0, fmt.Errorf("read accounts: %w", err)
	}
	if accounts, err = pgx.CollectRows(rows, pgx.RowTo[int32]); err != nil {
		return 0, fmt.Errorf("read accounts: %w", err)
	}
	var suspense int32
	if err := settled.pool.QueryRow(ctx, `select id from account where class = 'TR.SET'`).Scan(&suspense); err != nil {
		return 0, fmt.Errorf("read accounts: %w", err)
	}

	var posted atomic.Int64
	until := time.Now().Add(naiveTime)
	began := time.Now()
	failures := make(chan error, naiveClients)
	var clients sync.WaitGroup
	for range naiveClients {
		clients.Go(func() {
			for time.Now().Before(until) {
				line := posted.Add(1)
				account := accounts[int(line)%len(accounts)]
				if err := naiveLine(ctx, settled.pool, line, suspense, account); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	clients.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return float64(posted.Load()) / time.Since(began).Seconds(), nil
	}
}

func naiveLine(ctx context.Context, pool *pgxpool.Pool, line int64, suspense, account int32) error {
	const amount = 1234
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, statement := range []struct {
			sql       string
			arguments []any
		}{
			{`insert into naive_line values ($1, 1, $2, 1)`, []any{fmt.Sprintf("NAIVE%d", line), line}},
			{`insert into naive_entry values ($1, $2, now(), 0, $3, $4, $5, now(), 'SALE', 'RBCRR      CB10:25:55C1234567121119')`,
				[]any{line, amount, suspense, account, line}},
			{`update account set credit_cents = credit_cents + $1 where id = $2`, []any{amount, account}},
			{`update account set debit_cents = debit_cents + $1 where id = $2`, []any{amount, suspense}},
			{`insert into naive_event values (1, $1, 'create-account-transaction', '[]')`, []any{line}},
		} {
			if _, err := tx.Exec(ctx, statement.sql, statement.arguments...); err != nil {
				return fmt.Errorf("%s: %w", statement.sql, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return nil
}
