package front_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/starter/front"
)

func TestPeer(t *testing.T) {
	t.Parallel()
	ours := front.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for name, test := range map[string]struct {
		remote string
		said   []string
		want   string // empty when it is not known
	}{
		"nobody between":             {"192.0.2.1:1234", nil, "192.0.2.1"},
		"IPv6":                       {"[2001:db9::1]:1234", nil, "2001:db9::1"},
		"IPv4 within IPv6":           {"[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		"a zone":                     {"[fe80::1%eth0]:1234", nil, "fe80::1"},
		"somebody else's word":       {"192.0.2.1:1234", []string{"194.50.38.1"}, "192.0.2.1"},
		"our proxy's word":           {"10.0.0.1:1234", []string{"192.0.2.1"}, "192.0.2.1"},
		"our proxy of IPv6":          {"[2001:db8::5]:1234", []string{"192.0.2.1"}, "192.0.2.1"},
		"our proxy within IPv6":      {"[::ffff:10.0.0.1]:1234", []string{"192.0.2.1"}, "192.0.2.1"},
		"what the caller had said":   {"10.0.0.1:1234", []string{"194.50.38.1, 192.0.2.1"}, "192.0.2.1"},
		"on a line of its own":       {"10.0.0.1:1234", []string{"194.50.38.1", "192.0.2.1"}, "192.0.2.1"},
		"two of our proxies":         {"10.0.0.1:1234", []string{"194.50.38.1, 192.0.2.1,10.0.0.2"}, "192.0.2.1"},
		"our proxies on lines":       {"10.0.0.1:1234", []string{"194.50.38.1, 192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		"one of our own called":      {"10.0.0.1:1234", []string{"10.0.0.9"}, "10.0.0.9"},
		"our proxy itself":           {"10.0.0.1:1234", nil, "10.0.0.1"},
		"with a port":                {"10.0.0.1:1234", []string{"192.0.2.1:5678"}, "192.0.2.1"},
		"IPv6 said":                  {"10.0.0.1:1234", []string{"2001:db9::1"}, "2001:db9::1"},
		"IPv6 with a port":           {"10.0.0.1:1234", []string{"[2001:db9::1]:5678"}, "2001:db9::1"},
		"IPv4 within IPv6 said":      {"10.0.0.1:1234", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"no address":                 {"10.0.0.1:1234", []string{"194.50.38.1, unknown"}, ""},
		"nothing":                    {"10.0.0.1:1234", []string{""}, ""},
		"nothing at the end":         {"10.0.0.1:1234", []string{"194.50.38.1,"}, ""},
		"no address before a proxy":  {"10.0.0.1:1234", []string{"194.50.38.1, x, 10.0.0.2"}, ""},
		"no address, and not asked":  {"10.0.0.1:1234", []string{"x, 192.0.2.1"}, "192.0.2.1"},
		"no address of a connection": {"@", nil, ""},
	} {
		request := &http.Request{RemoteAddr: test.remote, Header: http.Header{"X-Forwarded-For": test.said}}
		want, _ := netip.ParseAddr(test.want)
		require.Equal(t, want, ours.Peer(request), name)
	}
	nobodys := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}}
	require.Equal(t, netip.MustParseAddr("10.0.0.1"), front.Proxies(nil).Peer(nobodys))
}

// TestNobodySaysWhoElseCalls: whatever a caller writes, behind proxies that add
// who called them it is the caller who is found.
func TestNobodySaysWhoElseCalls(t *testing.T) {
	t.Parallel()
	ours := front.Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	rapid.Check(t, func(t *rapid.T) {
		address := func(first byte) netip.Addr {
			rest := rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "address")
			return netip.AddrFrom4([4]byte{first, rest[0], rest[1], rest[2]})
		}
		caller := address(192)
		header := http.Header{"X-Forwarded-For": rapid.SliceOfN(rapid.OneOf(
			rapid.String(), rapid.Just("10.1.1.1"), rapid.Just("194.50.38.1, 10.1.1.1"), rapid.Just(","),
		), 0, 3).Draw(t, "written")}
		from := caller
		for range rapid.IntRange(0, 3).Draw(t, "proxies") {
			lines := header["X-Forwarded-For"]
			if rapid.Bool().Draw(t, "a line of its own") || len(lines) == 0 {
				header.Add("X-Forwarded-For", from.String())
			} else {
				lines[len(lines)-1] = strings.TrimSuffix(lines[len(lines)-1], "\n") + ", " + from.String()
			}
			from = address(10)
		}
		got := ours.Peer(&http.Request{RemoteAddr: netip.AddrPortFrom(from, 1234).String(), Header: header})
		require.Equal(t, caller, got)
	})
}
