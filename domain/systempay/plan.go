package systempay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	planField  = "vads_payment_config"
	single     = "SINGLE"
	multi      = "MULTI:"
	multiDated = "MULTI_EXT:"

	// maxInstalments is the most of a plan: one a day for the twelve months that SystemPay keeps one.
	maxInstalments = 366
)

// Instalment is a part of an amount that is paid on a day of its own.
type Instalment struct {
	Day   time.Time // its date in UTC; the time of day counts for nothing
	Units int64     // of the currency's smallest unit
}

// Plan is in how many parts an order is paid. The zero value is the whole of it at once.
type Plan struct {
	kind          planKind
	first         int64
	count, period int
	dated         []Instalment
}

type planKind int

const (
	planSingle planKind = iota
	planMulti
	planDated
)

// Multi is a plan of count instalments, one every period days: the first of that many units, the others of equal parts of
// the rest, the last with what cannot be divided.
func Multi(first int64, count, period int) Plan {
	return Plan{kind: planMulti, first: first, count: count, period: period}
}

// Dated is a plan of instalments each with its day and its amount, in the order of their days.
func Dated(instalments ...Instalment) Plan {
	return Plan{kind: planDated, dated: slices.Clone(instalments), count: len(instalments)}
}

// IsSingle tells whether the whole is paid at once.
func (p Plan) IsSingle() bool { return p.kind == planSingle }

// ParsePlan reads vads_payment_config as Plan.String writes it. The error is a *FieldError.
func ParsePlan(text string) (Plan, error) {
	var plan Plan

	switch {
	case text == single:
		return plan, nil
	case strings.HasPrefix(text, multi):
		plan.kind = planMulti

		if _, err := fmt.Sscanf(text, multi+"first=%d;count=%d;period=%d", &plan.first, &plan.count, &plan.period); err != nil {
			return Plan{}, refuse(planField, "is not MULTI:first=…;count=…;period=…")
		}
	case strings.HasPrefix(text, multiDated):
		plan.kind = planDated

		for part := range strings.SplitSeq(strings.TrimPrefix(text, multiDated), ";") {
			day, units, _ := strings.Cut(part, "=")

			at, err := time.Parse(compactDay, day)
			if err != nil {
				return Plan{}, refuse(planField, "has a day that is not of the form yyyyMMdd")
			}

			amount, err := readAmount(planField, units)
			if err != nil {
				return Plan{}, err
			}

			plan.dated = append(plan.dated, Instalment{Day: at, Units: amount})
		}

		plan.count = len(plan.dated)
	}

	if plan.String() != text { // a sign, a leading zero, something after it, or another word
		return Plan{}, refuse(planField, "is neither SINGLE, MULTI:first=…;count=…;period=… nor MULTI_EXT:yyyyMMdd=…;…")
	}

	return plan, nil
}

// String writes vads_payment_config.
func (p Plan) String() string {
	switch p.kind {
	case planSingle:
		return single
	case planMulti:
		return multi + "first=" + strconv.FormatInt(p.first, 10) + ";count=" + strconv.Itoa(p.count) + ";period=" + strconv.Itoa(p.period)
	default:
		parts := make([]string, 0, len(p.dated))
		for _, part := range p.dated {
			parts = append(parts, part.Day.UTC().Format(compactDay)+"="+strconv.FormatInt(part.Units, 10))
		}

		return multiDated + strings.Join(parts, ";")
	}
}

// Amounts gives the instalments of an amount in units, in their order: of 20000 with a first one of 10000, in four, 10000,
// 3333, 3333 and 3334. The error is a *FieldError, for an amount that cannot be divided so.
func (p Plan) Amounts(total int64) ([]int64, error) {
	switch {
	case total <= 0 || total > MaxUnits:
		return nil, refuse("vads_amount", "must be more than zero, and have 12 digits at most")
	case p.IsSingle():
		return []int64{total}, nil
	case p.count > maxInstalments:
		return nil, refuse(planField, "has more than "+strconv.Itoa(maxInstalments)+" instalments")
	case p.kind == planDated:
		return p.datedAmounts(total)
	default:
		return p.equalAmounts(total)
	}
}

func (p Plan) equalAmounts(total int64) ([]int64, error) {
	switch {
	case p.count < 2:
		return nil, refuse(planField, "has a count below 2: have the whole paid at once")
	case p.period < 1:
		return nil, refuse(planField, "has a period below 1 day")
	case p.first < 1:
		return nil, refuse(planField, "has a first instalment of nothing")
	case p.first >= total:
		return nil, refuse(planField, "has a first instalment that leaves nothing for the others")
	}

	others := int64(p.count - 1)
	rest := total - p.first
	each := rest / others

	if each == 0 {
		return nil, refuse(planField, "has more instalments than there is to pay: take fewer")
	}

	amounts := make([]int64, p.count)
	amounts[0] = p.first

	for i := 1; i < p.count; i++ {
		amounts[i] = each
	}

	amounts[p.count-1] += rest % others

	return amounts, nil
}

func (p Plan) datedAmounts(total int64) ([]int64, error) {
	amounts := make([]int64, 0, len(p.dated))
	rest := total

	for i, part := range p.dated {
		if part.Units < 1 || part.Units > rest {
			return nil, refuse(planField, "has instalments that do not come to vads_amount, or one of nothing")
		}

		if i > 0 && dayOf(part.Day).Compare(dayOf(p.dated[i-1].Day)) <= 0 {
			return nil, refuse(planField, "has a day that does not come after the one before it")
		}

		rest -= part.Units
		amounts = append(amounts, part.Units)
	}

	if rest != 0 || len(amounts) == 0 {
		return nil, refuse(planField, "has instalments that do not come to vads_amount")
	}

	return amounts, nil
}

// check is nil for a plan that SystemPay takes at that instant, whose first payment is handed to the bank after delay days:
// the days are not past, and the last is within twelve months.
func (p Plan) check(total int64, now time.Time, delay int) error {
	if _, err := p.Amounts(total); err != nil {
		return err
	}

	if p.IsSingle() {
		return nil
	}

	today := dayOf(now)
	end := today.AddDate(1, 0, 0)

	if p.kind == planDated {
		if dayOf(p.dated[0].Day).Before(today) {
			return refuse(planField, "has a day that is past")
		}

		if dayOf(p.dated[len(p.dated)-1].Day).After(end) {
			return refuse(planField, "ends more than twelve months from now: shorten it")
		}

		return nil
	}

	// Asked by a division: a huge period would wrap the product.
	if within := int(end.Sub(today)/(24*time.Hour)) - delay; p.period > within/(p.count-1) {
		return refuse(planField, "ends more than twelve months from now: shorten it")
	}

	return nil
}

func dayOf(at time.Time) time.Time {
	year, month, day := at.UTC().Date()

	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
