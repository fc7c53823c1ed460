package channels

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
)

// Agreed is a file that a partner has for us under a name that was agreed upon,
// where it offers no list: it is asked for by name. In both texts {yyyyMMdd},
// {yyMMdd} and {ddd}, the day of the year, stand for the business day.
type Agreed struct {
	// Flow is what the partner calls the kind of file: the virtual file of PeSIT.
	Flow string
	// Name is the file's own.
	Name string
}

// MaxAgreed is how many files may be agreed upon: each costs the partner a call
// whenever it is asked, and a bank has some ten kinds.
const MaxAgreed = 64

// ErrAgreed is a text of which nothing can be asked for.
var ErrAgreed = fmt.Errorf("want at most %d of FLOW:NAME, separated by commas, each name once: "+
	"1 to 64 letters, digits, dots, hyphens and underscores, and {yyyyMMdd}, {yyMMdd} or {ddd} for the business day", MaxAgreed)

// ParseAgreed reads FLOW:NAME,FLOW:NAME…; an empty text agrees upon nothing. The
// error wraps [ErrAgreed].
func ParseAgreed(text string) ([]Agreed, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var all []Agreed
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		flow, name, _ := strings.Cut(part, ":") // a name that is missing is no name
		one := Agreed{Flow: flow, Name: name}
		if one.check() != nil || len(all) == MaxAgreed ||
			slices.ContainsFunc(all, func(a Agreed) bool { return a.Name == name }) {
			return nil, fmt.Errorf("%q: %w", part, ErrAgreed)
		}
		all = append(all, one)
	}
	return all, nil
}

// check is nil when there is a flow and a name on a day, and so on every day:
// placeholders have the same length on all.
func (a Agreed) check() error {
	day, err := calendar.NewDate(2000, 1, 1)
	offer := a.On(day)
	return errors.Join(err, CheckName(offer.Flow), CheckName(offer.Name))
}

// String is the text of which ParseAgreed makes it.
func (a Agreed) String() string { return a.Flow + ":" + a.Name }

// On is what is asked for on a business day.
func (a Agreed) On(date calendar.Date) Offer {
	compact := date.Compact()
	fill := strings.NewReplacer(
		"{yyyyMMdd}", compact, "{yyMMdd}", compact[len("20"):], "{ddd}", fmt.Sprintf("%03d", date.Midnight().YearDay()))
	return Offer{Flow: fill.Replace(a.Flow), Name: fill.Replace(a.Name), Bytes: -1}
}
