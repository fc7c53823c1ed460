package temporal_test

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/temporal"
)

func server(t *testing.T, variables ...string) config.Temporal {
	t.Helper()
	settings, err := config.Load(nil, append([]string{"TEMPORAL_CONFIG_FILE=/nonexistent"}, variables...))
	require.NoError(t, err)
	return settings.Temporal
}

func TestDialNamesTheAddressThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	_, err = temporal.Dial(t.Context(), temporal.Options{
		Server: server(t, "TEMPORAL_ADDRESS="+address), Log: slog.New(slog.DiscardHandler), Patience: 10 * time.Millisecond,
	})
	var unreachable *temporal.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	require.Equal(t, address, unreachable.Address)
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
}

func TestDialRefusesBadCertificates(t *testing.T) {
	t.Parallel()
	_, err := temporal.Dial(t.Context(), temporal.Options{
		Server: server(t, "TEMPORAL_TLS_SERVER_CA_CERT_PATH=/nonexistent.pem"), Log: slog.New(slog.DiscardHandler),
	})
	require.ErrorContains(t, err, "TEMPORAL_TLS_")
	require.ErrorContains(t, err, "/nonexistent.pem")
}
