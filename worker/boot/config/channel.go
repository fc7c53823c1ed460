package config

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pesit"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/activities/channels/sftp"
)

// Technology is by what bulks reach the bank.
type Technology string

// The technologies.
const (
	TechnologyDirectory Technology = "directory"  // the outbox, from which a site's own transmitter takes them
	TechnologySFTP      Technology = "sftp"       // the bank's SFTP server
	TechnologyPesitREST Technology = "pesit-rest" // PeSIT Wizard, by its HTTP API
	TechnologyPesit     Technology = "pesit"      // the protocol itself, PeSIT E outside SIT
)

func technologies() []string {
	return []string{string(TechnologyDirectory), string(TechnologySFTP), string(TechnologyPesitREST), string(TechnologyPesit)}
}

// Channel is the way to the bank. Of the technologies, the one that is chosen
// has its settings checked.
type Channel struct {
	Technology Technology
	// Rate is how many calls a minute the bank gets at most from this process, 0
	// for as many as there are.
	Rate      int
	Receive   Receive
	SFTP      SFTP
	PesitREST PesitREST
	Pesit     Pesit
}

// Receive is what the bank has for us.
type Receive struct {
	// Files are asked for by name, by the two ways of PeSIT.
	Files []channels.Agreed
}

// SFTP is the bank's server, see [sftp.Settings].
type SFTP struct {
	Address, User    string
	HostKeys         string
	KeyFile          string
	Password         Secret
	PasswordFile     string
	Folder, Taken    string
	Keeps            bool
	InFolder         string
	InAge            time.Duration
	InKeeps          bool
	Connect, Silence time.Duration
}

// PesitREST is the product by way of which the bank gets its files, see
// [pesitrest.Settings].
type PesitREST struct {
	URL, Dialect, Auth           string
	Key                          Secret
	KeyFile                      string
	Server, Partner, VirtualFile string
	Folder, FolderAtPeer         string
	Wait, Poll                   time.Duration
	CAFile, Proxy                string
	AllowPlain                   bool
}

// Pesit is the bank's own PeSIT, see [pesit.Settings].
type Pesit struct {
	Address                   string
	TLS                       bool
	CAFile, CertFile, KeyFile string
	Requester, Server         string
	Password                  Secret
	PasswordFile              string
	Flow, Client, Bank        string
	Record                    int
	Several                   bool
	Connect, Reply, Commit    time.Duration
}

const (
	technologyKey = "channel.technology"
	sftpGroup     = "channel.sftp."
	restGroup     = "channel.pesit_rest."
	pesitGroup    = "channel.pesit."

	// A bank that has not answered in an hour will not; a wait below a
	// millisecond is a mistyped unit.
	minTime = time.Millisecond
	maxTime = time.Hour
	// maxRecord is what two bytes hold.
	maxRecord = 65_535
	// defaultCalls, a minute, hands a day's last bulk, of 999, over within minutes,
	// and fetches an evening's some dozen files in seconds.
	defaultCalls = 600
	maxCalls     = 60_000
)

// channelSettings choose the way to the bank.
func channelSettings() []setting {
	return slices.Concat(
		[]setting{{
			key: technologyKey, usage: "how bulks reach the bank: " + strings.Join(technologies(), ", "),
			fallback: string(TechnologyDirectory), identity: true,
			read: func(c *Config, value string) error {
				c.Channel.Technology = Technology(value)
				return among(value, technologies())
			},
			show: func(c *Config) string { return string(c.Channel.Technology) },
		}, {
			key: "channel.rate", usage: "most calls a minute to the bank, from this process; 0 for no limit",
			fallback: strconv.Itoa(defaultCalls),
			read:     func(c *Config, value string) error { return readInt(value, 0, maxCalls, &c.Channel.Rate) },
			show:     func(c *Config) string { return strconv.Itoa(c.Channel.Rate) },
		}, {
			key: "channel.receive.files", empty: true,
			usage: "files that the bank has for us by PeSIT, FLOW:NAME,…; {yyyyMMdd}, {yyMMdd}, {ddd} stand for the business day",
			read: func(c *Config, value string) (err error) {
				c.Channel.Receive.Files, err = channels.ParseAgreed(value)
				return err
			},
			show: func(c *Config) string {
				shown := make([]string, len(c.Channel.Receive.Files))
				for i, one := range c.Channel.Receive.Files {
					shown[i] = one.String()
				}
				return strings.Join(shown, ",")
			},
		}},
		sftpSettings(), restSettings(), pesitSettings(),
	)
}

