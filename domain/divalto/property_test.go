package divalto_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
)

// settlement is what a reader of the ERP's side makes of a document. It shares
// nothing with the writer.
type settlement struct {
	date, currency, thirdParty, label, direction, change, final string
	cents                                                       int64
	lines                                                       []line
}

type line struct {
	nature, prefix, piece, thirdParty, due string
	cents                                  int64
}

// lawful holds the rules of the ERP, in a reader's words.
func (s settlement) lawful() bool {
	sum := decimal.Zero

	for _, l := range s.lines {
		sound := l.cents > 0 && l.thirdParty == s.thirdParty && slices.Contains([]string{"", "WPA", "WAR", "WDR", "WDC", "WE"}, l.nature)
		if !sound || (l.nature == "WAR") != (l.piece == "") || l.nature == "WAR" && l.prefix != "" {
			return false
		}

		if slices.Contains([]string{"", "WPA", "WAR"}, l.nature) {
			sum = sum.Add(decimal.New(l.cents, -2))

			continue
		}

		if !slices.ContainsFunc(s.lines, func(o line) bool {
			return (o.nature == "" || o.nature == "WPA") && o.piece == l.piece && o.prefix == l.prefix
		}) {
			return false
		}
	}

	return len(s.lines) > 0 && s.cents > 0 && sum.Equal(decimal.New(s.cents, -2)) &&
		slices.Contains(strings.Fields("C30 C50 V30 V50 S30 S50 I30 I50 D30 D50"), s.final) && s.change != "" && s.thirdParty != "" && s.date != ""
}

// readBack reads a document of one settlement.
func readBack(t require.TestingT, document any) settlement {
	entries := document.(object)["data"].(object)["EnteteReglementtb"].(list)
	require.Len(t, entries, 1, "one settlement a call")

	header := entries[0].(object)["EnteteReglement"].(object)
	text := func(from object, name string) string { return strings.TrimSpace(from[name].(string)) }
	cents := func(from object, name string) int64 {
		amount, err := decimal.NewFromString(from[name].(string))
		require.NoError(t, err)

		return amount.Shift(2).IntPart()
	}

	read := settlement{
		date: text(header, "TRANSACDT"), currency: text(header, "DEV"), thirdParty: text(header, "TIERS"), label: header["LIB"].(string),
		direction: text(header, "RegltTyp"), change: text(header, "ChgEtat"), final: text(header, "EtatFin"), cents: cents(header, "MTDEV"),
	}

	for _, element := range header["DetailReglementtb"].(list) {
		detail := element.(object)["DetailReglement"].(object)
		due := ""

		if _, given := detail["EchOriDt"]; given {
			due = text(detail, "EchOriDt")
		}

		read.lines = append(read.lines, line{
			text(detail, "NatureOperation"), text(detail, "PREFPIECE"), text(detail, "PIECE"), text(detail, "TIERS"), due, cents(detail, "MTDEVFIN"),
		})
	}

	return read
}

// said is what the posting is to say.
func said(p divalto.Posting) settlement {
	s := settlement{
		date: p.Date.Compact(), currency: "EUR", thirdParty: p.ThirdParty, label: p.Label,
		direction: map[divalto.Direction]string{divalto.Encashment: "1", divalto.Disbursement: "2"}[p.Direction],
		change:    p.State.Change, final: p.State.Final, cents: int64(p.Amount),
	}

	for _, d := range p.Details {
		s.lines = append(s.lines, line{string(d.Nature), d.Prefix, d.Piece, d.ThirdParty, d.Due.Compact(), int64(d.Amount)})
	}

	return s
}

