package sftp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/domain/transfer"
)

// partner is who finds the files.
type partner struct {
	server *server
	takes  bool // takes them away at once

	mu     sync.Mutex
	copies int
}

// come has the partner take what stands there.
func (p *partner) come() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.takes && os.Remove(p.file()) == nil {
		p.copies++
	}
}

// has tells how many copies the partner has got.
func (p *partner) has() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := os.Stat(p.file()); err == nil {
		return p.copies + 1
	}
	return p.copies
}

func (p *partner) file() string { return filepath.Join(p.server.Folder, folder, name) }

// dispatch hands the file over like the engine does: what is not known to be
// unsent is looked up, and sent again only when the partner does not have it.
func dispatch(ctx context.Context, channel *sftp.Channel, file channels.File) transfer.State {
	const attempts = 3
	for range attempts {
		outcome, err := channel.Send(ctx, file)
		if err != nil && !errors.Is(err, channels.ErrNotSent) {
			outcome, err = channel.LookUp(ctx, file)
			if err != nil {
				return transfer.Unknown
			}
		}
		if err == nil && outcome.State != transfer.Prepared {
			return outcome.State
		}
	}
	return transfer.Prepared
}

// seen is what came of the first attempt.
const (
	seenNotSent  = "not sent"
	seenSent     = "SENT"
	seenUnknown  = "UNKNOWN"
	seenLeftOpen = "left open"
)

// TestLinesCutAnywhere cuts the line at each part of the dialogue, either way:
// what an attempt says is what stands at the partner, and dispatched further, the
// file is never there twice.
//
//nolint:tparallel // its parts are parallel, and waited for
func TestLinesCutAnywhere(t *testing.T) {
	t.Parallel()
	one := text(30_000) // one request, so that each dialogue is as long as the last
	allUp, allDown := dialogue(t, one)
	var mu sync.Mutex
	seen := make(map[string]int)
	t.Run("at", func(t *testing.T) {
		for _, mode := range []struct {
			about  string
			takes  bool // the partner takes files away
			refuse bool // nor does the next connection come through
			steps  int64
			end    int64
		}{
			{"kept", false, false, 10, 480}, {"taken", true, false, 0, 480},
			{"kept, then alone", false, true, 0, 192}, {"taken, then alone", true, true, 0, 192},
		} {
			for _, cut := range cuts(allUp, allDown, mode.steps, mode.end) {
				t.Run(fmt.Sprintf("%s/up %d down %d", mode.about, cut.up, cut.down), func(t *testing.T) {
					t.Parallel()
					first := tryCut(t, one, cut, mode.takes, mode.refuse)
					mu.Lock()
					defer mu.Unlock()
					seen[first]++
				})
			}
		}
	})
	for _, outcome := range []string{seenNotSent, seenSent, seenUnknown, seenLeftOpen} {
		require.NotZero(t, seen[outcome], "%s in %v", outcome, seen)
	}
}

// dialogue is how long it is when nothing is cut, either way.
func dialogue(t *testing.T, one string) (up, down int64) {
	t.Helper()
	server := start(t)
	line := server.behind(t, func(int) fault { return fault{up: uncut, down: uncut} })
	outcome, err := server.channel(line.via).Send(t.Context(), holding(one))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	server.Quiet()
	return line.bytes(0)
}

// cuts go through the whole dialogue in so many steps, and closely through so
// many bytes of its end, where the file gets its name: 480 are the last five
// requests and their replies.
func cuts(allUp, allDown, steps, end int64) []fault {
	const narrow = 48 // bytes: less than any request and reply has
	var cuts []fault
	for step := range steps {
		cuts = append(cuts, fault{up: allUp * step / steps, down: uncut}, fault{up: uncut, down: allDown * step / steps})
	}
	for before := int64(1); before < end; before += narrow {
		cuts = append(cuts, fault{up: allUp - before, down: uncut}, fault{up: uncut, down: allDown - before})
	}
	return cuts
}

func tryCut(t *testing.T, one string, cut fault, takes, refuse bool) (seen string) {
	t.Helper()
	server := start(t)
	partner := &partner{server: server, takes: takes}
	line := server.behind(t, func(number int) fault {
		switch {
		case number == 0:
			return cut
		case number == 1 && refuse:
			return fault{refuse: true}
		default:
			server.Quiet()
			partner.come()
			return fault{up: uncut, down: uncut}
		}
	})
	channel := server.channel(line.via, func(s *sftp.Settings) { s.Keeps = !takes })
	outcome, err := channel.Send(t.Context(), holding(one))
	server.Quiet()
	switch {
	case errors.Is(err, channels.ErrNotSent):
		seen = seenNotSent
		require.Zero(t, partner.has(), err)
	case err != nil:
		seen = seenLeftOpen
	case outcome.State == transfer.Sent:
		seen = seenSent
		require.Equal(t, 1, partner.has())
	default:
		seen = seenUnknown
		require.Equal(t, transfer.Unknown, outcome.State)
		require.True(t, takes, "what the partner keeps is known: %s", outcome.Detail)
		return seen // and never sent again
	}
	state := transfer.Prepared
	if err != nil && !errors.Is(err, channels.ErrNotSent) {
		outcome, err := channel.LookUp(t.Context(), holding(one))
		require.NoError(t, err)
		state = outcome.State
	}
	if state == transfer.Prepared {
		state = dispatch(t.Context(), channel, holding(one))
	}
	server.Quiet()
	switch state {
	case transfer.Sent:
		require.Equal(t, 1, partner.has())
	default:
		require.Equal(t, transfer.Unknown, state)
		require.LessOrEqual(t, partner.has(), 1)
	}
	if !takes && partner.has() == 1 {
		require.Equal(t, one, server.files()[folder+"/"+name])
	}
	return seen
}

