// Package config loads the engine's settings: what stands in the example file
// unless a YAML file, then the environment (REGLO_…), then a flag says
// otherwise. All that is wrong is reported in one go.
//
// Temporal's own settings come from the variables and the profile file that
// every Temporal program reads (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_…).
package config

import (
	_ "embed"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
)

// Example is a documented YAML file in which every setting has its default.
//
//go:embed reglo.example.yaml
var Example []byte

// Production is the environment in which no setting that names money, people
// or machines may be left to its default.
const Production = 'P'

// Config holds every setting. It prints without its secrets.
type Config struct {
	Database Database
	Data     Data
	HTTP     HTTP
	Log      Log
	Event    Event
	Calendar Calendar
	Layout   Layout
	Label    Label
	// Merchants is what a snapshot may do by itself.
	Merchants Merchants
	Bank      Bank
	// Cashout is what may leave without a second person.
	Cashout  rules.Policy
	Operator Operator
	// Channel, Front, Hook, ERP, SystemPay and Console are never nil.
	Channel   *Channel
	Front     *Front
	Hook      *Hook
	ERP       *ERP
	SystemPay *SystemPay
	Console   *Console
	Relay     Relay
	Sink      Sink
	Payload   Payload
	Temporal  Temporal

	// origins says for each setting who set it.
	origins map[string]origin
}

// Database is the PostgreSQL that holds the books.
type Database struct {
	// URL is a libpq URL, postgres://user:password@host:port/name.
	URL Secret
}

// Data is the folder that the engine's files live in.
type Data struct {
	// Dir is absolute.
	Dir string
}

// Inbox is where files to be settled are delivered.
func (d Data) Inbox() string { return filepath.Join(d.Dir, "inbox") }

// Work is where a file's lines are split by merchant while they are posted.
func (d Data) Work() string { return filepath.Join(d.Dir, "work") }

// Archive is where settled files are kept.
func (d Data) Archive() string { return filepath.Join(d.Dir, "archive") }

// Outbox is where files for partners are put: responses to Payline's files.
func (d Data) Outbox() string { return filepath.Join(d.Dir, "outbox") }

// Events is where the file sink writes OG-EP events.
func (d Data) Events() string { return filepath.Join(d.Dir, "events") }

// HTTP is where the worker answers /livez, /readyz and /metrics.
type HTTP struct {
	// Address is host:port; port 0 lets the system choose.
	Address string
}

// Log says how much is logged.
type Log struct {
	Level slog.Level
}

// Event holds the parts of an OG-EP event's uid that tell installations apart.
type Event struct {
	// Environment is I (intégration), R (recette) or P (production).
	Environment byte
	// Node is 0 to 99, one for each worker process that writes to one database.
	Node int
}

// Calendar holds the hours of the business day.
type Calendar struct {
	// CutOff is the hour in Paris until which a vacation waits for its file.
	CutOff calendar.CutOff
}

// Layout names the descriptors of a site's own files, YAML. An empty one is the
// format of our own.
type Layout struct {
	CRE       string
	Merchants string
	Payline   string
}

// Label says how the bank words the labels of its statements' lines.
type Label struct {
	// Rules names the YAML file with the grammars; empty for the ordinary ones.
	Rules string
	// ImpayeOperations are the operation types under which it settles unpaids.
	ImpayeOperations []string
}

// Merchants bounds what the daily snapshot of the merchants does by itself.
type Merchants struct {
	// MaxClosedPercent is the share of the open CPs, 0 to 100, that a snapshot may
	// close without an operator.
	MaxClosedPercent int
}

// Bank is the EP's bank, and the three accounts that it holds there.
type Bank struct {
	// ID is the bank's identifier in OG-EP orders (bankId).
	ID string
	// PayoutPrefix and InternalPrefix begin the names of bulks, 1 to
	// transfer.MaxBulkPrefix letters: of payouts, and of transfers between the
	// three accounts.
	PayoutPrefix   string
	InternalPrefix string
	// Format is how the bank wants its files.
	Format         pain001.Format
	Reglement      transfer.Party
	Cantonnement   transfer.Party
	Fonctionnement transfer.Party
}

