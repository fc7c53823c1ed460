package cashout_test

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, good := range []cashout.Policy{
		{}, {CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: money.Max}, {CPCeiling: 10_000_00, TotalCeiling: 1, FourEyes: 5},
	} {
		require.NoError(t, good.Validate())
	}
	for field, bad := range map[string]cashout.Policy{
		"ceiling of a CP":      {CPCeiling: -1},
		"ceiling of a session": {TotalCeiling: money.Max + 1},
		"four-eyes":            {FourEyes: -1},
	} {
		err := bad.Validate()
		var policyError *cashout.PolicyError
		require.ErrorAs(t, err, &policyError)
		require.ErrorContains(t, err, field)
	}
}

func TestReasonsAreSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, reason := range cashout.Reasons() {
		require.NotEmpty(t, reason.French(), reason)
		require.NotEmpty(t, reason.English(), reason)
		require.False(t, said[reason.French()] || said[reason.English()], "%s says what another one says", reason)
		said[reason.French()], said[reason.English()] = true, true
		require.Equal(t, string(reason)+": "+reason.French()+" / "+reason.English(), reason.Text())
		require.LessOrEqual(t, utf8.RuneCountInString(reason.Text()), ogep.MaxTextRunes)
	}
	require.Len(t, said, 2*len(cashout.Reasons()))
	require.Empty(t, cashout.Reason("").Text())
	require.Empty(t, cashout.Reason("").French()+cashout.Reason("").English())
}

func open() cashout.Policy {
	return cashout.Policy{CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: money.Max}
}

func order(account string, amount money.Cents) cashout.Candidate {
	return cashout.Candidate{Ref: "ref", AccountID: account, Amount: amount, OwnCeiling: money.Max}
}

// judged is a verdict and its reason on one line.
func judged(verdict cashout.Verdict, reason cashout.Reason) string {
	return strings.TrimSpace(string(verdict) + " " + string(reason))
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const one, two = "1A17660007", "1A17660008"
	held := order(one, 10)
	held.Held = true
	small := func(amount money.Cents) cashout.Candidate {
		candidate := order(one, amount)
		candidate.OwnCeiling = 50
		return candidate
	}
	for name, test := range map[string]struct {
		policy           func(*cashout.Policy)
		total, liquidity money.Cents
		orders           []cashout.Candidate
		want             []string
		left             money.Cents
	}{
		"nothing in the way": {
			func(*cashout.Policy) {}, 60, 100,
			[]cashout.Candidate{order(one, 10), order(one, 20), order(two, 30)}, []string{"VALIDATED", "VALIDATED", "VALIDATED"}, 40,
		},
		"held": {
			func(p *cashout.Policy) { p.TotalCeiling = 0 }, 30, 0,
			[]cashout.Candidate{held, held}, []string{"REFUSED HELD", "REFUSED HELD"}, 0,
		},
		"liquidity, in order": {
			func(*cashout.Policy) {}, 160, 100,
			[]cashout.Candidate{order(one, 60), order(one, 50), order(two, 40), order(two, 1)},
			[]string{"VALIDATED", "REFUSED LIQUIDITY", "VALIDATED", "REFUSED LIQUIDITY"}, 0,
		},
		"liquidity before approval": {
			func(p *cashout.Policy) { *p = cashout.Policy{} }, 20, 10,
			[]cashout.Candidate{order(one, 11), order(one, 9)}, []string{"REFUSED LIQUIDITY", "WAITING CEILING_TOTAL"}, 1,
		},
		"no client money": {
			func(*cashout.Policy) {}, 1, -5,
			[]cashout.Candidate{order(one, 1)}, []string{"REFUSED LIQUIDITY"}, -5,
		},
		"at the total": {
			func(p *cashout.Policy) { p.TotalCeiling = 30 }, 30, 100,
			[]cashout.Candidate{order(one, 30)}, []string{"VALIDATED"}, 70,
		},
		"above the total": {
			func(p *cashout.Policy) { p.TotalCeiling, p.FourEyes = 29, 0 }, 30, 100,
			[]cashout.Candidate{order(one, 10), order(two, 20)}, []string{"WAITING CEILING_TOTAL", "WAITING CEILING_TOTAL"}, 70,
		},
		"four eyes": {
			func(p *cashout.Policy) { p.FourEyes, p.CPCeiling = 20, 40 }, 61, 100,
			[]cashout.Candidate{order(one, 20), order(one, 21), order(two, 20)},
			[]string{"VALIDATED", "WAITING FOUR_EYES", "VALIDATED"}, 39,
		},
		"ceiling of a CP": {
			func(p *cashout.Policy) { p.CPCeiling = 30 }, 75, 100,
			[]cashout.Candidate{order(one, 20), order(one, 10), order(one, 1), order(one, 1), order(two, 30)},
			[]string{"VALIDATED", "VALIDATED", "WAITING CEILING_CP", "WAITING CEILING_CP", "VALIDATED"}, 38,
		},
		"the merchant's own ceiling": {
			func(p *cashout.Policy) { p.CPCeiling = 100 }, 51, 100,
			[]cashout.Candidate{small(50), small(1)}, []string{"VALIDATED", "WAITING CEILING_CP"}, 49,
		},
		"what is refused does not count": {
			func(p *cashout.Policy) { p.CPCeiling = 100 }, 250, 100,
			[]cashout.Candidate{order(one, 150), order(one, 100)}, []string{"REFUSED LIQUIDITY", "VALIDATED"}, 0,
		},
		"no amount": {
			func(*cashout.Policy) {}, 0, 100,
			[]cashout.Candidate{order(one, 0), order(one, -50), order(one, -1<<63)},
			[]string{"REFUSED AMOUNT", "REFUSED AMOUNT", "REFUSED AMOUNT"}, 100,
		},
		"the largest": {
			func(*cashout.Policy) {}, money.Max, 1<<63 - 1,
			[]cashout.Candidate{order(one, money.Max), order(one, 1), order(one, 1<<63-1)},
			[]string{"VALIDATED", "REFUSED LIQUIDITY", "REFUSED LIQUIDITY"}, 0,
		},
	} {
		policy := open()
		test.policy(&policy)
		review := cashout.NewReview(policy, test.total, test.liquidity)
		var got []string
		for _, candidate := range test.orders {
			got = append(got, judged(review.Judge(candidate)))
		}
		require.Equal(t, test.want, got, name)
		require.Equal(t, test.left, review.State().Liquidity, name)
	}
}

