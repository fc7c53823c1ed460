package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/enums/v1"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// Parts of the automatic payouts that a Payline file asks for besides.
const (
	transfersOf = 10  // a tenth
	movesOf     = 100 // a hundredth
)

// payoutsLeast is the least part of a plain COPY's speed. The COPY writes each
// row once; a financière changes a payout's row at each of its five steps, and has
// each file judged by a schema, which takes a processor some two seconds.
const payoutsLeast = 0.2

// payouts is P6: a financière in which each of many CPs is paid out, alone and
// with a Payline file of requests, beside a plain COPY of the rows that it wrote.
func payouts(ctx context.Context, stand *stand, options options, found *report) error {
	alone := fmt.Sprintf("%d payouts", options.payouts)
	if err := payoutsOf(ctx, stand, options, found, alone, false); err != nil {
		return err
	}
	asked := fmt.Sprintf("and %d movements, %d transfers of Payline", options.payouts/movesOf, options.payouts/transfersOf)
	return payoutsOf(ctx, stand, options, found, asked, true)
}

func payoutsOf(ctx context.Context, stand *stand, options options, found *report, what string, asked bool) error {
	var seconds, peaks, server, ceilings, ratios, files []float64
	steps := make(map[string][]float64)
	for range options.runs {
		paid, err := payoutsOnce(ctx, stand, options, asked)
		if err != nil {
			return err
		}
		seconds, peaks, server = append(seconds, paid.seconds), append(peaks, paid.peak), append(server, paid.server)
		ceilings, ratios = append(ceilings, paid.ceiling), append(ratios, paid.ceiling/paid.seconds)
		files = append(files, paid.files)
		for name, took := range paid.steps {
			steps[name] = append(steps[name], took)
		}
	}
	for _, name := range stepsOfFinanciere() {
		if took := steps[name]; len(took) > 0 {
			found.add("P6", what+": "+name, median(took), "s")
		}
	}
	found.add("P6", what+": start to end event", median(seconds), "s")
	found.add("P6", what+": files handed to the bank, through the gate", median(files)/mebibyte, "MiB")
	found.add("P6", what+": PostgreSQL at work", median(server), "s")
	found.add("P6", what+": ceiling: COPY of the same rows", median(ceilings), "s")
	found.atLeast("P6", what+": ours / ceiling", median(ratios), payoutsLeast, "")
	found.atMost("P6", what+": worker's peak resident memory", median(peaks)/mebibyte, 150, "MiB")
	return nil
}

// stepsOfFinanciere are a financière's activities in their order.
func stepsOfFinanciere() []string {
	return []string{
		activities.LoadPaylineName, activities.MovePaylineName, activities.ControlPaylineName, activities.PlanPayoutsName,
		activities.ValidateCashoutsName, activities.PostPayoutsName, activities.DecantonName, activities.RemitName,
		activities.DispatchName, activities.CantonName, activities.AnswerPaylineName, activities.CloseVacationName,
	}
}

// paid is a financière that was measured.
type paid struct {
	timing

	steps   map[string]float64 // seconds of activities by name
	peak    float64            // bytes
	server  float64            // seconds in which PostgreSQL worked on statements
	ceiling float64            // seconds
	files   float64            // bytes handed to the bank
}

func payoutsOnce(ctx context.Context, stand *stand, options options, asked bool) (paid, error) {
	database, err := stand.database(ctx)
	if err != nil {
		return paid{}, err
	}
	defer database.drop(ctx)
	accounts, err := database.employ(ctx, options.payouts)
	if err != nil {
		return paid{}, err
	}
	date, err := calendar.ParseDate(businessDate)
	if err != nil {
		return paid{}, fmt.Errorf("business date: %w", err)
	}
	request := workflows.FinanciereRequest{BusinessDate: date, CutOff: time.Now().Add(time.Hour), RequestedBy: "bench"}
	if asked {
		request.Payline = filepath.Join(stand.folder, database.name+".Payline.000001.txt")
		if err := requests(request.Payline, date, accounts); err != nil {
			return paid{}, err
		}
	}
	worker, err := database.start(ctx, "REGLO_RELAY_ENABLED=false")
	if err != nil {
		return paid{}, err
	}
	defer worker.stop()
	if err := database.checkpoint(ctx); err != nil {
		return paid{}, err
	}
	result, err := database.pay(ctx, worker, request)
	if err != nil {
		return paid{}, err
	}
	before := []string{"account", "vacation", "bulk", "batch", "payline_file", "payline_line"}
	result.ceiling, err = copied(ctx, database, before, []string{"payout", "entry", "event_block", "event"})
	if err != nil {
		return paid{}, fmt.Errorf("ceiling: %w", err)
	}
	fmt.Printf("      run: ours %.2f s, ceiling %.2f s\n", result.seconds, result.ceiling)
	return result, nil
}

// pay runs the financière.
func (d *database) pay(ctx context.Context, worker *process, request workflows.FinanciereRequest) (paid, error) {
	before, err := d.serverTime(ctx)
	if err != nil {
		return paid{}, err
	}
	var result paid
	var totals vacation.FinanciereTotals
	result.timing, err = d.measure(ctx, workflows.FinanciereName, request.SessionKey(), request, &totals)
	if err != nil {
		return paid{}, err
	}
	if totals.Refused+totals.RejectedLines > 0 {
		return paid{}, fmt.Errorf("%d orders and %d lines were refused, none should be", totals.Refused, totals.RejectedLines)
	}
	if result.steps, err = steps(ctx, d.stand, result.timing); err != nil {
		return paid{}, err
	}
	if result.peak, err = worker.peak(); err != nil {
		return paid{}, err
	}
	if result.files, err = d.handedOver(ctx); err != nil {
		return paid{}, err
	}
	after, err := d.serverTime(ctx)
	result.server = after - before
	return result, err
}

