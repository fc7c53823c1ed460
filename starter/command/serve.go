package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/reglo/reglo/starter/front"
	"github.com/reglo/reglo/worker/boot/channel"
	"github.com/reglo/reglo/worker/boot/config"
)

// Limits in time of a start and a stop.
const (
	// listenLimit is for what follows the wait for PostgreSQL and Temporal: a port
	// to listen on.
	listenLimit = 10 * time.Second
	// serveDrainLimit is how long requests may go on after SIGTERM: as long as any
	// may take.
	serveDrainLimit = 20 * time.Second
	// serveCloseLimit is for closing connections afterwards. Both together stay
	// under the 30 seconds after which systemd's and Kubernetes' patience ends.
	serveCloseLimit = 5 * time.Second
)

func newServe(s *session) *cobra.Command {
	var register bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer partners who call us by HTTP, until a signal",
		Long: `Answer partners who call us by HTTP at front.address, until a signal: notices of
the file transfer product at /hooks/pesit/ and hook.server, notifications of card
payments at /ipn/systempay/ and the shop, and at /systempay/forms requests for
payment forms. People who have a key look at those payments at /console/systempay,
their programs at /systempay/notifications. It says first where, then logs JSON
lines on the standard error.
/livez, /readyz and /metrics answer who calls without a proxy.

A first SIGTERM or SIGINT takes no more requests and finishes those that are
being answered; a second one ends the program at once.

With --register the product is told to call hook.url. It keeps that: register
again only when the URL or the secret has changed. One that was told twice calls
twice, and the second call changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.serve(cmd, register) },
	}
	cmd.Flags().BoolVar(&register, "register", false, "tell the product (channel.technology pesit-rest) to call hook.url")
	return cmd
}

// serving says where partners are answered.
type serving struct {
	Address string `json:"address"`
	TLS     bool   `json:"tls"`
	// Routes are methods and paths.
	Routes     []string `json:"routes"`
	Registered bool     `json:"registered"`
}

func (d serving) writeText(t *text) {
	scheme := "http"
	if d.TLS {
		scheme = "https"
	}
	t.linef("answers partners at %s://%s", scheme, d.Address)
	for _, route := range d.Routes {
		t.linef("  %s", route)
	}
	if d.Registered {
		t.linef("the product was told to call")
	}
}

// serve answers partners until the command's context ends.
func (s *session) serve(cmd *cobra.Command, register bool) error {
	settings, err := s.settings(cmd)
	if err != nil {
		return err
	}
	told := func(context.Context) error { return nil }
	if register {
		if told, err = registration(settings); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: settings.Log.Level}))
	var server *front.Server
	var routes []front.Route
	app := fx.New(
		fx.Supply(settings, log), fx.Provide(func() func() time.Time { return s.now }),
		frontModules(cmd.Context()),
		fx.Populate(&server, fx.Annotate(&routes, fx.ParamTags(routeGroup))),
		fx.StartTimeout(listenLimit), fx.StopTimeout(serveDrainLimit+serveCloseLimit),
	)
	if err := app.Err(); err != nil {
		return notServed(err)
	}
	starting, cancel := context.WithTimeout(cmd.Context(), listenLimit)
	defer cancel()
	if err := app.Start(starting); err != nil {
		return notServed(err)
	}
	shown := serving{Address: server.Address(), TLS: settings.Front.TLSCert != "", Routes: []string{}, Registered: register}
	for _, route := range routes {
		shown.Routes = append(shown.Routes, route.Pattern)
	}
	slices.Sort(shown.Routes) // they were made in any order
	err = told(cmd.Context())
	if err == nil {
		err = s.show(shown)
	}
	if err == nil {
		select {
		case <-cmd.Context().Done():
			log.Info("front drains; a second signal ends it at once", "limit", serveDrainLimit.String())
		case broken := <-server.Ended():
			err = fmt.Errorf("no longer answers partners: %w", broken)
		}
	}
	return errors.Join(err, stop(cmd.Context(), app))
}

// stop drains what is being answered, and closes the connections.
func stop(ctx context.Context, app *fx.App) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), serveDrainLimit+serveCloseLimit)
	defer cancel()
	if err := app.Stop(stopping); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// notServed says why a front does not start, without the way that fx went.
func notServed(err error) error {
	if wrong, is := errors.AsType[*config.Error](err); is {
		return wrongSettings(wrong)
	}
	return dig.RootCause(err) //nolint:wrapcheck // it is an error of ours
}

// registration makes what tells the product to call us, and calls nobody yet.
func registration(settings config.Config) (func(context.Context) error, error) {
	if settings.Channel.Technology != config.TechnologyPesitREST {
		return nil, &InputError{
			What: "--register: channel.technology is " + string(settings.Channel.Technology) + ", which calls nobody",
			Next: "leave --register out, or reach the bank by " + string(config.TechnologyPesitREST),
		}
	}
	secret, err := settings.ReadHookSecret()
	if err != nil {
		return nil, wrongSettings(err)
	}
	if secret == "" || settings.Hook.URL == "" {
		return nil, &InputError{
			What: "--register: hook.url and hook.secret must be set, for the product to know where to call and to sign",
			Next: "set REGLO_HOOK_URL, and REGLO_HOOK_SECRET or REGLO_HOOK_SECRET_FILE",
		}
	}
	product, err := channel.NewProduct(settings)
	if err != nil {
		return nil, wrongSettings(err)
	}
	return func(ctx context.Context) error {
		if err := product.RegisterWebhook(ctx, settings.Hook.URL, secret); err != nil {
			return &EndedError{
				What: firstLine(err.Error()),
				Next: "see that the product answers at channel.pesit_rest.url and takes the key, or serve without --register",
			}
		}
		return nil
	}, nil
}