func candidates() *rapid.Generator[[]cashout.Candidate] {
	accounts := []string{"1A17660001", "1A17660002", "1A17660003", "1A17660004"}
	return rapid.Custom(func(t *rapid.T) []cashout.Candidate {
		var list []cashout.Candidate
		for _, account := range accounts {
			held := rapid.IntRange(0, 4).Draw(t, "held") == 0
			ceiling := rapid.SampledFrom([]money.Cents{money.Max, 150, 0}).Draw(t, "own ceiling")
			for _, amount := range rapid.SliceOfN(rapid.Int64Range(-1, 100), 0, 6).Draw(t, "amounts") {
				list = append(list, cashout.Candidate{
					AccountID: account, Amount: money.Cents(amount), OwnCeiling: ceiling, Held: held,
				})
			}
		}
		return list
	})
}

func policies() *rapid.Generator[cashout.Policy] {
	limit := rapid.SampledFrom([]money.Cents{0, 50, 120, 500, money.Max})
	return rapid.Custom(func(t *rapid.T) cashout.Policy {
		return cashout.Policy{
			CPCeiling: limit.Draw(t, "ceiling"), TotalCeiling: limit.Draw(t, "total ceiling"), FourEyes: limit.Draw(t, "four eyes"),
		}
	})
}

