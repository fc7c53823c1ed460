package merchants_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/siret"
)

// now is when the snapshots are loaded.
var now = time.Date(2026, time.March, 2, 7, 30, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// aMerchant is the n-th merchant, payment account 1A00000000+n.
func aMerchant(tb testing.TB, n int) merchant.Merchant {
	tb.Helper()
	number := fmt.Sprintf("%013d", n)
	date, err := calendar.NewDate(2025, time.January, 1)
	require.NoError(tb, err)
	return merchant.Merchant{
		AccountID: fmt.Sprintf("1A%08d", n), Siret: number + string(siret.CheckDigit(number)),
		LegalName: fmt.Sprintf("Commerçant %d", n), CPIBAN: frenchIBAN(n),
		CPBIC: "RGLOFRP0", Status: merchant.StatusActive, PayoutMode: merchant.PayoutNone,
		Reserve: 100, MinPayout: 1, PayoutCeiling: money.Max, CPToCPAllowed: n%2 == 0, ERPThirdParty: "T1", ValidFrom: date,
	}
}

// frenchIBAN is the IBAN of the n-th account of a bank that does not exist.
func frenchIBAN(n int) string { return iban.French(99999, 1, n) }

func file(tb testing.TB, all ...merchant.Merchant) []byte {
	tb.Helper()
	var content bytes.Buffer
	writer, err := merchant.NewWriter(&content)
	require.NoError(tb, err)
	for i := range all {
		require.NoError(tb, writer.Write(&all[i]))
	}
	require.NoError(tb, writer.Close())
	return content.Bytes()
}

func snapshot(sequence int, content []byte) merchants.Snapshot {
	return merchants.Snapshot{
		Name: "merchants.csv", Sequence: sequence, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

// state is all that a loading may change, as text.
func state(tb testing.TB, pool *pgxpool.Pool) string {
	tb.Helper()
	const query = `select concat_ws(E'\n',
		(select string_agg(m::text, E'\n' order by account_id) from merchant m),
		(select string_agg(s::text, E'\n' order by sequence) from merchant_snapshot s),
		(select string_agg(code, ' ' order by code) from account))`
	var text string
	require.NoError(tb, pool.QueryRow(tb.Context(), query).Scan(&text))
	return text
}

func status(tb testing.TB, pool *pgxpool.Pool, accountID string) (status string, snapshot int) {
	tb.Helper()
	err := pool.QueryRow(tb.Context(), `select status, snapshot from merchant where account_id = $1`, accountID).Scan(&status, &snapshot)
	require.NoError(tb, err)
	return status, snapshot
}

func TestLoadKeepsEveryColumn(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	one := aMerchant(t, 1)
	one.PayoutMode, one.PayoutFrequency = merchant.PayoutAuto, merchant.Frequency{Period: merchant.Weekly, Day: 2}
	one.ExternalIBAN, one.ExternalBIC, one.ExternalName = frenchIBAN(4242), "RGLOFRP1XXX", "Un"
	one.Agent, one.PayoutCeiling = "agent", 500_000

	result, err := merchants.Load(t.Context(), pool, snapshot(7, file(t, one, aMerchant(t, 2))), now)

	require.NoError(t, err)
	require.Equal(t, 7, result.Sequence, "the first snapshot has any number")
	require.Equal(t, 2, result.Merchants)
	require.Equal(t, 2, result.Opened)
	require.Zero(t, result.Closed)
	require.False(t, result.Again)

	const query = `select concat_ws('|', a.code, a.class, siret, legal_name, cp_iban, cp_bic, status, payout_mode,
		payout_frequency, external_iban, external_bic, external_name, reserve_cents, min_payout_cents,
		payout_ceiling_cents, cp_to_cp_allowed, agent, erp_third_party, valid_from, snapshot)
		from merchant m join account a on a.id = m.account where m.account_id = $1`
	var row string
	require.NoError(t, pool.QueryRow(t.Context(), query, one.AccountID).Scan(&row))
	require.Equal(t, "CP.1A00000001|CP|"+one.Siret+"|Commerçant 1|"+one.CPIBAN+"|RGLOFRP0|ACTIVE|AUTO|WEEKLY:2|"+
		one.ExternalIBAN+"|RGLOFRP1XXX|Un|100|1|500000|f|agent|T1|2025-01-01|7", row)
}

func TestLoadTheSameAgainChangesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	content := file(t, aMerchant(t, 1))
	first, err := merchants.Load(t.Context(), pool, snapshot(1, content), now)
	require.NoError(t, err)
	before := state(t, pool)

	for _, sequence := range []int{1, 0} {
		again, err := merchants.Load(t.Context(), pool, snapshot(sequence, content), now.Add(time.Hour))
		require.NoError(t, err)
		require.True(t, again.Again)
		require.Equal(t, first.Sequence, again.Sequence)
		require.Equal(t, first.SHA256, again.SHA256)
		require.Equal(t, first.Merchants, again.Merchants)
		require.WithinDuration(t, first.LoadedAt, again.LoadedAt, 0)
	}
	require.Equal(t, before, state(t, pool))
}

func TestLoadBringsUpToDateAndCloses(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := merchants.Load(t.Context(), pool, snapshot(1, file(t, aMerchant(t, 1), aMerchant(t, 2), aMerchant(t, 3))), now)
	require.NoError(t, err)

	changed, leaving := aMerchant(t, 1), aMerchant(t, 2)
	changed.Status, leaving.Status = merchant.StatusBlocked, merchant.StatusClosed
	second, err := merchants.Load(t.Context(), pool, snapshot(2, file(t, changed, leaving, aMerchant(t, 4))), now)
	require.NoError(t, err)
	require.Equal(t, 1, second.Opened)
	require.Equal(t, 2, second.Closed, "one says so itself, one is left out")

	for _, expected := range []struct {
		account, status string
		snapshot        int
	}{{"1A00000001", "BLOCKED", 2}, {"1A00000002", "CLOSED", 2}, {"1A00000003", "CLOSED", 1}, {"1A00000004", "ACTIVE", 2}} {
		have, number := status(t, pool, expected.account)
		require.Equal(t, expected.status, have, expected.account)
		require.Equal(t, expected.snapshot, number, expected.account)
	}

	third, err := merchants.Load(t.Context(), pool, snapshot(0, file(t, aMerchant(t, 3), changed)), now)
	require.NoError(t, err)
	require.Equal(t, 3, third.Sequence, "the number after the last")
	require.Zero(t, third.Opened, "a CP that comes back keeps its account")
	require.Equal(t, 1, third.Closed)
	have, _ := status(t, pool, "1A00000003")
	require.Equal(t, "ACTIVE", have)
}

func TestLoadRefusesWithoutATrace(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	content := file(t, aMerchant(t, 1), aMerchant(t, 2))
	_, err := merchants.Load(t.Context(), pool, snapshot(5, content), now)
	require.NoError(t, err)
	before := state(t, pool)

	last := aMerchant(t, 3)
	invalid := bytes.Replace(file(t, aMerchant(t, 1), aMerchant(t, 2), last), []byte(last.Siret), []byte("12345678901234"), 1)
	var (
		order    *merchants.SequenceError
		conflict *merchants.ConflictError
		closure  *merchants.ClosureError
		faults   *fault.Faults
	)
	cautious := snapshot(6, file(t, aMerchant(t, 1)))
	cautious.MaxClosedPercent = 49
	for _, test := range []struct {
		name     string
		snapshot merchants.Snapshot
		target   any
		says     string
	}{
		{"gap", snapshot(7, file(t, aMerchant(t, 3))), &order, "not the next one, 6"},
		{"older than the first", snapshot(4, file(t, aMerchant(t, 3))), &order, "not the next one, 6"},
		{"number again, other content", snapshot(5, file(t, aMerchant(t, 3))), &conflict, "with another content"},
		{"content again, other number", snapshot(6, content), &conflict, "the same file sent again"},
		{"closes too many", cautious, &closure, "close 1 of 2 open payment accounts, more than 49 %"},
		{"fault on the last line", snapshot(6, invalid), &faults, "line 4"},
		{"empty", snapshot(6, nil), &faults, "is empty"},
	} {
		_, err := merchants.Load(t.Context(), pool, test.snapshot, now)
		require.ErrorAs(t, err, test.target, test.name)
		require.ErrorContains(t, err, test.says, test.name)
		require.Equal(t, before, state(t, pool), test.name)
	}

	_, err = merchants.Load(t.Context(), pool, snapshot(6, file(t, aMerchant(t, 1), aMerchant(t, 2), aMerchant(t, 3))), now)
	require.NoError(t, err, "what was refused blocks nothing")
}

func TestLoadCancelledHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	before := state(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const total = 5_000
	all := make([]merchant.Merchant, 0, total)
	for n := range total {
		all = append(all, aMerchant(t, n))
	}
	content := file(t, all...)
	half := snapshot(1, nil)
	half.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(&cancelAfter{Reader: bytes.NewReader(content), left: len(content) / 2, cancel: cancel}), nil
	}

	_, err := merchants.Load(ctx, pool, half, now)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, state(t, pool))

	result, err := merchants.Load(t.Context(), pool, snapshot(1, content), now)
	require.NoError(t, err)
	require.Equal(t, total, result.Opened)
}

