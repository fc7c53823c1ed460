//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	infinity "github.com/reglo/reglo/deploy/partners/divalto"
	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/worker/boot/wake"
	"github.com/reglo/reglo/workflows"
)

const (
	erpDossier  = "998"
	erpPassword = "sesame-of-the-erp"
	// erpTimeout is how long a worker waits for the ERP, which is sometimes slower.
	erpTimeout = time.Second
	// erpLate is the longest that the ERP takes, in milliseconds: what it works on
	// after it was given up is over when it is looked for.
	erpLate = 1_150
	// erpKills are how often somebody kills a worker at any moment of a storm, beside
	// the moments at which one dies in each.
	erpKills = 1
	// erpStorms are those that are asked for by stormVariable, each so long, once the
	// payouts are to be told; one shorter one runs with the suite.
	erpStorms    = 8
	erpLongStorm = time.Minute
	erpStorm     = 20 * time.Second

	// erpAcquirer is from whom card settlements are: a setting, which nobody hides.
	erpAcquirer = "C0000001"
)

// TestPostingsUnderAStorm plays a day while its ERP fails in all the ways in which
// it can, at random moments, and workers are killed. The bank has the payouts all
// the same. The ERP has each settlement once at most, and was never called twice at
// a time. What is not known to be there, or not to be, waits for operators: when
// they have looked into its books, it has each settlement once.
func TestPostingsUnderAStorm(t *testing.T) { //nolint:tparallel // the storms one after the other, or they take longer still
	t.Parallel()
	begun := aMorning(t)
	seed, storms, length := uint64(time.Now().UnixNano()), uint64(1), erpStorm
	if os.Getenv(stormVariable) != "" {
		storms, length = erpStorms, erpLongStorm
	}
	if given := os.Getenv(seedVariable); given != "" {
		seed = readSeed(t, given)
	}
	t.Logf("%s=%d", seedVariable, seed)
	for number := range storms { //nolint:paralleltest // as said above
		t.Run(strconv.FormatUint(number, 10), func(t *testing.T) {
			b := begun.keepBooks(t)
			b.open(t)
			b.setOut(t, erpMoments())
			rage := b.rage(t, rand.New(rand.NewPCG(seed, number)), length)
			b.playOn(t)
			b.requirePaid(t)
			rage.wait()
			b.calm(t)
			require.Empty(t, armed(t, b.gate), "moments that nobody came to")
			b.requireKept(t)
			require.Positive(t, b.ask(`select count(*) from erp_attempt where class <> 'ACCEPTED'`), "nothing went wrong")
			require.Positive(t, b.ask(`select count(*) from erp_posting where state = 'INVALID'`), "merchants that are nobody there")
			b.decideOnPostings(t)
			b.requireAllKept(t)
			b.requireHistoriesNameNobody(t, b.secrets(t)...)
			b.requireLogsKeep(t, b.secrets(t)...)
		})
	}
}

// TestPayoutsDoNotWaitForTheERP has nobody answer at the ERP's address while the
// payouts leave. They are told when it is there.
func TestPayoutsDoNotWaitForTheERP(t *testing.T) {
	t.Parallel()
	b := aMorning(t).keepBooks(t)
	b.setOut(t, nil)
	run := b.financiere(t, b.cutOff())
	b.decide(t)
	require.NoError(t, run.Get(t.Context(), nil))
	b.requirePaid(t)
	eventually(t, "the run that posts to give up", func() bool { return !b.posting(t) })
	require.Zero(t, b.ask(`select count(*) from erp_posting where state not in ('PREPARED', 'INVALID')`))
	require.Zero(t, b.ask(`select count(*) from erp_posting where attempted_at is not null`), "nothing was sent")

	b.open(t)
	b.calm(t)
	b.requireKept(t)
	require.Zero(t, b.ask(`select count(*) from erp_posting where state not in ('ACCEPTED', 'INVALID')`))
	b.decideOnPostings(t)
	b.requireAllKept(t)
	b.keepLast(t, workflows.PostingID(erpDossier), "erp-posting")
}

// erpMoments are those at which a worker dies in each storm.
func erpMoments() []moment {
	return []moment{
		{workflows.FinanciereName, activities.PlanPostingsName, notTold},
		{workflows.PostingName, activities.PostSettlementName, notTold},
		{workflows.PostingName, activities.FindPostingName, notTold},
	}
}

// books is a day whose settlements an ERP is told of.
type books struct {
	*dayWorld

	erp     *infinity.ERP
	address string
	environ []string // that names the ERP
}

