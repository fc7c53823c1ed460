package config_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/worker/boot/config"
)

// load reads the settings of one test: a YAML text, variables and arguments,
// nothing of the machine's own.
func load(t *testing.T, yamlText string, variables, arguments []string) (config.Config, error) {
	t.Helper()
	if yamlText != "" {
		arguments = append([]string{"--config", write(t, yamlText)}, arguments...)
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.NoError(t, flags.Parse(arguments))
	return config.Load(flags, append([]string{"TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "none")}, variables...))
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reglo.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func problems(t *testing.T, err error) []config.Problem {
	t.Helper()
	var found *config.Error
	require.ErrorAs(t, err, &found)
	return found.Problems
}

func key(fill byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)) }

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Equal(t, byte('I'), got.Event.Environment)
	require.Equal(t, calendar.CutOff{Hour: 16}, got.Calendar.CutOff)
	require.Equal(t, "127.0.0.1:7080", got.HTTP.Address)
	require.Equal(t, 200*time.Millisecond, got.Relay.PollInterval)
	require.True(t, got.Relay.Enabled)
	require.True(t, filepath.IsAbs(got.Data.Dir))
	require.Equal(t, filepath.Join(got.Data.Dir, "inbox"), got.Data.Inbox())
	require.Empty(t, got.Payload.Keys)
	require.Equal(t, rules.Policy{CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: money.Max}, got.Cashout)
	require.Equal(t, []string{"alice", "bruno", "chloe", "scheduler"}, got.Operator.Actors)
	require.Equal(t, config.Label{}, got.Label)
	require.Equal(t, 10, got.Merchants.MaxClosedPercent)
	require.Equal(t, "127.0.0.1:7233", got.Temporal.Address)
	require.Equal(t, "default", got.Temporal.Namespace)
}

func TestExampleHoldsEveryDefault(t *testing.T) {
	t.Parallel()
	want, err := load(t, "", nil, nil)
	require.NoError(t, err)
	got, err := load(t, string(config.Example), nil, nil)
	require.NoError(t, err)

	printed := got.Redacted()
	require.NotContains(t, printed, "# default", "the example leaves a setting out")
	require.Equal(t, values(want.Redacted()), values(printed))
	require.Equal(t, want.Database, got.Database)
	require.Equal(t, want.Bank, got.Bank)
}

// values drops the comments that say who set what.
func values(printed string) string {
	lines := strings.Split(printed, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, " # ")
	}
	return strings.Join(lines, "\n")
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	const file = "http:\n  address: file:1\nlog: {level: warn}\nevent:\n  node: 7\n"
	tests := map[string]struct {
		yaml                 string
		variables, arguments []string
		address, level       string
		node                 int
		origin               string
	}{
		"default": {address: "127.0.0.1:7080", level: "INFO", origin: "# default"},
		"file":    {yaml: file, address: "file:1", level: "WARN", node: 7, origin: "reglo.yaml:2"},
		"environment": {
			yaml: file, variables: []string{"REGLO_HTTP_ADDRESS=env:2"},
			address: "env:2", level: "WARN", node: 7, origin: "# REGLO_HTTP_ADDRESS",
		},
		"flag": {
			yaml: file, variables: []string{"REGLO_HTTP_ADDRESS=env:2", "REGLO_EVENT_NODE=8"},
			arguments: []string{"--http-address", "flag:3"},
			address:   "flag:3", level: "WARN", node: 8, origin: "# --http-address",
		},
		"empty variable counts as unset": {
			yaml: file, variables: []string{"REGLO_HTTP_ADDRESS="},
			address: "file:1", level: "WARN", node: 7, origin: "reglo.yaml:2",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, test.yaml, test.variables, test.arguments)
			require.NoError(t, err)
			require.Equal(t, test.address, got.HTTP.Address)
			require.Equal(t, test.level, got.Log.Level.String())
			require.Equal(t, test.node, got.Event.Node)
			for line := range strings.Lines(got.Redacted()) {
				if strings.Contains(line, test.address) {
					require.Contains(t, line, test.origin)
				}
			}
		})
	}
}

