package payline

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/payline/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/fault"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	// settleTime is how long a file without its end must not have changed before
	// it is believed to have none.
	settleTime = 2 * time.Second
	// shaShown is how much of its hash stands in the name of an archived file:
	// enough to tell apart all that ever come under one name.
	shaShown = 12
)

// fileName is how a Payline file is called in a folder.
var fileName = regexp.MustCompile(`^Payline\.(\d{1,9})\.txt$`)

// LoadPayline takes the file in, or its refusal, once a session: a session that
// accepted a file keeps it, one that refused a file looks again. A folder stands
// for the file of the lowest number in it; those of the days that follow stay.
//
// A file is refused as a whole when its controls say so, when its content or
// its number was accepted before (AM05), and when it is not the next one in its
// sender's sequence (FF01); the first file ever may have any number.
func (a *Activities) LoadPayline(ctx context.Context, asked activities.LoadPaylineRequest) (activities.LoadPaylineResult, error) {
	load := &loading{activities: a, asked: asked}
	stop := heartbeat.Start(ctx, func() any {
		return vacation.Progress{Stage: vacation.StageLoading, Read: int(load.read.Load())}
	})
	defer stop()
	result, err := load.run(ctx)
	if err != nil {
		return activities.LoadPaylineResult{}, activities.Failed("load the Payline file of "+asked.Run.ID.String(), err)
	}
	return result, nil
}

// loading is the loading of one file.
type loading struct {
	activities *Activities
	asked      activities.LoadPaylineRequest
	file       *os.File
	read       atomic.Int64 // lines, for the heartbeat
}

func (l *loading) run(ctx context.Context) (activities.LoadPaylineResult, error) {
	file, found, err := accepted(ctx, l.activities.pool, l.asked.Run.ID.String())
	if err != nil {
		return activities.LoadPaylineResult{}, err
	}
	if found {
		return resultOf(file, ""), nil
	}
	path, err := find(l.asked.Path)
	if err != nil || path == "" {
		return activities.LoadPaylineResult{}, err
	}
	if l.file, err = os.Open(path); err != nil {
		return activities.LoadPaylineResult{}, fmt.Errorf("open the Payline file: %w", err)
	}
	defer func() { _ = l.file.Close() }() // only read

	summary, refused, err := l.control(ctx)
	if err != nil {
		return activities.LoadPaylineResult{}, err
	}
	return l.keep(ctx, summary, refused)
}

// find is the file that the path stands for, "" when there is none.
func find(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the Payline file: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("look for the Payline file: %w", err)
	}
	found, lowest := "", 0
	for _, entry := range entries {
		parts := fileName.FindStringSubmatch(entry.Name())
		if parts == nil || !entry.Type().IsRegular() {
			continue
		}
		number, err := strconv.Atoi(parts[1])
		if err != nil {
			return "", fmt.Errorf("number of %s: %w", entry.Name(), err)
		}
		if found == "" || number < lowest {
			found, lowest = filepath.Join(path, entry.Name()), number
		}
	}
	return found, nil
}

// name is the file's, without its folder.
func (l *loading) name() string { return filepath.Base(l.file.Name()) }

// refusal is why all of a file is refused.
type refusal struct {
	code    request.Code
	message string
	faults  *fault.Faults // nil when the file itself is sound
}

// control reads the whole file before any of it is kept.
func (l *loading) control(ctx context.Context) (request.Summary, *refusal, error) {
	summary, err := l.each(ctx, func(*request.Line) error { return nil })
	found, refused := errors.AsType[*request.Refusal](err)
	switch {
	case !refused:
		return summary, nil, err
	case found.Faults.Incomplete():
		if err := l.settled(); err != nil {
			return request.Summary{}, nil, err
		}
	}
	return summary, &refusal{code: found.Code, message: found.Error(), faults: found.Faults}, nil
}

// settled is an error, to be tried again, while a file that stops before its
// end may still be being written.
func (l *loading) settled() error {
	now := l.activities.clock()
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the Payline file: %w", err)
	}
	if now.Before(l.asked.CutOff) && now.Sub(info.ModTime()) < settleTime {
		return fmt.Errorf("%s is being written: it has no end yet", l.name())
	}
	return nil
}

