package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/systempay"
)

// Limits of a list.
const (
	// DefaultLimit is how many rows a page has that nobody asks more of: two screens.
	DefaultLimit = 50
	// MaxLimit is how many it has at most: what the database reads of one page stays
	// within some thousand rows.
	MaxLimit = 200
)

// Names of parameters.
const (
	byCustomer = "customer"
	byOrder    = "order"
	byShop     = "shop"
	byStatus   = "status"
	byOutcome  = "outcome"
	byFrom     = "from"
	byTo       = "to"
	byAfter    = "after"
	byLimit    = "limit"
)

// filter is what of the notifications is asked for. What is empty narrows nothing.
type filter struct {
	customer, order, shop, status, outcome string

	from, to calendar.Date // in Paris, both with their whole day
	after    int64         // the number after which the list goes on, 0 for its beginning
	limit    int

	// given are the parameters as they came, to be shown again.
	given url.Values
}

// readFilter reads the parameters of a list, of which nothing may be left unread.
func readFilter(query string) (filter, []fieldProblem) {
	p := readParameters(query, byCustomer, byOrder, byShop, byStatus, byOutcome, byFrom, byTo, byAfter, byLimit)
	f := filter{
		customer: p.text(byCustomer), order: p.text(byOrder), shop: p.text(byShop), status: p.text(byStatus),
		outcome: p.outcome(), from: p.date(byFrom), to: p.date(byTo), after: p.number(byAfter), limit: p.limit(), given: p.given,
	}
	if !f.from.IsZero() && !f.to.IsZero() && f.to.Before(f.from) {
		p.refuse(byTo, "La date de fin précède la date de début.")
	}
	return f, p.problems
}

// since and until are the instants of the dates, nil where there is none.
func (f *filter) since() *time.Time { return midnight(f.from, 0) }

func (f *filter) until() *time.Time { return midnight(f.to, 1) }

func midnight(date calendar.Date, more int) *time.Time {
	if date.IsZero() {
		return nil
	}
	at := date.AddDays(more).Midnight()
	return &at
}

// next is the query of the list that goes on after a number.
func (f *filter) next(after int64) string { return nextQuery(f.given, strconv.FormatInt(after, 10)) }

// nextQuery is what was asked for, from another place on.
func nextQuery(given url.Values, after string) string {
	query := make(url.Values, len(given)+1)
	for name, values := range given {
		if values[0] != "" {
			query[name] = values
		}
	}
	query.Set(byAfter, after)
	return query.Encode()
}

// parameters are those of a request, and what is wrong with them.
type parameters struct {
	given    url.Values
	problems []fieldProblem
}

// readParameters wants parameters of those names only, each once at most.
func readParameters(query string, names ...string) *parameters {
	p := new(parameters)
	given, err := url.ParseQuery(query)
	if err != nil {
		p.refuse("", "L’adresse de la page est mal formée.")
	}
	p.given = make(url.Values, len(given))
	for name, values := range given {
		switch {
		case !slices.Contains(names, name):
			p.refuse("", "Un critère est inconnu. Critères possibles : "+strings.Join(names, ", ")+".")
		case len(values) > 1:
			p.refuse(name, "Ce critère est donné plusieurs fois.")
		default:
			p.given.Set(name, strings.TrimSpace(values[0]))
		}
	}
	return p
}

func (p *parameters) refuse(name, reason string) {
	p.problems = append(p.problems, fieldProblem{Field: name, Reason: reason})
}

// text is a value as the database may hold it.
func (p *parameters) text(name string) string {
	value := p.given.Get(name)
	if len(value) > systempay.MaxReference || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		p.given.Del(name)
		p.refuse(name, "Au plus "+strconv.Itoa(systempay.MaxReference)+" caractères imprimables.")
		return ""
	}
	return value
}

func (p *parameters) outcome() string {
	value := p.given.Get(byOutcome)
	if value != "" && !slices.Contains(outcomes(), systempay.Outcome(value)) {
		p.given.Del(byOutcome)
		p.refuse(byOutcome, "Ce résultat n’existe pas : choisissez-en un de la liste.")
		return ""
	}
	return value
}

func (p *parameters) date(name string) calendar.Date {
	value := p.given.Get(name)
	if value == "" {
		return calendar.Date{}
	}
	date, err := calendar.ParseDate(value)
	if err != nil {
		p.refuse(name, "Date attendue sous la forme AAAA-MM-JJ, comme 2026-03-17.")
	}
	return date
}

// number is a positive one, 0 when there is none.
func (p *parameters) number(name string) int64 {
	value := p.given.Get(name)
	if value == "" {
		return 0
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil || number < 1 {
		p.refuse(name, "Nombre entier positif attendu.")
		return 0
	}
	return number
}

func (p *parameters) limit() int {
	number := p.number(byLimit)
	if number > MaxLimit {
		p.refuse(byLimit, "Au plus "+strconv.Itoa(MaxLimit)+".")
	}
	if number == 0 || number > MaxLimit {
		return DefaultLimit
	}
	return int(number)
}

// outcomes are all that a notification in our tables may have.
func outcomes() []systempay.Outcome {
	return []systempay.Outcome{
		systempay.OutcomeAccepted, systempay.OutcomePending, systempay.OutcomeNotPaid, systempay.OutcomeCaptureFailed,
		systempay.OutcomeMismatch, systempay.OutcomeConflict, systempay.OutcomeErrorResult, systempay.OutcomeUnknown,
		systempay.OutcomeForbidden, systempay.OutcomeMalformed, systempay.OutcomeBadSignature, systempay.OutcomeWrongShop,
		systempay.OutcomeWrongMode, systempay.OutcomeUnmaskedCard,
	}
}

// statuses are those that SystemPay documents. One that comes later is found by its
// name in the address.
func statuses() []string {
	return []string{
		"AUTHORISED", "AUTHORISED_TO_VALIDATE", "CAPTURED", "CAPTURE_FAILED", "CAPTURE_PENDING", "ACCEPTED", "CANCELLED", "EXPIRED",
		"REFUSED", "ABANDONED", "NOT_CREATED", "INITIAL", "SUSPENDED", "PENDING", "PRE_AUTHORISED", "UNDER_VERIFICATION",
		"WAITING_AUTHORISATION", "WAITING_AUTHORISATION_TO_VALIDATE", "WAITING_FOR_PAYMENT",
	}
}
