package e2e_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// smallCuts makes a file of some hundred lines meet what one of millions meets:
// many chunks, a CP with more sales than a chunk, and a last chunk with more
// lines than a batch.
func smallCuts() option {
	return withCut(part.Cut{ChunkLines: 40, BatchLines: 25})
}

// roughDay has few merchants with many refunds, short CPs and parked lines of all reasons.
func roughDay(t testing.TB) *sample.Day {
	t.Helper()
	options := sample.Typical(7, 12, 260, businessDate(t), 1)
	options.RefundShare, options.UnknownShare, options.ClosedShare, options.ShortfallShare = 250, 20, 20, 400
	day, err := sample.New(options)
	require.NoError(t, err)
	return day
}

// play is a vacation played activity by activity, as the workflow calls them.
type play struct {
	stage   *stage
	request workflows.ReglementRequest
	run     activities.Run
	sha256  string
	totals  vacation.Totals
}

func newPlay(t testing.TB) *play {
	t.Helper()
	day := roughDay(t)
	s := newStage(t, day, smallCuts())
	return &play{stage: s, request: s.bring(t, day)}
}

// call runs an activity of a worker that shares the play's database and folders.
func call(ctx context.Context, on *stage, name string, request, result any) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	on.accounts.Register(env)
	on.ingest.Register(env)
	on.transfers.Register(env)
	on.session.Register(env)
	value, err := env.ExecuteActivity(name, request)
	if err != nil || result == nil {
		return err
	}
	return decode(value, result)
}

func decode(value converter.EncodedValue, into any) error {
	if !value.HasValue() {
		return nil
	}
	return value.Get(into)
}

// scene is one activity of the play. It returns what the workflow would get.
type scene struct {
	name string
	play func(ctx context.Context, p *play, on *stage) (any, error)
}

func openScene() scene {
	return scene{activities.OpenSettlementName, func(ctx context.Context, p *play, on *stage) (any, error) {
		var result activities.OpenSettlementResult
		err := call(ctx, on, activities.OpenSettlementName, activities.OpenSettlementRequest{
			ID:          vacation.ID{Kind: kindOf(p.request), Key: p.request.Transaction.Reference},
			WorkflowRun: "the-run", BusinessDate: p.request.BusinessDate, Transaction: p.request.Transaction,
			FileName: "Fichier.CRE.EP.TI.UEP.txt",
		}, &result)
		return result, err
	}}
}

func loadScene() scene {
	return scene{activities.LoadFileName, func(ctx context.Context, p *play, on *stage) (any, error) {
		var result activities.LoadFileResult
		err := call(ctx, on, activities.LoadFileName, activities.LoadFileRequest{
			Run: p.run, Path: p.request.File,
		}, &result)
		return result, err
	}}
}

func postScene() scene {
	return scene{activities.PostLinesName, func(ctx context.Context, p *play, on *stage) (any, error) {
		var result activities.PostLinesResult
		err := call(ctx, on, activities.PostLinesName, activities.PostLinesRequest{Run: p.run, SHA256: p.sha256}, &result)
		return result, err
	}}
}

func orderScene(name string) scene {
	return scene{name, func(ctx context.Context, p *play, on *stage) (any, error) {
		return struct{}{}, call(ctx, on, name, p.run, nil)
	}}
}

func decantonScene() scene {
	return scene{activities.DecantonName, func(ctx context.Context, p *play, on *stage) (any, error) {
		var ordered money.Cents
		err := call(ctx, on, activities.DecantonName, p.run, &ordered)
		return ordered, err
	}}
}

func closeScene() scene {
	return scene{activities.CloseSettlementName, func(ctx context.Context, p *play, on *stage) (any, error) {
		var totals vacation.Totals
		err := call(ctx, on, activities.CloseSettlementName, p.run, &totals)
		return totals, err
	}}
}

func failScene() scene {
	return scene{activities.FailVacationName, func(ctx context.Context, p *play, on *stage) (any, error) {
		return struct{}{}, call(ctx, on, activities.FailVacationName, activities.FailVacationRequest{
			Run: p.run, Code: vacation.AmountMismatch, Step: vacation.StageLoading, Message: "10.00 and 11.00",
		}, nil)
	}}
}

