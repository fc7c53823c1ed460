package pesitrest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	name        = "MONEXTEUR20260317001.xml"
	correlation = "6a1f7d5e-21aa-11ea-9f0e-0242ac120002"
	key         = "the-key-of-the-test"
)

var errTest = errors.New("of the test")

// holding is the file of that name, with that content.
func holding(content string) channels.File {
	return channels.File{
		Name: name, Correlation: correlation, Bytes: int64(len(content)), SHA256: sha256.Sum256([]byte(content)),
		Write: func(to io.Writer) error {
			_, err := io.WriteString(to, content)
			return err
		},
	}
}

// site is a product, and a channel by way of it.
type site struct {
	*pesitrest.Channel

	product  *pesitwizard.Product
	settings pesitrest.Settings
	received string // what the bank has
	offered  string // what the bank has for us
	exchange string // where files change hands
}

func dialects() []pesitrest.Dialect { return []pesitrest.Dialect{pesitrest.Upload, pesitrest.V1} }

// startSite starts a product, and changes the settings of the channel.
func startSite(t testing.TB, dialect pesitrest.Dialect, change func(*pesitrest.Settings)) *site {
	t.Helper()
	folder := t.TempDir()
	s := &site{
		received: filepath.Join(folder, "received"), offered: filepath.Join(folder, "offered"),
		exchange: filepath.Join(folder, "exchange"),
	}
	require.NoError(t, os.Mkdir(s.exchange, 0o700))
	// Where an exchange folder has another path for the product.
	require.NoError(t, os.Symlink(s.exchange, filepath.Join(folder, "shared")))
	var err error
	s.product, err = pesitwizard.New(pesitwizard.Settings{
		Received: s.received, Offered: s.offered, Key: key, Partner: "REGLO", Clock: time.Now,
		Servers: []pesitwizard.Server{{Number: 1, Name: "OTHERBANK"}, {Number: 2, Name: "BANK"}, {Number: 3, Name: "CLOSED", Disabled: true}},
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.product.Serve(ctx, listener) }()
	t.Cleanup(func() {
		s.product.Release()
		stop()
		require.NoError(t, <-served)
	})
	s.settings = pesitrest.Settings{
		URL: "http://" + listener.Addr().String(), Dialect: dialect, Auth: pesitrest.AuthBearer, Key: key, Server: "BANK",
		Partner: "REGLO", VirtualFile: "VIREMENTS", Folder: s.exchange, FolderAtPeer: filepath.Join(folder, "shared"),
		Wait: time.Minute, Poll: time.Millisecond,
	}
	if dialect == pesitrest.Upload {
		s.settings.Server = "2"
	}
	if change != nil {
		change(&s.settings)
	}
	s.Channel, err = pesitrest.New(s.settings)
	require.NoError(t, err)
	return s
}

// handOver does what a dispatch does: one attempt, and what failed with an open end is looked up.
func (s *site) handOver(t testing.TB, file channels.File) (transfer.State, string) {
	t.Helper()
	outcome, err := s.Send(t.Context(), file)
	switch {
	case err == nil:
		return outcome.State, outcome.Detail
	case errors.Is(err, channels.ErrNotSent):
		return transfer.Prepared, err.Error()
	}
	detail := err.Error()
	outcome, err = s.LookUp(t.Context(), file)
	if err != nil {
		return transfer.Unknown, fmt.Sprint(detail, "; ", err)
	}
	return outcome.State, detail + "; " + outcome.Detail
}

// requireHonest compares an outcome with what the bank has.
func (s *site) requireHonest(t testing.TB, state transfer.State, content, about string) {
	t.Helper()
	s.product.Settle()
	switch state {
	case transfer.Sent:
		require.Equal(t, 1, s.product.Copies(name), about)
		kept, err := os.ReadFile(filepath.Join(s.received, name))
		require.NoError(t, err, about)
		require.Equal(t, content, string(kept), about)
	case transfer.Prepared:
		require.Zero(t, s.product.Copies(name), about)
	case transfer.Unknown:
		require.LessOrEqual(t, s.product.Copies(name), 1, about)
	default:
		require.Fail(t, "no outcome", "%s: %s", about, state)
	}
	require.Zero(t, s.product.Meddled(), about)
}

// content is a text of that many bytes.
func content(size int) string { return string(bytes.Repeat([]byte("<a/>\n"), size/5+1)[:size]) }
