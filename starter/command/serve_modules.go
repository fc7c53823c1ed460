package command

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/starter/front"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/health"
	"github.com/reglo/reglo/worker/boot/program"
	"github.com/reglo/reglo/worker/boot/shop"
	"github.com/reglo/reglo/worker/boot/telemetry"
	"github.com/reglo/reglo/worker/boot/wake"
)

// frontConnections of the pool: a notice is one statement, a payment's notification
// a transaction of some milliseconds, and a probe asks twice.
const frontConnections = 16

// routeGroup gathers what partners may call. Each constructor gives a list, empty
// when the settings leave its routes out.
const (
	routeGroup  = `group:"routes"`
	routesGroup = `group:"routes,flatten"`
)

// inRoutes has what a constructor makes answered.
func inRoutes(constructor any) any { return fx.Annotate(constructor, fx.ResultTags(routesGroup)) }

// frontModules is the front, but for its settings, its clock and its log. The
// context ends the wait for servers that do not answer.
func frontModules(ctx context.Context) fx.Option { //nolint:ireturn // fx has no other type for it
	return fx.Options(
		fx.WithLogger(program.Logger),
		fx.Provide(
			telemetry.NewRegistry,
			program.CountTemporal,
			func(lifecycle fx.Lifecycle, settings config.Config) (*pgxpool.Pool, error) {
				pool, err := program.OpenPool(ctx, lifecycle, settings, frontConnections)
				if err != nil {
					return nil, notOpened(ctx, settings, err)
				}
				return pool, nil
			},
			func(lifecycle fx.Lifecycle, settings config.Config, metrics client.MetricsHandler, log *slog.Logger) (client.Client, error) {
				server, err := program.DialTemporal(ctx, lifecycle, settings, "front", metrics, log)
				if err != nil {
					return nil, notDialled(ctx, err)
				}
				return server, nil
			},
			shop.Read,
			newDesk,
			inRoutes(newHookRoute),
			inRoutes(newNotificationRoute),
			inRoutes(newFormRoute),
			inRoutes(newConsoleRoutes),
			fx.Annotate(newFront, fx.ParamTags(routeGroup)),
			newFrontServer,
		),
		fx.Invoke(listen),
	)
}

// newHookRoute is the way of the transfer product's notices, none without a secret
// by which they are proved.
func newHookRoute(
	settings config.Config, pool *pgxpool.Pool, server client.Client, registry *prometheus.Registry,
	clock func() time.Time, log *slog.Logger,
) ([]front.Route, error) {
	secret, err := settings.ReadHookSecret()
	if err != nil {
		return nil, err
	}
	if secret == "" {
		log.Warn("no notice of the transfer product is taken: neither hook.secret nor hook.secret_file is set")
		return nil, nil
	}
	hook, err := front.NewHook(front.HookParts{
		Server: settings.Hook.Server, Header: settings.Hook.Header, Secret: secret,
		Notices: reception.NewNotices(pool, clock), Waker: receptions{server},
		Registry: registry, Clock: clock, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return []front.Route{{Pattern: front.HookPattern, Handler: hook}}, nil
}

// receptions has what partners have for us fetched.
type receptions struct {
	server client.Client
}

// requestedByNotice says in Temporal who wanted a reception.
const requestedByNotice = "notice"

// Wake has it fetched.
func (r receptions) Wake(ctx context.Context) error {
	_, err := wake.Reception(ctx, r.server, requestedByNotice)
	return err
}

// newDesk is where payments begin, and where what becomes of them is kept.
func newDesk(pool *pgxpool.Pool, shops []shop.Shop, clock func() time.Time) *payment.Desk {
	return payment.New(payment.Parts{Pool: pool, Clock: clock, Shops: shop.Gateways(shops)})
}

// newNotificationRoute is the way of the card payment gateway's notifications,
// none without a shop.
func newNotificationRoute(
	lifecycle fx.Lifecycle, shops []shop.Shop, desk *payment.Desk, server client.Client, registry *prometheus.Registry, log *slog.Logger,
) ([]front.Route, error) {
	if len(shops) == 0 {
		log.Warn("no notification of card payments is taken: systempay.shops is not set")
		return nil, nil
	}
	bell := front.NewBell(payments{server}, log)
	notifications, err := front.NewNotifications(front.NotificationParts{Taker: desk, Bell: bell, Registry: registry, Log: log})
	if err != nil {
		return nil, err
	}
	keepRunning(lifecycle, bell.Run)
	return []front.Route{{Pattern: front.NotificationPattern, Handler: notifications}}, nil
}

// payments has card payments looked after.
type payments struct {
	server client.Client
}

// requestedByNotification says in Temporal who wanted payments looked after.
const requestedByNotification = "notification"

// Wake has them looked after.
func (p payments) Wake(ctx context.Context) error {
	_, err := wake.Payments(ctx, p.server, requestedByNotification)
	return err
}

// keepRunning has something go on from the app's start to its stop, which waits
// for its end.
func keepRunning(lifecycle fx.Lifecycle, run func(context.Context)) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	lifecycle.Append(fx.StartStopHook(func() {
		go func() {
			defer close(ended)
			run(ctx)
		}()
	}, func() {
		end()
		<-ended
	}))
}

// newFormRoute is the way by which shops' programs ask for payment forms, none
// without a shop and a key of who may ask.
func newFormRoute(
	settings config.Config, shops []shop.Shop, desk *payment.Desk, clock func() time.Time, log *slog.Logger,
) ([]front.Route, error) {
	key, err := settings.ReadAPIKey()
	if err != nil {
		return nil, err
	}
	if len(shops) == 0 || key == "" {
		return nil, nil
	}
	forms, err := front.NewForms(front.FormParts{Beginner: desk, Key: key.Reveal(), Clock: clock, Log: log})
	if err != nil {
		return nil, err
	}
	return []front.Route{{Pattern: front.FormPattern, Handler: forms}}, nil
}

func newFront(
	routes []front.Route, settings config.Config, pool *pgxpool.Pool, server client.Client, registry *prometheus.Registry,
	clock func() time.Time, log *slog.Logger,
) (*front.Front, error) {
	return front.New(front.Parts{
		Routes: routes, Proxies: settings.Front.TrustedProxies, Registry: registry, Clock: clock, Log: log,
		Operator: health.Handler(
			[]health.Check{health.Database(pool), health.Schema(pool), health.Temporal(server)}, telemetry.Handler(registry, log)),
	})
}

func newFrontServer(answers *front.Front, settings config.Config, log *slog.Logger) (*front.Server, error) {
	if settings.Front.TLSCert == "" {
		return front.NewServer(answers, nil, log), nil
	}
	own, err := tls.LoadX509KeyPair(settings.Front.TLSCert, settings.Front.TLSKey)
	if err != nil {
		return nil, settings.Refuse("front.tls_cert", "with "+settings.Front.TLSKey+": "+err.Error())
	}
	return front.NewServer(answers, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}, log), nil
}

// listen has the front answer from the app's start to its stop.
func listen(lifecycle fx.Lifecycle, server *front.Server, settings config.Config, log *slog.Logger) {
	lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if err := server.Start(ctx, settings.Front.Address); err != nil {
				return &InputError{What: "front.address: " + err.Error(), Next: "set REGLO_FRONT_ADDRESS to an address that is free"}
			}
			log.InfoContext(ctx, "front answers", "address", server.Address(), "tls", settings.Front.TLSCert != "")
			return nil
		},
		OnStop: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, serveDrainLimit)
			defer cancel()
			return server.Stop(ctx)
		},
	})
}
