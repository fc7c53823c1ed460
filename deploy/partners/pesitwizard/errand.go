package pesitwizard

import "sync"

// errands are what is under way: more may begin while somebody waits for all of
// them, which a sync.WaitGroup does not take when there are none just then.
type errands struct {
	lock  sync.Mutex
	ended sync.Cond
	count int
}

func newErrands() *errands {
	e := &errands{}
	e.ended.L = &e.lock
	return e
}

// run begins one.
func (e *errands) run(work func()) {
	e.lock.Lock()
	e.count++
	e.lock.Unlock()
	go func() {
		defer func() {
			e.lock.Lock()
			defer e.lock.Unlock()
			e.count--
			e.ended.Broadcast()
		}()
		work()
	}()
}

// wait returns when none is under way.
func (e *errands) wait() {
	e.lock.Lock()
	defer e.lock.Unlock()
	for e.count > 0 {
		e.ended.Wait()
	}
}
