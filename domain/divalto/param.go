package divalto

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/money"
)

const (
	// Action is the action of every call of Execute.
	Action = "WEB_SERVICE_INFINITY"
	// Script is the ERP's action that books settlements.
	Script = "integration_reglement"

	// blank is how the ERP writes a field that says nothing.
	blank = " "

	// typographicApostrophe stands for the plain apostrophe in texts between single quotes.
	typographicApostrophe = '’'
)

// Quote is which quotes the document within a request is written with.
type Quote string

// The quotings.
const (
	// QuoteDouble is strict JSON.
	QuoteDouble Quote = "double"
	// QuoteSingle has single quotes around names and values, as the examples of the
	// ERP's documentation have. There an apostrophe of a label becomes a
	// typographic one; in any other field it is refused, as double quotes and
	// backslashes are in all of them.
	QuoteSingle Quote = "single"
)

// ParseQuote reads "double", "single", or nothing for QuoteDouble.
func ParseQuote(s string) (Quote, bool) {
	switch q := Quote(s); q {
	case "":
		return QuoteDouble, true
	case QuoteDouble, QuoteSingle:
		return q, true
	default:
		return "", false
	}
}

// member is a field of the ERP with its value, in the dictionary's words.
type member struct{ field, value string }

// record is an entry's fields, and those of each of its details.
type record struct {
	fields  []member
	details [][]member
}

// Param gives the document that goes into a request as its `param`: the entry, if
// it breaks no rule, written as the options say. The error is a *RuleError, also
// where the options cannot say the entry; then nothing is to be sent.
//
// All values are strings. Amounts are euros with a full stop: whole euros without
// decimals, as the documentation of the ERP writes them, all others with two.
// Fields that say nothing are one space, but the establishment and the piece,
// which are empty.
func Param(entry Entry, options Options) (string, error) {
	if err := entry.Check(); err != nil {
		return "", err
	}

	if err := options.Check(); err != nil {
		return "", err
	}

	w := writer{quote: options.Quote, vocabulary: options.Vocabulary}

	return w.document(options.Dossier, entry.header())
}

// Check holds the options against what a request can say. The error is a
// *RuleError.
func (o Options) Check() error {
	if _, known := ParseQuote(string(o.Quote)); !known {
		return broken(0, RuleCharacters, "param", string(o.Quote), "say the quoting as double or single")
	}

	w := writer{quote: o.Quote}
	for _, m := range o.Dossier.members() {
		if err := checkOptional(0, m.field, m.value); err != nil {
			return err
		}

		if _, err := w.value(0, m); err != nil {
			return err
		}
	}

	return nil
}

func (d Dossier) members() []member {
	return []member{{"dos", d.Dos}, {"doscpt", d.DosCpt}, {"etb", d.Etb}}
}

func (p Posting) header() record {
	details := make([][]member, len(p.Details))
	for i := range p.Details {
		details[i] = p.Details[i].members()
	}

	return record{
		fields: []member{
			{fieldEtb, p.Etb},
			{fieldDate, p.Date.Compact()},
			{fieldCurrency, money.Currency},
			{fieldThirdParty, p.ThirdParty},
			{fieldAmount, euros(p.Amount)},
			{fieldLabel, p.Label},
			{fieldDirection, strconv.Itoa(int(p.Direction))},
			{fieldChange, p.State.Change},
			{fieldFinal, p.State.Final},
		},
		details: details,
	}
}

func (d *Detail) members() []member {
	members := []member{
		{fieldLineAmount, euros(d.Amount)},
		{fieldPrefix, orBlank(d.Prefix)},
		{fieldPiece, d.Piece},
		{fieldThirdParty, d.ThirdParty},
		{fieldNature, orBlank(string(d.Nature))},
	}
	if !d.Due.IsZero() {
		members = append(members, member{fieldDue, d.Due.Compact()})
	}

	return members
}

func (d Deposit) header() record {
	fields := []member{
		{fieldDate, d.Date.Compact()},
		{fieldCurrency, money.Currency},
		{fieldAmount, euros(d.Amount)},
		{fieldLabel, d.Label},
		// The items of a portfolio are what was encashed.
		{fieldDirection, strconv.Itoa(int(Encashment))},
		{fieldChange, d.State.Change},
	}
	if d.State.Final != "" {
		fields = append(fields, member{fieldFinal, d.State.Final})
	}

	details := make([][]member, len(d.Items))
	for i, item := range d.Items {
		details[i] = []member{{fieldTransaction, item.Transaction}, {fieldOrder, strconv.Itoa(item.Order)}}
	}

	return record{fields: append(fields, member{fieldBank, d.Bank}), details: details}
}

// euros writes whole euros without decimals.
func euros(amount money.Cents) string { return strings.TrimSuffix(amount.String(), ".00") }

func orBlank(text string) string {
	if text == "" {
		return blank
	}

	return text
}

// writer writes the document in one of its quotings.
type writer struct {
	quote      Quote
	vocabulary Vocabulary
}

func (w *writer) document(dossier Dossier, entry record) (string, error) {
	parameters := make([]member, 0, len(dossier.members()))

	for _, m := range dossier.members() {
		if m.value != "" {
			parameters = append(parameters, m)
		}
	}

	said, err := w.members(0, parameters)
	if err != nil {
		return "", err
	}

	fields, err := w.members(0, entry.fields)
	if err != nil {
		return "", err
	}

	lines := make([]string, len(entry.details))

	for i, detail := range entry.details {
		members, err := w.members(i+1, detail)
		if err != nil {
			return "", err
		}

		lines[i] = w.object(w.named(detailRecord, w.object(members...)))
	}

	fields = append(fields, w.named(detailTable, "["+strings.Join(lines, ",")+"]"))
	header := w.object(w.named(headerRecord, w.object(fields...)))

	return w.object(
		w.named("action", w.object(w.named("swinfinity", w.quoted(Script)), w.named("parameters", w.object(said...)))),
		w.named("data", w.object(w.named(headerTable, "["+header+"]"))),
	), nil
}

func (w *writer) members(line int, members []member) ([]string, error) {
	written := make([]string, len(members))

	for i, m := range members {
		value, err := w.value(line, m)
		if err != nil {
			return nil, err
		}

		written[i] = w.named(w.vocabulary.name(m.field), w.quoted(w.vocabulary.code(m.field, value)))
	}

	return written, nil
}

// value gives a value as the quoting can hold it.
func (w *writer) value(line int, m member) (string, error) {
	value := m.value
	if w.quote != QuoteSingle {
		return value, nil
	}

	if m.field == fieldLabel {
		value = strings.ReplaceAll(value, "'", string(typographicApostrophe))
	}

	if strings.ContainsAny(value, `'"\`) {
		return "", broken(line, RuleCharacters, m.field, value,
			"no quotes and no backslash between single quotes: change the value, or write strict JSON")
	}

	return value, nil
}

func (w *writer) object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

func (w *writer) named(name, value string) string { return w.quoted(name) + ":" + value }

func (w *writer) quoted(text string) string {
	if w.quote == QuoteSingle {
		return "'" + text + "'"
	}

	return string(encoded(text))
}

// encoded gives a text as JSON, with < > & as they are: the ERP does not undo
// the escapes that HTML would want.
func encoded(value any) []byte {
	var buffer bytes.Buffer

	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)

	_ = encoder.Encode(value) //nolint:errchkjson // texts, and structs of texts, all of which can be written

	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}