func TestFileNamedByVariable(t *testing.T) {
	t.Parallel()
	path := write(t, "log:\n  level: error\n")
	got, err := load(t, "", []string{"REGLO_CONFIG=" + path}, nil)
	require.NoError(t, err)
	require.Equal(t, slog.LevelError, got.Log.Level)

	_, err = load(t, "", []string{"REGLO_CONFIG=" + path + ".gone"}, nil)
	require.ErrorContains(t, err, "(REGLO_CONFIG)")
	require.ErrorContains(t, err, "no such file")
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		yaml      string
		variables []string
		arguments []string
		want      []string
	}{
		"address": {
			variables: []string{"REGLO_HTTP_ADDRESS=7080"},
			want:      []string{`http.address = "7080" (REGLO_HTTP_ADDRESS): must be host:port`},
		},
		"port": {
			arguments: []string{"--http-address=:65536"},
			want:      []string{`http.address = ":65536" (--http-address)`},
		},
		"level": {
			yaml: "log: {level: INFO}",
			want: []string{`log.level = "INFO"`, "reglo.yaml:1", "debug, info, warn or error"},
		},
		"environment": {
			variables: []string{"REGLO_EVENT_ENVIRONMENT=IR"},
			want:      []string{"I (intégration), R (recette) or P (production)"},
		},
		"node": {variables: []string{"REGLO_EVENT_NODE=100"}, want: []string{"event.node", "0 to 99"}},
		"cut-off": {
			variables: []string{"REGLO_CALENDAR_CUTOFF=24:00"},
			want:      []string{"calendar.cutoff", "HH:MM"},
		},
		"boolean": {
			variables: []string{"REGLO_RELAY_ENABLED=yes"},
			want:      []string{"relay.enabled", "true or false"},
		},
		"rate": {
			variables: []string{"REGLO_RELAY_RATE=0"},
			want:      []string{"relay.rate", "1 to 10000000"},
		},
		"poll interval": {
			variables: []string{"REGLO_RELAY_POLL_INTERVAL=1h"},
			want:      []string{"relay.poll_interval", "10ms to 1m0s"},
		},
		"no sink": {
			variables: []string{"REGLO_SINK_FILE=false"},
			want:      []string{"relay.enabled", "nowhere to deliver"},
		},
		"bank id": {
			variables: []string{"REGLO_BANK_ID=30 004"},
			want:      []string{"bank.id", "letters and digits"},
		},
		"bic": {
			variables: []string{"REGLO_BANK_REGLEMENT_BIC=BNPAFRP"},
			want:      []string{"bank.reglement.bic", "8 or 11"},
		},
		"iban digits": {
			variables: []string{"REGLO_BANK_REGLEMENT_IBAN=FR7799999000010000000010106"},
			want:      []string{"bank.reglement.iban", "FR77…0106", "mod 97"},
		},
		"iban twice": {
			variables: []string{"REGLO_BANK_CANTONNEMENT_IBAN=FR7699999000010000000010106"},
			want:      []string{"bank.cantonnement.iban", "same account as bank.reglement.iban"},
		},
		"name": {
			variables: []string{"REGLO_BANK_REGLEMENT_NAME=" + strings.Repeat("x", 71)},
			want:      []string{"bank.reglement.name", "1 to 70"},
		},
		"empty": {yaml: "data:\n  dir:\n", want: []string{"data.dir", "reglo.yaml:2", "is empty"}},
		"no database": {
			variables: []string{"REGLO_DATABASE_URL=postgres://reglo?s3cret@db/reglo"},
			want:      []string{"database.url", "(hidden)", "postgres://"},
		},
		"not a URL": {
			variables: []string{"REGLO_DATABASE_URL=host=db password=s3cret"},
			want:      []string{"database.url", "postgres://"},
		},
		"ceiling": {
			variables: []string{"REGLO_CASHOUT_CP_CEILING=much", "REGLO_CASHOUT_FOUR_EYES=-1"},
			want:      []string{"cashout.cp_ceiling", "cashout.four_eyes", "amount in euros"},
		},
		"actor": {
			variables: []string{"REGLO_OPERATOR_ACTORS=alice,bob marley"},
			want:      []string{"operator.actors", "identifier 2"},
		},
		"actor twice": {
			variables: []string{"REGLO_OPERATOR_ACTORS=alice,Alice"},
			want:      []string{"operator.actors", "stands there already"},
		},
		"more than all": {
			variables: []string{"REGLO_MERCHANTS_MAX_CLOSED_PERCENT=101"},
			want:      []string{"merchants.max_closed_percent", "0 to 100"},
		},
		"short key": {
			variables: []string{"REGLO_PAYLOAD_KEYS=a:c2hvcnQ="},
			want:      []string{"payload.keys", "key 1", "32 bytes"},
		},
		"repeated key": {
			variables: []string{"REGLO_PAYLOAD_KEYS=a:" + key(1) + ",a:" + key(2)},
			want:      []string{"key 2", "its own"},
		},
		"key id": {variables: []string{"REGLO_PAYLOAD_KEYS=" + key(1)}, want: []string{"key 1", "id"}},
		"key's fields": {
			yaml: "payload:\n  keys:\n    - {id: a, secret: b}\n",
			want: []string{"payload.keys", "reglo.yaml:3", "{id: …, key: …}"},
		},
		"unknown key": {
			yaml: "database:\n  ulr: x\n",
			want: []string{"database.ulr", "reglo.yaml:2", "did you mean database.url?"},
		},
		"unknown group": {
			yaml: "kafka:\n  topic: x\n",
			want: []string{"kafka", "reglo.yaml:1", "no such setting"},
		},
		"key given twice": {
			yaml: "log:\n  level: info\n  level: warn\n",
			want: []string{"log.level", "reglo.yaml:3", "twice"},
		},
		"value for group": {yaml: "database: postgres://x\n", want: []string{"database", "group of settings"}},
		"group for value": {yaml: "log:\n  level: {a: b}\n", want: []string{"log.level", "single value"}},
		"not YAML":        {yaml: "a: b: c\n", want: []string{"config", "is not YAML"}},
		"not a mapping":   {yaml: "- a\n", want: []string{"reglo.yaml:1", "group of settings"}},
		"variable": {
			variables: []string{"REGLO_HTTP_ADDRESSE=x:1"},
			want:      []string{"REGLO_HTTP_ADDRESSE", "did you mean REGLO_HTTP_ADDRESS?"},
		},
		"empty variable": {variables: []string{"REGLO_KAFKA="}, want: []string{"REGLO_KAFKA", "no such setting"}},
		"profile file": {
			variables: []string{"TEMPORAL_CONFIG_FILE=/proc/self/mem/none"},
			want:      []string{"temporal", "profile file"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, test.yaml, test.variables, test.arguments)
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "log: {level: loud}\ntypo: 1\n",
		[]string{"REGLO_EVENT_NODE=x", "REGLO_TYPO=1"}, []string{"--calendar-cutoff", "noon"})
	require.Len(t, problems(t, err), 5)
	require.ErrorContains(t, err, "configuration: 5 problems\n")
}