// each reads the file from its beginning.
func (l *loading) each(ctx context.Context, take func(*request.Line) error) (request.Summary, error) {
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return request.Summary{}, fmt.Errorf("go to the file's beginning: %w", err)
	}
	l.read.Store(0)
	return request.Read(l.name(), l.file, l.activities.settings.Layout, l.asked.BusinessDate, func(line *request.Line) error {
		l.read.Add(1)
		if err := ctx.Err(); err != nil {
			return err
		}
		return take(line)
	})
}

// keep commits the file's requests, or its refusal, and puts it into the
// archive with a report of its faults before that.
func (l *loading) keep(ctx context.Context, summary request.Summary, refused *refusal) (activities.LoadPaylineResult, error) {
	var result activities.LoadPaylineResult
	now := l.activities.now()
	err := postgres.InRun(ctx, l.activities.pool, l.asked.Run.Number, func(tx pgx.Tx) error {
		// Another worker may have taken a file in since this one looked.
		known, found, err := accepted(ctx, tx, l.asked.Run.ID.String())
		if err != nil {
			return err
		}
		if found {
			result = resultOf(known, "")
			return nil
		}
		queries := db.New(tx)
		if refused == nil {
			if refused, err = l.turn(ctx, queries, summary); err != nil {
				return err
			}
		}
		file := l.taken(summary, refused)
		number, err := insert(ctx, queries, l.asked.Run, file, now)
		if err != nil {
			return err
		}
		if refused == nil {
			if err := l.copy(ctx, tx, number, summary); err != nil {
				return err
			}
		}
		message := ""
		if refused != nil {
			message = refused.message
		}
		result = resultOf(file, message)
		return l.archive(ctx, summary, refused)
	})
	if err != nil {
		return activities.LoadPaylineResult{}, fmt.Errorf("take %s in: %w", l.name(), err)
	}
	return result, nil
}

// turn refuses a file whose content or number was accepted before, and one that
// is not the next.
func (l *loading) turn(ctx context.Context, queries *db.Queries, summary request.Summary) (*refusal, error) {
	known, err := queries.AcceptedContent(ctx, summary.SHA256[:])
	if err == nil {
		return &refusal{code: request.CodeDuplicate, message: fmt.Sprintf(
			"%s has the content of file %d, which %s took in; nothing of it was processed: it was sent again by mistake",
			l.name(), known.Sequence, known.Scope)}, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("look for the file's hash: %w", err)
	}
	last, err := queries.LastSequence(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the last file's number: %w", err)
	}
	switch next := int(last) + 1; {
	case last == 0 || summary.Sequence == next:
		return nil, nil //nolint:nilnil // it is not refused
	case summary.Sequence < next:
		return &refusal{code: request.CodeDuplicate, message: fmt.Sprintf(
			"%s carries number %d, which an earlier file has, with another content; nothing of it was processed: "+
				"ask its sender which one holds, and have a correction numbered %d", l.name(), summary.Sequence, next)}, nil
	default:
		return &refusal{code: request.CodeInvalidFile, message: fmt.Sprintf(
			"%s carries number %d, the next one is %d; nothing of it was processed: bring the files in their order, without a gap",
			l.name(), summary.Sequence, next)}, nil
	}
}

func (l *loading) taken(summary request.Summary, refused *refusal) taken {
	file := taken{
		header: summary.Header, name: l.name(), sha256: summary.SHA256[:],
		movements: summary.Movements, transfers: summary.Transfers, sum: summary.Sum,
	}
	if refused != nil {
		file.refused = refused.code
	}
	return file
}

func insert(ctx context.Context, queries *db.Queries, run activities.Run, file taken, now time.Time) (int32, error) {
	date := ""
	if !file.header.Date.IsZero() {
		date = file.header.Date.String()
	}
	number, err := queries.InsertFile(ctx, db.InsertFileParams{
		Scope: run.ID.String(), Sequence: int32(file.header.Sequence), //nolint:gosec // nine digits at most
		FileName: file.name, FileDate: date, Sha256: file.sha256,
		Movements: int32(file.movements), Transfers: int32(file.transfers), //nolint:gosec // the reader's limit is below 2^31
		SumCents: int64(file.sum), Refused: string(file.refused), ReceivedAt: now,
	})
	if err != nil {
		return 0, fmt.Errorf("register the file: %w", err)
	}
	return number, nil
}

