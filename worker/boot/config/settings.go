package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
)

// Limits of the settings.
const (
	// maxNode is what two digits of an event's uid hold.
	maxNode = 99
	// maxRate is above what one relay can render and write.
	maxRate = 10_000_000
	// An idle relay that looks more often costs more than it delivers; one that
	// looks less often makes a small vacation's events late.
	minPoll = 10 * time.Millisecond
	maxPoll = time.Minute
	// maxName is Max70Text, the name of a party in ISO 20022.
	maxName = 70
	// maxKeys is far above a rotation: the old key and the new one.
	maxKeys = 16
	// keyBytes is the length of an AES-256 key.
	keyBytes = 32
	maxPort  = 65535
	// maxPercent is the whole.
	maxPercent = 100
)

const (
	keysKey        = "payload.keys"
	environmentKey = "event.environment"
)

// A setting is one line of the configuration.
type setting struct {
	// key is its path in YAML; its variable and its flag follow from it.
	key   string
	usage string
	// fallback is the value when nobody sets it.
	fallback string
	// identity: says whose money, people or machines these are. Production does
	// not start on its fallback.
	identity bool
	// redact is the value as it may be printed.
	redact func(value string) string
	// read checks a value and puts it into its place; its error says what is allowed.
	read func(c *Config, value string) error
	// show is the value in its place, as it may be printed.
	show func(c *Config) string
	// empty: may be set to nothing.
	empty bool
	// noFlag keeps a secret out of the list of processes.
	noFlag bool
}

// variable is the setting's environment variable.
func (s setting) variable() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// flag is the setting's command line flag.
func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }

