//go:build linux

package e2e_test

import (
	"context"
	"crypto/sha256"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels/sftp/sshdtest"
	standin "github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// partner is whom a day's bulks reach by a channel of their own.
type partner struct {
	settings []string // of the worker
	// folder is what the bank takes as its outbox.
	folder string
	// open tells that the channel cannot say what became of a bulk of which it got
	// no answer: an operator does.
	open bool
	// copies is how many of a file came; nil where two of one name cannot.
	copies func(file string) int
	quiet  func() // waits until all that was sent has its effect
}

// TestADayBySFTPAndPeSIT has a day's bulks reach the bank by a server. The reply to
// that of the payouts is lost, and the worker dies when that of the EP's own
// transfers was handed over, before this is kept. The bank gets each once, as it
// was written. What the channel cannot tell, an operator does, and of the last one,
// for which the session does not wait, the bank's statement.
func TestADayBySFTPAndPeSIT(t *testing.T) {
	t.Parallel()
	begun := aMorning(t)
	// The payouts, then what they need from cantonnement.
	lost, died := "MONEXTEUR"+begun.date.Compact()+"001.xml", "MONEXTINT"+begun.date.Compact()+"0001.xml"
	for name, call := range map[string]func(t *testing.T, lost string) *partner{
		"sftp": bySFTP, "pesit-rest, upload": byUpload, "pesit-rest, v1": byV1, "pesit": byPesit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, bank := begun.begin(t), call(t, lost)
			w.settings = bank.settings
			w.setOut(t, []moment{{atChannel, died, notTold}})
			run := w.financiere(t, w.cutOff())
			w.decide(t)
			answered := w.bulksOfUnknownOutcome(t)
			require.NoError(t, run.Get(t.Context(), nil))
			bank.quiet()
			w.requireSentOnce(t)

			require.Empty(t, armed(t, w.gate), "no worker died")
			if !bank.open {
				require.Empty(t, answered)
				require.Empty(t, w.unknown(t))
				w.requireArrived(t, bank)
				return
			}
			require.Equal(t, []string{lost}, answered)
			require.Equal(t, []string{died}, w.unknown(t))
			w.requireArrived(t, bank)
			w.close(t)
			require.Empty(t, w.unknown(t))
		})
	}
}

// unknown are the files of bulks of which nobody knows whether the bank has them.
func (w *dayWorld) unknown(t *testing.T) []string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), `select name || '.xml' from bulk where state = 'UNKNOWN' order by name`)
	require.NoError(t, err)
	files, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return files
}

// close has the bank state the day, and the engine close it.
func (w *dayWorld) close(t *testing.T) {
	t.Helper()
	_, err := w.bank.CloseDay(w.date, w.folders.Inbox)
	require.NoError(t, err)
	before := w.date.Midnight() // by the workers' clock, they have stood there for some time
	for name, content := range map[string][]byte{w.salesReference(): w.begun.sales, w.unpaidsReference(): w.begun.unpaids} {
		w.deliver(t)(name+".txt", content)
		require.NoError(t, os.Chtimes(filepath.Join(w.folders.Inbox, name+".txt"), before, before))
	}
	run := w.perform(t, w.technique("close"), workflows.TechniqueName, workflows.TechniqueRequest{
		BusinessDate: w.date, Phase: workflows.PhaseClose, Inbox: w.folders.Inbox, CutOff: w.cutOff(), RequestedBy: "alice",
	})
	require.NoError(t, run.Get(t.Context(), nil))
}

// bulksOfUnknownOutcome has an operator say of each that the bank has it, until
// the payouts are over. They are given back by the names of their files.
func (w *dayWorld) bulksOfUnknownOutcome(t *testing.T) (files []string) {
	t.Helper()
	id := w.session(vacation.Financiere)
	eventually(t, "the end of the payouts", func() bool {
		if w.ended(id) {
			return true
		}
		unknown := w.unknown(t)
		if len(unknown) == 0 || w.waiting(id).Stage != vacation.StageOutcome {
			return false
		}
		files = append(files, unknown...)
		var bulks []string
		for _, file := range unknown {
			bulks = append(bulks, strings.TrimSuffix(file, ".xml"))
		}
		w.answer(t, id, workflows.DeliveredUpdate, workflows.AnswerRequest{Actor: "bruno", Reason: "the bank shows it", Subjects: bulks})
		return false
	})
	slices.Sort(files)
	return slices.Compact(files)
}

