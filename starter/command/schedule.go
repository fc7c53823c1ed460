package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/starter/schedule"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/workflows"
)

func newSchedule(s *session) *cobra.Command {
	group := &cobra.Command{Use: "schedule", Short: "Have Temporal start days and vacations by the clock"}
	group.AddCommand(newScheduleApply(s), newScheduleList(s), newSchedulePause(s), newScheduleResume(s), newScheduleTrigger(s))
	return group
}

// plan is a schedule as Temporal keeps it, as far as a file sets it.
type plan struct {
	Name    string                   `json:"name"`
	At      string                   `json:"at,omitempty"`    // HH:MM in Paris, Monday to Friday
	Every   int                      `json:"every,omitempty"` // in minutes, instead of an hour
	CatchUp string                   `json:"catchUp"`
	Request workflows.TriggerRequest `json:"request"`
	Paused  bool                     `json:"paused"`
	Note    string                   `json:"note,omitempty"` // why it was paused or resumed
	Next    *time.Time               `json:"next,omitempty"`
	// Last is what it started last.
	Last string `json:"last,omitempty"`
}

// planOf is the schedule of a file with the settings in force.
func planOf(from schedule.Schedule, settings config.Config) plan {
	within := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(settings.Data.Dir, path)
	}
	at := from.At.String()
	if from.Every > 0 {
		at = ""
	}
	return plan{
		Name: from.Name, At: at, Every: from.Every, CatchUp: from.CatchUp.String(), Paused: from.Paused != nil && *from.Paused,
		Note: "as " + from.File + " has it",
		Request: workflows.TriggerRequest{
			Schedule: from.Name, What: from.What, Inbox: within(from.Inbox), Payline: within(from.Payline),
			AwaitPayline: from.AwaitPayline, CutOff: cmp.Or(from.CutOff, settings.Calendar.CutOff.String()),
			RequestedBy: from.RequestedBy,
		},
	}
}

// minutesOfHour is how often a schedule of every hour calls.
const minutesOfHour = 60

// when is the hour of the plan, or how often it calls.
func (p plan) when() string {
	if p.Every > 0 {
		return "every " + count(p.Every, "minute")
	}
	return "at " + p.At
}

// differences name what sets two plans apart, but for their pauses.
func (p plan) differences(to plan) []string {
	var found []string
	for _, field := range []struct{ name, have, want string }{
		{"at", p.At, to.At},
		{"every", strconv.Itoa(p.Every), strconv.Itoa(to.Every)},
		{"catchUp", p.CatchUp, to.CatchUp},
		{"what", p.Request.What, to.Request.What},
		{"inbox", p.Request.Inbox, to.Request.Inbox},
		{"payline", p.Request.Payline, to.Request.Payline},
		{"awaitPayline", strconv.FormatBool(p.Request.AwaitPayline), strconv.FormatBool(to.Request.AwaitPayline)},
		{"cutOff", p.Request.CutOff, to.Request.CutOff},
		{"requestedBy", p.Request.RequestedBy, to.Request.RequestedBy},
	} {
		if field.have != field.want {
			found = append(found, fmt.Sprintf("%s %s → %s", field.name, cmp.Or(field.have, "none"), cmp.Or(field.want, "none")))
		}
	}
	return found
}

// overlap is what a call does that comes while the one before is under way: that
// one makes a row and starts a workflow, and takes long only while the database
// is away. Skipped, a day would never begin; so it waits, and one at most.
const overlap = enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE

// spec is when the plan is called. The calendar of TARGET is asked by what is
// called: Temporal knows of no Easter.
func (p plan) spec() (client.ScheduleSpec, error) {
	only := func(value int) []client.ScheduleRange { return []client.ScheduleRange{{Start: value}} }
	minutes, hours := []client.ScheduleRange{{Start: 0, End: 59, Step: p.Every}}, []client.ScheduleRange{{Start: 0, End: 23}}
	if p.Every == 0 {
		at, err := calendar.ParseCutOff(p.At)
		if err != nil {
			return client.ScheduleSpec{}, err
		}
		minutes, hours = only(at.Minute), only(at.Hour)
	}
	return client.ScheduleSpec{
		Calendars: []client.ScheduleCalendarSpec{{
			Second: only(0), Minute: minutes, Hour: hours,
			DayOfWeek: []client.ScheduleRange{{Start: int(time.Monday), End: int(time.Friday)}},
			Comment:   "Monday to Friday; what is called asks the calendar of TARGET",
		}},
		TimeZoneName: schedule.Zone,
	}, nil
}

func (p plan) action() *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: workflows.TriggerName + "/" + p.Name, Workflow: workflows.TriggerName, Args: []any{p.Request}, TaskQueue: workflows.Queue,
	}
}

