package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/reglo/reglo/domain/systempay"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var style []byte

// pages are the templates, by the name of their file without its ending.
type pages map[string]*template.Template

// Names of pages.
const (
	listPage         = "list"
	notificationPage = "notification"
	paymentsPage     = "payments"
	linesPage        = "lines"
	formsPage        = "forms"
	loginPage        = "login"
	problemPage      = "problem"
)

// readPages reads the templates. The error is of one that is broken, which the
// tests exclude.
func readPages() (pages, error) {
	read := make(pages)
	for _, name := range []string{listPage, notificationPage, paymentsPage, linesPage, formsPage, loginPage, problemPage} {
		page, err := template.New(name).Funcs(template.FuncMap{
			"instant": instant, "machine": func(at time.Time) string { return inParis(at).Format(time.RFC3339) },
			"outcome": outcomeText, "levelClass": levelClass, "field": fieldText, "role": roleText,
		}).ParseFS(templates, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
		read[name] = page
	}
	return read, nil
}

// screen is what every page has.
type screen struct {
	Title  string
	Person Person
	Menu   []menuItem
	Body   any
}

type menuItem struct {
	Path, Label string
	Current     bool
}

func menu(path string) []menuItem {
	items := []menuItem{
		{Path: listPath, Label: "Notifications"},
		{Path: listPath + "/unmatched/payments", Label: "Paiements non rapprochés"},
		{Path: listPath + "/unmatched/lines", Label: "Lignes de CRE non rapprochées"},
		{Path: listPath + "/unmatched/forms", Label: "Formulaires sans suite"},
	}
	for i := range items {
		items[i].Current = items[i].Path == path
	}
	return items
}

// show answers with a page.
func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, what screen) {
	what.Menu = menu(r.URL.Path)
	var text bytes.Buffer // whole, or not at all
	if err := c.pages[name].ExecuteTemplate(&text, "layout", what); err != nil {
		c.parts.Log.ErrorContext(r.Context(), "a page is not written", "page", name, "error", err)
		http.Error(w, broken().detail, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the reader has gone, then
}

// refuse answers with the page of a problem: with that to sign in, where it is that
// nobody knows who asks.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, person Person, wrong *problem) {
	wrong.announce(w)
	if wrong.login {
		c.showLoginForm(w, r, wrong, r.URL.RequestURI())
		return
	}
	c.show(w, r, wrong.status, problemPage, screen{
		Title: wrong.title, Person: person,
		Body: struct {
			Detail string
			Fields []fieldProblem
		}{wrong.detail, wrong.fields},
	})
}

// page has a page shown to those who may see it.
func (c *Console) page(next func(http.ResponseWriter, *http.Request, Person) *problem) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		person, wrong := c.who(r)
		if wrong == nil {
			c.noteLook(r.Context(), r, person)
			wrong = next(w, r, person)
		}
		if wrong != nil {
			c.refuse(w, r, person, wrong)
		}
	}
}

func (c *Console) noPage(http.ResponseWriter, *http.Request, Person) *problem { return notFound() }

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = io.Copy(w, bytes.NewReader(style)) // the reader has gone, then
}

// instant is how people in Paris read one.
func instant(at time.Time) string { return inParis(at).Format("02/01/2006 15:04:05") }

func roleText(role Role) string {
	if role == Operator {
		return "opérateur"
	}
	return "auditeur"
}

// levelClass is the look of a level; what it means is said in words beside it.
func levelClass(level string) string {
	switch systempay.Level(level) {
	case systempay.LevelInfo:
		return "good"
	case systempay.LevelNotice:
		return "note"
	case systempay.LevelWarn:
		return "warn"
	default:
		return "bad"
	}
}

// outcomeText is an outcome in French; one that nobody knows stands as it is.
func outcomeText(outcome string) string {
	text, known := map[systempay.Outcome]string{
		systempay.OutcomeAccepted:      "Acceptée",
		systempay.OutcomePending:       "En attente",
		systempay.OutcomeNotPaid:       "Non payée",
		systempay.OutcomeCaptureFailed: "Remise en banque échouée",
		systempay.OutcomeMismatch:      "Différente du formulaire",
		systempay.OutcomeConflict:      "Contradictoire",
		systempay.OutcomeErrorResult:   "Erreur de SystemPay",
		systempay.OutcomeUnknown:       "Statut inconnu",
		systempay.OutcomeForbidden:     "Origine refusée",
		systempay.OutcomeMalformed:     "Mal formée",
		systempay.OutcomeBadSignature:  "Signature fausse",
		systempay.OutcomeWrongShop:     "Autre boutique",
		systempay.OutcomeWrongMode:     "Autre mode",
		systempay.OutcomeUnmaskedCard:  "Carte non masquée",
	}[systempay.Outcome(outcome)]
	if !known {
		return outcome
	}
	return text
}

// fieldText is the label of a parameter.
func fieldText(name string) string {
	text, known := map[string]string{
		byCustomer: "Client", byOrder: "Commande", byShop: "Boutique", byStatus: "Statut", byOutcome: "Résultat",
		byFrom: "Reçue à partir du", byTo: "Reçue jusqu’au", byAfter: "Suite après", byLimit: "Lignes par page",
	}[name]
	if !known {
		return name
	}
	return text
}
