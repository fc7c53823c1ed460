package console_test

import (
	"context"
	_ "embed"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// audit.js is an expression that looks a page over for what keeps people out, and
// gives what it finds, one text each.
//
//go:embed testdata/audit.js
var audit string

// focused.js is an expression that says what has the focus, and whether that is seen.
//
//go:embed testdata/focused.js
var focused string

// tab is one of a browser, and what went wrong in it.
type tab struct {
	context.Context

	lock  sync.Mutex
	wrong []string
}

// browse opens a real browser.
func browse(t *testing.T) *tab {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Fatal("Chromium is missing: apt-get install -y chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1280, 900), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	opened := &tab{Context: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		switch said := event.(type) {
		case *log.EventEntryAdded:
			opened.note("log: " + said.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			opened.note("console: " + string(said.Type))
		case *runtime.EventExceptionThrown:
			opened.note("exception: " + said.ExceptionDetails.Text)
		case *page.EventJavascriptDialogOpening:
			opened.note("dialog: " + said.Message)
		}
	})
	require.NoError(t, err)
	return opened
}

func (b *tab) note(what string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.wrong = append(b.wrong, what)
}

func (b *tab) run(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(b, actions...))
}

// evaluate gives what an expression is on the page.
func evaluate[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	require.NoError(t, err, expression)
	return value
}

// goes has an action lead to another page, and waits for it.
func (b *tab) goes(t *testing.T, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b, 20*time.Second)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, action)
	require.NoError(t, err)
}

func (b *tab) text(t *testing.T, expression string) string {
	t.Helper()
	return evaluate[string](t, b, expression)
}

func (b *tab) texts(t *testing.T, expression string) []string {
	t.Helper()
	return evaluate[[]string](t, b, expression)
}

// numbers are those of the notifications on a page of the list.
func (b *tab) numbers(t *testing.T) []string {
	t.Helper()
	return b.texts(t, `[...document.querySelectorAll("tbody th a")].map(a => a.lastChild.textContent)`)
}

// sound wants nothing on a page to keep people out, nor at twice its size, nor on
// the screen of a telephone.
func (b *tab) sound(t *testing.T, what string) {
	t.Helper()
	require.Empty(t, b.texts(t, audit), what)
	for _, width := range []int64{640, 320} {
		b.run(t, chromedp.EmulateViewport(width, 512))
		overflow := evaluate[int](t, b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
		require.LessOrEqual(t, overflow, 0, "%s scrolls sideways at %d pixels", what, width)
	}
	b.run(t, chromedp.EmulateViewport(1280, 900))
}

// stop is what has the focus.
type stop struct {
	Name, Tag, ID string
	Seen          bool
}

// tabKey goes on to the next thing that takes the focus.
func (b *tab) tabKey(t *testing.T) stop {
	t.Helper()
	b.run(t, chromedp.KeyEvent(kb.Tab))
	return evaluate[stop](t, b, focused)
}

// until goes on by the keyboard until something has the focus, and wants to see it
// all the way.
func (b *tab) until(t *testing.T, name string) {
	t.Helper()
	var passed []string
	for range 100 {
		at := b.tabKey(t)
		if at.Tag == "BODY" {
			continue
		}
		require.True(t, at.Seen, "the focus is not seen: %+v", at)
		if at.Name == name {
			return
		}
		passed = append(passed, at.Name)
	}
	t.Fatalf("%q never has the focus, only %q", name, passed)
}

// manyNotifications are some pages of one shop, and some of the other one.
func manyNotifications(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for i := range 130 {
		shop := "boutique"
		if i%2 == 0 {
			shop = "theatre"
		}
		insert(t, pool, row{
			at: at().Add(time.Duration(i) * time.Minute), shop: shop, outcome: "ACCEPTED", order: fmt.Sprintf("TS2026-20260317-%011d-1", i),
			customer: "C42", status: "CAPTURED", fields: map[string]string{"vads_amount": "123456", "vads_currency": "978"},
		})
	}
}

// TestInABrowser signs in, looks around and signs out, as somebody with a mouse does.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	manyNotifications(t, pool)
	c := newCast(t, pool)
	b := browse(t)

	b.goes(t, chromedp.Navigate(s.url+loginPath))
	b.sound(t, "the form to sign in")
	b.run(t, chromedp.SendKeys(chromedp.CSS("#key"), auditorKey))
	b.goes(t, chromedp.Click(chromedp.CSS("main button")))
	require.Equal(t, s.url+listPath, b.text(t, "location.href"))
	require.Len(t, b.numbers(t), 50)
	b.sound(t, "the list")

	b.run(t, chromedp.SetValue(chromedp.CSS("#shop"), "theatre"), chromedp.SendKeys(chromedp.CSS("#customer"), "C42"))
	b.goes(t, chromedp.Click(chromedp.CSS(".filter button")))
	first := b.numbers(t)
	require.Len(t, first, 50)
	require.Equal(t, "theatre", b.text(t, `document.querySelector("#shop").value`))
	require.Equal(t, []string{"theatre"}, b.texts(t, `[...new Set([...document.querySelectorAll("tbody td:nth-child(3)")].map(td => td.textContent))]`))
	b.goes(t, chromedp.Click(chromedp.CSS(`a[rel="next"]`)))
	second := b.numbers(t)
	require.Len(t, second, 15)
	require.NotContains(t, second, first[49])
	require.Equal(t, "Première page", b.text(t, `document.querySelector(".pages").innerText.trim()`))
	b.sound(t, "the last page")

	b.goes(t, chromedp.Click(chromedp.CSS("tbody th a")))
	require.Equal(t, "Notification "+second[0], b.text(t, `document.querySelector("h1").textContent`))
	b.goes(t, chromedp.Navigate(fmt.Sprintf("%s%s/notifications/%d", s.url, listPath, c.last)))
	require.Contains(t, b.text(t, `document.querySelector("main").innerText`), "497010XXXXXX0055")
	b.sound(t, "a notification")
	b.goes(t, chromedp.Navigate(fmt.Sprintf("%s%s/notifications/%d", s.url, listPath, c.stranger)))
	b.sound(t, "a message that is not believed")
	for _, kind := range []string{"payments", "lines", "forms"} {
		b.goes(t, chromedp.Navigate(s.url+listPath+"/unmatched/"+kind))
		b.sound(t, kind)
	}
	require.Empty(t, b.wrong, "a browser has nothing to complain of")

	b.goes(t, chromedp.Click(chromedp.CSS(".person button")))
	require.Equal(t, s.url+loginPath, b.text(t, "location.href"))
	b.goes(t, chromedp.Navigate(s.url+listPath))
	require.Equal(t, "Connexion", b.text(t, `document.querySelector("h1").textContent`))
	b.sound(t, "the form in place of a page")
}

