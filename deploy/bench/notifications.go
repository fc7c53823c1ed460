package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/reglo/reglo/activities/payment"
	gateway "github.com/reglo/reglo/deploy/partners/systempay"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/workflows"
)

// The goals of notifications of card payments.
const (
	// notificationsLeast is how many a second are taken at least, each committed
	// before it is answered.
	notificationsLeast = 500
	// latencyMost is that of one in a hundred at most, in milliseconds.
	latencyMost = 100
	// commitsLeast is the least part of the speed of bare commits, where the gateway
	// sends as fast as it can. A bare commit is one statement; a notification is five,
	// and who sends it, signs it and verifies it has the same processors.
	commitsLeast = 0.15
)

// How notifications are sent.
const (
	// gatewayConnections is how many the gateway has.
	gatewayConnections = 16
	// notificationsSent a second are a little more than the goal: the last answer
	// comes after its time.
	notificationsSent = 510
	// ordersPaid have some eleven thousand notifications: more than twenty seconds
	// of them.
	ordersPaid = 6_000
	// commitTime is how long bare commits are measured, in either way.
	commitTime = 5 * time.Second
)

// The shop, as the front and the gateway have it.
const (
	benchShop = "bench"
	benchSite = "12345678"
	benchKey  = "1122334455667788"
)

// notifications is P8: the gateway tells a front of payments, at the rate of the
// goal and then as fast as it can, beside bare commits of the same rows.
func notifications(ctx context.Context, stand *stand, options options, found *report) error {
	var sustained, p50, p95, p99, bareP99, kept, unbound, commits, ratios []float64
	for range options.runs {
		one, err := notificationsOnce(ctx, stand)
		if err != nil {
			return err
		}
		sustained, kept = append(sustained, one.sustained.PerSecond), append(kept, float64(one.kept))
		p50, p95, p99 = append(p50, one.sustained.P50), append(p95, one.sustained.P95), append(p99, one.sustained.P99)
		unbound, commits = append(unbound, one.unbound.PerSecond), append(commits, one.commits.second)
		bareP99, ratios = append(bareP99, one.commits.p99), append(ratios, one.unbound.PerSecond/one.commits.second)
	}
	found.atLeast("P8", fmt.Sprintf("notifications committed and answered, %d connections, %d a second sent",
		gatewayConnections, notificationsSent), median(sustained), notificationsLeast, "/s")
	found.add("P8", "of them in the database", median(kept), "rows")
	found.add("P8", "answer after its time, half of them within", median(p50), "ms")
	found.add("P8", "answer after its time, 95 % within", median(p95), "ms")
	found.atMost("P8", "answer after its time, 99 % within", median(p99), latencyMost, "ms")
	found.add("P8", "a bare commit of such a row at the same pace, 99 % within", median(bareP99), "ms")
	found.add("P8", "notifications as fast as the gateway can send", median(unbound), "/s")
	found.add("P8", fmt.Sprintf("ceiling: bare commits of the same rows, %d connections", gatewayConnections), median(commits), "/s")
	found.atLeast("P8", "as fast as it can / ceiling", median(ratios), commitsLeast, "")
	return nil
}

// told is what one run came to.
type told struct {
	sustained, unbound gateway.Tally
	kept               int64 // of sustained
	commits            committed
}

func notificationsOnce(ctx context.Context, stand *stand) (told, error) {
	database, err := stand.database(ctx)
	if err != nil {
		return told{}, err
	}
	defer database.drop(ctx)
	if err := database.durable(ctx); err != nil {
		return told{}, err
	}
	front, err := database.serve(ctx)
	if err != nil {
		return told{}, err
	}
	defer func() {
		front.stop()
		// Best effort: nobody works in the bench's namespace after it.
		_ = stand.server.TerminateWorkflow(context.WithoutCancel(ctx), workflows.PaymentsID, "", "the bench ends")
	}()
	var result told
	if result.sustained, err = database.flood(ctx, front, 1, notificationsSent); err != nil {
		return told{}, err
	}
	if result.kept, err = database.countTold(ctx, result.sustained.Notifications); err != nil {
		return told{}, err
	}
	if result.unbound, err = database.flood(ctx, front, 2, 0); err != nil {
		return told{}, err
	}
	if _, err = database.countTold(ctx, result.sustained.Notifications+result.unbound.Notifications); err != nil {
		return told{}, err
	}
	result.commits, err = database.commits(ctx)
	return result, err
}

