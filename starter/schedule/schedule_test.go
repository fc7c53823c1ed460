package schedule_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/starter/schedule"
)

func TestTheShippedSchedulesAreADayAndTheReception(t *testing.T) {
	t.Parallel()
	got, err := schedule.Load("../../deploy/schedules")
	require.NoError(t, err)
	require.Equal(t, []schedule.Schedule{{
		Name: "day", What: "day", At: calendar.CutOff{Hour: 6, Minute: 30}, CatchUp: 2 * time.Hour,
		Inbox: "inbox", Payline: "inbox", AwaitPayline: true, CutOff: "16:00", RequestedBy: "scheduler", File: "day.yaml",
	}, {
		Name: "reception", What: "reception", Every: 5, CatchUp: time.Minute,
		Inbox: "inbox", RequestedBy: "scheduler", File: "reception.yaml",
	}}, got)
}

func TestWhatIsLeftOutHasADefault(t *testing.T) {
	t.Parallel()
	got, err := schedule.Parse("some/where.yaml", []byte("- {name: c, what: creances, at: '09:00', paused: true}\n"))
	require.NoError(t, err)
	paused := true
	require.Equal(t, []schedule.Schedule{{
		Name: "c", What: "creances", At: calendar.CutOff{Hour: 9}, CatchUp: 2 * time.Hour, Paused: &paused,
		Inbox: "inbox", RequestedBy: "scheduler", File: "where.yaml",
	}}, got)
	for _, empty := range []string{"", "# nothing yet\n"} {
		got, err := schedule.Parse("empty.yaml", []byte(empty))
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, says string }{
		"unknown key":        {"- name: day\n  what: day\n  hour: '06:30'\n", `f.yaml line 3: there is no "hour": write name, what, at`},
		"no list":            {"name: day\n", "f.yaml line 1: want a list of schedules"},
		"no mapping":         {"- day\n", "line 1: want a schedule"},
		"no YAML":            {"- {", "is not YAML"},
		"name missing":       {"- what: day\n  at: '06:30'\n", "line 1: name is missing"},
		"hour missing":       {"- name: day\n  what: day\n", "line 1: at is missing"},
		"what":               {"- name: day\n  what: night\n  at: '06:30'\n", `line 2: what is "night": want one of day, creances`},
		"name":               {"- name: My Day\n  what: day\n  at: '06:30'\n", "want 1 to 64 small letters"},
		"hour":               {"- name: day\n  what: day\n  at: 6h\n", `line 3: at is "6h": want an hour`},
		"zone":               {"- name: day\n  what: day\n  at: '06:30'\n  timezone: UTC\n", "line 4: timezone is \"UTC\": want Europe/Paris"},
		"catch-up":           {"- name: day\n  what: day\n  at: '06:30'\n  catchUp: 24h\n", "want a duration of 10s to 12h0m0s"},
		"paused":             {"- name: day\n  what: day\n  at: '06:30'\n  paused: yes\n", "want true or false"},
		"cut-off":            {"- name: day\n  what: day\n  at: '06:30'\n  cutOff: 25:00\n", "line 4: cutOff"},
		"twice":              {"- name: day\n  name: day\n", "line 2: name is given twice"},
		"list for value":     {"- name: [day]\n", "line 1: name must be a single value"},
		"same name":          {"- &a {name: d, what: day, at: '06:30'}\n- {name: d, what: day, at: '07:30'}\n", `line 2: schedule "d" is there twice`},
		"no part of an hour": {"- {name: r, what: reception, every: 7m}\n", `every is "7m": want a part of an hour`},
		"half a minute":      {"- {name: r, what: reception, every: 30s}\n", "want a part of an hour"},
		"never":              {"- {name: r, what: reception}\n", "line 1: every is missing"},
		"at an hour":         {"- {name: r, what: reception, every: 5m, at: '06:30'}\n", "keep one"},
		"a day again":        {"- {name: d, what: day, every: 5m, at: '06:30'}\n", "keep one"},
		"nothing awaited":    {"- {name: d, what: day, at: '06:30', awaitPayline: true}\n", "awaitPayline goes with payline"},
	} {
		_, err := schedule.Parse("f.yaml", []byte(test.content))
		wrong, is := errors.AsType[*schedule.Error](err)
		require.True(t, is, "%s: %v", name, err)
		require.Contains(t, wrong.Error(), test.says, name)
	}
}

func TestOneNameIsOneSchedule(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := schedule.Load(folder)
	require.ErrorContains(t, err, "no *.yaml file")
	_, err = schedule.Load(filepath.Join(folder, "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)

	const one = "- {name: d, what: day, at: '06:30'}\n"
	for _, name := range []string{"a.yaml", "b.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(one), 0o600))
	}
	_, err = schedule.Load(folder)
	require.ErrorContains(t, err, `schedule "d" stands in a.yaml too`)
	got, err := schedule.Load(filepath.Join(folder, "b.yaml"))
	require.NoError(t, err)
	require.Len(t, got, 1)

	require.NoError(t, os.WriteFile(filepath.Join(folder, "long.yaml"), make([]byte, 2<<20), 0o600))
	_, err = schedule.Load(filepath.Join(folder, "long.yaml"))
	require.ErrorContains(t, err, "longer than 1048576 bytes")
}

func FuzzParse(f *testing.F) {
	shipped, err := os.ReadFile("../../deploy/schedules/day.yaml")
	require.NoError(f, err)
	f.Add(shipped)
	f.Add([]byte("- {name: c, what: creances, at: '09:00', paused: true}\n"))
	f.Add([]byte("- name: &a day\n  what: *a\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		schedules, err := schedule.Parse("f.yaml", content)
		if err != nil {
			_, is := errors.AsType[*schedule.Error](err)
			require.True(t, is, err)
			return
		}
		for _, s := range schedules {
			require.Contains(t, schedule.Things(), s.What)
			require.NotEmpty(t, s.Name)
			require.Positive(t, s.CatchUp)
		}
	})
}
