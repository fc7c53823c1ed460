// Package events delivers the OG-EP events that vacations committed: a relay
// reads them from PostgreSQL in the order of their sequence and hands them to a
// sink, at least once. A sink that is away delays no vacation and loses nothing:
// the backlog grows until it is back.
package events

import (
	"context"
	"fmt"
)

// Sink is where events go. It is told of each event at least once: after a crash
// a page may come again, and whoever reads the sink drops what it has by uid.
type Sink interface {
	// Name identifies the sink for ever: what it was told of is kept under it.
	Name() string
	// Deliver returns nil only when the page is durable. The page's frames are
	// valid until it returns. After an error the same page comes again.
	Deliver(ctx context.Context, page Page) error
}

// Page is a run of consecutive events of one correlation.
type Page struct {
	CorrelationID string
	FirstSeq      int64
	LastSeq       int64
	// Frames are the events, one JSON object and a line feed each (NDJSON).
	Frames []byte
}

// Count is how many events the page holds.
func (p Page) Count() int { return int(p.LastSeq - p.FirstSeq + 1) }

// BrokenError is an event that the database should hold and does not: the
// correlation cannot be told further until someone has looked.
type BrokenError struct {
	CorrelationID string
	Seq           int64
	Reason        string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("correlation %s, event %d: %s; run `starter verify`", e.CorrelationID, e.Seq, e.Reason)
}
