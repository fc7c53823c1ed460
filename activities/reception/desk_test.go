package reception_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/domain/webhook"
)

func alice() activities.Answer {
	return activities.Answer{Actor: "alice", Reason: "the partner said so"}
}

func (w *world) desk() *reception.Desk {
	return reception.NewDesk(w.pool, operator.Actors{"alice", "bruno"}, now)
}

func TestAnOperatorSaysWhatAFileIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const wrong, right = "commercants.csv", "Merchants.000005.csv"
	content := own(t, 7, 5)[right]
	w.box.files[wrong] = content
	require.Equal(t, 1, w.must(t).Held)
	decision, err := w.desk().Route(t.Context(), "1", delivery.Merchants, right, alice())
	require.NoError(t, err)
	require.Equal(t, reception.Decision{File: 1, State: "STORED"}, decision)
	decision, err = w.desk().Route(t.Context(), sum([]byte(content))[:12], delivery.Merchants, right, alice())
	require.NoError(t, err)
	require.Equal(t, reception.Decision{File: 1, State: "STORED", Again: true}, decision)
	require.Empty(t, w.must(t).Held)
	require.Equal(t, []string{right}, w.inbox(t))
	decision, err = w.desk().Route(t.Context(), "1", delivery.Merchants, right, alice())
	require.NoError(t, err)
	require.Equal(t, reception.Decision{File: 1, State: "ROUTED", Again: true}, decision)
	require.Equal(t, []string{"route-received received file 1 alice HELD STORED as MERCHANTS"},
		w.texts(t, `select concat_ws(' ', act, subject, actor, before, after) from operator_act`))
}

// TestAnOperatorCannotHaveADamagedFileUsed: it waits again, as often as one says what it is.
func TestAnOperatorCannotHaveADamagedFileUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole := stated(t, 1)
	w.box.files["releve.xml"] = whole[:len(whole)-30]
	require.Equal(t, 1, w.must(t).Held)
	for range 2 {
		_, err := w.desk().Route(t.Context(), "1", delivery.Statement, "", alice())
		require.NoError(t, err)
		require.Equal(t, activities.ReceiveFilesResult{Held: 1}, w.must(t))
		require.Contains(t, w.detail(t), "stops before its end")
	}
	require.Empty(t, w.inbox(t))
	require.Equal(t, []string{"2"}, w.texts(t, `select count(*)::text from operator_act`))
}

func TestADiscardedFileIsKeptInTheArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const content = "nobody knows it"
	w.box.files["a.txt"] = content
	w.must(t)
	for _, again := range []bool{false, true} {
		decision, err := w.desk().Discard(t.Context(), "1", alice())
		require.NoError(t, err)
		require.Equal(t, reception.Decision{File: 1, State: "DISCARDED", Again: again}, decision)
	}
	w.box.files["b.txt"] = content // it comes again all the same
	require.Equal(t, activities.ReceiveFilesResult{Duplicates: 1}, w.must(t))
	require.Empty(t, names(t, w.stored()))
	require.Empty(t, w.inbox(t))
	require.Equal(t, []string{"received." + sum([]byte(content))[:16] + ".discarded.gz"}, names(t, string(w.folders.Archive)))
	require.Equal(t, []string{"1 bank a.txt DISCARDED 2 times"}, w.facts(t))

	// A worker that died while it put the file away.
	require.NoError(t, os.Remove(filepath.Join(string(w.folders.Archive), names(t, string(w.folders.Archive))[0])))
	leave(t, w.stored(), ".received."+sum([]byte(content))[:16]+".discarded.taken", content)
	w.must(t)
	require.Empty(t, names(t, w.stored()))
	require.Len(t, names(t, string(w.folders.Archive)), 1)
}

func TestDecisionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.files["a.xml"], w.box.files["b.txt"] = stated(t, 1), "nobody knows it"
	w.must(t) // the first is ROUTED, the second HELD
	facts := w.facts(t)
	for name, test := range map[string]struct {
		file string
		as   delivery.Kind
		name string
		by   string
		says string
	}{
		"a stranger":         {"2", delivery.CRE, "", "mallory", "is not an operator"},
		"no such kind":       {"2", "PHOTO", "", "alice", "is no kind of file"},
		"no such file":       {"3", delivery.CRE, "", "alice", "no file 3 came"},
		"no such hash":       {"0123456789ab", delivery.CRE, "", "alice", "no file 0123456789ab came"},
		"no number":          {"b.txt", delivery.CRE, "", "alice", "names no received file"},
		"one that was used":  {"1", delivery.CRE, "", "alice", "file 1 is ROUTED"},
		"a name with a path": {"2", delivery.CRE, "../x", "alice", "is no name for a file"},
		"a name of no kind":  {"2", delivery.Payline, "x.txt", "alice", "is found as Payline.<number>.txt"},
	} {
		by := alice()
		by.Actor = test.by
		_, err := w.desk().Route(t.Context(), test.file, test.as, test.name, by)
		failure, typed := errors.AsType[*vacation.Failure](err)
		require.True(t, typed, "%s: %v", name, err)
		require.Equal(t, vacation.Refused, failure.Code, name)
		require.Contains(t, failure.Message, test.says, name)
	}
	_, err := w.desk().Discard(t.Context(), "1", alice())
	require.ErrorContains(t, err, "file 1 is ROUTED")
	require.Equal(t, facts, w.facts(t))
	require.Equal(t, []string{"0"}, w.texts(t, `select count(*)::text from operator_act`))
}

