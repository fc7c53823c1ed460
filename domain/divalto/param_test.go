package divalto_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
)

func day(t testing.TB, text string) calendar.Date {
	t.Helper()

	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

// invoices is the first settlement of the documentation's examples: two invoices
// of which one has a difference.
func invoices(t testing.TB) divalto.Posting {
	t.Helper()

	const thirdParty = "C0000007"

	return divalto.Posting{
		Direction: divalto.Encashment, Date: day(t, "2021-03-20"), ThirdParty: thirdParty, Amount: 5995_00, Label: "Règlement",
		State: divalto.State{Change: "PORCHQ", Final: "C30"},
		Details: []divalto.Detail{
			{Amount: 3595_00, Piece: "87", ThirdParty: thirdParty},
			{Amount: 2400_00, Piece: "86", ThirdParty: thirdParty},
			{Nature: divalto.Difference, Amount: 5_00, Piece: "87", ThirdParty: thirdParty},
		},
	}
}

// advance is the second settlement of the documentation's examples.
func advance(t testing.TB) divalto.Posting {
	t.Helper()

	const thirdParty = "C0000003"

	return divalto.Posting{
		Direction: divalto.Encashment, Date: day(t, "2021-03-20"), ThirdParty: thirdParty, Amount: 5000_00, Label: "Règlement",
		State:   divalto.State{Change: "PORCHQ", Final: "C30"},
		Details: []divalto.Detail{{Nature: divalto.Advance, Amount: 5000_00, ThirdParty: thirdParty}},
	}
}

func deposit(t testing.TB) divalto.Deposit {
	t.Helper()

	made, err := divalto.NewDeposit(day(t, "2021-03-20"), "Remise", "BNP", divalto.State{Change: "REMCDI", Final: "C50"}, []divalto.Item{
		{Transaction: "299", Amount: 39_00}, {Transaction: "318", Amount: 150_00},
	})
	require.NoError(t, err)

	return made
}

// readings are the two quotings, each with a reader that knows nothing of the
// writer.
func readings() map[divalto.Quote]func(string) (any, error) {
	return map[divalto.Quote]func(string) (any, error){divalto.QuoteDouble: strict, divalto.QuoteSingle: single}
}

// headers gives the settlements of a document.
func headers(t testing.TB, data any) list {
	t.Helper()

	return data.(object)["EnteteReglementtb"].(list)
}

func TestParamSaysWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()

	body, err := single(string(golden(t, "body.txt")))
	require.NoError(t, err)

	var call struct {
		Action string `json:"action"`
		Token  string `json:"access_token"`
		Param  string `json:"param"`
	}
	require.NoError(t, json.Unmarshal(golden(t, "call.json"), &call))

	complete, err := single(call.Param)
	require.NoError(t, err)
	require.Equal(t, body, complete.(object)["data"], "the two examples hold the same settlements")

	options := divalto.Options{Dossier: divalto.Dossier{Dos: "998", DosCpt: "998", Etb: "1"}}

	for quote, read := range readings() {
		for i, posting := range []divalto.Posting{invoices(t), advance(t)} {
			options.Quote = quote

			param, err := divalto.Param(posting, options)
			require.NoError(t, err)

			document, err := read(param)
			require.NoError(t, err, param)

			// One settlement a call: the example's, without the other one.
			want := object{
				"action": complete.(object)["action"],
				"data":   object{"EnteteReglementtb": list{headers(t, body)[i]}},
			}
			require.Equal(t, any(want), document, quote)
		}
	}

	require.Equal(t, divalto.Action, call.Action)
	require.JSONEq(t, string(golden(t, "call.json")), string(divalto.Execute(divalto.Secret(call.Token), call.Param)))
}

