package erp_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/erp/divalto"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	standin "github.com/reglo/reglo/deploy/partners/divalto"
	words "github.com/reglo/reglo/domain/divalto"
)

func TestADayIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everything(t, w)
	w.plan(t)
	w.drive(t)
	require.Equal(t, []string{
		"sent ACCEPTED", "executed ACCEPTED", "nobody INVALID", "stranger INVALID", "done ACCEPTED", "00000120260317UEP ACCEPTED",
	}, w.states(t))
	w.prove(t)

	bookings := w.erp.Bookings()
	require.Len(t, bookings, 4)
	require.Equal(t, standin.Booking{
		TransactionID: "1354", Dossier: dossier, Label: "RGV:sent", ThirdParty: "N0000001", Cents: 100, Currency: "EUR", Direction: 2,
		State: "S50", Date: "20260317", Lines: 1, Copies: 1,
	}, bookings[0])
	require.Equal(t, standin.Booking{
		TransactionID: "1357", Dossier: dossier, Label: "RGR:00000120260317UEP", ThirdParty: bankCode, Cents: 123_456, Currency: "EUR",
		Direction: 1, State: "C30", Date: "20260317", Lines: 1, Copies: 1,
	}, bookings[3])
	require.Equal(t, 1, w.erp.Calls(standin.Auth), "one token is enough")
	require.Equal(t, 4, w.erp.Calls(standin.Execute))

	w.plan(t)
	w.drive(t)
	require.Len(t, w.erp.Bookings(), 4, "the same day again")
}

