package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/starter/console/internal/db"
)

// input is one of the list's criteria.
type input struct {
	Name, Type, Value string
	Problem           *fieldProblem
	Options           []option
}

type option struct {
	Value, Label string
}

// paged is what every list has.
type paged struct {
	Summary     string
	First, Next string
}

// turn says how many rows there are, and where the others are.
func (p *paged) turn(r *http.Request, count int, given url.Values, next string) {
	p.Summary = counted(count)
	if given.Get(byAfter) != "" {
		first := make(url.Values, len(given))
		for name, values := range given {
			if name != byAfter && values[0] != "" {
				first[name] = values
			}
		}
		p.First = (&url.URL{Path: r.URL.Path, RawQuery: first.Encode()}).String()
		p.Summary += ", suite"
	}
	if next != "" {
		p.Next = (&url.URL{Path: r.URL.Path, RawQuery: nextQuery(given, next)}).String()
		p.Summary += " ; la page suivante en a d’autres"
	}
	p.Summary += "."
}

func counted(count int) string {
	if count == 1 {
		return "1 ligne, de la plus récente à la plus ancienne"
	}
	return strconv.Itoa(count) + " lignes, de la plus récente à la plus ancienne"
}

type listBody struct {
	paged

	Problems       []fieldProblem
	Texts, Choices []input
	Rows           []Notification
}

func (c *Console) showList(w http.ResponseWriter, r *http.Request, person Person) *problem {
	f, problems := readFilter(r.URL.RawQuery)
	body := listBody{Problems: problems}
	status := http.StatusOK
	if len(problems) == 0 {
		rows, more, err := c.store.list(r.Context(), &f)
		if wrong := c.notRead(r.Context(), err); wrong != nil {
			return wrong
		}
		body.Rows = rows
		next := ""
		if more {
			next = strconv.FormatInt(rows[len(rows)-1].Number, 10)
		}
		body.turn(r, len(rows), f.given, next)
	} else {
		status = http.StatusBadRequest
	}
	body.Texts, body.Choices = c.inputs(f.given, problems)
	c.show(w, r, status, listPage, screen{Title: "Notifications SystemPay", Person: person, Body: body})
	return nil
}

// inputs are the criteria, with what was given and what is wrong with it.
func (c *Console) inputs(given url.Values, problems []fieldProblem) (texts, choices []input) {
	problemOf := func(name string) *fieldProblem {
		if at := slices.IndexFunc(problems, func(p fieldProblem) bool { return p.Field == name }); at >= 0 {
			return &problems[at]
		}
		return nil
	}
	for _, text := range []struct{ name, kind string }{{byFrom, "date"}, {byTo, "date"}, {byCustomer, "text"}, {byOrder, "text"}} {
		texts = append(texts, input{Name: text.name, Type: text.kind, Value: given.Get(text.name), Problem: problemOf(text.name)})
	}
	shops, states, results := plainOptions(c.parts.Shops), plainOptions(statuses()), make([]option, 0, len(outcomes()))
	for _, outcome := range outcomes() {
		results = append(results, option{string(outcome), outcomeText(string(outcome))})
	}
	for _, choice := range []struct {
		name    string
		options []option
	}{{byShop, shops}, {byStatus, states}, {byOutcome, results}} {
		value, options := given.Get(choice.name), choice.options
		if value != "" && !slices.ContainsFunc(options, func(o option) bool { return o.Value == value }) {
			options = append(options, option{value, value})
		}
		choices = append(choices, input{Name: choice.name, Value: value, Options: options, Problem: problemOf(choice.name)})
	}
	return texts, choices
}

func plainOptions(values []string) []option {
	options := make([]option, 0, len(values))
	for _, value := range values {
		options = append(options, option{value, value})
	}
	return options
}

// fact is a line of what is known: a text, or an instant.
type fact struct {
	Name, Value string
	At          *time.Time
	// Masked is a value that is not kept; English one that is in that language, as all
	// that the engine says itself.
	Masked, English bool
}

type notificationBody struct {
	Detail      Detail
	Facts       []fact
	Transaction *transactionBody
	Fields      []fact
}

type transactionBody struct {
	Facts, Form, Match []fact
	History            []Event
}

func (c *Console) showNotification(w http.ResponseWriter, r *http.Request, person Person) *problem {
	detail, wrong := c.find(r)
	if wrong != nil {
		return wrong
	}
	body := notificationBody{Detail: detail, Facts: messageFacts(&detail), Fields: fieldFacts(detail.Fields)}
	if of := detail.Transaction; of != nil {
		body.Transaction = &transactionBody{
			Facts: transactionFacts(of), Form: formFacts(of.Form), Match: matchFacts(of.Match), History: of.History,
		}
	}
	c.show(w, r, http.StatusOK, notificationPage, screen{
		Title: "Notification " + strconv.FormatInt(detail.Number, 10), Person: person, Body: body,
	})
	return nil
}

