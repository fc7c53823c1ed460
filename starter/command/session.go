package command

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/worker/boot/config"
	bootpostgres "github.com/reglo/reglo/worker/boot/postgres"
	boottemporal "github.com/reglo/reglo/worker/boot/temporal"
)

// session is one execution: where it writes, and the servers it has opened.
type session struct {
	out, err io.Writer
	environ  []string
	now      func() time.Time

	json    bool // write JSON
	shown   bool // the standard output has its document
	closing []func()
}

// settings loads the configuration.
func (s *session) settings(cmd *cobra.Command) (config.Config, error) {
	settings, err := config.Load(cmd.Root().PersistentFlags(), s.environ)
	if err != nil {
		return config.Config{}, wrongSettings(err)
	}
	return settings, nil
}

// wrongSettings says what is wrong with the settings.
func wrongSettings(err error) error {
	return &InputError{
		What: strings.Join(strings.Fields(err.Error()), " "),
		Next: "correct the setting where it was found; `worker --help` explains each",
	}
}

// connections is how many connections a command opens at most: it asks one
// thing at a time, and a stream may stay open beside it.
const connections = 2

// database opens the database of the settings, at the version of this program.
func (s *session) database(cmd *cobra.Command) (*pgxpool.Pool, config.Config, error) {
	settings, err := s.settings(cmd)
	if err != nil {
		return nil, config.Config{}, err
	}
	pool, err := s.open(cmd.Context(), settings)
	if err != nil {
		return nil, config.Config{}, err
	}
	if err := postgres.CheckVersion(cmd.Context(), pool); err != nil {
		return nil, config.Config{}, err
	}
	return pool, settings, nil
}

// open connects to the database, at whatever version it is.
func (s *session) open(ctx context.Context, settings config.Config) (*pgxpool.Pool, error) {
	pool, err := bootpostgres.Open(ctx, bootpostgres.Options{Database: settings.Database, Connections: connections})
	if err != nil {
		return nil, notOpened(ctx, settings, err)
	}
	s.closing = append(s.closing, pool.Close)
	return pool, nil
}

// notOpened says why there is no connection to the database.
func notOpened(ctx context.Context, settings config.Config, err error) error {
	var unreachable *bootpostgres.UnreachableError
	var version *postgres.VersionError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &unreachable):
		return &UnreachableError{Service: servicePostgres, Address: databaseAddress(settings), Err: rootCause(err)}
	case errors.As(err, &version):
		return err
	default:
		return &InputError{What: err.Error(), Next: "correct REGLO_DATABASE_URL"}
	}
}

// databaseAddress is where the database is, without user and password.
func databaseAddress(settings config.Config) string {
	parsed, err := pgx.ParseConfig(settings.Database.URL.Reveal())
	if err != nil {
		return "the address of REGLO_DATABASE_URL"
	}
	return postgres.Address(parsed)
}

// server is the Temporal server, and how what passes through it is encoded.
type server struct {
	client.Client

	payloads converter.DataConverter
}

// decode reads what a workflow or an activity was given or has said.
func (s server) decode(payloads *common.Payloads, into any) error {
	if payloads == nil {
		return errors.New("nothing there")
	}
	return s.payloads.FromPayloads(payloads, into) //nolint:wrapcheck // the caller says what it reads
}

// reason is what a failure says, on one line.
func (s server) reason(failed *failure.Failure) string {
	failures := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: s.payloads})
	err := failures.FailureToError(failed)
	if said, found := errors.AsType[*temporal.ApplicationError](err); found {
		return firstLine(said.Message())
	}
	return firstLine(err.Error())
}

// temporal connects to the Temporal server of the settings.
func (s *session) temporal(cmd *cobra.Command) (server, config.Config, error) {
	settings, err := s.settings(cmd)
	if err != nil {
		return server{}, config.Config{}, err
	}
	connection, err := boottemporal.Dial(cmd.Context(), boottemporal.Options{
		Server: settings.Temporal, Keys: settings.Payload.Keys, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return server{}, config.Config{}, notDialled(cmd.Context(), err)
	}
	s.closing = append(s.closing, connection.Close)
	payloads, err := payloadConverter(settings.Payload.Keys)
	return server{Client: connection, payloads: payloads}, settings, err
}

// notDialled says why there is no connection to Temporal.
func notDialled(ctx context.Context, err error) error {
	var unreachable *boottemporal.UnreachableError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &unreachable):
		return &UnreachableError{Service: serviceTemporal, Address: unreachable.Address, Err: rootCause(err)}
	default:
		return &InputError{What: err.Error(), Next: "correct the TEMPORAL_… settings"}
	}
}

// payloadConverter reads payloads as the client itself writes them.
func payloadConverter(keys []config.Key) (converter.DataConverter, error) {
	plain := converter.GetDefaultDataConverter()
	if len(keys) == 0 {
		return plain, nil
	}
	codec, err := boottemporal.NewCodec(keys)
	if err != nil {
		return nil, err
	}
	return converter.NewCodecDataConverter(plain, codec), nil
}

// close ends what was opened, the last first.
func (s *session) close() {
	for _, end := range slices.Backward(s.closing) {
		end()
	}
}

// variable is the last value of a variable of the environment.
func (s *session) variable(name, fallback string) string {
	for _, line := range slices.Backward(s.environ) {
		if value, found := strings.CutPrefix(line, name+"="); found && value != "" {
			return value
		}
	}
	return fallback
}

// rootCause is the innermost error, which says why in the fewest words.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
