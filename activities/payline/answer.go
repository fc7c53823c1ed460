package payline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/payline/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/money"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
)

// answersAtOnce is how many lines are read at a time, some hundred bytes each.
const answersAtOnce = 5_000

// AnswerPayline writes the response to each file of the session that has none,
// and takes the file out of the inbox. The response to Payline.<number>.txt is
// Payline.<number>.response.txt, the same bytes for the same outcomes. A refusal
// has the beginning of the file's SHA-256 before .response: a file that is sent
// again by mistake must not write over the response to the first.
func (a *Activities) AnswerPayline(ctx context.Context, run activities.Run) (activities.AnswerPaylineResult, error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageAnswering} })
	defer stop()

	list, err := files(ctx, a.pool, run.ID.String())
	if err != nil || len(list) == 0 {
		return activities.AnswerPaylineResult{}, err
	}
	var result activities.AnswerPaylineResult
	// The oldest first: what the session answers is the file that came last.
	for _, file := range slices.Backward(list) {
		if result, err = a.answer(ctx, run, file); err != nil {
			return activities.AnswerPaylineResult{}, activities.Failed("answer "+file.name, err)
		}
	}
	return result, nil
}

// answer writes the response to a file, unless that was done before.
func (a *Activities) answer(ctx context.Context, run activities.Run, file taken) (activities.AnswerPaylineResult, error) {
	result := activities.AnswerPaylineResult{File: archived(file.name, file.sha256) + ".response.txt"}
	if file.refused == "" {
		result.File = stem(file.name) + ".response.txt"
		outcomes, err := db.New(a.pool).Outcomes(ctx, file.number)
		if err != nil {
			return activities.AnswerPaylineResult{}, fmt.Errorf("count answers: %w", err)
		}
		if outcomes.Undecided > 0 {
			return activities.AnswerPaylineResult{}, fmt.Errorf(
				"%d lines have no outcome yet: post or refuse their orders first", outcomes.Undecided)
		}
		result.Accepted, result.Rejected = int(outcomes.Accepted), int(outcomes.Rejected)
	}
	if file.answered {
		return result, nil
	}
	if err := a.respond(ctx, file, result.File); err != nil {
		return activities.AnswerPaylineResult{}, err
	}
	now := a.now()
	if err := a.putAway(ctx, file, result, now); err != nil {
		return activities.AnswerPaylineResult{}, err
	}
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		if err := db.New(tx).FileAnswered(ctx, &now, file.number); err != nil {
			return fmt.Errorf("mark the file: %w", err)
		}
		return nil
	})
	if err != nil {
		return activities.AnswerPaylineResult{}, err
	}
	return result, nil
}

// respond puts the response into the outbox: written under a hidden name,
// renamed when it is safely on the disk.
func (a *Activities) respond(ctx context.Context, file taken, name string) error {
	temporary, err := os.CreateTemp(a.folders.Outbox, ".writing-*")
	if err != nil {
		return fmt.Errorf("make the response: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone when it was renamed
	if file.refused != "" {
		err = request.WriteRefusal(temporary, file.header, file.refused)
	} else {
		err = a.write(ctx, temporary, file)
	}
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("write the response: %w", err)
	}
	if err := os.Rename(temporary.Name(), filepath.Join(a.folders.Outbox, name)); err != nil {
		return fmt.Errorf("put the response in place: %w", err)
	}
	folder, err := os.Open(a.folders.Outbox)
	if err != nil {
		return fmt.Errorf("sync the outbox: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync the outbox: %w", err)
	}
	return nil
}

// write writes each line's answer.
func (a *Activities) write(ctx context.Context, destination io.Writer, file taken) error {
	response, err := request.NewResponse(destination, file.header)
	if err != nil {
		return err
	}
	queries := db.New(a.pool)
	for after := int32(0); ; {
		rows, err := queries.Answers(ctx, file.number, after, answersAtOnce)
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		for i := range rows {
			row := &rows[i]
			err := response.Write(request.Answer(&request.Line{
				Kind: request.Kind(row.Kind), EndToEndID: row.EndToEndID, DebtorCP: row.DebtorCp, CreditorCP: row.CreditorCp,
				CreditorIBAN: row.CreditorIban, Amount: money.Cents(row.AmountCents),
			}, request.Code(row.RejectCode)))
			if err != nil {
				return err
			}
			after = row.Line
		}
		if len(rows) < answersAtOnce {
			break
		}
	}
	_, err = response.Close()
	return err
}

// putAway writes what became of the file beside its archive, and takes it out
// of the inbox. A file that stands elsewhere stays there, and so does another
// one that came under its name.
func (a *Activities) putAway(ctx context.Context, file taken, result activities.AnswerPaylineResult, now time.Time) error {
	archive, name := inbox.Archive(a.folders.Archive), archived(file.name, file.sha256)
	_, err := archive.Report(name+".answered.json", struct {
		activities.AnswerPaylineResult

		SHA256     string       `json:"sha256"`
		Refused    request.Code `json:"refused,omitempty"`
		Movements  int          `json:"movements"`
		Transfers  int          `json:"transfers"`
		Sum        money.Cents  `json:"sumCents"`
		AnsweredAt time.Time    `json:"answeredAt"`
	}{
		result, hex.EncodeToString(file.sha256), file.refused, file.movements, file.transfers, file.sum,
		now.UTC().Truncate(time.Second),
	})
	if err != nil {
		return err
	}
	_, err = archive.Put(ctx, filepath.Join(a.folders.Inbox, file.name), name+".txt", [sha256.Size]byte(file.sha256))
	return err
}