func TestParamOfDeposit(t *testing.T) {
	t.Parallel()

	require.Equal(t, money.Cents(189_00), deposit(t).Amount)

	for quote, read := range readings() {
		param, err := divalto.Param(deposit(t), divalto.Options{Quote: quote})
		require.NoError(t, err)

		document, err := read(param)
		require.NoError(t, err)
		require.Equal(t, any(object{
			"action": object{"swinfinity": "integration_reglement", "parameters": object{}},
			"data": object{"EnteteReglementtb": list{object{"EnteteReglement": object{
				"TRANSACDT": "20210320", "DEV": "EUR", "MTDEV": "189", "LIB": "Remise", "RegltTyp": "1",
				"ChgEtat": "REMCDI", "EtatFin": "C50", "BQC": "BNP",
				"DetailReglementtb": list{
					object{"DetailReglement": object{"TRANSAC": "299", "NOORDRE": "1"}},
					object{"DetailReglement": object{"TRANSAC": "318", "NOORDRE": "1"}},
				},
			}}}},
		}), document)
	}

	ends := deposit(t)
	ends.State.Final = ""

	param, err := divalto.Param(ends, divalto.Options{})
	require.NoError(t, err)
	require.NotContains(t, param, "EtatFin", "the ERP takes that of the change of state")
}

func TestParamWritesAmountsAndDates(t *testing.T) {
	t.Parallel()

	for want, amount := range map[string]money.Cents{"39": 39_00, "39.50": 39_50, "0.01": 1, "100": 100_00, "999999999999.99": money.Max} {
		posting := advance(t)
		posting.Direction, posting.Etb = divalto.Disbursement, "2"
		posting.Amount, posting.Details[0].Amount, posting.Details[0].Due = amount, amount, day(t, "2021-04-30")

		param, err := divalto.Param(posting, divalto.Options{})
		require.NoError(t, err)
		require.Contains(t, param, `"MTDEV":"`+want+`"`)
		require.Contains(t, param, `"MTDEVFIN":"`+want+`"`)
		require.Contains(t, param, `"EchOriDt":"20210430"`)
		require.Contains(t, param, `"RegltTyp":"2"`)
		require.Contains(t, param, `"ETB":"2"`)
	}
}

func TestParamOfVocabularies(t *testing.T) {
	t.Parallel()

	tags, err := divalto.NewVocabulary(divalto.TagNames, map[string]string{"ETB": "ESTABLISHMENT"})
	require.NoError(t, err)

	posting := invoices(t)
	posting.Details[0].Prefix, posting.Details[0].Due, posting.Details[2].Prefix = "FA", day(t, "2021-04-30"), "FA"

	param, err := divalto.Param(posting, divalto.Options{Vocabulary: tags})
	require.NoError(t, err)

	document, err := strict(param)
	require.NoError(t, err)
	require.Equal(t, list{object{"EnteteReglement": object{
		"ESTABLISHMENT": "", "DATE": "20210320", "CURRENCY": "EUR", "THIRDPARTY": "C0000007", "AMOUNT": "5995", "LABEL": "Règlement",
		"PAYMENTTYPE": "ENCASHMENT", "CHGETAT": "PORCHQ", "FINALSTATEMENT": "CHECK",
		"DetailReglementtb": list{
			object{"DetailReglement": object{
				"AMOUNT": "3595", "PREFIX": "FA", "PIECE": "87", "THIRDPARTY": "C0000007", "OPERATION": "PAYMENT", "DUEDATE": "20210430",
			}},
			object{"DetailReglement": object{"AMOUNT": "2400", "PREFIX": " ", "PIECE": "86", "THIRDPARTY": "C0000007", "OPERATION": "PAYMENT"}},
			object{"DetailReglement": object{"AMOUNT": "5", "PREFIX": "FA", "PIECE": "87", "THIRDPARTY": "C0000007", "OPERATION": "RegltDiff"}},
		},
	}}}, headers(t, document.(object)["data"]))

	renamed, err := divalto.NewVocabulary(divalto.DictionaryNames, map[string]string{"LIB": "LibEcr"})
	require.NoError(t, err)

	param, err = divalto.Param(posting, divalto.Options{Vocabulary: renamed})
	require.NoError(t, err)
	require.Contains(t, param, `"LibEcr":"Règlement"`)
	require.NotContains(t, param, `"LIB"`)
}