// find reads the notification whose number stands in the path.
func (c *Console) find(r *http.Request) (Detail, *problem) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return Detail{}, noNotification()
	}
	detail, err := c.store.detail(r.Context(), number)
	return detail, c.notRead(r.Context(), err)
}

// notRead says why something was not read, nil when it was.
func (c *Console) notRead(ctx context.Context, err error) *problem {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoRow):
		return noNotification()
	case errors.Is(err, errNoPlace):
		return wrongFields([]fieldProblem{{byAfter, "Aucune ligne ne porte ce numéro : reprenez à la première page."}})
	case errors.Is(err, errTooSlow):
		c.parts.Log.WarnContext(ctx, "a search took too long")
		return tooSlow()
	case errors.Is(err, errTooMany):
		c.parts.Log.WarnContext(ctx, "too many search at once")
		return tooManySearches()
	default:
		c.parts.Log.ErrorContext(ctx, "notifications cannot be read", "error", err)
		return unavailable()
	}
}

func messageFacts(d *Detail) []fact {
	return []fact{
		{Name: "Reçue le", At: &d.ReceivedAt},
		{Name: fieldText(byShop), Value: d.Shop},
		{Name: "Adresse d’origine", Value: d.Peer},
		{Name: fieldText(byOrder), Value: d.Order},
		{Name: "Client", Value: d.Customer},
		{Name: "Statut", Value: d.Status},
		{Name: "Résultat", Value: d.Outcome},
		{Name: "Gravité", Value: d.Level},
		{Name: "Répétitions", Value: strconv.Itoa(int(d.Repeats))},
		{Name: "Dernière répétition", At: d.RepeatedAt},
		{Name: "Traitée le", At: d.HandledAt},
		{Name: "Clé de l’événement", Value: d.EventKey},
		{Name: "Empreinte SHA-256 du message", Value: d.SHA256},
	}
}

func transactionFacts(t *Transaction) []fact {
	return []fact{
		{Name: "Numéro interne", Value: strconv.FormatInt(t.Number, 10)},
		{Name: "Clé", Value: t.Key},
		{Name: fieldText(byShop), Value: t.Shop},
		{Name: "Site", Value: t.SiteID},
		{Name: "Mode", Value: t.Mode},
		{Name: fieldText(byOrder), Value: t.Order},
		{Name: "Client", Value: t.Customer},
		{Name: "Opération", Value: t.Operation},
		{Name: "Séquence", Value: strconv.Itoa(int(t.Sequence))},
		{Name: "État", Value: t.State},
		{Name: "Statut", Value: t.Status},
		{Name: "Classe", Value: t.Class},
		{Name: "Montant", Value: t.Amount.String()},
		{Name: "Autorisation", Value: t.Authorisation},
		{Name: "Contrat", Value: t.Contract},
		{Name: "Payée le", At: t.PaidAt},
		{Name: "Connue depuis le", At: &t.FirstAt},
		{Name: "Dernier changement", At: &t.ChangedAt},
		{Name: "À vérifier", Value: t.Doubt, English: true},
	}
}

func formFacts(f *Form) []fact {
	if f == nil {
		return nil
	}
	return []fact{
		{Name: "Numéro interne", Value: strconv.FormatInt(f.Number, 10)},
		{Name: "Présenté le", At: &f.ShownAt},
		{Name: fieldText(byShop), Value: f.Shop},
		{Name: "Site", Value: f.SiteID},
		{Name: "Mode", Value: f.Mode},
		{Name: "Jour (UTC)", Value: f.Day.String()},
		{Name: "Numéro de transaction", Value: f.TransactionID},
		{Name: fieldText(byOrder), Value: f.Order},
		{Name: "Montant", Value: f.Amount.String()},
		{Name: "Échéances", Value: f.Plan},
		{Name: "Client", Value: f.Customer},
		{Name: "Facture", Value: strings.TrimSpace(f.InvoicePrefix + " " + f.InvoicePiece)},
		{Name: "Tiers", Value: f.ThirdParty},
	}
}

func matchFacts(m *Match) []fact {
	if m == nil {
		return nil
	}
	return []fact{
		{Name: "Règlement", Value: m.Reference},
		{Name: "Ligne", Value: strconv.Itoa(int(m.Line))},
		{Name: "Identifiant CRE", Value: m.CreID},
		{Name: "Contrat", Value: m.Contract},
		{Name: "Montant", Value: m.Amount.String()},
		{Name: "Transaction du", At: &m.TransactionAt},
		{Name: "Référence acquéreur", Value: m.AcquirerRef},
		{Name: "Règle", Value: m.Rule},
		{Name: "Opérateur", Value: m.Actor},
		{Name: "Rapprochée le", At: &m.MatchedAt},
	}
}

