// Bench measures the engine on this machine, each figure as a ratio to something
// measured in the same run: what PostgreSQL takes at most, and what the naive way
// takes. It prints a table and writes bench/latest.json.
//
//	source .dev/env && go run ./deploy/bench -lines 1000000 -runs 3
//
// It makes databases of its own on the cluster of DEV_POSTGRES_ADMIN_URL, runs
// the built worker as a process of its own against the Temporal server of
// TEMPORAL_ADDRESS, and leaves nothing behind but the figures.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	options := options{}
	flag.IntVar(&options.lines, "lines", 1_000_000, "lines of the large vacation")
	flag.IntVar(&options.largest, "largest", 5_000_000, "lines of the vacation that memory is measured with, 0 for none")
	flag.IntVar(&options.merchants, "merchants", 10_000, "payment accounts")
	flag.IntVar(&options.payouts, "payouts", 100_000, "automatic payouts of the large financière")
	flag.IntVar(&options.entries, "entries", 100_000, "entries of the camt.053 that is read")
	flag.IntVar(&options.records, "records", 1_000_000, "lines of the CFONB 120 that is read")
	flag.IntVar(&options.runs, "runs", 3, "runs of each measurement; the median counts")
	flag.StringVar(&options.only, "only", "", "comma-separated goals to measure, such as P1,P3; all when empty")
	flag.StringVar(&options.schemas, "schemas", os.Getenv(schemasVariable),
		"folder of ISO's schemas, by which what is written is judged; not judged when empty")
	flag.StringVar(&options.out, "out", "bench/latest.json", "file for the figures")
	flag.Parse()
	os.Exit(bench(options))
}

// bench returns the program's exit code.
func bench(options options) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// The programs that are measured refuse a setting that is none of theirs.
	if err := os.Unsetenv(schemasVariable); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if err := run(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

type options struct {
	lines, largest, merchants, payouts int
	entries, records, runs             int
	only, out, schemas                 string
}

func (o options) measures(goal string) bool {
	return o.only == "" || slices.Contains(strings.Split(o.only, ","), goal)
}

// Figure is one line of the table.
type Figure struct {
	Goal  string  `json:"goal"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Bound is the goal, such as "≥ 0.5"; empty for a figure that only explains.
	Bound string `json:"bound,omitempty"`
	Met   *bool  `json:"met,omitempty"`
}

type report struct {
	At        time.Time `json:"at"`
	Cores     int       `json:"cores"`
	Lines     int       `json:"lines"`
	Merchants int       `json:"merchants"`
	Payouts   int       `json:"payouts"`
	Entries   int       `json:"entries"`
	Records   int       `json:"records"`
	Runs      int       `json:"runs"`
	Figures   []Figure  `json:"figures"`
}

// add notes a figure that explains.
func (r *report) add(goal, what string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{Goal: goal, What: what, Value: value, Unit: unit})
	fmt.Printf("  %-3s %-82s %12.2f %s\n", goal, what, value, unit)
}

// atLeast and atMost note a figure that is a goal.
func (r *report) atLeast(goal, what string, value, bound float64, unit string) {
	r.judge(goal, what, value, unit, fmt.Sprintf("≥ %g", bound), value >= bound)
}

func (r *report) atMost(goal, what string, value, bound float64, unit string) {
	r.judge(goal, what, value, unit, fmt.Sprintf("≤ %g", bound), value <= bound)
}

func (r *report) judge(goal, what string, value float64, unit, bound string, met bool) {
	r.Figures = append(r.Figures, Figure{Goal: goal, What: what, Value: value, Unit: unit, Bound: bound, Met: &met})
	verdict := "met"
	if !met {
		verdict = "NOT MET"
	}
	fmt.Printf("  %-3s %-82s %12.2f %s (%s: %s)\n", goal, what, value, unit, bound, verdict)
}

// part is what one function measures, for one goal or several.
type part struct {
	goals   []string
	measure func(context.Context, *stand, options, *report) error
}

func parts() []part {
	return []part{
		{[]string{"P1"}, throughput},
		{[]string{"P2", "P4"}, memory},
		{[]string{"P3"}, latency},
		{[]string{"P5"}, delivery},
		{[]string{"P6"}, payouts},
		{[]string{"P6"}, orderFiles},
		{[]string{"P7"}, statements},
		{[]string{"P8"}, notifications},
	}
}

func run(ctx context.Context, options options) error {
	found := &report{
		At: time.Now().UTC(), Cores: runtime.NumCPU(), Lines: options.lines, Merchants: options.merchants,
		Payouts: options.payouts, Entries: options.entries, Records: options.records, Runs: options.runs,
	}
	stand, err := newStand(ctx)
	if err != nil {
		return err
	}
	defer stand.close()

	for _, part := range parts() {
		if !slices.ContainsFunc(part.goals, options.measures) {
			continue
		}
		if err := part.measure(ctx, stand, options, found); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(part.goals, " and "), err)
		}
	}
	return write(options.out, found)
}

func write(path string, found *report) error {
	content, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	fmt.Println("figures:", path)
	return nil
}

// median of an odd or even number of values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
