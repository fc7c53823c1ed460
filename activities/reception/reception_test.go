package reception_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

func TestFilesComeInOnceAndWhereTheirReadersLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.files = own(t, 7, 5)
	require.Len(t, w.box.files, 5)
	w.box.files["releve.xml"] = stated(t, 1)
	w.box.files["releve.120"] = stated120(t, iban.French(30003, 1, 92))
	w.box.files["report.xml"] = reported(t)
	w.box.files["lot.xml"] = notified(t, "LOT REJ VIR 192837544970 02")
	all := maps.Clone(w.box.files)

	require.Equal(t, activities.ReceiveFilesResult{Received: len(all)}, w.must(t))
	require.Equal(t, slices.Sorted(maps.Keys(all)), w.inbox(t))
	for name, content := range all {
		read, err := os.ReadFile(filepath.Join(w.folders.Inbox, name))
		require.NoError(t, err)
		require.Equal(t, content, string(read), name)
	}
	require.Empty(t, w.box.files, "their partner was told that it may remove them")
	require.Empty(t, names(t, w.stored()))
	require.Equal(t, []string{"CRE", "CRE", "CRE", "MERCHANTS", "NOTIFICATION", "PAYLINE", "REPORT", "STATEMENT", "STATEMENT"},
		w.texts(t, `select kind from received_file where state = 'ROUTED' and routed_at is not null order by kind`))
	facts := w.facts(t)
	require.Equal(t, activities.ReceiveFilesResult{}, w.must(t))
	require.Equal(t, facts, w.facts(t))

	// The same contents again, under other names and from another partner, are no new files.
	again := newBox()
	for name, content := range all {
		again.files["again-"+name] = content
	}
	w.others = []reception.Partner{{Name: "another", Mailbox: again}}
	require.Equal(t, activities.ReceiveFilesResult{Duplicates: len(all)}, w.must(t))
	require.Empty(t, again.files)
	require.Equal(t, slices.Sorted(maps.Keys(all)), w.inbox(t))
	require.Equal(t, []string{"2"}, w.texts(t, `select distinct times_received::text from received_file`))
	w.prove(t)
}

func TestWhatNobodyCanUseWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	files := own(t, 7, 5)
	whole := stated(t, 1)
	var cre string
	for name, content := range files {
		if strings.HasPrefix(name, "CRE.") && strings.Contains(content, ";VENTE;") {
			cre = content
		}
	}
	account := iban.French(30003, 2, 77)
	for name, test := range map[string]struct {
		name, content string
		kind          string
		says          []string
	}{
		"a statement that is cut":       {"r.xml", whole[:len(whole)-40], "STATEMENT", []string{"r.xml: 1 fault: line ", "stops before its end", "Report: "}},
		"a CFONB 120 that is cut":       {"r.txt", stated120(t, iban.French(30003, 1, 91))[:200], "STATEMENT", []string{"fault", "Report: "}},
		"a statement of another's":      {"r." + account + ".txt", stated120(t, account), "STATEMENT", []string{"none of", "r.FR76…"}},
		"a report that is cut":          {"r.xml", reported(t)[:300], "REPORT", []string{"stops before its end"}},
		"a notification that is cut":    {"r.xml", notified(t, "LOT REJ VIR 192837544970 02")[:500], "NOTIFICATION", []string{"stops before its end"}},
		"a notification of nothing":     {"r.xml", notified(t, "FRAIS"), "NOTIFICATION", []string{"details no lot", "discard it"}},
		"a CRE that is cut":             {"c.txt", cre[:len(cre)-20], "CRE", []string{"stops before its end"}},
		"a CRE of a wrong sum":          {"c.txt", strings.Replace(cre, ";VENTE;", ";VENTE;1", 1), "CRE", []string{"have its sender correct it"}},
		"merchants that are cut":        {"Merchants.000005.csv", files["Merchants.000005.csv"][:900], "MERCHANTS", []string{"stops before its end"}},
		"a Payline file that is cut":    {"Payline.000007.txt", files["Payline.000007.txt"][:900], "PAYLINE", []string{"FF01", "stops before its end"}},
		"orders":                        {"o.xml", `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>`, "", []string{"pain.001.001.09, which no vacation reads", "starter received route"}},
		"direct debits":                 {"o.xml", `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.008.001.02"/>`, "", []string{"pain.008.001.02"}},
		"CFONB 160":                     {"o.txt", "0302        " + strings.Repeat(" ", 148) + "\n", "", []string{"CFONB 160"}},
		"another version":               {"r.xml", `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.99"/>`, "STATEMENT", []string{"camt.053.001.99"}},
		"some XML":                      {"r.xml", "<html/>", "", []string{"XML, which no vacation reads"}},
		"nothing":                       {"r.xml", "", "", []string{"is empty"}},
		"something":                     {"photo.jpg", "\xff\xd8\xff", "", []string{"of no format that is known here"}},
		"merchants of another name":     {"commercants.csv", files["Merchants.000005.csv"], "MERCHANTS", []string{"is called commercants.csv", "Merchants.<number>.csv", "--name"}},
		"a Payline file of wrong name":  {"payline.txt", files["Payline.000007.txt"], "PAYLINE", []string{"is called payline.txt", "Payline.<number>.txt"}},
		"a Payline file's other number": {"Payline.000008.txt", files["Payline.000007.txt"], "PAYLINE", []string{"carries number 7"}},
		"a name of what is unfinished":  {"releve.xml.tmp", whole, "STATEMENT", []string{"still being written", "--name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.box.files[test.name] = test.content
			require.Equal(t, activities.ReceiveFilesResult{Received: 1, Held: 1}, w.must(t))
			require.Empty(t, w.inbox(t))
			require.Equal(t, []string{"HELD"}, w.texts(t, `select state from received_file`))
			require.Equal(t, []string{test.kind}, w.texts(t, `select kind from received_file`))
			for _, says := range test.says {
				require.Contains(t, w.detail(t), says)
			}
			require.NotContains(t, w.detail(t), account)
			require.Equal(t, []string{sum([]byte(test.content))}, names(t, w.stored()), "its bytes are kept")
			require.Empty(t, w.box.files)
			require.Equal(t, activities.ReceiveFilesResult{}, w.must(t), "it waits, and is not looked at again and again")
			listed, err := reception.Files(t.Context(), w.pool, reception.Filter{Held: true})
			require.NoError(t, err)
			require.Len(t, listed, 1)
			require.NotContains(t, fmt.Sprintf("%+v", listed), account)
		})
	}
}

func TestAWholeCopyComesAfterOneThatWasCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	whole := stated(t, 1)
	w.box.files["releve.xml"] = whole[:len(whole)/2]
	require.Equal(t, activities.ReceiveFilesResult{Received: 1, Held: 1}, w.must(t))
	w.box.files["releve.xml"] = whole
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{"releve.xml"}, w.inbox(t))
	w.prove(t)
}

// TestASnapshotMustHaveTheLengthThatWasSaid, as nothing else tells that it is whole.
func TestASnapshotMustHaveTheLengthThatWasSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "Merchants.000005.csv"
	whole := own(t, 7, 5)[name]
	part := whole[:strings.LastIndex(strings.TrimSuffix(whole, "\n"), "\n")+1]
	w.box.files[name] = part
	w.box.about[name] = channels.Offer{Bytes: int64(len(whole))}
	require.Equal(t, activities.ReceiveFilesResult{Received: 1, Held: 1}, w.must(t))
	require.Contains(t, w.detail(t), fmt.Sprintf("has %d bytes, its partner spoke of %d", len(part), len(whole)))
	w.box.files[name] = whole
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{name}, w.inbox(t))
}