// settling is the whole vacation, failing one that ends with error.
func settling() []scene {
	return []scene{
		openScene(), loadScene(), postScene(), orderScene(activities.CoverShortfallsName),
		orderScene(activities.IsolateRevenueName), closeScene(),
	}
}

func settlingUnpaids() []scene {
	scenes := settling()
	last := len(scenes) - 1
	return append(scenes[:last:last], decantonScene(), scenes[last])
}

func failing() []scene { return []scene{openScene(), failScene()} }

// story is scenes and what they are played on.
type story struct {
	scenes []scene
	on     func(t testing.TB) *play
}

func stories() map[string]story {
	return map[string]story{
		"settling": {settling(), newPlay},
		"failing":  {failing(), newPlay},
		"unpaids":  {settlingUnpaids(), newUnpaidPlay},
	}
}

// newUnpaidPlay settles the unpaids of a day whose sales were settled before:
// some CPs can bear them, some lack, some are unknown or closed.
func newUnpaidPlay(t testing.TB) *play {
	t.Helper()
	options := sample.Typical(7, 40, 260, businessDate(t), 1)
	options.UnknownShare, options.ClosedShare = 40, 40
	options.Unpaids, options.RepresentedShare = 260, 500
	day, err := sample.New(options)
	require.NoError(t, err)
	s := newStage(t, day, smallCuts())
	sales := s.bring(t, day)
	_, err = s.settle(t, sales)
	require.NoError(t, err)
	return &play{stage: s, request: s.bringUnpaids(t, day)}
}

// keep remembers what the next scenes need.
func (p *play) keep(result any) {
	switch result := result.(type) {
	case activities.OpenSettlementResult:
		p.run = result.Run
	case activities.LoadFileResult:
		p.sha256 = result.SHA256
	case vacation.Totals:
		p.totals = result
	}
}

func (p *play) dump(t testing.TB) string {
	t.Helper()
	return pgtest.Dump(t, p.stage.pool)
}

// undisturbed plays scenes one after the other and returns the states of the
// database: before each of them, and at the end. PostLines is played chunk by
// chunk, so that the states between its commits are among them.
func undisturbed(t testing.TB, scenes []scene) map[string][]string {
	t.Helper()
	return story{scenes, newPlay}.undisturbed(t)
}

func (s story) undisturbed(t testing.TB) map[string][]string {
	t.Helper()
	scenes, p := s.scenes, s.on(t)
	single := newStageOn(p.stage.pool, p.stage.folders, smallCuts(), oneChunkASlice())
	states := make(map[string][]string)
	for _, scene := range scenes {
		states[scene.name] = []string{p.dump(t)}
		for {
			result, err := scene.play(t.Context(), p, single)
			require.NoError(t, err, scene.name)
			p.keep(result)
			states[scene.name] = append(states[scene.name], p.dump(t))
			if posted, isPost := result.(activities.PostLinesResult); !isPost || posted.Done {
				break
			}
		}
	}
	if last := scenes[len(scenes)-1].name; last == activities.CloseSettlementName {
		require.Positive(t, p.totals.Debts, "the day has no shortfall")
		require.Positive(t, p.totals.ParkedLines, "the day has no parked line")
		require.Positive(t, p.totals.Commission)
		require.Greater(t, len(states[activities.PostLinesName]), 3, "the file has too few chunks")
		require.Positive(t, p.stage.number(t, `select count(*) from batch where step like 'post._%'`), "no chunk has two batches")
	}
	verify(t, p.stage)
	return states
}

func verify(t testing.TB, s *stage) {
	t.Helper()
	report, err := audit.Verify(context.WithoutCancel(t.Context()), s.pool) // also from a cleanup
	require.NoError(t, err)
	require.True(t, report.Clean(), "%v", report.Breaches)
}

func asJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestAnActivityRunTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenes, states := story.scenes, story.undisturbed(t)
			p := story.on(t)
			for _, scene := range scenes {
				first, err := scene.play(t.Context(), p, p.stage)
				require.NoError(t, err, scene.name)
				p.keep(first)
				want := states[scene.name]
				pgtest.Same(t, want[len(want)-1], p.dump(t), scene.name)

				second, err := scene.play(t.Context(), p, p.stage)
				require.NoError(t, err, scene.name)
				pgtest.Same(t, want[len(want)-1], p.dump(t), scene.name+" again")
				require.JSONEq(t, asJSON(t, first), asJSON(t, second), scene.name)
			}
			// And all of it again, from the start, when it is over.
			over := p.dump(t)
			for _, scene := range scenes[1:] {
				_, err := scene.play(t.Context(), p, p.stage)
				if scene.name == activities.DecantonName { // it has no result of its own to give again
					require.ErrorContains(t, err, "the run is over")
					continue
				}
				require.NoError(t, err, scene.name)
			}
			pgtest.Same(t, over, p.dump(t))
		})
	}
}

func TestAnActivityRunTwiceAtOnceHasItsEffectsOnce(t *testing.T) {
	t.Parallel()
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenes, states := story.scenes, story.undisturbed(t)
			p := story.on(t)
			other := newStageOn(p.stage.pool, p.stage.folders, smallCuts())
			for _, scene := range scenes {
				var both sync.WaitGroup
				results, failures := make([]any, 2), make([]error, 2)
				for i, on := range []*stage{p.stage, other} {
					both.Go(func() { results[i], failures[i] = scene.play(t.Context(), p, on) })
				}
				both.Wait()
				for i := range failures {
					require.NoError(t, failures[i], "%s, number %d", scene.name, i)
				}
				p.keep(results[0])
				want := states[scene.name]
				pgtest.Same(t, want[len(want)-1], p.dump(t), scene.name)
				if scene.name != activities.PostLinesName { // how far it came is told by both as they saw it
					require.JSONEq(t, asJSON(t, results[0]), asJSON(t, results[1]), scene.name)
				}
			}
			verify(t, p.stage)
		})
	}
}

// TestAnActivityInterruptedAnywhereGoesOn interrupts each activity at its first
// message to PostgreSQL, runs it again and interrupts it at the second, and so
// on until one comes through. Every state on the way is one that an undisturbed
// run commits, and so is the end.
func TestAnActivityInterruptedAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	for name, story := range stories() {
		for _, kind := range sabotages() {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				scenes, states := story.scenes, story.undisturbed(t)
				p := story.on(t)
				for _, scene := range scenes {
					interruptions := 0
					for message := 1; ; message++ {
						result, struck := p.interrupted(t, scene, kind, message)
						if !struck {
							p.keep(result)
							break
						}
						interruptions++
						isCommitted(t, states[scene.name], p.dump(t), scene.name, message)
					}
					want := states[scene.name]
					pgtest.Same(t, want[len(want)-1], p.dump(t), scene.name)
					require.Positive(t, interruptions, scene.name)
				}
				verify(t, p.stage)
			})
		}
	}
}

// interrupted plays a scene on connections of its own, of which the message of
// that number is sabotaged.
func (p *play) interrupted(t testing.TB, scene scene, kind sabotage, message int) (result any, struck bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	saboteur := &saboteur{kind: kind, cancel: cancel}
	pool := saboteur.newPool(t, p.stage.pool)
	defer pool.Close()
	require.NoError(t, pool.Ping(ctx))

	saboteur.arm(message)
	result, err := scene.play(ctx, p, newStageOn(pool, p.stage.folders, smallCuts()))
	if !saboteur.hasStruck() {
		require.NoError(t, err, scene.name)
	}
	return result, saboteur.hasStruck()
}

func isCommitted(t testing.TB, states []string, state, scene string, message int) {
	t.Helper()
	if slices.Contains(states, state) {
		return
	}
	pgtest.Same(t, states[len(states)-1], state, "%s, interrupted at message %d, left a state that no commit makes", scene, message)
}
