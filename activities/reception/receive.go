package reception

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/reception/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	// noticesKept is how long a notice stands in the database after it was dealt
	// with: far beyond the minutes in which one that is played again is taken for
	// one of now, and long enough to look back at a month.
	noticesKept = 30 * 24 * time.Hour
	// announcedMax is how many notices of a partner one call asks for, the last
	// first: a day brings some dozens, and a partner that announces without end
	// must not fill the memory.
	announcedMax = 1_000
)

// ReceiveFiles takes in what partners have for us: each file is fetched, kept
// once, controlled, and put where its readers find it. What fails with one file
// or one partner keeps no other back; the error is returned when all else is
// done, so that a retry deals with the rest.
func (a *Activities) ReceiveFiles(
	ctx context.Context, request activities.ReceiveFilesRequest,
) (activities.ReceiveFilesResult, error) {
	call := &receiving{Activities: a, queries: db.New(a.Pool), date: businessDay(request.Date, activity.GetInfo(ctx))}
	stop := heartbeat.Start(ctx, func() any { return progress{Bytes: call.fetched.Load()} })
	defer stop()
	result, err := call.run(ctx)
	if err != nil {
		return activities.ReceiveFilesResult{}, activities.Failed("receive files", err)
	}
	return result, nil
}

// businessDay is the day whose files are asked for. Where midnight has passed since
// the first attempt, it is the day of this one: what fails again and again must not
// keep the next day's files from being asked for.
func businessDay(asked calendar.Date, attempt activity.Info) calendar.Date {
	if day := calendar.DateOf(attempt.StartedTime); day.After(calendar.DateOf(attempt.ScheduledTime)) {
		return day
	}
	return asked
}

// progress is what a heartbeat tells.
type progress struct {
	Bytes int64 `json:"bytes"` // fetched by this call
}

// receiving is one call.
type receiving struct {
	*Activities

	queries *db.Queries
	date    calendar.Date
	fetched atomic.Int64 // bytes, for the heartbeat

	result activities.ReceiveFilesResult
	moved  bool // a file was put where its readers find it
	failed []error
}

// maskedError is an error of a partner, or of a file system, which may repeat the
// name of a file: whatever resembles an IBAN in it is masked.
type maskedError struct{ err error }

func (e maskedError) Error() string { return inbox.Masked(e.err.Error()) }

func (e maskedError) Unwrap() error { return e.err }

// note keeps what went wrong with one thing until all others are done.
func (r *receiving) note(err error) {
	if err != nil {
		r.failed = append(r.failed, err)
	}
}

func (r *receiving) run(ctx context.Context) (activities.ReceiveFilesResult, error) {
	if err := os.MkdirAll(r.Folders.received(), folderMode); err != nil {
		return activities.ReceiveFilesResult{}, fmt.Errorf("make the folder of received files: %w", err)
	}
	r.note(r.clear(ctx))
	r.note(r.clearNotices(ctx))
	// First what earlier calls left, and what operators decided on: it waits for no partner.
	r.note(r.placeAll(ctx))
	for _, partner := range r.Partners {
		r.note(r.poll(ctx, partner))
	}
	if err := ctx.Err(); err != nil {
		return activities.ReceiveFilesResult{}, fmt.Errorf("interrupted; what was kept stays: %w", err)
	}
	r.note(r.await(ctx))
	return r.result, errors.Join(r.failed...)
}

// clearNotices deals with the notices that announce nothing, and forgets old ones.
func (r *receiving) clearNotices(ctx context.Context) error {
	now := r.Clock()
	if err := r.queries.NoticesNoted(ctx, now); err != nil {
		return fmt.Errorf("note the notices that announce nothing: %w", err)
	}
	if err := r.queries.DeleteNotices(ctx, now.Add(-noticesKept)); err != nil {
		return fmt.Errorf("delete old notices: %w", err)
	}
	return nil
}

// await names the runs that may look now, if there is something to be found. A
// call before this one may have put it there, and died before it could say so.
func (r *receiving) await(ctx context.Context) error {
	if !r.moved && activity.GetInfo(ctx).Attempt == 1 {
		return nil
	}
	var err error
	r.result.Awaiting, err = r.queries.Awaiting(ctx, []string{string(vacation.Technique), string(vacation.Financiere)})
	if err != nil {
		return fmt.Errorf("look for the runs that wait for files: %w", err)
	}
	return nil
}

// notices are those of one partner that announce files, by what they are found by.
type notices struct {
	byTransfer, byName map[string][]string // keys
}

// newNotices sorts them by the offers that deal with them. Where its transfer is
// offered, no other file of its name deals with a notice: what it announced may not
// have come yet.
func newNotices(rows []db.OpenNoticesRow, offers []channels.Offer) notices {
	offered := make(map[string]bool, len(offers))
	for _, offer := range offers {
		offered[offer.Transfer] = true
	}
	n := notices{byTransfer: make(map[string][]string), byName: make(map[string][]string)}
	for _, row := range rows {
		if offered[row.Transfer] {
			n.byTransfer[row.Transfer] = append(n.byTransfer[row.Transfer], row.Key)
		} else {
			n.byName[row.Filename] = append(n.byName[row.Filename], row.Key)
		}
	}
	return n
}

// of are those that announce the offer: of its transfer, where it has one.
func (n notices) of(offer channels.Offer) []string {
	if offer.Transfer != "" {
		return n.byTransfer[offer.Transfer]
	}
	return n.byName[offer.Name]
}

// poll takes in what one partner has.
func (r *receiving) poll(ctx context.Context, partner Partner) error {
	rows, err := r.queries.OpenNotices(ctx, partner.Name, announcedMax)
	if err != nil {
		return fmt.Errorf("read what %s announced: %w", partner.Name, err)
	}
	announced := make([]channels.Announcement, 0, len(rows))
	for _, row := range rows {
		announced = append(announced, channels.Announcement{Transfer: row.Transfer, Name: row.Filename, Bytes: row.Bytes})
	}
	offers, err := partner.Mailbox.Offers(ctx, r.date, announced)
	if err != nil {
		return fmt.Errorf("ask %s what it has for us: %w", partner.Name, err)
	}
	known := newNotices(rows, offers)
	for _, offer := range offers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.receive(ctx, partner, offer, known.of(offer)); err != nil {
			r.note(fmt.Errorf("receive %s of %s: %w", inbox.Shown(offer.Name), partner.Name, maskedError{err}))
		}
	}
	return nil
}

// receive takes one offer in. The notices that announced it are dealt with once
// its content is safe, or the partner says that it has none.
func (r *receiving) receive(ctx context.Context, partner Partner, offer channels.Offer, announcedBy []string) error {
	if err := channels.CheckName(offer.Name); err != nil {
		return channels.ErrName // the name itself is nobody's to repeat
	}
	number, err := r.content(ctx, partner, offer)
	none := errors.Is(err, channels.ErrNoFile)
	if err != nil && !none {
		return err
	}
	if len(announcedBy) > 0 {
		if err := r.queries.NoticesHandled(ctx, r.Clock(), announcedBy); err != nil {
			return fmt.Errorf("note that its notices are dealt with: %w", err)
		}
	}
	if none {
		return nil
	}
	// Whether or not the partner hears that its copy may go, ours may be used.
	err = partner.Mailbox.Taken(ctx, offer)
	if err != nil {
		err = fmt.Errorf("tell the partner that it was taken: %w", err)
	}
	return errors.Join(err, r.place(ctx, number))
}