func TestTagsNameEveryCode(t *testing.T) {
	t.Parallel()

	tags, err := divalto.NewVocabulary(divalto.TagNames, nil)
	require.NoError(t, err)

	for state, name := range map[string]string{
		"C30": "CHECK", "C50": "CHECKINBANK", "V30": "TRANSFERT", "V50": "TRANSFERTINBANK", "S30": "SEPATRANSFERT", "S50": "SEPATRANSFERTINBANK",
		"I30": "INTERNATIONALVIREMENT", "I50": "INTERNATIONALVIREMENTINBANK", "D30": "DIRECTDEBIT", "D50": "DIRECTDEBITINBANK",
	} {
		require.Contains(t, divalto.FinalStates(), state)

		posting := advance(t)
		posting.State.Final, posting.Direction = state, divalto.Disbursement

		param, err := divalto.Param(posting, divalto.Options{Vocabulary: tags})
		require.NoError(t, err)
		require.Contains(t, param, `"FINALSTATEMENT":"`+name+`"`)
		require.Contains(t, param, `"PAYMENTTYPE":"DISBURSEMENT"`)
		require.Contains(t, param, `"OPERATION":"Acompte"`)
	}

	require.Len(t, divalto.FinalStates(), 10)

	for nature, name := range map[divalto.Nature]string{
		divalto.Difference: "RegltDiff", divalto.Exchange: "ChangeDiff", divalto.Discount: "Escompte", divalto.Partial: "PARTIALPAYMENT",
	} {
		posting := invoices(t)
		posting.Details[2].Nature = nature

		if nature.Pays() {
			posting.Amount += posting.Details[2].Amount
		}

		param, err := divalto.Param(posting, divalto.Options{Vocabulary: tags})
		require.NoError(t, err)
		require.Contains(t, param, `"OPERATION":"`+name+`"`)
	}
}

func TestVocabularyErrors(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		base    string
		renamed map[string]string
	}{
		"base":              {"names", nil},
		"field":             {"", map[string]string{"LIBELLE": "LibEcr"}},
		"empty":             {"", map[string]string{"LIB": ""}},
		"quote":             {"", map[string]string{"LIB": "Lib'Ecr"}},
		"digit first":       {"", map[string]string{"LIB": "1LIB"}},
		"long":              {"", map[string]string{"LIB": strings.Repeat("x", 33)}},
		"same of a header":  {"", map[string]string{"LIB": "mtdev"}},
		"same of a detail":  {divalto.TagNames, map[string]string{"NOORDRE": "Piece"}},
		"list of the lines": {"", map[string]string{"LIB": "DetailReglementtb"}},
	} {
		_, err := divalto.NewVocabulary(c.base, c.renamed)

		var refused *divalto.VocabularyError

		require.ErrorAs(t, err, &refused, name)
		require.NotEmpty(t, refused.Todo)
		require.Contains(t, err.Error(), refused.Todo)
	}

	_, err := divalto.NewVocabulary("", map[string]string{"MTDEVFIN": "AMOUNT", "MTDEV": "AMOUNT"})
	require.NoError(t, err, "a settlement and its details are two things")
}

func TestQuotes(t *testing.T) {
	t.Parallel()

	posting := advance(t)
	posting.Label = `L'été <à> 100% & "plus" \ moins`

	param, err := divalto.Param(posting, divalto.Options{Quote: divalto.QuoteDouble})
	require.NoError(t, err)
	require.Contains(t, param, "<à> 100% &", "the ERP undoes no escapes of HTML")

	document, err := strict(param)
	require.NoError(t, err)
	require.Equal(t, posting.Label, headers(t, document.(object)["data"])[0].(object)["EnteteReglement"].(object)["LIB"])

	// The whole call holds it as a string, so that it is encoded twice.
	var call struct {
		Param string `json:"param"`
	}

	body := divalto.Execute("a token", param)
	require.NoError(t, json.Unmarshal(body, &call))
	require.Equal(t, param, call.Param)
	require.NotContains(t, string(body), `\u003c`)

	_, err = divalto.Param(posting, divalto.Options{Quote: divalto.QuoteSingle})
	requireBroken(t, err, 0, divalto.RuleCharacters, "LIB")

	posting.Label = "L'été"
	param, err = divalto.Param(posting, divalto.Options{Quote: divalto.QuoteSingle})
	require.NoError(t, err)
	require.Contains(t, param, `'LIB':'L’été'`)

	piece := invoices(t)
	piece.Details[0].Piece, piece.Details[2].Piece = "8'7", "8'7"

	_, err = divalto.Param(piece, divalto.Options{Quote: divalto.QuoteSingle})
	requireBroken(t, err, 1, divalto.RuleCharacters, "PIECE")

	_, err = divalto.Param(piece, divalto.Options{})
	require.NoError(t, err)

	for name, quote := range map[string]divalto.Quote{"": divalto.QuoteDouble, "double": divalto.QuoteDouble, "single": divalto.QuoteSingle} {
		read, known := divalto.ParseQuote(name)
		require.True(t, known)
		require.Equal(t, quote, read)
	}

	_, known := divalto.ParseQuote("Single")
	require.False(t, known)
}

