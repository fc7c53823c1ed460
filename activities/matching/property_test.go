package matching_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/activities/matching"
)

// Few values, so that much is alike.
func payments() *rapid.Generator[[]payment] {
	one := rapid.Custom(func(t *rapid.T) payment {
		return payment{
			shop:          rapid.SampledFrom([]string{boutique, boutique, kiosk, idle}).Draw(t, "shop"),
			order:         rapid.SampledFrom([]string{"ORD1", "ORD2", "ORD3"}).Draw(t, "order"),
			authorisation: rapid.SampledFrom([]string{"", "aa11", "bb22"}).Draw(t, "authorisation"),
			contract:      rapid.SampledFrom([]string{"", "", contract1, contract2, contract3}).Draw(t, "contract"),
			cents:         rapid.SampledFrom([]int64{-2, 1, 2, 3, 1000}).Draw(t, "cents"),
			day:           rapid.IntRange(1, 9).Draw(t, "day"),
			class:         rapid.SampledFrom([]string{"PAID", "PAID", "PAID", "CANCELLED"}).Draw(t, "class"),
		}
	})
	return rapid.Custom(func(t *rapid.T) []payment {
		list := rapid.SliceOfN(one, 0, 8).Draw(t, "payments")
		for i := range list {
			list[i].number, list[i].uuid = int64(i+1), fmt.Sprintf("u%d", i+1)
		}
		return list
	})
}

func cardLines() *rapid.Generator[[]line] {
	one := rapid.Custom(func(t *rapid.T) line {
		return line{
			contract:  rapid.SampledFrom([]string{contract1, contract2, contract3, "9999999"}).Draw(t, "contract"),
			reference: rapid.SampledFrom([]string{"", "", "AA11", "bb22", "u1", "U2", "u3"}).Draw(t, "reference"),
			label:     rapid.SampledFrom([]string{"CB", "CB ORD1", "ORD1/ORD2", "ORD3", "ORD3-1"}).Draw(t, "label"),
			cents:     rapid.SampledFrom([]int64{-2, 1, 2, 3, 1000}).Draw(t, "cents"),
			day:       rapid.IntRange(1, 12).Draw(t, "day"),
		}
	})
	return rapid.Custom(func(t *rapid.T) []line {
		list := rapid.SliceOfN(one, 0, 8).Draw(t, "lines")
		for i := range list {
			list[i].number = int32(i + 1)
		}
		return list
	})
}

// mayBe says, in Go, whether a rule allows a line for a payment.
func mayBe(rule matching.Rule, s *matching.Settings, p *payment, l *line) bool {
	contracts := map[string][]string{boutique: {contract1, contract2}, kiosk: {contract3}}
	difference := max(p.cents-l.cents, l.cents-p.cents)
	within := l.day >= p.day && l.day-p.day <= s.Days
	switch {
	case p.class != "PAID" || !slices.Contains(contracts[p.shop], l.contract):
		return false
	case difference > int64(s.Tolerance) || (p.cents > 0) != (l.cents > 0):
		return false
	}
	switch rule {
	case matching.ByReference:
		return strings.EqualFold(p.uuid, l.reference) ||
			p.authorisation != "" && strings.EqualFold(p.authorisation, l.reference) && within
	case matching.ByOrder:
		return slices.Contains(strings.FieldsFunc(l.label, func(r rune) bool { return r == ' ' || r == '/' }), p.order)
	case matching.ByAmount:
		return within && (p.contract == "" || p.contract == l.contract)
	default:
		return false
	}
}

