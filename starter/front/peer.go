package front

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor is the header in which each proxy adds, at the end, who called it.
const forwardedFor = "X-Forwarded-For"

// Proxies are the networks of our own proxies. What they say of who called them
// is taken; nobody else's word is.
type Proxies []netip.Prefix

// Peer is the address from which a request came: that of the connection, or,
// where that is one of our proxies, the last one in the chain of X-Forwarded-For
// that is none. It is the zero address, which is in no network, when a proxy says
// something that is no address.
func (p Proxies) Peer(r *http.Request) netip.Addr {
	connected, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := plain(connected.Addr())
	for _, said := range slices.Backward(r.Header.Values(forwardedFor)) {
		for _, hop := range slices.Backward(strings.Split(said, ",")) {
			if !p.contain(peer) {
				return peer
			}
			peer = parseHop(strings.TrimSpace(hop)) // in no network, when it is none
		}
	}
	return peer
}

// Pass tells whether a request came by one of our proxies, which then answers for
// the headers that it sets.
func (p Proxies) Pass(r *http.Request) bool {
	connected, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && p.contain(plain(connected.Addr()))
}

func (p Proxies) contain(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// parseHop reads an address as proxies write it, some with a port.
func parseHop(text string) netip.Addr {
	if address, err := netip.ParseAddr(text); err == nil {
		return plain(address)
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return plain(both.Addr())
	}
	return netip.Addr{}
}

// plain is an address as networks are written: IPv4 as such, and no zone.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// forwarded tells whether a proxy has passed a request on.
func forwarded(r *http.Request) bool {
	return len(r.Header.Values(forwardedFor)) > 0 || len(r.Header.Values("Forwarded")) > 0
}

type peerKey struct{}

func withPeer(ctx context.Context, peer netip.Addr) context.Context {
	return context.WithValue(ctx, peerKey{}, peer)
}

// PeerOf is the address from which the request came whose context this is, as
// [Proxies.Peer] finds it; the zero address when it is not known.
func PeerOf(ctx context.Context) netip.Addr {
	peer, _ := ctx.Value(peerKey{}).(netip.Addr)
	return peer
}