// Operator says whose answers are taken.
type Operator struct {
	// Actors are their identifiers.
	Actors []string
}

// Relay delivers committed events to the sinks.
type Relay struct {
	Enabled bool
	// Rate is the most events delivered a second, so that a backlog does not
	// slow the vacation that is running.
	Rate int
	// PollInterval is how long an idle relay waits before it looks again.
	PollInterval time.Duration
}

// Sink says which sinks are told of events.
type Sink struct {
	// File writes NDJSON files, one a day, into the events folder.
	File bool
}

// Payload holds the keys under which what passes through Temporal is encrypted.
type Payload struct {
	// Keys are in the order of preference: the first encrypts, all decrypt. None
	// leaves payloads in clear.
	Keys []Key
}

// Key is an AES-256 key.
type Key struct {
	// ID travels with what the key encrypted.
	ID     string
	Secret Secret
}

// Secret is a text that is never printed: every way of formatting it gives a
// mask. An empty one prints as empty, so that a missing secret shows.
type Secret string

const mask = "(hidden)"

// Reveal gives the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String gives a mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString gives a mask.
func (s Secret) GoString() string { return s.String() }

// MarshalText gives a mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue gives a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Redacted prints every setting as YAML with where it came from, and without
// secrets: fit for a screen, a ticket or a log.
func (c Config) Redacted() string {
	var text strings.Builder
	group := ""
	for _, s := range settings {
		prefix, name, _ := cutLast(s.key)
		group = writeGroup(&text, group, prefix)
		indent := strings.Repeat("  ", strings.Count(s.key, "."))
		value := s.show(&c)
		if s.key != keysKey { // a list already
			value = strconv.Quote(value)
		}
		text.WriteString(indent + name + ": " + value + " # " + c.origins[s.key].String() + "\n")
	}
	text.WriteString("# from TEMPORAL_… and its profile file\ntemporal:\n")
	for _, line := range c.Temporal.redacted() {
		text.WriteString("  " + line[0] + ": " + strconv.Quote(line[1]) + "\n")
	}
	return text.String()
}

// Refuse is the error of a setting with which something turns out to be wrong
// that its text does not show, such as a file that is not there.
func (c Config) Refuse(key, reason string) *Error {
	return &Error{Problems: []Problem{{
		Setting: key, Value: find(key).show(&c), Origin: c.origins[key].String(), Reason: strings.Join(strings.Fields(reason), " "),
	}}}
}

// String is [Config.Redacted].
func (c Config) String() string { return c.Redacted() }

// GoString is [Config.Redacted].
func (c Config) GoString() string { return c.Redacted() }

// LogValue is a group of all settings, without secrets.
func (c Config) LogValue() slog.Value {
	attributes := make([]slog.Attr, 0, len(settings)+1)
	for _, s := range settings {
		attributes = append(attributes, slog.String(s.key, s.show(&c)))
	}
	for _, line := range c.Temporal.redacted() {
		attributes = append(attributes, slog.String("temporal."+line[0], line[1]))
	}
	return slog.GroupValue(attributes...)
}

// writeGroup opens the YAML mappings that lead from one group of settings to
// the next, and returns the next.
func writeGroup(text *strings.Builder, from, to string) string {
	if from == to {
		return to
	}
	old, path := strings.Split(from, "."), strings.Split(to, ".")
	same := 0
	for same < len(old) && same < len(path) && old[same] == path[same] {
		same++
	}
	for depth := same; depth < len(path); depth++ {
		text.WriteString(strings.Repeat("  ", depth) + path[depth] + ":\n")
	}
	return to
}

func cutLast(key string) (group, name string, found bool) {
	dot := strings.LastIndexByte(key, '.')
	if dot < 0 {
		return "", key, false
	}
	return key[:dot], key[dot+1:], true
}