// TestParamSaysOnlyWhatIsLawful draws settlements of which some break rules: what
// is written is lawful to a reader of its own and says the settlement, and what is
// refused was not lawful.
func TestParamSaysOnlyWhatIsLawful(t *testing.T) {
	t.Parallel()

	date := day(t, "2021-03-20")

	drawnDetail := rapid.Custom(func(t *rapid.T) divalto.Detail {
		detail := divalto.Detail{
			Nature: rapid.SampledFrom([]divalto.Nature{
				divalto.Payment, divalto.Payment, divalto.Partial, divalto.Difference, divalto.Exchange, divalto.Discount, "WXX",
			}).Draw(t, "nature"),
			Amount:     money.Cents(rapid.OneOf(rapid.Int64Range(1, 500_000), rapid.Int64Range(-2, 2)).Draw(t, "amount")),
			ThirdParty: rapid.SampledFrom([]string{"C7", "C7", "C7", "C7", "C7", "C8"}).Draw(t, "third party"),
			Prefix:     rapid.SampledFrom([]string{"", "", "FA"}).Draw(t, "prefix"),
			Piece:      rapid.SampledFrom([]string{"86", "87", "87", "87", ""}).Draw(t, "piece"),
		}
		if rapid.Bool().Draw(t, "advance") {
			detail.Nature, detail.Prefix, detail.Piece = divalto.Advance, "", ""
		}

		if rapid.Bool().Draw(t, "due") {
			detail.Due = date.AddDays(rapid.IntRange(0, 90).Draw(t, "days"))
		}

		return detail
	})

	rapid.Check(t, func(t *rapid.T) {
		posting := divalto.Posting{
			Direction: rapid.SampledFrom([]divalto.Direction{divalto.Encashment, divalto.Disbursement}).Draw(t, "direction"),
			Date:      date, ThirdParty: "C7",
			Label: rapid.StringMatching(`[a-zé<&'][a-zé<&' ]{0,30}[a-zé<&']`).Draw(t, "label"),
			State: divalto.State{
				Change: rapid.SampledFrom([]string{"PORCHQ", "VIRBQE"}).Draw(t, "change"),
				Final:  rapid.SampledFrom(append(divalto.FinalStates(), divalto.FinalStates()...)).Draw(t, "final"),
			},
			Details: rapid.SliceOfN(drawnDetail, 0, 4).Draw(t, "details"),
		}

		for _, d := range posting.Details {
			if d.Nature == divalto.Payment || d.Nature == divalto.Partial || d.Nature == divalto.Advance {
				posting.Amount += d.Amount
			}
		}

		posting.Amount += money.Cents(rapid.SampledFrom([]int64{0, 0, 0, 0, 0, 1, -1}).Draw(t, "error of the sum"))
		want := said(posting)

		for quote, read := range readings() {
			param, err := divalto.Param(posting, divalto.Options{Quote: quote})
			if !want.lawful() {
				var refused *divalto.RuleError

				require.ErrorAs(t, err, &refused)
				require.Empty(t, param)

				continue
			}

			require.NoError(t, err)

			document, err := read(param)
			require.NoError(t, err, param)

			if quote == divalto.QuoteSingle {
				want.label = strings.ReplaceAll(want.label, "'", "’")
			}

			got := readBack(t, document)
			require.True(t, got.lawful())
			require.Equal(t, want, got)

			want.label = posting.Label
		}
	})
}

// TestParamIsWholeWhateverTheTexts draws texts of any kind: what is written is one
// document in its quoting, and says the texts as they are.
func TestParamIsWholeWhateverTheTexts(t *testing.T) {
	t.Parallel()

	base := invoices(t)
	text := rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune(`a1'"\/{}[]:,<>& éÿ’`+"\u0000\n\u2028"))), rapid.String())

	rapid.Check(t, func(t *rapid.T) {
		posting := base
		posting.Details = slices.Clone(base.Details)
		posting.Label = text.Draw(t, "label")
		posting.Details[1].Piece = text.Draw(t, "piece")
		posting.Details[1].Prefix = text.Draw(t, "prefix")
		posting.State.Change = text.Draw(t, "change")

		for quote, read := range readings() {
			param, err := divalto.Param(posting, divalto.Options{Quote: quote})
			if err != nil {
				var refused *divalto.RuleError

				require.ErrorAs(t, err, &refused)

				continue
			}

			document, err := read(param)
			require.NoError(t, err, param)

			got := readBack(t, document)
			require.Equal(t, posting.State.Change, got.change)
			require.Equal(t, posting.Details[1].Piece, got.lines[1].piece)
			require.Equal(t, posting.Details[1].Prefix, got.lines[1].prefix)

			if quote == divalto.QuoteDouble {
				require.Equal(t, posting.Label, got.label)
			}
		}
	})
}