// requireArrived proves that the bank has what was written, and nothing twice,
// and that it executes it.
func (w *dayWorld) requireArrived(t *testing.T, bank *partner) {
	t.Helper()
	type bulk struct {
		Name   string
		SHA256 []byte
	}
	rows, err := w.pool.Query(t.Context(),
		`select name, file_sha256 from bulk where attempted_at >= $1::date order by name`, w.date.String())
	require.NoError(t, err)
	bulks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[bulk])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(bulks), 2)
	var names []string
	for _, one := range bulks {
		content, err := os.ReadFile(filepath.Join(bank.folder, one.Name+".xml"))
		require.NoError(t, err)
		digest := sha256.Sum256(content)
		require.Equal(t, one.SHA256, digest[:], one.Name)
		if bank.copies != nil {
			require.Equal(t, 1, bank.copies(one.Name+".xml"), one.Name)
		}
		names = append(names, one.Name+".xml")
	}
	var there []string
	entries, err := os.ReadDir(bank.folder)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			there = append(there, entry.Name())
		}
	}
	require.ElementsMatch(t, names, there)

	taken, err := w.bank.Take(bank.folder, w.date)
	require.NoError(t, err)
	require.Len(t, taken, len(bulks))
	for _, one := range taken {
		require.Equal(t, standin.Executed, one.Outcome, one)
	}
	require.Empty(t, w.bank.Copies())
}

// bySFTP is OpenSSH's server. The connection of the bulk whose reply is lost ends
// as the file gets its name.
func bySFTP(t *testing.T, lost string) *partner {
	t.Helper()
	const folder = "in"
	server := sshdtest.Start(t, folder)
	line := lossy(t, server.Address, filepath.Join(server.Folder, folder, lost))
	server.KnowAt(line, server.HostKeys...)
	return &partner{
		folder: filepath.Join(server.Folder, folder), quiet: server.Quiet,
		settings: []string{
			"REGLO_CHANNEL_TECHNOLOGY=sftp", "REGLO_CHANNEL_SFTP_ADDRESS=" + line, "REGLO_CHANNEL_SFTP_USER=" + server.User,
			"REGLO_CHANNEL_SFTP_HOST_KEYS=" + filepath.Join(server.Private, "known_hosts"),
			"REGLO_CHANNEL_SFTP_KEY_FILE=" + filepath.Join(server.Private, "key"),
			"REGLO_CHANNEL_SFTP_FOLDER=" + folder, "REGLO_CHANNEL_SFTP_KEEPS=true",
		},
	}
}

// lossy is a line to a server, by which nothing comes back once that file is
// there. Only the first connection that finds it so is cut.
func lossy(t *testing.T, server, file string) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var cut atomic.Bool
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { pass(client, server, file, &cut) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		connections.Wait()
		require.True(t, cut.Load(), "no reply was lost")
	})
	return listener.Addr().String()
}

func pass(client net.Conn, address, file string, cut *atomic.Bool) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(writer(func(said []byte) (int, error) {
		if _, err := os.Stat(file); err == nil && cut.CompareAndSwap(false, true) {
			return 0, io.ErrClosedPipe
		}
		return client.Write(said)
	}), server)
	_ = client.Close()
	_ = server.Close()
	up.Wait()
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// byUpload is the stand-in for PeSIT Wizard, of which nothing can be asked afterwards.
func byUpload(t *testing.T, _ string) *partner {
	t.Helper()
	bank := byPesitREST(t, "REGLO_CHANNEL_PESIT_REST_DIALECT=upload", "REGLO_CHANNEL_PESIT_REST_SERVER=2")
	bank.open = true
	return bank
}

