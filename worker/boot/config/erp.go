package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/activities/erp/divalto"
	"github.com/reglo/reglo/domain/calendar"
	words "github.com/reglo/reglo/domain/divalto"
)

// ERP is the ERP that is told of settlements, see [divalto.Settings]. Without a
// URL there is none, and nothing else here is looked at.
type ERP struct {
	URL          string
	User         string
	Password     Secret
	PasswordFile string
	Domain, Env  string
	// Dossier, DosCpt and Etb are where it books.
	Dossier, DosCpt, Etb string
	// Quote and Vocabulary are how requests are written; Renamed are fields that
	// have names of their own, by the dictionary's.
	Quote      words.Quote
	Vocabulary string
	Renamed    map[string]string
	// Since is the first business day that is posted.
	Since calendar.Date
	// SettlementThirdParty is whom card settlements are from.
	SettlementThirdParty string
	// States names the YAML file of the changes of state.
	States        string
	TokenLifetime time.Duration
	Timeout       time.Duration
	// Rate is the most calls a minute, 0 for no limit.
	Rate          int
	CAFile, Proxy string
	AllowPlain    bool
	LookUp        divalto.LookUp
}

const (
	erpGroup    = "erp."
	lookUpGroup = erpGroup + "look_up."
	// maxERPRate is a call a hundredth of a second: no ERP books faster.
	maxERPRate = 6_000
)

// erpSettings say which ERP is told, and how.
func erpSettings() []setting {
	at := func(name string) string { return erpGroup + name }
	return slices.Concat([]setting{
		guarded(text(at("url"), "base address of the ERP, https://host, or http on this machine; empty for none",
			func(c *Config) *string { return &c.ERP.URL })),
		text(at("user"), "who we are at the ERP", func(c *Config) *string { return &c.ERP.User }),
		secret(at("password"), "our password at the ERP; no flag", func(c *Config) *Secret { return &c.ERP.Password }),
		text(at("password_file"), "file of that password", func(c *Config) *string { return &c.ERP.PasswordFile }),
		text(at("domain"), "domain of the user, on premises", func(c *Config) *string { return &c.ERP.Domain }),
		text(at("env"), "environment of the ERP, on premises", func(c *Config) *string { return &c.ERP.Env }),
		text(at("dossier"), "dossier of sales and purchases (dos)", func(c *Config) *string { return &c.ERP.Dossier }),
		text(at("doscpt"), "dossier of accounts; empty for the user's own", func(c *Config) *string { return &c.ERP.DosCpt }),
		text(at("etb"), "establishment; empty for the user's own", func(c *Config) *string { return &c.ERP.Etb }),
		{
			key: at("param_quote"), usage: "quotes of the document within a request: double or single", fallback: string(words.QuoteDouble),
			read: func(c *Config, value string) error {
				c.ERP.Quote = words.Quote(value)
				return among(value, []string{string(words.QuoteDouble), string(words.QuoteSingle)})
			},
			show: func(c *Config) string { return string(c.ERP.Quote) },
		},
		choice(at("vocabulary"), "names of fields: dictionary or tags", []string{words.DictionaryNames, words.TagNames},
			func(c *Config) *string { return &c.ERP.Vocabulary }),
		{
			key: at("renamed"), usage: "fields that are named otherwise, such as LIB=LibEcr, separated by commas", empty: true,
			read: readRenamed, show: showRenamed,
		},
		{
			key: at("since"), usage: "first business day whose settlements are posted, yyyy-MM-dd", empty: true,
			read: readSince, show: func(c *Config) string { return c.ERP.Since.String() },
		},
		text(at("settlement_third_party"), "third party from whom card settlements are encashed",
			func(c *Config) *string { return &c.ERP.SettlementThirdParty }),
		text(at("states"), "YAML file of the changes of state by means and direction", func(c *Config) *string { return &c.ERP.States }),
		lapse(at("token_lifetime"), "how long a token is used", divalto.DefaultTokenLifetime,
			func(c *Config) *time.Duration { return &c.ERP.TokenLifetime }),
		lapse(at("timeout"), "how long the ERP may take to post, "+divalto.MaxTimeout.String()+" at most", divalto.DefaultTimeout,
			func(c *Config) *time.Duration { return &c.ERP.Timeout }),
		{
			key: at("rate"), usage: "calls to the ERP a minute; 0 for no limit", fallback: "0",
			read: func(c *Config, value string) error { return readInt(value, 0, maxERPRate, &c.ERP.Rate) },
			show: func(c *Config) string { return strconv.Itoa(c.ERP.Rate) },
		},
		text(at("ca_file"), "PEM file of the authorities that certify the ERP; empty for the system's",
			func(c *Config) *string { return &c.ERP.CAFile }),
		guarded(text(at("proxy"), "proxy between us and the ERP, http://host:port; empty for none",
			func(c *Config) *string { return &c.ERP.Proxy })),
		yesNo(at("allow_plain"), "http also to another machine, over a network that is encrypted below", false,
			func(c *Config) *bool { return &c.ERP.AllowPlain }),
	}, lookUpSettings())
}

