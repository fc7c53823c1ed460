package config

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// Where Temporal is when nobody says: its development server.
const (
	defaultTemporalAddress   = "127.0.0.1:7233"
	defaultTemporalNamespace = "default"
)

// Temporal says how the Temporal server is reached.
type Temporal struct {
	Address   string
	Namespace string

	profile envconfig.ClientConfigProfile
}

// ClientOptions gives the SDK's options: address, namespace, credentials and
// TLS. It reads the certificate files.
func (t Temporal) ClientOptions() (client.Options, error) {
	options, err := t.profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return client.Options{}, fmt.Errorf("the TEMPORAL_TLS_… settings: %w", err)
	}
	return options, nil
}

// String is the address and the namespace, never a credential.
func (t Temporal) String() string { return t.Address + " namespace " + t.Namespace }

// GoString is [Temporal.String].
func (t Temporal) GoString() string { return t.String() }

// redacted gives name and value of what is printed.
func (t Temporal) redacted() [][2]string {
	tls := "off"
	switch {
	case t.profile.TLS != nil && t.profile.TLS.Disabled:
	case t.profile.TLS != nil && (t.profile.TLS.ClientCertPath != "" || len(t.profile.TLS.ClientCertData) > 0):
		tls = "on, with a client certificate"
	case t.profile.TLS != nil || t.profile.APIKey != "":
		tls = "on"
	}
	return [][2]string{
		{"address", t.Address},
		{"namespace", t.Namespace},
		{"tls", tls},
		{"api_key", Secret(t.profile.APIKey).String()},
	}
}

func loadTemporal(environ []string) (Temporal, error) {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{
		ConfigFileStrict: true,
		EnvLookup:        environment(environ),
	})
	if err != nil {
		return Temporal{}, fmt.Errorf("read: %w", err)
	}
	if profile.Address == "" {
		profile.Address = defaultTemporalAddress
	}
	if profile.Namespace == "" {
		profile.Namespace = defaultTemporalNamespace
	}
	return Temporal{Address: profile.Address, Namespace: profile.Namespace, profile: profile}, nil
}

// environment is a list as of os.Environ, to look names up in.
type environment []string

// Environ gives all lines.
func (e environment) Environ() []string { return slices.Clone(e) }

// LookupEnv gives the last of several, as the operating system does.
func (e environment) LookupEnv(name string) (string, bool) {
	for _, line := range slices.Backward(e) {
		if value, found := strings.CutPrefix(line, name+"="); found {
			return value, true
		}
	}
	return "", false
}