// TestSilence: a line through which nothing comes any more is given up.
func TestSilence(t *testing.T) {
	t.Parallel()
	one := text(30_000)
	allUp, allDown := dialogue(t, one)
	for _, at := range []fault{
		{up: allUp / 2, down: uncut, stall: true},   // in the middle of the file
		{up: allUp - 1, down: uncut, stall: true},   // in its rename
		{up: uncut, down: allDown - 1, stall: true}, // in the answer
	} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			server := start(t)
			line := server.behind(t, func(number int) fault {
				if number == 0 {
					return at
				}
				return fault{up: uncut, down: uncut}
			})
			outcome, err := server.channel(line.via, silentSoon).Send(t.Context(), holding(one))
			if at.down == uncut {
				notSent(t, err)
				require.ErrorContains(t, err, "nothing came through")
				require.NotContains(t, server.files(), folder+"/"+name)
				return
			}
			require.NoError(t, err)
			require.Equal(t, transfer.Sent, outcome.State)
		})
	}
}

// TestALateRename: the line is given up while the rename is on its way, and then
// it arrives.
func TestALateRename(t *testing.T) {
	t.Parallel()
	one := text(30_000)
	allUp, _ := dialogue(t, one)
	for about, test := range map[string]struct{ keeps, again bool }{
		"kept": {true, false}, "kept, sent again": {true, true}, "taken away": {false, false},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			line := server.behind(t, func(number int) fault {
				if number == 0 {
					return fault{up: allUp - 1, down: uncut, stall: true, late: true}
				}
				return fault{up: uncut, down: uncut}
			})
			channel := server.channel(line.via, silentSoon, func(s *sftp.Settings) { s.Keeps = test.keeps })
			outcome, err := channel.Send(t.Context(), holding(one))
			if test.keeps {
				notSent(t, err)
				require.Equal(t, transfer.Prepared, lookUp(t, channel, one), "nothing of it can arrive")
			} else {
				require.NoError(t, err)
				require.Equal(t, transfer.Unknown, outcome.State, "the partner may have it")
			}
			if test.again {
				require.Equal(t, transfer.Sent, dispatch(t.Context(), channel, holding(one)))
			}
			line.release()
			server.Quiet()
			want := map[string]string{}
			if test.again || !test.keeps {
				want[folder+"/"+name] = one
			}
			require.Equal(t, want, server.files())
		})
	}
}

// TestAFileThatComesBeforeTheRename stands there when the rename arrives, and did
// not when we looked.
func TestAFileThatComesBeforeTheRename(t *testing.T) {
	t.Parallel()
	one := text(30_000)
	allUp, _ := dialogue(t, one)
	for stands, want := range map[string]transfer.State{one: transfer.Sent, "x": transfer.Unknown} {
		server := start(t)
		line := server.behind(t, func(int) fault { return fault{up: allUp - 1, down: uncut, stall: true, late: true} })
		var sending sync.WaitGroup
		sending.Go(func() {
			outcome, err := server.channel(line.via, takesAway).Send(t.Context(), holding(one))
			if err != nil || outcome.State != want {
				t.Errorf("%q %q, want %q: %v", outcome.State, outcome.Detail, want, err)
			}
		})
		<-line.stalled
		server.put(folder+"/"+name, stands)
		line.release()
		sending.Wait()
		require.Equal(t, stands, server.files()[folder+"/"+name], "never in the place of another file")
	}
}

// TestAnotherAttemptMeanwhile: somebody is at the same file while it is uploaded.
func TestAnotherAttemptMeanwhile(t *testing.T) {
	t.Parallel()
	one := text(100_000)
	for about, test := range map[string]struct {
		meanwhile   func(hidden, file string) error
		kept, taken transfer.State
		stands      string
	}{
		"named it": {
			os.Rename,
			transfer.Sent, transfer.Sent, one,
		},
		"named it, and it was taken away": {
			func(hidden, _ string) error { return os.Remove(hidden) }, "", transfer.Unknown, "",
		},
		"put another file there": {
			func(_, file string) error { return os.WriteFile(file, []byte("x"), 0o600) },
			transfer.Unknown, transfer.Unknown, "x",
		},
	} {
		for keeps, want := range map[bool]transfer.State{true: test.kept, false: test.taken} {
			server := start(t)
			file := holding(one)
			file.Write = func(to io.Writer) error {
				_, err := io.WriteString(to, one)
				at := func(path string) string { return filepath.Join(server.Folder, path) }
				return errors.Join(err, test.meanwhile(at(hidden(one)), at(folder+"/"+name)))
			}
			outcome, err := server.channel(func(s *sftp.Settings) { s.Keeps = keeps }).Send(t.Context(), file)
			require.Equal(t, want == "", errors.Is(err, channels.ErrNotSent), "%s: %v", about, err)
			require.Equal(t, want, outcome.State, "%s: %s", about, outcome.Detail)
			server.Quiet()
			require.Equal(t, test.stands, server.files()[folder+"/"+name])
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	server := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	one := text(1_000_000)
	file := holding(one)
	file.Write = func(to io.Writer) error {
		_, err := io.WriteString(to, one[:500_000])
		cancel()
		_, rest := io.WriteString(to, one[500_000:])
		return errors.Join(err, rest)
	}
	_, err := server.channel().Send(ctx, file)
	notSent(t, err)
	require.ErrorIs(t, err, context.Canceled)
	server.Quiet()
	require.NotContains(t, server.files(), folder+"/"+name)
	_, err = server.channel().LookUp(ctx, file)
	require.ErrorIs(t, err, context.Canceled)
}