func sftpSettings() []setting {
	at := func(name string) string { return sftpGroup + name }
	return []setting{
		addressOf(at("address"), "host:port of the bank's server, as the file of host keys has it",
			func(c *Config) *string { return &c.Channel.SFTP.Address }),
		text(at("user"), "who we are at the server", func(c *Config) *string { return &c.Channel.SFTP.User }),
		text(at("host_keys"), "file of the server's keys, as OpenSSH's known_hosts",
			func(c *Config) *string { return &c.Channel.SFTP.HostKeys }),
		text(at("key_file"), "file of our private key, without a passphrase; or a password",
			func(c *Config) *string { return &c.Channel.SFTP.KeyFile }),
		secret(at("password"), "our password at the server; no flag", func(c *Config) *Secret { return &c.Channel.SFTP.Password }),
		text(at("password_file"), "file of that password", func(c *Config) *string { return &c.Channel.SFTP.PasswordFile }),
		text(at("folder"), "folder into which files are put, from the login's on; . for that one",
			func(c *Config) *string { return &c.Channel.SFTP.Folder }),
		text(at("taken"), "folder to which the bank moves files that it took; empty for none",
			func(c *Config) *string { return &c.Channel.SFTP.Taken }),
		yesNo(at("keeps"), "the bank never takes a file away from the two folders", false,
			func(c *Config) *bool { return &c.Channel.SFTP.Keeps }),
		text(at("in_folder"), "folder in which the bank puts files for us; empty for none",
			func(c *Config) *string { return &c.Channel.SFTP.InFolder }),
		lapse(at("in_age"), "how long a file there must have been left alone", sftp.DefaultInAge,
			func(c *Config) *time.Duration { return &c.Channel.SFTP.InAge }),
		yesNo(at("in_keeps"), "files there stay when they were taken: the bank removes them", false,
			func(c *Config) *bool { return &c.Channel.SFTP.InKeeps }),
		lapse(at("connect_timeout"), "how long until the server has let us in", sftp.DefaultConnectTimeout,
			func(c *Config) *time.Duration { return &c.Channel.SFTP.Connect }),
		lapse(at("silence_timeout"), "how long a connection may carry nothing", sftp.DefaultSilenceTimeout,
			func(c *Config) *time.Duration { return &c.Channel.SFTP.Silence }),
	}
}

func restSettings() []setting {
	at := func(name string) string { return restGroup + name }
	return []setting{
		guarded(text(at("url"), "where the product listens, before /api: https://host:port, or http on this machine",
			func(c *Config) *string { return &c.Channel.PesitREST.URL })),
		choice(at("dialect"), "the product's API: upload (/api) or v1 (/api/v1)",
			[]string{string(pesitrest.Upload), string(pesitrest.V1)}, func(c *Config) *string { return &c.Channel.PesitREST.Dialect }),
		choice(at("auth"), "how the key is shown: bearer, x-api-key or none",
			[]string{string(pesitrest.AuthBearer), string(pesitrest.AuthAPIKey), string(pesitrest.AuthNone)},
			func(c *Config) *string { return &c.Channel.PesitREST.Auth }),
		secret(at("key"), "what the product knows us by; no flag", func(c *Config) *Secret { return &c.Channel.PesitREST.Key }),
		text(at("key_file"), "file of that key", func(c *Config) *string { return &c.Channel.PesitREST.KeyFile }),
		text(at("server"), "the bank at the product: its number (upload) or its name (v1)",
			func(c *Config) *string { return &c.Channel.PesitREST.Server }),
		text(at("partner"), "who we are at the bank", func(c *Config) *string { return &c.Channel.PesitREST.Partner }),
		text(at("virtual_file"), "what the bank calls the kind of files that we send",
			func(c *Config) *string { return &c.Channel.PesitREST.VirtualFile }),
		folderOf(at("folder"), "folder that the product shares with us (v1)",
			func(c *Config) *string { return &c.Channel.PesitREST.Folder }),
		folderOf(at("folder_at_peer"), "that folder, by the product's path of it (v1)",
			func(c *Config) *string { return &c.Channel.PesitREST.FolderAtPeer }),
		lapse(at("wait"), "for how long a transfer is waited for", pesitrest.DefaultWait,
			func(c *Config) *time.Duration { return &c.Channel.PesitREST.Wait }),
		lapse(at("poll"), "between two questions about a transfer (v1)", pesitrest.DefaultPoll,
			func(c *Config) *time.Duration { return &c.Channel.PesitREST.Poll }),
		text(at("ca_file"), "PEM file of the authorities that certify the product; empty for the system's",
			func(c *Config) *string { return &c.Channel.PesitREST.CAFile }),
		guarded(text(at("proxy"), "proxy between us and the product, http://host:port; empty for none",
			func(c *Config) *string { return &c.Channel.PesitREST.Proxy })),
		yesNo(at("allow_plain"), "http also to another machine, over a network that is encrypted below", false,
			func(c *Config) *bool { return &c.Channel.PesitREST.AllowPlain }),
	}
}

