package merchants_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/vacation"
)

// desk is an inbox, an archive, and a worker that loads from the one into the other.
type desk struct {
	pool            *pgxpool.Pool
	env             *testsuite.TestActivityEnvironment
	inbox, archived string
	run             activities.Run
	at              time.Time // what the worker's clock says
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	root := t.TempDir()
	d := &desk{pool: pgtest.New(t), inbox: filepath.Join(root, "inbox"), archived: filepath.Join(root, "archive"), at: now}
	require.NoError(t, os.Mkdir(d.inbox, 0o700))
	require.NoError(t, os.Mkdir(d.archived, 0o700))
	d.env = d.worker()
	value, err := d.env.ExecuteActivity(activities.OpenVacationName, activities.OpenVacationRequest{
		ID: vacation.ID{Kind: vacation.Technique, Key: "2026-03-02/open"}, WorkflowRun: uuid.NewString(),
		BusinessDate: calendar.DateOf(now), Parameters: json.RawMessage(`{}`),
	})
	require.NoError(t, err)
	var opened activities.OpenVacationResult
	require.NoError(t, value.Get(&opened))
	d.run = opened.Run
	return d
}

func (d *desk) worker() *testsuite.TestActivityEnvironment {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	clock := func() time.Time { return d.at }
	session.New(d.pool, postgres.Outbox{Environment: 'I', Node: 1}, clock).Register(env)
	merchants.New(d.pool, inbox.Archive(d.archived), operator.Actors{"alice"},
		merchants.Guard{MaxClosedPercent: merchants.MaxClosedPercent}, clock).Register(env)
	return env
}

func (d *desk) put(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(d.inbox, name), content, 0o600))
}

func (d *desk) load(request activities.LoadMerchantsRequest) (result activities.LoadMerchantsResult, err error) {
	return load(d.env, d, request)
}

