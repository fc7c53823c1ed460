package safeguarding

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// item is one amount of a statement, as it is written.
type item struct {
	name   string // in JSON and CSV
	label  string // for people to read
	amount *money.Cents
	total  bool // a rule stands above it
}

const nameDate = "date"

// itemsOf gives the amounts in the order in which they are written.
func itemsOf(s *Statement) []item {
	return []item{
		{"paymentAccounts", "Comptes de paiement", &s.PaymentAccounts, false},
		{"parked", "Opérations en attente d'affectation", &s.Parked, false},
		{"payoutsOrdered", "Virements ordonnés, non débités", &s.PayoutsOrdered, false},
		{"rejects", "Virements rejetés, à recréditer", &s.Rejects, false},
		{"owed", "Dû aux clients", &s.Owed, true},
		{"reglement", "Compte de règlement", &s.Reglement, false},
		{"cantonnement", "Compte de cantonnement", &s.Cantonnement, false},
		{"transitToClients", "Virements internes en cours vers ces comptes", &s.TransitToClients, false},
		{"toClear", "Débits de la banque à répercuter", &s.ToClear, false},
		{"coversToOrder", "Couvertures restant à ordonner", &s.CoversToOrder, false},
		{"held", "Détenu pour les clients", &s.Held, true},
		{"surplus", "Excédent (négatif : insuffisance)", &s.Surplus, true},
		{"cantonnementDue", "À cantonner : dû la veille et encore dû", &s.CantonnementDue, false},
		{"cantonnementHeld", "Cantonné, virements en cours compris", &s.CantonnementHeld, false},
		{"cantonnementGap", "Insuffisance de cantonnement", &s.CantonnementGap, true},
	}
}

// WriteTable writes the statement as a table for people, in French, in euros.
func (s Statement) WriteTable(destination io.Writer) error {
	items, widest, longest := itemsOf(&s), 0, 0

	for _, item := range items {
		widest = max(widest, utf8.RuneCountInString(item.label))
		longest = max(longest, len(item.amount.String()))
	}

	var table strings.Builder

	fmt.Fprintf(&table, "Protection des fonds des clients au %s (EUR)\n\n", s.Date)

	for _, item := range items {
		if item.total {
			fmt.Fprintf(&table, "%*s  %s\n", widest, "", strings.Repeat("-", longest))
		}

		fmt.Fprintf(&table, "%-*s  %*s\n", widest, item.label, longest, item.amount)

		if item.total {
			table.WriteByte('\n')
		}
	}

	if _, err := io.WriteString(destination, strings.TrimSuffix(table.String(), "\n")); err != nil {
		return fmt.Errorf("write a safeguarding statement: %w", err)
	}

	return nil
}

// WriteCSV writes the statement as comma-separated values with a header row, a row for each amount: date, item, label in
// French, euros with two decimal places after a point.
func (s Statement) WriteCSV(destination io.Writer) error {
	items := itemsOf(&s)
	rows := make([][]string, 0, 1+len(items))
	rows = append(rows, []string{nameDate, "item", "label", "amount"})

	for _, item := range items {
		rows = append(rows, []string{s.Date.String(), item.name, item.label, item.amount.String()})
	}

	if err := csv.NewWriter(destination).WriteAll(rows); err != nil {
		return fmt.Errorf("write a safeguarding statement: %w", err)
	}

	return nil
}

// MarshalJSON writes an object of the date and the amounts, in euros as decimal strings.
func (s Statement) MarshalJSON() ([]byte, error) {
	object := []byte(`{"` + nameDate + `":"` + s.Date.String() + `"`)
	for _, item := range itemsOf(&s) {
		object = append(object, `,"`+item.name+`":"`+item.amount.String()+`"`...)
	}

	return append(object, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, all of it: a missing amount is an error, one that is not known is not.
func (s *Statement) UnmarshalJSON(text []byte) error {
	var members map[string]string
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("read a safeguarding statement: %w", err)
	}

	var read Statement

	date, err := calendar.ParseDate(members[nameDate])
	if err != nil {
		return fmt.Errorf("read a safeguarding statement: %s: %w", nameDate, err)
	}

	read.Date = date

	for _, item := range itemsOf(&read) {
		if *item.amount, err = money.Parse(members[item.name]); err != nil {
			return fmt.Errorf("read a safeguarding statement: %s: %w", item.name, err)
		}
	}

	*s = read

	return nil
}
