// Package label tells what a line of a bank statement is from its label. The grammars of the labels are configuration: each
// bank words them its own way.
package label

import (
	"strings"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// Class is what a bank line is.
type Class string

// The classes.
const (
	SettlementTransaction Class = "SETTLEMENT_TRANSACTION" // card transactions settled, explained by a CRE file
	SettlementUnpaid      Class = "SETTLEMENT_UNPAID"      // unpaids settled, explained by a CRE file
	Remittance            Class = "REMITTANCE"             // a bulk of payouts that the bank debited
	Rejects               Class = "REJECTS"                // a lot of payouts that came back
	Own                   Class = "OWN"                    // a transfer between our own bank accounts
	Unknown               Class = "UNKNOWN"                // no grammar explains it: an operator does
)

// Line is what a bank line was found to be.
type Line struct {
	Class Class
	// Reference names what the line settles, and is fit to be a vacation's key: the settlement's reference, the bulk's or
	// the own transfer's name, REJ<lot>-<part> for a lot of rejects. Empty when the line is Unknown.
	Reference     string
	OperationType string // of a settlement, "100"; otherwise empty
	Reason        string // why an Unknown line is none of the others, for an operator to read; otherwise empty
}

// Classify tells what a line is. White space in labels is not reliable: any run of it separates words. The first rule that
// matches the label decides, also where a later one matches too, and also where the line's account or sign then does not
// suit the class: such a line is Unknown, because an operator should look at it, not another grammar.
//
// Settlements, remittances and rejects are known on règlement only, own transfers on the three bank accounts. A remittance
// is a debit and a lot of rejects a credit. A settlement is of unpaids when it is a debit, when its operation type is one
// of unpaids, or when its rule says so. An amount of zero is Unknown.
//
// It is safe for concurrent use, and takes time in proportion to the label's length.
func (c *Classifier) Classify(label string, amount money.Cents, account ledger.Code) Line {
	text := strings.Join(strings.Fields(label), " ")

	for i := range c.rules {
		line, matches := c.rules[i].match(text)
		if !matches {
			continue
		}

		return c.judge(line, amount, account)
	}

	return unknown("no grammar explains its label")
}

// Assign tells what a line is whose label no grammar explains, and of which a person gives the parts: the class, the
// reference and, of a settlement, the operation type. They are held against the forms that the grammars of that class want
// for them, and against the line's account and sign, as those of a label are. The two classes of settlements go by the same
// grammars: which of them the line is, its sign and its operation type say.
func (c *Classifier) Assign(parts Line, amount money.Cents, account ledger.Code) Line {
	for i := range c.rules {
		line, matches := c.rules[i].assign(parts)
		if matches {
			return c.judge(line, amount, account)
		}
	}

	return unknown("no grammar of its class takes such a reference, or such an operation type")
}

// judge holds a line that a rule knows against its amount and its account.
func (c *Classifier) judge(line Line, amount money.Cents, account ledger.Code) Line {
	if reason := unsuitable(line.Class, amount, account); reason != "" {
		return unknown(reason)
	}

	if line.Class == SettlementTransaction && (amount < 0 || c.impaye[line.OperationType]) {
		line.Class = SettlementUnpaid
	}

	return line
}

func unknown(reason string) Line { return Line{Class: Unknown, Reason: reason} }

// unsuitable says why a line of that amount on that account cannot be of the class, or nothing when it can.
func unsuitable(class Class, amount money.Cents, account ledger.Code) string {
	switch {
	case amount == 0:
		return "its amount is zero"
	case class == Own && account != ledger.Reglement && account != ledger.Cantonnement && account != ledger.Fonctionnement:
		return "its label is that of an own transfer, and its account is none of the three bank accounts"
	case class != Own && account != ledger.Reglement:
		return "its label is one of " + string(ledger.Reglement) + ", and it stands on another account"
	case class == Remittance && amount > 0:
		return "its label is that of a remittance, and it is a credit"
	case class == Rejects && amount < 0:
		return "its label is that of a lot of rejects, and it is a debit"
	default:
		return ""
	}
}

// match reads a label whose runs of white space are single spaces.
func (r *rule) match(text string) (Line, bool) {
	found := r.pattern.FindStringSubmatch(text)
	if found == nil {
		return Line{}, false
	}

	values := make(map[string]string, len(found))

	for i, name := range r.pattern.SubexpNames() {
		values[name] = found[i]
	}

	return r.line(values)
}

// assign takes the parts of a label, if the rule's groups take each of them as a whole.
func (r *rule) assign(parts Line) (Line, bool) {
	if parts.Class != r.class && (!settles(parts.Class) || !settles(r.class)) {
		return Line{}, false
	}

	values := map[string]string{groupReference: parts.Reference, groupOperationType: parts.OperationType}

	if r.class == Rejects {
		number, lot := strings.CutPrefix(parts.Reference, lotPrefix)
		if !lot {
			return Line{}, false
		}

		values[groupLot], values[groupPart], _ = strings.Cut(number, "-")
	}

	for _, name := range (Rule{Class: r.class}).groups() {
		found := r.groups[name].FindStringSubmatch(values[name])
		if found == nil {
			return Line{}, false
		}

		if i := r.groups[name].SubexpIndex(groupDate); i > 0 {
			values[groupDate] = found[i]
		}
	}

	return r.line(values)
}

// line is made of the values of the pattern's named groups, unless one of them cannot be.
func (r *rule) line(values map[string]string) (Line, bool) {
	if date, dated := values[groupDate]; dated {
		if _, err := calendar.ParseCompact([]byte(date)); err != nil {
			return Line{}, false
		}
	}

	line := Line{Class: r.class, Reference: values[groupReference]}
	if settles(r.class) {
		line.OperationType = values[groupOperationType]
	}

	if r.class == Rejects {
		lot, part := values[groupLot], values[groupPart]
		line.Reference = lotPrefix + lot + "-" + part

		if lot == "" || part == "" {
			return Line{}, false
		}
	}

	if settles(r.class) && line.OperationType == "" {
		return Line{}, false
	}

	_, err := vacation.NewID(vacation.ReglementVirements, line.Reference)

	return line, err == nil
}
