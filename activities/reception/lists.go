package reception

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/reception/internal/db"
	"github.com/reglo/reglo/domain/delivery"
)

// ListMax is how many files, or notices, a list has at most.
const ListMax = 1_000

// Filter narrows a list of files; what is zero narrows nothing.
type Filter struct {
	Held  bool // those only that wait for an operator
	Kind  delivery.Kind
	Since time.Time // when they last came
}

// File is a received file as operators see it: what resembles an IBAN in its
// names is masked.
type File struct {
	Number  int32         `json:"number"`
	SHA256  string        `json:"sha256"`
	Partner string        `json:"partner"`
	Name    string        `json:"name"`
	Bytes   int64         `json:"bytes"`
	State   string        `json:"state"`
	Kind    delivery.Kind `json:"kind,omitempty"`
	Format  string        `json:"format,omitempty"`
	// Detail is why it waits.
	Detail string `json:"detail,omitempty"`
	// InboxName is the one under which it went, or goes, into the inbox.
	InboxName string `json:"inboxName,omitempty"`
	// SaidKind is what an operator said that it is.
	SaidKind delivery.Kind `json:"saidKind,omitempty"`
	// Times is how often its content was fetched.
	Times    int        `json:"timesReceived"`
	FirstAt  time.Time  `json:"firstAt"`
	LastAt   time.Time  `json:"lastAt"`
	RoutedAt *time.Time `json:"routedAt,omitempty"`
}

// Files lists received files, [ListMax] at most, the last one first.
func Files(ctx context.Context, pool *pgxpool.Pool, filter Filter) ([]File, error) {
	state := ""
	if filter.Held {
		state = stateHeld
	}
	rows, err := db.New(pool).ListFiles(ctx, db.ListFilesParams{
		State: state, Kind: string(filter.Kind), Since: filter.Since, AtMost: ListMax,
	})
	if err != nil {
		return nil, fmt.Errorf("list received files: %w", err)
	}
	files := make([]File, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		file := File{
			Number: row.Number, SHA256: row.Sha256, Partner: row.Partner, Name: inbox.Shown(row.Name), Bytes: row.Bytes,
			State: row.State, Kind: delivery.Kind(row.Kind), Format: row.Format, Detail: row.Detail,
			SaidKind: delivery.Kind(row.SaidKind), Times: int(row.TimesReceived), FirstAt: row.FirstAt, LastAt: row.LastAt,
			RoutedAt: row.RoutedAt,
		}
		if row.InboxName != "" {
			file.InboxName = inbox.Shown(row.InboxName)
		}
		files = append(files, file)
	}
	return files, nil
}

// Notice is what a partner's transfer product told, as operators see it.
type Notice struct {
	Server    string `json:"server"`
	Event     string `json:"event"`
	Transfer  string `json:"transfer"`
	Direction string `json:"direction"`
	Name      string `json:"name"`
	Bytes     int64  `json:"bytes"`
	// At is by the partner's clock, ReceivedAt by ours.
	At         time.Time  `json:"at"`
	ReceivedAt time.Time  `json:"receivedAt"`
	HandledAt  *time.Time `json:"handledAt,omitempty"`
}

// ListNotices lists the notices that came since then, [ListMax] at most, the last
// one first.
func ListNotices(ctx context.Context, pool *pgxpool.Pool, since time.Time) ([]Notice, error) {
	rows, err := db.New(pool).ListNotices(ctx, since, ListMax)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	list := make([]Notice, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		list = append(list, Notice{
			Server: row.Server, Event: row.Event, Transfer: row.Transfer, Direction: row.Direction, Name: inbox.Shown(row.Filename),
			Bytes: row.Bytes, At: row.At, ReceivedAt: row.ReceivedAt, HandledAt: row.HandledAt,
		})
	}
	return list, nil
}