// expected matches as the rules say, until nothing is found any more.
func expected(s *matching.Settings, payments []payment, lines []line) []string {
	lineOf, taken := make(map[int64]string), make(map[int32]bool)
	for found := true; found; {
		found = false
		for _, rule := range s.Rules {
			for _, pair := range only(rule, s, payments, lines, lineOf, taken) {
				lineOf[pair.payment] = fmt.Sprintf("%d %d %s", pair.payment, pair.line, rule)
				taken[pair.line] = true
				found = true
			}
		}
	}
	var all []string
	for _, text := range lineOf {
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

type pair struct {
	payment int64
	line    int32
}

// only are the pairs that leave neither side a choice.
func only(
	rule matching.Rule, s *matching.Settings, payments []payment, lines []line, lineOf map[int64]string, taken map[int32]bool,
) []pair {
	var pairs []pair
	ofPayment, ofLine := make(map[int64]int), make(map[int32]int)
	for i := range payments {
		for j := range lines {
			p, l := &payments[i], &lines[j]
			if lineOf[p.number] == "" && !taken[l.number] && mayBe(rule, s, p, l) {
				pairs = append(pairs, pair{p.number, l.number})
				ofPayment[p.number]++
				ofLine[l.number]++
			}
		}
	}
	return slices.DeleteFunc(pairs, func(one pair) bool { return ofPayment[one.payment] > 1 || ofLine[one.line] > 1 })
}

// Whatever comes in whatever order, what is matched is what the rules leave no
// choice for: no payment and no line twice, and nothing by its amount alone that
// might be another's.
func TestWhatIsMatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	matched := 0
	rapid.Check(t, func(r *rapid.T) {
		w.settings = settings()
		w.settings.Rules = rapid.SampledFrom([][]matching.Rule{
			matching.Rules(), {matching.ByAmount}, {matching.ByAmount, matching.ByOrder, matching.ByReference}, {matching.ByOrder},
		}).Draw(r, "rules")
		w.settings.Days = rapid.IntRange(0, 5).Draw(r, "days")
		if rapid.Bool().Draw(r, "tolerant") {
			w.settings.Tolerance = 1
		}
		paid, came := payments().Draw(r, "payments"), cardLines().Draw(r, "lines")
		w.exec(t, `truncate payment_match, payment_line, payment cascade`)
		for _, i := range rapid.Permutation(indices(len(paid))).Draw(r, "order of payments") {
			w.payment(t, paid[i])
		}
		for _, i := range rapid.Permutation(indices(len(came))).Draw(r, "order of lines") {
			w.line(t, came[i])
		}
		w.match(t)
		got := w.matches(t)
		slices.Sort(got)
		matched += len(got)
		want := expected(&w.settings, paid, came)
		require.Equal(r, cmp.Or(strings.Join(want, ", "), "none"), cmp.Or(strings.Join(got, ", "), "none"))
	})
	require.Positive(t, matched)
}

func indices(count int) []int {
	all := make([]int, count)
	for i := range all {
		all[i] = i
	}
	return all
}

// Lines and payments come in time: whatever the calls in between, what is matched
// stays so, and is allowed by its rule.
func TestMatchesStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		paid, came := payments().Draw(r, "payments"), cardLines().Draw(r, "lines")
		w.exec(t, `truncate payment_match, payment_line, payment cascade`)
		kept := map[string]bool{}
		for len(paid)+len(came) > 0 {
			switch {
			case len(came) == 0 || len(paid) > 0 && rapid.Bool().Draw(r, "payment"):
				w.payment(t, paid[0])
				paid = paid[1:]
			default:
				w.line(t, came[0])
				came = came[1:]
			}
			if rapid.Bool().Draw(r, "match") {
				w.match(t)
			}
			now := w.matches(t)
			for match := range kept {
				require.Contains(r, now, match)
			}
			for _, match := range now {
				kept[match] = true
			}
		}
	})
}

// BenchmarkMatch matches ten thousand payments among a million lines whose table
// nobody has analysed.
func BenchmarkMatch(b *testing.B) {
	const lines, count = 1_000_000, 10_000
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		ctx := context.WithoutCancel(b.Context())
		_, err := w.pool.CopyFrom(ctx, pgx.Identifier{"payment_line"},
			[]string{"settlement", "line", "cre_id", "contract", "amount_cents", "transaction_at", "acquirer_ref", "label", "orders"},
			pgx.CopyFromSlice(lines, func(i int) ([]any, error) {
				order, reference := fmt.Sprintf("TS2026-%011d-1", i), fmt.Sprintf("%032x", i)
				if i%3 == 1 {
					reference = "ref"
				}
				if i%3 == 2 {
					order, reference = "170326", ""
				}
				return []any{
					1, i, "c", contract1, 1 + i%1000*7919%100_000, now().Add(-time.Duration(i%3) * 24 * time.Hour), reference, "CB " + order, order,
				}, nil
			}))
		require.NoError(b, err)
		w.exec(b, `
			insert into payment (number, key, shop, site_id, mode, order_id, operation, sequence, customer, state, status, class, amount_units,
			                     currency, paid_at, first_at, changed_at)
			overriding system value
			select i + 1, '12345678:TEST:' || lpad(to_hex(i * 50), 32, '0'), 'boutique', '12345678', 'TEST', 'TS2026-' || lpad((i * 50)::text, 11, '0') || '-1',
			       'DEBIT', 1, '', 'CAPTURED', 'CAPTURED', 'PAID', 1 + i * 50 % 1000 * 7919 % 100000, '978', $1, $1, $1
			from generate_series(0, $2) as i`, now().Add(-3*24*time.Hour), count-1)
		b.StartTimer()
		result, err := w.try(ctx, w.on(w.pool))
		require.NoError(b, err)
		b.StopTimer()
		b.ReportMetric(float64(result.Matched), "matched")
		w.prove(b)
		b.StartTimer()
	}
}
