package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServing starts the program, pays, and interrupts it; and starts it again.
func TestServing(t *testing.T) {
	t.Parallel()
	var notified atomic.Int32
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { notified.Add(1) }))
	t.Cleanup(shop.Close)
	folder := t.TempDir()
	shops := filepath.Join(folder, "shops.json")
	require.NoError(t, os.WriteFile(shops, []byte(
		`[{"site":"7","algorithm":"sha-1","keys":{"TEST":"k"},"url_check":"`+shop.URL+`"}]`), 0o600))
	for range 2 {
		ctx, interrupt := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		command := newProgram(writer)
		command.SetArgs([]string{
			"--listen", "127.0.0.1:0", "--shops", shops, "--state", filepath.Join(folder, "state"), "--fault", "twice*1", "--repeat", "1ms,2ms",
			"--forwarded-for", "194.50.38.7", "--from", "127.0.0.1",
		})
		ended := make(chan error, 1)
		go func() { ended <- command.ExecuteContext(ctx) }()
		var said struct{ Address string }
		require.NoError(t, json.NewDecoder(reader).Decode(&said))
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+said.Address+"/vads-payment/",
			strings.NewReader("vads_site_id=7"))
		require.NoError(t, err)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
		interrupt()
		require.NoError(t, <-ended)
	}
	require.Zero(t, notified.Load())
	require.FileExists(t, filepath.Join(folder, "state"))
}

func TestFlooding(t *testing.T) {
	t.Parallel()
	var notified atomic.Int32
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { notified.Add(1) }))
	t.Cleanup(shop.Close)
	folder := t.TempDir()
	orders := filepath.Join(folder, "orders")
	require.NoError(t, os.WriteFile(orders, []byte(`{"order_id":"A","amount":1}`), 0o600))
	for _, more := range [][]string{{"--count", "20"}, {"--orders", orders}} {
		notified.Store(0)
		var out bytes.Buffer
		command := newProgram(&out)
		path := filepath.Join(folder, "ledger")
		command.SetArgs(append([]string{
			"flood", "--url", shop.URL, "--ledger", path, "--resend", "30%", "--forged", "0.1", "--credit", "10%", "--shuffle",
			"--start", "2026-03-31", "--rate", "10000",
		}, more...))
		require.NoError(t, command.ExecuteContext(t.Context()))
		var tally struct {
			Transactions, Notifications, Forged int
			Statuses                            map[string]int
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &tally))
		require.EqualValues(t, notified.Load(), tally.Notifications+tally.Forged)
		require.Equal(t, map[string]int{"200": tally.Notifications}, tally.Statuses)
		written, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, tally.Transactions, bytes.Count(written, []byte("\n")))
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	none, bad := filepath.Join(folder, "none"), filepath.Join(folder, "bad")
	require.NoError(t, os.WriteFile(bad, []byte("{"), 0o600))
	serve := []string{"--listen", "127.0.0.1:0"}
	send := []string{"flood", "--url", "http://127.0.0.1:1/", "--ledger", filepath.Join(folder, "ledger"), "--count", "1"}
	for name, arguments := range map[string][]string{
		"no fault":      append(serve[:2:2], "--fault", "none"),
		"no shops":      append(serve[:2:2], "--shops", none),
		"wrong shops":   append(serve[:2:2], "--shops", bad),
		"wrong state":   append(serve[:2:2], "--state", folder),
		"no address":    {"--listen", "nowhere"},
		"an argument":   {"x"},
		"no url":        {"flood", "--ledger", bad},
		"no ledger":     {"flood", "--url", "http://127.0.0.1:1/"},
		"wrong share":   append(send[:7:7], "--resend", "130%"),
		"no share":      append(send[:7:7], "--resend", "x"),
		"no day":        append(send[:7:7], "--start", "today"),
		"no orders":     append(send[:7:7], "--orders", none),
		"wrong orders":  append(send[:7:7], "--orders", bad),
		"no such mode":  append(send[:7:7], "--mode", "DEMO"),
		"no such shop":  append(send[:7:7], "--site", "1"),
		"ledger's path": append(send[:7:7], "--ledger", folder),
	} {
		command := newProgram(io.Discard)
		command.SetArgs(arguments)
		require.Error(t, command.ExecuteContext(t.Context()), name)
	}
}