// masked stands for a value that is not kept.
const masked = "[hidden]"

// fieldFacts are the fields in the order of their names.
func fieldFacts(fields map[string]string) []fact {
	facts := make([]fact, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		facts = append(facts, fact{Name: name, Value: fields[name], Masked: fields[name] == masked})
	}
	return facts
}

const (
	// openAfter is how long a form may go without an end before anybody looks: buyers
	// who pay do so within minutes.
	openAfter = 24 * time.Hour
	// openFor is how long it is looked at: the gateway tells of no form that is older,
	// and buyers who have changed their minds leave many.
	openFor = 30 * 24 * time.Hour
)

// unmatchedBody is a list of what is not matched.
type unmatchedBody[T any] struct {
	paged

	Rows []T
}

// showUnmatched shows a page of such a list. read gives one row more than a page
// has, if there are, after the place that is given; place is that of a row.
func showUnmatched[T any](
	c *Console, w http.ResponseWriter, r *http.Request, person Person, title, page string, after func(*parameters),
	read func(ctx context.Context, on *db.Queries) ([]T, error), place func(*T) string,
) *problem {
	p := readParameters(r.URL.RawQuery, byAfter)
	after(p)
	if len(p.problems) > 0 {
		return wrongFields(p.problems)
	}
	var body unmatchedBody[T]
	err := c.store.read(r.Context(), func(ctx context.Context, on *db.Queries) (err error) {
		body.Rows, err = read(ctx, on)
		return err
	})
	if wrong := c.notRead(r.Context(), err); wrong != nil {
		return wrong
	}
	rows, more := cut(body.Rows, DefaultLimit)
	body.Rows = rows
	next := ""
	if more {
		next = place(&rows[len(rows)-1])
	}
	body.turn(r, len(rows), p.given, next)
	c.show(w, r, http.StatusOK, page, screen{Title: title, Person: person, Body: body})
	return nil
}

func (c *Console) showPayments(w http.ResponseWriter, r *http.Request, person Person) *problem {
	var after *int64
	return showUnmatched(c, w, r, person, "Paiements non rapprochés", paymentsPage,
		func(p *parameters) { after = p.place() },
		func(ctx context.Context, on *db.Queries) ([]Payment, error) {
			rows, err := on.UnmatchedPayments(ctx, after, DefaultLimit+1)
			return all(rows, unmatchedPayment), err
		},
		func(row *Payment) string { return strconv.FormatInt(row.Number, 10) })
}

func (c *Console) showForms(w http.ResponseWriter, r *http.Request, person Person) *problem {
	var after *int64
	return showUnmatched(c, w, r, person, "Formulaires sans suite", formsPage,
		func(p *parameters) { after = p.place() },
		func(ctx context.Context, on *db.Queries) ([]*Form, error) {
			now := c.parts.Clock()
			rows, err := on.OpenForms(ctx, db.OpenFormsParams{
				ShownFrom: now.Add(-openFor), ShownBefore: now.Add(-openAfter), After: after, Most: DefaultLimit + 1,
			})
			return all(rows, openForm), err
		},
		func(row **Form) string { return strconv.FormatInt((*row).Number, 10) })
}

func (c *Console) showLines(w http.ResponseWriter, r *http.Request, person Person) *problem {
	var settlement *int32
	var line int32
	return showUnmatched(c, w, r, person, "Lignes de CRE non rapprochées", linesPage,
		func(p *parameters) { settlement, line = p.linePlace() },
		func(ctx context.Context, on *db.Queries) ([]Line, error) {
			rows, err := on.UnmatchedLines(ctx, settlement, line, DefaultLimit+1)
			return all(rows, unmatchedLine), err
		},
		func(row *Line) string { return strconv.Itoa(int(row.Settlement)) + "-" + strconv.Itoa(int(row.Line)) })
}

// all has rows made into what pages show.
func all[Row, T any](rows []Row, convert func(*Row) T) []T {
	shown := make([]T, 0, len(rows))
	for i := range rows {
		shown = append(shown, convert(&rows[i]))
	}
	return shown
}

// place is the number after which a list goes on, nil for its beginning.
func (p *parameters) place() *int64 {
	if number := p.number(byAfter); number > 0 {
		return &number
	}
	return nil
}

// linePlace is the line after which a list goes on, nil for its beginning.
func (p *parameters) linePlace() (settlement *int32, line int32) {
	value := p.given.Get(byAfter)
	if value == "" {
		return nil, 0
	}
	left, right, both := strings.Cut(value, "-")
	first, err := strconv.ParseInt(left, 10, 32)
	second, err2 := strconv.ParseInt(right, 10, 32)
	if !both || err != nil || err2 != nil || first < 1 || second < 1 {
		p.refuse(byAfter, "Règlement et ligne attendus, comme 12-345.")
		return nil, 0
	}
	number := int32(first)
	return &number, int32(second)
}
