package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/console"
	"github.com/reglo/reglo/starter/front"
)

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	c := newCast(t, pool)
	v := s.signedIn(t)
	stranger := s.visitor(t)
	for _, got := range []answer{
		v.get(t, listPath), v.get(t, fmt.Sprintf("%s/notifications/%d", listPath, c.last)), v.get(t, listPath+"/nowhere"),
		v.get(t, listPath+"?limit=0"), v.get(t, listPath+"/unmatched/lines"), v.get(t, dataPath), v.get(t, dataPath+"/0"),
		stranger.get(t, loginPath), stranger.get(t, listPath), stranger.get(t, dataPath), stranger.get(t, "/console/style.css"),
		stranger.get(t, "/systempay/openapi.json"), stranger.login(t, auditorKey), stranger.post(t, loginPath, nil),
		v.do(t, http.MethodHead, listPath, ""),
	} {
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"Referrer-Policy":         "no-referrer",
			"X-Content-Type-Options":  "nosniff",
			"X-Frame-Options":         "DENY",
			"Cache-Control":           "no-store",
		} {
			require.Equal(t, want, got.header.Get(name), got.body)
		}
		if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") && got.body != "" {
			require.Contains(t, got.body, `<html lang="fr">`)
			require.NotContains(t, got.body, "<script")
			require.NotContains(t, got.body, " style=")
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	c := newCast(t, pool)
	v := s.signedIn(t)

	list := v.get(t, listPath)
	require.Equal(t, http.StatusOK, list.status)
	for _, want := range []string{
		`<time datetime="2026-03-17T12:30:05&#43;01:00">17/03/2026 12:30:05</time>`, "1\u202f234,56\u00a0EUR", "Origine refusée", "Acceptée",
		"TS2026-1", "3 lignes, de la plus récente à la plus ancienne.",
	} {
		require.Contains(t, list.body, want)
	}
	require.NotContains(t, list.body, "Page suivante")
	require.Contains(t, v.get(t, listPath+"?shop=boutique&order=none").body, "Aucune notification ne correspond à ces critères.")

	narrowed := v.get(t, listPath+"?shop=fermee&status=BRAND_NEW&from=2026-03-17&customer=%22%3E")
	for _, want := range []string{
		`<option value="fermee" selected>`, `<option value="BRAND_NEW" selected>`, `type="date" value="2026-03-17"`, `value="&#34;&gt;"`,
	} {
		require.Contains(t, narrowed.body, want, "what was asked for stays on the screen")
	}

	page := v.get(t, fmt.Sprintf("%s/notifications/%d", listPath, c.last))
	require.Equal(t, http.StatusOK, page.status)
	for _, want := range []string{
		"497010XXXXXX0055", "<em>masqué</em>", "REGLEMENT-20260317", "FA 2026-17", "C0000007", "654321", "194.50.38.7",
		fmt.Sprintf("%d (celle-ci)", c.last), fmt.Sprintf(`href="/console/systempay/notifications/%d"`, c.first), "authorisation is awaited",
		"Règle</th><td><bdi>order</bdi>", "Opérateur</th><td><bdi>anne</bdi>",
	} {
		require.Contains(t, page.body, want)
	}
	require.NotContains(t, page.body, "[hidden]")
	page = v.get(t, fmt.Sprintf("%s/notifications/%d", listPath, c.stranger))
	require.Contains(t, page.body, "rattaché à aucune transaction")
	require.Contains(t, page.body, "Aucun champ")
}

