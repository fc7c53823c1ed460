//go:build linux

package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/sample"
)

// How a storm is set.
const (
	// stormVariable has the storm run; it takes minutes.
	stormVariable = "REGLO_CRASH_STORM"
	// seedVariable sets the moments of crashes, to have them again.
	seedVariable = "REGLO_CRASH_SEED"
	// programVariable names a worker to run as it is shipped: with its own cuts
	// and its own patience with the dead.
	programVariable = "REGLO_CRASH_WORKER"
)

// The storm of each kind: so many kills during a vacation of that size.
const (
	stormKills     = 20
	stormLines     = 100_000
	stormMerchants = 2_000
	stormCut       = 1_000
)

func readSeed(t testing.TB, text string) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, seedVariable)
	return seed
}

// TestStorm kills workers, PostgreSQL and Temporal's server at random moments,
// each during a vacation of its own. Its worlds live at once: they mostly wait.
func TestStorm(t *testing.T) { //nolint:paralleltest // alone on the machine, or it takes longer still
	if os.Getenv(stormVariable) == "" {
		t.Skipf("takes minutes: make crash, or %s=1", stormVariable)
	}
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv(seedVariable); given != "" {
		seed = readSeed(t, given)
	}
	t.Logf("%s=%d", seedVariable, seed)
	day := newDay(t, stormMerchants, stormLines)
	var want string
	t.Run("undisturbed", func(t *testing.T) {
		server, namespace := shared.get(t)
		s := newStorm(t, setUpWorld(t, newStage(t, day), server, namespace), day)
		s.strike(t, 0, nil, nil)
		s.world.delivered(t)
		want = pgtest.Dump(t, s.world.pool)
	})
	require.NotEmpty(t, want)

	var storms sync.WaitGroup
	for number, name := range []string{"worker", "postgres", "temporal"} { //nolint:paralleltest // all at once already
		dice := rand.New(rand.NewPCG(seed, uint64(number)))
		storms.Go(func() {
			t.Run(name, func(t *testing.T) {
				switch name {
				case "worker":
					server, namespace := shared.get(t)
					s := newStorm(t, setUpWorld(t, newStage(t, day), server, namespace), day)
					s.strike(t, stormKills, dice, s.killWorker)
					s.world.requireSame(t, want)
				case "postgres":
					server, namespace := shared.get(t)
					cluster := newCluster(t)
					s := newStorm(t, setUpWorld(t, cluster.stage(t, day), server, namespace), day)
					s.strike(t, stormKills, dice, cluster.crash(dice))
					s.world.requireSame(t, want)
				case "temporal":
					s := newStorm(t, newOwnWorld(t, day), day)
					s.strike(t, stormKills, dice, s.killTemporal)
					s.world.requireSame(t, want)
				}
			})
		})
	}
	storms.Wait()
}

// storm is a vacation, and what strikes it.
type storm struct {
	world  *world
	day    *sample.Day
	worker *process
}

func newStorm(t *testing.T, w *world, day *sample.Day) *storm {
	t.Helper()
	w.cut = stormCut
	if program := os.Getenv(programVariable); program != "" {
		var err error
		w.program, err = filepath.Abs(program)
		require.NoError(t, err)
	}
	return &storm{world: w, day: day, worker: w.work(t)}
}

// strike runs the vacation, and kills at that many random moments of its progress.
func (s *storm) strike(t *testing.T, kills int, dice *rand.Rand, kill func(*testing.T)) {
	t.Helper()
	moments := make([]float64, kills)
	for i := range moments {
		moments[i] = dice.Float64()
	}
	slices.Sort(moments)
	request := s.world.bring(t, s.day)
	begin := time.Now()
	run := s.world.start(t, request)
	struck := make(map[string]int)
	for _, moment := range moments {
		phase := ""
		eventually(t, fmt.Sprintf("%.0f %% of the vacation", 100*moment), func() bool {
			var progress float64
			progress, phase = s.progress()
			return progress >= moment
		})
		somewhen(t, dice)
		kill(t)
		struck[phase]++
	}
	totals := s.world.end(t, run)
	require.Equal(t, stormLines, totals.Lines)
	t.Logf("%d kills (%v), settled after %s", kills, struck, time.Since(begin).Round(100*time.Millisecond))
}