func TestVariablesOfTestsAreLeftAlone(t *testing.T) {
	t.Parallel()
	_, err := load(t, "", []string{"REGLO_TEST_DATABASE_URL=postgres://x"}, nil)
	require.NoError(t, err)
}

func TestProductionRefusesDefaults(t *testing.T) {
	t.Parallel()
	production := []string{"REGLO_EVENT_ENVIRONMENT=P"}
	_, err := load(t, "", production, nil)
	found := problems(t, err)
	settings := make([]string, 0, len(found))
	for _, problem := range found {
		require.Equal(t, "default", problem.Origin)
		settings = append(settings, problem.Setting)
	}
	require.Equal(t, []string{
		"database.url", "data.dir", "bank.id",
		"bank.reglement.name", "bank.reglement.bic", "bank.reglement.iban",
		"bank.cantonnement.name", "bank.cantonnement.bic", "bank.cantonnement.iban",
		"bank.fonctionnement.name", "bank.fonctionnement.bic", "bank.fonctionnement.iban",
		"operator.actors", "channel.technology",
	}, settings)

	_, err = load(t, string(config.Example), production, nil)
	require.NoError(t, err, "set is set, whatever the value")
}

func TestLeadingZerosSurvive(t *testing.T) {
	t.Parallel()
	got, err := load(t, "bank:\n  id: 007\nevent:\n  node: 09\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "007", got.Bank.ID)
	require.Equal(t, 9, got.Event.Node)
}

func TestPayloadKeys(t *testing.T) {
	t.Parallel()
	want := []config.Key{{ID: "new", Secret: config.Secret(key(1))}, {ID: "old", Secret: config.Secret(key(2))}}
	list := fmt.Sprintf("payload:\n  keys:\n    - {id: new, key: %s}\n    - {id: old, key: %s}\n", key(1), key(2))
	fromFile, err := load(t, list, nil, nil)
	require.NoError(t, err)
	require.Equal(t, want, fromFile.Payload.Keys)

	fromVariable, err := load(t, "", []string{"REGLO_PAYLOAD_KEYS=new:" + key(1) + ",old:" + key(2)}, nil)
	require.NoError(t, err)
	require.Equal(t, want, fromVariable.Payload.Keys)

	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.Nil(t, flags.Lookup("payload-keys"), "a secret in the list of processes")
}

func TestCeilings(t *testing.T) {
	t.Parallel()
	got, err := load(t, "cashout:\n  cp_ceiling: 10000\n  total_ceiling: \"0\"\n  four_eyes: 2500.50\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, rules.Policy{CPCeiling: 10_000_00, TotalCeiling: 0, FourEyes: 2_500_50}, got.Cashout)
	require.Contains(t, got.Redacted(), `four_eyes: "2500.50"`)
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	secrets := []string{"s3cret", "t0ken", "c3rtificate", "qu3ry", key(1), key(2)}
	got, err := load(t, "", []string{
		"REGLO_DATABASE_URL=postgres://reglo:s3cret@db:5432/reglo?sslmode=disable&sslpassword=qu3ry",
		"REGLO_PAYLOAD_KEYS=new:" + key(1) + ",old:" + key(2),
		"TEMPORAL_API_KEY=t0ken", "TEMPORAL_TLS_CLIENT_KEY_DATA=c3rtificate",
	}, nil)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "config", got, "database", got.Database, "payload", got.Payload)
	printed := []string{
		got.Redacted(), got.String(), fmt.Sprintf("%v %+v %#v %s", got, got, got, &got),
		fmt.Sprintf("%v %+v %#v", got.Database, got.Payload, got.Temporal), log.String(),
	}
	for _, text := range printed {
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
		}
	}
	require.Contains(t, got.Redacted(), "postgres://reglo:xxxxx@db:5432/reglo?sslmode=disable\"")
	require.NotContains(t, got.Redacted(), "FR7699999000010000000010106")
	require.Equal(t, "postgres://reglo:s3cret@db:5432/reglo?sslmode=disable&sslpassword=qu3ry", got.Database.URL.Reveal())
}

