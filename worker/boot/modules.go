package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities/accounts"
	"github.com/reglo/reglo/activities/cashout"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/days"
	"github.com/reglo/reglo/activities/debts"
	"github.com/reglo/reglo/activities/decisions"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/payline"
	outbox "github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/activities/remittances"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/schemas/xsd"
	"github.com/reglo/reglo/worker/boot/channel"
	"github.com/reglo/reglo/worker/boot/config"
	booterp "github.com/reglo/reglo/worker/boot/erp"
	"github.com/reglo/reglo/worker/boot/labels"
	"github.com/reglo/reglo/worker/boot/layout"
	"github.com/reglo/reglo/worker/boot/program"
	"github.com/reglo/reglo/worker/boot/shop"
	"github.com/reglo/reglo/worker/boot/telemetry"
	"github.com/reglo/reglo/worker/boot/wake"
	"github.com/reglo/reglo/workflows"
)

// Modules is the whole worker, but for its settings and its log. What is made
// first is stopped last: pollers stop before the relay, the relay before the
// answers to operators, and the connections at the end.
func Modules() fx.Option { //nolint:ireturn // fx has no other type for it
	return fx.Options(
		fx.Provide(func() func() time.Time { return time.Now }),
		fx.Provide(func(settings config.Config) (layout.Layouts, error) { return layout.Read(settings.Layout) }),
		fx.Provide(func(settings config.Config) (*label.Classifier, error) {
			return labels.Read(settings.Label, settings.Bank)
		}),
		fx.Provide(channel.NewPace, channel.New, channel.NewMailbox),
		fx.Module("telemetry", fx.Provide(telemetry.NewRegistry, program.CountTemporal, telemetry.NewDeliveries)),
		fx.Module("postgres", fx.Provide(openPool)),
		fx.Module("temporal", fx.Provide(dialTemporal)),
		activityModule(),
		fx.Module("workers", fx.Provide(newPollers)),
		fx.Module("relay", fx.Provide(newSinks)),
		fx.Invoke(makeFolders, func(layout.Layouts, channels.Channel) {}, registerFigures, serve, relay, poll),
	)
}

func makeFolders(settings config.Config) error { return settings.Data.Create() }

// openPool connects to a database of the right schema.
func openPool(lifecycle fx.Lifecycle, settings config.Config) (*pgxpool.Pool, error) {
	return program.OpenPool(context.Background(), lifecycle, settings, connections)
}