// handedOver is how many bytes the files of all bulks have: each must be with the
// bank, as a pain.001.001.03.
func (d *database) handedOver(ctx context.Context) (float64, error) {
	var missing int
	var bytes float64
	err := d.pool.QueryRow(ctx, `
		select count(*) filter (where state <> 'SENT' or file_format <> $1 or file_sha256 is null), coalesce(sum(file_bytes), 0)::float8
		from bulk`, string(pain001.V03)).Scan(&missing, &bytes)
	if err != nil {
		return 0, fmt.Errorf("read the files of bulks: %w", err)
	}
	if missing > 0 || bytes == 0 {
		return 0, fmt.Errorf("%d bulks are not with the bank as %s, of %.0f bytes that are", missing, pain001.V03, bytes)
	}
	return bytes, nil
}

// serverTime is how long the server has worked on the database's statements, in
// seconds. A connection reports a second after its last work.
func (d *database) serverTime(ctx context.Context) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, fmt.Errorf("read the server's time: %w", ctx.Err())
	case <-time.After(2 * time.Second):
	}
	var milliseconds float64
	err := d.pool.QueryRow(ctx, `select active_time from pg_stat_database where datname = current_database()`).Scan(&milliseconds)
	if err != nil {
		return 0, fmt.Errorf("read the server's time: %w", err)
	}
	return milliseconds / 1000, nil
}

// steps are the seconds that activities took, by name, from the history.
func steps(ctx context.Context, stand *stand, measured timing) (map[string]float64, error) {
	took := make(map[string]float64)
	type begun struct {
		name string
		at   time.Time
	}
	scheduled := make(map[int64]begun)
	iterator := stand.server.GetWorkflowHistory(
		ctx, measured.run.GetID(), measured.run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		if activity := event.GetActivityTaskScheduledEventAttributes(); activity != nil {
			scheduled[event.GetEventId()] = begun{activity.GetActivityType().GetName(), event.GetEventTime().AsTime()}
		}
		if completed := event.GetActivityTaskCompletedEventAttributes(); completed != nil {
			begun := scheduled[completed.GetScheduledEventId()]
			took[begun.name] += event.GetEventTime().AsTime().Sub(begun.at).Seconds()
		}
	}
	return took, nil
}

// employ loads merchants that are all to be paid out on any day, puts money on
// their accounts, and returns their identifiers.
func (d *database) employ(ctx context.Context, count int) ([]string, error) {
	made, err := day(count, 0, 1)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, made); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, `
		update merchant set status = 'ACTIVE', payout_mode = 'AUTO', payout_frequency = 'DAILY', cp_to_cp_allowed = true,
		       reserve_cents = 0, payout_ceiling_cents = $1,
		       external_iban = cp_iban, external_bic = cp_bic, external_name = legal_name
		returning account_id`, int64(money.Max))
	if err != nil {
		return nil, fmt.Errorf("employ merchants: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("employ merchants: %w", err)
	}
	if err := d.deposit(ctx, accounts); err != nil {
		return nil, err
	}
	if _, err := d.pool.Exec(ctx, "vacuum full analyze"); err != nil {
		return nil, fmt.Errorf("analyze: %w", err)
	}
	return accounts, nil
}

// deposit is what each account has, beside a cent for each that comes before it.
const deposit money.Cents = 100_00

func (d *database) deposit(ctx context.Context, accounts []string) error {
	now := time.Now()
	entries := make([]ledger.Entry, len(accounts))
	for i, account := range accounts {
		entries[i] = ledger.Entry{
			Debit: ledger.Reglement, Credit: ledger.CP(account), Kind: ledger.KindOpening, Amount: deposit + money.Cents(i),
			Label: "DEPOT", TransactionAt: now, ValueDate: calendar.DateOf(now),
		}
	}
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		key := postgres.Key{Scope: "bench", Step: "deposit", Input: sha256.Sum256(nil)}
		batch, _, err := postgres.BeginBatch(ctx, tx, 0, key, now)
		if err == nil {
			_, err = postgres.Post(ctx, tx, batch, 0, entries)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("deposit: %w", err)
	}
	return nil
}

// requests writes a Payline file of movements and transfers that leave each CP
// something to be paid out.
func requests(path string, date calendar.Date, accounts []string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make requests: %w", err)
	}
	defer func() { _ = file.Close() }()
	writer, err := payline.NewWriter(file, payline.Header{Sequence: 1, Date: date})
	if err != nil {
		return fmt.Errorf("make requests: %w", err)
	}
	const amount = deposit / 4
	movements, transfers := len(accounts)/movesOf, len(accounts)/transfersOf
	for n := range movements + transfers {
		line := payline.Line{
			Kind: payline.Movement, EndToEndID: fmt.Sprintf("260317%010d", n), DebtorCP: accounts[n%len(accounts)],
			CreditorCP: accounts[(n+movements)%len(accounts)],
			Amount:     amount, Currency: money.Currency, Label: "MOUVEMENT", ExecDate: date,
		}
		if n >= movements {
			const bank = 30_003
			line.Kind, line.CreditorCP, line.CreditorName = payline.Transfer, "", fmt.Sprintf("FOURNISSEUR %d", n)
			line.CreditorBIC, line.CreditorIBAN = "SOGEFRPPXXX", iban.French(bank, 1, n)
		}
		if err := writer.Write(&line); err != nil {
			return fmt.Errorf("make request %d: %w", n, err)
		}
	}
	if _, err := writer.Close(); err != nil {
		return fmt.Errorf("make requests: %w", err)
	}
	return nil
}
