// Package divalto is the way to the ERP Divalto infinity over HTTP: it
// authenticates, posts one settlement a call, and looks settlements up by their
// label. A request that may have reached the ERP is never repeated here.
package divalto

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/divalto"
)

// What holds where [Settings] say nothing.
const (
	// DefaultTokenLifetime is for how long a token is used. The ERP forgets one
	// after half an hour or more; a posting that begins with a token must end with it.
	DefaultTokenLifetime = 25 * time.Minute
	// DefaultTimeout is how long the ERP may take to post: it books a settlement in
	// seconds, and in minutes while it closes a day. It has to stay, with a login and
	// a look-up, within the time that the contract gives one activity.
	DefaultTimeout = 2 * time.Minute
	// MaxTimeout is the longest that a posting may take, for that reason.
	MaxTimeout = 3 * time.Minute

	// The look-up's names, as far as they are the same everywhere: the ERP's public
	// documentation shows the service, and leaves these to the site.
	defaultLookUpPath       = "/api/v1/RecordSql/Execute"
	defaultLookUpDictionary = "RTRSRGLT.DHOQ"
	defaultLookUpRecord     = "RgltJnlEnt"
	defaultLookUpCondition  = "Equal_Lib"
	defaultLookUpField      = "TRANSAC"
)

// LookUp is how the ERP is asked for what it has under a label. What is empty is
// as ordinary.
type LookUp struct {
	Path       string // behind the ERP's base address
	Dictionary string // dictionary of the requests, allowed by the ERP's administrator
	Record     string // the request
	Condition  string // its condition that a label is equal
	Field      string // field of the transaction's number
}

// Settings are those of one dossier of one ERP.
type Settings struct {
	// URL is the ERP's base address: https://host, or http for one on this machine.
	URL         string
	Credentials divalto.Credentials
	// Dos is the dossier that look-ups name; empty for the ERP user's own.
	Dos    string
	LookUp LookUp
	// TokenLifetime and Timeout are DefaultTokenLifetime and DefaultTimeout where
	// they are zero.
	TokenLifetime time.Duration
	Timeout       time.Duration
	// Roots are the authorities that certify the ERP; nil for the system's.
	Roots *x509.CertPool
	// Proxy stands between us and the ERP; nil for none. The environment is not
	// asked.
	Proxy *url.URL
	// AllowPlain lets the password and settlements go over http to another machine,
	// for a network that is encrypted below.
	AllowPlain bool
}

// ErrSettings is wrapped by the errors of [New].
var ErrSettings = errors.New("settings of the ERP")

// namePattern is what names of the look-up are made of: they stand in a list
// with separators.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// check gives the address, and all that is wrong with the settings.
func (s *Settings) check() (*url.URL, error) {
	base, err := s.base()
	problems := []error{err}
	refuse := func(wrong bool, message string) {
		if wrong {
			problems = append(problems, fmt.Errorf("%w: %s", ErrSettings, message))
		}
	}
	refuse(s.Credentials.User == "", "the user is missing")
	refuse(s.Credentials.Password == "", "the password is missing")
	refuse(s.TokenLifetime < 0 || s.Timeout < 0, "times are above zero")
	refuse(s.Timeout > MaxTimeout, "a posting may take "+MaxTimeout.String()+" at most")
	refuse(s.Dos != "" && !namePattern.MatchString(s.Dos), "the dossier is no word")
	for _, one := range []string{s.LookUp.Dictionary, s.LookUp.Record, s.LookUp.Condition, s.LookUp.Field} {
		refuse(!namePattern.MatchString(one), "a name of the look-up is missing, or no word")
	}
	refuse(!strings.HasPrefix(s.LookUp.Path, "/"), "the path of the look-up does not begin with /")
	return base, errors.Join(problems...)
}

// fill puts in what is ordinary.
func (s *Settings) fill() {
	for _, one := range []struct {
		place    *string
		ordinary string
	}{
		{&s.LookUp.Path, defaultLookUpPath},
		{&s.LookUp.Dictionary, defaultLookUpDictionary},
		{&s.LookUp.Record, defaultLookUpRecord},
		{&s.LookUp.Condition, defaultLookUpCondition},
		{&s.LookUp.Field, defaultLookUpField},
	} {
		if *one.place == "" {
			*one.place = one.ordinary
		}
	}
	if s.TokenLifetime == 0 {
		s.TokenLifetime = DefaultTokenLifetime
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
}

func (s *Settings) base() (*url.URL, error) {
	base, err := url.Parse(s.URL)
	if err != nil || base.Hostname() == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		// What stands there may hold a password: it is not repeated.
		return nil, fmt.Errorf("%w: the URL is not of the form https://host", ErrSettings)
	}
	switch {
	case base.Scheme == "https":
	case base.Scheme == "http" && (s.AllowPlain || isLoopback(base.Hostname())):
	default:
		return nil, fmt.Errorf("%w: the URL begins with https, or with http on this machine", ErrSettings)
	}
	return base, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
