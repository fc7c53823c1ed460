package systempay

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FormError is a form that the platform does not take.
type FormError struct {
	// Code is the platform's number of the field, two digits: 00 is the signature.
	Code string
	// Field is its name.
	Field string
	// Reason says what is wrong with it.
	Reason string
}

// Error names the field and the reason.
func (e *FormError) Error() string {
	return fmt.Sprintf("form: %s (%s): %s", e.Field, e.Code, e.Reason)
}

// unnumbered is the code of fields that have no number of their own here.
const unnumbered = "99"

// codes are the platform's numbers of fields, which it gives for what it refuses.
func codes() map[string]string {
	return map[string]string{
		signatureField: "00", versionField: "01", siteField: "02", numberField: "03", dateField: "04",
		"vads_validation_mode": "05", "vads_capture_delay": "06", configField: "07", amountField: "09",
		currencyField: "10", modeField: "11", orderField: "13", pageField: "46", actionField: "47",
	}
}

func wrong(name, reason string) *FormError {
	code, known := codes()[name]
	if !known {
		code = unnumbered
	}
	return &FormError{Code: code, Field: name, Reason: reason}
}

const (
	// maxForm is the longest form that the platform takes, in bytes.
	maxForm = 64 << 10
	// formAge is how far a form's date may be from now: transaction numbers are unique in a day, so an older one says
	// nothing any more.
	formAge = 24 * time.Hour
	// longest is how far the last instalment may be.
	longest = 366 * 24 * time.Hour
	// dateLayout is that of vads_trans_date, UTC; dayLayout that of days.
	dateLayout = "20060102150405"
	dayLayout  = "20060102"
	// day is the time from one instalment to the next of period=1.
	day = 24 * time.Hour
)

// form is one that was taken.
type form struct {
	shop     Shop
	mode     string
	fields   map[string]string
	amount   int64 // in the smallest unit of the currency
	currency string
	transID  string
	date     time.Time
	schedule []instalment
}

// instalment is one part of the amount, at its day.
type instalment struct {
	amount int64
	due    time.Time
}

// The shapes of fields.
var (
	amountShape = regexp.MustCompile(`^\d{1,12}$`)
	// Numbers from 900000 are those of the platform's own operations, of refunds among them.
	transIDShape = regexp.MustCompile(`^(?:[0-8]\d{5}|[0-9A-Za-z]*[A-Za-z][0-9A-Za-z]*)$`)
	orderIDShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	delayShape   = regexp.MustCompile(`^\d{0,3}$`)
	multiShape   = regexp.MustCompile(`^MULTI:first=(\d{1,12});count=(\d{1,2});period=(\d{1,3})$`)
	partShape    = regexp.MustCompile(`^(\d{8})=(\d{1,12})$`)
)

// currencies are those that a shop can take, by their ISO numbers.
func currencies() []string {
	return []string{"978", "756", "826", "840", "124", "392", "036", "752", "208", "578"}
}

// required are the fields without which there is no form.
func required() []string {
	return []string{
		actionField, amountField, modeField, currencyField, pageField, configField,
		siteField, dateField, numberField, versionField,
	}
}

// readForm gives the fields of a posted form, signature included.
func readForm(r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, wrong("form", "it is cut, or too long")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, wrong("form", "it is no form")
	}
	fields := map[string]string{}
	for name, all := range values {
		if name != signatureField && !strings.HasPrefix(name, prefix) {
			continue
		}
		if len(all) != 1 || !utf8.ValidString(all[0]) {
			return nil, wrong(name, "it is there twice, or no UTF-8")
		}
		fields[name] = all[0]
	}
	return fields, nil
}

// takeForm judges a form, all but whether its number is new.
func (g *Gateway) takeForm(fields map[string]string) (*form, error) {
	for _, name := range required() {
		if fields[name] == "" {
			return nil, wrong(name, "it is required")
		}
	}
	at := slices.IndexFunc(g.settings.Shops, func(s Shop) bool { return s.Site == fields[siteField] })
	if at < 0 {
		return nil, wrong(siteField, "no such shop")
	}
	taken := &form{shop: g.settings.Shops[at], mode: fields[modeField], fields: fields, currency: fields[currencyField]}
	key := taken.shop.Keys[taken.mode]
	if key == "" {
		return nil, wrong(modeField, "the shop has no key for it")
	}
	signed := make([]field, 0, len(fields))
	for name, value := range fields {
		signed = append(signed, field{name, value})
	}
	want := sign(taken.shop.Algorithm, key, signed)
	if subtle.ConstantTimeCompare([]byte(want), []byte(fields[signatureField])) != 1 {
		return nil, wrong(signatureField, "it is not that of these fields, by this shop's algorithm and key")
	}
	if err := taken.judge(g.settings.Clock().UTC()); err != nil {
		return nil, err
	}
	return taken, nil
}