func TestOptions(t *testing.T) {
	t.Parallel()

	for field, options := range map[string]divalto.Options{
		"dos":    {Dossier: divalto.Dossier{Dos: "9\n98"}},
		"doscpt": {Dossier: divalto.Dossier{DosCpt: "9'8"}, Quote: divalto.QuoteSingle},
		"etb":    {Dossier: divalto.Dossier{Etb: strings.Repeat("1", divalto.MaxCode+1)}},
		"param":  {Quote: "Single"},
	} {
		var refused *divalto.RuleError

		require.ErrorAs(t, options.Check(), &refused, field)
		require.Equal(t, field, refused.Field)

		_, err := divalto.Param(advance(t), options)
		require.ErrorAs(t, err, &refused, "nothing is written that the options cannot say")
	}

	require.NoError(t, divalto.Options{}.Check())
	require.NoError(t, divalto.Options{Dossier: divalto.Dossier{Dos: "998", DosCpt: "9'8", Etb: "1"}, Quote: divalto.QuoteDouble}.Check())
}

func requireBroken(t testing.TB, err error, line int, rule divalto.Rule, field string) {
	t.Helper()

	var refused *divalto.RuleError

	require.ErrorAs(t, err, &refused)
	require.Equal(t, line, refused.Line, err)
	require.Equal(t, rule, refused.Rule, err)
	require.Equal(t, field, refused.Field, err)
	require.NotEmpty(t, refused.Todo)
	require.Contains(t, err.Error(), refused.Todo)
}

