package pesitrest_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/domain/webhook"
)

const statement = "STATEMENT_20260317.XML"

func asking() pesitrest.Request {
	return pesitrest.Request{Name: statement, VirtualFile: "RELEVES", Correlation: "ask-1"}
}

func (s *site) offer(t testing.TB, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.offered, statement), []byte(text), 0o600))
}

func TestAFileIsReceived(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		_, err := s.Receive(t.Context(), asking())
		require.ErrorIs(t, err, channels.ErrNoFile)

		text := content(100_000)
		s.offer(t, text)
		for range 2 { // a bank gives its files as often as it is asked
			received, err := s.Receive(t.Context(), asking())
			require.NoError(t, err)
			require.NotEmpty(t, received.ID)
			require.EqualValues(t, len(text), received.Bytes)
			var to bytes.Buffer
			got, err := s.Download(t.Context(), received, &to)
			require.NoError(t, err)
			require.Equal(t, pesitrest.Content{Bytes: int64(len(text)), SHA256: sha256.Sum256([]byte(text))}, got)
			require.Equal(t, text, to.String())
			require.NoError(t, s.Discard(received))
		}
		left, err := os.ReadDir(s.exchange)
		require.NoError(t, err)
		require.Empty(t, left)
		require.Zero(t, s.product.Meddled())
	}
}

func TestFaultsOfReceiving(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		s.offer(t, "a statement")

		s.product.Break(pesitwizard.Fault{Kind: pesitwizard.TruncatedReceive, At: 4})
		received, err := s.Receive(t.Context(), asking())
		require.NoError(t, err)
		_, err = s.Download(t.Context(), received, io.Discard)
		require.ErrorIs(t, err, pesitrest.ErrTruncated)
		require.ErrorContains(t, err, "4 bytes, of 11")

		for _, fault := range []pesitwizard.Fault{
			{Kind: pesitwizard.Unauthorized}, {Kind: pesitwizard.ServerError}, {Kind: pesitwizard.ServerErrorAfter},
			{Kind: pesitwizard.ReplyLost}, {Kind: pesitwizard.Garbage}, {Kind: pesitwizard.Refused, Text: "0x03012D"},
			{Kind: pesitwizard.Refused}, {Kind: pesitwizard.Redirect, Text: "http://127.0.0.1:1/"},
		} {
			s.product.Break(fault)
			_, err := s.Receive(t.Context(), asking())
			require.Error(t, err, fault.Kind)
			require.NotErrorIs(t, err, channels.ErrNoFile, fault.Kind)
			require.NotContains(t, err.Error(), key)
		}
		s.product.Break()
		received, err = s.Receive(t.Context(), asking())
		require.NoError(t, err, "asked again")
		_, err = s.Download(t.Context(), received, failing{})
		require.ErrorIs(t, err, errTest)

		for _, wrong := range []pesitrest.Request{
			{Name: "../x", VirtualFile: "RELEVES", Correlation: "a"}, {Name: statement, VirtualFile: "a b", Correlation: "a"},
			{Name: statement, VirtualFile: "RELEVES", Correlation: "../x"}, {Name: statement, VirtualFile: "RELEVES"},
		} {
			_, err := s.Receive(t.Context(), wrong)
			require.Error(t, err)
		}
		_, err = s.Download(t.Context(), pesitrest.Received{ID: "../../servers", Name: statement}, io.Discard)
		require.Error(t, err)
	}
	s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.Server = "NOBANK" })
	_, err := s.Receive(t.Context(), asking())
	require.ErrorContains(t, err, "default one")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errTest }

// TestWebhooks has the product call, and reads what it says.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	const secret = webhook.Secret("the secret of the test")
	type heard struct {
		notice webhook.Notice
		err    error
	}
	calls := make(chan heard, 10)
	listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, webhook.MaxBody))
		if err != nil {
			calls <- heard{err: err}
			return
		}
		notice, err := webhook.Read(secret, r.Header.Get(webhook.DefaultHeader), body, time.Now())
		calls <- heard{notice, err}
	}))
	t.Cleanup(listener.Close)

	s := startSite(t, pesitrest.Upload, nil)
	require.ErrorIs(t, s.RegisterWebhook(t.Context(), listener.URL, "short"), webhook.ErrSecret)
	require.NoError(t, s.RegisterWebhook(t.Context(), listener.URL, secret))
	s.offer(t, "a statement")
	received, err := s.Receive(t.Context(), asking())
	require.NoError(t, err)
	first := <-calls
	require.NoError(t, first.err)
	require.Equal(t, webhook.Completed, first.notice.Event)
	require.Equal(t, webhook.Transfer{ID: received.ID, Direction: webhook.Receive, Filename: statement, Bytes: 11}, first.notice.Transfer)

	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.WebhookForged}, pesitwizard.Fault{Kind: pesitwizard.WebhookTwice})
	_, err = s.Receive(t.Context(), asking())
	require.NoError(t, err)
	require.ErrorIs(t, (<-calls).err, webhook.ErrSignature)
	one, two := <-calls, <-calls
	require.NoError(t, one.err)
	require.Equal(t, one, two)
	require.NotEqual(t, first.notice.Key, one.notice.Key)

	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.FailedAfter})
	outcome, err := s.Send(t.Context(), holding("one"))
	require.NoError(t, err)
	told := <-calls
	require.NoError(t, told.err)
	require.Equal(t, webhook.Failed, told.notice.Event)
	require.Contains(t, outcome.Detail, told.notice.Transfer.ID)

	s = startSite(t, pesitrest.Upload, func(s *pesitrest.Settings) { s.Key = "another" })
	err = s.RegisterWebhook(t.Context(), listener.URL, secret)
	require.ErrorContains(t, err, "401")
	require.NotContains(t, err.Error(), secret.Reveal())
	_, err = s.Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent)
}
