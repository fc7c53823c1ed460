package payment

import (
	"sync"
	"time"

	"github.com/reglo/reglo/domain/systempay"
)

// MaxRefused is how many messages that are not believed are kept of each kind, shop
// and minute: enough for a person to see what comes. A stranger who sends many
// fills no disk.
const MaxRefused = 10

// refusals counts what was refused this minute.
type refusals struct {
	lock   sync.Mutex
	counts map[kind]count
}

type kind struct {
	shop    string
	outcome systempay.Outcome
}

type count struct {
	minute time.Time
	kept   int
}

// admit tells whether one more is kept.
func (r *refusals) admit(shop string, outcome systempay.Outcome, at time.Time) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	minute, of := at.Truncate(time.Minute), kind{shop, outcome}
	if r.counts == nil {
		r.counts = make(map[kind]count)
	}
	so := r.counts[of]
	if !so.minute.Equal(minute) {
		so = count{minute: minute}
	}
	if so.kept == MaxRefused {
		return false
	}
	so.kept++
	r.counts[of] = so
	return true
}