// durable is nil where a commit is on the disk when it returns.
func (d *database) durable(ctx context.Context) error {
	var safe bool
	err := d.pool.QueryRow(ctx, `select current_setting('fsync')::boolean and current_setting('synchronous_commit') = 'on'`).Scan(&safe)
	if err != nil {
		return fmt.Errorf("ask how commits are kept: %w", err)
	}
	if !safe {
		return errors.New("PostgreSQL does not wait for the disk: set fsync and synchronous_commit on")
	}
	return nil
}

// serve runs the front until it is ready. It logs each notification, as it is
// shipped, into a file.
func (d *database) serve(ctx context.Context) (*process, error) {
	folder := filepath.Join(d.stand.folder, d.name)
	shops := filepath.Join(folder, "shops.yaml")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	for path, content := range map[string]string{
		shops: fmt.Sprintf("- {name: %s, site_id: %q, mode: TEST, algorithm: HMAC-SHA-256, key_file: key, ranges: [127.0.0.0/8]}\n",
			benchShop, benchSite),
		filepath.Join(folder, "key"): benchKey + "\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
	}
	log, err := os.Create(filepath.Join(folder, "front.log"))
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the front has its own
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, filepath.Join(d.stand.folder, "starter"), "serve")
	command.Env = append(os.Environ(), "REGLO_DATABASE_URL="+d.url, "REGLO_FRONT_ADDRESS="+address, "REGLO_SYSTEMPAY_SHOPS="+shops,
		"TEMPORAL_NAMESPACE="+d.stand.namespace)
	command.Stderr = log
	return launch(ctx, command, address)
}

// flood has buyers pay orders, and the gateway tell of them: that many
// notifications a second, as many as can be for 0. Each is answered 200.
func (d *database) flood(ctx context.Context, front *process, seed uint64, rate float64) (gateway.Tally, error) {
	orders, err := d.begin(ctx, seed)
	if err != nil {
		return gateway.Tally{}, err
	}
	if err := d.checkpoint(ctx); err != nil {
		return gateway.Tally{}, err
	}
	flood := gateway.Flood{
		Target: "http://" + front.address + "/ipn/systempay/" + benchShop, Orders: orders, Mode: string(systempay.Test),
		Shop:        gateway.Shop{Site: benchSite, Algorithm: gateway.SHA256, Keys: map[string]string{string(systempay.Test): benchKey}},
		Connections: gatewayConnections, Shuffle: true, Rate: rate, Attempts: 1, Seed: seed, Start: time.Now(), Clock: time.Now,
	}
	tally, err := flood.Run(ctx, io.Discard)
	if err != nil {
		return gateway.Tally{}, fmt.Errorf("send notifications: %w", err)
	}
	if answered := tally.Statuses["200"]; answered != tally.Notifications {
		return gateway.Tally{}, fmt.Errorf("%d of %d notifications were answered 200: %v", answered, tally.Notifications, tally.Statuses)
	}
	return tally, nil
}

