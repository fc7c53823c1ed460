package config

import (
	"strconv"

	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/domain/money"
)

const (
	// maxMatchDays is a season: a line that comes later is an operator's to match.
	maxMatchDays = 90
	// maxTolerance is a euro, in cents: what differs by more is no rounding.
	maxTolerance = 100
)

// matchSettings say how payments are matched with the card lines that settle them.
func matchSettings() []setting {
	at := func(name string) string { return systemPayGroup + name }
	match := func(c *Config) *matching.Settings { return &c.SystemPay.Match }
	return []setting{
		{
			key:      at("match_rules"),
			usage:    "by what a payment's card line is found, in this order: some of " + matching.FormatRules(matching.Rules()),
			fallback: matching.FormatRules(matching.Rules()),
			read: func(c *Config, value string) (err error) {
				match(c).Rules, err = matching.ParseRules(value)
				return err
			},
			show: func(c *Config) string { return matching.FormatRules(match(c).Rules) },
		},
		{
			key: at("match_tolerance"), usage: "by how many cents the two amounts may differ", fallback: "0",
			read: func(c *Config, value string) error {
				var cents int
				err := readInt(value, 0, maxTolerance, &cents)
				match(c).Tolerance = money.Cents(cents)
				return err
			},
			show: func(c *Config) string { return strconv.FormatInt(int64(match(c).Tolerance), 10) },
		},
		{
			key: at("match_days"), usage: "how many days after its payment a line may be dated, by its authorisation or rule amount-date",
			fallback: strconv.Itoa(matching.DefaultDays),
			read:     func(c *Config, value string) error { return readInt(value, 0, maxMatchDays, &match(c).Days) },
			show:     func(c *Config) string { return strconv.Itoa(match(c).Days) },
		},
		{
			key: at("match_late_days"), usage: "after how many business days a payment or a line without the other is late",
			fallback: strconv.Itoa(matching.DefaultLateDays),
			read:     func(c *Config, value string) error { return readInt(value, 0, maxMatchDays, &match(c).LateDays) },
			show:     func(c *Config) string { return strconv.Itoa(match(c).LateDays) },
		},
	}
}
