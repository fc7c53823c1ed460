package pesitrest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/domain/transfer"
)

func TestAFileIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		for _, auth := range []pesitrest.Auth{pesitrest.AuthBearer, pesitrest.AuthAPIKey} {
			s := startSite(t, dialect, func(s *pesitrest.Settings) { s.Auth = auth })
			outcome, err := s.Send(t.Context(), holding("one"))
			require.NoError(t, err)
			require.Equal(t, transfer.Sent, outcome.State)
			require.Contains(t, outcome.Detail, "transfer ")
			s.requireHonest(t, outcome.State, "one", string(dialect))
			left, err := os.ReadDir(s.exchange)
			require.NoError(t, err)
			require.Empty(t, left, "what was sent is cleared away")
		}
	}
}

// TestWhatV1KnowsIsNotSentAgain: by a worker that was taken for dead, or that lost its memory.
func TestWhatV1KnowsIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	for range 3 {
		outcome, err := s.Send(t.Context(), holding("one"))
		require.NoError(t, err)
		require.Equal(t, transfer.Sent, outcome.State)
		s.requireHonest(t, outcome.State, "one", "again")
	}
	outcome, err := s.LookUp(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	outcome, err = s.LookUp(t.Context(), holding("another"))
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, outcome.State, "another content under the same correlation")
}

// wanted is an outcome, and how many copies the bank has then.
type wanted struct {
	state  transfer.State
	copies int
}

