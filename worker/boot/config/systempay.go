package config

import (
	"fmt"

	"github.com/reglo/reglo/activities/matching"
)

// SystemPay is how card payments are asked for by SystemPay, and who may ask.
type SystemPay struct {
	// Shops names the YAML file of the shops; empty for none.
	Shops string
	// APIKey is that of who may ask for forms. Without one, and without its file,
	// nobody may.
	APIKey     Secret
	APIKeyFile string
	// Match says how payments are matched with card lines.
	Match matching.Settings
}

const (
	systemPayGroup = "systempay."
	// minAPIKey is how many characters a key has at least: 16 random bytes in
	// hexadecimal digits.
	minAPIKey = 32
)

// systemPaySettings say by which shops payments are asked for.
func systemPaySettings() []setting {
	at := func(name string) string { return systemPayGroup + name }
	return []setting{
		text(at("shops"), "YAML file of the shops that take card payments by SystemPay; empty for none",
			func(c *Config) *string { return &c.SystemPay.Shops }),
		secret(at("api_key"), "key of who may ask for payment forms by HTTP; no flag",
			func(c *Config) *Secret { return &c.SystemPay.APIKey }),
		text(at("api_key_file"), "file of that key", func(c *Config) *string { return &c.SystemPay.APIKeyFile }),
	}
}

// checkSystemPay looks at what keeps strangers from asking for payments.
func (l *loader) checkSystemPay(c *SystemPay) {
	switch {
	case c.APIKey != "" && c.APIKeyFile != "":
		l.refuse(find(systemPayGroup+"api_key"), c.APIKey.Reveal(), "stands beside "+systemPayGroup+"api_key_file; keep one")
	case c.APIKey != "" && len(c.APIKey) < minAPIKey:
		l.refuse(find(systemPayGroup+"api_key"), c.APIKey.Reveal(), shortKey())
	}
}

// ReadAPIKey is the key of who may ask for payment forms, from its setting or its
// file; empty when there is none. The error is an [Error].
func (c Config) ReadAPIKey() (Secret, error) {
	key, err := c.ReadSecret(c.SystemPay.APIKey, systemPayGroup+"api_key_file", c.SystemPay.APIKeyFile)
	if err != nil {
		return "", err
	}
	if key != "" && len(key) < minAPIKey {
		return "", c.Refuse(systemPayGroup+"api_key_file", shortKey())
	}
	return key, nil
}

func shortKey() string {
	return fmt.Sprintf("has less than %d characters, and would be guessed: take that of `openssl rand -hex 32`", minAPIKey)
}