// planFrom reads a plan back. known is false for a schedule that is none of ours.
func planFrom(connection server, name string, description *client.ScheduleDescription) (p plan, known bool, err error) {
	action, is := description.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !is || action.Workflow != workflows.TriggerName {
		return plan{}, false, nil
	}
	p = plan{
		Name: name, Paused: description.Schedule.State.Paused, Note: description.Schedule.State.Note,
		CatchUp: description.Schedule.Policy.CatchupWindow.String(),
	}
	if calendars := description.Schedule.Spec.Calendars; len(calendars) == 1 &&
		len(calendars[0].Hour) == 1 && len(calendars[0].Minute) == 1 {
		if minute := calendars[0].Minute[0]; minute.End > minute.Start {
			p.Every = max(minute.Step, 1)
		} else if hours := calendars[0].Hour[0]; hours.End > hours.Start {
			p.Every = minutesOfHour
		} else {
			p.At = calendar.CutOff{Hour: calendars[0].Hour[0].Start, Minute: calendars[0].Minute[0].Start}.String()
		}
	}
	if len(action.Args) == 1 {
		if payload, encoded := action.Args[0].(*common.Payload); encoded {
			if err := connection.payloads.FromPayload(payload, &p.Request); err != nil {
				return plan{}, false, fmt.Errorf("read what schedule %s asks for: %w", name, err)
			}
		}
	}
	if next := description.Info.NextActionTimes; len(next) > 0 && !p.Paused {
		p.Next = &next[0]
	}
	if recent := description.Info.RecentActions; len(recent) > 0 {
		last := recent[len(recent)-1]
		p.Last = instant(last.ScheduleTime)
		if last.StartWorkflowResult != nil {
			p.Last += ", " + last.StartWorkflowResult.WorkflowID
		}
	}
	return p, true, nil
}

// plans reads all schedules of the engine, in the order of their names.
func plans(ctx context.Context, connection server) ([]plan, error) {
	list, err := connection.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	var all []plan
	for list.HasNext() {
		entry, err := list.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if entry.WorkflowType.Name != workflows.TriggerName {
			continue
		}
		found, known, err := planOn(ctx, connection, entry.ID)
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b plan) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// planOn reads one schedule; known is false when there is none of that name.
func planOn(ctx context.Context, connection server, name string) (p plan, known bool, err error) {
	description, err := connection.ScheduleClient().GetHandle(ctx, name).Describe(ctx)
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return plan{}, false, nil
	}
	if err != nil {
		return plan{}, false, fmt.Errorf("look at schedule %s: %w", name, err)
	}
	return planFrom(connection, name, description)
}

// folderOfSchedules is where the shipped files stand in a checkout.
const folderOfSchedules = "deploy/schedules"

