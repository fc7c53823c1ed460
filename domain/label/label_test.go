package label_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	settled  = "REM E 100 00000120190725UEP"
	remitted = "REM VIR MONEXTEUR20191009002"
	rejected = "LOT REJ VIR 192837544970 02"
	own      = "VIR INTERNE MONEXTINT201910090001"
)

func classifier(t require.TestingT, rules ...label.Rule) *label.Classifier {
	compiled, err := label.Compile(append(rules, label.Default()...), []string{"200", "IMP"})
	require.NoError(t, err)

	return compiled
}

func TestLabelsOfTheBank(t *testing.T) {
	t.Parallel()

	sale := label.Line{Class: label.SettlementTransaction, Reference: "00000120190725UEP", OperationType: "100"}
	unpaid := label.Line{Class: label.SettlementUnpaid, Reference: "00000120190725UEP", OperationType: "100"}
	internal := label.Line{Class: label.Own, Reference: "MONEXTINT201910090001"}

	for name, test := range map[string]struct {
		label   string
		amount  money.Cents
		account ledger.Code
		want    label.Line
	}{
		"rejects": {rejected, 200, ledger.Reglement, label.Line{Class: label.Rejects, Reference: "REJ192837544970-02"}},
		"second remittance": {
			remitted, -2_100, ledger.Reglement, label.Line{Class: label.Remittance, Reference: "MONEXTEUR20191009002"},
		},
		"first remittance": {
			"REM VIR MONEXTEUR20191009001", -5_200, ledger.Reglement,
			label.Line{Class: label.Remittance, Reference: "MONEXTEUR20191009001"},
		},
		"settlement":      {settled, 101_100, ledger.Reglement, sale},
		"padded":          {" REM  E\t100   00000120190725UEP \u00a0", 1, ledger.Reglement, sale},
		"settled a debit": {settled, -1, ledger.Reglement, unpaid},
		"operation type of unpaids": {
			"REM E IMP 00000120190725UEP", 1, ledger.Reglement,
			label.Line{Class: label.SettlementUnpaid, Reference: "00000120190725UEP", OperationType: "IMP"},
		},
		"own, arrives on règlement":    {own, 1, ledger.Reglement, internal},
		"own, leaves cantonnement":     {own, -1, ledger.Cantonnement, internal},
		"own, arrives on own money":    {own, 1, ledger.Fonctionnement, internal},
		"padded own, between the rest": {"VIR  INTERNE  MONEXTINT201910090001", 1, ledger.Fonctionnement, internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, classifier(t).Classify(test.label, test.amount, test.account))
			require.Equal(t, test.want, classifier(t).Assign(test.want, test.amount, test.account), "from its parts")
		})
	}
}

func TestUnknownLinesSayWhy(t *testing.T) {
	t.Parallel()

	const none = "no grammar explains its label"

	for name, test := range map[string]struct {
		label   string
		amount  money.Cents
		account ledger.Code
		reason  string
	}{
		"empty":                       {"", 1, ledger.Reglement, none},
		"something else":              {"FRAIS TENUE DE COMPTE", -1_200, ledger.Fonctionnement, none},
		"more behind":                 {settled + " X", 1, ledger.Reglement, none},
		"more before":                 {"X " + settled, 1, ledger.Reglement, none},
		"small letters":               {"rem e 100 00000120190725UEP", 1, ledger.Reglement, none},
		"no such day":                 {"REM E 100 00000120190732UEP", 1, ledger.Reglement, none},
		"no such day of a remittance": {"REM VIR MONEXTEUR20190229001", -1, ledger.Reglement, none},
		"no operation type":           {"REM E 00000120190725UEP", 1, ledger.Reglement, none},
		"lot cut":                     {"LOT REJ VIR 19283754497 02", 1, ledger.Reglement, none},
		"settlement on cantonnement":  {settled, 1, ledger.Cantonnement, "its label is one of BK.REG, and it stands on another account"},
		"remittance on own money":     {remitted, -1, ledger.Fonctionnement, "its label is one of BK.REG, and it stands on another account"},
		"rejects on cantonnement":     {rejected, 1, ledger.Cantonnement, "its label is one of BK.REG, and it stands on another account"},
		"remittance credited":         {remitted, 1, ledger.Reglement, "its label is that of a remittance, and it is a credit"},
		"rejects debited":             {rejected, -1, ledger.Reglement, "its label is that of a lot of rejects, and it is a debit"},
		"own on a payment account":    {own, 1, ledger.CP("1A17660007"), "its label is that of an own transfer, and its account is none of the three bank accounts"},
		"settlement of nothing":       {settled, 0, ledger.Reglement, "its amount is zero"},
		"an account that is none":     {"X", 0, "", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, label.Line{Class: label.Unknown, Reason: test.reason},
				classifier(t).Classify(test.label, test.amount, test.account))
		})
	}
}