func TestNamesThatClash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receive := func(name, content string, want ...string) {
		t.Helper()
		w.box.files[name] = content
		require.Equal(t, 1, w.must(t).Received)
		require.Equal(t, want, w.inbox(t))
		w.prove(t)
	}
	first, second, third := stated(t, 1), stated(t, 2), stated(t, 3)
	prefixed := func(content, name string) string { return sum([]byte(content))[:8] + "-" + name }
	receive("releve.xml", first, "releve.xml")
	receive("releve.xml", second, slices.Sorted(slices.Values([]string{"releve.xml", prefixed(second, "releve.xml")}))...)
	for _, name := range w.inbox(t) { // taken in by a vacation
		require.NoError(t, os.Remove(filepath.Join(w.folders.Inbox, name)))
	}
	receive("releve.xml", third, prefixed(third, "releve.xml"))
	require.NoError(t, os.Remove(filepath.Join(w.folders.Inbox, prefixed(third, "releve.xml"))))

	// What stands in the inbox or in the archive without having come through here.
	require.NoError(t, os.WriteFile(filepath.Join(w.folders.Inbox, "by-hand.xml"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(string(w.folders.Archive), "old.xml.gz"), []byte("x"), 0o600))
	w.box.files["by-hand.xml"], w.box.files["old.xml"] = stated(t, 4), stated(t, 5)
	require.Equal(t, 2, w.must(t).Received)
	require.ElementsMatch(t, []string{"by-hand.xml", prefixed(stated(t, 4), "by-hand.xml"), prefixed(stated(t, 5), "old.xml")}, w.inbox(t))
	require.NoError(t, os.RemoveAll(w.folders.Inbox))
	require.NoError(t, os.Mkdir(w.folders.Inbox, 0o700))
	// A statement is never taken for one of a series, whatever it is called.
	receive("Payline.000001.txt", stated(t, 6), prefixed(stated(t, 6), "Payline.000001.txt"))
}

func TestNumbersThatClash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const merchants, requests = "Merchants.000005.csv", "Payline.000007.txt"
	files, others := own(t, 7, 5), own(t, 8, 6)
	w.box.files[merchants], w.box.files[requests] = files[merchants], files[requests]
	require.Equal(t, activities.ReceiveFilesResult{Received: 2}, w.must(t))

	// Another content under a number that stands in the inbox, however it is written.
	w.box.files["Merchants.5.csv"] = others["Merchants.000006.csv"]
	require.Equal(t, activities.ReceiveFilesResult{Received: 1, Held: 1}, w.must(t))
	require.Contains(t, w.detail(t), "another file of number 5 came before")
	require.Equal(t, []string{merchants, requests}, w.inbox(t))

	// And under one that was loaded, or accepted, before.
	w.exec(t, `insert into merchant_snapshot (sequence, file_name, sha256, merchants, loaded_at) values (9, 'x', sha256('x'), 1, now())`)
	w.exec(t, `insert into payline_file (scope, sequence, file_name, file_date, sha256, movements, transfers, sum_cents, refused, received_at)
		values ('s', 8, 'x', '2026-03-17', sha256('x'), 0, 0, 0, '', now()), ('s', 9, 'x', '2026-03-17', sha256('y'), 0, 0, 0, 'AM10', now())`)
	w.box.files["Merchants.000009.csv"] = own(t, 7, 9)["Merchants.000009.csv"]
	w.box.files["Payline.000008.txt"] = others["Payline.000008.txt"]
	w.box.files["Payline.000009.txt"] = own(t, 9, 5)["Payline.000009.txt"]
	require.Equal(t, activities.ReceiveFilesResult{Received: 3, Held: 2}, w.must(t))
	require.Equal(t, []string{merchants, requests, "Payline.000009.txt"}, w.inbox(t), "one that was refused may come again, corrected")
	w.prove(t)
}

func TestOneThatFailsKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken, good := newBox(), newBox()
	w.others = []reception.Partner{{Name: "broken", Mailbox: broken}, {Name: "good", Mailbox: good}}
	broken.fails["offers"] = errPartner
	w.box.files["a.xml"], w.box.files["b.xml"], w.box.files["c.xml"] = stated(t, 1), stated(t, 2), stated(t, 3)
	w.box.files["../up.xml"] = stated(t, 5)
	w.box.files["large.xml"] = "x"
	w.box.about["large.xml"] = channels.Offer{Bytes: reception.MaxBytes + 1}
	w.box.breaks["b.xml"] = 100
	good.files["d.xml"] = stated(t, 4)

	_, err := w.receive(t.Context(), w.pool)
	for _, says := range []string{
		"receive b.xml of bank: fetch it: " + errPartner.Error(), "ask broken what it has for us: " + errPartner.Error(),
		"receive large.xml of bank: is larger than", "receive up.xml of bank: " + channels.ErrName.Error(),
	} {
		require.ErrorContains(t, err, says)
	}
	require.Equal(t, []string{"a.xml", "c.xml", "d.xml"}, w.inbox(t))
	require.NotContains(t, w.box.fetched, "large.xml")
	require.Empty(t, names(t, w.stored()), "nothing is left of what broke off")

	delete(w.box.files, "../up.xml")
	delete(w.box.files, "large.xml")
	delete(w.box.breaks, "b.xml")
	delete(broken.fails, "offers")
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{"a.xml", "b.xml", "c.xml", "d.xml"}, w.inbox(t))
}

// TestErrorsTellNoAccounts, though partners and file systems repeat the names of files.
func TestErrorsTellNoAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const account = "FR7630006000011234567890189"
	name := "releve." + account + ".xml"
	w.box.files[name] = stated(t, 1)
	w.box.fails["taken"] = fmt.Errorf("remove %s: refused", name)
	says := func(err error, part string) {
		t.Helper()
		require.ErrorContains(t, err, part)
		for ; err != nil; err = errors.Unwrap(err) { // all that Temporal writes down
			require.NotContains(t, err.Error(), account)
		}
	}
	require.NoError(t, os.Remove(w.folders.Inbox))
	leave(t, filepath.Dir(w.folders.Inbox), filepath.Base(w.folders.Inbox), "no folder")
	_, err := w.receive(t.Context(), w.pool)
	says(err, "remove releve.FR76…0189.xml: refused")
	says(err, "releve.FR76…0189.xml: not a directory")
	delete(w.box.files, name)
	_, err = w.receive(t.Context(), w.pool)
	says(err, "releve.FR76…0189.xml: not a directory")
}

// TestTheDayOfRetries: a day that has begun while something failed has its files asked for.
func TestTheDayOfRetries(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	midnight := today().Midnight().Add(day)
	for name, test := range map[string]struct {
		scheduled, started time.Time
		want               calendar.Date
	}{
		"the first attempt":          {now(), now(), today()},
		"one before midnight":        {now(), midnight.Add(-time.Second), today()},
		"one after it":               {now(), midnight, calendar.DateOf(midnight)},
		"one of days later":          {now(), now().Add(3 * day), calendar.DateOf(now().Add(3 * day))},
		"a clock that was set back":  {midnight, now(), today()},
		"a look that began so early": {midnight, midnight.Add(time.Hour), today()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, reception.BusinessDay(today(), activity.Info{ScheduledTime: test.scheduled, StartedTime: test.started}))
		})
	}
}

func TestAFileIsUsedThoughItsPartnerDoesNotHearThatItWasTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.files["a.xml"], w.box.files["b.xml"] = stated(t, 1), stated(t, 2)
	w.box.about["b.xml"] = channels.Offer{Transfer: "t-1", Bytes: -1}
	w.box.fails["taken"] = errPartner
	_, err := w.receive(t.Context(), w.pool)
	require.ErrorContains(t, err, "tell the partner that it was taken")
	require.Equal(t, []string{"a.xml", "b.xml"}, w.inbox(t))
	delete(w.box.fails, "taken")
	require.Equal(t, activities.ReceiveFilesResult{Duplicates: 1}, w.must(t), "b is told by its transfer")
	require.Equal(t, []string{"a.xml", "b.xml", "a.xml"}, w.box.fetched)
	require.Equal(t, []string{"a.xml", "b.xml"}, w.box.taken)
	w.prove(t)
}

func TestWhatAPartnerLeavesInPlaceIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.keeps = true
	w.box.files["a.xml"] = stated(t, 1)
	w.box.about["a.xml"] = channels.Offer{Bytes: 7, ModifiedAt: now().Add(123 * time.Nanosecond)}
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, activities.ReceiveFilesResult{}, w.must(t))
	w.box.files["a.xml"] = stated(t, 2)
	w.box.about["a.xml"] = channels.Offer{Bytes: 7, ModifiedAt: now().Add(time.Second)}
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{"a.xml", "a.xml"}, w.box.fetched)
	require.Len(t, w.inbox(t), 2)
}

// TestADeadWorkerLeavesNothingTwice cuts the activity off at every message to PostgreSQL in turn.
func TestADeadWorkerLeavesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cuts := 0
	for number := 1; ; number++ {
		good, bad := fmt.Sprintf("good-%d.xml", number), fmt.Sprintf("bad-%d.xml", number)
		w.box.files[good], w.box.files[bad] = stated(t, money.Cents(number)), stated(t, money.Cents(number))[:300+number]
		w.box.about[good] = channels.Offer{Transfer: good, Bytes: -1}
		pool, struck := pgtest.Cut(t, w.pool, number)
		_, err := w.receive(t.Context(), pool)
		pool.Close()
		w.prove(t)
		if !struck() {
			require.NoError(t, err)
			break
		}
		cuts++
		w.must(t)
		require.Empty(t, w.box.files)
		require.Len(t, w.inbox(t), number)
		w.prove(t)
	}
	require.Greater(t, cuts, 15)
	require.Equal(t, []string{"HELD", "ROUTED"}, w.texts(t, `select distinct state from received_file order by state`))
	require.Equal(t, []string{strconv.Itoa(2 * (cuts + 1))}, w.texts(t, `select count(*)::text from received_file`))
	require.Len(t, names(t, w.stored()), cuts+1, "of those that are held")
}

func TestWorkersAtOnceReceiveEachFileOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for number := range 12 {
		w.box.files[fmt.Sprintf("good-%d.xml", number)] = stated(t, money.Cents(number))
		w.box.files[fmt.Sprintf("bad-%d.xml", number)] = stated(t, money.Cents(number))[:300+number]
	}
	var receiving sync.WaitGroup
	var mutex sync.Mutex
	var total activities.ReceiveFilesResult
	for range 4 {
		receiving.Go(func() {
			result, err := w.receive(context.WithoutCancel(t.Context()), w.pool)
			if err != nil {
				t.Error(err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			total.Received += result.Received
			total.Held += result.Held
		})
	}
	receiving.Wait()
	require.Equal(t, activities.ReceiveFilesResult{Received: 24, Held: 12}, total)
	require.Len(t, w.inbox(t), 12)
	require.Len(t, names(t, w.stored()), 12)
	w.prove(t)
}

// TestKilledBetweenTheStepsOfAFile makes what a worker leaves that is killed between any two of them.
func TestKilledBetweenTheStepsOfAFile(t *testing.T) {
	t.Parallel()
	content := stated(t, 1)
	insert := `insert into received_file (sha256, partner, name, transfer, bytes, bytes_said, state, first_at, last_at, kind, inbox_name)
		values (decode('` + sum([]byte(content)) + `', 'hex'), 'bank', 'releve.xml', '', 1, -1, 'STORED', '2026-03-17', '2026-03-17', `
	for name, test := range map[string]struct {
		leave   func(t *testing.T, w *world)
		want    activities.ReceiveFilesResult
		fetched int
	}{
		"while it is fetched": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), ".fetching-1", content[:100])
			w.box.files["releve.xml"] = content
		}, activities.ReceiveFilesResult{Received: 1}, 1},
		"before its row": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), sum([]byte(content)), content)
			w.box.files["releve.xml"] = content
		}, activities.ReceiveFilesResult{Received: 1}, 1},
		"before its partner is told": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), sum([]byte(content)), content)
			w.exec(t, insert+`'', '')`)
			w.box.files["releve.xml"] = content
		}, activities.ReceiveFilesResult{Duplicates: 1}, 1},
		"before it is controlled": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), sum([]byte(content)), content)
			w.exec(t, insert+`'', '')`)
		}, activities.ReceiveFilesResult{}, 0},
		"before it is moved": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), sum([]byte(content)), content)
			w.exec(t, insert+`'STATEMENT', 'releve.xml')`)
		}, activities.ReceiveFilesResult{}, 0},
		"before its move is written down": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.folders.Inbox, "releve.xml", content)
			w.exec(t, insert+`'STATEMENT', 'releve.xml')`)
		}, activities.ReceiveFilesResult{}, 0},
		"and somebody took its name meanwhile": {func(t *testing.T, w *world) {
			t.Helper()
			leave(t, w.stored(), sum([]byte(content)), content)
			leave(t, w.folders.Inbox, "another.xml", "x")
			w.exec(t, insert+`'STATEMENT', 'another.xml')`)
		}, activities.ReceiveFilesResult{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, os.Mkdir(w.stored(), 0o700))
			test.leave(t, w)
			require.Equal(t, test.want, w.must(t))
			require.Len(t, w.box.fetched, test.fetched)
			require.Contains(t, w.inbox(t), "releve.xml")
			read, err := os.ReadFile(filepath.Join(w.folders.Inbox, "releve.xml"))
			require.NoError(t, err)
			require.Equal(t, content, string(read))
			require.Equal(t, []string{"ROUTED releve.xml"}, w.texts(t, `select state || ' ' || inbox_name from received_file`))
			require.NoFileExists(t, filepath.Join(w.stored(), sum([]byte(content))))
			require.Equal(t, activities.ReceiveFilesResult{}, w.must(t))
		})
	}
}

// A partner that gives a file once has been told that it is kept: by then it is,
// row and bytes, whatever becomes of the call and of the worker.
func TestWhatAPartnerGivesOnceIsKeptBeforeItIsTold(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]error{"and all goes well": nil, "and the line breaks": errPartner} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			content := stated(t, 1)
			w.box.files["releve.xml"] = content
			w.box.told = func(string) error {
				require.Equal(t, []string{"STORED"}, w.texts(t, `select state from received_file`))
				require.FileExists(t, filepath.Join(w.stored(), sum([]byte(content))))
				return after
			}
			require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
			require.Equal(t, []string{"ROUTED releve.xml"}, w.texts(t, `select state || ' ' || inbox_name from received_file`))
		})
	}
}

func leave(t *testing.T, folder, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
}

func TestWhatDeadWorkersLeftIsCleared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, os.Mkdir(w.stored(), 0o700))
	orphan := sum([]byte("nobody knows it"))
	for _, name := range []string{".fetching-1", orphan, "notes.txt"} {
		leave(t, w.stored(), name, "nobody knows it")
		require.NoError(t, os.Chtimes(filepath.Join(w.stored(), name), now(), now()))
	}
	w.must(t)
	require.ElementsMatch(t, []string{".fetching-1", orphan, "notes.txt"}, names(t, w.stored()), "somebody may be at it")
	w.at = func() time.Time { return now().Add(25 * time.Hour) }
	w.must(t)
	require.Equal(t, []string{"notes.txt"}, names(t, w.stored()))
}

func TestBytesThatWereLostMayComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := stated(t, 1)
	w.exec(t, `insert into received_file (sha256, partner, name, transfer, bytes, bytes_said, state, first_at, last_at)
		values (decode($1, 'hex'), 'bank', 'releve.xml', 't-1', 1, -1, 'STORED', now(), now())`, sum([]byte(content)))
	w.exec(t, `insert into received_offer select partner, name, transfer, bytes_said, '0001-01-01', number from received_file`)
	require.Equal(t, activities.ReceiveFilesResult{}, w.must(t), "it is no file that came now")
	require.Contains(t, w.detail(t), "its bytes are gone from "+w.stored())
	w.box.files["releve.xml"] = content
	w.box.about["releve.xml"] = channels.Offer{Transfer: "t-1", Bytes: -1}
	require.Equal(t, activities.ReceiveFilesResult{Duplicates: 1}, w.must(t))
	require.Equal(t, []string{"releve.xml"}, w.inbox(t))
	w.prove(t)
}

func TestRunsThatWaitAreNamedWhenThereIsSomethingToBeFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at, ended_at)
		select kind, key, 1, gen_random_uuid(), '2026-03-17', sha256('x'), gen_random_uuid()::text, state, now(),
		       case when state = 'ENDED' then now() end
		from (values ('vacation-technique', '2026-03-17/open', 'RUNNING'), ('vacation-financiere', '2026-03-17', 'RUNNING'),
		      ('vacation-technique', '2026-03-16/close', 'ENDED'), ('vacation-reglement-impayes', 'R', 'RUNNING')) as v (kind, key, state)`)
	require.Empty(t, w.must(t).Awaiting)
	w.box.files["unknown.txt"] = "x"
	require.Empty(t, w.must(t).Awaiting)
	w.box.files["releve.xml"] = stated(t, 1)
	require.Equal(t, []string{"vacation-technique/2026-03-17/open", "vacation-financiere/2026-03-17"}, w.must(t).Awaiting)
	require.Empty(t, w.must(t).Awaiting)
}

func TestACancelledCallStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.box.files["a.xml"], w.box.files["b.xml"] = stated(t, 1), stated(t, 2)
	w.box.before = func(doing, name string) {
		if doing == "fetch" && name == "b.xml" {
			cancel()
		}
	}
	_, err := w.receive(ctx, w.pool)
	require.Error(t, err)
	require.Equal(t, []string{"a.xml"}, w.inbox(t))
	w.box.before = func(string, string) {}
	require.Equal(t, activities.ReceiveFilesResult{Received: 1}, w.must(t))
	require.Equal(t, []string{"a.xml", "b.xml"}, w.inbox(t))
}

func TestAPartnerThatSendsWithoutEndIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.others = []reception.Partner{{Name: "endless", Mailbox: endless{newBox()}}}
	w.limit = 100_000
	w.box.files["a.xml"] = stated(t, 1)
	_, err := w.receive(t.Context(), w.pool)
	require.ErrorContains(t, err, "receive endless.xml of endless: fetch it: is larger than")
	require.Equal(t, []string{"a.xml"}, w.inbox(t))
	require.Empty(t, names(t, w.stored()))
}

// endless writes zeros as long as somebody takes them, and says that all went well.
type endless struct{ *box }

func (endless) Offers(context.Context, calendar.Date, []channels.Announcement) ([]channels.Offer, error) {
	return []channels.Offer{{Name: "endless.xml", Bytes: -1}}, nil
}

func (endless) Fetch(_ context.Context, _ channels.Offer, to io.Writer) error {
	zeros := make([]byte, 30_000)
	for {
		if _, err := to.Write(zeros); err != nil {
			if !errors.Is(err, reception.ErrTooLarge) {
				return err
			}
			return nil
		}
	}
}

// TestTheFormatIsNamed: a CRE is known by its own mark.
func TestTheFormatIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.files["x.txt"] = "H;" + settlement.Format + ";broken;header\n"
	require.Equal(t, activities.ReceiveFilesResult{Received: 1, Held: 1}, w.must(t))
	require.Equal(t, []string{settlement.Format}, w.texts(t, `select format from received_file`))
}
