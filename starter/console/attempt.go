package console

import (
	"net/netip"
	"sync"
	"time"
)

// Limits of those who try keys.
const (
	// MaxFailures is how many wrong keys a peer may show in a window: enough for a
	// person who mistypes, and for a program that has an old one to be noticed.
	MaxFailures = 10
	// FailureWindow is for how long wrong keys count, from the first one on.
	FailureWindow = 10 * time.Minute
	// maxPeers bounds the peers that are told apart, and with them the memory. What
	// comes beyond counts together.
	maxPeers = 10_000
	// networkBits is how much of an address of IPv6 is a subscriber's.
	networkBits = 64
)

// attempts counts the wrong keys of each peer.
type attempts struct {
	lock   sync.Mutex
	counts map[netip.Prefix]tries
}

type tries struct {
	since time.Time
	count int
}

// begin counts an attempt before it is known whether it fails, so that many at
// once are counted, too. It gives how long the peer is to wait, zero when it may
// try; one that succeeds is taken back.
func (a *attempts) begin(peer netip.Addr, now time.Time) time.Duration {
	a.lock.Lock()
	defer a.lock.Unlock()
	from := a.place(peer, now)
	tried := a.counts[from]
	if now.Sub(tried.since) >= FailureWindow {
		tried = tries{since: now}
	}
	if tried.count >= MaxFailures {
		return FailureWindow - now.Sub(tried.since)
	}
	tried.count++
	if a.counts == nil {
		a.counts = make(map[netip.Prefix]tries)
	}
	a.counts[from] = tried
	return 0
}

// succeed takes an attempt back.
func (a *attempts) succeed(peer netip.Addr) {
	a.lock.Lock()
	defer a.lock.Unlock()
	from := network(peer)
	tried, there := a.counts[from]
	if !there {
		from = netip.Prefix{}
		tried = a.counts[from]
	}
	tried.count--
	if tried.count <= 0 {
		delete(a.counts, from)
		return
	}
	a.counts[from] = tried
}

// place is under what a peer is counted.
func (a *attempts) place(peer netip.Addr, now time.Time) netip.Prefix {
	from := network(peer)
	if _, there := a.counts[from]; there || len(a.counts) < maxPeers {
		return from
	}
	for other, tried := range a.counts {
		if now.Sub(tried.since) >= FailureWindow {
			delete(a.counts, other)
		}
	}
	if len(a.counts) < maxPeers {
		return from
	}
	return netip.Prefix{}
}

// network is an address, or of IPv6 the subscriber's network; the zero one when
// the peer is not known.
func network(peer netip.Addr) netip.Prefix {
	bits := peer.BitLen()
	if peer.Is6() {
		bits = networkBits
	}
	from, err := peer.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return from
}
