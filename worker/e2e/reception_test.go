//go:build linux

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	standin "github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/wake"
	"github.com/reglo/reglo/workflows"
)

// TestFilesComeByWebhook has the bank bring what the opening of a day waits for,
// by way of a product that announces each file twice, and once more with a
// signature of somebody else's. Workers die with a file that is not recorded, with
// one that is not in the inbox, and with one that Temporal does not know of; the
// front dies with a notice that nobody was told of. One file comes cut, before it
// comes whole; one is nothing that anybody knows. The opening must come to the same
// as one whose files were there.
func TestFilesComeByWebhook(t *testing.T) {
	t.Parallel()
	begun := aMorning(t)
	w := begun.begin(t)
	p := newPost(t, w)
	var statements []string
	for _, account := range standin.Accounts() { // in the order in which they are read when all are there
		statements = append(statements, p.takeOut(t, "camt053."+string(account[len("BK."):])+".*")...)
	}
	require.Len(t, statements, 3)
	reports := p.takeOut(t, "pain002.*")
	require.NotEmpty(t, reports)
	const noted = "NOTES.TXT"
	p.offer(t, noted, []byte("the bank is closed on Friday\n"))
	unrecorded, unplaced := statements[0], reports[0]

	w.settings = p.settings
	w.setOut(t, []moment{
		{atMailbox, fetching + unrecorded, notTold}, {atMailbox, taking + unplaced, justStarted},
	})
	first := p.serve(t, "serve --json --register")
	opening := w.openDay(t)
	w.waits(t, w.technique("open"))

	p.bring(t, unrecorded)
	p.bring(t, unplaced)
	p.bring(t, reports[1:]...)
	p.Break(append(misheard(), pesitwizard.Fault{Kind: pesitwizard.TruncatedReceive, At: 700, Times: 1})...)
	p.bring(t, statements[1])
	p.Break(misheard()...)
	arm(t, w.gate, moment{workflows.ReceptionName, activities.ReceiveFilesName, notTold})
	p.bring(t, noted)
	p.bring(t, unrecorded) // again
	require.Equal(t, []string{statements[1], noted}, p.held(t))

	p.bringUnheard(t, first, statements[1])
	require.NotEmpty(t, w.waiting(w.technique("open")).Stage)
	_, err := wake.Reception(t.Context(), w.client, "scheduler")
	require.NoError(t, err)
	p.isIn(t)

	second := p.serve(t, "serve --json")
	p.bring(t, statements[2])
	w.settle(t)
	require.NoError(t, opening.Get(t.Context(), nil))

	require.Empty(t, armed(t, w.gate), "moments that nobody came to")
	require.Equal(t, []string{statements[1], noted}, p.held(t))
	p.requireEachOnce(t)
	p.requireForgedRefused(t, first, second)
	pgtest.Same(t, begun.opened(t), w.dump(t))
	w.keepLast(t, workflows.ReceptionID, "reception")
	w.requireHistoriesNameNobody(t, hookSecret, productKey)
	w.requireLogsKeep(t, hookSecret, productKey)
}

const (
	hookSecret = "the-secret-of-the-hook"
	productKey = "the-key-of-the-product"
)

// starterVariable makes this test's binary the starter; it holds the arguments.
const starterVariable = "E2E_STARTER"

// misheard are what goes wrong with each notice.
func misheard() []pesitwizard.Fault {
	return []pesitwizard.Fault{{Kind: pesitwizard.WebhookForged}, {Kind: pesitwizard.WebhookTwice}}
}

// opened is a dump of a day that was opened with all its files there.
func (m *morning) opened(t *testing.T) string {
	t.Helper()
	w := m.begin(t)
	w.setOut(t, nil)
	opening := w.openDay(t)
	w.settle(t)
	require.NoError(t, opening.Get(t.Context(), nil))
	return w.dump(t)
}

// openDay starts the opening of the day.
func (w *dayWorld) openDay(t *testing.T) client.WorkflowRun {
	t.Helper()
	return w.perform(t, w.technique("open"), workflows.TechniqueName, workflows.TechniqueRequest{
		BusinessDate: w.date, Phase: workflows.PhaseOpen, Inbox: w.folders.Inbox, CutOff: w.cutOff(), RequestedBy: "alice",
	})
}

