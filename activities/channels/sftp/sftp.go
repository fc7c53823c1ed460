// Package sftp is a channel to a partner's SFTP server, host to host: a file
// is uploaded under a hidden name, and gets its own by a rename that never
// replaces another file. The rename is the moment from which the partner may
// have it: what fails before is not sent, what fails at it is looked up.
//
// The hidden name is made of the file's name and hash, so that all attempts at a
// file write the same bytes into the same place, and only one of their renames
// finds it. This holds for attempts one after the other, at once, and for one
// that was taken for dead.
package sftp

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"path"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	// DefaultConnectTimeout is until a server must have let us in: it may ask a
	// directory of accounts first.
	DefaultConnectTimeout = 30 * time.Second
	// DefaultSilenceTimeout is how long a connection may carry nothing: a server
	// that keeps a large file safe on a slow disk says nothing meanwhile.
	DefaultSilenceTimeout = 2 * time.Minute
	// DefaultInAge is how long a received file must have been left alone before
	// it is taken for complete, by the server's clock and ours, which may differ
	// by some seconds.
	DefaultInAge = time.Minute
)

// Settings are of one partner's server. Times that are zero are the defaults.
type Settings struct {
	// Address is host and port, the host as the file of host keys has it.
	Address string
	User    string
	// HostKeys is a file like OpenSSH's known_hosts; it is read at each
	// connection. A server that is not in it is not talked to.
	HostKeys string
	// KeyFile is our private key, without a passphrase; empty where Password is set.
	KeyFile string
	// Password is never printed with the settings.
	Password string `json:"-"`

	// Folder is where files are put, as the server names it: from the login's
	// folder on, where it does not begin with a slash. It exists, and the partner
	// takes nothing hidden from it.
	Folder string
	// Taken is the folder to which the partner moves the files that it took,
	// under the same name; empty where it has none.
	Taken string
	// Keeps says that the partner never takes a file away from Folder and Taken:
	// a file that is in neither never came. Otherwise nothing is known of it.
	Keeps bool
	// InFolder is where files for us are; empty where there are none.
	InFolder string
	// InAge is how long a file in InFolder must have been left alone.
	InAge time.Duration

	ConnectTimeout time.Duration
	SilenceTimeout time.Duration
}

// ErrSettings is wrapped by errors of [New] about settings that are missing or
// contradict one another.
var ErrSettings = errors.New("the settings of the SFTP channel are not usable")

// String names the account and the folders, without the password.
func (s Settings) String() string {
	return fmt.Sprintf("sftp://%s@%s folder %q, taken %q, keeps %t, in %q", s.User, s.Address, s.Folder, s.Taken, s.Keeps, s.InFolder)
}

// Format prints what String says, whatever the verb: the password is in none.
func (s Settings) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, s.String()) }