// TestFaults compares, for each fault at each moment, what the bank has with what we say.
func TestFaults(t *testing.T) {
	t.Parallel()
	const text = "a file of some bytes"
	type fault = pesitwizard.Fault
	isSent, isPrepared := wanted{transfer.Sent, 1}, wanted{transfer.Prepared, 0}
	// We cannot know, and the bank has nothing; or it has it.
	unknownNo, unknownYes := wanted{transfer.Unknown, 0}, wanted{transfer.Unknown, 1}
	notTried := wanted{} // an order of V1 has half a minute: see TestAnOrderThatIsAnsweredTooLate
	short := fault{Kind: pesitwizard.ShortSend, At: 3}
	tests := map[string]struct {
		faults     []fault
		upload, v1 wanted
		wait       time.Duration
		says       string // in the detail of V1
	}{
		"none":                             {nil, isSent, isSent, 0, "transfer "},
		"slow":                             {[]fault{{Kind: pesitwizard.Slow, At: 20}}, isSent, isSent, 0, ""},
		"no key any more":                  {[]fault{{Kind: pesitwizard.Unauthorized}}, isPrepared, isPrepared, 0, "401 Unauthorized"},
		"500 before it was read":           {[]fault{{Kind: pesitwizard.ServerError}}, isPrepared, unknownNo, 0, "500 INTERNAL_ERROR"},
		"500 when all was done":            {[]fault{{Kind: pesitwizard.ServerErrorAfter}}, unknownYes, isSent, 0, "500"},
		"redirected":                       {[]fault{{Kind: pesitwizard.Redirect, Text: "http://127.0.0.1:1/"}}, isPrepared, unknownNo, 0, "307"},
		"reply lost":                       {[]fault{{Kind: pesitwizard.ReplyLost}}, unknownYes, isSent, 0, ""},
		"reply that is none":               {[]fault{{Kind: pesitwizard.Garbage}}, unknownYes, isSent, 0, "not as agreed"},
		"another server":                   {[]fault{{Kind: pesitwizard.OtherServer}}, isSent, unknownYes, 0, "ALARM"},
		"already there, 204":               {[]fault{{Kind: pesitwizard.Refused, Text: "0x0200CC"}}, isPrepared, isPrepared, 0, "ask it which"},
		"another diagnostic, 208":          {[]fault{{Kind: pesitwizard.Refused, Text: "0x0200D0"}}, unknownNo, unknownNo, 0, "FAILED"},
		"of another class, 200":            {[]fault{{Kind: pesitwizard.Refused, Text: "0x0300C8"}}, unknownNo, unknownNo, 0, "FAILED"},
		"a diagnostic unknown":             {[]fault{{Kind: pesitwizard.Refused, Text: "unknown"}}, unknownNo, unknownNo, 0, "FAILED"},
		"failed without diagnostic":        {[]fault{{Kind: pesitwizard.Refused}}, unknownNo, unknownNo, 0, "FAILED"},
		"failed when the bank has all":     {[]fault{{Kind: pesitwizard.FailedAfter}}, unknownYes, unknownYes, 0, "FAILED"},
		"cancelled when the bank has all":  {[]fault{{Kind: pesitwizard.Cancelled}}, unknownYes, unknownYes, 0, "CANCELLED"},
		"interrupted when the bank has it": {[]fault{{Kind: pesitwizard.Interrupted}}, unknownYes, unknownYes, 0, "INTERRUPTED"},
		"half a file":                      {[]fault{short}, unknownYes, unknownYes, 0, "3 bytes went over, the file has 20"},
		"COMPLETED of no size":             {[]fault{{Kind: pesitwizard.NoSize}}, isSent, unknownYes, 0, "does not say how many"},
		"half a file of no size":           {[]fault{short, {Kind: pesitwizard.NoSize}}, unknownYes, unknownYes, 0, "does not say"},
		"never ending":                     {[]fault{{Kind: pesitwizard.Stuck}}, unknownYes, unknownYes, 100 * time.Millisecond, "still under way"},
		"in time, and no answer to it":     {[]fault{{Kind: pesitwizard.Slow, At: 3_600_000}}, unknownYes, notTried, 100 * time.Millisecond, ""},
	}
	for _, reason := range []int{301, 304, 200, 201, 202, 203, 204, 205, 206, 207, 226} {
		for _, text := range []string{
			fmt.Sprintf("0x%02X%04X", reason/100, reason), fmt.Sprintf("D%d_%d", reason/100, reason), strconv.Itoa(reason),
		} {
			test := tests["none"]
			test.faults = []fault{{Kind: pesitwizard.Refused, Text: text}}
			test.upload, test.v1, test.says = isPrepared, isPrepared, fmt.Sprintf("diagnostic %d", reason)
			tests["refused before data by "+text] = test
		}
	}
	for about, test := range tests {
		for dialect, want := range map[pesitrest.Dialect]wanted{pesitrest.Upload: test.upload, pesitrest.V1: test.v1} {
			if want == notTried {
				continue
			}
			t.Run(fmt.Sprint(dialect, ", ", about), func(t *testing.T) {
				t.Parallel()
				s := startSite(t, dialect, func(s *pesitrest.Settings) {
					if test.wait != 0 {
						s.Wait = test.wait
					}
				})
				s.product.Break(test.faults...)
				state, detail := s.handOver(t, holding(text))
				require.Equal(t, want.state, state, detail)
				if dialect == pesitrest.V1 {
					require.Contains(t, detail, test.says)
				}
				require.NotContains(t, detail, key)
				s.product.Release()
				if len(test.faults) == 0 || test.faults[0] != short {
					s.requireHonest(t, state, text, detail)
				}
				require.Equal(t, want.copies, s.product.Copies(name))

				// What is known not to be sent goes out by the next attempt, under the same correlation.
				s.product.Break()
				if state == transfer.Prepared {
					state, detail = s.handOver(t, holding(text))
					require.Equal(t, transfer.Sent, state, detail)
					s.requireHonest(t, state, text, detail)
				}
			})
		}
	}
}

// TestAnOrderThatIsAnsweredTooLate: the product took it, and who ordered has given up waiting.
func TestAnOrderThatIsAnsweredTooLate(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.Slow, At: 3_600_000})
	ctx, cancel := context.WithCancel(t.Context())
	var ordering sync.WaitGroup
	ordering.Go(func() {
		_, err := s.Send(ctx, holding("one"))
		if !errors.Is(err, context.Canceled) || errors.Is(err, channels.ErrNotSent) {
			t.Error(err)
		}
	})
	require.Eventually(t, func() bool { return s.product.Copies(name) == 1 }, time.Minute, time.Millisecond)
	cancel()
	ordering.Wait()
	for range 2 {
		outcome, err := s.LookUp(t.Context(), holding("one"))
		require.NoError(t, err)
		require.Equal(t, transfer.Sent, outcome.State, outcome.Detail)
	}
	s.requireHonest(t, transfer.Sent, "one", "looked up")
}

