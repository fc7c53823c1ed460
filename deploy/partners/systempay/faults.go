package systempay

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what goes wrong with a notification.
type Kind string

// The kinds. A notification that went wrong and was not answered 200 is sent again, as it should have been.
const (
	// Field says another value of a field, Text NAME=VALUE, Unset leaves out the field that Text names. Both are signed.
	Field Kind = "field"
	Unset Kind = "unset"
	// WrongSite says that the notification is of another shop, Text or 87654321; WrongMode that it is of the other mode.
	// Both are signed with this shop's key of the true mode.
	WrongSite Kind = "wrong-site"
	WrongMode Kind = "wrong-mode"
	// BareCard says all digits of a card number, that of a card for tests. It is signed.
	BareCard Kind = "bare-card"
	// BadUTF8 has a value that is no UTF-8. It is signed.
	BadUTF8 Kind = "bad-utf8"
	// Oversized is At bytes longer, 600 KiB when that is zero. It is signed.
	Oversized Kind = "oversized"

	// Forged signs with another key, Downgraded by SHA-1 where the shop's algorithm is HMAC-SHA-256, Unsigned not at all.
	Forged     Kind = "forged"
	Downgraded Kind = "downgraded"
	Unsigned   Kind = "unsigned"
	// Tampered adds At to the amounts, one when that is zero, after the signature.
	Tampered Kind = "tampered"
	// NameTwice says one field twice, that which Text names or vads_amount, with another value the second time.
	NameTwice Kind = "name-twice"

	// Slow takes At milliseconds to send the body, ten seconds when that is zero.
	Slow Kind = "slow"
	// Cut sends At bytes of the body, and cuts the connection.
	Cut Kind = "cut"
	// ContentType says that the body is something else: Text, or application/json.
	ContentType Kind = "content-type"
	// Foreign says in X-Forwarded-For that it comes from the address Text, 203.0.113.9 when there is none.
	Foreign Kind = "foreign"
	// Twice sends the notification twice at once.
	Twice Kind = "twice"
	// AnswerLost takes no answer for one, so that the notification is sent again.
	AnswerLost Kind = "answer-lost"
	// Held keeps the notification until it is released, after which the last one goes first.
	Held Kind = "held"
)

// Kinds gives all of them.
func Kinds() []Kind {
	return []Kind{
		Field, Unset, WrongSite, WrongMode, BareCard, BadUTF8, Oversized, Forged, Downgraded, Unsigned, Tampered, NameTwice,
		Slow, Cut, ContentType, Foreign, Twice, AnswerLost, Held,
	}
}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind Kind   `json:"kind"`
	At   int64  `json:"at,omitempty"`
	Text string `json:"text,omitempty"`
	// Times is how often it happens, until it is taken away when it is zero.
	Times int `json:"times,omitempty"`
}

// ErrFault is a fault that is none.
var ErrFault = errors.New("no fault: want KIND, KIND=NUMBER or KIND=TEXT, and *TIMES")

// ParseFault reads a fault as it stands on a command line: forged, cut=12*3, field=vads_result=96*1.
func ParseFault(text string) (Fault, error) {
	var fault Fault
	text, times, counted := strings.Cut(text, "*")
	if counted {
		var err error
		if fault.Times, err = strconv.Atoi(times); err != nil || fault.Times < 1 {
			return Fault{}, fmt.Errorf("%q: %w", text, ErrFault)
		}
	}
	kind, value, _ := strings.Cut(text, "=")
	fault.Kind, fault.Text = Kind(kind), value
	if number, err := strconv.ParseInt(value, 10, 64); err == nil && fault.Kind != WrongSite {
		fault.At, fault.Text = number, ""
	}
	if err := fault.check(); err != nil {
		return Fault{}, err
	}
	return fault, nil
}

func (f *Fault) check() error {
	if !slices.Contains(Kinds(), f.Kind) || f.At < 0 || f.Times < 0 {
		return fmt.Errorf("%q, of %q: %w", f.Kind, Kinds(), ErrFault)
	}
	if name, _, valued := strings.Cut(f.Text, "="); (f.Kind == Field && (!valued || name == "")) || (f.Kind == Unset && f.Text == "") {
		return fmt.Errorf("%s names no field: %w", f.Kind, ErrFault)
	}
	return nil
}

// Break says what goes wrong from now on; nothing when there are none.
func (g *Gateway) Break(faults ...Fault) {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.faults = slices.Clone(faults)
}

// goesWrong tells whether something goes wrong now, with a notification that may be held.
func (g *Gateway) goesWrong(kind Kind) bool {
	g.lock.Lock()
	defer g.lock.Unlock()
	for i := range g.faults {
		if g.faults[i].Kind == kind {
			g.spend(i)
			return true
		}
	}
	return false
}

// next gives all that goes wrong with the next notification, but for its being held.
func (g *Gateway) next() []Fault {
	g.lock.Lock()
	defer g.lock.Unlock()
	var all []Fault
	for i := 0; i < len(g.faults); i++ {
		if g.faults[i].Kind == Held {
			continue
		}
		all = append(all, g.faults[i])
		if g.spend(i) {
			i--
		}
	}
	return all
}

// spend counts a fault that happens, and tells whether it was the last time.
func (g *Gateway) spend(i int) bool {
	switch g.faults[i].Times {
	case 0:
		return false
	case 1:
		g.faults = slices.Delete(g.faults, i, i+1)
		return true
	default:
		g.faults[i].Times--
		return false
	}
}

// How faults are when they do not say.
const (
	defaultOversize = 600 << 10
	defaultSlow     = 10_000 // milliseconds
	otherSite       = "87654321"
	otherAddress    = "203.0.113.9" // of the addresses for documentation
	bareCard        = "4970100000000055"
)

// or gives how far a fault goes.
func (f *Fault) or(otherwise int64) int64 {
	if f.At == 0 {
		return otherwise
	}
	return f.At
}

// orText gives what a fault says.
func (f *Fault) orText(otherwise string) string {
	if f.Text == "" {
		return otherwise
	}
	return f.Text
}

// before does to the fields what goes wrong before they are signed.
func (f *Fault) before(fields []field) []field {
	switch f.Kind {
	case Field:
		name, value, _ := strings.Cut(f.Text, "=")
		return set(fields, name, value)
	case Unset:
		return unset(fields, f.Text)
	case WrongSite:
		return set(fields, siteField, f.orText(otherSite))
	case WrongMode:
		mode := testMode
		if slices.Contains(fields, field{modeField, testMode}) {
			mode = productionMode
		}
		return set(fields, modeField, mode)
	case BareCard:
		return set(fields, "vads_card_number", bareCard)
	case BadUTF8:
		return set(fields, "vads_cust_first_name", "Zo\xeb\xff")
	case Oversized:
		return set(fields, "vads_ext_info_long", strings.Repeat("x", int(f.or(defaultOversize))))
	default:
		return fields
	}
}

// after does to the fields what goes wrong after they were signed.
func (f *Fault) after(fields []field) []field {
	switch f.Kind {
	case Unsigned:
		return unset(fields, signatureField)
	case Tampered:
		for _, name := range []string{amountField, "vads_effective_amount"} {
			for _, one := range fields {
				if amount, err := strconv.ParseInt(one.value, 10, 64); one.name == name && err == nil {
					fields = set(fields, name, strconv.FormatInt(amount+f.or(1), 10))
				}
			}
		}
		return fields
	case NameTwice:
		return append(fields, field{f.orText(amountField), "1"})
	default:
		return fields
	}
}
