package reception_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/statement"
)

// now is an ordinary Tuesday in Paris.
func now() time.Time { return time.Date(2026, time.March, 17, 9, 30, 0, 0, time.UTC) }

func today() calendar.Date { return calendar.DateOf(now()) }

// world is a database, the folders that workers share, and a partner.
type world struct {
	pool    *pgxpool.Pool
	folders reception.Folders
	reader  delivery.Reader
	box     *box
	others  []reception.Partner // behind the box
	at      func() time.Time
	limit   int64 // on the length of files, none for 0
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root := t.TempDir()
	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)
	w := &world{
		pool: pgtest.New(t), box: newBox(), at: now,
		folders: reception.Folders{
			Inbox: filepath.Join(root, "inbox"), Work: filepath.Join(root, "work"), Archive: inbox.Archive(filepath.Join(root, "archive")),
		},
		reader: delivery.Reader{
			Accounts: statement.Accounts{
				ledger.Reglement: iban.French(30003, 1, 91), ledger.Cantonnement: iban.French(30003, 1, 92),
				ledger.Fonctionnement: iban.French(30003, 1, 93),
			},
			Details: reject.NewReader(labels),
		},
	}
	for _, folder := range []string{w.folders.Inbox, w.folders.Work, string(w.folders.Archive)} {
		require.NoError(t, os.Mkdir(folder, 0o700))
	}
	return w
}

