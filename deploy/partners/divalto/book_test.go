package divalto_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

func TestBooksThatAreOpenedAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "folder", "books")
	first := startAt(t, file)
	for _, label := range []string{"a", "b", "a"} {
		code, _, _ := first.post(t, simple(label))
		require.Equal(t, "0", code)
	}
	code, message, _ := first.post(t, param("998", deposit("1.5", item("1355"))))
	require.Equal(t, "0", code, message)
	want := first.Bookings()
	_, err := divalto.New(settings(file, first.clock))
	require.ErrorContains(t, err, "another process", "while they are open")
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	answer := first.ask(t, executePath, object{"action": "WEB_SERVICE_INFINITY", "access_token": first.token, "param": simple("c")})
	require.InDelta(t, 9, answer["error"], 0, "closed")

	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(whole, `{"bookings":[{"transactionId":"1358","LIB":"broken o`...), 0o600))
	second := startAt(t, file, func(s *divalto.Settings) { s.First = 9000 })
	require.Equal(t, want, second.Bookings())
	require.Equal(t, 2, second.Copies("a"))
	code, _, transaction := second.post(t, simple("c"))
	require.Equal(t, "0", code)
	require.Equal(t, "1358", transaction, "the numbers go on")
	code, _, _ = second.post(t, param("998", deposit("1.5", item("1355"))))
	require.Equal(t, "1", code, "deposited already")
	require.Len(t, second.search(t, "c")["records"], 1)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 5, strings.Count(string(after), "\n"))
	require.NotContains(t, string(after), "broken o")
}

func TestBooksThatAreNone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"no entry":  "hello\n",
		"no number": `{"bookings":[{"transactionId":"x"}]}` + "\n",
	} {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := divalto.New(settings(file, &clock{}))
		require.ErrorContains(t, err, "line 1", name)
	}
	_, err := divalto.New(settings(folder, &clock{}))
	require.Error(t, err)
	_, err = divalto.New(settings(filepath.Join(folder, "no entry", "below"), &clock{}))
	require.Error(t, err)
	for name, change := range map[string]func(*divalto.Settings){
		"file":     func(s *divalto.Settings) { s.File = "" },
		"user":     func(s *divalto.Settings) { s.User = "" },
		"password": func(s *divalto.Settings) { s.Password = "" },
		"dossier":  func(s *divalto.Settings) { s.Dossiers = nil },
		"clock":    func(s *divalto.Settings) { s.Clock = nil },
		"shape":    func(s *divalto.Settings) { s.Shape = "round" },
	} {
		wrong := settings(filepath.Join(folder, "books"), &clock{})
		change(&wrong)
		_, err := divalto.New(wrong)
		require.ErrorIs(t, err, divalto.ErrSettings, name)
	}
}

func TestEuros(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Int64Range(0, 99_999_999_999_999).Draw(t, "cents")
		read, err := divalto.ParseEuros(divalto.Euros(cents))
		require.NoError(t, err)
		require.Equal(t, cents, read)
	})
	require.Equal(t, "5995", divalto.Euros(599500))
	require.Equal(t, "12.30", divalto.Euros(1230))
}

// TestTotals posts lines of any amounts: they are booked when their total is the header's, and only then.
func TestTotals(t *testing.T) {
	t.Parallel()
	p := start(t)
	number := 0
	rapid.Check(t, func(r *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 1_000_000), 1, 5).Draw(r, "cents")
		off := rapid.SampledFrom([]int64{0, 0, 1, -1, 100}).Draw(r, "off")
		total := off
		details := make([]object, 0, len(amounts)+1)
		for i, cents := range amounts {
			total += cents
			details = append(details, line(divalto.Euros(cents), strconv.Itoa(i), rapid.SampledFrom([]string{"", " ", "WPA"}).Draw(r, "nature")))
		}
		details = append(details, line("3.25", "0", rapid.SampledFrom([]string{"WDR", "WDC", "WE"}).Draw(r, "difference")))
		number++
		label := strconv.Itoa(number)
		code, message, transaction := p.post(t, param("998", cheque(label, divalto.Euros(total), details...)))
		if off != 0 {
			require.Equal(r, "1", code)
			require.Zero(r, p.Copies(label))
			return
		}
		require.Equal(r, "0", code, message)
		all := p.Bookings()
		last := all[len(all)-1]
		require.Equal(r, total, last.Cents)
		require.Equal(r, transaction, last.TransactionID)
		require.Equal(r, 1, p.Copies(label))
	})
}

func FuzzReadParam(f *testing.F) {
	f.Add(twoHeaders)
	f.Add(strings.ReplaceAll(twoHeaders, "'", `"`))
	f.Add(`{'a': 'l\'x \\ "y"'}`)
	f.Add(strings.Repeat("[", 20_000))
	f.Fuzz(func(t *testing.T, text string) {
		asked, _, err := divalto.ReadParam(text)
		if err != nil {
			return
		}
		again, err := divalto.Requote(text)
		require.NoError(t, err)
		same, _, err := divalto.ReadParam(again)
		require.NoError(t, err, "what was requoted is as it should be")
		require.Equal(t, asked, same)
	})
}

func FuzzParseFault(f *testing.F) {
	f.Add("auth/slow=12*3")
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := divalto.ParseFault(text)
		if err != nil {
			require.ErrorIs(t, err, divalto.ErrFault)
			return
		}
		require.Contains(t, divalto.Kinds(), fault.Kind)
		require.GreaterOrEqual(t, fault.At, int64(0))
	})
}