// TestTheBankHasItTwice: the product's own doing, of which we can only tell.
func TestTheBankHasItTwice(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, nil)
	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.TwoTransfers})
	state, detail := s.handOver(t, holding("one"))
	require.Equal(t, transfer.Unknown, state)
	require.Contains(t, detail, "ALARM: 2 transfers under one correlation")
	outcome, err := s.LookUp(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, outcome.State)
	require.Contains(t, outcome.Detail, "ALARM")
}

// TestWhatWasStuckIsFoundLater: a look-up waits for it, and sends nothing.
func TestWhatWasStuckIsFoundLater(t *testing.T) {
	t.Parallel()
	s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.Wait = 50 * time.Millisecond })
	s.product.Break(pesitwizard.Fault{Kind: pesitwizard.Stuck})
	state, _ := s.handOver(t, holding("one"))
	require.Equal(t, transfer.Unknown, state)
	for range 2 { // also one that is sent again does not go out while the first is under way
		outcome, err := s.Send(t.Context(), holding("one"))
		require.NoError(t, err)
		require.Equal(t, transfer.Unknown, outcome.State)
	}
	s.product.Release()
	s.product.Settle()
	outcome, err := s.LookUp(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	s.requireHonest(t, outcome.State, "one", "found")
	left, err := os.ReadDir(s.exchange)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestCutAtAnyByte cuts the connection after each byte of the request, and after each of the reply.
func TestCutAtAnyByte(t *testing.T) {
	t.Parallel()
	const text = "a small file"
	for _, dialect := range dialects() {
		for _, kind := range []pesitwizard.Kind{pesitwizard.RequestCut, pesitwizard.ReplyCut} {
			t.Run(fmt.Sprint(dialect, ", ", kind), func(t *testing.T) {
				t.Parallel()
				s := startSite(t, dialect, nil)
				seen := map[transfer.State]int{}
				const tooLong = 5_000 // bytes of a request or of a reply
				at := int64(0)
				for ; at < tooLong; at++ {
					file := holding(text)
					file.Name = fmt.Sprintf("CUT%05d.xml", at)
					file.Correlation = fmt.Sprintf("cut-%d", at)
					s.product.Break(pesitwizard.Fault{Kind: kind, At: at, Times: 1})
					outcome, err := s.Send(t.Context(), file)
					uncut := err == nil && outcome.State == transfer.Sent
					if err != nil {
						s.product.Break()
						outcome = s.afterError(t, file, err)
					}
					s.product.Settle()
					copies := s.product.Copies(file.Name)
					switch outcome.State {
					case transfer.Sent:
						require.Equal(t, 1, copies, "at byte %d", at)
					case transfer.Prepared:
						require.Zero(t, copies, "at byte %d: %v", at, err)
					default:
						require.Equal(t, transfer.Unknown, outcome.State)
						require.LessOrEqual(t, copies, 1, "at byte %d", at)
					}
					seen[outcome.State]++
					if uncut {
						break
					}
				}
				require.Less(t, at, int64(tooLong))
				require.Greater(t, at, int64(100), "cuts were made")
				require.Greater(t, seen[transfer.Unknown]+seen[transfer.Sent], 1)
				if dialect == pesitrest.Upload {
					require.Greater(t, seen[transfer.Prepared]+seen[transfer.Unknown], 100)
				}
				if kind == pesitwizard.ReplyCut && dialect == pesitrest.V1 {
					require.Zero(t, seen[transfer.Unknown], "what was taken is found again")
				}
			})
		}
	}
}

// afterError gives the outcome by the rules of a dispatch.
func (s *site) afterError(t testing.TB, file channels.File, err error) channels.Outcome {
	t.Helper()
	if errors.Is(err, channels.ErrNotSent) {
		return channels.Outcome{State: transfer.Prepared}
	}
	outcome, err := s.LookUp(t.Context(), file)
	require.NoError(t, err)
	return outcome
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	for _, dialect := range dialects() {
		s := startSite(t, dialect, func(s *pesitrest.Settings) { s.URL = "http://" + listener.Addr().String() })
		_, err = s.Send(t.Context(), holding("one"))
		require.ErrorIs(t, err, channels.ErrNotSent)
	}
	s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.URL = "http://" + listener.Addr().String() })
	_, err = s.LookUp(t.Context(), holding("one"))
	require.Error(t, err)
}

