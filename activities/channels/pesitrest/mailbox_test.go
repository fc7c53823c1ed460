package pesitrest_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
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
	"github.com/reglo/reglo/domain/calendar"
)

// mailbox is a site's, and what it logs.
func (s *site) mailbox(t testing.TB) (channels.Mailbox, *bytes.Buffer) {
	t.Helper()
	agreed, err := channels.ParseAgreed("RELEVES:STATEMENT_{yyyyMMdd}.XML")
	require.NoError(t, err)
	var log bytes.Buffer
	return pesitrest.NewMailbox(s.Channel, agreed, slog.New(slog.NewTextHandler(&log, nil))), &log
}

func tuesday(t testing.TB) calendar.Date {
	t.Helper()
	date, err := calendar.NewDate(2026, time.March, 17)
	require.NoError(t, err)
	return date
}

// brought has the product receive a file for which we did not ask, and gives its notice.
func (s *site) brought(t testing.TB) channels.Announcement {
	t.Helper()
	received, err := s.Receive(t.Context(), pesitrest.Request{Name: statement, VirtualFile: "RELEVES", Correlation: "by-itself"})
	require.NoError(t, err)
	return channels.Announcement{Transfer: received.ID, Name: statement, Bytes: received.Bytes}
}

func (s *site) exchanged(t testing.TB) int {
	t.Helper()
	left, err := os.ReadDir(s.exchange)
	require.NoError(t, err)
	return len(left)
}

func TestAMailbox(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		box, log := s.mailbox(t)
		text := content(100_000)

		offers, err := box.Offers(t.Context(), tuesday(t), nil)
		require.NoError(t, err)
		require.Equal(t, []channels.Offer{{Flow: "RELEVES", Name: statement, Bytes: -1}}, offers)
		require.ErrorIs(t, box.Fetch(t.Context(), offers[0], io.Discard), channels.ErrNoFile)
		require.NoError(t, box.Taken(t.Context(), offers[0]))

		s.offer(t, text)
		notice := s.brought(t)
		unsized := notice
		unsized.Bytes = 0
		offers, err = box.Offers(t.Context(), tuesday(t), []channels.Announcement{
			notice, {Transfer: notice.Transfer, Name: "../x"}, {Transfer: "../x", Name: statement}, unsized,
		})
		require.NoError(t, err)
		require.Equal(t, []channels.Offer{
			{Name: statement, Transfer: notice.Transfer, Bytes: int64(len(text))}, {Name: statement, Transfer: notice.Transfer, Bytes: -1},
			{Flow: "RELEVES", Name: statement, Bytes: -1},
		}, offers)
		require.Contains(t, log.String(), "files=2")
		for _, offer := range offers {
			var got bytes.Buffer
			require.NoError(t, box.Fetch(t.Context(), offer, &got))
			require.Equal(t, text, got.String())
		}
		for range 2 {
			for _, offer := range offers {
				require.NoError(t, box.Taken(t.Context(), offer))
			}
		}
		require.Zero(t, s.exchanged(t))
		if dialect == pesitrest.V1 {
			require.ErrorIs(t, box.Fetch(t.Context(), offers[0], io.Discard), channels.ErrNoFile, "it was taken")
		}
		require.Zero(t, s.product.Meddled())
	}
}

// TestAFileThatTheBankGivesOnce is lost by us after the product has it, and not before it is taken.
func TestAFileThatTheBankGivesOnce(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	box, _ := s.mailbox(t)
	offers, err := box.Offers(t.Context(), tuesday(t), nil)
	require.NoError(t, err)
	s.offer(t, "a statement")
	require.ErrorIs(t, box.Fetch(t.Context(), offers[0], failing{}), errTest)
	require.NoError(t, os.Remove(filepath.Join(s.offered, statement)))
	for range 2 {
		var got bytes.Buffer
		require.NoError(t, box.Fetch(t.Context(), offers[0], &got))
		require.Equal(t, "a statement", got.String())
	}
	require.NoError(t, box.Taken(t.Context(), offers[0]))
	require.ErrorIs(t, box.Fetch(t.Context(), offers[0], io.Discard), channels.ErrNoFile)

	s.offer(t, "another statement")
	var got bytes.Buffer
	require.NoError(t, box.Fetch(t.Context(), offers[0], &got))
	require.Equal(t, "another statement", got.String())
}

func TestATruncatedReceive(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		box, _ := s.mailbox(t)
		s.offer(t, "a statement")
		truncated := pesitwizard.Fault{Kind: pesitwizard.TruncatedReceive, At: 4, Times: 1}
		s.product.Break(truncated)
		notice := s.brought(t)
		offers, err := box.Offers(t.Context(), tuesday(t), []channels.Announcement{notice})
		require.NoError(t, err)
		for range 2 { // the product's copy does not grow: its reader is to see that it breaks off
			var got bytes.Buffer
			require.NoError(t, box.Fetch(t.Context(), offers[0], &got))
			require.Equal(t, "a st", got.String())
		}
		s.product.Break(truncated)
		require.ErrorIs(t, box.Fetch(t.Context(), offers[1], io.Discard), pesitrest.ErrTruncated)
		var got bytes.Buffer
		require.NoError(t, box.Fetch(t.Context(), offers[1], &got), "asked for again")
		require.Equal(t, "a statement", got.String())
	}
}