//nolint:gochecknoglobals // the table that everything else here follows from; nothing changes it
var settings = slices.Concat([]setting{
	{
		key: "database.url", usage: "PostgreSQL: postgres://user:password@host:port/name",
		fallback: "postgres://reglo@127.0.0.1:5432/reglo", identity: true,
		redact: redactURL, read: readDatabase,
		show: func(c *Config) string { return redactURL(c.Database.URL.Reveal()) },
	},
	{
		key: "data.dir", usage: "folder of inbox/, work/, archive/ and events/", fallback: "data", identity: true,
		read: readDir, show: func(c *Config) string { return c.Data.Dir },
	},
	{
		key: "http.address", usage: "host:port of /livez, /readyz and /metrics; port 0 lets the system choose",
		fallback: "127.0.0.1:7080", read: readAddress, show: func(c *Config) string { return c.HTTP.Address },
	},
	{
		key: "log.level", usage: "debug, info, warn or error", fallback: "info",
		read: readLevel, show: func(c *Config) string { return strings.ToLower(c.Log.Level.String()) },
	},
	{
		key: environmentKey, usage: "I (intégration), R (recette) or P (production)", fallback: "I",
		read: readEnvironment, show: func(c *Config) string { return string(rune(c.Event.Environment)) },
	},
	{
		key: "event.node", usage: "0 to 99, another one for each worker process on one database", fallback: "0",
		read: func(c *Config, value string) error { return readInt(value, 0, maxNode, &c.Event.Node) },
		show: func(c *Config) string { return strconv.Itoa(c.Event.Node) },
	},
	{
		key: "calendar.cutoff", usage: "hour in Paris until which a vacation waits for its file, HH:MM", fallback: "16:00",
		read: readCutOff, show: func(c *Config) string { return c.Calendar.CutOff.String() },
	},
	layoutOf("cre", "CRE files (ogep-cre/1)", func(c *Config) *string { return &c.Layout.CRE }),
	layoutOf("merchants", "merchants' snapshots (ogep-merchants/1)", func(c *Config) *string { return &c.Layout.Merchants }),
	layoutOf("payline", "Payline files (ogep-payline/1)", func(c *Config) *string { return &c.Layout.Payline }),
	{
		key: "label.rules", usage: "YAML file with the grammars of the bank's labels; empty for the ordinary ones", empty: true,
		read: func(c *Config, value string) error {
			c.Label.Rules = value
			return nil
		},
		show: func(c *Config) string { return c.Label.Rules },
	},
	{
		key: "label.impaye_operations", usage: "operation types under which the bank settles unpaids, separated by commas", empty: true,
		read: func(c *Config, value string) error {
			c.Label.ImpayeOperations = nil
			if value != "" {
				c.Label.ImpayeOperations = strings.Split(value, ",")
			}
			return nil
		},
		show: func(c *Config) string { return strings.Join(c.Label.ImpayeOperations, ",") },
	},
	{
		key: "merchants.max_closed_percent", usage: "share of the open CPs that a snapshot may close without an operator, 0 to 100",
		fallback: "10",
		read: func(c *Config, value string) error {
			return readInt(value, 0, maxPercent, &c.Merchants.MaxClosedPercent)
		},
		show: func(c *Config) string { return strconv.Itoa(c.Merchants.MaxClosedPercent) },
	},
	{
		key: "relay.enabled", usage: "deliver events from this process", fallback: "true",
		read: func(c *Config, value string) error { return readBool(value, &c.Relay.Enabled) },
		show: func(c *Config) string { return strconv.FormatBool(c.Relay.Enabled) },
	},
	{
		key: "relay.rate", usage: "most events delivered a second; keeps a backlog from slowing a vacation", fallback: "200000",
		read: func(c *Config, value string) error { return readInt(value, 1, maxRate, &c.Relay.Rate) },
		show: func(c *Config) string { return strconv.Itoa(c.Relay.Rate) },
	},
	{
		key: "relay.poll_interval", usage: "how long an idle relay waits before it looks again", fallback: "200ms",
		read: readPoll, show: func(c *Config) string { return c.Relay.PollInterval.String() },
	},
	{
		key: "sink.file", usage: "write events to NDJSON files, one a day, in events/", fallback: "true",
		read: func(c *Config, value string) error { return readBool(value, &c.Sink.File) },
		show: func(c *Config) string { return strconv.FormatBool(c.Sink.File) },
	},
	{
		key: "bank.id", usage: "the bank's identifier in OG-EP orders", fallback: "999999", identity: true,
		read: readBankID, show: func(c *Config) string { return c.Bank.ID },
	},
	bulkPrefix("payout_prefix", "payouts", "MONEXTEUR", func(c *Config) *string { return &c.Bank.PayoutPrefix }),
	bulkPrefix("internal_prefix", "transfers between the three accounts", "MONEXTINT",
		func(c *Config) *string { return &c.Bank.InternalPrefix }),
	{
		key: "bank.file_version", usage: "version of the bank's payment files: pain.001.001.03 or pain.001.001.09",
		fallback: string(pain001.V03),
		read: func(c *Config, value string) error {
			c.Bank.Format.Version = pain001.Version(value)
			if c.Bank.Format.Version != pain001.V03 && c.Bank.Format.Version != pain001.V09 {
				return fmt.Errorf("must be %s or %s", pain001.V03, pain001.V09)
			}
			return nil
		},
		show: func(c *Config) string { return string(c.Bank.Format.Version) },
	},
	{
		key: "bank.batch_booking", usage: "whether the bank debits the payments of a block in one line", fallback: "true",
		read: func(c *Config, value string) error { return readBool(value, &c.Bank.Format.BatchBooking) },
		show: func(c *Config) string { return strconv.FormatBool(c.Bank.Format.BatchBooking) },
	},
	{
		key: "bank.one_block", usage: "whether payment files have one block, which debits the EP's account, not one a payment account",
		fallback: "false",
		read:     func(c *Config, value string) error { return readBool(value, &c.Bank.Format.OneBlock) },
		show:     func(c *Config) string { return strconv.FormatBool(c.Bank.Format.OneBlock) },
	},
},
	party("bank.reglement", "REGLO REGLEMENT", "FR7699999000010000000010106",
		func(c *Config) *transfer.Party { return &c.Bank.Reglement }),
	party("bank.cantonnement", "REGLO CANTONNEMENT", "FR7699999000010000000010203",
		func(c *Config) *transfer.Party { return &c.Bank.Cantonnement }),
	party("bank.fonctionnement", "REGLO FONCTIONNEMENT", "FR7699999000010000000010397",
		func(c *Config) *transfer.Party { return &c.Bank.Fonctionnement }),
	[]setting{
		limit("cp_ceiling", "payouts of one CP in a session, euros, above which someone approves",
			func(c *Config) *money.Cents { return &c.Cashout.CPCeiling }),
		limit("total_ceiling", "payouts of a session, euros, above which someone approves",
			func(c *Config) *money.Cents { return &c.Cashout.TotalCeiling }),
		limit("four_eyes", "payout, euros, above which someone approves",
			func(c *Config) *money.Cents { return &c.Cashout.FourEyes }),
		{
			key: "operator.actors", usage: "identifiers of those whose answers are taken, separated by commas",
			fallback: "alice,bruno,chloe,scheduler", identity: true, read: readActors,
			show: func(c *Config) string { return strings.Join(c.Operator.Actors, ",") },
		},
	},
	channelSettings(),
	frontSettings(),
	hookSettings(),
	erpSettings(),
	systemPaySettings(),
	matchSettings(),
	consoleSettings(),
	[]setting{{
		key: keysKey, usage: "AES-256 keys of payloads, id:base64,…; the first encrypts, all decrypt",
		redact: hide, read: readKeys, empty: true, noFlag: true, show: printKeys,
	}},
)