// TestEachClass has one posting, and what the ERP does with it: the class of the
// first attempt, that of the look-up where there is one, how the posting ends, and
// how often the ERP was sent it.
func TestEachClass(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		faults       []string
		class        words.Class
		found        words.Class // empty for no look-up
		due          bool
		state        erp.State
		booked, sent int
	}{
		"as it should":                {class: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"broken as it has been seen":  {faults: []string{"malformed*1"}, class: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"authentication refused":      {faults: []string{"auth/technical-error*1"}, class: words.AuthFailed, state: erp.Accepted, booked: 1, sent: 1},
		"authentication fails":        {faults: []string{"auth/server-error*1"}, class: words.AuthFailed, state: erp.Accepted, booked: 1, sent: 1},
		"authentication unreadable":   {faults: []string{"auth/unreadable*1"}, class: words.AuthFailed, state: erp.Accepted, booked: 1, sent: 1},
		"authentication lost":         {faults: []string{"auth/reply-lost*1"}, class: words.NotSent, state: erp.Accepted, booked: 1, sent: 1},
		"refused by the ERP":          {faults: []string{"rejected=7*1"}, class: words.Rejected, state: erp.Rejected, sent: 1},
		"no transaction, and found":   {faults: []string{"no-id*1"}, class: words.AcceptedWithoutID, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"no transaction, not found":   {faults: []string{"no-id*1", "recordsql/empty-result"}, class: words.AcceptedWithoutID, found: words.AcceptedWithoutID, state: erp.AcceptedWithoutID, booked: 1, sent: 1},
		"technical error, not booked": {faults: []string{"technical-error*1"}, class: words.TechnicalError, found: words.TechnicalError, due: true, state: erp.Accepted, booked: 1, sent: 2},
		"technical error, booked":     {faults: []string{"technical-error-after*1"}, class: words.TechnicalError, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"token expired":               {faults: []string{"token-expired*1"}, class: words.TechnicalError, found: words.TechnicalError, due: true, state: erp.Accepted, booked: 1, sent: 2},
		"several transactions":        {faults: []string{"several-ids*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"no result":                   {faults: []string{"empty-result*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"500 before":                  {faults: []string{"server-error*1"}, class: words.Unknown, found: words.Unknown, state: erp.Unknown, sent: 1},
		"500 after":                   {faults: []string{"server-error-after*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"unreadable":                  {faults: []string{"unreadable*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"reply lost":                  {faults: []string{"reply-lost*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"reply cut in its body":       {faults: []string{"reply-cut=300*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"reply cut in its headers":    {faults: []string{"reply-cut=10*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"request cut":                 {faults: []string{"request-cut=30*1"}, class: words.Unknown, found: words.Unknown, state: erp.Unknown},
		"look-up forgets the token":   {faults: []string{"reply-lost*1", "recordsql/token-expired*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
		"too slow":                    {faults: []string{"slow-after=900*1"}, class: words.Unknown, found: words.Accepted, state: erp.Accepted, booked: 1, sent: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.client = w.newClient(t, func(s *divalto.Settings) {
				if name == "too slow" {
					s.Timeout = 300 * time.Millisecond
				}
			})
			w.some(t, 1)
			w.breaks(t, test.faults...)
			posted := w.post(t)
			require.Equal(t, string(test.class), posted.Class)
			if test.found != "" {
				found := w.find(t, posted.Number)
				require.Equal(t, activities.FindPostingResult{Class: string(test.found), Due: test.due}, found)
				require.Equal(t, test.found == words.Accepted, w.find(t, posted.Number).Class == string(words.Accepted), "looked up again")
			}
			w.drive(t)
			require.Equal(t, []string{"ref-1 " + string(test.state)}, w.states(t))
			require.Len(t, w.erp.Bookings(), test.booked)
			require.Equal(t, test.sent, w.erp.Calls(standin.Execute))
			w.prove(t)
			w.keepsNoSecrets(t)
		})
	}
}

// keepsNoSecrets looks for what nobody may read in all that was kept.
func (w *world) keepsNoSecrets(t testing.TB) {
	t.Helper()
	for _, table := range []string{"erp_posting", "erp_attempt"} {
		for _, row := range w.texts(t, `select x::text || coalesce(convert_from(decode(substr(to_jsonb(x) ->> 'reply', 3), 'hex'), 'UTF8'), '')
			from `+table+` x`) {
			require.NotContains(t, row, password)
			require.NotContains(t, row, "FR7630006000011234567890189")
			require.NotRegexp(t, `[A-Z2-7]{26}`, row, "a token") // as the stand-in draws them
		}
	}
}

func TestARefusedConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.client = w.newClient(t, func(s *divalto.Settings) { s.URL = "http://127.0.0.1:1" })
	require.Equal(t, string(words.NotSent), w.post(t).Class)
	require.Equal(t, []string{"ref-1 PREPARED"}, w.states(t))

	// With a token from before: the connection of the posting itself is refused.
	w.client = w.newClient(t, func(*divalto.Settings) {})
	require.Empty(t, w.client.Login(t.Context()).Class)
	w.breaks(t, "refused=300")
	require.Equal(t, string(words.NotSent), w.post(t).Class)
	require.Equal(t, []string{"ref-1 PREPARED"}, w.states(t))
	require.Eventually(t, func() bool { return w.post(t).Class == string(words.Accepted) }, 10*time.Second, 20*time.Millisecond)
	w.prove(t)
}

// TestOneThatFailsHoldsNoOtherUp: a run goes on after it.
func TestOneThatFailsHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 3)
	w.breaks(t, "technical-error*2")
	first := w.post(t)
	require.True(t, w.find(t, first.Number).Due)
	require.Equal(t, first, w.post(t), "in the order of their numbers")
	require.True(t, w.find(t, first.Number).Due)
	for after := first.Number; ; {
		posted, err := call[activities.PostSettlementResult](t.Context(), w.on(w.pool), activities.PostSettlementName,
			activities.PostSettlementRequest{Dossier: dossier, After: after})
		require.NoError(t, err)
		if posted.Number == 0 {
			break
		}
		require.Greater(t, posted.Number, after)
		after = posted.Number
	}
	require.Equal(t, []string{"ref-1 PREPARED", "ref-2 ACCEPTED", "ref-3 ACCEPTED"}, w.states(t))
	w.drive(t)
	require.Equal(t, []string{"ref-1 ACCEPTED", "ref-2 ACCEPTED", "ref-3 ACCEPTED"}, w.states(t))
	w.prove(t)
}

// TestRulesAreKept: what our rules refuse is not sent, and holds nothing up.
func TestRulesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 2)
	w.exec(t, `update erp_posting set third_party = repeat('N', 36) where reference = 'ref-1'`)
	require.Equal(t, string(words.Invalid), w.post(t).Class)
	require.Contains(t, w.texts(t, `select detail from erp_posting where reference = 'ref-1'`)[0], "TIERS")
	w.drive(t)
	require.Equal(t, []string{"ref-1 INVALID", "ref-2 ACCEPTED"}, w.states(t))
	require.Equal(t, 1, w.erp.Calls(standin.Execute))

	w = newWorld(t)
	w.some(t, 1)
	w.settings.States = words.States{}
	require.Equal(t, string(words.Invalid), w.post(t).Class)
	require.Contains(t, w.texts(t, `select detail from erp_posting`)[0], "table of states")
	require.Zero(t, w.erp.Calls(standin.Execute))
}

func TestAnotherDossierIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.settings.Options.Dossier.Dos = "999"
	_, err := w.tryPost(t, w.pool)
	require.ErrorContains(t, err, `dossier "998"`)
	_, err = w.tryFind(t, w.pool, 1)
	require.ErrorContains(t, err, `dossier "998"`)
	_, err = w.tryFind(t, w.pool, 12345)
	require.ErrorContains(t, err, "no posting 12345")
}

func TestTheTokenIsRenewedByOurClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 3)
	var lock sync.Mutex
	at := now()
	w.clock = func() time.Time {
		lock.Lock()
		defer lock.Unlock()
		return at
	}
	pass := func(d time.Duration) {
		lock.Lock()
		defer lock.Unlock()
		at = at.Add(d)
	}
	require.Equal(t, string(words.Accepted), w.post(t).Class)
	pass(divalto.DefaultTokenLifetime - time.Second)
	require.Equal(t, string(words.Accepted), w.post(t).Class)
	require.Equal(t, 1, w.erp.Calls(standin.Auth))
	pass(time.Second)
	require.Equal(t, string(words.Accepted), w.post(t).Class)
	require.Equal(t, 2, w.erp.Calls(standin.Auth))
	w.prove(t)
}

// TestATokenThatTheERPForgotIsNotShownAgain, not even to look the posting up.
func TestATokenThatTheERPForgotIsNotShownAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.breaks(t, "token-expired*1")
	posted := w.post(t)
	require.True(t, w.find(t, posted.Number).Due)
	require.Equal(t, 2, w.erp.Calls(standin.Auth))
	require.Equal(t, 1, w.erp.Calls(standin.RecordSQL))
	w.drive(t)
	require.Equal(t, 2, w.erp.Calls(standin.Auth), "renewed once")
	w.prove(t)
}

// TestWhatTheERPHasOtherwise: an entry of ours that is there twice, or of another
// amount, is an operator's.
func TestWhatTheERPHasOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.breaks(t, "reply-lost*1")
	posted := w.post(t)
	w.erp.Settle()
	w.exec(t, `update erp_posting set amount_cents = 102`)
	require.Equal(t, activities.FindPostingResult{Class: string(words.Unknown)}, w.find(t, posted.Number))
	require.Contains(t, w.texts(t, `select detail from erp_posting`)[0], "another amount")
	w.exec(t, `update erp_posting set amount_cents = 101, third_party = 'N0000002'`)
	require.Equal(t, activities.FindPostingResult{Class: string(words.Unknown)}, w.find(t, posted.Number))
	require.Contains(t, w.texts(t, `select detail from erp_posting`)[0], "another third party")

	// Somebody sent it again by hand.
	w.exec(t, `update erp_posting set third_party = 'N0000001', state = 'PREPARED'`)
	require.Equal(t, string(words.Accepted), w.post(t).Class)
	w.exec(t, `update erp_posting set state = 'UNKNOWN', class = 'TECHNICAL_ERROR', transaction_id = '', settled_at = null`)
	require.Equal(t, activities.FindPostingResult{Class: string(words.Unknown)}, w.find(t, posted.Number))
	require.Contains(t, w.texts(t, `select detail from erp_posting`)[0], "ALARM: the ERP had 2 entries")
}

// TestALookUpThatSaysNothingChangesNothing, whether the ERP cannot be asked or
// does not say what it has.
func TestALookUpThatSaysNothingChangesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{
		"recordsql/unreadable*1", "recordsql/server-error*1", "recordsql/technical-error*2", "recordsql/reply-lost*1", "recordsql/reply-cut=150*1",
		"recordsql/request-cut=5*1", "refused=150", "auth/technical-error*1",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.some(t, 1)
			w.breaks(t, "technical-error-after*1", "recordsql/token-expired*1")
			posted := w.post(t)
			w.breaks(t, fault)
			require.Equal(t, activities.FindPostingResult{Class: string(words.TechnicalError)}, w.find(t, posted.Number))
			require.Equal(t, []string{"ref-1 UNKNOWN"}, w.states(t))
			require.Len(t, w.texts(t, `select what from erp_attempt`), 2)
			w.breaks(t)
			require.Eventually(t, func() bool { return w.find(t, posted.Number).Class == string(words.Accepted) },
				10*time.Second, 50*time.Millisecond, "asked again later")
			w.prove(t)
			w.keepsNoSecrets(t)
		})
	}
}