// TestUnmatched shows what has no other side, and nothing else.
func TestUnmatched(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	c := newCast(t, pool)
	v := s.signedIn(t)
	require.Contains(t, v.get(t, listPath+"/unmatched/payments").body, "Tous les paiements sont rapprochés.")
	require.Contains(t, v.get(t, listPath+"/unmatched/lines").body, "Toutes les lignes de CRE sont rapprochées.")
	require.Contains(t, v.get(t, listPath+"/unmatched/forms").body, "attend de suite")

	paid := payment(t, pool, "PAID-1", "AUTHORISED", "AUTHORISED", "PAID", nil)
	number := insert(t, pool, row{at: at(), shop: "boutique", outcome: "ACCEPTED", order: "PAID-1", status: "AUTHORISED", payment: &paid})
	payment(t, pool, "REFUSED-1", "NOT_PAID", "REFUSED", "NOT_PAID", nil)
	line(t, pool, 8, "UNKNOWN-LINE")
	day := 24 * time.Hour
	form(t, pool, "OPEN-1", at().Add(-day-time.Second))
	form(t, pool, "FRESH-1", at().Add(-day+time.Second))
	form(t, pool, "OLD-1", at().Add(-30*day-time.Second))
	waiting, ended := form(t, pool, "WAITING-1", at().Add(-2*day)), form(t, pool, "ENDED-1", at().Add(-2*day))
	payment(t, pool, "WAITING-1", "PENDING", "WAITING_AUTHORISATION", "PENDING", &waiting)
	payment(t, pool, "ENDED-1", "NOT_PAID", "REFUSED", "NOT_PAID", &ended)

	got := v.get(t, listPath+"/unmatched/payments")
	require.Contains(t, got.body, "PAID-1")
	require.Contains(t, got.body, fmt.Sprintf(`href="/console/systempay/notifications/%d"`, number))
	require.NotContains(t, got.body, "REFUSED-1")
	require.NotContains(t, got.body, "TS2026-1")
	got = v.get(t, listPath+"/unmatched/lines")
	require.Contains(t, got.body, "UNKNOWN-LINE")
	require.NotContains(t, got.body, "TS2026-1")
	got = v.get(t, listPath+"/unmatched/forms")
	for order, want := range map[string]bool{"OPEN-1": true, "WAITING-1": true, "FRESH-1": false, "OLD-1": false, "ENDED-1": false, "TS2026-1": false} {
		require.Equal(t, want, strings.Contains(got.body, order), order)
	}

	// Pages follow each other without a gap.
	for i := range 120 {
		of := payment(t, pool, fmt.Sprintf("MANY-%03d", i), "CAPTURED", "CAPTURED", "PAID", nil)
		insert(t, pool, row{at: at(), shop: "boutique", outcome: "ACCEPTED", order: fmt.Sprintf("MANY-%03d", i), payment: &of})
		form(t, pool, fmt.Sprintf("MANY-%03d", i), at().Add(-3*day))
		line(t, pool, 100+i, fmt.Sprintf("MANY-%03d", i))
	}
	for _, kind := range []string{"payments", "lines", "forms"} {
		target, pages := listPath+"/unmatched/"+kind, 0
		var all strings.Builder
		for target != "" {
			page := v.get(t, target)
			require.Equal(t, http.StatusOK, page.status, page.body)
			require.Equal(t, pages > 0, strings.Contains(page.body, "Première page"))
			all.WriteString(page.body)
			target = ""
			if _, after, more := strings.Cut(page.body, `<li><a href="`+listPath+"/unmatched/"+kind+"?after="); more {
				place, _, _ := strings.Cut(after, `"`)
				target = listPath + "/unmatched/" + kind + "?after=" + place
			}
			pages++
		}
		require.Equal(t, 3, pages, kind)
		for i := range 120 {
			cell := fmt.Sprintf("<bdi>MANY-%03d</bdi>", i)
			require.Equal(t, 1, strings.Count(all.String(), cell), kind+cell)
		}
	}
	for _, wrong := range []string{"payments?after=x", "forms?after=0", "lines?after=1", "lines?after=1-", "lines?after=99999999999-1", "lines?shop=x"} {
		require.Equal(t, http.StatusBadRequest, v.get(t, listPath+"/unmatched/"+wrong).status, wrong)
	}
	_ = c
}

// TestLinesShowNoAccount in what a bank writes of a line, on the way to a match and
// beside it.
func TestLinesShowNoAccount(t *testing.T) {
	t.Parallel()
	const account, spaced = "FR7630006000011234567890189", "FR76 3000 6000 0112 3456 7890 189"
	pool := newDatabase(t)
	s := open(t, pool)
	c := newCast(t, pool)
	line(t, pool, 8, "VENTE "+spaced)
	_, err := pool.Exec(t.Context(), `update payment_line set acquirer_ref = $1`, account)
	require.NoError(t, err)
	v := s.signedIn(t)
	page := v.get(t, listPath+"/unmatched/lines").body
	require.Contains(t, page, "<bdi>VENTE FR76…0189</bdi>")
	require.Contains(t, page, "<bdi>FR76…0189</bdi>")
	page += v.get(t, fmt.Sprintf("%s/notifications/%d", listPath, c.last)).body
	document := v.get(t, fmt.Sprintf("%s/%d", dataPath, c.last)).body
	require.Contains(t, document, `"acquirerRef":"FR76…0189"`)
	for _, number := range []string{account, spaced} {
		require.NotContains(t, page+document, number)
	}
}

// hostile is what a buyer, or whoever forges a form, may write.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}&amp;` + "\u202etxt"