// post is the product by which the bank's files come, and the front that it calls.
type post struct {
	*pesitwizard.Product

	world    *dayWorld
	folder   string // of what the bank has for us
	address  string // of the front
	settings []string
	// line is between the front and Temporal.
	line *valve
	// brought are the transfers that the product has announced.
	brought int
	// whole are the contents that were offered, by their names.
	whole map[string][sha256.Size]byte
}

func newPost(t *testing.T, w *dayWorld) *post {
	t.Helper()
	folder := t.TempDir()
	p := &post{
		world: w, folder: filepath.Join(folder, "offered"), address: freeAddress(t), line: newValve(t, w.server.address),
		whole: make(map[string][sha256.Size]byte),
	}
	var err error
	p.Product, err = pesitwizard.New(pesitwizard.Settings{
		Received: filepath.Join(folder, "received"), Offered: p.folder, Key: productKey, Partner: "REGLO",
		Servers: []pesitwizard.Server{{Number: 1, Name: "BANK"}}, Clock: time.Now,
	})
	require.NoError(t, err)
	p.Break(misheard()...)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
		require.Zero(t, p.Meddled())
	})
	secret, key := filepath.Join(folder, "secret"), filepath.Join(folder, "key")
	require.NoError(t, os.WriteFile(secret, []byte(hookSecret+"\n"), 0o600))
	require.NoError(t, os.WriteFile(key, []byte(productKey+"\n"), 0o600))
	p.settings = []string{
		"REGLO_CHANNEL_TECHNOLOGY=pesit-rest", "REGLO_CHANNEL_PESIT_REST_URL=http://" + listener.Addr().String(),
		"REGLO_CHANNEL_PESIT_REST_KEY_FILE=" + key, "REGLO_CHANNEL_PESIT_REST_DIALECT=upload",
		"REGLO_CHANNEL_PESIT_REST_SERVER=1", "REGLO_CHANNEL_PESIT_REST_PARTNER=REGLO",
		"REGLO_CHANNEL_PESIT_REST_VIRTUAL_FILE=VIREMENTS",
		"REGLO_HOOK_SECRET_FILE=" + secret, "REGLO_HOOK_URL=http://" + p.address + "/hooks/pesit/bank",
		"REGLO_FRONT_ADDRESS=" + p.address,
	}
	return p
}

// freeAddress is one at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}

// serve starts a front, and waits until it answers. Its own is the line to Temporal.
func (p *post) serve(t *testing.T, arguments string) *process {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	environ := environment(append([]string{
		starterVariable + "=" + arguments, "GORACE=halt_on_error=1", "REGLO_DATABASE_URL=" + p.world.url,
		"TEMPORAL_ADDRESS=" + p.line.address, "TEMPORAL_NAMESPACE=" + p.world.namespace,
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(p.world.logs, "none.toml"),
	}, p.settings...)...)
	front, err := launch(filepath.Join(t.TempDir(), "front.log"), environ, program)
	require.NoError(t, err)
	t.Cleanup(func() {
		if front.failed() {
			t.Errorf("the front ended by itself")
		}
		front.kill()
		if t.Failed() {
			t.Log(front.tail())
		}
	})
	eventually(t, "the front", func() bool {
		require.False(t, front.failed(), "the front does not start")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.address+"/readyz", http.NoBody)
		require.NoError(t, err)
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	return front
}

// takeOut takes files out of the inbox, for the bank to bring them.
func (p *post) takeOut(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.world.folders.Inbox, pattern))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.Remove(file))
		p.offer(t, filepath.Base(file), content)
		names = append(names, filepath.Base(file))
	}
	return names
}

func (p *post) offer(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, name), content, 0o600))
	p.whole[name] = sha256.Sum256(content)
}

// bring has the bank bring files, one after the other, and waits until each is in.
func (p *post) bring(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := p.Push(t.Context(), name)
		require.NoError(t, err)
		p.brought++
		p.Settle()
		p.isIn(t)
	}
}