// layoutOf is the setting that names the layout of a kind of files.
func layoutOf(name, files string, place func(*Config) *string) setting {
	return setting{
		key: "layout." + name, usage: "YAML file that describes the site's own " + files + "; empty for that format", empty: true,
		read: func(c *Config, value string) error {
			*place(c) = value
			return nil
		},
		show: func(c *Config) string { return *place(c) },
	}
}

// bulkPrefix is a setting of the names that the bank's statements repeat.
func bulkPrefix(name, orders, fallback string, place func(*Config) *string) setting {
	return setting{
		key: "bank." + name, usage: "letters that begin the names of bulks of " + orders, fallback: fallback,
		read: func(c *Config, value string) error {
			if !prefixPattern.MatchString(value) {
				return fmt.Errorf("must be 1 to %d capital letters, such as %s", transfer.MaxBulkPrefix, fallback)
			}
			*place(c) = value
			return nil
		},
		show: func(c *Config) string { return *place(c) },
	}
}

// limit is a setting of the cash-out policy. Empty is no limit.
func limit(name, usage string, place func(*Config) *money.Cents) setting {
	return setting{
		key: "cashout." + name, usage: usage + "; empty for no limit, 0 for all of them", empty: true,
		read: func(c *Config, value string) error {
			*place(c) = money.Max
			if value == "" {
				return nil
			}
			amount, err := money.Parse(value)
			if err != nil || amount < 0 {
				return errors.New("must be an amount in euros, such as 10000 or 10000.00, or empty for no limit")
			}
			*place(c) = amount
			return nil
		},
		show: func(c *Config) string {
			if *place(c) == money.Max {
				return ""
			}
			return place(c).String()
		},
	}
}

// readActors reads identifiers that differ even where nobody looks at their case.
func readActors(c *Config, value string) error {
	actors := strings.Split(value, ",")
	for i, actor := range actors {
		switch {
		case !actorPattern.MatchString(actor):
			return fmt.Errorf("identifier %d must be 1 to 64 letters, digits, '.', '_', '@' or '-'", i+1)
		case slices.ContainsFunc(actors[:i], func(other string) bool { return strings.EqualFold(actor, other) }):
			return fmt.Errorf("identifier %d stands there already", i+1)
		}
	}
	c.Operator.Actors = actors
	return nil
}

// party is the three settings of an account at the bank.
func party(prefix, name, account string, place func(*Config) *transfer.Party) []setting {
	return []setting{
		{
			key: prefix + ".name", usage: "holder of the account, at most 70 characters", fallback: name, identity: true,
			read: func(c *Config, value string) error {
				if length := len([]rune(value)); length > maxName || strings.TrimSpace(value) != value {
					return fmt.Errorf("must be 1 to %d characters, without spaces around", maxName)
				}
				place(c).Name = value
				return nil
			},
			show: func(c *Config) string { return place(c).Name },
		},
		{
			key: prefix + ".bic", usage: "BIC of the bank, 8 or 11 characters", fallback: "RGLOFRP0", identity: true,
			read: func(c *Config, value string) error {
				if !bicPattern.MatchString(value) {
					return errors.New("must be a BIC of 8 or 11 capital letters and digits, such as RGLOFRP0 or RGLOFRP0XXX")
				}
				place(c).BIC = value
				return nil
			},
			show: func(c *Config) string { return place(c).BIC },
		},
		{
			key: prefix + ".iban", usage: "IBAN of the account, without spaces", fallback: account, identity: true, redact: iban.Mask,
			read: func(c *Config, value string) error {
				if err := iban.CheckSEPA(value); err != nil {
					return err
				}
				place(c).IBAN = value
				return nil
			},
			show: func(c *Config) string { return iban.Mask(place(c).IBAN) },
		},
	}
}

var (
	// bicPattern is BICIdentifier of ISO 20022.
	bicPattern = regexp.MustCompile(`^[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?$`)
	// prefixPattern has transfer.MaxBulkPrefix letters at most.
	prefixPattern = regexp.MustCompile(`^[A-Z]{1,11}$`)
	bankIDPattern = regexp.MustCompile(`^[0-9A-Za-z]{1,35}$`)
	actorPattern  = regexp.MustCompile(`^[0-9A-Za-z._@-]{1,64}$`)
	keyIDPattern  = regexp.MustCompile(`^[0-9A-Za-z._-]{1,64}$`)
)

func readDatabase(c *Config, value string) error {
	parsed, err := url.Parse(value)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") || parsed.Opaque != "" ||
		strings.Trim(parsed.Path, "/") == "" || parsed.Fragment != "" {
		return errors.New("must be a URL, postgres://user:password@host:port/name; " +
			"other characters than letters and digits in the password as %XX")
	}
	c.Database.URL = Secret(value)
	return nil
}