func pesitSettings() []setting {
	at := func(name string) string { return pesitGroup + name }
	return []setting{
		addressOf(at("address"), "host:port of the bank", func(c *Config) *string { return &c.Channel.Pesit.Address }),
		yesNo(at("tls"), "TLS, by which the bank proves itself", true, func(c *Config) *bool { return &c.Channel.Pesit.TLS }),
		text(at("ca_file"), "PEM file of the authorities that certify the bank; empty for the system's",
			func(c *Config) *string { return &c.Channel.Pesit.CAFile }),
		text(at("cert_file"), "PEM file of our own certificate; empty for none",
			func(c *Config) *string { return &c.Channel.Pesit.CertFile }),
		text(at("key_file"), "PEM file of its private key", func(c *Config) *string { return &c.Channel.Pesit.KeyFile }),
		text(at("requester"), "who we are to the bank, 1 to 24 characters", func(c *Config) *string { return &c.Channel.Pesit.Requester }),
		text(at("server"), "what the bank is called, 1 to 24 characters", func(c *Config) *string { return &c.Channel.Pesit.Server }),
		secret(at("password"), "our password, 16 characters at most; no flag",
			func(c *Config) *Secret { return &c.Channel.Pesit.Password }),
		text(at("password_file"), "file of that password", func(c *Config) *string { return &c.Channel.Pesit.PasswordFile }),
		text(at("flow"), "name under which bulks go, as agreed with the bank; empty for each file's own",
			func(c *Config) *string { return &c.Channel.Pesit.Flow }),
		text(at("client"), "on whose behalf; empty for nobody", func(c *Config) *string { return &c.Channel.Pesit.Client }),
		text(at("bank"), "for whom in the end; empty for nobody", func(c *Config) *string { return &c.Channel.Pesit.Bank }),
		{
			key: at("record"), usage: "length in bytes of the records of what is sent; 0 for content without", fallback: "0",
			read: func(c *Config, value string) error { return readInt(value, 0, maxRecord, &c.Channel.Pesit.Record) },
			show: func(c *Config) string { return strconv.Itoa(c.Channel.Pesit.Record) },
		},
		yesNo(at("several"), "several articles in a message, where the bank has agreed", false,
			func(c *Config) *bool { return &c.Channel.Pesit.Several }),
		lapse(at("connect_timeout"), "how long until a connection stands, TLS included", pesit.DialTimeout,
			func(c *Config) *time.Duration { return &c.Channel.Pesit.Connect }),
		lapse(at("reply_timeout"), "how long the bank may take to answer", pesit.ReplyTimeout,
			func(c *Config) *time.Duration { return &c.Channel.Pesit.Reply }),
		lapse(at("commit_timeout"), "how long the bank may take to acknowledge a whole file", pesit.CommitTimeout,
			func(c *Config) *time.Duration { return &c.Channel.Pesit.Commit }),
	}
}

// text is a setting of any text, or none.
func text(key, usage string, place func(*Config) *string) setting {
	return setting{
		key: key, usage: usage, empty: true,
		read: func(c *Config, value string) error {
			*place(c) = value
			return nil
		},
		show: func(c *Config) string { return *place(c) },
	}
}

// secret is a setting that nothing prints.
func secret(key, usage string, place func(*Config) *Secret) setting {
	return setting{
		key: key, usage: usage, empty: true, noFlag: true, redact: hide,
		read: func(c *Config, value string) error {
			*place(c) = Secret(value)
			return nil
		},
		show: func(c *Config) string { return place(c).String() },
	}
}

// guarded is an address in which somebody may have written a password, where
// none belongs: it is then shown nowhere.
func guarded(s setting) setting {
	s.redact = func(value string) string {
		if strings.ContainsAny(value, "@?") {
			return mask
		}
		return value
	}
	show := s.show
	s.show = func(c *Config) string { return s.redact(show(c)) }
	return s
}

// addressOf is host and port of a partner.
func addressOf(key, usage string, place func(*Config) *string) setting {
	s := text(key, usage, place)
	s.read = func(c *Config, value string) error {
		if value == "" {
			return nil
		}
		host, port, err := net.SplitHostPort(value)
		if number, wrong := strconv.Atoi(port); err != nil || host == "" || wrong != nil || number < 1 || number > maxPort {
			return fmt.Errorf("must be host:port, port 1 to %d", maxPort)
		}
		*place(c) = value
		return nil
	}
	return guarded(s)
}

