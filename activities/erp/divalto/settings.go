// Package divalto is the way to the ERP Divalto infinity over HTTP: it
// authenticates, posts one settlement a call, and looks settlements up by their
// label. A request that may have reached the ERP is never repeated here.
package divalto

import (
	"cmp"
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
)

// LookUp is how the ERP is asked for what it has under a label. What is empty is
// as [OrdinaryLookUp] has it.
type LookUp struct {
	Path       string // behind the ERP's base address
	Dictionary string // dictionary of the requests, allowed by the ERP's administrator
	Record     string // the request
	Condition  string // its condition that a label is equal
	Field      string // field of the transaction's number
}

// OrdinaryLookUp is how a look-up goes unless a site says otherwise. The ERP's
// public documentation shows the service, and leaves the names to the site: they
// are our assumption.
func OrdinaryLookUp() LookUp {
	return LookUp{
		Path: "/api/v1/RecordSql/Execute", Dictionary: "RTRSRGLT.DHOQ", Record: "RgltJnlEnt", Condition: "Equal_Lib", Field: "TRANSAC",
	}
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
	// Rate is the most calls a minute; 0 is no limit.
	Rate int
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
	refuse(s.Rate < 0, "the rate is zero or above")
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
	ordinary, own := OrdinaryLookUp(), s.LookUp
	s.LookUp = LookUp{
		Path: cmp.Or(own.Path, ordinary.Path), Dictionary: cmp.Or(own.Dictionary, ordinary.Dictionary),
		Record: cmp.Or(own.Record, ordinary.Record), Condition: cmp.Or(own.Condition, ordinary.Condition),
		Field: cmp.Or(own.Field, ordinary.Field),
	}
	s.TokenLifetime = cmp.Or(s.TokenLifetime, DefaultTokenLifetime)
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
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
