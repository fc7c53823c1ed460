package postgres_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/postgres"
)

func database(address string) config.Database { return config.Database{URL: config.Secret(address)} }

func TestOpenSizesThePool(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pool, err := postgres.Open(t.Context(), postgres.Options{Database: database(address), Connections: 7})
	require.NoError(t, err)
	defer pool.Close()
	require.EqualValues(t, 7, pool.Config().MaxConns)

	parsed, err := url.Parse(address)
	require.NoError(t, err)
	query := parsed.Query()
	query.Set("pool_max_conns", "3")
	parsed.RawQuery = query.Encode()
	own, err := postgres.Open(t.Context(), postgres.Options{Database: database(parsed.String()), Connections: 7})
	require.NoError(t, err)
	defer own.Close()
	require.EqualValues(t, 3, own.Config().MaxConns, "what the URL says goes first")
}

func TestOpenDoesNotWaitForADatabaseThatIsNotThere(t *testing.T) {
	t.Parallel()
	parsed, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	parsed.Path = "/nowhere"
	_, err = postgres.Open(t.Context(), postgres.Options{Database: database(parsed.String()), Patience: time.Hour})
	require.ErrorContains(t, err, "nowhere")
	var unreachable *postgres.UnreachableError
	require.NotErrorAs(t, err, &unreachable)
}

func TestOpenNamesTheServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = postgres.Open(t.Context(), postgres.Options{
		Database: database("postgres://reglo:s3cret@" + address + "/reglo"), Patience: time.Millisecond,
	})
	var unreachable *postgres.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "database.url")
	require.NotContains(t, err.Error(), "s3cret")
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), postgres.Options{
		Database: database("postgres://reglo:s3cret@db/reglo?sslmode=never"), Patience: time.Hour,
	})
	require.ErrorContains(t, err, "database.url")
	require.NotContains(t, err.Error(), "s3cret")
}