// TestWhatCouldNotBeAskedIsAskedByTheNextRun, and in the end by a person.
func TestWhatCouldNotBeAskedIsAskedByTheNextRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 2)
	w.breaks(t, "reply-lost*2", "recordsql/server-error")
	first, second := w.post(t), w.post(t)
	require.Equal(t, first, second, "it comes first until it is looked up")
	require.Equal(t, 1, w.erp.Calls(standin.Execute))
	for range 3 {
		require.Equal(t, string(words.Unknown), w.find(t, first.Number).Class)
	}
	woken := w.waker.times()
	w.plan(t)
	require.Equal(t, woken+1, w.waker.times())
	w.breaks(t, "reply-lost*1")
	w.drive(t)
	require.Equal(t, []string{"ref-1 ACCEPTED", "ref-2 ACCEPTED"}, w.states(t))
	w.prove(t)

	// One that is never answered is left to an operator.
	w.anew(t, 7)
	w.breaks(t, "reply-lost*1", "recordsql/server-error")
	w.drive(t)
	require.Equal(t, "again-7 UNKNOWN", w.states(t)[2])
	require.Equal(t, []string{"9"}, w.texts(t, `
		select count(*)::text from erp_attempt a join erp_posting p on p.number = a.posting where a.what = 'FIND' and p.reference = 'again-7'`))
	woken = w.waker.times()
	w.plan(t)
	require.Equal(t, woken, w.waker.times())
}

func TestPostingTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 12
	w.some(t, count)
	w.breaks(t, "slow=20")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				posted, err := w.tryPost(t, w.pool)
				if err != nil || posted.Number == 0 {
					return
				}
			}
		})
	}
	all.Wait()
	w.drive(t)
	require.Len(t, w.erp.Bookings(), count)
	w.prove(t)
	require.NotContains(t, strings.Join(w.states(t), " "), "UNKNOWN")
}

// TestCutAtEachMessage has the connection to the database die at each of its
// messages in turn, while the ERP books, answers that it failed, or refuses.
func TestCutAtEachMessage(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]string{nil, {"technical-error*1"}, {"rejected*1"}, {"auth/technical-error*1"}} {
		t.Run(fmt.Sprint(faults), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for message := 1; ; message++ {
				w.anew(t, message)
				w.breaks(t, faults...)
				pool, struck := pgtest.Cut(t, w.pool, message)
				posted, err := w.tryPost(t, pool)
				if err == nil && posted.Number != 0 {
					_, _ = w.tryFind(t, pool, posted.Number) // the connection may die here, too
				}
				w.breaks(t)
				w.drive(t)
				w.prove(t)
				if !struck() {
					require.Greater(t, message, 8)
					return
				}
			}
		})
	}
}

// anew plans one more payout.
func (w *world) anew(t testing.TB, number int) {
	t.Helper()
	cp := fmt.Sprintf("1B%08d", number)
	w.merchant(t, cp, "N0000001")
	w.bulk(t, fmt.Sprintf("MONEXTEUR20260318%03d", number), today, "SENT",
		payout{ref: fmt.Sprintf("again-%d", number), cp: cp, cents: int64(number), state: "SENT"})
	require.Equal(t, 1, w.plan(t))
}

// TestStorm throws at postings whatever can go wrong, in any order: the ERP has
// each once at most, and each comes to an end that an operator can read.
func TestStorm(t *testing.T) {
	t.Parallel()
	faults := []string{
		"server-error*1", "server-error-after*1", "reply-lost*1", "reply-cut=200*1", "request-cut=50*1", "unreadable*1", "technical-error*1",
		"technical-error-after*1", "token-expired*1", "rejected*1", "no-id*1", "several-ids*1", "empty-result*1", "malformed*1", "slow=30*1",
		"auth/server-error*1", "auth/technical-error*1", "auth/reply-lost*1", "recordsql/server-error*1", "recordsql/reply-lost*1",
		"recordsql/unreadable*1", "recordsql/technical-error*1", "recordsql/token-expired*1", "refused=30",
	}
	const storms = 25 // each takes a part of a second
	round, begun := 0, 0
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		begun++
		if begun > storms {
			return
		}
		for range rapid.IntRange(1, 3).Draw(r, "postings") {
			round++
			w.anew(t, round)
		}
		w.breaks(t, rapid.SliceOfN(rapid.SampledFrom(faults), 0, 6).Draw(r, "faults")...)
		for range rapid.IntRange(0, 4).Draw(r, "killed attempts") {
			pool, _ := pgtest.Cut(t, w.pool, rapid.IntRange(1, 30).Draw(r, "cut"))
			var both sync.WaitGroup
			both.Go(func() { _, _ = w.tryPost(t, pool) })
			if rapid.Bool().Draw(r, "two at once") {
				both.Go(func() { _, _ = w.tryPost(t, w.pool) })
			}
			both.Wait()
		}
		w.breaks(t)
		w.drive(t)
		w.prove(t)
	})
	require.NotEmpty(t, w.erp.Bookings())
}

