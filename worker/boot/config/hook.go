package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/reglo/reglo/domain/webhook"
)

// Hook is how the file transfer product tells us of transfers.
type Hook struct {
	// Server is the partner of which it tells: the last part of the path that it calls.
	Server string
	// Header holds the signature.
	Header string
	// Secret signs; without one, and without its file, nothing is listened to.
	Secret     Secret
	SecretFile string
	// URL is where the product reaches us, empty unless it is told so by us.
	URL string
}

const hookGroup = "hook."

var (
	hookServerPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	headerPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// hookSettings say how the product's notices are taken.
func hookSettings() []setting {
	at := func(name string) string { return hookGroup + name }
	url := guarded(text(at("url"), "where the product reaches us, https://host/hooks/pesit/"+defaultHookServer+"; for serve --register",
		func(c *Config) *string { return &c.Hook.URL }))
	url.read = readHookURL
	return []setting{
		{
			key: at("server"), usage: "partner of which the product tells: the path is /hooks/pesit/ and this", fallback: defaultHookServer,
			read: func(c *Config, value string) error {
				if !hookServerPattern.MatchString(value) {
					return errors.New("must be 1 to 32 small letters, digits and hyphens")
				}
				c.Hook.Server = value
				return nil
			},
			show: func(c *Config) string { return c.Hook.Server },
		},
		{
			key: at("header"), usage: "header of the product's signatures", fallback: webhook.DefaultHeader,
			read: func(c *Config, value string) error {
				if !headerPattern.MatchString(value) {
					return errors.New("must be the name of a header: 1 to 64 letters, digits and hyphens")
				}
				c.Hook.Header = value
				return nil
			},
			show: func(c *Config) string { return c.Hook.Header },
		},
		secret(at("secret"), "what the product signs with; no flag", func(c *Config) *Secret { return &c.Hook.Secret }),
		text(at("secret_file"), "file of that secret", func(c *Config) *string { return &c.Hook.SecretFile }),
		url,
	}
}

const defaultHookServer = "bank"

func readHookURL(c *Config, value string) error {
	target, err := url.Parse(value)
	if value != "" && (err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Host == "" ||
		target.User != nil || target.RawQuery != "" || target.Fragment != "") {
		return errors.New("must be https://host/path or http://host/path, and no more")
	}
	c.Hook.URL = value
	return nil
}

// checkHook looks at what keeps notices from being forged.
func (l *loader) checkHook(c *Hook) {
	switch {
	case c.Secret != "" && c.SecretFile != "":
		l.refuse(find(hookGroup+"secret"), c.Secret.Reveal(), "stands beside "+hookGroup+"secret_file; keep one")
	case c.Secret != "" && len(c.Secret) < webhook.MinSecret:
		l.refuse(find(hookGroup+"secret"), c.Secret.Reveal(), shortSecret())
	}
}

// ReadHookSecret is what the product signs with, from its setting or its file;
// empty when there is none. The error is an [Error].
func (c Config) ReadHookSecret() (webhook.Secret, error) {
	secret, err := c.ReadSecret(c.Hook.Secret, hookGroup+"secret_file", c.Hook.SecretFile)
	if err != nil {
		return "", err
	}
	if secret != "" && len(secret) < webhook.MinSecret {
		return "", c.Refuse(hookGroup+"secret_file", shortSecret())
	}
	return webhook.Secret(secret.Reveal()), nil
}

func shortSecret() string {
	return fmt.Sprintf("has less than %d bytes, and would be guessed: take that of `openssl rand -hex 32`", webhook.MinSecret)
}
