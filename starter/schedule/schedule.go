// Package schedule reads the files that say what is started when: a list of
// schedules a file, each a day or a single vacation at an hour of Monday to
// Friday in Paris.
package schedule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/workflows"
)

const (
	// defaultCatchUp is how late a day may begin that the server was away for: a
	// morning's outage is caught up, and no night's work falls into the next day.
	defaultCatchUp = 2 * time.Hour
	// Temporal takes no window below ten seconds; a day's call is worth nothing on the next.
	minCatchUp = 10 * time.Second
	maxCatchUp = 12 * time.Hour

	// fileMax bounds a file of schedules, in bytes: it holds some dozen lines each.
	fileMax = 1 << 20
)

// Zone is the time zone of the hours: the engine's days are counted in it.
const Zone = "Europe/Paris"

// Schedule is what is started at an hour of each Monday to Friday, or again and
// again on these days.
type Schedule struct {
	Name string
	// What is started: day, one step of it, or reception.
	What string
	At   calendar.CutOff // hour in Paris
	// Every is in minutes, a divisor of an hour: the reception's, which has no
	// hour. 0 for all else.
	Every int
	// CatchUp is how late it is started where the server was away.
	CatchUp time.Duration
	// Paused is nil where the file leaves that to operators.
	Paused *bool
	// Inbox, and Payline where it is not empty, are folders or files; one that is
	// not absolute stands in the data folder.
	Inbox        string
	Payline      string
	AwaitPayline bool
	CutOff       string // hour in Paris, HH:MM; empty for the setting's
	RequestedBy  string
	File         string // base name of the file that it stands in
}

// Things lists what a schedule may start.
func Things() []string {
	return []string{
		workflows.DayName, workflows.StepCreances, workflows.StepFinanciere, workflows.StepTechniqueOpen, workflows.StepTechniqueClose,
		workflows.ReceptionName,
	}
}

// Error is what is wrong in a file, with its place.
type Error struct {
	File   string
	Line   int // from 1, 0 for the whole file
	Reason string
}

// Error names the place and the reason.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Reason
	}
	return fmt.Sprintf("%s line %d: %s", e.File, e.Line, e.Reason)
}

// Load reads the schedules of a file, or of all *.yaml files of a folder, in the
// order of the files' names. A name stands for one schedule. The error is an
// [*Error], or that of the file that cannot be read.
func Load(path string) ([]Schedule, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look for schedules: %w", err)
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil || len(files) == 0 {
			return nil, &Error{File: path, Reason: "no *.yaml file is in this folder"}
		}
		slices.Sort(files)
	}
	var all []Schedule
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() > fileMax {
			return nil, &Error{File: file, Reason: fmt.Sprintf("is longer than %d bytes", fileMax)}
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read schedules: %w", err)
		}
		read, err := Parse(file, content)
		if err != nil {
			return nil, err
		}
		for _, schedule := range read {
			if i := slices.IndexFunc(all, func(s Schedule) bool { return s.Name == schedule.Name }); i >= 0 {
				return nil, &Error{File: file, Reason: fmt.Sprintf("schedule %q stands in %s too", schedule.Name, all[i].File)}
			}
			all = append(all, schedule)
		}
	}
	return all, nil
}

