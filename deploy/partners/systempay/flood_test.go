package systempay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/systempay"
)

// flood is a small one, with everything in it.
func flood(target string) *systempay.Flood {
	return &systempay.Flood{
		Target: target, Shop: shops()[0], Mode: "TEST", Count: 300, Connections: 8, Resend: 0.3, Forged: 0.1, Credit: 0.2,
		Shuffle: true, Attempts: 5, Pause: time.Millisecond, Seed: 7, Start: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC),
		Clock: time.Now,
	}
}

func ledger(t testing.TB, text []byte) []systempay.Truth {
	t.Helper()
	var all []systempay.Truth
	for line := range bytes.Lines(text) {
		var one systempay.Truth
		require.NoError(t, json.Unmarshal(line, &one))
		all = append(all, one)
	}
	return all
}

// key is what the same event has in common each time it is told.
func key(c *call) string {
	return strings.Join([]string{
		c.fields["vads_trans_uuid"], c.fields["vads_trans_status"], c.fields["vads_effective_amount"],
	}, "/")
}

// TestTheLedgerIsTrue takes in a flood, and judges by the ledger alone what it must have come to.
func TestTheLedgerIsTrue(t *testing.T) {
	t.Parallel()
	shop := listen(t)
	var written bytes.Buffer
	tally, err := flood(shop.URL).Run(t.Context(), &written)
	require.NoError(t, err)
	truths := ledger(t, written.Bytes())

	told, resent, forged := map[string]map[string]int64{}, map[string]int{}, 0
	amounts := map[string]string{}
	hashes, sources := map[string]bool{}, map[string]bool{}
	for _, one := range shop.came() {
		require.False(t, hashes[one.fields["vads_hash"]])
		hashes[one.fields["vads_hash"]] = true
		if !one.right() {
			forged++
			continue
		}
		uuid := one.fields["vads_trans_uuid"]
		if told[uuid] == nil {
			told[uuid] = map[string]int64{}
		}
		told[uuid][one.fields["vads_trans_status"]]++
		amounts[uuid] = one.fields["vads_effective_amount"]
		resent[key(&one)]++
		sources[one.fields["vads_url_check_src"]] = true
	}
	require.Len(t, told, len(truths))
	seen := map[string]int{}
	for _, truth := range truths {
		require.ElementsMatch(t, truth.Statuses, slices.Collect(maps.Keys(told[truth.UUID])))
		require.Equal(t, truth.Statuses[len(truth.Statuses)-1], truth.Status)
		require.Equal(t, truth.Status == "AUTHORISED" || truth.Status == "CAPTURED", truth.Amount > 0)
		if truth.Amount > 0 {
			require.Equal(t, strconv.FormatInt(truth.Amount, 10), amounts[truth.UUID])
		}
		notified := int64(0)
		for _, count := range told[truth.UUID] {
			notified += count
		}
		require.EqualValues(t, truth.Notifications, notified)
		seen[truth.Operation+" "+truth.Status]++
	}
	for _, status := range []string{"CAPTURED", "AUTHORISED", "CANCELLED", "EXPIRED", "REFUSED", "ABANDONED", "CAPTURE_FAILED"} {
		require.Positive(t, seen["DEBIT "+status], status)
	}
	require.Positive(t, seen["CREDIT CAPTURED"])
	require.Subset(t, slices.Collect(maps.Keys(sources)), []string{"PAY", "BATCH", "RETRY"})

	twice := 0
	for _, count := range resent {
		require.LessOrEqual(t, count, 2)
		twice += count - 1
	}
	require.Equal(t, tally.Resent, twice)
	require.Equal(t, tally.Forged, forged)
	require.Equal(t, len(truths), tally.Transactions)
	require.Equal(t, map[string]int{"200": tally.Notifications}, tally.Statuses)
	require.Equal(t, map[string]int{"200": forged}, tally.Forgeries)
	require.InDelta(t, 0.3, float64(tally.Resent)/float64(tally.Notifications-tally.Resent), 0.08)
	require.Zero(t, tally.GivenUp)
	require.Positive(t, tally.P50)
	require.IsIncreasing(t, []float64{0, tally.P50, math.Nextafter(tally.Max, math.Inf(1))})
	require.LessOrEqual(t, tally.P95, tally.P99)
	require.Positive(t, tally.PerSecond)
}

// TestTheSameFloodAgain compares two of one seed, and one of another, or in another order.
func TestTheSameFloodAgain(t *testing.T) {
	t.Parallel()
	run := func(change func(*systempay.Flood)) (string, []string) {
		shop := listen(t)
		wanted := flood(shop.URL)
		wanted.Connections = 1
		change(wanted)
		var written bytes.Buffer
		_, err := wanted.Run(t.Context(), &written)
		require.NoError(t, err)
		var keys []string
		for _, one := range shop.came() {
			keys = append(keys, key(&one))
		}
		return written.String(), keys
	}
	ledger, keys := run(func(*systempay.Flood) {})
	sameLedger, sameKeys := run(func(*systempay.Flood) {})
	require.Equal(t, ledger, sameLedger)
	require.Equal(t, keys, sameKeys)
	otherLedger, _ := run(func(f *systempay.Flood) { f.Seed++ })
	require.NotEqual(t, ledger, otherLedger)
	sameLedger, inOrder := run(func(f *systempay.Flood) { f.Shuffle = false })
	require.Equal(t, ledger, sameLedger, "the order changes nothing of the truth")
	require.NotEqual(t, keys, inOrder)
	require.ElementsMatch(t, keys, inOrder)
	seen := map[string]bool{}
	for i, one := range inOrder {
		uuid, _, _ := strings.Cut(one, "/")
		require.False(t, seen[uuid] && !strings.HasPrefix(inOrder[i-1], uuid), "one transaction after another")
		seen[uuid] = true
	}
}

