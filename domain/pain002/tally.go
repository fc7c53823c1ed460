package pain002

import (
	"slices"
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// tally counts the orders of a message, or of a block, by status.
type tally struct {
	counts []tallied
	orders int
	named  bool // a status of some of them has been said
	open   bool // a block is rejected of which the report does not say how many orders it has
}

type tallied struct {
	status Status
	orders int
	sum    money.Cents
	summed bool // sum is that of all these orders
}

// add counts orders; a sum of 0 is one that is not known.
func (t *tally) add(status Status, orders int, sum money.Cents) {
	t.orders += orders
	t.named = true

	i := slices.IndexFunc(t.counts, func(known tallied) bool { return known.status == status })
	if i < 0 {
		i = len(t.counts)
		t.counts = append(t.counts, tallied{status: status, summed: true})
	}

	known := &t.counts[i]
	known.orders += orders

	total, err := known.sum.Add(sum)
	known.sum = total
	known.summed = known.summed && sum != 0 && err == nil
}

func (t *tally) find(status Status) tallied {
	for _, known := range t.counts {
		if known.status == status {
			return known
		}
	}

	return tallied{status: status}
}

// merge adds what a block says to the message's.
func (t *tally) merge(payment *Payment, listed *tally) {
	whole := payment.Status != "" && payment.Status != Partial
	t.named = t.named || listed.named || whole

	if listed.orders == 0 && len(payment.Counts) > 0 {
		for _, count := range payment.Counts {
			t.add(count.Status, count.Orders, count.Sum)
		}

		return
	}

	for _, known := range listed.counts {
		if !known.summed {
			known.sum = 0
		}

		t.add(known.status, known.orders, known.sum)
	}

	switch rest := payment.Orders - listed.orders; {
	case !whole:
	case payment.Orders == 0:
		t.open = t.open || payment.Status.Rejected()
	case listed.orders == 0:
		t.add(payment.Status, rest, payment.Sum)
	case rest > 0:
		t.add(payment.Status, rest, 0)
	}
}

// note notes a fault of what is said as a whole: of the element of that name.
type note func(element string, code fault.Code, value, reason string)

// check holds what is said as a whole, of a message or of a block, against the orders. The status is that of the whole,
// orders how many it is said to have (0: not said).
func (t *tally) check(status Status, orders int, counts []Count, note note) {
	if orders > 0 && t.orders > orders {
		note(orderCount, fault.CodeTrailerCount, strconv.Itoa(orders),
			"is less than the number of orders that are named, "+strconv.Itoa(t.orders))
	}

	if status == Partial && !t.named {
		note("", fault.CodeMissing, string(status), "is said, but no order or block of which it is not the status")
	}

	if len(counts) == 0 {
		return
	}

	total := 0

	for _, count := range counts {
		total += count.Orders
		t.checkCount(status, count, note)
	}

	if orders > 0 && total > orders {
		note(statusCount, fault.CodeTrailerCount, strconv.Itoa(total), "is more than the number of orders, "+strconv.Itoa(orders))
	}

	for _, known := range t.counts {
		if !slices.ContainsFunc(counts, func(count Count) bool { return count.Status == known.status }) {
			note(statusCount, fault.CodeTrailerCount, string(known.status), "is the status of orders that are named, and is not counted")
		}
	}
}

// checkCount holds a count against the orders of that status. Orders may be counted without being named, unless they are
// rejected and others are not: nobody would know which.
func (t *tally) checkCount(status Status, count Count, note note) {
	known := t.find(count.Status)

	switch {
	case known.orders > count.Orders,
		known.orders < count.Orders && count.Status.Rejected() && !status.Rejected() && !t.open:
		note(statusCount, fault.CodeTrailerCount, string(count.Status)+" "+strconv.Itoa(count.Orders),
			"is not the number of orders that are named with this status, "+strconv.Itoa(known.orders))
	case known.orders == count.Orders && known.summed && count.Sum != 0 && count.Sum != known.sum:
		note(statusCount, fault.CodeTrailerSum, string(count.Status)+" "+count.Sum.String(),
			"is not the sum of the orders that are named with this status, "+known.sum.String())
	}
}
