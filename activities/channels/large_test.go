package channels_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/activities/channels/pesit"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/activities/channels/sftp/sshdtest"
	responder "github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	protocol "github.com/reglo/reglo/domain/pesit"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	large = "MONEXTEUR20260317001.xml"
	// orders of some 370 bytes come to 40 MB.
	orders = 110_000
	// heapLimit is what the heap may grow by, in bytes, the bank in the same process
	// and what waits to be collected included; without streaming it is more than the file.
	heapLimit = 32 << 20
)

// aLargeFile writes orders as a bulk's file has them, the same each time.
func aLargeFile(t testing.TB) channels.File {
	t.Helper()
	due := day(t, 2026, time.March, 17)
	debtor := transfer.Party{Name: "EP REGLEMENT", BIC: "TESTFRPPXXX", IBAN: "FR7630006000011234567890189"}
	creditor := transfer.Party{Name: "MERCHANT OF THE TEST", BIC: "TESTFRPP", IBAN: "FR1420041010050500013M02606"}
	compose := func(to io.Writer) (pain001.Summary, error) {
		const amount = money.Cents(10_43)
		sum := amount * orders
		writer, err := pain001.NewWriter(to, pain001.Format{Version: pain001.V03}, pain001.Message{
			ID: "5b3a9c1e000040008000000000000001", CreatedAt: time.Date(2026, time.March, 17, 9, 30, 0, 0, time.UTC),
			Initiator: "EP", Orders: orders, Sum: sum,
		})
		if err != nil {
			return pain001.Summary{}, err
		}
		if err := writer.Begin(pain001.Block{Debtor: debtor, DueDate: due, Orders: orders, Sum: sum}); err != nil {
			return pain001.Summary{}, err
		}
		payment := transfer.Payment{Amount: amount, Debtor: debtor, Creditor: creditor, Info: "VIREMENT 10:30:00 REMISE DU JOUR"}
		for n := range orders {
			payment.EndToEndID, payment.RefExterne = fmt.Sprintf("P260317%09d", n), fmt.Sprintf("REF-%016d", n)
			if err := writer.Write(payment); err != nil {
				return pain001.Summary{}, err
			}
		}
		return writer.Close()
	}
	written, err := compose(io.Discard)
	require.NoError(t, err)
	require.Greater(t, written.Bytes, int64(40_000_000))
	return channels.File{
		Name: large, Correlation: "5b3a9c1e-0000-4000-8000-000000000001", Bytes: written.Bytes, SHA256: written.SHA256,
		Write: func(to io.Writer) error {
			_, err := compose(to)
			return err
		},
	}
}

// growth is by how much the heap grew at most while something was done, in bytes.
func growth(do func()) int64 {
	read := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64()) //nolint:gosec // far below
	}
	runtime.GC() //nolint:revive // what is in use is the beginning
	start := read()
	most := start
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		every := time.NewTicker(time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-done:
				return
			case <-every.C:
				most = max(most, read())
			}
		}
	})
	do()
	close(done)
	watching.Wait()
	return most - start
}

// way is a channel to a partner and a mailbox of its files, none where it has none.
type way struct {
	channel  channels.Channel
	mailbox  channels.Mailbox
	received string // folder of what the partner has
	offered  string // folder of what it has for us
}