// TestNoticesThatAreNotTrue open no file but what the product has brought for us.
func TestNoticesThatAreNotTrue(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	box, _ := s.mailbox(t)
	outcome, err := s.Send(t.Context(), holding("orders"))
	require.NoError(t, err)
	sent := outcome.Detail[len("transfer "):]
	s.offer(t, "a statement")
	notice := s.brought(t)
	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.Refused, Text: "0x0200CD", Times: 1})
	_, err = s.Receive(t.Context(), asking())
	require.ErrorIs(t, err, channels.ErrNoFile)

	for about, offer := range map[string]channels.Offer{
		"no such transfer": {Name: statement, Transfer: "nobody-knows-it", Bytes: -1},
		"one that sends":   {Name: name, Transfer: sent, Bytes: -1},
		"another's name":   {Name: "OTHER.XML", Transfer: notice.Transfer, Bytes: -1},
	} {
		require.ErrorIs(t, box.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile, about)
		require.NoError(t, box.Taken(t.Context(), offer), about)
	}
	offer := channels.Offer{Name: statement, Transfer: notice.Transfer, Bytes: notice.Bytes}
	for _, id := range []string{"../../servers/name/BANK", "correlation/by-itself", "a/../b"} {
		offer := channels.Offer{Name: statement, Transfer: id, Bytes: -1}
		require.Error(t, box.Fetch(t.Context(), offer, io.Discard))
		require.Error(t, box.Taken(t.Context(), offer))
	}

	elsewhere := startSite(t, pesitrest.V1, func(of *pesitrest.Settings) {
		*of = s.settings
		of.FolderAtPeer = "/elsewhere"
	})
	away, _ := elsewhere.mailbox(t)
	require.ErrorContains(t, away.Fetch(t.Context(), offer, io.Discard), "outside of the folder")
	other := startSite(t, pesitrest.V1, func(of *pesitrest.Settings) {
		*of = s.settings
		of.Server = "OTHERBANK"
	})
	another, _ := other.mailbox(t)
	require.ErrorIs(t, another.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile, "another bank's")

	local := filepath.Join(s.exchange, "received-by-itself")
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("a statement"), 0o600))
	require.NoError(t, os.Remove(local))
	require.ErrorIs(t, box.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile, "gone")
	require.NoError(t, os.Symlink(secret, local))
	require.ErrorIs(t, box.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile, "a link")
}

// TestANoticeThatIsFasterThanTheProduct: its file is still asked for, until the transfer has ended some way.
func TestANoticeThatIsFasterThanTheProduct(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	s.offer(t, "a statement")
	notice := s.brought(t)
	status := make(chan string, 1)
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"transferId":%q,"direction":"RECEIVE","status":%q,"localFilename":%q}`,
			notice.Transfer, <-status, filepath.Join(s.settings.FolderAtPeer, "received-by-itself"))
	}))
	t.Cleanup(product.Close)
	late := startSite(t, pesitrest.V1, func(of *pesitrest.Settings) {
		*of = s.settings
		of.URL = product.URL
	})
	box, _ := late.mailbox(t)
	offer := channels.Offer{Name: statement, Transfer: notice.Transfer, Bytes: notice.Bytes}
	for _, moving := range []string{"PENDING", "IN_PROGRESS"} {
		status <- moving
		err := box.Fetch(t.Context(), offer, io.Discard)
		require.ErrorIs(t, err, pesitrest.ErrNotReceived)
		require.NotErrorIs(t, err, channels.ErrNoFile)
	}
	for _, ended := range []string{"FAILED", "CANCELLED"} {
		status <- ended
		require.ErrorIs(t, box.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile, ended)
	}
	status <- "COMPLETED"
	var got bytes.Buffer
	require.NoError(t, box.Fetch(t.Context(), offer, &got))
	require.Equal(t, "a statement", got.String())
}

// TestAMailboxOfABrokenProduct: nothing that fails is taken for a bank that has nothing.
func TestAMailboxOfABrokenProduct(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		box, _ := s.mailbox(t)
		offers, err := box.Offers(t.Context(), tuesday(t), nil)
		require.NoError(t, err)
		for _, fault := range []pesitwizard.Fault{
			{Kind: pesitwizard.Unauthorized}, {Kind: pesitwizard.ServerError}, {Kind: pesitwizard.ServerErrorAfter},
			{Kind: pesitwizard.ReplyLost}, {Kind: pesitwizard.Garbage}, {Kind: pesitwizard.Refused, Text: "0x03012D"},
			{Kind: pesitwizard.Redirect, Text: "http://127.0.0.1:1/"}, {Kind: pesitwizard.ReplyCut, At: 100},
		} {
			s.product.Break(fault)
			err := box.Fetch(t.Context(), offers[0], io.Discard)
			require.Error(t, err, fault.Kind)
			require.NotErrorIs(t, err, channels.ErrNoFile, fault.Kind)
			require.NotContains(t, err.Error(), key)
		}
	}
	s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.Key = "another" })
	box, _ := s.mailbox(t)
	announced := channels.Offer{Name: statement, Transfer: "one", Bytes: -1}
	require.ErrorContains(t, box.Fetch(t.Context(), announced, io.Discard), "401")
	require.ErrorContains(t, box.Taken(t.Context(), announced), "401")
}