// receive runs the activity as a worker on that pool does.
func (w *world) receive(ctx context.Context, pool *pgxpool.Pool) (result activities.ReceiveFilesResult, err error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	on := reception.New(reception.Parts{
		Pool: pool, Partners: append([]reception.Partner{{Name: "bank", Mailbox: w.box}}, w.others...), Folders: w.folders,
		Reader: w.reader, Clock: w.at,
	})
	if w.limit > 0 {
		on.Limit(w.limit)
	}
	on.RegisterDispatch(env)
	value, err := env.ExecuteActivity(activities.ReceiveFilesName, activities.ReceiveFilesRequest{Date: today()})
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

func (w *world) must(t testing.TB) activities.ReceiveFilesResult {
	t.Helper()
	result, err := w.receive(t.Context(), w.pool)
	require.NoError(t, err)
	return result
}

// facts are what the database says of files.
func (w *world) facts(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select concat_ws(' ', number, partner, name, state, nullif(kind, ''), 'as ' || nullif(inbox_name, ''),
		       case when times_received > 1 then times_received || ' times' end)
		from received_file order by number`)
}

func (w *world) texts(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), query, args...)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

// detail is why the last file waits.
func (w *world) detail(t testing.TB) string {
	t.Helper()
	texts := w.texts(t, `select detail from received_file order by number desc limit 1`)
	require.Len(t, texts, 1)
	return texts[0]
}

// names are those of the files in a folder.
func names(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	list := []string{}
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func (w *world) inbox(t testing.TB) []string {
	t.Helper()
	return names(t, w.folders.Inbox)
}

// stored is the folder of what is not placed yet.
func (w *world) stored() string { return filepath.Join(w.folders.Work, "received") }

// prove holds that each content stands in one place at most, and nothing damaged in the inbox.
func (w *world) prove(t testing.TB) {
	t.Helper()
	seen := make(map[string]string)
	for _, name := range w.inbox(t) {
		content, err := os.ReadFile(filepath.Join(w.folders.Inbox, name))
		require.NoError(t, err)
		require.NotContains(t, seen, sum(content), "%s stands in the inbox twice", name)
		seen[sum(content)] = name
		_, err = os.Stat(filepath.Join(w.stored(), sum(content)))
		require.ErrorIs(t, err, os.ErrNotExist, "%s stands in the work folder, too", name)
		states := w.texts(t, `select state from received_file where sha256 = decode($1, 'hex')`, sum(content))
		require.Contains(t, []string{"STORED", "ROUTED"}, strings.Join(states, " "), name)
	}
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// box is a partner's mailbox that does as it is told.
type box struct {
	mutex  sync.Mutex
	files  map[string]string // by name
	about  map[string]channels.Offer
	keeps  bool
	fails  map[string]error // by what is called
	breaks map[string]int   // bytes after which fetching a file fails
	// told is called once the box was told that a content is safe, which it then
	// gives to nobody any more. It is not told when told is nil.
	told   func(name string) error
	before func(doing, name string)

	announced []channels.Announcement // last
	fetched   []string
	taken     []string
}

func newBox() *box {
	return &box{
		files: make(map[string]string), about: make(map[string]channels.Offer), fails: make(map[string]error),
		breaks: make(map[string]int), before: func(string, string) {},
	}
}

var errPartner = errors.New("the partner does not answer")

func (b *box) Offers(_ context.Context, _ calendar.Date, announced []channels.Announcement) ([]channels.Offer, error) {
	b.before("offers", "")
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.announced = announced
	if err := b.fails["offers"]; err != nil {
		return nil, err
	}
	var offers []channels.Offer
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		offer, told := b.about[name]
		if !told {
			offer.Bytes = -1
		}
		offer.Name = name
		offers = append(offers, offer)
	}
	for _, one := range announced {
		if _, there := b.files[one.Name]; !there {
			offers = append(offers, channels.Offer{Name: one.Name, Transfer: one.Transfer, Bytes: one.Bytes})
		}
	}
	return offers, nil
}

func (b *box) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	b.before("fetch", offer.Name)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	content, there := b.files[offer.Name]
	if !there {
		return fmt.Errorf("%s: %w", offer.Transfer, channels.ErrNoFile)
	}
	b.fetched = append(b.fetched, offer.Name)
	if after, breaks := b.breaks[offer.Name]; breaks {
		_, _ = io.WriteString(to, content[:after])
		return errPartner
	}
	if _, err := io.WriteString(to, content); err != nil || b.told == nil {
		return errors.Join(err, ctx.Err())
	}
	if err := to.(interface{ Sync() error }).Sync(); err != nil {
		return err
	}
	delete(b.files, offer.Name)
	return b.told(offer.Name)
}

func (b *box) Taken(_ context.Context, offer channels.Offer) error {
	b.before("taken", offer.Name)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if err := b.fails["taken"]; err != nil {
		return err
	}
	b.taken = append(b.taken, offer.Name)
	if !b.keeps {
		delete(b.files, offer.Name)
	}
	return nil
}

func written(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, write(&file))
	return file.String()
}

func envelope(definition, id string) message.Envelope {
	return message.Envelope{Definition: definition, ID: id, CreatedAt: now()}
}

// stated is a bank's statement, another one for each opening balance.
func stated(t testing.TB, opening money.Cents) string {
	t.Helper()
	return written(t, func(to io.Writer) error {
		return message.WriteCamt053(to, envelope(message.Camt053V08, "S1"), message.Statement{
			ID: "S1", IBAN: iban.French(30003, 1, 91), Number: 1, Opening: message.Balance{Amount: opening, Date: today()},
			Closing: message.Balance{Amount: opening, Date: today()},
		})
	})
}

func stated120(t testing.TB, account string) string {
	t.Helper()
	return written(t, func(to io.Writer) error {
		return message.WriteCFONB120(to, message.Statement{
			ID: "S1", IBAN: account, Number: 1, Opening: message.Balance{Amount: 5, Date: today()},
			Closing: message.Balance{Amount: 5, Date: today()},
		})
	})
}

func reported(t testing.TB) string {
	t.Helper()
	return written(t, func(to io.Writer) error {
		return message.WritePain002(to, envelope(message.Pain002V10, "R1"), message.Report{
			MessageID: "M1", Definition: message.Pain001V09, Orders: 1, Sum: 5_00, Status: message.Accepted,
		})
	})
}

func notified(t testing.TB, label string) string {
	t.Helper()
	return written(t, func(to io.Writer) error {
		return message.WriteCamt054(to, envelope(message.Camt054V08, "N1"), iban.French(30003, 1, 91), message.Entry{
			ID: "BQ1", Label: label, Amount: 5_00, BookedOn: today(), ValueOn: today(), Kind: message.Returned,
			Details: []message.Detail{{PaymentID: "B1", EndToEndID: "E1", Amount: 5_00, Code: "AC04"}},
		})
	})
}

// own are the files of a made-up day that do not come from the bank, by their names.
func own(t testing.TB, number, snapshot int) map[string]string {
	t.Helper()
	day, err := sample.NewJournee(sample.JourneeOptions{
		Seed: 1, Merchants: 40, Lines: 90, Date: today(), Number: number, Snapshot: snapshot, FourEyes: 20_000_00,
	})
	require.NoError(t, err)
	files := make(map[string]string)
	for _, file := range day.Files() {
		if file.Place == sample.Morning {
			files[file.Name] = written(t, file.Write)
		}
	}
	return files
}
