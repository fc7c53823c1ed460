package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Front is where partners reach us by HTTP: what the starter serves.
type Front struct {
	// Address is host:port; port 0 lets the system choose.
	Address string
	// TrustedProxies are the networks of our own proxies, whose word on who called
	// them is taken.
	TrustedProxies []netip.Prefix
	// TLSCert and TLSKey are PEM files; without them the front speaks plain HTTP,
	// to a proxy on this machine or network.
	TLSCert, TLSKey string
}

const frontGroup = "front."

// frontSettings say where partners reach us.
func frontSettings() []setting {
	at := func(name string) string { return frontGroup + name }
	return []setting{
		{
			key: at("address"), usage: "host:port at which `starter serve` answers partners; port 0 lets the system choose",
			fallback: "127.0.0.1:8090",
			read: func(c *Config, value string) error {
				_, port, err := net.SplitHostPort(value)
				if err == nil {
					var number int
					err = readInt(port, 0, maxPort, &number)
				}
				if err != nil {
					return fmt.Errorf("must be host:port, port 0 to %d, such as 127.0.0.1:8090", maxPort)
				}
				c.Front.Address = value
				return nil
			},
			show: func(c *Config) string { return c.Front.Address },
		},
		{
			key: at("trusted_proxies"), empty: true, read: readProxies,
			usage: "networks of our own proxies, as 10.1.2.0/24, separated by commas; empty for none",
			show: func(c *Config) string {
				texts := make([]string, 0, len(c.Front.TrustedProxies))
				for _, network := range c.Front.TrustedProxies {
					texts = append(texts, network.String())
				}
				return strings.Join(texts, ",")
			},
		},
		text(at("tls_cert"), "PEM file of the certificate that is shown to partners, and its chain; empty for plain HTTP",
			func(c *Config) *string { return &c.Front.TLSCert }),
		text(at("tls_key"), "PEM file of its private key", func(c *Config) *string { return &c.Front.TLSKey }),
	}
}

// readProxies reads networks. One that is everybody would let callers say who
// they are.
func readProxies(c *Config, value string) error {
	c.Front.TrustedProxies = nil
	if value == "" {
		return nil
	}
	for i, text := range strings.Split(value, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(text))
		switch {
		case err != nil || network != network.Masked() || network.Addr().Is4In6():
			return fmt.Errorf("network %d must be an address and the length of its prefix, such as 10.1.2.0/24 or 10.1.2.3/32", i+1)
		case network.Bits() == 0:
			return fmt.Errorf("network %d is everybody: name the proxies' own", i+1)
		}
		c.Front.TrustedProxies = append(c.Front.TrustedProxies, network)
	}
	return nil
}

// checkFront looks at what belongs together.
func (l *loader) checkFront(c *Front) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		l.refuse(find(frontGroup+"tls_cert"), c.TLSCert, "belongs together with "+frontGroup+"tls_key: set both, or none for plain HTTP")
	}
}
