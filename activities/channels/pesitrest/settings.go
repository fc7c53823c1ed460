// Package pesitrest is a channel to a bank by way of PeSIT Wizard, a product that
// speaks PeSIT with the bank and is told what to do over HTTP. It has two APIs,
// see [Dialect].
//
// What was handed to the product is never replayed, resumed or cancelled: each of
// them could bring the bank a second copy of a file that it has already.
package pesitrest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Dialect is which of its two APIs the product serves.
type Dialect string

// The dialects.
const (
	// Upload is the API below /api: the file goes with the request, one answer says
	// what became of it, and nothing can be asked afterwards.
	Upload Dialect = "upload"
	// V1 is the API below /api/v1: the product reads the file from a folder that it
	// shares with us, and is asked what became of it.
	V1 Dialect = "v1"
)

// Auth is how we say who we are.
type Auth string

// The ways.
const (
	AuthNone   Auth = "none"
	AuthBearer Auth = "bearer"    // Authorization: Bearer KEY
	AuthAPIKey Auth = "x-api-key" // X-API-Key: KEY
)

// Key is what the product knows us by. It prints as a mask.
type Key string

const mask = "(hidden)"

// String gives a mask.
func (k Key) String() string {
	if k == "" {
		return ""
	}
	return mask
}

// GoString gives a mask.
func (k Key) GoString() string { return k.String() }

// MarshalText gives a mask.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// The times that hold where [Settings] say nothing.
const (
	// DefaultWait is for how long a transfer may go on before nobody knows what
	// becomes of it: a bulk of ten thousand orders, some ten megabytes, takes
	// seconds over a leased line, and banks' lines are busy at the cut-off.
	DefaultWait = 10 * time.Minute
	// DefaultPoll is between two questions about a transfer.
	DefaultPoll = 2 * time.Second
)

// Settings are those of one bank at one product.
type Settings struct {
	// URL is where the product listens, before /api: https://host:port, or http
	// for a product on this machine.
	URL     string
	Dialect Dialect
	Auth    Auth
	Key     Key // empty for AuthNone
	// Server is the bank, as the product has it configured: its number for Upload,
	// its name for V1.
	Server string
	// Partner is who we are at the bank.
	Partner string
	// VirtualFile is what the bank calls the kind of files that we send.
	VirtualFile string
	// Folder is where files change hands, for V1: theirs is the same folder by the
	// path under which the product has it. Both are absolute.
	Folder       string
	FolderAtPeer string
	// Wait and Poll are DefaultWait and DefaultPoll where they are zero.
	Wait time.Duration
	Poll time.Duration
	// Roots are the authorities that certify the product; nil for the system's.
	Roots *x509.CertPool
	// Proxy stands between us and the product; nil for none. The environment is
	// not asked.
	Proxy *url.URL
	// AllowPlain lets files and keys go over http to another machine, for a network
	// that is encrypted below.
	AllowPlain bool
}

// ErrSettings is wrapped by the errors of [New].
var ErrSettings = errors.New("settings of the PeSIT product")

var (
	// wordPattern is what names of servers, partners and virtual files are made of.
	wordPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	// idPattern is what correlations and the product's own identifiers are made
	// of; they stand in paths.
	idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// check gives the address, and all that is wrong with the settings.
func (s *Settings) check() (*url.URL, error) {
	base, err := s.base()
	problems := []error{err}
	refuse := func(wrong bool, message string) {
		if wrong {
			problems = append(problems, fmt.Errorf("%w: %s", ErrSettings, message))
		}
	}
	refuse(!wordPattern.MatchString(s.Partner), "the partner is missing, or no word")
	refuse(!wordPattern.MatchString(s.VirtualFile), "the virtual file is missing, or no word")
	refuse(s.Wait < 0 || s.Poll < 0, "times are above zero")
	refuse(strings.ContainsFunc(string(s.Key), func(r rune) bool { return r <= ' ' || r > '~' }),
		"the key has characters that no header takes")
	switch s.Auth {
	case AuthNone:
		refuse(s.Key != "", "there is a key, and the authentication is none")
	case AuthBearer, AuthAPIKey:
		refuse(s.Key == "", "the key is missing")
	default:
		refuse(true, fmt.Sprintf("the authentication is one of %s, %s and %s", AuthNone, AuthBearer, AuthAPIKey))
	}
	switch s.Dialect {
	case Upload:
		number, err := strconv.Atoi(s.Server)
		refuse(err != nil || number < 1, "the server is its number at the product, from 1")
	case V1:
		refuse(!wordPattern.MatchString(s.Server), "the server's name is missing, or no word")
		refuse(!filepath.IsAbs(s.Folder), "the folder in which files change hands is no absolute path")
		refuse(!strings.HasPrefix(s.FolderAtPeer, "/") || strings.ContainsAny(s.FolderAtPeer, "$\\\x00"),
			"that folder's path at the product is no absolute path")
	default:
		refuse(true, fmt.Sprintf("the dialect is one of %s and %s", Upload, V1))
	}
	return base, errors.Join(problems...)
}

func (s *Settings) base() (*url.URL, error) {
	base, err := url.Parse(s.URL)
	if err != nil || base.Hostname() == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		// What stands there may hold a password: it is not repeated.
		return nil, fmt.Errorf("%w: the URL is not of the form https://host:port", ErrSettings)
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