// redactURL shows where a connection goes and as whom, and nothing else but
// parameters that are known to be harmless: a mistyped URL may have its password
// in any other place.
func redactURL(value string) string {
	var c Config
	if readDatabase(&c, value) != nil {
		return mask
	}
	parsed, err := url.Parse(value)
	if err != nil {
		return mask
	}
	if _, secret := parsed.User.Password(); secret {
		parsed.User = url.UserPassword(parsed.User.Username(), "xxxxx")
	}
	shown := make(url.Values)
	for name, values := range parsed.Query() {
		if slices.Contains([]string{"host", "port", "sslmode", "pool_max_conns", "application_name", "connect_timeout"}, name) {
			shown[name] = values
		}
	}
	parsed.RawQuery = shown.Encode()
	return parsed.String()
}

func hide(value string) string { return Secret(value).String() }

func readDir(c *Config, value string) error {
	absolute, err := filepath.Abs(value)
	if err != nil {
		return fmt.Errorf("must be a folder's path: %w", err)
	}
	c.Data.Dir = absolute
	return nil
}

func readAddress(c *Config, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		var number int
		err = readInt(port, 0, maxPort, &number)
	}
	if err != nil {
		return fmt.Errorf("must be host:port, port 0 to %d, such as 127.0.0.1:7080", maxPort)
	}
	c.HTTP.Address = value
	return nil
}

func readLevel(c *Config, value string) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, known := levels[value]
	if !known {
		return errors.New("must be debug, info, warn or error")
	}
	c.Log.Level = level
	return nil
}

func readEnvironment(c *Config, value string) error {
	if !slices.Contains([]string{"I", "R", string(Production)}, value) {
		return errors.New("must be I (intégration), R (recette) or P (production)")
	}
	c.Event.Environment = value[0]
	return nil
}

func readCutOff(c *Config, value string) error {
	cutOff, err := calendar.ParseCutOff(value)
	if err != nil {
		return errors.New("must be HH:MM, 00:00 to 23:59")
	}
	c.Calendar.CutOff = cutOff
	return nil
}

func readPoll(c *Config, value string) error {
	interval, err := time.ParseDuration(value)
	if err != nil || interval < minPoll || interval > maxPoll {
		return fmt.Errorf("must be a duration of %s to %s, such as 200ms", minPoll, maxPoll)
	}
	c.Relay.PollInterval = interval
	return nil
}

func readBankID(c *Config, value string) error {
	if !bankIDPattern.MatchString(value) {
		return errors.New("must be 1 to 35 letters and digits")
	}
	c.Bank.ID = value
	return nil
}

func readInt(value string, least, most int, place *int) error {
	number, err := strconv.Atoi(value)
	if err != nil || number < least || number > most {
		return fmt.Errorf("must be a whole number, %d to %d", least, most)
	}
	*place = number
	return nil
}

func readBool(value string, place *bool) error {
	switch value {
	case "true":
		*place = true
	case "false":
		*place = false
	default:
		return errors.New("must be true or false")
	}
	return nil
}

// readKeys reads id:base64,id:base64. Its errors name a key by its place, never
// by what stands there: a secret may have slipped into the wrong place.
func readKeys(c *Config, value string) error {
	if value == "" {
		return nil
	}
	texts := strings.Split(value, ",")
	if len(texts) > maxKeys {
		return fmt.Errorf("has %d keys, at most %d are allowed", len(texts), maxKeys)
	}
	keys := make([]Key, 0, len(texts))
	for i, text := range texts {
		id, secret, _ := strings.Cut(text, ":")
		raw, err := base64.StdEncoding.Strict().DecodeString(secret)
		switch {
		case !keyIDPattern.MatchString(id):
			return fmt.Errorf("key %d: its id must be 1 to 64 letters, digits, '.', '_' or '-'", i+1)
		case err != nil || len(raw) != keyBytes:
			return fmt.Errorf("key %d: must be %d bytes in base64, as `openssl rand -base64 %d` prints", i+1, keyBytes, keyBytes)
		case slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id }):
			return fmt.Errorf("key %d: has the id of an earlier key; each needs its own", i+1)
		}
		keys = append(keys, Key{ID: id, Secret: Secret(secret)})
	}
	c.Payload.Keys = keys
	return nil
}

func printKeys(c *Config) string {
	printed := make([]string, 0, len(c.Payload.Keys))
	for _, key := range c.Payload.Keys {
		printed = append(printed, fmt.Sprintf("{id: %s, key: %q}", key.ID, key.Secret))
	}
	return "[" + strings.Join(printed, ", ") + "]"
}