// TestByKeyboard goes the same way without a mouse.
func TestByKeyboard(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	manyNotifications(t, pool)
	b := browse(t)

	b.goes(t, chromedp.Navigate(s.url+loginPath))
	require.Equal(t, "Aller au contenu", b.tabKey(t).Name, "the first stop leads past the menu")
	b.until(t, "Clé d’accès")
	b.run(t, chromedp.KeyEvent(auditorKey))
	b.goes(t, chromedp.KeyEvent(kb.Enter))
	require.Equal(t, s.url+listPath, b.text(t, "location.href"))

	require.Equal(t, "Aller au contenu", b.tabKey(t).Name)
	b.run(t, chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "contenu", evaluate[stop](t, b, focused).ID, "past the menu")
	require.Equal(t, "Reçue à partir du", b.tabKey(t).Name, "and on from there")
	b.until(t, "Boutique")
	b.run(t, chromedp.KeyEvent("t")) // a list goes to what begins so
	b.until(t, "Filtrer")
	b.goes(t, chromedp.KeyEvent(kb.Enter))
	require.Contains(t, b.text(t, "location.search"), "shop=theatre")
	first := b.numbers(t)
	b.until(t, "Page suivante")
	b.goes(t, chromedp.KeyEvent(kb.Enter))
	second := b.numbers(t)
	require.Len(t, second, 15)
	require.NotContains(t, first, second[0])
	b.until(t, "Notification "+second[0])
	b.goes(t, chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "Notification "+second[0], b.text(t, `document.querySelector("h1").textContent`))
	b.until(t, "Se déconnecter")
	b.goes(t, chromedp.KeyEvent(kb.Enter))
	require.Equal(t, s.url+loginPath, b.text(t, "location.href"))
	require.Empty(t, b.wrong)
}

// TestHostileValuesDoNothing in a browser that would run them.
func TestHostileValuesDoNothing(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	number := hostileCast(t, pool)
	b := browse(t)
	b.goes(t, chromedp.Navigate(s.url+loginPath))
	b.run(t, chromedp.SendKeys(chromedp.CSS("#key"), auditorKey))
	b.goes(t, chromedp.Click(chromedp.CSS("main button")))
	for _, path := range []string{
		"", fmt.Sprintf("/notifications/%d", number), "/unmatched/payments", "/unmatched/lines", "/unmatched/forms",
		"?customer=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "?shop=%27%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
	} {
		b.goes(t, chromedp.Navigate(s.url+listPath+path))
		require.Equal(t, "0", b.text(t, `String(document.querySelectorAll("script, img, iframe, [onerror], [onclick]").length)`), path)
		if !strings.HasPrefix(path, "?") {
			require.Contains(t, b.text(t, `document.querySelector("main").textContent`), hostile, path)
		}
		b.sound(t, path)
	}
	require.Empty(t, b.wrong)
}