// TestACancelledAttemptKeepsItsOutcome: a worker that is told to stop has sent it
// all the same.
func TestACancelledAttemptKeepsItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.breaks(t, "slow=300*1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := call[activities.PostSettlementResult](ctx, w.on(w.pool), activities.PostSettlementName,
			activities.PostSettlementRequest{Dossier: dossier})
		ended <- err
	}()
	require.Eventually(t, func() bool {
		return len(w.texts(t, `select label from erp_posting where state = 'SENT'`)) == 1 && w.erp.Calls(standin.Execute) == 1
	}, 10*time.Second, 5*time.Millisecond)
	cancel()
	<-ended
	require.Equal(t, []string{"ref-1 UNKNOWN"}, w.states(t))
	w.erp.Settle()
	var number int
	require.NoError(t, w.pool.QueryRow(t.Context(), `select number from erp_posting`).Scan(&number))
	require.Equal(t, string(words.Accepted), w.find(t, number).Class)
	w.prove(t)
}

// strange is an ERP that answers what no ERP should.
type strange struct {
	outcome erp.Outcome
	found   erp.Found
}

func (s strange) Login(context.Context) erp.Outcome               { return erp.Outcome{} }
func (s strange) Post(context.Context, string) erp.Outcome        { return s.outcome }
func (s strange) Find(context.Context, string) (erp.Found, error) { return s.found, nil }

// TestStrangeRepliesAreKept: no character in a reply makes us forget an outcome.
func TestStrangeRepliesAreKept(t *testing.T) {
	t.Parallel()
	const junk = "\x00\xff\u0000é\n"
	reply := words.Reply{Tier: words.TierStrict, Error: junk, ResultCode: junk, Message: junk, Transactions: []string{junk}, TxtErr: junk}
	raw := []byte(strings.Repeat(junk, 1000))
	for _, class := range []words.Class{words.Accepted, words.Rejected, words.TechnicalError, words.Unknown, words.NotSent, words.AcceptedWithoutID} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.some(t, 1)
			outcome := erp.Outcome{Class: class, Reply: reply, Raw: raw, Detail: strings.Repeat(junk, 1000)}
			odd := strange{outcome: outcome, found: erp.Found{
				Outcome: outcome, Answered: true, Entries: []erp.Entry{{Transaction: junk, ThirdParty: "N0000001", Amount: 101}},
			}}
			on := erp.New(erp.Parts{Pool: w.pool, ERP: odd, Settings: w.settings, Waker: w.waker, Clock: now})
			posted, err := call[activities.PostSettlementResult](t.Context(), on, activities.PostSettlementName,
				activities.PostSettlementRequest{Dossier: dossier})
			require.NoError(t, err)
			want := class
			if class == words.Accepted {
				want = words.AcceptedWithoutID
			}
			require.Equal(t, string(want), posted.Class)
			found, err := call[activities.FindPostingResult](t.Context(), on, activities.FindPostingName,
				activities.FindPostingRequest{Number: posted.Number})
			require.NoError(t, err)
			if class != words.Rejected && class != words.NotSent {
				require.Equal(t, string(words.AcceptedWithoutID), found.Class)
			}
			shown, err := erp.Show(t.Context(), w.pool, strconv.Itoa(posted.Number))
			require.NoError(t, err)
			require.Equal(t, raw, shown.Calls[0].Reply)
		})
	}
}

// TestEachWayOfWriting is booked as the same.
func TestEachWayOfWriting(t *testing.T) {
	t.Parallel()
	for _, quote := range []words.Quote{words.QuoteDouble, words.QuoteSingle} {
		for _, base := range []string{words.DictionaryNames, words.TagNames} {
			t.Run(string(quote)+" "+base, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				vocabulary, err := words.NewVocabulary(base, map[string]string{"LIB": "LibEcr"})
				require.NoError(t, err)
				w.settings.Options.Quote, w.settings.Options.Vocabulary = quote, vocabulary
				w.some(t, 1)
				require.Equal(t, string(words.Accepted), w.post(t).Class, w.texts(t, `select detail from erp_posting`))
				w.prove(t)
			})
		}
	}
}
