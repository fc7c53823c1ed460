package merchant

import (
	"errors"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/siret"
)

const (
	// MaxName is the longest name, in characters: an ISO 20022 Max140Text.
	MaxName = 140
	// MaxCode is the longest agent or third party, in characters: an ISO 20022 Max35Text.
	MaxCode = 35

	columnAccountID    = "accountId"
	columnCPIBAN       = "cpIban"
	columnFrequency    = "payoutFrequency"
	columnExternalIBAN = "externalIban"
	columnExternalBIC  = "externalBic"
	columnExternalName = "externalName"
)

// column is a column of ogep-merchants/1: how a value gets into a Merchant, and back.
type column struct {
	name  string
	read  func(m *Merchant, value string) error // a refusal
	write func(m *Merchant) string
	mask  func(value string) string // what an error shows of a value that could name a person; nil shows it as it is
}

// refusal is why a value is refused.
type refusal struct {
	code   fault.Code
	reason string
}

func (r refusal) Error() string { return r.reason }

// bicPattern is ISO 9362: party prefix, country, party suffix, and the branch when there is one.
var bicPattern = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)

// columns lists the format in the order in which Writer writes it.
var columns = []column{ //nolint:gochecknoglobals // a table that nobody writes to
	{columnAccountID, readAccountID, func(m *Merchant) string { return m.AccountID }, nil},
	{"siret", readSiret, func(m *Merchant) string { return m.Siret }, nil},
	{"legalName", required(text(MaxName, func(m *Merchant) *string { return &m.LegalName })),
		func(m *Merchant) string { return m.LegalName }, hide},
	{columnCPIBAN, required(account(func(m *Merchant) *string { return &m.CPIBAN })),
		func(m *Merchant) string { return m.CPIBAN }, iban.Mask},
	{"cpBic", required(bic(func(m *Merchant) *string { return &m.CPBIC })),
		func(m *Merchant) string { return m.CPBIC }, nil},
	{"status", readStatus, func(m *Merchant) string { return string(m.Status) }, nil},
	{"payoutMode", readPayoutMode, func(m *Merchant) string { return string(m.PayoutMode) }, nil},
	{columnFrequency, optional(readFrequency), func(m *Merchant) string { return m.PayoutFrequency.String() }, nil},
	{columnExternalIBAN, optional(account(func(m *Merchant) *string { return &m.ExternalIBAN })),
		func(m *Merchant) string { return m.ExternalIBAN }, iban.Mask},
	{columnExternalBIC, optional(bic(func(m *Merchant) *string { return &m.ExternalBIC })),
		func(m *Merchant) string { return m.ExternalBIC }, nil},
	{columnExternalName, text(MaxName, func(m *Merchant) *string { return &m.ExternalName }),
		func(m *Merchant) string { return m.ExternalName }, hide},
	{"reserveCents", cents(func(m *Merchant) *money.Cents { return &m.Reserve }),
		func(m *Merchant) string { return plainCents(m.Reserve) }, nil},
	{"minPayoutCents", cents(func(m *Merchant) *money.Cents { return &m.MinPayout }),
		func(m *Merchant) string { return plainCents(m.MinPayout) }, nil},
	{"payoutCeilingCents", readCeiling, writeCeiling, nil},
	{"cpToCpAllowed", readCPToCP, func(m *Merchant) string { return strconv.FormatBool(m.CPToCPAllowed) }, nil},
	{"agent", text(MaxCode, func(m *Merchant) *string { return &m.Agent }),
		func(m *Merchant) string { return m.Agent }, hide},
	{"erpThirdParty", text(MaxCode, func(m *Merchant) *string { return &m.ERPThirdParty }),
		func(m *Merchant) string { return m.ERPThirdParty }, nil},
	{"validFrom", readValidFrom, func(m *Merchant) string { return m.ValidFrom.String() }, nil},
}

func hide(string) string { return "" }

func required(read func(*Merchant, string) error) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		if value == "" {
			return refusal{fault.CodeMissing, "is empty"}
		}

		return read(m, value)
	}
}

func optional(read func(*Merchant, string) error) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		if value == "" {
			return nil
		}

		return read(m, value)
	}
}

func text(limit int, field func(*Merchant) *string) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		if utf8.RuneCountInString(value) > limit {
			return refusal{fault.CodeTooLong, "is longer than " + strconv.Itoa(limit) + " characters"}
		}

		*field(m) = value

		return nil
	}
}