// dialTemporal connects to a namespace in which vacations can be found.
func dialTemporal(
	lifecycle fx.Lifecycle, settings config.Config, metrics client.MetricsHandler, log *slog.Logger,
) (client.Client, error) {
	server, err := program.DialTemporal(context.Background(), lifecycle, settings, "worker", metrics, log)
	if err != nil {
		return nil, err
	}
	if err := checkSearchAttributes(server, settings.Temporal.Namespace); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// checkTimeout bounds one question to a server that answered a moment ago.
const checkTimeout = 10 * time.Second

// checkSearchAttributes refuses a namespace in which a vacation would stop at
// its first step, without a word but in its history.
func checkSearchAttributes(server client.Client, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	list, err := server.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	var denied *serviceerror.PermissionDenied
	var unimplemented *serviceerror.Unimplemented
	if errors.As(err, &denied) || errors.As(err, &unimplemented) {
		return nil // a hosted server keeps its list to itself
	}
	if err != nil {
		return fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	var missing []string
	for _, key := range workflows.SearchAttributes() {
		if list.GetCustomAttributes()[key.GetName()] != key.GetValueType() {
			missing = append(missing, key.GetName())
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("namespace %s lacks the search attributes %s: run `starter register`", namespace, strings.Join(missing, ", "))
	}
	return nil
}

// activityModule makes all activities, as a group for the data worker.
func activityModule() fx.Option { //nolint:ireturn // fx has no other type for it
	return fx.Module("activities", fx.Provide(
		func(settings config.Config) outbox.Outbox {
			return outbox.Outbox{Environment: settings.Event.Environment, Node: settings.Event.Node}
		},
		inGroup(func(pool *pgxpool.Pool, outbox outbox.Outbox, settings config.Config, clock func() time.Time) registrar {
			return accounts.New(pool, outbox, settings.Data.Work(), clock)
		}),
		inGroup(func(pool *pgxpool.Pool, outbox outbox.Outbox, clock func() time.Time) registrar {
			return session.New(pool, outbox, clock)
		}),
		inGroup(func(pool *pgxpool.Pool, outbox outbox.Outbox, clock func() time.Time) registrar {
			return debts.New(pool, outbox, clock)
		}),
		inGroup(newIngest),
		inGroup(func(pool *pgxpool.Pool, outbox outbox.Outbox, settings config.Config, clock func() time.Time) registrar {
			return cashout.New(pool, outbox, cashout.Settings{
				Bank: transfers.Bank(settings.Bank).Named(), Calendar: calendar.Target{},
				Policy: settings.Cashout, Actors: settings.Operator.Actors,
			}, clock)
		}),
		inGroup(newPayline),
		inGroup(newStatements),
		inGroup(newMerchants),
		inGroup(func(pool *pgxpool.Pool, clock func() time.Time) registrar {
			return days.New(pool, calendar.Target{}, clock)
		}),
		func(pool *pgxpool.Pool, outbox outbox.Outbox, settings config.Config, clock func() time.Time) *transfers.Activities {
			return transfers.New(pool, outbox, transfers.Bank(settings.Bank), calendar.Target{}, clock)
		},
		inGroup(func(own *transfers.Activities) registrar { return own }),
		inGroup(newVirements),
		inGroup(newDecisions),
		shop.Read,
		inGroup(newMatching),
		newRemittances,
		inGroup(func(bank *remittances.Activities) registrar { return bank }),
		fx.Annotate(func(bank *remittances.Activities) dispatcher { return bank }, fx.ResultTags(dispatcherGroup)),
		fx.Annotate(newReception, fx.ResultTags(dispatcherGroup)),
		newERP,
		inGroup(func(tells *erp.Activities) registrar { return tells }),
	))
}

func newMatching(pool *pgxpool.Pool, shops []shop.Shop, settings config.Config, clock func() time.Time) registrar {
	parts := matching.Parts{Pool: pool, Settings: settings.SystemPay.Match, Calendar: calendar.Target{}, Clock: clock}
	for i := range shops {
		parts.Shops = append(parts.Shops, matching.Shop{Name: shops[i].Name, Contracts: shops[i].Contracts})
	}
	return matching.New(parts)
}

// newERP makes what tells the ERP of settlements.
func newERP(pool *pgxpool.Pool, server client.Client, settings config.Config, clock func() time.Time) (*erp.Activities, error) {
	way, err := booterp.NewClient(settings, clock)
	if err != nil {
		return nil, err
	}
	posted, err := booterp.Settings(settings)
	if err != nil {
		return nil, err
	}
	return erp.New(erp.Parts{Pool: pool, ERP: way, Settings: posted, Waker: postings{server}, Clock: clock}), nil
}

// postings has a dossier's settlements posted.
type postings struct {
	server client.Client
}

// Wake has them posted.
func (p postings) Wake(ctx context.Context, dossier string) error {
	_, err := wake.Postings(ctx, p.server, dossier)
	return err
}

func newReception(
	pool *pgxpool.Pool, mailbox channels.Mailbox, grammars *label.Classifier, layouts layout.Layouts, settings config.Config,
	clock func() time.Time,
) dispatcher {
	data := settings.Data
	var partners []reception.Partner
	if mailbox != nil {
		partners = append(partners, reception.Partner{Name: settings.Hook.Server, Mailbox: mailbox})
	}
	return reception.New(reception.Parts{
		Pool: pool, Partners: partners, Clock: clock,
		Folders: reception.Folders{Inbox: data.Inbox(), Work: data.Work(), Archive: inbox.Archive(data.Archive())},
		Reader: delivery.Reader{
			Layouts:  delivery.Layouts{CRE: layouts.CRE, Merchants: layouts.Merchants, Payline: layouts.Payline},
			Accounts: transfers.Bank(settings.Bank).IBANs(), Details: reject.NewReader(grammars),
		},
	})
}

func newRemittances(
	pool *pgxpool.Pool, outbox outbox.Outbox, own *transfers.Activities, channel channels.Channel, settings config.Config,
	clock func() time.Time,
) (*remittances.Activities, error) {
	gate, err := xsd.NewGate(string(settings.Bank.Format.Version))
	if err != nil {
		return nil, fmt.Errorf("bank.file_version: %w", err)
	}
	return remittances.New(remittances.Parts{
		Pool: pool, Outbox: outbox, Own: own, Channel: channel,
		Gate: gate, Archive: inbox.Archive(settings.Data.Archive()),
		Bank: transfers.Bank(settings.Bank), Calendar: calendar.Target{}, Actors: settings.Operator.Actors, Clock: clock,
	}), nil
}

func newVirements(
	pool *pgxpool.Pool, outbox outbox.Outbox, grammars *label.Classifier, settings config.Config, clock func() time.Time,
) registrar {
	folders := virements.Folders{Inbox: settings.Data.Inbox(), Archive: settings.Data.Archive()}
	return virements.New(pool, outbox, folders, reject.NewReader(grammars), transfers.Bank(settings.Bank).Named(), calendar.Target{}, clock)
}

func newDecisions(
	pool *pgxpool.Pool, outbox outbox.Outbox, own *transfers.Activities, grammars *label.Classifier, settings config.Config,
	clock func() time.Time,
) registrar {
	return decisions.New(pool, outbox, settings.Operator.Actors, grammars, own, clock)
}

type ingestIn struct {
	fx.In

	Pool     *pgxpool.Pool
	Settings config.Config
	Layouts  layout.Layouts
	Grammars *label.Classifier
	Clock    func() time.Time
	Shops    []shop.Shop
	Options  []ingest.Option `optional:"true"` // tests cut smaller
}

func newIngest(in ingestIn) registrar { //nolint:gocritic // fx takes no pointer, and calls it once
	data := in.Settings.Data
	folders := ingest.Folders{Inbox: data.Inbox(), Work: data.Work(), Archive: data.Archive()}
	return ingest.New(in.Pool, folders, reject.NewReader(in.Grammars), in.Clock,
		append(in.Options, ingest.WithLayout(in.Layouts.CRE), ingest.WithContracts(shop.Contracts(in.Shops)))...)
}

func newStatements(
	pool *pgxpool.Pool, outbox outbox.Outbox, grammars *label.Classifier, settings config.Config, clock func() time.Time,
) registrar {
	return statements.New(
		pool, outbox, grammars, transfers.Bank(settings.Bank).IBANs(), inbox.Archive(settings.Data.Archive()), clock)
}

func newMerchants(pool *pgxpool.Pool, settings config.Config, layouts layout.Layouts, clock func() time.Time) registrar {
	guard := merchants.Guard{MaxClosedPercent: settings.Merchants.MaxClosedPercent, Layout: layouts.Merchants}
	return merchants.New(pool, inbox.Archive(settings.Data.Archive()), settings.Operator.Actors, guard, clock)
}

func newPayline(
	pool *pgxpool.Pool, outbox outbox.Outbox, settings config.Config, layouts layout.Layouts, clock func() time.Time,
) registrar {
	data, bank := settings.Data, settings.Bank
	folders := payline.Folders{Inbox: data.Inbox(), Archive: data.Archive(), Outbox: data.Outbox()}
	return payline.New(pool, outbox, folders, payline.Settings{
		Bank: transfers.Bank(bank).Named(), BankBIC: bank.Reglement.BIC, Calendar: calendar.Target{}, Layout: layouts.Payline,
	}, clock)
}

const (
	activityGroup   = `group:"activities"`
	dispatcherGroup = `group:"dispatchers"`
)

func inGroup(constructor any) any { return fx.Annotate(constructor, fx.ResultTags(activityGroup)) }

func newSinks(lifecycle fx.Lifecycle, settings config.Config, clock func() time.Time) []events.Sink {
	var sinks []events.Sink
	if settings.Sink.File {
		file := events.NewFile(settings.Data.Events(), clock)
		lifecycle.Append(fx.StopHook(file.Close))
		sinks = append(sinks, file)
	}
	return sinks
}

func registerFigures(
	registry *prometheus.Registry, pool *pgxpool.Pool, sinks []events.Sink, clock func() time.Time, log *slog.Logger,
) error {
	names := make([]string, 0, len(sinks))
	for _, sink := range sinks {
		names = append(names, sink.Name())
	}
	return telemetry.RegisterFigures(registry, pool, names, clock, log)
}