// Parse reads a file of schedules: a YAML list of mappings. The error is an [*Error].
func Parse(name string, content []byte) ([]Schedule, error) {
	r := reader{file: name}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, r.refuse(nil, "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 { // empty, or comments only
		return nil, nil
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode {
		return nil, r.refuse(list, "want a list of schedules: - name: …")
	}
	schedules := make([]Schedule, 0, len(list.Content))
	for _, item := range list.Content {
		schedule, err := r.schedule(item)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(schedules, func(s Schedule) bool { return s.Name == schedule.Name }) {
			return nil, r.refuse(item, "schedule %q is there twice", schedule.Name)
		}
		schedules = append(schedules, schedule)
	}
	return schedules, nil
}

// reader reads one file.
type reader struct {
	file string
}

func (r reader) refuse(at *yaml.Node, format string, args ...any) *Error {
	line := 0
	if at != nil {
		line = at.Line
	}
	return &Error{File: r.file, Line: line, Reason: fmt.Sprintf(format, args...)}
}

// key reads one value of a schedule into its place; its error says what is allowed.
type key struct {
	name string
	read func(s *Schedule, value string) error
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// keys are what a schedule may say, in the order in which a person writes it.
func keys() []key {
	return []key{
		{"name", func(s *Schedule, value string) error {
			s.Name = value
			return must(namePattern.MatchString(value), "1 to 64 small letters, digits and '-'")
		}},
		{"what", func(s *Schedule, value string) error {
			s.What = value
			return must(slices.Contains(Things(), value), "one of "+strings.Join(Things(), ", "))
		}},
		{"at", func(s *Schedule, value string) (err error) {
			s.At, err = calendar.ParseCutOff(value)
			return must(err == nil, `an hour, "HH:MM"`)
		}},
		{"every", func(s *Schedule, value string) error {
			every, err := time.ParseDuration(value)
			s.Every = int(every / time.Minute)
			return must(err == nil && s.Every >= 1 && time.Hour%every == 0 && every%time.Minute == 0,
				"a part of an hour in minutes, such as 5m, 15m or 1h0m")
		}},
		{"timezone", func(_ *Schedule, value string) error {
			return must(value == Zone, Zone+": days are counted there")
		}},
		{"catchUp", func(s *Schedule, value string) (err error) {
			s.CatchUp, err = time.ParseDuration(value)
			return must(err == nil && s.CatchUp >= minCatchUp && s.CatchUp <= maxCatchUp,
				fmt.Sprintf("a duration of %s to %s, such as 2h", minCatchUp, maxCatchUp))
		}},
		{"paused", func(s *Schedule, value string) error {
			paused := value == "true"
			s.Paused = &paused
			return must(paused || value == "false", "true or false")
		}},
		{"inbox", func(s *Schedule, value string) error {
			s.Inbox = value
			return must(value != "", "a folder")
		}},
		{"payline", func(s *Schedule, value string) error {
			s.Payline = value
			return nil
		}},
		{"awaitPayline", func(s *Schedule, value string) error {
			s.AwaitPayline = value == "true"
			return must(s.AwaitPayline || value == "false", "true or false")
		}},
		{"cutOff", func(s *Schedule, value string) error {
			s.CutOff = value
			_, err := calendar.ParseCutOff(value)
			return must(err == nil, `an hour, "HH:MM"`)
		}},
		{"requestedBy", func(s *Schedule, value string) error {
			s.RequestedBy = value
			return must(value != "", "a name, who stands as the one who asks")
		}},
	}
}

func must(holds bool, want string) error {
	if holds {
		return nil
	}
	return errors.New(want)
}

// schedule reads one mapping of the list.
func (r reader) schedule(item *yaml.Node) (Schedule, error) {
	schedule := Schedule{
		CatchUp: defaultCatchUp, Inbox: "inbox", RequestedBy: "scheduler", File: filepath.Base(r.file),
	}
	if item.Kind != yaml.MappingNode {
		return schedule, r.refuse(item, "want a schedule: name: …, what: …, at: …")
	}
	var given []string
	for i := 0; i+1 < len(item.Content); i += 2 {
		name, value := item.Content[i], item.Content[i+1]
		known := slices.IndexFunc(keys(), func(k key) bool { return k.name == name.Value })
		switch {
		case known < 0:
			return schedule, r.refuse(name, "there is no %q: write %s", name.Value, strings.Join(keyNames(), ", "))
		case slices.Contains(given, name.Value):
			return schedule, r.refuse(name, "%s is given twice", name.Value)
		case value.Kind != yaml.ScalarNode:
			return schedule, r.refuse(value, "%s must be a single value", name.Value)
		}
		if err := keys()[known].read(&schedule, value.Value); err != nil {
			return schedule, r.refuse(value, "%s is %q: want %s", name.Value, value.Value, err)
		}
		given = append(given, name.Value)
	}
	return schedule, r.together(item, schedule, given)
}

// together refuses what does not go together, or is missing.
func (r reader) together(item *yaml.Node, schedule Schedule, given []string) error {
	required := []string{"name", "what", "at"}
	if schedule.What == workflows.ReceptionName {
		required[2] = "every"
	}
	for _, name := range required {
		if !slices.Contains(given, name) {
			return r.refuse(item, "%s is missing", name)
		}
	}
	if slices.Contains(given, "at") && slices.Contains(given, "every") {
		return r.refuse(item, "at is for what a day has once, every for %s: keep one", workflows.ReceptionName)
	}
	if schedule.Every > 0 && schedule.What != workflows.ReceptionName {
		return r.refuse(item, "every is for %s: a day has %s once, at an hour", workflows.ReceptionName, schedule.What)
	}
	if schedule.AwaitPayline && schedule.Payline == "" {
		return r.refuse(item, "awaitPayline goes with payline: say where the file will stand")
	}
	return nil
}

func keyNames() []string {
	names := make([]string, 0, len(keys()))
	for _, k := range keys() {
		names = append(names, k.name)
	}
	return names
}
