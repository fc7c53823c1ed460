package sepa_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/sepa"
)

const longEnough = 1_000

func written(text string, limit int) (string, sepa.Change) {
	got, change := sepa.Append([]byte("before "), text, limit)

	return strings.TrimPrefix(string(got), "before "), change
}

func TestTexts(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		text, want string
		replaced   int
	}{
		{"MONEXT", "MONEXT", 0},
		{"COMCO   CB15:27:11", "COMCO   CB15:27:11", 0},
		{"  spaces at both ends  ", "spaces at both ends", 0},
		{"Élise & Fils, l'été à Cœur-Joie", "Elise + Fils, l'ete a Coeur-Joie", 6},
		{"E\u0301lise", "Elise", 1},
		{"12 €", "12 E", 1},
		{"STRAßE ŒUVRE ẞ", "STRAssE OEUVRE SS", 3},
		{"L’Étoile ‘du’ Nord – Sud — Est", "L'Etoile 'du' Nord - Sud - Est", 6},
		{"Łódź, İzmir, Ștefan", "Lodz, Izmir, Stefan", 5},
		{"a\tb\nc\u00a0d\u2009e", "a b c d e", 4},
		{"\u00a0\u2009x\u00a0", "x", 3},
		{" \tx", "x", 1},
		{"zero\u200bwidth, soft\u00adhyphen", "zerowidth, softhyphen", 2},
		{`a_b@c;d"e<f>g=h%i*j#k!l`, "a.b.c.d.e.f.g.h.i.j.k.l", 11},
		{"“a” «b»", ".a. .b.", 4},
		{"Ωμ Я", ".. .", 3},
		{"a\x00b\x1fc\x7f", "a.b.c.", 3},
		{"a\xffb\xc3", "a.b.", 2},
		{"\ufffd", ".", 1},
		{"😀 x", ". x", 1},
		{"", ".", 0},
		{"   ", ".", 0},
		{"\u0301\u200b", ".", 2},
		{"\t", ".", 1},
	} {
		got, change := written(test.text, longEnough)
		require.Equal(t, test.want, got, "%q", test.text)
		require.Equal(t, sepa.Change{Replaced: test.replaced}, change, "%q", test.text)
	}
}

func TestTextsAreCutAfterTransliteration(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		text, want string
		limit      int
		change     sepa.Change
	}{
		{strings.Repeat("a", 70), strings.Repeat("a", 70), 70, sepa.Change{}},
		{strings.Repeat("a", 71), strings.Repeat("a", 70), 70, sepa.Change{Cut: 1}},
		{strings.Repeat("é", 70), strings.Repeat("e", 70), 70, sepa.Change{Replaced: 70}},
		{strings.Repeat("Œ", 36), strings.Repeat("OE", 35), 70, sepa.Change{Replaced: 36, Cut: 2}},
		{"aŒ", "aO", 2, sepa.Change{Replaced: 1, Cut: 1}},
		{"  abc  ", "abc", 3, sepa.Change{}},
		{"ab  c", "ab", 4, sepa.Change{Cut: 1}},
	} {
		got, change := written(test.text, test.limit)
		require.Equal(t, test.want, got, "%q", test.text)
		require.Equal(t, test.change, change, "%q", test.text)
	}
}

// TestEveryLatinLetterHasItsOwn wants letters for all the letters of Latin-1 and Latin Extended-A, of their own case.
func TestEveryLatinLetterHasItsOwn(t *testing.T) {
	t.Parallel()

	letters := 0

	for char := rune(0x80); char < 0x180; char++ {
		if !unicode.IsLetter(char) {
			continue
		}

		letters++
		got, change := written(string(char), longEnough)
		require.Regexp(t, `^'?[A-Za-z]{1,2}$`, got, "%c", char)
		require.Equal(t, unicode.IsUpper(char), unicode.IsUpper(rune(got[0])), "%c", char)
		require.Equal(t, 1, change.Replaced, "%c", char)
	}

	require.Equal(t, 65+128, letters)
}

var carried = regexp.MustCompile(`^[a-zA-Z0-9/\-?:().,'+ ]+$`)

