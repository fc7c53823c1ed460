package command_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

const consoleKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

// withShop names a shop that takes card payments.
func withShop(t *testing.T) string {
	t.Helper()
	key := write(t, "key", "1122334455667788\n")
	return "REGLO_SYSTEMPAY_SHOPS=" + write(t, "shops.yaml",
		"- {name: boutique, site_id: \"12345678\", mode: TEST, algorithm: HMAC-SHA-256, key_file: "+key+", third_party: C0000007}\n")
}

func consoleKeys(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(consoleKey))
	return write(t, "keys", "anne:auditor:"+hex.EncodeToString(sum[:])+"\n")
}

func TestServeTheConsole(t *testing.T) {
	t.Parallel()
	environ, _ := onServers(t)
	s := serves(t, append(environ, withShop(t), "REGLO_CONSOLE_KEYS_FILE="+consoleKeys(t)))
	require.Contains(t, s.routes, "GET /console/systempay")
	require.Contains(t, s.routes, "GET /systempay/notifications")

	status, page := s.get(t, "/console/systempay")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, page, "Clé d’accès")
	for path, want := range map[string]string{"/systempay/notifications": `{"notifications":[],"next":null}`, "/console/systempay": "boutique"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+path, http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+consoleKey)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		body := new(strings.Builder)
		require.NoError(t, response.Write(body))
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Contains(t, body.String(), want)
	}
	require.Equal(t, command.ExitDone, s.stop(), s.err)
	require.NotContains(t, s.err.String(), consoleKey)
}

func TestServeWithoutAConsole(t *testing.T) {
	t.Parallel()
	environ, _ := onServers(t)
	s := serves(t, append(environ, withShop(t)))
	require.NotContains(t, strings.Join(s.routes, "\n"), "/console")
	status, _ := s.get(t, "/console/systempay")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, s.err.String(), "nobody may look at card payments")

	got := starter(t, append(environ, withShop(t), "REGLO_CONSOLE_KEYS_FILE="+write(t, "keys", "anne:admin:x\n")), "serve")
	require.Equal(t, command.ExitInput, got.code)
	for _, want := range []string{"console.keys_file", "line 1", "auditor or operator"} {
		require.Contains(t, got.err, want)
	}
}