func account(field func(*Merchant) *string) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		if err := iban.CheckSEPA(value); err != nil {
			return refusal{fault.CodeIBAN, err.Error()}
		}

		*field(m) = value

		return nil
	}
}

func bic(field func(*Merchant) *string) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		if !bicPattern.MatchString(value) {
			return refusal{fault.CodePattern, "must be a BIC of 8 or 11 capital letters and digits"}
		}

		*field(m) = value

		return nil
	}
}

func cents(field func(*Merchant) *money.Cents) func(*Merchant, string) error {
	return func(m *Merchant, value string) error {
		amount, err := money.ParseCents([]byte(value))

		switch {
		case errors.Is(err, money.ErrOverflow):
			return refusal{fault.CodeAmount, "is beyond the largest amount, " + plainCents(money.Max) + " cents"}
		case err != nil || amount < 0 || value[0] == '-':
			return refusal{fault.CodeAmount, "must be a whole number of cents, digits only"}
		}

		*field(m) = amount

		return nil
	}
}

func plainCents(amount money.Cents) string { return strconv.FormatInt(int64(amount), 10) }

func readAccountID(m *Merchant, value string) error {
	if !ValidAccountID(value) {
		return refusal{fault.CodePattern, "must be two capital letters or digits, then eight digits"}
	}

	m.AccountID = value

	return nil
}

func readSiret(m *Merchant, value string) error {
	if err := siret.Check(value); err != nil {
		return refusal{fault.CodeSiret, err.Error()}
	}

	m.Siret = value

	return nil
}

func readStatus(m *Merchant, value string) error {
	m.Status = Status(value)

	switch m.Status {
	case StatusActive, StatusBlocked, StatusClosed:
		return nil
	default:
		return refusal{fault.CodeUnknown, "must be ACTIVE, BLOCKED or CLOSED"}
	}
}

func readPayoutMode(m *Merchant, value string) error {
	m.PayoutMode = PayoutMode(value)

	switch m.PayoutMode {
	case PayoutAuto, PayoutManual, PayoutNone:
		return nil
	default:
		return refusal{fault.CodeUnknown, "must be AUTO, MANUAL or NONE"}
	}
}

func readFrequency(m *Merchant, value string) error {
	frequency, err := ParseFrequency(value)
	if err != nil {
		return refusal{fault.CodeUnknown, err.Error()}
	}

	m.PayoutFrequency = frequency

	return nil
}

// readCeiling takes an empty value for no ceiling, and holds it as the largest amount: nothing is above it.
func readCeiling(m *Merchant, value string) error {
	if value == "" {
		m.PayoutCeiling = money.Max

		return nil
	}

	return cents(func(m *Merchant) *money.Cents { return &m.PayoutCeiling })(m, value)
}

func writeCeiling(m *Merchant) string {
	if m.PayoutCeiling == money.Max {
		return ""
	}

	return plainCents(m.PayoutCeiling)
}

func readCPToCP(m *Merchant, value string) error {
	if value != "true" && value != "false" {
		return refusal{fault.CodeUnknown, "must be true or false"}
	}

	m.CPToCPAllowed = value == "true"

	return nil
}

func readValidFrom(m *Merchant, value string) error {
	date, err := calendar.ParseDate(value)
	if err != nil {
		return refusal{fault.CodeDate, "must be a day of the calendar, yyyy-MM-dd"}
	}

	m.ValidFrom = date

	return nil
}

// checkPayout controls what the columns of a payout owe to one another. It gives the name of the column refused.
func (m *Merchant) checkPayout() (name string, err error) {
	const why = "is empty: required when payoutMode is AUTO"

	switch {
	case m.PayoutMode == PayoutAuto && m.PayoutFrequency == Frequency{}:
		return columnFrequency, refusal{fault.CodeMissing, why}
	case m.PayoutMode == PayoutAuto && m.ExternalIBAN == "":
		return columnExternalIBAN, refusal{fault.CodeMissing, why}
	case m.ExternalIBAN != "" && m.ExternalBIC == "":
		return columnExternalBIC, refusal{fault.CodeMissing, "is empty: required with externalIban"}
	case m.ExternalIBAN != "" && m.ExternalName == "":
		return columnExternalName, refusal{fault.CodeMissing, "is empty: required with externalIban"}
	default:
		return "", nil
	}
}
