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

		if reason := unsuitable(line.Class, amount, account); reason != "" {
			return unknown(reason)
		}

		if line.Class == SettlementTransaction && (amount < 0 || c.impaye[line.OperationType]) {
			line.Class = SettlementUnpaid
		}

		return line
	}

	return unknown("no grammar explains its label")
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

	line := Line{Class: r.class}

	var lot, part string

	for i, name := range r.pattern.SubexpNames() {
		switch value := found[i]; name {
		case groupReference:
			line.Reference = value
		case groupOperationType:
			line.OperationType = value
		case groupLot:
			lot = value
		case groupPart:
			part = value
		case groupDate:
			if _, err := calendar.ParseCompact([]byte(value)); err != nil {
				return Line{}, false
			}
		}
	}

	if r.class == Rejects {
		line.Reference = lotPrefix + lot + "-" + part

		if lot == "" || part == "" {
			return Line{}, false
		}
	}

	if r.settles() && line.OperationType == "" {
		return Line{}, false
	}

	_, err := vacation.NewID(vacation.ReglementVirements, line.Reference)

	return line, err == nil
}
