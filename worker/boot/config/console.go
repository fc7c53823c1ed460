package config

import (
	"errors"
	"slices"
	"strings"
)

// Console is who may look at what the card payment gateway has told us.
type Console struct {
	// KeysFile holds one line a person or program: name:role:sha256 of the key in
	// hexadecimal digits. Empty for none.
	KeysFile string
	// ProxyHeader is the header in which one of front.trusted_proxies names whom it
	// has let in; empty for none.
	ProxyHeader string
}

const consoleGroup = "console."

// consoleSettings say who may look. With neither of them, nobody may.
func consoleSettings() []setting {
	at := func(name string) string { return consoleGroup + name }
	return []setting{
		text(at("keys_file"), "file of those who may look at notifications: lines name:role:sha256 of the key; empty for none",
			func(c *Config) *string { return &c.Console.KeysFile }),
		{
			key: at("proxy_header"), empty: true, read: readProxyHeader,
			usage: "header in which our own proxy names whom it has let in to look at notifications; empty for none",
			show:  func(c *Config) string { return c.Console.ProxyHeader },
		},
	}
}

// takenHeaders mean something already, and callers write them, or proxies for every
// caller.
func takenHeaders() []string {
	return []string{
		"authorization", "cookie", "forwarded", "host", "origin", "referer", "user-agent", "x-api-key", "x-forwarded-for",
		"x-forwarded-host", "x-forwarded-proto", "x-real-ip",
	}
}

func readProxyHeader(c *Config, value string) error {
	if value != "" && (!headerPattern.MatchString(value) || slices.Contains(takenHeaders(), strings.ToLower(value))) {
		return errors.New("must be the name of a header that nobody else writes, such as X-Reglo-User: 1 to 64 letters, digits and hyphens")
	}
	c.Console.ProxyHeader = value
	return nil
}

// checkConsole looks at what belongs together.
func (l *loader) checkConsole(c *Console, proxies *Front) {
	if c.ProxyHeader != "" && len(proxies.TrustedProxies) == 0 {
		l.refuse(find(consoleGroup+"proxy_header"), c.ProxyHeader,
			"is believed of nobody: name the proxies in "+frontGroup+"trusted_proxies, or leave it empty")
	}
}