// judge reads what is signed.
func (f *form) judge(now time.Time) error {
	if err := f.judgeValues(); err != nil {
		return err
	}
	var err error
	f.amount, err = strconv.ParseInt(f.fields[amountField], 10, 64)
	if err != nil || f.amount <= 0 || !amountShape.MatchString(f.fields[amountField]) {
		return wrong(amountField, "want 1 to 12 digits, more than nothing")
	}
	f.transID = f.fields[numberField]
	if len(f.transID) != 6 || !transIDShape.MatchString(f.transID) {
		return wrong(numberField, "want six characters, and below 900000")
	}
	f.date, err = time.Parse(dateLayout, f.fields[dateField])
	if age := now.Sub(f.date); err != nil || age > formAge || age < -formAge {
		return wrong(dateField, "want yyyyMMddHHmmss of now, UTC")
	}
	f.schedule, err = schedule(f.fields[configField], f.amount, f.date)
	return err
}

// judgeValues looks at fields that have one of a few values.
func (f *form) judgeValues() error {
	for name, allowed := range map[string][]string{
		actionField: {"INTERACTIVE"}, pageField: {"PAYMENT"}, versionField: {"V2"},
		currencyField: currencies(), "vads_validation_mode": {"", "0", "1"}, "vads_return_mode": {"", "NONE", "GET", "POST"},
	} {
		if !slices.Contains(allowed, f.fields[name]) {
			return wrong(name, fmt.Sprintf("want one of %q", allowed))
		}
	}
	if !delayShape.MatchString(f.fields["vads_capture_delay"]) {
		return wrong("vads_capture_delay", "want a number of days")
	}
	if order := f.fields[orderField]; order != "" && !orderIDShape.MatchString(order) {
		return wrong(orderField, "want 1 to 64 letters, digits, _ or -")
	}
	for name, value := range f.fields {
		if strings.ContainsAny(value, "<>") {
			return wrong(name, "it holds < or >")
		}
		if strings.HasPrefix(name, "vads_url_") && value != "" && !isAddress(value) {
			return wrong(name, "want an address of http or https")
		}
	}
	return nil
}

func isAddress(text string) bool {
	address, err := url.Parse(text)
	return err == nil && address.Host != "" && (address.Scheme == "http" || address.Scheme == "https")
}

// schedule reads vads_payment_config: SINGLE, MULTI:first=A;count=N;period=D or MULTI_EXT:yyyyMMdd=A;… and so on.
func schedule(config string, amount int64, from time.Time) ([]instalment, error) {
	if config == "SINGLE" {
		return []instalment{{amount, from}}, nil
	}
	if parts, extended := strings.CutPrefix(config, "MULTI_EXT:"); extended {
		return datedParts(parts, amount, from)
	}
	found := multiShape.FindStringSubmatch(config)
	if found == nil {
		return nil, wrong(configField, "want SINGLE, MULTI:first=A;count=N;period=D or MULTI_EXT:yyyyMMdd=A;…")
	}
	first, errFirst := strconv.ParseInt(found[1], 10, 64)
	count, errCount := strconv.ParseInt(found[2], 10, 64)
	period, errPeriod := strconv.ParseInt(found[3], 10, 64)
	if errors.Join(errFirst, errCount, errPeriod) != nil || count < 2 || period < 1 || first < 1 || first >= amount ||
		(amount-first)/(count-1) < 1 || time.Duration((count-1)*period)*day > longest {
		return nil, wrong(configField, "want two parts at least, within a year, a cent at least each")
	}
	each := (amount - first) / (count - 1)
	parts := []instalment{{first, from}}
	for i := range count - 1 {
		parts = append(parts, instalment{each, from.AddDate(0, 0, int((i+1)*period))})
	}
	parts[count-1].amount = amount - first - each*(count-2) // the last one has what does not divide
	return parts, nil
}

func datedParts(text string, amount int64, from time.Time) ([]instalment, error) {
	var parts []instalment
	left := amount
	earliest := from.Truncate(day)
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		found := partShape.FindStringSubmatch(part)
		if found == nil {
			return nil, wrong(configField, "want MULTI_EXT:yyyyMMdd=A;…")
		}
		due, errDue := time.Parse(dayLayout, found[1])
		cents, errCents := strconv.ParseInt(found[2], 10, 64)
		if errors.Join(errDue, errCents) != nil || cents < 1 || due.Before(earliest) || due.Sub(from) > longest {
			return nil, wrong(configField, "want days from today on and within a year, in their order, and a cent at least each")
		}
		earliest = due
		left -= cents
		parts = append(parts, instalment{cents, due})
	}
	if left != 0 {
		return nil, wrong(configField, "the parts are not the amount")
	}
	return parts, nil
}