// byV1 is the stand-in for PeSIT Wizard, which is asked what became of a file.
func byV1(t *testing.T, _ string) *partner {
	t.Helper()
	// The folder in which files change hands has another path for the product.
	folder := t.TempDir()
	exchange, theirs := filepath.Join(folder, "exchange"), filepath.Join(folder, "theirs")
	require.NoError(t, os.Mkdir(exchange, 0o700))
	require.NoError(t, os.Symlink(exchange, theirs))
	bank := byPesitREST(t, "REGLO_CHANNEL_PESIT_REST_DIALECT=v1", "REGLO_CHANNEL_PESIT_REST_SERVER=BANK",
		"REGLO_CHANNEL_PESIT_REST_FOLDER="+exchange, "REGLO_CHANNEL_PESIT_REST_FOLDER_AT_PEER="+theirs,
		"REGLO_CHANNEL_PESIT_REST_POLL=10ms")
	settled := bank.quiet
	bank.quiet = func() {
		settled()
		left, err := os.ReadDir(exchange)
		require.NoError(t, err)
		require.Empty(t, left, "what was sent is cleared away")
	}
	return bank
}

// byPesitREST is the stand-in for PeSIT Wizard, which loses the reply to the first
// bulk that it is given.
func byPesitREST(t *testing.T, settings ...string) *partner {
	t.Helper()
	const key = "the-key-of-the-test"
	folder := t.TempDir()
	keyFile := filepath.Join(folder, "key")
	require.NoError(t, os.WriteFile(keyFile, []byte(key+"\n"), 0o600))
	received := filepath.Join(folder, "received")
	product, err := pesitwizard.New(pesitwizard.Settings{
		Received: received, Offered: filepath.Join(folder, "offered"), Key: key, Partner: "REGLO",
		Servers: []pesitwizard.Server{{Number: 1, Name: "OTHERBANK"}, {Number: 2, Name: "BANK"}}, Clock: time.Now,
	})
	require.NoError(t, err)
	product.Break(pesitwizard.Fault{Kind: pesitwizard.ReplyLost, Times: 1})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- product.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
		require.Zero(t, product.Meddled())
	})
	return &partner{
		folder: received, copies: product.Copies, quiet: product.Settle,
		settings: append([]string{
			"REGLO_CHANNEL_TECHNOLOGY=pesit-rest", "REGLO_CHANNEL_PESIT_REST_URL=http://" + listener.Addr().String(),
			"REGLO_CHANNEL_PESIT_REST_KEY_FILE=" + keyFile, "REGLO_CHANNEL_PESIT_REST_PARTNER=REGLO",
			"REGLO_CHANNEL_PESIT_REST_VIRTUAL_FILE=VIREMENTS",
		}, settings...),
	}
}

// byPesit is the stand-in for a bank that speaks PeSIT. The connection of the bulk
// whose reply is lost ends as the bank acknowledges the whole file; nothing can be
// asked afterwards.
func byPesit(t *testing.T, lost string) *partner {
	t.Helper()
	const password = "SESAME42"
	folder := t.TempDir()
	passwordFile := filepath.Join(folder, "password")
	require.NoError(t, os.WriteFile(passwordFile, []byte(password+"\n"), 0o600))
	kept := filepath.Join(folder, "kept")
	bank, err := pesit.Listen(t.Context(), "127.0.0.1:0", pesit.Settings{
		Name: "BANK", Partners: map[string]string{"REGLO": password}, Kept: kept, Offered: filepath.Join(folder, "offered"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bank.Close()) })
	return &partner{
		folder: kept, open: true,
		copies: func(file string) (copies int) {
			for _, one := range bank.Kept() {
				if one.Name == file {
					copies++
				}
			}
			return copies
		},
		quiet: func() {
			eventually(t, "the end of the calls", func() bool {
				incoming, err := filepath.Glob(filepath.Join(kept, ".incoming-*"))
				return err == nil && len(incoming) == 0
			})
		},
		settings: []string{
			"REGLO_CHANNEL_TECHNOLOGY=pesit", "REGLO_CHANNEL_PESIT_TLS=false",
			"REGLO_CHANNEL_PESIT_ADDRESS=" + lossy(t, bank.Address(), filepath.Join(kept, lost)),
			"REGLO_CHANNEL_PESIT_REQUESTER=REGLO", "REGLO_CHANNEL_PESIT_SERVER=BANK",
			"REGLO_CHANNEL_PESIT_PASSWORD_FILE=" + passwordFile, "REGLO_CHANNEL_PESIT_FLOW=VIREMENTS",
		},
	}
}
