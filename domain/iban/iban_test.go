package iban_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/iban"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	for account, want := range map[string]error{
		"FR1420041010050500013M02606":         nil, // examples of the register of ISO 13616
		"GB29NWBK60161331926819":              nil,
		"NO9386011117947":                     nil,
		"MT84MALT011000012345MTLCAST001S":     nil,
		"DE89370400440532013000":              nil,
		"MC5811222000010123456789030":         nil,
		"BE68539007547034":                    nil,
		"NL91ABNA0417164300":                  nil,
		"IT60X0542811101000000123456":         nil,
		"ES9121000418450200051332":            nil,
		"CH9300762011623852957":               nil,
		"RS35260005601001611379":              nil,
		"FR1520041010050500013M02606":         iban.ErrChecksum,
		"FR1420041010050500013M02660":         iban.ErrChecksum,
		"FR1420041010050500013M0260":          iban.ErrLength,
		"FR1420041010050500013M026060":        iban.ErrLength,
		"DE8937040044053201300":               iban.ErrLength,
		"NO93860111179471":                    iban.ErrLength,
		"":                                    iban.ErrShape,
		"FR14":                                iban.ErrShape,
		"fr1420041010050500013M02606":         iban.ErrShape,
		"FR14 2004 1010 0505 0001 3M02 606":   iban.ErrShape,
		"14FR20041010050500013M02606":         iban.ErrShape,
		"FR1420041010050500013m02606":         iban.ErrShape,
		"FR14" + strings.Repeat("0", 31):      iban.ErrShape,
		"FR1420041010050500013M02606\n":       iban.ErrShape,
		"ÉR1420041010050500013M02606":         iban.ErrShape,
		with("DE", "37040044053201300A"):      iban.ErrStructure,
		with("FR", "20041A10050500013M02606"): iban.ErrStructure,
		with("FR", "20041010050500013M0260A"): iban.ErrStructure,
		with("GB", "1WBK60161331926819"):      iban.ErrStructure,
		with("US", "370400440532013000"):      iban.ErrCountry,
		with("ZZ", "370400440532013000"):      iban.ErrCountry,
		with("RE", "20041010050500013M02606"): iban.ErrCountry, // Réunion's begin with FR
		with("JE", "NWBK60161331926819"):      iban.ErrCountry,
		with("AX", "12345600000785"):          iban.ErrCountry,
		"DE00370400440532013000":              iban.ErrChecksum,
	} {
		require.ErrorIs(t, iban.Check(account), want, account)
	}
}

func with(country, account string) string {
	return country + iban.CheckDigits(country, account) + account
}

// TestCheckRefusesDigitsNeverGiven is on 00, 01 and 99: they satisfy the formula as 97, 98 and 02 do (ISO 7064).
func TestCheckRefusesDigitsNeverGiven(t *testing.T) {
	t.Parallel()

	found := map[string]int{}

	for n := range 1000 {
		account := fmt.Sprintf("%018d", n)
		right := iban.CheckDigits("DE", account)

		if same, ok := map[string]string{"97": "00", "98": "01", "02": "99"}[right]; ok {
			found[same]++

			require.NoError(t, iban.Check("DE"+right+account))
			require.ErrorIs(t, iban.Check("DE"+same+account), iban.ErrChecksum)
		}
	}

	require.Len(t, found, 3)
}

// TestCheckDigits compares with the whole number divided at once.
func TestCheckDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.StringMatching(`[A-Z]{2}`).Draw(t, "country")
		account := rapid.StringMatching(`[A-Z0-9]{23}`).Draw(t, "account")
		digits := iban.CheckDigits(country, account)
		require.Len(t, digits, 2)

		var number strings.Builder

		for _, char := range account + country + digits {
			if char >= 'A' {
				number.WriteString(big.NewInt(int64(char - 'A' + 10)).String())
			} else {
				number.WriteRune(char)
			}
		}

		whole, ok := new(big.Int).SetString(number.String(), 10)
		require.True(t, ok)
		require.EqualValues(t, 1, whole.Mod(whole, big.NewInt(97)).Int64())
	})
}

// TestCheckFindsEveryWrongDigit is what check digits are for: one wrong digit, or two that stand next to each other and
// were exchanged. (1B and B1 read as the same number.)
func TestCheckFindsEveryWrongDigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		account := []byte(with("FR", rapid.StringMatching(`[0-9]{10}[A-Z0-9]{11}[0-9]{2}`).Draw(t, "account")))
		require.NoError(t, iban.Check(string(account)))

		const lastOfBranch = 13

		at := rapid.IntRange(2, lastOfBranch-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "exchange") && account[at] != account[at+1] {
			account[at], account[at+1] = account[at+1], account[at]
		} else {
			account[at] = '0' + (account[at]-'0'+rapid.ByteRange(1, 9).Draw(t, "more"))%10
		}

		require.ErrorIs(t, iban.Check(string(account)), iban.ErrChecksum)
		require.ErrorIs(t, iban.CheckSEPA(string(account)), iban.ErrChecksum)
	})
}

func TestCheckSEPA(t *testing.T) {
	t.Parallel()

	for account, want := range map[string]error{
		"FR1420041010050500013M02606":         nil, // a letter of each line of the RIB table: M is 4
		"FR892193300001PNM1I3223UV55":         nil,
		"FR0730003000305224397445A56":         nil,
		"FR7630006000011234567890189":         nil,
		"MC5811222000010123456789030":         nil,
		"DE89370400440532013000":              nil,
		"GB29NWBK60161331926819":              nil,
		"CH9300762011623852957":               nil,
		"RS35260005601001611379":              nil,
		"AL47212110090000000235698741":        nil,
		with("FR", "20041010050500013M02607"): iban.ErrRIBKey,
		with("FR", "20041010050500013M02600"): iban.ErrRIBKey,
		with("FR", "20041010050500013N02606"): iban.ErrRIBKey,
		with("MC", "11222000010123456789031"): iban.ErrRIBKey,
		"TR330006100519786457841326":          iban.ErrSEPA,
		"BR9700360305000010009795493P1":       iban.ErrSEPA,
		"FR1520041010050500013M02606":         iban.ErrChecksum,
		"FR14":                                iban.ErrShape,
	} {
		require.ErrorIs(t, iban.CheckSEPA(account), want, account)
	}
}

