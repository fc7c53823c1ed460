package sftp_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/domain/calendar"
)

// mailbox is that of a channel, and what it logs.
func mailbox(t testing.TB, channel *sftp.Channel, keeps bool) (channels.Mailbox, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	made, err := sftp.NewMailbox(channel, keeps, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	return made, &log
}

func TestAMailbox(t *testing.T) {
	t.Parallel()
	server := start(t)
	box, log := mailbox(t, server.channel(), false)
	offers, err := box.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	require.Empty(t, offers)
	require.Empty(t, log.String())

	large := text(2_000_000)
	for file, text := range map[string]string{
		"RELEVE.120": large, "pain002.xml": "two", "of JEAN DUPONT.xml": "x", "line\nbreak": "x", "half.part": "x",
		strings.Repeat("x", 65): "x",
	} {
		server.put(inFolder+"/"+file, text)
	}
	offers, err = box.Offers(t.Context(), calendar.Date{}, []channels.Announcement{{Transfer: "1", Name: "other", Bytes: 1}})
	require.NoError(t, err)
	require.Len(t, offers, 2)
	require.Contains(t, log.String(), "files=3")
	require.NotContains(t, log.String(), "DUPONT")
	for i, want := range []struct{ name, text string }{{"RELEVE.120", large}, {"pain002.xml", "two"}} {
		offer := offers[i]
		require.Equal(t, want.name, offer.Name)
		require.EqualValues(t, len(want.text), offer.Bytes)
		require.False(t, offer.ModifiedAt.IsZero())
		for range 2 { // until it is taken, as often as one likes
			var got bytes.Buffer
			require.NoError(t, box.Fetch(t.Context(), offer, &got))
			require.Equal(t, want.text, got.String())
		}
		for range 2 {
			require.NoError(t, box.Taken(t.Context(), offer))
			require.NotContains(t, server.files(), inFolder+"/"+want.name)
		}
		require.ErrorIs(t, box.Fetch(t.Context(), offer, io.Discard), channels.ErrNoFile)
	}
	require.Len(t, server.files(), 4, "what is not for us stays")
}

func TestAMailboxOfWhichThePartnerRemovesFiles(t *testing.T) {
	t.Parallel()
	server := start(t)
	box, _ := mailbox(t, server.channel(), true)
	server.put(inFolder+"/RELEVE.120", "one")
	offers, err := box.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	require.Len(t, offers, 1)
	require.NoError(t, box.Taken(t.Context(), offers[0]))
	require.Equal(t, "one", server.files()[inFolder+"/RELEVE.120"])
}

// TestAFileThatIsReplaced: what came after the one that was taken is offered, and not removed unseen.
func TestAFileThatIsReplaced(t *testing.T) {
	t.Parallel()
	server := start(t)
	box, _ := mailbox(t, server.channel(), false)
	server.put(inFolder+"/RELEVE.120", "one")
	before, err := box.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	server.put(inFolder+"/RELEVE.120", "another")
	require.ErrorIs(t, box.Fetch(t.Context(), before[0], io.Discard), sftp.ErrChanged)
	require.NoError(t, box.Taken(t.Context(), before[0]))
	after, err := box.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	require.Len(t, after, 1)
	var got bytes.Buffer
	require.NoError(t, box.Fetch(t.Context(), after[0], &got))
	require.Equal(t, "another", got.String())

	path := filepath.Join(server.Folder, inFolder, "RELEVE.120")
	require.NoError(t, os.Chtimes(path, day().Add(-time.Second), day().Add(-time.Second)))
	offers, err := box.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	require.Empty(t, offers, "somebody may be writing it")
}

// TestAMailboxBehindABadLine: no error is taken for a partner that has nothing.
func TestAMailboxBehindABadLine(t *testing.T) {
	t.Parallel()
	server := start(t)
	server.put(inFolder+"/RELEVE.120", text(500_000))
	whole, _ := mailbox(t, server.channel(), false)
	offers, err := whole.Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	for _, down := range []int64{0, 3_000, 250_000} {
		line := server.behind(t, func(int) fault { return fault{up: uncut, down: down} })
		box, _ := mailbox(t, server.channel(line.via), false)
		err := box.Fetch(t.Context(), offers[0], io.Discard)
		require.Error(t, err, down)
		require.NotErrorIs(t, err, channels.ErrNoFile, down)
	}
	line := server.behind(t, func(int) fault { return fault{up: uncut, down: 1_000} })
	box, _ := mailbox(t, server.channel(line.via), false)
	_, err = box.Offers(t.Context(), calendar.Date{}, nil)
	require.Error(t, err)
	require.Error(t, box.Taken(t.Context(), offers[0]))
	require.NoError(t, whole.Fetch(t.Context(), offers[0], io.Discard), "it is still there")

	_, err = sftp.NewMailbox(server.channel(nothingForUs), false, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, sftp.ErrNoInFolder)
}