// TestHostileValuesAreText in each place where a page shows what came from outside.
func TestHostileValuesAreText(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool, func(parts *console.Parts) { parts.ProxyHeader = "X-Reglo-User" })
	number := hostileCast(t, pool)
	v := s.visitor(t)
	for _, path := range []string{
		listPath, fmt.Sprintf("%s/notifications/%d", listPath, number), listPath + "/unmatched/payments", listPath + "/unmatched/lines",
		listPath + "/unmatched/forms", listPath + "?customer=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
		listPath + "?from=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
	} {
		got := v.get(t, path, "X-Reglo-User", `<script>alert(1)</script>`)
		require.Contains(t, got.body, "&lt;script&gt;alert(1)&lt;/script&gt;", path)
		require.NotContains(t, got.body, "<script", path)
		require.NotContains(t, got.body, "<img", path)
	}
}

// hostileCast has hostile values in all columns that are texts.
func hostileCast(t testing.TB, pool *pgxpool.Pool) int64 {
	t.Helper()
	of := form(t, pool, hostile, at().Add(-48*time.Hour))
	paid := payment(t, pool, hostile, "CAPTURED", hostile, "PAID", nil)
	waiting := payment(t, pool, hostile, "PENDING", hostile, "PENDING", &of)
	_, err := pool.Exec(t.Context(), `update payment set customer = $1, authorisation = $1, contract = $1, doubt = $1, shop = $1 where number in ($2, $3)`,
		hostile, paid, waiting)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `update payment_form set customer = $1, invoice_piece = $1, third_party = $1, plan = $1, shop = $1`, hostile)
	require.NoError(t, err)
	line(t, pool, 3, hostile)
	insert(t, pool, row{at: at(), shop: hostile, outcome: hostile, level: "ERR", order: hostile, customer: hostile, status: hostile, reason: hostile, payment: &paid})
	return insert(t, pool, row{
		at: at(), shop: hostile, outcome: hostile, level: hostile, order: hostile, customer: hostile, status: hostile + "2", reason: hostile,
		payment: &waiting, fields: map[string]string{hostile: hostile, "vads_amount": hostile, "vads_currency": hostile},
	})
}

// TestTheDatabaseIsAway or busy: people are told, and the log says why.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	away, err := pgxpool.New(t.Context(), "postgres://nobody@"+unused(t)+"/none")
	require.NoError(t, err)
	t.Cleanup(away.Close)
	s := open(t, away)
	v := s.signedIn(t)
	for _, path := range []string{listPath, listPath + "/notifications/1", listPath + "/unmatched/forms"} {
		got := v.get(t, path)
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, "5", got.header.Get("Retry-After"))
		require.Contains(t, got.body, "La base de données ne répond pas.")
	}
	got := s.data(t, dataPath, "Problem")
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Contains(t, s.notes.String(), "notifications cannot be read")
}

// TestALongSearchEnds while somebody holds the table, for all who wait at once, and
// those of the next moment are answered.
func TestALongSearchEnds(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	v := s.signedIn(t)
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{})
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `lock table payment_notification in access exclusive mode`)
	require.NoError(t, err)
	answers := make(chan answer, 3)
	var work sync.WaitGroup
	for range cap(answers) {
		work.Go(func() { answers <- v.get(t, listPath) })
	}
	work.Wait()
	for range cap(answers) {
		got := <-answers
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Contains(t, got.body, "Recherche trop longue")
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, http.StatusOK, v.get(t, listPath).status)
}

// TestSearchesLeavePlaces while nobody of many is answered: those beyond a quarter
// of what the front works on at once are told to come again, and keep no place.
func TestSearchesLeavePlaces(t *testing.T) {
	t.Parallel()
	const most, beyond = front.MaxRequests / 4, 24
	pool := newDatabase(t)
	s := open(t, pool)
	v := s.signedIn(t)
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }) // who waits is let go, if this fails
	_, err = tx.Exec(t.Context(), `lock table payment_notification in access exclusive mode`)
	require.NoError(t, err)
	answers := make(chan answer, most+beyond)
	var work sync.WaitGroup
	for range most + beyond {
		work.Go(func() { answers <- v.get(t, listPath) })
	}
	for range beyond {
		got := <-answers
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, "5", got.header.Get("Retry-After"))
		require.Contains(t, got.body, "Trop de recherches sont en cours.")
	}
	require.NoError(t, tx.Rollback(t.Context()))
	work.Wait()
	for range most {
		require.NotContains(t, (<-answers).body, "Trop de recherches")
	}
	require.Equal(t, http.StatusOK, v.get(t, listPath).status)
}