// TestAReviewKeepsItsPromises compares each verdict with what all those before it took.
func TestAReviewKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy, list := policies().Draw(t, "policy"), candidates().Draw(t, "candidates")
		liquidity := money.Cents(rapid.Int64Range(-10, 1200).Draw(t, "liquidity"))
		var total money.Cents
		for _, candidate := range list {
			total += candidate.Amount
		}
		review := cashout.NewReview(policy, total, liquidity)
		var taken money.Cents
		sums, exceeded := map[string]money.Cents{}, map[string]bool{}
		for _, candidate := range list {
			account := candidate.AccountID
			verdict, reason := review.Judge(candidate)
			require.Equal(t, verdict == cashout.Validated, reason == "")
			fits := candidate.Amount > 0 && candidate.Amount <= liquidity-taken
			require.Equal(t, candidate.Held || !fits, verdict == cashout.Refused)
			if verdict == cashout.Refused {
				continue
			}
			taken += candidate.Amount
			sums[account] += candidate.Amount
			exceeded[account] = exceeded[account] || sums[account] > policy.CPCeiling || sums[account] > candidate.OwnCeiling
			approved := total > policy.TotalCeiling || candidate.Amount > policy.FourEyes || exceeded[account]
			require.Equal(t, approved, verdict == cashout.Waiting)
			require.True(t, reason != cashout.CeilingCP || exceeded[account])
			require.True(t, reason != cashout.FourEyes || candidate.Amount > policy.FourEyes)
			require.True(t, reason != cashout.CeilingTotal || total > policy.TotalCeiling)
		}
		require.LessOrEqual(t, taken, max(liquidity, 0))
		require.Equal(t, liquidity-taken, review.State().Liquidity)
	})
}

// TestAReviewGoesOnWhereItStopped stops after any order, and keeps the state as text.
func TestAReviewGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy, list := policies().Draw(t, "policy"), candidates().Draw(t, "candidates")
		total := money.Cents(rapid.Int64Range(0, 600).Draw(t, "total"))
		liquidity := money.Cents(rapid.Int64Range(0, 1200).Draw(t, "liquidity"))
		stops := rapid.SliceOfN(rapid.Bool(), len(list), len(list)).Draw(t, "stops")
		whole, chunked := cashout.NewReview(policy, total, liquidity), cashout.NewReview(policy, total, liquidity)
		for n, candidate := range list {
			if stops[n] {
				text, err := json.Marshal(chunked.State())
				require.NoError(t, err)
				var state cashout.State
				require.NoError(t, json.Unmarshal(text, &state))
				chunked = cashout.Resume(policy, total, state)
			}
			require.Equal(t, judged(whole.Judge(candidate)), judged(chunked.Judge(candidate)), "order %d", n)
		}
		require.Equal(t, whole.State(), chunked.State())
	})
}

// TestNobodyIsAskedWithoutLimits has limits that nothing exceeds.
func TestNobodyIsAskedWithoutLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := candidates().Draw(t, "candidates")
		review := cashout.NewReview(open(), money.Max, money.Max)
		for _, candidate := range list {
			candidate.OwnCeiling = money.Max
			verdict, _ := review.Judge(candidate)
			require.NotEqual(t, cashout.Waiting, verdict)
		}
	})
}

// TestALowerLimitLetsNoMoreLeave compares two policies on the same session.
func TestALowerLimitLetsNoMoreLeave(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		strict, lax, list := policies().Draw(t, "one"), policies().Draw(t, "other"), candidates().Draw(t, "candidates")
		lax.CPCeiling, strict.CPCeiling = sorted(lax.CPCeiling, strict.CPCeiling)
		lax.TotalCeiling, strict.TotalCeiling = sorted(lax.TotalCeiling, strict.TotalCeiling)
		lax.FourEyes, strict.FourEyes = sorted(lax.FourEyes, strict.FourEyes)
		one, other := cashout.NewReview(strict, 300, 900), cashout.NewReview(lax, 300, 900)
		for _, candidate := range list {
			verdict, _ := one.Judge(candidate)
			laxVerdict, _ := other.Judge(candidate)
			require.True(t, verdict != cashout.Validated || laxVerdict == cashout.Validated)
			require.Equal(t, verdict == cashout.Refused, laxVerdict == cashout.Refused, "limits refuse nothing, people do")
		}
	})
}

func sorted[T cmp.Ordered](one, other T) (larger, smaller T) {
	return max(one, other), min(one, other)
}

func TestJudgeDoesNotAllocate(t *testing.T) {
	review := cashout.NewReview(open(), money.Max, money.Max)
	candidate := order("1A17660007", 1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if verdict, _ := review.Judge(candidate); verdict != cashout.Validated {
			panic(verdict)
		}
	}))
}

func problem(t require.TestingT, err error) cashout.Problem {
	if err == nil {
		return ""
	}
	var approvalError *cashout.ApprovalError
	require.ErrorAs(t, err, &approvalError)
	return approvalError.Problem
}