// TestPartsThatNoLabelCouldHold are refused as the label would be.
func TestPartsThatNoLabelCouldHold(t *testing.T) {
	t.Parallel()

	site := classifier(t, label.Rule{Class: label.SettlementUnpaid, Pattern: `IMP (?P<reference>[0-9]{4}) (?P<operationType>[A-Z]) .*`})
	none := "no grammar of its class"

	for name, test := range map[string]struct {
		parts  label.Line
		amount money.Cents
		want   string
	}{
		"no class":          {label.Line{Reference: "00000120190725UEP", OperationType: "100"}, 1, none},
		"another's form":    {label.Line{Class: label.Own, Reference: "00000120190725UEP"}, 1, none},
		"no day":            {label.Line{Class: label.SettlementTransaction, Reference: "00000120190231UEP", OperationType: "100"}, 1, none},
		"no operation type": {label.Line{Class: label.SettlementTransaction, Reference: "00000120190725UEP"}, 1, none},
		"no lot":            {label.Line{Class: label.Rejects, Reference: "192837544970-02"}, 1, none},
		"half a lot":        {label.Line{Class: label.Rejects, Reference: "REJ192837544970"}, 1, none},
		"a part too long":   {label.Line{Class: label.Rejects, Reference: "REJ192837544970-021"}, 1, none},
		"more behind":       {label.Line{Class: label.Own, Reference: "MONEXTINT2019100900011"}, 1, none},
		"rejects debited":   {label.Line{Class: label.Rejects, Reference: "REJ192837544970-02"}, -1, "it is a debit"},
	} {
		got := site.Assign(test.parts, test.amount, ledger.Reglement)
		require.Equal(t, label.Unknown, got.Class, name)
		require.Contains(t, got.Reason, test.want, name)
	}

	parts := label.Line{Class: label.SettlementTransaction, Reference: "0001", OperationType: "A"}
	require.Equal(t, label.SettlementUnpaid, site.Assign(parts, 1, ledger.Reglement).Class, "the site's rule says so")
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	t.Parallel()

	mine := label.Rule{Class: label.Own, Pattern: `REM (?P<reference>\S+) .*`}
	line := classifier(t, mine).Classify(settled, 1, ledger.Cantonnement)
	require.Equal(t, label.Line{Class: label.Own, Reference: "E"}, line)

	// Also where the sign then does not suit.
	debit := label.Rule{Class: label.Remittance, Pattern: `REM (?P<reference>E) .*`}
	require.Equal(t, label.Unknown, classifier(t, debit).Classify(settled, 1, ledger.Reglement).Class)

	// A reference that is no key, and an empty group, are no match.
	unfit := label.Rule{Class: label.Own, Pattern: `(?P<reference>REM E.*)`}
	require.Equal(t, label.SettlementTransaction, classifier(t, unfit).Classify(settled, 1, ledger.Reglement).Class)

	for _, empty := range []label.Rule{
		{label.Rejects, `LOT REJ VIR (?P<lot>[0-9]{12} [0-9]{2})?(?P<part>.*)`},
		{label.Rejects, `(?P<lot>X?)LOT REJ VIR [0-9]{12} (?P<part>[0-9]{2})`},
	} {
		require.Equal(t, "REJ192837544970-02", classifier(t, empty).Classify(rejected, 1, ledger.Reglement).Reference)
	}

	noType := label.Rule{Class: label.SettlementUnpaid, Pattern: `REM E (?P<operationType>X?).* (?P<reference>\S+)`}
	require.Equal(t, label.SettlementTransaction, classifier(t, noType).Classify(settled, 1, ledger.Reglement).Class)

	// A bank that words unpaids in their own way.
	unpaid := label.Rule{Class: label.SettlementUnpaid, Pattern: `IMPAYE (?P<operationType>\S+) (?P<reference>[0-9]{6}(?P<date>[0-9]{8})UEP)`}
	require.Equal(t, label.Line{Class: label.SettlementUnpaid, Reference: "00000120190725UEP", OperationType: "100"},
		classifier(t, unpaid).Classify("IMPAYE 100 00000120190725UEP", 1, ledger.Reglement))
}