func TestRulesOfPosting(t *testing.T) {
	t.Parallel()

	const iban = "FR7630006000011234567890189"

	for name, c := range map[string]struct {
		breaks func(*divalto.Posting)
		line   int
		rule   divalto.Rule
		field  string
	}{
		"direction":            {func(p *divalto.Posting) { p.Direction = 3 }, 0, divalto.RuleDirection, "RegltTyp"},
		"no date":              {func(p *divalto.Posting) { p.Date = calendar.Date{} }, 0, divalto.RuleRequired, "TRANSACDT"},
		"no third party":       {func(p *divalto.Posting) { p.ThirdParty = "" }, 0, divalto.RuleRequired, "TIERS"},
		"long third party":     {func(p *divalto.Posting) { p.ThirdParty = strings.Repeat("C", 36) }, 0, divalto.RuleLength, "TIERS"},
		"space before":         {func(p *divalto.Posting) { p.ThirdParty = " C0000007" }, 0, divalto.RuleCharacters, "TIERS"},
		"tab":                  {func(p *divalto.Posting) { p.ThirdParty = "C\t7" }, 0, divalto.RuleCharacters, "TIERS"},
		"establishment":        {func(p *divalto.Posting) { p.Etb = "1 " }, 0, divalto.RuleCharacters, "ETB"},
		"amount of zero":       {func(p *divalto.Posting) { p.Amount = 0 }, 0, divalto.RuleAmount, "MTDEV"},
		"amount below zero":    {func(p *divalto.Posting) { p.Amount = -1 }, 0, divalto.RuleAmount, "MTDEV"},
		"amount beyond":        {func(p *divalto.Posting) { p.Amount = money.Max + 1 }, 0, divalto.RuleAmount, "MTDEV"},
		"no label":             {func(p *divalto.Posting) { p.Label = "" }, 0, divalto.RuleRequired, "LIB"},
		"long label":           {func(p *divalto.Posting) { p.Label = strings.Repeat("é", 41) }, 0, divalto.RuleLength, "LIB"},
		"control in label":     {func(p *divalto.Posting) { p.Label = "a\x00b" }, 0, divalto.RuleCharacters, "LIB"},
		"beyond Latin":         {func(p *divalto.Posting) { p.Label = "платёж" }, 0, divalto.RuleCharacters, "LIB"},
		"not UTF-8":            {func(p *divalto.Posting) { p.Label = "R\xe8glement" }, 0, divalto.RuleCharacters, "LIB"},
		"semicolon":            {func(p *divalto.Posting) { p.Label = "a;b" }, 0, divalto.RuleCharacters, "LIB"},
		"no change of state":   {func(p *divalto.Posting) { p.State.Change = "" }, 0, divalto.RuleRequired, "ChgEtat"},
		"no final state":       {func(p *divalto.Posting) { p.State.Final = "" }, 0, divalto.RuleState, "EtatFin"},
		"final state of cards": {func(p *divalto.Posting) { p.State.Final = "B30" }, 0, divalto.RuleState, "EtatFin"},
		"no line":              {func(p *divalto.Posting) { p.Details = nil }, 0, divalto.RuleRequired, "DetailReglementtb"},
		"too many lines": {
			func(p *divalto.Posting) { p.Details = make([]divalto.Detail, divalto.MaxDetails+1) },
			0, divalto.RuleLength, "DetailReglementtb",
		},
		"sum below":                   {func(p *divalto.Posting) { p.Amount++ }, 0, divalto.RuleSum, "MTDEV"},
		"difference in the sum":       {func(p *divalto.Posting) { p.Amount = 6000_00 }, 0, divalto.RuleSum, "MTDEV"},
		"sum beyond":                  {func(p *divalto.Posting) { p.Details[0].Amount, p.Details[1].Amount = money.Max, 1 }, 2, divalto.RuleSum, "MTDEVFIN"},
		"line of zero":                {func(p *divalto.Posting) { p.Details[1].Amount = 0 }, 2, divalto.RuleAmount, "MTDEVFIN"},
		"line below zero":             {func(p *divalto.Posting) { p.Details[1].Amount = -2400_00 }, 2, divalto.RuleAmount, "MTDEVFIN"},
		"smallest amount":             {func(p *divalto.Posting) { p.Details[1].Amount = math.MinInt64 }, 2, divalto.RuleAmount, "MTDEVFIN"},
		"difference of zero":          {func(p *divalto.Posting) { p.Details[2].Amount = 0 }, 3, divalto.RuleAmount, "MTDEVFIN"},
		"another third party":         {func(p *divalto.Posting) { p.Details[1].ThirdParty = "C0000008" }, 2, divalto.RuleThirdParty, "TIERS"},
		"third party of a difference": {func(p *divalto.Posting) { p.Details[2].ThirdParty = "" }, 3, divalto.RuleThirdParty, "TIERS"},
		"an account instead":          {func(p *divalto.Posting) { p.Details[1].ThirdParty = iban }, 2, divalto.RuleThirdParty, "TIERS"},
		"nature":                      {func(p *divalto.Posting) { p.Details[0].Nature = " " }, 1, divalto.RuleNature, "NatureOperation"},
		"no piece":                    {func(p *divalto.Posting) { p.Details[0].Piece = "" }, 1, divalto.RulePiece, "PIECE"},
		"no piece of a partial": {
			func(p *divalto.Posting) { p.Details[1].Nature, p.Details[1].Piece = divalto.Partial, "" }, 2, divalto.RulePiece, "PIECE",
		},
		"no piece of a difference": {func(p *divalto.Posting) { p.Details[2].Piece = "" }, 3, divalto.RulePiece, "PIECE"},
		"advance on a piece":       {func(p *divalto.Posting) { p.Details[1].Nature = divalto.Advance }, 2, divalto.RulePiece, "PIECE"},
		"advance on a prefix": {func(p *divalto.Posting) {
			p.Details[1] = divalto.Detail{Nature: divalto.Advance, Amount: 2400_00, ThirdParty: p.ThirdParty, Prefix: "FA"}
		}, 2, divalto.RulePiece, "PIECE"},
		"long piece":                   {func(p *divalto.Posting) { p.Details[0].Piece = strings.Repeat("8", 36) }, 1, divalto.RuleLength, "PIECE"},
		"prefix":                       {func(p *divalto.Posting) { p.Details[0].Prefix = " " }, 1, divalto.RuleCharacters, "PREFPIECE"},
		"difference without a payment": {func(p *divalto.Posting) { p.Details[2].Piece = "88" }, 3, divalto.RuleDifference, "PIECE"},
		"discount of another prefix": {
			func(p *divalto.Posting) { p.Details[2].Nature, p.Details[2].Prefix = divalto.Discount, "FA" }, 3, divalto.RuleDifference, "PIECE",
		},
		"two differences, no payment": {
			func(p *divalto.Posting) {
				p.Details[0].Nature, p.Details[2].Nature, p.Amount = divalto.Exchange, divalto.Discount, 2400_00
			},
			1, divalto.RuleDifference, "PIECE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			posting := invoices(t)
			c.breaks(&posting)

			err := posting.Check()
			requireBroken(t, err, c.line, c.rule, c.field)
			require.NotContains(t, err.Error(), iban)

			for quote := range readings() {
				param, err := divalto.Param(posting, divalto.Options{Quote: quote})
				requireBroken(t, err, c.line, c.rule, c.field)
				require.Empty(t, param)
			}
		})
	}
}