// LogValue logs what String says.
func (s Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (s Settings) check() error {
	_, _, err := net.SplitHostPort(s.Address)
	switch {
	case err != nil:
		return fmt.Errorf("address %q: %w: want host:port", s.Address, ErrSettings)
	case s.User == "":
		return fmt.Errorf("%w: the user is missing", ErrSettings)
	case s.HostKeys == "":
		return fmt.Errorf("%w: the file of host keys is missing; the partner tells its key", ErrSettings)
	case (s.KeyFile == "") == (s.Password == ""):
		return fmt.Errorf("%w: want either a key file or a password", ErrSettings)
	case s.ConnectTimeout < 0 || s.SilenceTimeout < 0 || s.InAge < 0:
		return fmt.Errorf("%w: a time is negative", ErrSettings)
	default:
		return nil
	}
}

// Channel hands files over to one server, and fetches files from it. Each call
// has a connection of its own.
type Channel struct {
	settings Settings // without the password
	auth     []ssh.AuthMethod
	clock    func() time.Time
}

// New reads the key and the file of host keys, and connects to nobody. The clock
// tells how old a received file is. What is missing or wrong in the settings
// wraps [ErrSettings].
func New(settings Settings, clock func() time.Time) (*Channel, error) {
	if err := settings.check(); err != nil {
		return nil, err
	}
	auth, err := authentication(settings)
	if err != nil {
		return nil, err
	}
	if _, err := readHostKeys(settings.HostKeys); err != nil {
		return nil, err
	}
	settings.Password = ""
	settings.ConnectTimeout = cmp.Or(settings.ConnectTimeout, DefaultConnectTimeout)
	settings.SilenceTimeout = cmp.Or(settings.SilenceTimeout, DefaultSilenceTimeout)
	settings.InAge = cmp.Or(settings.InAge, DefaultInAge)
	return &Channel{settings: settings, auth: auth, clock: clock}, nil
}

// path is where a file stands that was handed over.
func (c *Channel) path(file *channels.File) string { return path.Join(c.settings.Folder, file.Name) }

// temporary is where a file stands until it is complete. The hash keeps apart
// what must never have been given one name.
func (c *Channel) temporary(file *channels.File) string {
	const enough = 8 // bytes; two contents under one name are a mistake, not an attack
	return path.Join(c.settings.Folder, "."+file.Name+"."+hex.EncodeToString(file.SHA256[:enough])+".part")
}

// places are where a file may stand once it was handed over, in the order in
// which the partner moves it: looked at in this order, it is not missed.
func (c *Channel) places(name string) []string {
	places := []string{path.Join(c.settings.Folder, name)}
	if c.settings.Taken != "" {
		places = append(places, path.Join(c.settings.Taken, name))
	}
	return places
}

// LookUp says SENT when the file stands in the folder, or among those that the
// partner took, with our size and hash. Of one that stands nowhere it is sure
// only where the partner keeps files, see [Settings].
func (c *Channel) LookUp(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := channels.CheckName(file.Name); err != nil {
		return channels.Outcome{}, fmt.Errorf("look up: %w", err)
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return channels.Outcome{}, err
	}
	defer conn.Close()
	outcome, err := c.lookUp(conn, &file)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("look up %s: %w", file.Name, conn.explain(err))
	}
	return outcome, nil
}

func (c *Channel) lookUp(conn *connection, file *channels.File) (channels.Outcome, error) {
	// Before the file itself: afterwards, its last rename could come between.
	pending, err := conn.size(c.temporary(file))
	if err != nil {
		return channels.Outcome{}, err
	}
	stands, err := c.stands(conn, file)
	if err != nil {
		return channels.Outcome{}, err
	}
	if stands {
		return c.compare(conn, file)
	}
	for _, place := range c.places("") {
		// A folder that is not there tells nothing.
		if _, err := conn.Stat(place); err != nil {
			return channels.Outcome{}, fmt.Errorf("look into the folder: %w", err)
		}
	}
	switch {
	case !c.settings.Keeps:
		return unknown("no file of that name where we look, from where the partner takes files away: ask whether it has it"), nil
	case pending >= file.Bytes:
		return unknown("it stands complete under its hidden name, and an earlier attempt may still name it: look again, then decide"), nil
	default:
		return channels.Outcome{State: transfer.Prepared, Detail: "no file of that name in the folder"}, nil
	}
}

// stands tells whether something of that name stands where the file may.
func (c *Channel) stands(conn *connection, file *channels.File) (bool, error) {
	for _, place := range c.places(file.Name) {
		_, err := conn.Lstat(place)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look at %s: %w", place, err)
		}
	}
	return false, nil
}

// compare says what a file that stands there is to ours: SENT when it is the same.
func (c *Channel) compare(conn *connection, file *channels.File) (channels.Outcome, error) {
	for _, place := range c.places(file.Name) {
		same, err := conn.holds(place, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // the partner may just move it to the next place
		case errors.Is(err, fs.ErrPermission):
			return unknown("a file stands under its name, which we may not read back: ask whether it is ours"), nil
		case err != nil:
			return channels.Outcome{}, err
		case !same:
			return unknown("another file stands under its name: compare the two, and decide"), nil
		default:
			return sent(file), nil
		}
	}
	return unknown("a file under its name was taken away before we could compare it: ask whether it is ours"), nil
}

func sent(file *channels.File) channels.Outcome {
	return channels.Outcome{State: transfer.Sent, Detail: "file " + file.Name}
}

func unknown(detail string) channels.Outcome {
	return channels.Outcome{State: transfer.Unknown, Detail: detail}
}