func load(
	env *testsuite.TestActivityEnvironment, d *desk, request activities.LoadMerchantsRequest,
) (result activities.LoadMerchantsResult, err error) {
	request.Run, request.Inbox = d.run, d.inbox
	value, err := env.ExecuteActivity(activities.LoadMerchantsName, request)
	if err != nil {
		return result, err
	}
	err = value.Get(&result)
	return result, err
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	list := []string{}
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func some(t *testing.T, count int) []byte {
	t.Helper()
	all := make([]merchant.Merchant, count)
	for n := range all {
		all[n] = aMerchant(t, n)
	}
	return file(t, all...)
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (d *desk) journal(t *testing.T) (text string) {
	t.Helper()
	err := d.pool.QueryRow(t.Context(), `select coalesce(string_agg(concat_ws(' ', act, subject, actor, after), ', ' order by number), '')
		from operator_act`).Scan(&text)
	require.NoError(t, err)
	return text
}

func requireCode(t *testing.T, code vacation.FailureCode, err error) string {
	t.Helper()
	require.Error(t, err)
	failure := activities.AsFailure(err)
	require.Equal(t, code, failure.Code, failure.Message)
	return failure.Message
}

func TestSnapshotsOfTheInboxAreLoadedInTheirSequence(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.load(activities.LoadMerchantsRequest{})
	requireCode(t, vacation.MerchantsMissing, err)

	d.put(t, "Merchants.10.csv", some(t, 12))
	d.put(t, "Merchants.000009.csv", some(t, 10))
	d.put(t, "Merchants.csv", []byte("x"))
	var both sync.WaitGroup
	for range 2 {
		env := d.worker()
		both.Go(func() {
			result, err := load(env, d, activities.LoadMerchantsRequest{})
			if err != nil || result != (activities.LoadMerchantsResult{Snapshot: 10, Loaded: 2}) {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
	both.Wait()
	require.Equal(t, []string{"Merchants.csv"}, names(t, d.inbox))
	require.Equal(t, []string{"Merchants.000009.csv.gz", "Merchants.000010.csv.gz"}, names(t, d.archived))
	before := state(t, d.pool)
	result, err := d.load(activities.LoadMerchantsRequest{})
	require.NoError(t, err)
	require.Equal(t, activities.LoadMerchantsResult{Snapshot: 10, Loaded: 2}, result, "the session's, however often it is asked")
	require.Equal(t, before, state(t, d.pool))
}

func TestSnapshotsThatAreRefused(t *testing.T) {
	t.Parallel()
	for says, test := range map[string]struct {
		name    string
		content func(*testing.T) []byte
		code    vacation.FailureCode
	}{
		"snapshot 7 is not the next one, 6": {"Merchants.7.csv", func(t *testing.T) []byte { t.Helper(); return some(t, 11) }, vacation.SnapshotGap},
		"snapshot 4 is not the next one, 6": {"Merchants.4.csv", func(t *testing.T) []byte { t.Helper(); return some(t, 11) }, vacation.SnapshotGap},
		"with another content":              {"Merchants.5.csv", func(t *testing.T) []byte { t.Helper(); return some(t, 11) }, vacation.FileInvalid},
		"was loaded already, with the same": {"Merchants.05.csv", func(t *testing.T) []byte { t.Helper(); return some(t, 10) }, vacation.FileInvalid},
		"the very content of snapshot 5":    {"Merchants.6.csv", func(t *testing.T) []byte { t.Helper(); return some(t, 10) }, vacation.FileInvalid},
		"fault":                             {"Merchants.6.csv", func(*testing.T) []byte { return []byte("accountId\nx\n") }, vacation.FileInvalid},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.put(t, "Merchants.5.csv", some(t, 10))
			_, err := d.load(activities.LoadMerchantsRequest{})
			require.NoError(t, err)
			before := state(t, d.pool)
			d.put(t, test.name, test.content(t))
			for range 2 {
				_, err = d.load(activities.LoadMerchantsRequest{})
				require.Contains(t, requireCode(t, test.code, err), says)
				require.Equal(t, before, state(t, d.pool))
				require.Equal(t, []string{test.name}, names(t, d.inbox))
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		require.NoError(t, os.Mkdir(filepath.Join(d.inbox, "Merchants.1.csv"), 0o700))
		_, err := d.load(activities.LoadMerchantsRequest{})
		require.Contains(t, requireCode(t, vacation.FileInvalid, err), "is no regular file")
	})
}

func TestAMassClosureWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.put(t, "Merchants.1.csv", some(t, 10))
	_, err := d.load(activities.LoadMerchantsRequest{})
	require.NoError(t, err)
	short, whole := some(t, 8), some(t, 9)
	d.put(t, "Merchants.2.csv", short)
	d.put(t, "Merchants.3.csv", some(t, 11))

	waits, err := d.load(activities.LoadMerchantsRequest{})
	require.NoError(t, err)
	require.Equal(t, 1, waits.Snapshot)
	require.Contains(t, waits.Waits, "would close 2 of 10 open payment accounts, more than 10 %")
	require.Equal(t, hash(short), waits.WaitsFor)
	other, err := d.load(activities.LoadMerchantsRequest{Approved: hash(whole), Skipped: hash(whole), Answer: answer("0", "alice")})
	require.NoError(t, err)
	require.Equal(t, waits, other, "an answer about another snapshot lets nothing pass")

	_, err = d.load(activities.LoadMerchantsRequest{Approved: hash(short), Answer: answer("1", "mallory")})
	requireCode(t, vacation.Refused, err)
	require.Empty(t, d.journal(t))
	for range 2 {
		result, err := d.load(activities.LoadMerchantsRequest{Approved: hash(short), Answer: answer("1", "alice")})
		require.NoError(t, err)
		require.Equal(t, activities.LoadMerchantsResult{Snapshot: 3, Loaded: 3}, result)
		require.Equal(t, "approve Merchants.000002.csv alice loaded", d.journal(t))
	}
}

func TestASnapshotThatAnOperatorRefusedLeavesItsNumberFree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.put(t, "Merchants.1.csv", some(t, 10))
	_, err := d.load(activities.LoadMerchantsRequest{})
	require.NoError(t, err)
	short := some(t, 5)
	for range 2 { // sent again, it is refused again by the same answer
		d.put(t, "Merchants.2.csv", short)
		result, err := d.load(activities.LoadMerchantsRequest{Skipped: hash(short), Answer: answer("1", "alice")})
		require.NoError(t, err)
		require.Equal(t, activities.LoadMerchantsResult{Snapshot: 1, Loaded: 1}, result)
		require.Equal(t, "refuse Merchants.000002.csv alice refused", d.journal(t))
		require.Empty(t, names(t, d.inbox))
		require.Contains(t, names(t, d.archived), fmt.Sprintf("Merchants.000002.csv.refused-%.12s.gz", hash(short)))
	}
	d.put(t, "Merchants.2.csv", some(t, 11))
	result, err := d.load(activities.LoadMerchantsRequest{})
	require.NoError(t, err)
	require.Equal(t, activities.LoadMerchantsResult{Snapshot: 2, Loaded: 2}, result)
}

func answer(id, actor string) activities.Answer {
	return activities.Answer{ID: id, Actor: actor, Reason: "they have left"}
}

// TestAWorkerThatDiesAfterItLoaded leaves the snapshot in the inbox, at each of
// the points at which it may have got.
func TestAWorkerThatDiesAfterItLoaded(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"Merchants.1.csv", ".Merchants.000001.csv.taken"} {
		d := newDesk(t)
		d.put(t, "Merchants.1.csv", some(t, 10))
		_, err := d.load(activities.LoadMerchantsRequest{})
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Join(d.archived, "Merchants.000001.csv.gz")))
		d.put(t, left, some(t, 10))
		before := state(t, d.pool)
		result, err := d.load(activities.LoadMerchantsRequest{})
		require.NoError(t, err)
		require.Equal(t, activities.LoadMerchantsResult{Snapshot: 1, Loaded: 1}, result)
		require.Equal(t, before, state(t, d.pool))
		require.Empty(t, names(t, d.inbox))
		require.Equal(t, []string{"Merchants.000001.csv.gz"}, names(t, d.archived))
	}
}

func TestASnapshotIsReadOnceItHasStoppedChanging(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := filepath.Join(d.inbox, "Merchants.1.csv")
	d.put(t, "Merchants.1.csv", []byte("half"))
	require.NoError(t, os.Chtimes(path, d.at, d.at))
	ended := make(chan error, 1)
	go func() {
		_, err := d.load(activities.LoadMerchantsRequest{})
		ended <- err
	}()
	select {
	case err := <-ended:
		require.Fail(t, "it was read while it was written", "%v", err)
	case <-time.After(500 * time.Millisecond):
	}
	d.put(t, "Merchants.1.csv", some(t, 10))
	require.NoError(t, os.Chtimes(path, d.at.Add(-time.Minute), d.at.Add(-time.Minute)))
	require.NoError(t, <-ended)
}