func newScheduleApply(s *session) *cobra.Command {
	var prune bool
	cmd := &cobra.Command{
		Use:   "apply [FILE|FOLDER]",
		Short: "Make Temporal's schedules what the YAML files say",
		Long: `Make Temporal's schedules what the YAML files say, ` + folderOfSchedules + ` unless
another file or folder is named: those that are missing are made, those that
differ are changed, others stay. Applied again it changes nothing. A schedule
that an operator paused stays so unless its file says paused.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := folderOfSchedules
			if len(args) == 1 {
				path = args[0]
			}
			files, err := schedule.Load(path)
			if wrong, is := errors.AsType[*schedule.Error](err); is {
				return &InputError{What: wrong.Error(), Next: "correct the file; deploy/schedules/day.yaml explains each line"}
			}
			if err != nil {
				return err
			}
			if prune && len(files) == 0 {
				return &InputError{
					What: path + " has no schedule, and --prune would delete all that there are",
					Next: "name one schedule at least, or leave --prune out; `starter schedule pause` has one call no more",
				}
			}
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			applied := &appliedSchedules{Schedules: []appliedSchedule{}}
			for _, file := range files {
				done, err := apply(cmd.Context(), connection, planOf(file, settings), file.Paused)
				if err != nil {
					return err
				}
				applied.Schedules = append(applied.Schedules, done)
			}
			if err := applied.others(cmd.Context(), connection, files, prune); err != nil {
				return err
			}
			return s.show(applied)
		},
	}
	cmd.Flags().BoolVar(&prune, "prune", false, "delete the schedules that no file has (refused where the files have none at all)")
	return cmd
}

// What became of a schedule.
const (
	scheduleCreated = "created"
	scheduleChanged = "changed"
	scheduleSame    = "unchanged"
	scheduleDeleted = "deleted"
	scheduleKept    = "not in the files" // and left alone
)

// appliedSchedule is what applying did to one schedule.
type appliedSchedule struct {
	Name    string   `json:"name"`
	Outcome string   `json:"outcome"`
	Changes []string `json:"changes,omitempty"`
}

// appliedSchedules is what applying did.
type appliedSchedules struct {
	Schedules []appliedSchedule `json:"schedules"`
}

func (d *appliedSchedules) writeText(t *text) {
	rows := make([][]string, 0, len(d.Schedules))
	for _, applied := range d.Schedules {
		rows = append(rows, []string{applied.Name, applied.Outcome, strings.Join(applied.Changes, ", ")})
	}
	t.rows(rows)
	if len(rows) == 0 {
		t.linef("no schedules")
	}
}

// apply makes one schedule what it is to be.
func apply(ctx context.Context, connection server, wanted plan, paused *bool) (appliedSchedule, error) {
	result := appliedSchedule{Name: wanted.Name, Outcome: scheduleSame}
	have, known, err := planOn(ctx, connection, wanted.Name)
	if err != nil {
		return result, err
	}
	if !known {
		result.Outcome = scheduleCreated
		return result, create(ctx, connection, wanted)
	}
	result.Changes = have.differences(wanted)
	if paused != nil && have.Paused != *paused {
		result.Changes = append(result.Changes, map[bool]string{true: "paused", false: "resumed"}[*paused])
	} else {
		wanted.Paused, wanted.Note = have.Paused, have.Note
	}
	if len(result.Changes) == 0 {
		return result, nil
	}
	result.Outcome = scheduleChanged
	return result, change(ctx, connection, wanted)
}

func create(ctx context.Context, connection server, wanted plan) error {
	spec, err := wanted.spec()
	if err != nil {
		return err
	}
	catchUp, err := time.ParseDuration(wanted.CatchUp)
	if err != nil {
		return fmt.Errorf("catch-up of schedule %s: %w", wanted.Name, err)
	}
	_, err = connection.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: wanted.Name, Spec: spec, Action: wanted.action(), Overlap: overlap, CatchupWindow: catchUp,
		Paused: wanted.Paused, Note: wanted.Note,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return &InputError{
			What: "schedule " + wanted.Name + " is there, and is none of the engine's", Next: "give the one in the file another name",
		}
	}
	if err != nil {
		return fmt.Errorf("make schedule %s: %w", wanted.Name, err)
	}
	return nil
}

func change(ctx context.Context, connection server, wanted plan) error {
	spec, err := wanted.spec()
	if err != nil {
		return err
	}
	catchUp, err := time.ParseDuration(wanted.CatchUp)
	if err != nil {
		return fmt.Errorf("catch-up of schedule %s: %w", wanted.Name, err)
	}
	err = connection.ScheduleClient().GetHandle(ctx, wanted.Name).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			return &client.ScheduleUpdate{Schedule: &client.Schedule{
				Action: wanted.action(), Spec: &spec, Policy: &client.SchedulePolicies{Overlap: overlap, CatchupWindow: catchUp},
				State: &client.ScheduleState{Paused: wanted.Paused, Note: wanted.Note},
			}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("change schedule %s: %w", wanted.Name, err)
	}
	return nil
}

// others lists the schedules that no file has, and deletes them where that is asked for.
func (d *appliedSchedules) others(ctx context.Context, connection server, files []schedule.Schedule, prune bool) error {
	all, err := plans(ctx, connection)
	if err != nil {
		return err
	}
	for i := range all {
		name := all[i].Name
		if slices.ContainsFunc(files, func(s schedule.Schedule) bool { return s.Name == name }) {
			continue
		}
		outcome := scheduleKept
		if prune {
			outcome = scheduleDeleted
			if err := connection.ScheduleClient().GetHandle(ctx, name).Delete(ctx); err != nil {
				return fmt.Errorf("delete schedule %s: %w", name, err)
			}
		}
		d.Schedules = append(d.Schedules, appliedSchedule{Name: name, Outcome: outcome})
	}
	return nil
}

func newScheduleList(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the schedules: when they call next, what they started last, which are paused",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			connection, _, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			all, err := plans(cmd.Context(), connection)
			if err != nil {
				return err
			}
			return s.show(scheduleList{Schedules: append([]plan{}, all...)})
		},
	}
}

// scheduleList prints schedules.
type scheduleList struct {
	Schedules []plan `json:"schedules"`
}

func (d scheduleList) writeText(t *text) {
	rows := make([][]string, 0, len(d.Schedules))
	for i := range d.Schedules {
		p := &d.Schedules[i]
		next := "next -"
		if p.Next != nil {
			next = "next " + instant(*p.Next)
		}
		if p.Paused {
			next = "paused: " + p.Note
		}
		rows = append(rows, []string{p.Name, p.Request.What, p.when(), next, "last " + cmp.Or(p.Last, "-")})
	}
	t.rows(rows)
	t.linef("%s", count(len(d.Schedules), "schedule"))
}

// onSchedule does something to the schedule of that name.
func (s *session) onSchedule(
	cmd *cobra.Command, name string, act func(handle client.ScheduleHandle, p plan) (string, error),
) error {
	connection, _, err := s.temporal(cmd)
	if err != nil {
		return err
	}
	p, known, err := planOn(cmd.Context(), connection, name)
	if err != nil {
		return err
	}
	if !known {
		return &InputError{What: "there is no schedule " + name, Next: "`starter schedule list` lists them"}
	}
	done, err := act(connection.ScheduleClient().GetHandle(cmd.Context(), name), p)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", name, err)
	}
	return s.show(scheduleActed{Name: name, Done: done})
}

// scheduleActed says what was done to a schedule.
type scheduleActed struct {
	Name string `json:"name"`
	Done string `json:"done"`
}

func (d scheduleActed) writeText(t *text) { t.linef("%s: %s", d.Name, d.Done) }

func newSchedulePause(s *session) *cobra.Command {
	var flags answerFlags
	cmd := &cobra.Command{
		Use:     "pause NAME --reason WHY",
		Short:   "Have a schedule call no more until it is resumed",
		Example: "  starter schedule pause day --actor alice --reason \"the bank is closed\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.reason == "" {
				return &InputError{What: "--reason is missing", Next: "say why: `starter schedule list` shows it"}
			}
			note, err := s.note(flags)
			if err != nil {
				return err
			}
			return s.onSchedule(cmd, args[0], func(handle client.ScheduleHandle, p plan) (string, error) {
				if p.Paused {
					return "paused before: " + p.Note, nil
				}
				return "paused", handle.Pause(cmd.Context(), client.SchedulePauseOptions{Note: note})
			})
		},
	}
	addActor(cmd, &flags.actor)
	cmd.Flags().StringVar(&flags.reason, "reason", "", "why: the list of schedules shows it")
	return cmd
}

func newScheduleResume(s *session) *cobra.Command {
	var flags answerFlags
	cmd := &cobra.Command{
		Use:   "resume NAME",
		Short: "Have a schedule call again; what it missed while it was paused is not caught up",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			note, err := s.note(flags)
			if err != nil {
				return err
			}
			return s.onSchedule(cmd, args[0], func(handle client.ScheduleHandle, p plan) (string, error) {
				if !p.Paused {
					return "was not paused", nil
				}
				return "resumed", handle.Unpause(cmd.Context(), client.ScheduleUnpauseOptions{Note: note})
			})
		},
	}
	addActor(cmd, &flags.actor)
	cmd.Flags().StringVar(&flags.reason, "reason", "", "why: the list of schedules shows it")
	return cmd
}

// note says who changes a schedule, and why.
func (s *session) note(flags answerFlags) (string, error) {
	actor, err := s.actor(flags.actor)
	return strings.TrimSuffix(actor+": "+flags.reason, ": "), err
}

func newScheduleTrigger(s *session) *cobra.Command {
	var day string
	cmd := &cobra.Command{
		Use:   "trigger NAME [--date DATE]",
		Short: "Call a schedule now, for today or for another day, paused or not",
		Long: `Call a schedule now, for today or for another day. What it starts is started
once: the day, or the vacation, that is there is left as it is. On a day on which
TARGET is closed nothing is started.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date := calendar.DateOf(s.now())
			if day != "" {
				var err error
				if date, err = calendar.ParseDate(day); err != nil {
					return err
				}
				if weekday := date.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
					return &InputError{What: "--date " + day + " is a " + weekday.String(), Next: "name a day from Monday to Friday"}
				}
			}
			return s.onSchedule(cmd, args[0], func(handle client.ScheduleHandle, p plan) (string, error) {
				if day == "" {
					return "called for today, " + date.String(),
						handle.Trigger(cmd.Context(), client.ScheduleTriggerOptions{Overlap: overlap})
				}
				if p.Every > 0 {
					return "", &InputError{What: args[0] + " is of no day", Next: "call it without --date"}
				}
				at, err := calendar.ParseCutOff(p.At)
				if err != nil {
					return "", err
				}
				// What a schedule does for a time that has passed: the call is for that time, and so for that day.
				return "called for " + date.String(), handle.Backfill(cmd.Context(), client.ScheduleBackfillOptions{
					Backfill: []client.ScheduleBackfill{{Start: at.On(date), End: at.On(date), Overlap: overlap}},
				})
			})
		},
	}
	cmd.Flags().StringVar(&day, "date", "", "day for which it is called, yyyy-MM-dd (default: today)")
	return cmd
}