// bringUnheard has the bank bring a file whose notice is safe when the front dies,
// before Temporal is told.
func (p *post) bringUnheard(t *testing.T, front *process, name string) {
	t.Helper()
	before, _ := p.reception(t)
	p.line.shut.Store(true)
	transfer, err := p.Push(t.Context(), name)
	require.NoError(t, err)
	p.brought++
	eventually(t, "the notice", func() bool {
		return p.world.ask(`select count(*) from webhook_notice where transfer = $1`, transfer) == 1
	})
	front.kill()
	p.Settle()
	p.line.shut.Store(false)
	after, running := p.reception(t)
	require.Equal(t, before, after, "nobody was told")
	require.False(t, running)
	require.EqualValues(t, 1, p.world.ask(`select count(*) from webhook_notice where handled_at is null`))
}

// isIn waits until all that was announced was looked at, and nobody looks any more.
func (p *post) isIn(t *testing.T) {
	t.Helper()
	eventually(t, "the reception", func() bool {
		_, running := p.reception(t)
		return !running && p.world.ask(`select count(*) from webhook_notice where handled_at is null`) == 0
	})
	require.EqualValues(t, p.brought, p.world.ask(`select count(*) from webhook_notice`), "each notice is kept once")
}

// reception is the last run of the reception, and whether it goes on.
func (p *post) reception(t *testing.T) (run string, running bool) {
	t.Helper()
	described, err := p.world.client.DescribeWorkflowExecution(t.Context(), workflows.ReceptionID, "")
	if err != nil {
		return "", false // none yet
	}
	info := described.GetWorkflowExecutionInfo()
	return info.GetExecution().GetRunId(), info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// held are the files that wait for an operator, in the order in which they came.
func (p *post) held(t *testing.T) []string {
	t.Helper()
	rows, err := p.world.pool.Query(t.Context(), `select name from received_file where state = 'HELD' order by number`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// requireEachOnce proves that each file that came whole was put into the inbox
// once, and that what waits for an operator stands beside.
func (p *post) requireEachOnce(t *testing.T) {
	t.Helper()
	readers, waiting := make(map[[sha256.Size]byte]int), make(map[[sha256.Size]byte]int)
	count(t, p.world.folders.Inbox, readers)
	count(t, p.world.folders.Archive, readers)
	count(t, filepath.Join(p.world.folders.Work, "received"), waiting)
	require.Len(t, waiting, len(p.held(t)))
	placed := 0
	for name, sum := range p.whole {
		number := readers[sum] + waiting[sum]
		require.Equal(t, 1, number, name)
		placed += readers[sum]
	}
	require.Equal(t, len(p.whole)-1, placed)
	require.EqualValues(t, placed, p.world.ask(`select count(*) from received_file where state = 'ROUTED'`))
	require.EqualValues(t, placed+2, p.world.ask(`select count(*) from received_file`))
	require.EqualValues(t, 1, p.world.ask(`select count(*) from received_file where times_received > 1`))
}

// count counts the contents below a folder, but what dead workers were fetching.
func count(t *testing.T, folder string, sums map[[sha256.Size]byte]int) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".fetching-") {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.HasSuffix(path, ".gz") {
			var unpacked *gzip.Reader
			if unpacked, err = gzip.NewReader(bytes.NewReader(content)); err == nil {
				content, err = io.ReadAll(unpacked)
			}
		}
		sums[sha256.Sum256(content)]++
		return err
	}))
}

// requireForgedRefused proves that each notice came with a forged one, which was refused.
func (p *post) requireForgedRefused(t *testing.T, fronts ...*process) {
	t.Helper()
	refused := 0
	for _, front := range fronts {
		content, err := os.ReadFile(front.log)
		require.NoError(t, err)
		refused += bytes.Count(content, []byte(`"outcome":"forged"`))
		for _, secret := range []string{hookSecret, productKey} {
			require.NotContains(t, string(content), secret)
		}
	}
	require.Equal(t, p.brought, refused)
}

// valve is a line to a server, which can be shut: nothing passes then, and nothing
// ever will that was on its way.
type valve struct {
	address string
	shut    atomic.Bool
}

