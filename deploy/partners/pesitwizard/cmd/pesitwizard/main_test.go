package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServing starts the program, asks it, and interrupts it.
func TestServing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	keyFile := filepath.Join(folder, "key")
	require.NoError(t, os.WriteFile(keyFile, []byte("geheim\n"), 0o600))
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	command := newProgram(writer)
	command.SetArgs([]string{
		"--listen", "127.0.0.1:0", "--received", filepath.Join(folder, "received"), "--offered", filepath.Join(folder, "offered"),
		"--key-file", keyFile, "--server", "7=BANK", "--fault", "unauthorized*1",
	})
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()

	var said struct{ Address string }
	require.NoError(t, json.NewDecoder(reader).Decode(&said))
	for key, want := range map[string]int{"geheim": http.StatusOK, "another": http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+said.Address+"/api/v1/servers/name/BANK", http.NoBody)
		require.NoError(t, err)
		request.Header.Set("X-Api-Key", key)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode)
	}
	interrupt()
	require.NoError(t, <-ended)
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	right := []string{"--listen", "127.0.0.1:0", "--received", folder, "--offered", folder}
	for name, more := range map[string][]string{
		"no number":    {"--server", "BANK"},
		"no name":      {"--server", "1="},
		"no fault":     {"--fault", "none"},
		"no key":       {"--key-file", filepath.Join(folder, "none")},
		"no folder":    {"--received", ""},
		"no address":   {"--listen", "nowhere"},
		"an argument":  {"x"},
		"unknown flag": {"--x"},
	} {
		command := newProgram(io.Discard)
		command.SetArgs(append(append([]string{}, right...), more...))
		require.Error(t, command.ExecuteContext(t.Context()), name)
	}
}