// TestTwoOperatorsAtOnce, and one whose connection is cut: one decision holds.
func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.files["a.txt"] = "nobody knows it"
	w.must(t)
	var deciding sync.WaitGroup
	for range 3 {
		deciding.Go(func() { _, _ = w.desk().Discard(context.WithoutCancel(t.Context()), "1", alice()) })
		deciding.Go(func() {
			_, _ = w.desk().Route(context.WithoutCancel(t.Context()), "1", delivery.CRE, "", alice())
		})
	}
	deciding.Wait()
	require.Equal(t, []string{"1 1"}, w.texts(t, `select decisions || ' ' || (select count(*) from operator_act) from received_file`))

	w = newWorld(t)
	w.box.files["a.txt"] = "nobody knows it"
	w.must(t)
	for message := 1; ; message++ {
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := reception.NewDesk(pool, operator.Actors{"alice"}, now).Discard(t.Context(), "1", alice())
		pool.Close()
		// In one statement: a commit whose answer was cut off may still be on its way.
		require.Equal(t, []string{"true"}, w.texts(t, `select (decisions = (select count(*) from operator_act))::text from received_file`))
		if !struck() {
			require.NoError(t, err)
			break
		}
	}
	require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from operator_act`))
}

func notice(key string, event webhook.Event, direction webhook.Direction, id, name string) webhook.Notice {
	return webhook.Notice{
		Event: event, At: now(), Key: strings.Repeat("0", 64-len(key)) + key,
		Transfer: webhook.Transfer{ID: id, Direction: direction, Filename: name, Bytes: 7},
	}
}

func TestNoticesAreKeptOnceAndDealtWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	notices := reception.NewNotices(w.pool, now)
	keep := func(server string, one webhook.Notice) bool {
		fresh, err := notices.Keep(t.Context(), server, one)
		require.NoError(t, err)
		return fresh
	}
	there := notice("1", webhook.Completed, webhook.Receive, "t-1", "there.xml")
	require.True(t, keep("bank", there))
	require.False(t, keep("bank", there), "it is played again")
	require.True(t, keep("bank", notice("2", webhook.Completed, webhook.Receive, "t-2", "gone.xml")))
	require.True(t, keep("bank", notice("3", webhook.Completed, webhook.Send, "t-3", "ours.xml")))
	require.True(t, keep("bank", notice("4", webhook.Failed, webhook.Receive, "t-4", "failed.xml")))
	require.True(t, keep("bank", notice("5", webhook.Completed, webhook.Receive, "t-5", "broken.xml")))
	require.True(t, keep("another", notice("6", webhook.Completed, webhook.Receive, "t-6", "there.xml")))
	w.box.files["there.xml"], w.box.files["broken.xml"] = stated(t, 1), stated(t, 2)
	w.box.about["there.xml"] = channels.Offer{Transfer: "t-1", Bytes: 7}
	w.box.breaks["broken.xml"] = 10

	_, err := w.receive(t.Context(), w.pool)
	require.ErrorContains(t, err, "receive broken.xml of bank")
	require.ElementsMatch(t, []channels.Announcement{
		{Transfer: "t-1", Name: "there.xml", Bytes: 7}, {Transfer: "t-2", Name: "gone.xml", Bytes: 7}, {Transfer: "t-5", Name: "broken.xml", Bytes: 7},
	}, w.box.announced)
	require.Equal(t, []string{"there.xml"}, w.inbox(t))
	const open = `select transfer from webhook_notice where handled_at is null order by transfer`
	require.Equal(t, []string{"t-5", "t-6"}, w.texts(t, open), "one that fails is asked for again, and one of a stranger is not")
	delete(w.box.breaks, "broken.xml")
	w.must(t)
	require.Equal(t, []string{"t-6"}, w.texts(t, open), "it was told by its name")
	w.must(t)
	require.Empty(t, w.box.announced)

	listed, err := reception.ListNotices(t.Context(), w.pool, now())
	require.NoError(t, err)
	require.Len(t, listed, 6)
	listed, err = reception.ListNotices(t.Context(), w.pool, now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, listed)

	// They are kept for a month, those beside that nobody dealt with.
	w.at = func() time.Time { return now().AddDate(0, 0, 29) }
	w.must(t)
	require.Equal(t, []string{"6"}, w.texts(t, `select count(*)::text from webhook_notice`))
	w.at = func() time.Time { return now().AddDate(0, 0, 31) }
	w.must(t)
	require.Equal(t, []string{"t-6"}, w.texts(t, `select transfer from webhook_notice`))
}

// bothWays is a partner that has a file of one name both by an announced transfer
// and by a name that was agreed upon.
type bothWays struct {
	*box

	announcedFails error
}

func (b bothWays) Offers(_ context.Context, _ calendar.Date, announced []channels.Announcement) ([]channels.Offer, error) {
	var offers []channels.Offer
	for _, one := range announced {
		offers = append(offers, channels.Offer{Name: one.Name, Transfer: one.Transfer, Bytes: one.Bytes})
	}
	return append(offers, channels.Offer{Flow: "RELEVES", Name: "releve.xml", Bytes: -1}), nil
}

func (b bothWays) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	switch {
	case offer.Transfer == "":
		return channels.ErrNoFile
	case b.announcedFails != nil:
		return b.announcedFails
	default:
		return b.box.Fetch(ctx, offer, to)
	}
}

// TestANoticeIsNotDealtWithByAnotherFileOfItsName: what it announced, and what failed, is asked for again.
func TestANoticeIsNotDealtWithByAnotherFileOfItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fresh, err := reception.NewNotices(w.pool, now).Keep(
		t.Context(), "both", notice("1", webhook.Completed, webhook.Receive, "t-1", "releve.xml"))
	require.NoError(t, err)
	require.True(t, fresh)
	both := newBox()
	both.files["releve.xml"] = stated(t, 1)
	w.others = []reception.Partner{{Name: "both", Mailbox: bothWays{both, errPartner}}}
	_, err = w.receive(t.Context(), w.pool)
	require.ErrorContains(t, err, errPartner.Error())
	w.others = []reception.Partner{{Name: "both", Mailbox: bothWays{both, nil}}}
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{"releve.xml"}, w.inbox(t))
	require.Equal(t, []string{"t-1"}, w.texts(t, `select transfer from webhook_notice where handled_at is not null`))
}

func TestANoticeKeptByManyAtOnceIsNewOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mutex sync.Mutex
	var keeping sync.WaitGroup
	fresh := 0
	for range 5 {
		keeping.Go(func() {
			kept, err := reception.NewNotices(w.pool, now).Keep(
				context.WithoutCancel(t.Context()), "bank", notice("1", webhook.Completed, webhook.Send, "t-1", "a.xml"))
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				t.Error(err)
			}
			if kept {
				fresh++
			}
		})
	}
	keeping.Wait()
	require.Equal(t, 1, fresh)
}

func TestListsAreNarrowedAndMasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const account = "FR7630006000011234567890189"
	w.box.files["releve."+account+".xml"], w.box.files["b.txt"] = stated(t, 1), "nobody knows it"
	w.must(t)
	list := func(filter reception.Filter) (found []string) {
		files, err := reception.Files(t.Context(), w.pool, filter)
		require.NoError(t, err)
		for i := range files {
			found = append(found, files[i].Name+" "+files[i].State+" "+files[i].InboxName)
		}
		return found
	}
	statement := "releve.FR76…0189.xml ROUTED releve.FR76…0189.xml"
	require.Equal(t, []string{statement, "b.txt HELD "}, list(reception.Filter{}))
	require.Equal(t, []string{"b.txt HELD "}, list(reception.Filter{Held: true}))
	require.Equal(t, []string{statement}, list(reception.Filter{Kind: delivery.Statement}))
	require.Empty(t, list(reception.Filter{Since: now().Add(time.Minute)}))
	require.Len(t, list(reception.Filter{Since: now()}), 2)
	require.Contains(t, w.inbox(t), "releve."+account+".xml", "only what is shown is masked")
}