// keepBooks has the day's workers tell an ERP. One merchant in ten is nobody there.
func (m *morning) keepBooks(t *testing.T) *books {
	t.Helper()
	folder := t.TempDir()
	b := &books{dayWorld: m.begin(t), address: freeAddress(t)}
	var err error
	b.erp, err = infinity.New(infinity.Settings{
		File: filepath.Join(folder, "books"), User: "reglo", Password: erpPassword, Dossiers: []string{erpDossier},
		ThirdParties: []string{"N", "C"}, States: map[string]string{"VIRSEPA": "S50", "PORCB": "V50"}, Clock: time.Now,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.erp.Close()) })
	states, password := filepath.Join(folder, "states.yaml"), filepath.Join(folder, "password")
	require.NoError(t, os.WriteFile(password, []byte(erpPassword+"\n"), 0o600))
	require.NoError(t, os.WriteFile(states, []byte(`
- {dossier: "`+erpDossier+`", means: transfer, direction: disbursement, change: VIRSEPA, final: S50}
- {dossier: "`+erpDossier+`", means: card, direction: encashment, change: PORCB, final: V50}
`), 0o600))
	b.environ = []string{
		"REGLO_ERP_URL=http://" + b.address, "REGLO_ERP_USER=reglo", "REGLO_ERP_PASSWORD_FILE=" + password,
		"REGLO_ERP_DOSSIER=" + erpDossier, "REGLO_ERP_SINCE=" + b.date.String(), "REGLO_ERP_SETTLEMENT_THIRD_PARTY=" + erpAcquirer,
		"REGLO_ERP_STATES=" + states, "REGLO_ERP_TIMEOUT=" + erpTimeout.String(),
	}
	b.settings = append(b.settings, b.environ...)
	b.exec(t, `update merchant set erp_third_party = case when account_id like '%3' then '' else 'N' || account_id end`)
	return b
}

// open has the ERP answer.
func (b *books) open(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", b.address)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- b.erp.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
}

func (b *books) exec(t *testing.T, statement string) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), statement)
	require.NoError(t, err)
}

// requirePaid proves that the bank has the day's payouts, each bulk once.
func (b *books) requirePaid(t *testing.T) {
	t.Helper()
	require.Positive(t, b.ask(`select count(*) from bulk where purpose = 'PAYOUT' and attempted_at >= $1::date`, b.date.String()))
	require.Zero(t, b.ask(`select count(*) from bulk where purpose = 'PAYOUT' and state not in ('SENT', 'EXECUTED')`))
	b.requireSentOnce(t)
}

// raging is a storm: the ERP fails, and workers die, while postings are made.
type raging struct {
	books  *books
	dice   *rand.Rand
	length time.Duration // once the payouts are to be told
	since  time.Time     // when they were
	over   chan struct{}
	struck map[infinity.Kind]int
	// blind has the ERP not find what it has booked. Before that it fails after it
	// has booked: of an ERP that does both, nobody could tell what it has.
	blind bool
	kills int
}

// rage begins a storm that lasts until most of the postings were attempted, or for
// that long.
func (b *books) rage(t *testing.T, dice *rand.Rand, length time.Duration) *raging {
	t.Helper()
	r := &raging{books: b, dice: dice, length: length, over: make(chan struct{}), struck: make(map[infinity.Kind]int)}
	// The first posting is looked for, at whatever moment a worker dies.
	require.NoError(t, b.erp.Break(infinity.Fault{Kind: infinity.ReplyLost, Times: 1}))
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	go func() {
		defer close(r.over)
		for ctx.Err() == nil && r.strike(ctx, t) {
			pause(ctx, time.Duration(30+dice.IntN(250))*time.Millisecond)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-r.over
		t.Logf("%d postings, %d calls that went wrong, %d workers died; faults: %v", b.ask(`select count(*) from erp_posting`),
			b.ask(`select count(*) from erp_attempt where class <> 'ACCEPTED'`), b.started-1, r.struck)
	})
	return r
}

// wait waits until the storm is over.
func (r *raging) wait() { <-r.over }

// strike has something go wrong, and tells whether the storm goes on.
func (r *raging) strike(ctx context.Context, t *testing.T) bool {
	t.Helper()
	const half, most = 0.45, 0.9
	progress := r.progress() //nolint:contextcheck // each question to the database has an end of its own
	switch {
	case progress >= most:
		return false
	case r.books.erp.Calls(infinity.Execute) == 0:
		return true
	}
	if progress >= half && !r.blind {
		r.blind = true
		r.letGoOn(ctx, t)
	}
	var faults []infinity.Fault
	for range 1 + r.dice.IntN(2) {
		fault := r.draw()
		faults = append(faults, fault)
		r.struck[fault.Kind]++
	}
	if err := r.books.erp.Break(faults...); err != nil {
		t.Errorf("break the ERP: %v", err)
	}
	if progress > float64(r.kills+1)/(erpKills+1) {
		r.kills++
		r.books.crew.strike()
	}
	return true
}