func TestAnyTextIsWrittenAsSEPACarriesIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(raw []byte) string { return string(raw) }),
			rapid.StringMatching(`[ éŒß&a\x{301}\x{a0}]*`)).Draw(t, "text")
		limit := rapid.IntRange(1, 200).Draw(t, "limit")
		got, change := written(text, limit)

		require.Regexp(t, carried, got)
		require.LessOrEqual(t, len(got), limit)
		require.Equal(t, strings.TrimSpace(got), got)
		require.LessOrEqual(t, change.Replaced, utf8.RuneCountInString(text))

		again, unchanged := written(got, limit)
		require.Equal(t, got, again, "what SEPA carries is carried as it is")
		require.Equal(t, sepa.Change{}, unchanged)

		whole, _ := written(text, 2*len(text)+1)
		require.True(t, strings.HasPrefix(whole, got))

		if carried.MatchString(text) {
			require.Zero(t, change.Replaced)
			require.Equal(t, strings.Trim(text, " ") == "", got == "." && !strings.Contains(text, "."))
		}
	})
}

func TestReferences(t *testing.T) {
	t.Parallel()

	for _, reference := range []string{
		"a", "cb511424315911eab6f87c2a3123212b", "P210602000000001", "MONEXTEUR20191009001", "a/b/c", "(1) ? : . , ' + -",
		strings.Repeat("9", sepa.MaxReference),
	} {
		require.NoError(t, sepa.CheckReference(reference), reference)
	}

	for reference, want := range map[string]error{
		"":                      sepa.ErrReferenceLength,
		strings.Repeat("9", 36): sepa.ErrReferenceLength,
		"/a":                    sepa.ErrReferenceSlash,
		"a/":                    sepa.ErrReferenceSlash,
		"/":                     sepa.ErrReferenceSlash,
		"a//b":                  sepa.ErrReferenceSlash,
		" a":                    sepa.ErrReferenceSpace,
		"a ":                    sepa.ErrReferenceSpace,
		"é":                     sepa.ErrReferenceCharacter,
		"a&b":                   sepa.ErrReferenceCharacter,
		"a<b":                   sepa.ErrReferenceCharacter,
		"a_b":                   sepa.ErrReferenceCharacter,
		"a\nb":                  sepa.ErrReferenceCharacter,
		"a\x00":                 sepa.ErrReferenceCharacter,
		"\xff":                  sepa.ErrReferenceCharacter,
	} {
		require.ErrorIs(t, sepa.CheckReference(reference), want, "%q", reference)
	}
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()

	var report sepa.Report

	report.Add("first", "Cdtr/Nm", sepa.Change{})
	require.Equal(t, sepa.Report{}, report)

	for n := range sepa.MaxReported + 10 {
		report.Add(strconv.Itoa(n), "Cdtr/Nm", sepa.Change{Replaced: 2, Cut: 1})
	}

	require.Len(t, report.Texts, sepa.MaxReported)
	require.Equal(t, sepa.Replacement{EndToEndID: "7", Field: "Cdtr/Nm", Change: sepa.Change{Replaced: 2, Cut: 1}}, report.Texts[7])
	require.Equal(t, sepa.MaxReported+10, report.Count)
	require.Equal(t, 2*report.Count, report.Replaced)
	require.Equal(t, report.Count, report.Cut)
}

func TestTextsDoNotAllocate(t *testing.T) {
	room := make([]byte, 0, 1_000)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		sepa.Append(room, "Élise & Fils — l’œuvre €", sepa.MaxName)
		_ = sepa.CheckReference("cb511424315911eab6f87c2a3123212b")
	}))
}

func FuzzAppend(f *testing.F) {
	for _, text := range []string{"MONEXT", "Élise & Fils", "\xff\xc3", "E\u0301", " Œ ", ""} {
		f.Add(text, sepa.MaxName)
	}

	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 1 {
			return
		}

		got, _ := written(text, limit)
		require.Regexp(t, carried, got)
		require.LessOrEqual(t, len(got), limit)
	})
}