// TestNobodyListensAnyMore: the product answered all questions, and ended before the order.
func TestNobodyListensAnyMore(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/servers/") {
			_, _ = io.WriteString(w, `{"name":"BANK","enabled":true}`)
			return
		}
		if err := server.Listener.Close(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.URL = server.URL })
	_, err := s.Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent)
	left, err := os.ReadDir(s.exchange)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestTheServerIsOurs: the product takes its default server for a name that it does not know.
func TestTheServerIsOurs(t *testing.T) {
	t.Parallel()
	for server, says := range map[string]string{"NOBANK": "default one", "CLOSED": "disabled"} {
		s := startSite(t, pesitrest.V1, func(s *pesitrest.Settings) { s.Server = server })
		state, detail := s.handOver(t, holding("one"))
		require.Equal(t, transfer.Prepared, state)
		require.Contains(t, detail, says)
		s.requireHonest(t, state, "one", detail)
	}
	for _, dialect := range dialects() {
		s := startSite(t, dialect, func(s *pesitrest.Settings) { s.Partner = "NOBODY" })
		state, detail := s.handOver(t, holding("one"))
		require.Equal(t, transfer.Prepared, state)
		require.Contains(t, detail, "diagnostic 301")
	}
	s := startSite(t, pesitrest.Upload, func(s *pesitrest.Settings) { s.Server = "9" })
	state, detail := s.handOver(t, holding("one"))
	require.Equal(t, transfer.Prepared, state)
	require.Contains(t, detail, "404 NOT_FOUND")
}

// TestContentThatIsNotAsSaid reaches no bank.
func TestContentThatIsNotAsSaid(t *testing.T) {
	t.Parallel()
	for about, write := range map[string]func(io.Writer) error{
		"fewer bytes":       func(to io.Writer) error { _, err := io.WriteString(to, "on"); return err },
		"none":              func(io.Writer) error { return nil },
		"more bytes":        func(to io.Writer) error { _, err := io.WriteString(to, "one more"); return err },
		"others":            func(to io.Writer) error { _, err := io.WriteString(to, "two"); return err },
		"an error at first": func(io.Writer) error { return errTest },
		"an error at last": func(to io.Writer) error {
			if _, err := io.WriteString(to, "one"); err != nil {
				return err
			}
			return errTest
		},
		"more, and silent about it": func(to io.Writer) error {
			_, _ = io.WriteString(to, "one")
			_, _ = io.WriteString(to, " more")
			return nil
		},
	} {
		for _, dialect := range dialects() {
			s := startSite(t, dialect, nil)
			file := holding("one")
			file.Write = write
			state, detail := s.handOver(t, file)
			s.product.Settle()
			if about == "more, and silent about it" {
				require.Equal(t, transfer.Sent, state, detail)
				s.requireHonest(t, state, "one", detail) // the bytes that were agreed are all that passes
				continue
			}
			require.NotEqual(t, transfer.Sent, state, about)
			require.Zero(t, s.product.Copies(name), about)
			if dialect == pesitrest.V1 {
				require.Equal(t, transfer.Prepared, state, about)
				left, err := os.ReadDir(s.exchange)
				require.NoError(t, err)
				require.Empty(t, left, about)
			}
		}
	}
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		for _, file := range []channels.File{{Name: "../x", Correlation: correlation}, {Name: name}, {Name: name, Correlation: "../../servers"}} {
			_, err := s.Send(t.Context(), file)
			require.ErrorIs(t, err, channels.ErrNotSent)
			_, err = s.LookUp(t.Context(), file)
			require.Error(t, err)
		}
	}
}

func TestACallerThatGivesUp(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		s.product.Break(pesitwizard.Fault{Kind: pesitwizard.Stuck})
		ctx, cancel := context.WithCancel(t.Context())
		file := holding("one")
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for s.product.Copies(name) == 0 && ctx.Err() == nil {
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
				}
			}
			cancel()
		}()
		_, err := s.Send(ctx, file)
		<-stop
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, channels.ErrNotSent)
		s.product.Release()
		s.requireHonest(t, transfer.Unknown, "one", string(dialect))
	}
}