// TestCheckSEPAComparesWithTheWholeRIB divides the number that a RIB is once its letters are digits: with its key it is a
// multiple of 97.
func TestCheckSEPAComparesWithTheWholeRIB(t *testing.T) {
	t.Parallel()

	letters := strings.NewReplacer("A", "1", "J", "1", "B", "2", "K", "2", "S", "2", "C", "3", "L", "3", "T", "3", "D", "4", "M", "4",
		"U", "4", "E", "5", "N", "5", "V", "5", "F", "6", "O", "6", "W", "6", "G", "7", "P", "7", "X", "7", "H", "8", "Q", "8", "Y", "8",
		"I", "9", "R", "9", "Z", "9")

	rapid.Check(t, func(t *rapid.T) {
		account := rapid.StringMatching(`[0-9]{10}[A-Z0-9]{11}`).Draw(t, "account")
		country := rapid.SampledFrom([]string{"FR", "MC"}).Draw(t, "country")

		whole, ok := new(big.Int).SetString(letters.Replace(account)+"00", 10)
		require.True(t, ok)

		right := 97 - int(whole.Mod(whole, big.NewInt(97)).Int64())
		require.NoError(t, iban.CheckSEPA(with(country, fmt.Sprintf("%s%02d", account, right))))

		wrong := rapid.IntRange(0, 99).Filter(func(n int) bool { return n != right }).Draw(t, "wrong")
		require.ErrorIs(t, iban.CheckSEPA(with(country, fmt.Sprintf("%s%02d", account, wrong))), iban.ErrRIBKey)
	})
}

func TestFrench(t *testing.T) {
	t.Parallel()
	require.Equal(t, "FR7630006000011234567890189", iban.French(30006, 1, 12345678901))
	rapid.Check(t, func(t *rapid.T) {
		account := iban.French(rapid.IntRange(0, 99_999).Draw(t, "bank"), rapid.IntRange(0, 99_999).Draw(t, "branch"),
			rapid.IntRange(0, 99_999_999_999).Draw(t, "account"))
		require.NoError(t, iban.CheckSEPA(account))
	})
}

func TestInSEPA(t *testing.T) {
	t.Parallel()

	const members = "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA"

	for member := range strings.FieldsSeq(members + " AX BL GF GG GP IM JE MF MQ PM RE YT") {
		require.True(t, iban.InSEPA(member), member)
		require.True(t, iban.InSEPA(member+"7630006000011234567890189"), member)
	}

	for _, other := range []string{"", "F", "fr", "US", "TR", "TN", "UA", "XK", "NC", "PF", "WF", "ZZ", "É"} {
		require.False(t, iban.InSEPA(other), other)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	require.Equal(t, "FR14…2606", iban.Mask("FR1420041010050500013M02606"))
	require.Equal(t, "fr14… 606", iban.Mask("fr14 2004 1010 0505 0001 3M02 606"))

	for _, text := range []string{"", "FR14", "Jeanne Martin-Dupont", "FR1420041010"} {
		require.Equal(t, "…", iban.Mask(text))
		require.False(t, iban.Resembles(text))
	}

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		require.LessOrEqual(t, len([]rune(iban.Mask(text))), 9)
	})
}

func TestMaskIn(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"":                            "",
		"VENTE DU 17/03":              "VENTE DU 17/03",
		"FR1420041010050500013M02606": "FR14…2606",
		"vente fr1420041010050500013m02606, payée":           "vente FR14…2606, payée",
		"(FR14 2004 1010 0505 0001 3M02 606)":                "(FR14…2606)",
		"FR14-2004-1010-0505-0001-3M02-606":                  "FR14…2606",
		"FR1520041010050500013M02606 is wrong":               "FR15…2606 is wrong",
		"GB29NWBK60161331926819 MC5811222000010123456789030": "GB29…6819 MC58…9030",
		"BQ0000000000000005":                                 "BQ0000000000000005",
		"fr14200410100505000132606abcdef0":                   "FR14…DEF0",
		"be14200410100505000132606abcdef0":                   "be14200410100505000132606abcdef0", // a UUID
	} {
		require.Equal(t, want, iban.MaskIn(text))
	}
}

// FuzzCheck says that no text breaks the checks, that what is payable is an IBAN, and that no error repeats what it refuses.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"FR1420041010050500013M02606", "MC5811222000010123456789030", "GB29NWBK60161331926819", "FR1520041010050500013M02606", "RE14", "É",
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		err := iban.Check(text)
		payable := iban.CheckSEPA(text)

		if err != nil {
			require.ErrorIs(t, payable, err)

			if len(text) > shownAtMost {
				require.NotContains(t, err.Error(), text)
			}
		}

		if payable == nil {
			require.True(t, iban.InSEPA(text))
			require.True(t, iban.Resembles(text))
		}
	})
}

// shownAtMost is the longest text that an error may happen to hold: a word of it.
const shownAtMost = 10

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()

	for b.Loop() {
		if iban.Check("FR7630006000011234567890189") != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCheckSEPA(b *testing.B) {
	b.ReportAllocs()

	for b.Loop() {
		if iban.CheckSEPA("FR892193300001PNM1I3223UV55") != nil {
			b.Fatal("refused")
		}
	}
}
