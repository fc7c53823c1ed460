package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const (
	separator      = "."
	variablePrefix = "REGLO_"
	// testPrefix is left to the tests' own variables.
	testPrefix = "REGLO_TEST_"
	// FileFlag is the flag that names the YAML file.
	FileFlag = "config"
	// FileVariable is the environment variable that names the YAML file.
	FileVariable = "REGLO_CONFIG"
	// ActorVariable is no setting: it tells the operator's command line who acts.
	ActorVariable = "REGLO_ACTOR"
)

// origin is who set a setting; empty is nobody.
type origin string

// String is the origin as it is printed.
func (o origin) String() string {
	if o == "" {
		return "default"
	}
	return string(o)
}

// AddFlags defines --config and a flag for each setting but the payload keys,
// which would show in the list of processes.
func AddFlags(flags *pflag.FlagSet) {
	AddFileFlag(flags)
	for _, s := range settings {
		if !s.noFlag {
			flags.String(s.flag(), s.fallback, s.usage+" ["+s.variable()+"]")
		}
	}
}

// AddFileFlag defines --config alone.
func AddFileFlag(flags *pflag.FlagSet) {
	flags.String(FileFlag, "", "YAML file of settings ["+FileVariable+"]")
}

// Load reads the settings: defaults, then the YAML file that --config or
// REGLO_CONFIG names, then the environment, then the flags; the later wins.
// flags are parsed ones, with any of those that [AddFlags] defines; nil is
// none. environ is as of [os.Environ]; an empty variable counts as unset.
//
// Everything that is wrong is in one *[Error].
func Load(flags *pflag.FlagSet, environ []string) (Config, error) {
	if flags == nil {
		flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	}
	l := loader{values: koanf.New(separator), origins: make(map[string]origin)}
	l.fromFile(flags, environ)
	l.fromEnvironment(environ)
	l.fromFlags(flags)
	config := l.config()
	l.check(&config)

	temporal, err := loadTemporal(environ)
	if err != nil {
		l.problems = append(l.problems, Problem{Setting: "temporal", Origin: "TEMPORAL_… or its profile file", Reason: err.Error()})
	}
	config.Temporal = temporal

	if len(l.problems) > 0 {
		return Config{}, &Error{Problems: l.problems}
	}
	return config, nil
}

type loader struct {
	values   *koanf.Koanf
	origins  map[string]origin
	problems []Problem
}

// merge puts a layer over those before it.
func (l *loader) merge(layer *koanf.Koanf, from func(key string) origin) {
	for _, key := range layer.Keys() {
		l.origins[key] = from(key)
	}
	if err := l.values.Merge(layer); err != nil {
		l.problems = append(l.problems, Problem{Setting: "settings", Reason: err.Error()})
	}
}

func (l *loader) fromFile(flags *pflag.FlagSet, environ []string) {
	path, source := "", "--"+FileFlag
	if flag := flags.Lookup(FileFlag); flag != nil {
		path = flag.Value.String()
	}
	if path == "" {
		path, _ = environment(environ).LookupEnv(FileVariable)
		source = FileVariable
	}
	if path == "" {
		return
	}
	layer, parser := koanf.New(separator), &yamlParser{name: path, origins: make(map[string]origin)}
	if err := layer.Load(file.Provider(path), parser); err != nil {
		if found, is := errors.AsType[*Error](err); is {
			l.problems = append(l.problems, found.Problems...)
		} else {
			l.problems = append(l.problems, Problem{Setting: FileFlag, Value: path, Origin: source, Reason: err.Error()})
		}
		return
	}
	l.problems = append(l.problems, parser.problems...)
	l.merge(layer, func(key string) origin { return parser.origins[key] })
}