// lookUpSettings are the names by which the ERP is asked for a label.
func lookUpSettings() []setting {
	ordinary := divalto.OrdinaryLookUp()
	named := func(name, usage, fallback string, place func(*Config) *string) setting {
		s := text(lookUpGroup+name, usage, place)
		s.fallback, s.empty = fallback, false
		return s
	}
	return []setting{
		named("path", "path of the look-up, behind the base address", ordinary.Path, func(c *Config) *string { return &c.ERP.LookUp.Path }),
		named("dictionary", "dictionary of its requests, allowed by the ERP's administrator", ordinary.Dictionary,
			func(c *Config) *string { return &c.ERP.LookUp.Dictionary }),
		named("record", "its request", ordinary.Record, func(c *Config) *string { return &c.ERP.LookUp.Record }),
		named("condition", "the request's condition of a label", ordinary.Condition,
			func(c *Config) *string { return &c.ERP.LookUp.Condition }),
		named("field", "field of the transaction's number", ordinary.Field, func(c *Config) *string { return &c.ERP.LookUp.Field }),
	}
}

func readSince(c *Config, value string) error {
	c.ERP.Since = calendar.Date{}
	if value == "" {
		return nil
	}
	date, err := calendar.ParseDate(value)
	if err != nil {
		return errors.New("must be a date, yyyy-MM-dd")
	}
	c.ERP.Since = date
	return nil
}

func readRenamed(c *Config, value string) error {
	c.ERP.Renamed = make(map[string]string)
	if value == "" {
		return nil
	}
	for pair := range strings.SplitSeq(value, ",") {
		field, name, found := strings.Cut(strings.TrimSpace(pair), "=")
		if !found {
			return errors.New("must be FIELD=NAME, separated by commas, such as LIB=LibEcr")
		}
		c.ERP.Renamed[field] = name
	}
	if _, err := words.NewVocabulary(words.DictionaryNames, c.ERP.Renamed); err != nil {
		return err
	}
	return nil
}

func showRenamed(c *Config) string {
	pairs := make([]string, 0, len(c.ERP.Renamed))
	for field, name := range c.ERP.Renamed {
		pairs = append(pairs, field+"="+name)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// checkERP looks at what an ERP cannot do without.
func (l *loader) checkERP(c *ERP) {
	if l.values.String(erpGroup+"url") == "" {
		return
	}
	for _, name := range []string{"user", "dossier", "since", "settlement_third_party", "states"} {
		if l.values.String(erpGroup+name) == "" {
			l.refuse(find(erpGroup+name), "", "must be set: "+erpGroup+"url names an ERP")
		}
	}
	switch {
	case c.Password == "" && c.PasswordFile == "":
		l.refuse(find(erpGroup+"password"), "", "must be set, or "+erpGroup+"password_file: "+erpGroup+"url names an ERP")
	case c.Password != "" && c.PasswordFile != "":
		l.refuse(find(erpGroup+"password"), c.Password.Reveal(), "stands beside "+erpGroup+"password_file; keep one")
	}
	if c.Timeout > divalto.MaxTimeout {
		l.refuse(find(erpGroup+"timeout"), c.Timeout.String(), "must be "+divalto.MaxTimeout.String()+" at most")
	}
}