func TestGrammarsThatCannotBeUsed(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		rule label.Rule
		says string
	}{
		"no class":        {label.Rule{Pattern: "X"}, "the class must be SETTLEMENT_TRANSACTION, "},
		"unknown":         {label.Rule{Class: label.Unknown, Pattern: "X"}, "the class must be "},
		"empty":           {label.Rule{Class: label.Own}, "is empty"},
		"two spaces":      {label.Rule{Class: label.Own, Pattern: "VIR  (?P<reference>X)"}, "two spaces in a row"},
		"broken":          {label.Rule{Class: label.Own, Pattern: "(?P<reference>X"}, "missing closing )"},
		"closes ours":     {label.Rule{Class: label.Own, Pattern: "(?P<reference>X))|(?:Y"}, "unexpected )"},
		"twice":           {label.Rule{Class: label.Own, Pattern: "(?P<reference>X)(?P<reference>Y)"}, "has two groups named \"reference\""},
		"no reference":    {label.Rule{Class: label.Remittance, Pattern: "X"}, "has no group (?P<reference>…)"},
		"no type":         {label.Rule{Class: label.SettlementTransaction, Pattern: "(?P<reference>X)"}, "has no group (?P<operationType>…)"},
		"no part":         {label.Rule{Class: label.Rejects, Pattern: "(?P<lot>X)"}, "has no group (?P<part>…)"},
		"a name too much": {label.Rule{Class: label.Own, Pattern: "(?P<reference>X)(?P<lot>Y)"}, `has a group named "lot"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := label.Compile(append(label.Default(), test.rule), nil)

			var refused *label.ConfigError

			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.rule.Pattern, refused.Value)
			require.ErrorContains(t, err, "bank labels: rule 5 ("+string(test.rule.Class)+"): ")
			require.ErrorContains(t, err, test.says)
		})
	}

	for _, operation := range []string{"", " ", "A B", " 200", "200\n"} {
		_, err := label.Compile(label.Default(), []string{"100", operation})

		var refused *label.ConfigError

		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "operation type of unpaids 2: ")
	}
}

func TestWithoutRulesAllIsUnknown(t *testing.T) {
	t.Parallel()

	compiled, err := label.Compile(nil, nil)
	require.NoError(t, err)
	require.Equal(t, label.Unknown, compiled.Classify(settled, 1, ledger.Reglement).Class)
}

// TestASettlementsLabelIsReadBack for any operation type, sequence and day.
func TestASettlementsLabelIsReadBack(t *testing.T) {
	t.Parallel()

	compiled := classifier(t)
	first, err := calendar.NewDate(2019, time.January, 1)
	require.NoError(t, err)

	rapid.Check(t, func(t *rapid.T) {
		made := settlement.Movement{
			OperationType: rapid.StringMatching(`[0-9A-Z]{1,4}`).Draw(t, "operation type"),
			Reference: settlement.NewReference(
				rapid.IntRange(0, settlement.MaxSequence).Draw(t, "sequence"), first.AddDays(rapid.IntRange(0, 20_000).Draw(t, "day"))),
		}
		padded := strings.ReplaceAll(made.Label(), " ", strings.Repeat(" ", rapid.IntRange(1, 3).Draw(t, "spaces")))
		line := compiled.Classify(padded, 1, ledger.Reglement)
		require.Contains(t, string(line.Class), "SETTLEMENT_")
		require.Equal(t, made.OperationType, line.OperationType)
		require.Equal(t, made.Reference, line.Reference)
	})
}

func FuzzClassify(f *testing.F) {
	for _, seed := range []string{settled, remitted, rejected, own, "", "REM  E\t100 00000120190725UEP", "REM E \xff 00000120190725UEP"} {
		f.Add(seed, int64(1), uint8(0))
		f.Add(seed, int64(-1), uint8(1))
	}

	compiled := classifier(f)
	accounts := []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement, ledger.Parked}

	f.Fuzz(func(t *testing.T, text string, cents int64, at uint8) {
		account := accounts[int(at)%len(accounts)]
		line := compiled.Classify(text, money.Cents(cents), account)

		if line.Class == label.Unknown {
			require.NotEmpty(t, line.Reason)
			require.Empty(t, line.Reference)
		} else {
			require.Empty(t, line.Reason)

			_, err := vacation.NewID(vacation.ReglementVirements, line.Reference)
			require.NoError(t, err)
		}

		if line.Class != label.Unknown {
			require.Equal(t, line, compiled.Assign(line, money.Cents(cents), account), "from its parts")
		}

		padded := strings.Join(strings.Fields(text), " \t\n ")
		require.Equal(t, line, compiled.Classify(padded, money.Cents(cents), account), "white space says nothing")
	})
}