func (l *loader) fromEnvironment(environ []string) {
	keys, names := make(map[string]string), append(make([]string, 0, len(settings)+1), FileVariable)
	for _, s := range settings {
		keys[s.variable()] = s.key
		names = append(names, s.variable())
	}
	layer := koanf.New(separator)
	err := layer.Load(env.Provider(separator, env.Opt{
		Prefix:      variablePrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key, known := keys[name]
			if !known && name != FileVariable && name != ActorVariable && !strings.HasPrefix(name, testPrefix) {
				l.problems = append(l.problems, Problem{
					Setting: name, Origin: "environment", Reason: "no such setting" + suggest(name, names),
				})
			}
			if value == "" {
				return "", nil
			}
			return key, value
		},
	}), nil)
	if err != nil {
		l.problems = append(l.problems, Problem{Setting: "environment", Reason: err.Error()})
		return
	}
	l.merge(layer, func(key string) origin { return origin(find(key).variable()) })
}

func (l *loader) fromFlags(flags *pflag.FlagSet) {
	keys := make(map[string]string)
	for _, s := range settings {
		keys[s.flag()] = s.key
	}
	layer := koanf.New(separator)
	err := layer.Load(posflag.ProviderWithFlag(flags, separator, nil, func(flag *pflag.Flag) (string, any) {
		return keys[flag.Name], flag.Value.String()
	}), nil)
	if err != nil {
		l.problems = append(l.problems, Problem{Setting: "flags", Reason: err.Error()})
		return
	}
	l.merge(layer, func(key string) origin { return origin("--" + find(key).flag()) })
}

// config reads every value into its place.
func (l *loader) config() Config {
	config := Config{
		Channel: new(Channel), Front: new(Front), Hook: new(Hook), ERP: new(ERP), SystemPay: new(SystemPay), Console: new(Console),
		origins: l.origins,
	}
	for _, s := range settings {
		value := s.fallback
		if l.values.Exists(s.key) {
			value = l.values.String(s.key)
		}
		err := s.read(&config, value)
		if value == "" && l.origins[s.key] != "" && !s.empty {
			err = errors.New("is empty; give a value or leave the line out")
		}
		if err != nil {
			l.refuse(s, value, err.Error())
		}
	}
	return config
}

// check looks at what one setting alone cannot tell.
func (l *loader) check(config *Config) {
	if config.Event.Environment == Production {
		for _, s := range settings {
			if s.identity && l.origins[s.key] == "" {
				l.refuse(s, s.fallback, "must be set in production ("+environmentKey+" is P); the default is for development")
			}
		}
	}
	if config.Relay.Enabled && !config.Sink.File {
		l.refuse(find("relay.enabled"), "true", "has nowhere to deliver to: set sink.file to true, or relay.enabled to false")
	}
	l.checkChannel(config.Channel)
	l.checkFront(config.Front)
	l.checkHook(config.Hook)
	l.checkERP(config.ERP)
	l.checkSystemPay(config.SystemPay)
	l.checkConsole(config.Console, config.Front)
	seen := make(map[string]string)
	for _, account := range []struct{ key, iban string }{
		{"bank.reglement.iban", config.Bank.Reglement.IBAN},
		{"bank.cantonnement.iban", config.Bank.Cantonnement.IBAN},
		{"bank.fonctionnement.iban", config.Bank.Fonctionnement.IBAN},
	} {
		if other, same := seen[account.iban]; same && account.iban != "" {
			l.refuse(find(account.key), account.iban, "is the same account as "+other+
				"; client money and own money stand on accounts of their own")
		}
		seen[account.iban] = account.key
	}
}

func (l *loader) refuse(s setting, value, reason string) {
	if s.redact != nil {
		value = s.redact(value)
	}
	l.problems = append(l.problems, Problem{
		Setting: s.key, Value: value, Origin: l.origins[s.key].String(), Reason: reason,
	})
}

// find gives the setting of a key that is known to exist.
func find(key string) setting {
	for _, s := range settings {
		if s.key == key {
			return s
		}
	}
	panic(fmt.Sprintf("config: no setting %q", key))
}