func TestCheckApprover(t *testing.T) {
	t.Parallel()
	known := []string{"alice", "bob", ""}
	for _, test := range []struct {
		actor, requester string
		want             cashout.Problem
	}{
		{"alice", "bob", ""},
		{"alice", "", ""}, // the engine asked
		{"alice", "carol", ""},
		{" Alice ", "bob", ""},
		{"alice", "alice", cashout.SamePerson},
		{"ALICE", "alice", cashout.SamePerson},
		{"alice ", "Alice", cashout.SamePerson},
		{"carol", "bob", cashout.UnknownActor},
		{"carol", "carol", cashout.UnknownActor},
		{"", "bob", cashout.UnknownActor},
		{" ", "bob", cashout.UnknownActor},
	} {
		require.Equal(t, test.want, problem(t, cashout.CheckApprover(test.actor, test.requester, known)), "%+v", test)
	}
	require.Equal(t, cashout.UnknownActor, problem(t, cashout.CheckApprover("alice", "bob", nil)))
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	known := []string{"alice", "bob"}
	for _, test := range []struct {
		reason         string
		approve, refus cashout.Problem
	}{
		{"seen with the merchant", "", ""},
		{"", "", cashout.NoReason},
		{" \t", cashout.InvalidReason, cashout.NoReason},
		{"two\nlines", cashout.InvalidReason, cashout.InvalidReason},
		{"\xff", cashout.InvalidReason, cashout.InvalidReason},
		{strings.Repeat("é", cashout.MaxReason), "", ""},
		{strings.Repeat("é", cashout.MaxReason+1), cashout.InvalidReason, cashout.InvalidReason},
	} {
		answer := cashout.Approval{Actor: "alice", Reason: test.reason}
		require.Equal(t, test.approve, problem(t, answer.CheckApprove("bob", known)), "%q", test.reason)
		require.Equal(t, test.refus, problem(t, answer.CheckRefuse(known)), "%q", test.reason)
		if test.refus == "" {
			require.LessOrEqual(t, utf8.RuneCountInString(answer.RefusalText()), ogep.MaxTextRunes)
		}
	}
	own := cashout.Approval{Actor: "alice", Reason: "asked for by mistake"}
	require.Equal(t, cashout.SamePerson, problem(t, own.CheckApprove("alice", known)))
	require.NoError(t, own.CheckRefuse(known), "who asked may withdraw")
	require.Equal(t, "REFUSED_BY_OPERATOR: asked for by mistake", own.RefusalText())
	own.Actor = "carol"
	require.Equal(t, cashout.UnknownActor, problem(t, own.CheckApprove("alice", known)))
	require.Equal(t, cashout.UnknownActor, problem(t, own.CheckRefuse(known)))
}

// TestNobodyApprovesTheirOwnRequest covers other spellings of the same identifier.
func TestNobodyApprovesTheirOwnRequest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		requester := rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{1,8})?`).Draw(t, "requester")
		spelling := rapid.SampledFrom([]string{
			requester, strings.ToUpper(requester), " " + requester, requester + "\t", strings.ToUpper(requester[:1]) + requester[1:],
		}).Draw(t, "actor")
		require.Equal(t, cashout.SamePerson, problem(t, cashout.CheckApprover(spelling, requester, []string{requester, "someone else"})))
	})
}

func TestApprovalErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for kind, advice := range map[cashout.Problem]string{
		cashout.UnknownActor:  "configured operators",
		cashout.SamePerson:    "have another approver answer",
		cashout.NoReason:      "say in a few words why",
		cashout.InvalidReason: "one line of at most 200 characters",
	} {
		require.ErrorContains(t, &cashout.ApprovalError{Problem: kind, Actor: "alice"}, advice)
		require.ErrorContains(t, &cashout.ApprovalError{Problem: kind, Actor: "alice"}, `"alice"`)
	}
	err := cashout.CheckApprover(strings.Repeat("x", 500), "bob", []string{"alice"})
	require.ErrorContains(t, err, strings.Repeat("x", 64)+`"`)
	require.ErrorContains(t, &cashout.ApprovalError{Problem: "OTHER", Actor: "alice"}, "OTHER")
}