// cancelAfter cancels once it has given some bytes, and goes on giving.
type cancelAfter struct {
	io.Reader

	left   int
	cancel func()
}

func (r *cancelAfter) Read(into []byte) (int, error) {
	n, err := r.Reader.Read(into[:min(len(into), 1024)])
	if r.left -= n; r.left <= 0 {
		r.cancel()
	}
	return n, err
}

func TestLoadReportsAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	broken := errors.New("disk broken")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"opening": func() (io.ReadCloser, error) { return nil, broken },
		"reading": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(file(t, aMerchant(t, 1))), failing{broken})), nil
		},
	} {
		unreadable := snapshot(1, nil)
		unreadable.Open = open
		_, err := merchants.Load(t.Context(), pool, unreadable, now)
		require.ErrorIs(t, err, broken, name)
	}
	var loaded int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from merchant_snapshot`).Scan(&loaded))
	require.Zero(t, loaded)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLoadTwiceAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	content := file(t, aMerchant(t, 1), aMerchant(t, 2))
	type outcome struct {
		result merchants.Result
		err    error
	}
	done := make(chan outcome)
	const loaders = 4
	for range loaders {
		go func() {
			result, err := merchants.Load(t.Context(), pool, snapshot(0, content), now)
			done <- outcome{result, err}
		}()
	}
	fresh := 0
	for range loaders {
		end := <-done
		require.NoError(t, end.err)
		require.Equal(t, 1, end.result.Sequence)
		if !end.result.Again {
			fresh++
		}
	}
	require.Equal(t, 1, fresh)
}

func BenchmarkLoad100000(b *testing.B) {
	const total = 100_000
	all := make([]merchant.Merchant, 0, total)
	for n := range total {
		all = append(all, aMerchant(b, n))
	}
	pool := pgtest.New(b)
	for sequence := 1; b.Loop(); sequence++ {
		// A snapshot's content is not loaded twice: each time another merchant is renamed.
		all[sequence].LegalName = "Renommé"
		_, err := merchants.Load(b.Context(), pool, snapshot(sequence, file(b, all...)), now)
		require.NoError(b, err)
	}
}