// folderOf is an absolute path.
func folderOf(key, usage string, place func(*Config) *string) setting {
	s := text(key, usage, place)
	s.read = func(c *Config, value string) error {
		if value != "" && !filepath.IsAbs(value) {
			return errors.New("must be an absolute path")
		}
		*place(c) = value
		return nil
	}
	return s
}

// choice is one of several words, the first of them when nobody sets it.
func choice(key, usage string, words []string, place func(*Config) *string) setting {
	s := text(key, usage, place)
	s.fallback, s.empty = words[0], false
	s.read = func(c *Config, value string) error {
		*place(c) = value
		return among(value, words)
	}
	return s
}

func yesNo(key, usage string, fallback bool, place func(*Config) *bool) setting {
	return setting{
		key: key, usage: usage, fallback: strconv.FormatBool(fallback),
		read: func(c *Config, value string) error { return readBool(value, place(c)) },
		show: func(c *Config) string { return strconv.FormatBool(*place(c)) },
	}
}

func lapse(key, usage string, fallback time.Duration, place func(*Config) *time.Duration) setting {
	return setting{
		key: key, usage: usage, fallback: fallback.String(),
		read: func(c *Config, value string) error {
			length, err := time.ParseDuration(value)
			if err != nil || length < minTime || length > maxTime {
				return fmt.Errorf("must be a duration of %s to %s, such as %s", minTime, maxTime, fallback)
			}
			*place(c) = length
			return nil
		},
		show: func(c *Config) string { return place(c).String() },
	}
}

func among(value string, words []string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}
	return nil
}

// checkChannel looks at what the chosen technology cannot do without.
func (l *loader) checkChannel(c *Channel) {
	switch c.Technology {
	case TechnologySFTP:
		l.require(c.Technology, "address", "user", "host_keys", "folder")
		l.requireOne(c.Technology, "key_file", "password", "password_file")
	case TechnologyPesitREST:
		l.require(c.Technology, "url", "server", "partner", "virtual_file")
		if c.PesitREST.Dialect == string(pesitrest.V1) {
			l.require(c.Technology, "folder", "folder_at_peer")
		}
		switch {
		case c.PesitREST.Auth != string(pesitrest.AuthNone):
			l.requireOne(c.Technology, "key", "key_file")
		case c.PesitREST.Key != "" || c.PesitREST.KeyFile != "":
			l.refuse(find(restGroup+"auth"), c.PesitREST.Auth, "shows nobody the key that is set: choose how it is shown, or take it away")
		}
	case TechnologyPesit:
		l.checkPesit(&c.Pesit)
	case TechnologyDirectory:
	}
}

func (l *loader) checkPesit(c *Pesit) {
	l.require(TechnologyPesit, "address", "requester", "server")
	if c.Password != "" && c.PasswordFile != "" {
		l.refuse(find(pesitGroup+"password"), string(c.Password), "stands beside "+pesitGroup+"password_file; keep one")
	}
	switch {
	case c.CertFile == "" && c.KeyFile != "":
		l.refuse(find(pesitGroup+"cert_file"), "", "must be set beside "+pesitGroup+"key_file")
	case c.CertFile != "" && c.KeyFile == "":
		l.refuse(find(pesitGroup+"key_file"), "", "must be set beside "+pesitGroup+"cert_file")
	}
	if !c.TLS && (c.CAFile != "" || c.CertFile != "") {
		l.refuse(find(pesitGroup+"tls"), "false", "has no use for certificates: take them away, or set it to true")
	}
}

// group is where the settings of a technology stand.
func (t Technology) group() string {
	return "channel." + strings.ReplaceAll(string(t), "-", "_") + separator
}

// require refuses what is not set. What is set wrong has been refused before.
func (l *loader) require(technology Technology, names ...string) {
	for _, name := range names {
		if key := technology.group() + name; l.values.String(key) == "" {
			l.refuse(find(key), "", "must be set: "+technologyKey+" is "+string(technology))
		}
	}
}

// requireOne wants one of several, and no more.
func (l *loader) requireOne(technology Technology, names ...string) {
	keys, set := make([]string, 0, len(names)), make([]string, 0, len(names))
	for _, name := range names {
		key := technology.group() + name
		keys = append(keys, key)
		if l.values.String(key) != "" {
			set = append(set, key)
		}
	}
	wanted := "one of " + strings.Join(keys, ", ") + " must be set: " + technologyKey + " is " + string(technology)
	switch len(set) {
	case 0:
		l.refuse(find(keys[0]), "", wanted)
	case 1:
	default:
		l.refuse(find(set[0]), "", "stands beside "+strings.Join(set[1:], " and ")+"; "+wanted)
	}
}