// progress is how much of the storm is over, 0 to 1.
func (r *raging) progress() float64 {
	if r.books.ask(`select count(*) from erp_bulk`) <= 0 {
		return 0 // the payouts are still to come
	}
	if r.since.IsZero() {
		r.since = time.Now()
	}
	return max(r.attempted(), time.Since(r.since).Seconds()/r.length.Seconds())
}

// attempted is how many of the postings were, 0 to 1.
func (r *raging) attempted() float64 {
	sendable := r.books.ask(`select count(*) from erp_posting where state <> 'INVALID'`)
	attempted := r.books.ask(`select count(*) from erp_posting where attempted_at is not null`)
	return float64(attempted) / float64(max(sendable, 1))
}

// letGoOn waits until what has failed so far is looked for no more.
func (r *raging) letGoOn(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := r.books.erp.Break(); err != nil {
		t.Errorf("mend the ERP: %v", err)
	}
	const others = 2 // the first may have begun before
	calls := r.books.erp.Calls(infinity.Execute)
	goesOn := func() bool { //nolint:contextcheck // as above
		return r.books.erp.Calls(infinity.Execute) < calls+others && r.attempted() < 1
	}
	for ctx.Err() == nil && goesOn() {
		pause(ctx, lookEvery)
	}
}

// draw is something that goes wrong.
func (r *raging) draw() infinity.Fault {
	kinds := infinity.Kinds()
	fault := infinity.Fault{Kind: kinds[r.dice.IntN(len(kinds))], On: infinity.Execute, Times: 1 + r.dice.IntN(2)}
	switch fault.Kind {
	case infinity.ServerError, infinity.ServerErrorAfter, infinity.ReplyLost, infinity.Unreadable, infinity.TechnicalError:
		fault.On = r.anywhere()
	case infinity.Slow, infinity.SlowAfter:
		fault.On, fault.At = r.anywhere(), int64(r.dice.IntN(erpLate))
	case infinity.ReplyCut, infinity.RequestCut:
		fault.On, fault.At = r.anywhere(), int64(r.dice.IntN(300))
	case infinity.TokenExpired:
		fault.On = []infinity.Endpoint{infinity.Execute, infinity.RecordSQL}[r.dice.IntN(2)]
	case infinity.EmptyResult:
		if r.blind {
			fault.On = infinity.RecordSQL
		}
	case infinity.TechnicalErrorAfter:
		if r.blind {
			fault.Kind = infinity.TechnicalError
		}
	case infinity.Refused:
		fault.At = 50 + int64(r.dice.IntN(400))
	case infinity.Rejected, infinity.NoID, infinity.SeveralIDs, infinity.Malformed:
	}
	return fault
}

// anywhere is one of the ERP's services, mostly that of postings.
func (r *raging) anywhere() infinity.Endpoint {
	return []infinity.Endpoint{infinity.Execute, infinity.Execute, infinity.RecordSQL, infinity.Auth}[r.dice.IntN(4)]
}

// strike kills the worker that is there.
func (c *crew) strike() {
	c.mutex.Lock()
	current := c.current
	c.mutex.Unlock()
	current.kill()
}