func newValve(t *testing.T, server string) *valve {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	v := &valve{address: listener.Addr().String()}
	over := make(chan struct{})
	var lines sync.WaitGroup
	lines.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { v.pass(conn, server, over) })
		}
	})
	t.Cleanup(func() {
		close(over)
		_ = listener.Close()
		lines.Wait()
	})
	return v
}

func (v *valve) pass(conn net.Conn, address string, over <-chan struct{}) {
	defer func() { _ = conn.Close() }()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(writer(func(said []byte) (int, error) {
			if v.shut.Load() {
				<-over
				return 0, io.ErrClosedPipe
			}
			return server.Write(said)
		}), conn)
		_ = server.Close()
	})
	go func() {
		<-over
		_ = conn.Close()
	}()
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
	up.Wait()
}

// Moments at the mailbox: behind them stands the name of the file.
const (
	atMailbox = "mailbox"
	fetching  = "fetch-"
	taking    = "take-"
)

// gatedMailbox has the mailbox of the bank die with a file: when it was fetched
// and is not recorded, or is recorded and not yet where its readers find it.
func gatedMailbox(mailbox channels.Mailbox) channels.Mailbox {
	folder := os.Getenv(gateVariable)
	if folder == "" || mailbox == nil {
		return mailbox
	}
	return &deadlyMailbox{Mailbox: mailbox, gate: &gate{folder: folder}}
}

type deadlyMailbox struct {
	channels.Mailbox

	gate *gate
}

func (m *deadlyMailbox) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	err := m.Mailbox.Fetch(ctx, offer, to)
	if err == nil {
		m.gate.pass(moment{atMailbox, fetching + offer.Name, notTold})
	}
	return err
}

func (m *deadlyMailbox) Taken(ctx context.Context, offer channels.Offer) error {
	m.gate.pass(moment{atMailbox, taking + offer.Name, justStarted})
	return m.Mailbox.Taken(ctx, offer)
}

// requireHistoriesNameNobody looks into the history of each run of the world.
func (w *dayWorld) requireHistoriesNameNobody(t *testing.T, secrets ...string) {
	t.Helper()
	var text strings.Builder
	kinds := make(map[string]bool)
	for _, run := range w.runs(t) {
		events := &history.History{}
		for pages := w.client.GetWorkflowHistory(t.Context(), run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId(),
			false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); pages.HasNext(); {
			event, err := pages.Next()
			require.NoError(t, err)
			events.Events = append(events.Events, event)
		}
		shown, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(events)
		require.NoError(t, err)
		text.Write(shown)
		text.WriteString(payloads(t, events))
		kinds[run.GetType().GetName()] = true
	}
	require.True(t, kinds[workflows.TechniqueName] || kinds[workflows.FinanciereName], kinds)
	(&house{stage: w.stage}).requireNothingPersonal(t, text.String())
	settings, err := config.Load(nil, nil)
	require.NoError(t, err)
	own := settings.Bank
	for _, secret := range append(secrets, own.Reglement.IBAN, own.Cantonnement.IBAN, own.Fonctionnement.IBAN) {
		require.NotEmpty(t, secret)
		require.NotContains(t, text.String(), secret)
	}
}

// runs are all of the world's.
func (w *dayWorld) runs(t *testing.T) (runs []*workflow.WorkflowExecutionInfo) {
	t.Helper()
	var page []byte
	for {
		list, err := w.client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: page})
		require.NoError(t, err)
		runs = append(runs, list.GetExecutions()...)
		if page = list.GetNextPageToken(); len(page) == 0 {
			require.NotEmpty(t, runs)
			return runs
		}
	}
}

// requireLogsKeep proves that no worker has told these.
func (w *dayWorld) requireLogsKeep(t *testing.T, secrets ...string) {
	t.Helper()
	var told bytes.Buffer
	for _, worker := range w.crew.all() {
		content, err := os.ReadFile(worker.log)
		require.NoError(t, err)
		told.Write(content)
	}
	require.NotZero(t, told.Len())
	for _, secret := range secrets {
		require.NotContains(t, told.String(), secret)
	}
}

// all are the workers so far.
func (c *crew) all() []*process {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return append([]*process(nil), c.hired...)
}