// Whatever the texts, the settings print as YAML that reads back as they are.
func TestRedactedIsYAML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringMatching(`[!-~é](.{0,40}[!-~é])?`).Draw(rt, "name")
		got, err := config.Load(nil, []string{"REGLO_BANK_REGLEMENT_NAME=" + name, "TEMPORAL_CONFIG_FILE=/nonexistent"})
		require.NoError(rt, err)
		var parsed struct {
			Bank     struct{ Reglement struct{ Name string } }
			Temporal struct{ Address string }
		}
		require.NoError(rt, yaml.Unmarshal([]byte(got.Redacted()), &parsed))
		require.Equal(rt, name, parsed.Bank.Reglement.Name)
		require.Equal(rt, "127.0.0.1:7233", parsed.Temporal.Address)
	})
}

func TestTemporal(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", []string{"TEMPORAL_ADDRESS=temporal:7233", "TEMPORAL_NAMESPACE=reglo", "TEMPORAL_API_KEY=t0ken"}, nil)
	require.NoError(t, err)
	options, err := got.Temporal.ClientOptions()
	require.NoError(t, err)
	require.Equal(t, "temporal:7233", options.HostPort)
	require.Equal(t, "reglo", options.Namespace)
	require.NotNil(t, options.ConnectionOptions.TLS, "an API key asks for TLS")

	got, err = load(t, "", []string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH=/nonexistent.pem"}, nil)
	require.NoError(t, err)
	_, err = got.Temporal.ClientOptions()
	require.ErrorContains(t, err, "/nonexistent.pem")
}

func TestCreateFolders(t *testing.T) {
	t.Parallel()
	data := config.Data{Dir: filepath.Join(t.TempDir(), "new", "data")}
	require.NoError(t, data.Create())
	require.NoError(t, data.Create(), "again")
	for _, folder := range []string{data.Inbox(), data.Work(), data.Archive(), data.Outbox(), data.Events()} {
		require.DirExists(t, folder)
	}
	blocked := config.Data{Dir: filepath.Join(write(t, "a file"), "data")}
	require.ErrorContains(t, blocked.Create(), "REGLO_DATA_DIR")
}