// TestAFloodIsAnswered has each notification refused at first, and some always.
func TestAFloodIsAnswered(t *testing.T) {
	t.Parallel()
	shop := listen(t)
	shop.answer = func(n int) int { return []int{http.StatusServiceUnavailable, http.StatusOK}[n%2] }
	wanted := flood(shop.URL)
	wanted.Connections, wanted.Forged = 1, 0
	tally, err := wanted.Run(t.Context(), &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"200": tally.Notifications, "503": tally.Notifications}, tally.Statuses)

	for status, times := range map[int]int{http.StatusInternalServerError: 5, http.StatusBadRequest: 1, http.StatusFound: 1} {
		shop := listen(t)
		shop.answer = func(int) int { return status }
		wanted := flood(shop.URL)
		wanted.Count = 5
		tally, err := wanted.Run(t.Context(), &bytes.Buffer{})
		require.NoError(t, err)
		require.Len(t, shop.came(), times*(tally.Notifications+tally.Forged))
		require.Equal(t, times == 5, tally.GivenUp > 0)
	}

	shop = listen(t)
	shop.Close()
	wanted = flood(shop.URL)
	wanted.Count, wanted.Forged = 2, 0
	tally, err = wanted.Run(t.Context(), &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"none": 5 * tally.Notifications}, tally.Statuses)
	require.Equal(t, tally.Notifications, tally.GivenUp)
}

func TestAFloodOfOrders(t *testing.T) {
	t.Parallel()
	orders, err := systempay.ReadOrders(strings.NewReader(`{"order_id":"A-1","amount":1999}
{"order_id":"A-2","amount":500,"currency":"756","trans_id":"00ab12","trans_date":"20260331120000"}`))
	require.NoError(t, err)
	shop := listen(t)
	wanted := flood(shop.URL)
	wanted.Orders, wanted.Forged, wanted.Rate = orders, 0, 1000
	tally, err := wanted.Run(t.Context(), &bytes.Buffer{})
	require.NoError(t, err)
	require.Positive(t, tally.Behind)
	require.GreaterOrEqual(t, tally.Seconds, float64(tally.Notifications-1)/wanted.Rate)
	seen := map[string]bool{}
	for _, one := range shop.came() {
		if one.fields["vads_operation_type"] == "DEBIT" {
			seen[strings.Join([]string{
				one.fields["vads_order_id"], one.fields["vads_amount"], one.fields["vads_currency"], one.fields["vads_trans_id"],
			}, " ")] = true
		}
	}
	require.Equal(t, map[string]bool{"A-1 1999 978 000000": true, "A-2 500 756 00ab12": true}, seen)
	for _, wrong := range []string{"{", `{"order":"x"}`} {
		_, err := systempay.ReadOrders(strings.NewReader(wrong))
		require.Error(t, err)
	}
}

// TestAStallIsFeltByAllThatWait has time pass while the first notification is answered: those that should have gone
// meanwhile are late as well.
func TestAStallIsFeltByAllThatWait(t *testing.T) {
	t.Parallel()
	const stall, due = 2 * time.Second, time.Second
	shop := listen(t)
	var stalled atomic.Int64
	shop.answer = func(n int) int {
		if n == 0 {
			stalled.Store(int64(stall))
		}
		return http.StatusOK
	}
	wanted := flood(shop.URL)
	wanted.Connections, wanted.Rate = 1, 1000
	wanted.Clock = func() time.Time { return time.Now().Add(time.Duration(stalled.Load())) }
	tally, err := wanted.Run(t.Context(), &bytes.Buffer{})
	require.NoError(t, err)
	require.Less(t, float64(tally.Notifications+tally.Forged)/wanted.Rate, due.Seconds())
	require.GreaterOrEqual(t, tally.P50, float64((stall - due).Milliseconds()))
}

// full takes nothing.
type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFloodsThatSayTooLittle(t *testing.T) {
	t.Parallel()
	shop := listen(t)
	for _, change := range []func(*systempay.Flood){
		func(f *systempay.Flood) { f.Target = "nowhere" },
		func(f *systempay.Flood) { f.Mode = "DEMO" },
		func(f *systempay.Flood) { f.Shop.Site = "" },
		func(f *systempay.Flood) { f.Count = 0 },
		func(f *systempay.Flood) { f.Count = 1 << 30 },
		func(f *systempay.Flood) { f.Connections = 0 },
		func(f *systempay.Flood) { f.Attempts = 0 },
		func(f *systempay.Flood) { f.Rate = -1 },
		func(f *systempay.Flood) { f.Resend = 1.1 },
		func(f *systempay.Flood) { f.Credit = -0.1 },
		func(f *systempay.Flood) { f.Start = time.Time{} },
		func(f *systempay.Flood) { f.Clock = nil },
		func(f *systempay.Flood) { f.Orders = []systempay.Order{{ID: "A"}} },
	} {
		wrong := flood(shop.URL)
		change(wrong)
		_, err := wrong.Run(t.Context(), &bytes.Buffer{})
		require.ErrorIs(t, err, systempay.ErrFlood)
	}
	_, err := flood(shop.URL).Run(t.Context(), full{})
	require.ErrorIs(t, err, errFull)
	require.Empty(t, shop.came())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = flood(shop.URL).Run(ctx, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
}
