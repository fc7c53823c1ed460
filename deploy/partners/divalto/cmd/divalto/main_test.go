package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

func passwordFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("sesame\n"), 0o600))
	return file
}

// ask sends a request to a program, and gives the status and the document.
func ask(t testing.TB, method, address, path string, document, into any) int {
	t.Helper()
	body, err := json.Marshal(document)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, bytes.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if response.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(text, into), "%s", text)
	}
	return response.StatusCode
}

// posting is the body of a posting of two euros under a label.
func posting(t testing.TB, token, label string) io.Reader {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"action": "WEB_SERVICE_INFINITY", "access_token": token,
		"param": fmt.Sprintf(`{"action": {"swinfinity": "integration_reglement", "parameters": {"dos": "7"}}, "data": {"EnteteReglementtb": [
			{"EnteteReglement": {"TRANSACDT": "20260320", "DEV": "EUR", "TIERS": "C1", "MTDEV": "2", "LIB": %q, "RegltTyp": "2", "ChgEtat": "VIR",
			"DetailReglementtb": [{"DetailReglement": {"MTDEVFIN": "2", "TIERS": "C1", "NatureOperation": "WAR"}}]}}]}}`, label),
	})
	require.NoError(t, err)
	return bytes.NewReader(body)
}

func post(t testing.TB, address, token, label string) int {
	t.Helper()
	body, err := io.ReadAll(posting(t, token, label))
	require.NoError(t, err)
	var answer struct {
		Error int `json:"error"`
	}
	status := ask(t, http.MethodPost, address, "/api/v1/WebService/Execute", json.RawMessage(body), &answer)
	require.Zero(t, answer.Error)
	return status
}

func login(t testing.TB, address string) string {
	t.Helper()
	var answer struct {
		Token string `json:"access_token"`
	}
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, address, "/api/v1/Authent/Auth",
		map[string]string{"user": "erp", "password": "sesame"}, &answer))
	require.NotEmpty(t, answer.Token)
	return answer.Token
}

// TestServing starts the program, asks it, and interrupts it.
func TestServing(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	command := newProgram(writer)
	command.SetArgs([]string{
		"--listen", "127.0.0.1:0", "--books", filepath.Join(t.TempDir(), "books"), "--password-file", passwordFile(t), "--user", "erp",
		"--dossier", "7", "--state", "VIR=S50", "--third-party", "C", "--fault", "server-error*1",
	})
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()

	var said struct{ Address string }
	require.NoError(t, json.NewDecoder(reader).Decode(&said))
	token := login(t, said.Address)
	require.Equal(t, http.StatusInternalServerError, post(t, said.Address, token, "x"))
	require.Equal(t, http.StatusOK, post(t, said.Address, token, "x"))
	interrupt()
	require.NoError(t, <-ended)
}

// TestKilled kills the program, as it is built, after postings that it has answered and after one that it has not: what it has
// booked it has when it begins again.
func TestKilled(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "divalto")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	args := []string{
		"--listen", "127.0.0.1:0", "--books", filepath.Join(t.TempDir(), "books"), "--password-file", passwordFile(t), "--user", "erp",
		"--dossier", "7", "--state", "VIR=S50",
	}
	begin := func() (address string, kill func()) {
		command := exec.CommandContext(t.Context(), program, args...)
		out, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		var said struct{ Address string }
		require.NoError(t, json.NewDecoder(out).Decode(&said))
		return said.Address, func() {
			require.NoError(t, command.Process.Kill())
			require.Error(t, command.Wait(), "it was killed")
		}
	}
	books := func(address string) (all []divalto.Booking) {
		require.Equal(t, http.StatusOK, ask(t, http.MethodGet, address, "/stand-in/books", nil, &all))
		return all
	}

	address, kill := begin()
	token := login(t, address)
	for _, label := range []string{"a", "b", "a"} {
		require.Equal(t, http.StatusOK, post(t, address, token, label))
	}
	want := books(address)
	require.Len(t, want, 3)
	kill()

	address, kill = begin()
	require.Equal(t, want, books(address))
	require.Equal(t, 2, books(address)[2].Copies)
	require.Equal(t, http.StatusOK, post(t, address, login(t, address), "c"))
	kill()

	address, kill = begin()
	all := books(address)
	require.Equal(t, want, all[:3])
	require.Equal(t, "1357", all[3].TransactionID)
	require.Equal(t, "c", all[3].Label)
	require.Equal(t, http.StatusNoContent, ask(t, http.MethodPut, address, "/stand-in/faults",
		[]divalto.Fault{{Kind: divalto.SlowAfter, At: 3_600_000}}, nil))
	token = login(t, address)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/api/v1/WebService/Execute", posting(t, token, "d"))
	require.NoError(t, err)
	cut := make(chan error, 1)
	go func() {
		response, err := new(http.Transport).RoundTrip(request)
		if err == nil {
			err = response.Body.Close()
		}
		cut <- err
	}()
	require.Eventually(t, func() bool { return len(books(address)) == 5 }, 20*time.Second, 10*time.Millisecond)
	kill()
	require.Error(t, <-cut, "it was not answered")

	address, kill = begin()
	require.Equal(t, "d", books(address)[4].Label)
	kill()
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	right := []string{"--listen", "127.0.0.1:0", "--books", filepath.Join(t.TempDir(), "books"), "--password-file", passwordFile(t)}
	for name, more := range map[string][]string{
		"no fault":     {"--fault", "none"},
		"no password":  {"--password-file", filepath.Join(t.TempDir(), "none")},
		"no books":     {"--books", ""},
		"no shape":     {"--shape", "round"},
		"no address":   {"--listen", "nowhere"},
		"no state":     {"--state", "VIR"},
		"an argument":  {"x"},
		"unknown flag": {"--x"},
	} {
		command := newProgram(io.Discard)
		command.SetArgs(append(append([]string{}, right...), more...))
		require.Error(t, command.ExecuteContext(t.Context()), name)
	}
}