// posting tells whether a run posts.
func (b *books) posting(t *testing.T) bool {
	t.Helper()
	described, err := b.client.DescribeWorkflowExecution(t.Context(), workflows.PostingID(erpDossier), "")
	require.NoError(t, err)
	return described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// calm mends the ERP, and has what is due posted.
func (b *books) calm(t *testing.T) {
	t.Helper()
	require.NoError(t, b.erp.Break())
	b.erp.Settle()
	_, err := wake.Postings(t.Context(), b.client, erpDossier)
	require.NoError(t, err)
	b.isPosted(t)
}

// isPosted waits until nothing is due, and nobody posts.
func (b *books) isPosted(t *testing.T) {
	t.Helper()
	eventually(t, "the postings", func() bool {
		return b.ask(`select count(*) from erp_posting where state in ('PREPARED', 'SENT')`) == 0 && !b.posting(t)
	})
	b.erp.Settle()
}

// entry is a posting as the engine knows it.
type entry struct {
	Number      int64
	Reference   string
	Newest      bool // of several attempts
	State       string
	Label       string
	ThirdParty  string
	Cents       int64
	Transaction string
}

func (b *books) entries(t *testing.T) map[string]entry {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `
		select number, kind || ' ' || reference, attempt = max(attempt) over (partition by kind, reference), state, label, third_party,
		       amount_cents, transaction_id
		from erp_posting`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	require.NoError(t, err)
	entries := make(map[string]entry, len(list))
	for _, one := range list {
		entries[one.Label] = one
	}
	return entries
}

// requireKept proves that the ERP has nothing twice, and nothing but what was
// posted, as it was; that it has what is known to be there, and nothing of what is
// known not to be.
func (b *books) requireKept(t *testing.T) {
	t.Helper()
	entries, booked := b.entries(t), make(map[string]bool)
	var inBooks, known, unknown int64
	for _, one := range b.erp.Bookings() {
		posted, found := entries[one.Label]
		require.True(t, found, one)
		require.Equal(t, 1, one.Copies, one)
		require.Contains(t, []erp.State{erp.Accepted, erp.AcceptedWithoutID, erp.Unknown}, erp.State(posted.State), one)
		require.Equal(t, []any{posted.ThirdParty, posted.Cents}, []any{one.ThirdParty, one.Cents}, one)
		if erp.State(posted.State) == erp.Accepted {
			require.Equal(t, one.TransactionID, posted.Transaction, one)
		}
		booked[one.Label] = true
		inBooks += one.Cents
	}
	states := make(map[string]int)
	for label, one := range entries {
		states[one.State]++
		switch erp.State(one.State) {
		case erp.Accepted, erp.AcceptedWithoutID:
			require.True(t, booked[label], one)
			known += one.Cents
		case erp.Unknown:
			if booked[label] {
				unknown += one.Cents
			}
		case erp.Rejected, erp.Invalid:
		case erp.Prepared, erp.Sent:
			require.Fail(t, "left", one)
		}
	}
	t.Logf("postings: %v", states)
	require.Equal(t, inBooks, known+unknown)
	require.Zero(t, b.erp.Overlaps(), "two calls at a time")
	require.Equal(t, b.ask(`select count(*) from payout p join bulk b on b.number = p.bulk where b.attempted_at >= $1::date`,
		b.date.String()), b.ask(`select count(*) from erp_posting where kind = 'PAYOUT' and attempt = 1`))
}

// decideOnPostings has operators look into the ERP's books for what is in doubt,
// say what is there, and have all else posted again.
func (b *books) decideOnPostings(t *testing.T) {
	t.Helper()
	b.exec(t, `update merchant set erp_third_party = 'N' || account_id where erp_third_party = ''`)
	transactions := make(map[string]string)
	for _, one := range b.erp.Bookings() {
		transactions[one.Label] = one.TransactionID
	}
	var again []string
	for label, one := range b.entries(t) {
		number := strconv.FormatInt(one.Number, 10)
		switch state := erp.State(one.State); {
		case state == erp.Accepted:
		case (state == erp.Unknown || state == erp.AcceptedWithoutID) && transactions[label] != "":
			b.operate(t, "erp", "resolve", number, "--transaction", transactions[label], "--actor", "alice", "--reason", "it is there")
		default:
			again = append(again, number)
		}
	}
	if len(again) > 0 {
		b.operate(t, slices.Concat([]string{"erp", "retry"}, again, []string{"--actor", "bruno", "--reason", "it is not there"})...)
		b.isPosted(t)
	}
}

// operate is an operator's command.
func (b *books) operate(t *testing.T, arguments ...string) {
	t.Helper()
	var said bytes.Buffer
	code := command.Run(t.Context(), arguments, command.Surroundings{
		Out: &said, Err: &said, Now: time.Now, Environ: environment(append([]string{
			"REGLO_DATABASE_URL=" + b.url, "TEMPORAL_ADDRESS=" + b.server.address, "TEMPORAL_NAMESPACE=" + b.namespace,
			"TEMPORAL_CONFIG_FILE=" + filepath.Join(b.logs, "none.toml"),
		}, b.environ...)...),
	})
	require.Equal(t, command.ExitDone, code, said.String())
}

// requireAllKept proves that the ERP has each settlement of the day once, under the
// transaction that is known, and that nothing waits for anybody.
func (b *books) requireAllKept(t *testing.T) {
	t.Helper()
	b.requireKept(t)
	entries, copies := b.entries(t), make(map[string]int)
	var inBooks int64
	for _, one := range b.erp.Bookings() {
		copies[entries[one.Label].Reference]++
		inBooks += one.Cents
	}
	var posted int64
	for _, one := range entries {
		if one.Newest {
			require.Equal(t, string(erp.Accepted), one.State, one)
			require.Equal(t, 1, copies[one.Reference], one)
			posted += one.Cents
		}
	}
	require.Equal(t, inBooks, posted)
}

// secrets are what nobody but the database and the ERP is to know.
func (b *books) secrets(t *testing.T) []string {
	t.Helper()
	secrets := []string{erpPassword, "access_token"}
	for label, one := range b.entries(t) {
		secrets = append(secrets, label)
		if one.ThirdParty != "" && one.ThirdParty != erpAcquirer {
			secrets = append(secrets, one.ThirdParty)
		}
	}
	return secrets
}