func TestRulesOfDeposit(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		breaks func(*divalto.Deposit)
		line   int
		rule   divalto.Rule
		field  string
	}{
		"no date":            {func(d *divalto.Deposit) { d.Date = calendar.Date{} }, 0, divalto.RuleRequired, "TRANSACDT"},
		"no bank":            {func(d *divalto.Deposit) { d.Bank = "" }, 0, divalto.RuleRequired, "BQC"},
		"no label":           {func(d *divalto.Deposit) { d.Label = "" }, 0, divalto.RuleRequired, "LIB"},
		"no change of state": {func(d *divalto.Deposit) { d.State.Change = "" }, 0, divalto.RuleRequired, "ChgEtat"},
		"final state":        {func(d *divalto.Deposit) { d.State.Final = "C30" }, 0, divalto.RuleState, "EtatFin"},
		"no item":            {func(d *divalto.Deposit) { d.Items = nil }, 0, divalto.RuleRequired, "DetailReglementtb"},
		"too many items":     {func(d *divalto.Deposit) { d.Items = make([]divalto.Item, 1001) }, 0, divalto.RuleLength, "DetailReglementtb"},
		"sum":                {func(d *divalto.Deposit) { d.Amount-- }, 0, divalto.RuleSum, "MTDEV"},
		"no transaction":     {func(d *divalto.Deposit) { d.Items[1].Transaction = "" }, 2, divalto.RuleRequired, "TRANSAC"},
		"order":              {func(d *divalto.Deposit) { d.Items[1].Order = 0 }, 2, divalto.RuleOrder, "NOORDRE"},
		"item twice":         {func(d *divalto.Deposit) { d.Items[1].Transaction = "299" }, 2, divalto.RuleItem, "TRANSAC"},
		"item of zero":       {func(d *divalto.Deposit) { d.Items[0].Amount = 0 }, 1, divalto.RuleAmount, "MTDEV"},
		"sum beyond":         {func(d *divalto.Deposit) { d.Items[0].Amount = money.Max }, 2, divalto.RuleSum, "MTDEV"},
	} {
		broken := deposit(t)
		c.breaks(&broken)
		requireBroken(t, broken.Check(), c.line, c.rule, c.field)

		_, err := divalto.Param(broken, divalto.Options{})
		require.Error(t, err, name)
	}

	made, err := divalto.NewDeposit(deposit(t).Date, "Remise", "BNP", divalto.State{Change: "REMCDI"}, []divalto.Item{
		{Transaction: "299", Amount: 1}, {Transaction: "299", Order: 2, Amount: 1},
	})
	require.NoError(t, err, "two items of one transaction")
	require.Equal(t, []divalto.Item{{"299", 1, 1}, {"299", 2, 1}}, made.Items)

	_, err = divalto.NewDeposit(deposit(t).Date, "Remise", "", divalto.State{Change: "REMCDI"}, made.Items)
	requireBroken(t, err, 0, divalto.RuleRequired, "BQC")

	_, err = divalto.NewDeposit(deposit(t).Date, "Remise", "BNP", divalto.State{Change: "REMCDI"}, []divalto.Item{{Transaction: "299"}})
	requireBroken(t, err, 1, divalto.RuleAmount, "MTDEV")
}