func resultOf(file taken, message string) activities.LoadPaylineResult {
	return activities.LoadPaylineResult{
		Found: true, SHA256: hex.EncodeToString(file.sha256), Movements: file.movements, Transfers: file.transfers,
		Sum: file.sum, Refused: string(file.refused), Message: message,
	}
}

// copy reads the file a second time, into the table of requests, claims their
// identifiers, and marks the lines whose identifier belongs to another.
func (l *loading) copy(ctx context.Context, tx pgx.Tx, number int32, controlled request.Summary) error {
	var summary request.Summary
	_, err := postgres.Copy(ctx, tx, "payline_line", lineColumns(), func(rows *postgres.Rows) error {
		var err error
		summary, err = l.each(ctx, func(line *request.Line) error {
			if err := rows.Start(); err != nil {
				return err
			}
			encode(rows, number, line)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep requests: %w", err)
	}
	if summary.SHA256 != controlled.SHA256 {
		return fmt.Errorf("%s changed while it was read", l.name())
	}
	queries := db.New(tx)
	if err := queries.ClaimIDs(ctx, number); err != nil {
		return fmt.Errorf("claim endToEndIds: %w", err)
	}
	if _, err := queries.MarkSeen(ctx, number); err != nil {
		return fmt.Errorf("mark endToEndIds that were seen before: %w", err)
	}
	return nil
}

// lineColumns are the table's in the order in which encode writes them.
func lineColumns() []string {
	return []string{
		"file", "line", "kind", "end_to_end_id", "operation_code", "debtor_cp", "creditor_cp", "debtor_iban",
		"creditor_name", "creditor_bic", "creditor_iban", "amount_cents", "currency", "label", "exec_date", "control_code",
	}
}

func encode(rows *postgres.Rows, file int32, line *request.Line) {
	rows.Int32(file)
	rows.Int32(int32(line.Number)) //nolint:gosec // the reader's limit is below 2^31
	rows.String(string(line.Kind))
	rows.String(line.EndToEndID)
	rows.String(line.OperationCode)
	rows.String(line.DebtorCP)
	rows.String(line.CreditorCP)
	rows.String(line.DebtorIBAN)
	rows.String(line.CreditorName)
	rows.String(line.CreditorBIC)
	rows.String(line.CreditorIBAN)
	rows.Int64(int64(line.Amount))
	rows.String(line.Currency)
	rows.String(line.Label)
	if line.ExecDate.IsZero() {
		rows.Null()
	} else {
		rows.Date(line.ExecDate)
	}
	rows.String(string(line.Reject))
}

// archive keeps the file, compressed, and the report of what is wrong with it.
// Both are named by its content: made before, they are the same.
func (l *loading) archive(ctx context.Context, summary request.Summary, refused *refusal) error {
	base := archived(l.name(), summary.SHA256[:])
	if refused != nil || summary.LineFaults.Count > 0 {
		if err := l.report(base+".faults.json", summary, refused); err != nil {
			return err
		}
	}
	kept, err := inbox.Archive(l.activities.folders.Archive).Keep(ctx, l.file.Name(), base+".txt", summary.SHA256)
	if err != nil {
		return err
	}
	if !kept {
		return fmt.Errorf("%s changed while it was read", l.name())
	}
	return nil
}

// archived is what a file is called in the archive, without an ending.
func archived(name string, sha256 []byte) string {
	return stem(name) + "." + hex.EncodeToString(sha256)[:shaShown]
}

// stem is a file's name without its ending.
func stem(name string) string { return strings.TrimSuffix(name, ".txt") }

func (l *loading) report(name string, summary request.Summary, refused *refusal) error {
	report := struct {
		File    string        `json:"file"`
		SHA256  string        `json:"sha256"`
		Refused request.Code  `json:"refused,omitempty"`
		Message string        `json:"message,omitempty"`
		Faults  *fault.Faults `json:"faults,omitempty"`
		Lines   *fault.Faults `json:"rejectedLines,omitempty"`
	}{File: l.name(), SHA256: hex.EncodeToString(summary.SHA256[:]), Lines: &summary.LineFaults}
	if refused != nil {
		report.Refused, report.Message, report.Faults = refused.code, refused.message, refused.faults
	}
	_, err := inbox.Archive(l.activities.folders.Archive).Report(name, report)
	return err
}