// begin makes the forms of orders, which notifications are held against.
func (d *database) begin(ctx context.Context, seed uint64) ([]gateway.Order, error) {
	desk := payment.New(payment.Parts{Pool: d.pool, Clock: time.Now, Shops: []systempay.Shop{{
		Name: benchShop, SiteID: benchSite, Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
		Keys: systempay.Keys{Test: systempay.NewKey(benchKey)}, Ranges: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}}})
	orders := make([]gateway.Order, ordersPaid)
	var taken atomic.Int64
	err := together(gatewayConnections, func() error {
		for i := int(taken.Add(1)) - 1; i < len(orders); i = int(taken.Add(1)) - 1 {
			cents := int64(100 + i)
			form, err := desk.Begin(ctx, benchShop, systempay.Order{
				ID: fmt.Sprintf("BENCH-%d-%d", seed, i), Amount: decimal.New(cents, -2), Currency: "EUR",
				Customer: systempay.Customer{ID: strconv.Itoa(i)},
			}, payment.Invoice{})
			if err != nil {
				return err
			}
			expected := form.Expected
			orders[i] = gateway.Order{
				ID: expected.OrderID, Amount: expected.Amount.Units, Currency: expected.Amount.Currency,
				TransID: expected.TransactionID, TransDate: expected.At.UTC().Format("20060102150405"),
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make forms: %w", err)
	}
	return orders, nil
}

// countTold counts the notifications in the database. It is an error when some are
// not there, or not as what they are.
func (d *database) countTold(ctx context.Context, want int) (int64, error) {
	var kept, wrong int64
	err := d.pool.QueryRow(ctx, `select count(*),
			count(*) filter (where outcome not in ('ACCEPTED', 'PENDING', 'NOT_PAID', 'CAPTURE_FAILED'))
		from payment_notification where event_key is not null and repeats = 0`).Scan(&kept, &wrong)
	if err != nil {
		return 0, fmt.Errorf("count notifications: %w", err)
	}
	if kept != int64(want) || wrong > 0 {
		return 0, fmt.Errorf("%d of %d notifications are in the database, %d of them not as they were sent", kept, want, wrong)
	}
	return kept, nil
}

// bare are rows of the same table with the same indexes, each inserted by one
// statement and committed, from as many connections as the gateway has.
type bare struct {
	pool *pgxpool.Pool
	rows atomic.Int64
}

// committed is what bare commits come to.
type committed struct {
	second float64 // commits a second, as many as can be
	p99    float64 // ms after its time, at the gateway's pace
}

// commits is the ceiling.
func (d *database) commits(ctx context.Context) (committed, error) {
	if _, err := d.pool.Exec(ctx, `create table bare (like payment_notification including all)`); err != nil {
		return committed{}, fmt.Errorf("prepare: %w", err)
	}
	if err := d.checkpoint(ctx); err != nil {
		return committed{}, err
	}
	settings := d.pool.Config()
	settings.MaxConns, settings.MinConns = gatewayConnections, gatewayConnections
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return committed{}, fmt.Errorf("connect: %w", err)
	}
	defer pool.Close()
	rows := &bare{pool: pool}
	var result committed
	if result.p99, err = rows.paced(ctx); err != nil {
		return committed{}, err
	}
	result.second, err = rows.unbound(ctx)
	return result, err
}

func (b *bare) insert(ctx context.Context) error {
	_, err := b.pool.Exec(ctx, `insert into bare (shop, peer, received_at, outcome, level, reason, sha256, event_key, payment,
			order_id, customer, status, fields)
		select shop, peer, now(), outcome, level, reason, sha256, event_key || $1::bigint, payment,
			order_id, customer, status, fields
		from payment_notification where number = (select min(number) from payment_notification)`, b.rows.Add(1))
	if err != nil {
		return fmt.Errorf("commit a bare row: %w", err)
	}
	return nil
}

// unbound commits as fast as can be. It returns commits a second.
func (b *bare) unbound(ctx context.Context) (float64, error) {
	before, began := b.rows.Load(), time.Now()
	until := began.Add(commitTime)
	err := together(gatewayConnections, func() error {
		for time.Now().Before(until) {
			if err := b.insert(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(b.rows.Load()-before) / time.Since(began).Seconds(), err
}

// paced commits as many a second as the gateway sends. It returns within how many
// milliseconds of its time 99 % are committed: no notification is quicker.
func (b *bare) paced(ctx context.Context) (float64, error) {
	late := make([]float64, int(notificationsSent*commitTime.Seconds()))
	began := time.Now()
	var taken atomic.Int64
	err := together(gatewayConnections, func() error {
		for i := int(taken.Add(1)) - 1; i < len(late); i = int(taken.Add(1)) - 1 {
			due := began.Add(time.Duration(i) * time.Second / notificationsSent)
			timer := time.NewTimer(time.Until(due))
			select {
			case <-ctx.Done():
				timer.Stop()
				return fmt.Errorf("wait for the next: %w", ctx.Err())
			case <-timer.C:
			}
			if err := b.insert(ctx); err != nil {
				return err
			}
			late[i] = float64(time.Since(due)) / float64(time.Millisecond)
		}
		return nil
	})
	slices.Sort(late)
	return late[len(late)*99/100], err
}

// together has so many do the same at once, and gives one of their errors.
func together(hands int, work func() error) error {
	var all sync.WaitGroup
	failures := make(chan error, hands)
	for range hands {
		all.Go(func() {
			if err := work(); err != nil {
				failures <- err
			}
		})
	}
	all.Wait()
	close(failures)
	return <-failures // nil when there is none
}