// progress is how far the vacation is, 0 to 1: loading counts for a sixth of it,
// posting for most of the rest.
func (s *storm) progress() (share float64, phase string) {
	const loading, posting, closing = 0.16, 0.80, 0.96
	w := s.world
	switch ordered, posted := w.ordered(), w.chunks(); {
	case w.ended() > 0:
		return 1, "ended"
	case ordered > 0:
		return closing + float64(ordered)/100, "closing"
	case posted > 0:
		return loading + posting*float64(w.posted())/stormLines, "posting"
	case posted == 0:
		return loading * float64(w.loading()) / stormLines, "loading"
	default:
		return 0, "away"
	}
}

func (s *storm) killWorker(t *testing.T) {
	t.Helper()
	s.worker.kill()
	s.worker = s.world.work(t)
}

func (s *storm) killTemporal(t *testing.T) {
	t.Helper()
	s.world.server.process.kill()
	require.NoError(t, s.world.server.start())
}

// cluster is a PostgreSQL server of the test's own, which it may kill.
type cluster struct {
	folder  string
	bin     string
	port    string
	user    *syscall.Credential // who runs it; nil is who runs the test
	process *process
}

const clusterRole = "reglo"

func newCluster(t *testing.T) *cluster {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	require.NoError(t, err)
	require.NotEmpty(t, bins, "PostgreSQL is not installed")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	folder, err := os.MkdirTemp("", "reglo-postgres-*") //nolint:usetesting // a test's folder is out of another user's reach
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })

	c := &cluster{folder: folder, bin: bins[len(bins)-1], port: port}
	if os.Getuid() == 0 { // as root it refuses to run
		account, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(account.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(account.Gid)
		require.NoError(t, err)
		c.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids of this machine
		require.NoError(t, os.Chown(folder, uid, gid))
	}
	initdb := exec.CommandContext(t.Context(), filepath.Join(c.bin, "initdb"), "--pgdata", c.data(),
		"--username", clusterRole, "--auth", "trust", "--encoding", "UTF8", "--no-locale")
	initdb.Dir = folder
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: c.user}
	output, err := initdb.CombinedOutput()
	require.NoError(t, err, "%s", output)
	c.start(t)
	t.Cleanup(func() {
		c.process.killed.Store(true)
		_ = c.process.command.Process.Signal(syscall.SIGQUIT) // at once, with all its processes
		<-c.process.ended
		if t.Failed() {
			t.Log(c.process.tail())
		}
	})
	return c
}

func (c *cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *cluster) url() string {
	return "postgres://" + clusterRole + "@127.0.0.1:" + c.port + "/postgres?sslmode=disable"
}

// start returns when the server answers. One that was killed leaves processes
// that keep the next from starting until they have ended: it tries again.
func (c *cluster) start(t testing.TB) {
	t.Helper()
	eventually(t, "PostgreSQL", func() bool {
		if c.process == nil || c.ended() {
			var err error
			c.process, err = launchAs(c.user, filepath.Join(c.folder, "postgres.log"), environment(),
				filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", c.port,
				"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=150")
			require.NoError(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		pool, err := postgres.Open(ctx, c.url())
		if err != nil {
			return false
		}
		pool.Close()
		return true
	})
}

func (c *cluster) ended() bool {
	select {
	case <-c.process.ended:
		return true
	default:
		return false
	}
}

// crash restarts the server after one of the ways in which it goes: killed,
// stopped at once without a checkpoint, or stopped with its sessions cut.
func (c *cluster) crash(dice *rand.Rand) func(*testing.T) {
	ways := []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGINT}
	return func(t *testing.T) {
		t.Helper()
		require.NoError(t, c.process.command.Process.Signal(ways[dice.IntN(len(ways))]))
		<-c.process.ended
		c.start(t)
	}
}

// stage is the day's stage on this cluster.
func (c *cluster) stage(t *testing.T, day *sample.Day) *stage {
	t.Helper()
	require.NoError(t, postgres.Migrate(t.Context(), c.url(), slog.New(slog.DiscardHandler)))
	pool, err := postgres.Open(t.Context(), c.url())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	root := t.TempDir()
	folders := ingest.Folders{
		Inbox: filepath.Join(root, "inbox"), Work: filepath.Join(root, "work"), Archive: filepath.Join(root, "archive"),
	}
	require.NoError(t, folders.Make())
	s := newStageOn(pool, folders)
	s.loadMerchants(t, day)
	s.fund(t)
	return s
}