// TestALargeFileIsStreamed sends the file of more than a hundred thousand orders by
// each way, and fetches it: only a part of it is ever in memory. It has the heap to
// itself.
//
//nolint:paralleltest // the heap is the process's
func TestALargeFileIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("40 MB by each of five ways, and back")
	}
	file := aLargeFile(t)
	for about, open := range map[string]func(*testing.T) way{
		"directory": toADirectory, "sftp": bySFTP, "pesit-rest, upload": byUpload, "pesit-rest, v1": byV1, "pesit": byPesit,
	} {
		t.Run(about, func(t *testing.T) {
			way := open(t)
			var outcome channels.Outcome
			var err error
			grown := growth(func() { outcome, err = way.channel.Send(t.Context(), file) })
			require.NoError(t, err)
			require.Equal(t, transfer.Sent, outcome.State, outcome.Detail)
			arrived, err := os.Stat(filepath.Join(way.received, large))
			require.NoError(t, err)
			require.Equal(t, file.Bytes, arrived.Size())
			t.Logf("%d MB sent, the heap grew by %d KiB", file.Bytes/1_000_000, grown>>10)
			require.Less(t, grown, int64(heapLimit))
			if way.mailbox == nil {
				return
			}
			require.NoError(t, os.Rename(filepath.Join(way.received, large), filepath.Join(way.offered, large)))
			digest := sha256.New()
			grown = growth(func() {
				var offers []channels.Offer
				if offers, err = way.mailbox.Offers(t.Context(), day(t, 2026, time.March, 17), nil); err == nil {
					require.Len(t, offers, 1)
					err = way.mailbox.Fetch(t.Context(), offers[0], digest)
				}
			})
			require.NoError(t, err)
			require.Equal(t, file.SHA256[:], digest.Sum(nil))
			t.Logf("%d MB fetched, the heap grew by %d KiB", file.Bytes/1_000_000, grown>>10)
			require.Less(t, grown, int64(heapLimit))
		})
	}
}

// agreed asks for the file.
func agreed(t *testing.T) []channels.Agreed {
	t.Helper()
	all, err := channels.ParseAgreed(large + ":" + large)
	require.NoError(t, err)
	return all
}

func toADirectory(t *testing.T) way {
	t.Helper()
	folder := t.TempDir()
	return way{channel: directory.New(folder), received: folder}
}

func bySFTP(t *testing.T) way {
	t.Helper()
	server := sshdtest.Start(t, "in", "out")
	channel, err := sftp.New(sftp.Settings{
		Address: server.Address, User: server.User, HostKeys: filepath.Join(server.Private, "known_hosts"),
		KeyFile: filepath.Join(server.Private, "key"), Folder: "in", Keeps: true, InFolder: "out",
	}, func() time.Time { return time.Now().Add(time.Hour) }) // so that files are left alone for long
	require.NoError(t, err)
	mailbox, err := sftp.NewMailbox(channel, false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return way{channel, mailbox, filepath.Join(server.Folder, "in"), filepath.Join(server.Folder, "out")}
}

func byUpload(t *testing.T) way {
	t.Helper()
	return byProduct(t, pesitrest.Upload)
}

func byV1(t *testing.T) way {
	t.Helper()
	return byProduct(t, pesitrest.V1)
}

func byProduct(t *testing.T, dialect pesitrest.Dialect) way {
	t.Helper()
	folder := t.TempDir()
	received, exchange, offered := filepath.Join(folder, "received"), filepath.Join(folder, "exchange"), filepath.Join(folder, "offered")
	require.NoError(t, os.Mkdir(exchange, 0o700))
	product, err := pesitwizard.New(pesitwizard.Settings{
		Received: received, Offered: offered, Partner: "REGLO", Clock: time.Now,
		Servers: []pesitwizard.Server{{Number: 1, Name: "BANK"}},
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- product.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	server := map[pesitrest.Dialect]string{pesitrest.Upload: "1", pesitrest.V1: "BANK"}[dialect]
	channel, err := pesitrest.New(pesitrest.Settings{
		URL: "http://" + listener.Addr().String(), Dialect: dialect, Auth: pesitrest.AuthNone, Server: server, Partner: "REGLO",
		VirtualFile: "VIREMENTS", Folder: exchange, FolderAtPeer: exchange, Poll: time.Millisecond,
	})
	require.NoError(t, err)
	return way{channel, pesitrest.NewMailbox(channel, agreed(t), slog.New(slog.DiscardHandler)), received, offered}
}

func byPesit(t *testing.T) way {
	t.Helper()
	kept, offered := t.TempDir(), t.TempDir()
	bank, err := responder.Listen(t.Context(), "127.0.0.1:0", responder.Settings{
		Name: "BANK", Partners: map[string]string{"REGLO": ""}, Kept: kept, Offered: offered,
		EntitySize: 32_000, Sync: protocol.SyncOption{Interval: 64, Window: 4},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bank.Close()) })
	channel, err := pesit.New(pesit.Settings{Address: bank.Address(), Requester: "REGLO", Server: "BANK", Flow: "VIREMENTS"}, time.Now)
	require.NoError(t, err)
	return way{channel, pesit.NewMailbox(channel, agreed(t)), kept, offered}
}
