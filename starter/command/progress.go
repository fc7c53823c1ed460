package command

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/reglo/reglo/domain/vacation"
)

// How often the progress of a run is asked for, and said: on a terminal as
// often as an eye follows, elsewhere as often as a log bears.
const (
	terminalEvery = 200 * time.Millisecond
	linesEvery    = 3 * time.Second
)

// progressView shows how far a règlement has come.
type progressView interface {
	// every is how often it wants to be updated.
	every() time.Duration
	update(progress vacation.Progress)
	// note says something on a line of its own.
	note(line string)
	// close ends the display, so that what follows begins on a line of its own.
	close()
}

// newProgressView draws a bar on a terminal, and writes lines elsewhere.
func newProgressView(out io.Writer, now func() time.Time) progressView {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return &barView{out: out}
	}
	return &lineView{text: &text{out: out}, now: now}
}

// barView draws one bar for the reading of the file and one for the posting.
type barView struct {
	out   io.Writer
	bar   *progressbar.ProgressBar
	stage vacation.Stage
}

func (*barView) every() time.Duration { return terminalEvery }

func (v *barView) update(progress vacation.Progress) {
	if progress.Stage != v.stage {
		v.close()
		v.stage = progress.Stage
		v.bar = v.open(progress)
	}
	if v.bar == nil {
		return
	}
	if progress.Total > 0 && v.bar.GetMax() != progress.Total {
		v.bar.ChangeMax(progress.Total)
	}
	// Set fails on a value beyond the bar's end, which a late total mends.
	_ = v.bar.Set(done(progress))
}

// open makes the bar of a stage: one that counts, or one that only turns.
func (v *barView) open(progress vacation.Progress) *progressbar.ProgressBar {
	const width = 40 // characters
	options := []progressbar.Option{
		progressbar.OptionSetWriter(v.out),
		progressbar.OptionSetDescription(string(progress.Stage)),
		progressbar.OptionSetWidth(width),
		progressbar.OptionThrottle(terminalEvery / 2),
		// Drawn when it is updated only: left to itself, it would go on after its end.
		progressbar.OptionSetSpinnerChangeInterval(0),
	}
	if !isCounted(progress.Stage) {
		return progressbar.NewOptions(-1, append(options, progressbar.OptionSpinnerType(14))...)
	}
	total := progress.Total
	if total == 0 {
		total = -1 // not known before the whole file is read
	}
	return progressbar.NewOptions(total, append(options,
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("lines"))...)
}

func (v *barView) note(line string) {
	v.close()
	v.stage = "" // the next update begins another bar
	_, _ = io.WriteString(v.out, line+"\n")
}

func (v *barView) close() {
	if v.bar == nil {
		return
	}
	_ = v.bar.Exit()
	_, _ = io.WriteString(v.out, "\n")
	v.bar = nil
}

// lineView writes a line when something has moved.
type lineView struct {
	text *text
	now  func() time.Time
	last vacation.Progress
	at   time.Time
}

func (*lineView) every() time.Duration { return linesEvery }

func (v *lineView) update(progress vacation.Progress) {
	now := v.now()
	defer func() { v.last, v.at = progress, now }()
	if progress == v.last {
		return
	}
	if !isCounted(progress.Stage) {
		v.text.linef("%s", progress.Stage)
		return
	}
	rate := ""
	if elapsed := now.Sub(v.at).Seconds(); progress.Stage == v.last.Stage && elapsed > 0 {
		rate = ", " + count(int64(float64(done(progress)-done(v.last))/elapsed), "line") + "/s"
	}
	if progress.Total > 0 {
		v.text.linef("%s: %d of %s%s", progress.Stage, done(progress), count(progress.Total, "line"), rate)
		return
	}
	v.text.linef("%s: %s%s", progress.Stage, count(done(progress), "line"), rate)
}

func (v *lineView) note(line string) { v.text.linef("%s", line) }

func (*lineView) close() {}

// isCounted tells the stages that work through the file's lines.
func isCounted(stage vacation.Stage) bool {
	return stage == vacation.StageLoading || stage == vacation.StagePosting
}

// done is how many lines the current stage has worked through.
func done(progress vacation.Progress) int {
	if progress.Stage == vacation.StageLoading {
		return progress.Read
	}
	return progress.Posted
}
