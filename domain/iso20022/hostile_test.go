package iso20022_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
)

// walk goes through a whole document: the first elements of each level one by one, the others by Skip.
func walk(decoder *iso20022.Decoder) error {
	if _, err := decoder.Message(); err != nil {
		return err
	}

	for decoder.Child() {
		decoder.Skip()
	}

	_, _, err := decoder.End()

	return err
}

func refused(t *testing.T, err error) *fault.Fault {
	t.Helper()

	found, ok := errors.AsType[*fault.Fault](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "a.xml", found.File)

	return found
}

func TestHostileDocuments(t *testing.T) {
	t.Parallel()

	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

	deep := strings.Repeat("<A>", 1000) + strings.Repeat("</A>", 1000)
	many := `<A` + strings.Repeat(` a=""`, 20) + `/>`

	for name, test := range map[string]struct {
		text         string
		code         fault.Code
		line, column int
		field        string
		reason       string
	}{
		"empty":                       {"", fault.CodeEmpty, 0, 0, "", "is empty"},
		"blank":                       {" \n ", fault.CodeTruncated, 2, 2, "", "ends before its root does"},
		"XXE":                         {head + `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + opening + "<Id>&x;</Id>" + closing, iso20022.CodeForbidden, 2, 1, "", "document type"},
		"entity bomb":                 {head + `<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + opening + "<Id>&b;</Id>" + closing, iso20022.CodeForbidden, 2, 1, "", "document type"},
		"cut document type":           {head + `<!DOCTYPE a [<!ENTITY `, iso20022.CodeForbidden, 2, 1, "", "document type"},
		"entity declaration":          {head + opening + "<!ENTITY a 'b'>" + closing, iso20022.CodeForbidden, 2, 81, "Document/BkToCstmrStmt", "document type"},
		"entity of nobody":            {head + opening + "<Id>&DUPONT;</Id>" + closing, iso20022.CodeForbidden, 2, 85, "Document/BkToCstmrStmt/Id", "entity"},
		"ampersand":                   {head + opening + "<Nm>A & B</Nm>" + closing, iso20022.CodeForbidden, 2, 87, "Document/BkToCstmrStmt/Nm", "&amp;"},
		"instruction":                 {head + opening + `<?xml-stylesheet href="a"?>` + closing, iso20022.CodeForbidden, 2, 81, "Document/BkToCstmrStmt", "instruction"},
		"second declaration":          {head + head + opening + closing, iso20022.CodeForbidden, 2, 1, "", "instruction"},
		"encoding changed within":     {head + opening + `<?xml version="1.0" encoding="UTF-7"?>` + closing, iso20022.CodeForbidden, 2, 81, "Document/BkToCstmrStmt", "instruction"},
		"declaration of XML 1.1":      {`<?xml version="1.1"?>` + opening + closing, iso20022.CodeSyntax, 1, 1, "", "declaration"},
		"endless declaration":         {"<?xml " + strings.Repeat(" ", 5000) + opening + closing, iso20022.CodeSyntax, 1, 1, "", "declaration"},
		"cut declaration":             {"<?xml version", fault.CodeTruncated, 1, 1, "", "cut"},
		"UTF-16":                      {"\xff\xfe<\x00?\x00", fault.CodeEncoding, 1, 1, "", "UTF-16"},
		"UTF-16 without a mark":       {"\x00<\x00?", fault.CodeEncoding, 1, 1, "", "UTF-16"},
		"another encoding":            {`<?xml version="1.0" encoding="windows-1252"?>` + opening + closing, fault.CodeEncoding, 1, 1, "encoding", "UTF-8 or ISO-8859-1"},
		"Latin-1 with UTF-8's mark":   {"\xef\xbb\xbf" + `<?xml version="1.0" encoding="ISO-8859-1"?>` + opening + closing, fault.CodeEncoding, 1, 1, "encoding", "byte order mark"},
		"Latin-1 that is not":         {`<?xml version="1.0" encoding="ISO-8859-1"?>` + opening + "<Nm>\x80</Nm>" + closing, fault.CodeEncoding, 1, 128, "Document/BkToCstmrStmt/Nm", "ISO-8859-1"},
		"Latin-1 that says UTF-8":     {head + opening + "<Nm>\xe9t\xe9</Nm>" + closing, fault.CodeEncoding, 2, 85, "Document/BkToCstmrStmt/Nm", "not UTF-8"},
		"a NUL byte":                  {head + opening + "<Nm>\x00</Nm>" + closing, fault.CodeControl, 2, 85, "Document/BkToCstmrStmt/Nm", "control"},
		"a reference to a NUL":        {head + opening + "<Nm>&#0;</Nm>" + closing, fault.CodeControl, 2, 85, "Document/BkToCstmrStmt/Nm", "control"},
		"a control in a comment":      {head + opening + "<!--\x01-->" + closing, fault.CodeControl, 2, 81, "Document/BkToCstmrStmt", "comment"},
		"cut text":                    {head + opening + "\n<Id>12", fault.CodeTruncated, 3, 7, "Document/BkToCstmrStmt/Id", "cut"},
		"cut tag":                     {head + opening + "\n<I", fault.CodeTruncated, 3, 3, "Document/BkToCstmrStmt", "cut"},
		"cut CDATA":                   {head + opening + "\n<I><![CDATA[a", fault.CodeTruncated, 3, 14, "Document/BkToCstmrStmt/I", "cut"},
		"cut before the root's end":   {head + opening + "</BkToCstmrStmt>", fault.CodeTruncated, 2, 97, "Document", "cut"},
		"too deep":                    {head + opening + deep + closing, iso20022.CodeLimit, 2, 267, "", "deeper than 64"},
		"too many attributes":         {head + opening + many + closing, iso20022.CodeLimit, 2, 81, "Document/BkToCstmrStmt/A", "attributes"},
		"an attribute twice":          {head + opening + `<A Ccy="EUR" Ccy="CHF"/>` + closing, iso20022.CodeSyntax, 2, 81, "Document/BkToCstmrStmt/A", "twice"},
		"an unknown attribute":        {head + opening + `<A nil="true"/>` + closing, iso20022.CodeElement, 2, 81, "Document/BkToCstmrStmt/A", "attribute"},
		"xsi:nil":                     {head + `<Document xmlns="` + namespace + `" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><A><B xsi:nil="true"/></A></Document>`, iso20022.CodeElement, 2, 123, "Document/A/B", "attribute"},
		"another namespace":           {head + opening + `<A xmlns="urn:b"/>` + closing, iso20022.CodeNamespace, 2, 81, "Document/BkToCstmrStmt/A", "namespace"},
		"no namespace":                {head + opening + `<A xmlns=""/>` + closing, iso20022.CodeNamespace, 2, 81, "Document/BkToCstmrStmt/A", "namespace"},
		"another prefix":              {head + opening + `<b:A xmlns:b="urn:b"/>` + closing, iso20022.CodeNamespace, 2, 81, "Document/BkToCstmrStmt/A", "namespace"},
		"an unknown prefix":           {head + opening + `<b:A/>` + closing, iso20022.CodeNamespace, 2, 81, "Document/BkToCstmrStmt/A", "namespace"},
		"a prefix of the root":        {head + `<Document xmlns="` + namespace + `" xmlns:b="urn:b"><b:A/></Document>`, iso20022.CodeNamespace, 2, 82, "Document/A", "namespace"},
		"no prefix in a prefixed":     {head + `<a:Document xmlns:a="` + namespace + `"><A/></a:Document>`, iso20022.CodeNamespace, 2, 70, "Document/A", "namespace"},
		"crossed ends":                {head + opening + "<A><B></A></B>" + closing, iso20022.CodeSyntax, 2, 87, "Document/BkToCstmrStmt/A/B", "not the one that is open"},
		"an end of another prefix":    {head + `<Document xmlns="` + namespace + `" xmlns:b="` + namespace + `"><A></b:A></Document>`, iso20022.CodeSyntax, 2, 126, "Document/A", "not the one that is open"},
		"an end before the root":      {"</A>", iso20022.CodeSyntax, 1, 1, "", "has not begun"},
		"text before the root":        {head + "a" + opening + closing, iso20022.CodeElement, 2, 1, "", "front of the root"},
		"text beside elements":        {head + opening + "abc" + closing, iso20022.CodeElement, 2, 81, "Document/BkToCstmrStmt", "beside"},
		"a second message":            {head + opening + "</BkToCstmrStmt><A/></Document>", iso20022.CodeElement, 2, 97, "Document/A", "second message"},
		"a second root":               {head + opening + closing + "\n" + opening + closing, iso20022.CodeSyntax, 3, 1, "", "second root"},
		"text after the root":         {head + opening + closing + "\nabc", iso20022.CodeElement, 3, 1, "", "text follows"},
		"text right after the root":   {head + opening + closing + "abc", iso20022.CodeElement, 2, 108, "", "text follows"},
		"an end after the root":       {head + opening + closing + "</A>", iso20022.CodeSyntax, 2, 108, "", "follows"},
		"an instruction after":        {head + opening + closing + "<?a?>", iso20022.CodeForbidden, 2, 108, "", "instruction"},
		"no message":                  {head + `<Document xmlns="` + namespace + `"/>`, fault.CodeMissing, 2, 1, "Document", "hold a message"},
		"another root":                {head + `<BizMsg xmlns="` + namespace + `"/>`, fault.CodeFormat, 2, 1, "BizMsg", "Document"},
		"a namespace of nobody":       {head + `<Document xmlns="urn:swift:xsd:camt.053.001.02"/>`, fault.CodeFormat, 2, 1, "Document", "no namespace"},
		"no namespace at all":         {head + `<Document/>`, fault.CodeFormat, 2, 1, "Document", "no namespace"},
		"a name of another alphabet":  {head + opening + "<Âge/>" + closing, iso20022.CodeElement, 2, 81, "Document/BkToCstmrStmt", "name"},
		"a long name":                 {head + opening + "<" + strings.Repeat("A", 65) + "/>" + closing, iso20022.CodeElement, 2, 81, "Document/BkToCstmrStmt", "name"},
		"not XML at all":              {"01TELECHARGEMENT", iso20022.CodeElement, 1, 1, "", "front of the root"},
		"two texts that are too long": {head + opening + "<A>" + strings.Repeat("a", 60_000) + "<!-- -->" + strings.Repeat("a", 60_000) + "</A>" + closing, "", 0, 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, source := range []io.Reader{strings.NewReader(test.text), iotest.OneByteReader(strings.NewReader(test.text))} {
				err := walk(iso20022.NewDecoder("a.xml", source))
				if test.code == "" {
					require.NoError(t, err)

					continue
				}

				found := refused(t, err)
				require.Equal(t, test.code, found.Code, found)
				require.Equal(t, []int{test.line, test.column}, []int{found.Line, found.Column}, found)
				require.Contains(t, found.Reason, test.reason)
				require.NotContains(t, found.Error(), "DUPONT")

				if name != "too deep" {
					require.Equal(t, test.field, found.Field)
				}
			}
		})
	}
}

func TestTextOfOneElementIsBounded(t *testing.T) {
	t.Parallel()

	text := opening + "<A>" + strings.Repeat(strings.Repeat("a", 60_000)+"<!-- -->", 2) + "</A>" + closing
	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(text))

	_, err := decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())
	require.Empty(t, decoder.Text())

	found := refused(t, decoder.Err())
	require.Equal(t, iso20022.CodeLimit, found.Code)
	require.Equal(t, "Document/BkToCstmrStmt/A", found.Field)
	require.False(t, decoder.Child(), "an error stays")
}

func TestTextHoldsNoElement(t *testing.T) {
	t.Parallel()

	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(opening+"<A>1<B/></A>"+closing))

	_, err := decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())
	require.Empty(t, decoder.Text())

	_, _, err = decoder.End()
	found := refused(t, err)
	require.Equal(t, iso20022.CodeElement, found.Code)
	require.Equal(t, "Document/BkToCstmrStmt/A/B", found.Field)
}

// endless gives a text again and again, and counts what it gave.
type endless struct {
	text  string
	given int64
}

func (e *endless) Read(into []byte) (int, error) {
	const most = 2 << 30

	n := 0
	for n < len(into) {
		n += copy(into[n:], e.text[(e.given+int64(n))%int64(len(e.text)):])
	}

	e.given += int64(n)
	if e.given > most {
		return n, io.EOF
	}

	return n, nil
}

// Two gigabytes of one token end after MaxToken: neither the bytes read nor the memory grow with what is sent.
//
//nolint:paralleltest // it measures what the process allocates
func TestGigabytesOfOneTokenAllocateLittle(t *testing.T) {
	const mostRead, mostMemory = 2 << 20, 4 << 20

	for name, begin := range map[string]string{
		"text":                     opening + "<Nm>",
		"text that is decoded":     opening + "<Decode>",
		"comment":                  opening + "<!--",
		"CDATA":                    opening + "<Nm><![CDATA[",
		"attribute":                opening + `<Amt Ccy="`,
		"name":                     opening + "<",
		"instruction":              opening + "<?a ",
		"document type":            "<!DOCTYPE ",
		"declaration":              "<?xml version=",
		"entity":                   opening + "<Nm>&",
		"text behind the root":     opening + closing,
		"text in front of it":      " ",
		"Latin-1":                  `<?xml version="1.0" encoding="ISO-8859-1"?>` + opening + "<Nm>",
		"comment in front of root": "<!--",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats

			rest := &endless{text: "abcdefgh"}
			decoder := iso20022.NewDecoder("a.xml", io.MultiReader(strings.NewReader(begin), rest))

			runtime.ReadMemStats(&before)

			_, err := decoder.Message()
			if err == nil && decoder.Child() {
				switch decoder.Name() {
				case "Decode":
					_, err = iso20022.NewElement[string]().Decode(decoder)
				default:
					decoder.Text()
				}
			}

			if err == nil {
				_, _, err = decoder.End()
			}

			runtime.ReadMemStats(&after)

			found := refused(t, err)
			require.Positive(t, found.Line)
			require.Positive(t, found.Column)
			require.Contains(t, []fault.Code{
				iso20022.CodeLimit, iso20022.CodeForbidden, iso20022.CodeSyntax, iso20022.CodeElement,
			}, found.Code)
			require.Less(t, rest.given, int64(mostRead))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(mostMemory))
		})
	}
}

func TestFileIsBounded(t *testing.T) {
	t.Parallel()

	decoder := iso20022.NewDecoder("a.xml", io.MultiReader(strings.NewReader(opening), &endless{text: "<A>1</A>\n"}))
	decoder.Limit(1 << 20)

	found := refused(t, walk(decoder))
	require.Equal(t, iso20022.CodeLimit, found.Code)
	require.Contains(t, found.Reason, "have it split")
}

func TestDecodedElementIsBounded(t *testing.T) {
	t.Parallel()

	text := opening + "<A>" + strings.Repeat("<B>1</B>", iso20022.MaxDecoded/8) + "</A>" + closing
	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(text))

	_, err := decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())

	type large struct {
		B []string `xml:"B"`
	}

	_, err = iso20022.NewElement[large]().Decode(decoder)
	require.Equal(t, iso20022.CodeLimit, refused(t, err).Code)
}

func TestDecodeDoesNotRepeatText(t *testing.T) {
	t.Parallel()

	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(opening+"\n<A>DUPONT</A>"+closing))

	_, err := decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())

	_, err = iso20022.NewElement[int]().Decode(decoder)
	found := refused(t, err)
	require.Equal(t, 2, found.Line)
	require.Equal(t, "Document/BkToCstmrStmt/A", found.Field)
	require.NotContains(t, found.Error(), "DUPONT")
}

func TestAnotherVersionIsRefusedByName(t *testing.T) {
	t.Parallel()

	_, err := iso20022.NewDecoder("a.xml", strings.NewReader(opening+closing)).Message("camt.053.001.02", "camt.053.001.04")

	found := refused(t, err)
	require.Equal(t, fault.CodeFormat, found.Code)
	require.Equal(t, "camt.053.001.08", found.Value)
	require.Contains(t, found.Reason, "camt.053.001.02, camt.053.001.04")
}

func TestPrefixesOfTheRoot(t *testing.T) {
	t.Parallel()

	for _, text := range []string{
		`<n:Document xmlns:n="` + namespace + `"><n:A xmlns:n="` + namespace + `"><n:B>1</n:B></n:A></n:Document>`,
		`<Document xmlns="` + namespace + `" xmlns:n="` + namespace + `"><n:A><B>1</B></n:A></Document>`,
		"\xef\xbb\xbf" + `<Document xmlns="` + namespace + `" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b"><A/></Document>`,
	} {
		require.NoError(t, walk(iso20022.NewDecoder("a.xml", strings.NewReader(text))))
	}
}

func TestLatin1(t *testing.T) {
	t.Parallel()

	name := strings.Repeat("\xe9", 40_000)
	text := `<?xml version='1.0' encoding='iso-8859-1' standalone="yes" ?>` + opening + "<Nm>" + name + "</Nm><B/>" + closing
	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(text))

	_, err := decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())
	require.Empty(t, decoder.Text(), "80,000 bytes of UTF-8")

	text = strings.Replace(text, name, name[:20_000], 1)
	decoder = iso20022.NewDecoder("a.xml", iotest.HalfReader(strings.NewReader(text)))

	_, err = decoder.Message()
	require.NoError(t, err)
	require.True(t, decoder.Child())
	require.Equal(t, strings.Repeat("é", 20_000), string(decoder.Text()))
	require.True(t, decoder.Child())
	require.Equal(t, strings.Index(text, "<B/>")+1, decoder.Fault("", "", "").Column, "characters, not bytes")
}

func TestErrorOfTheSource(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")

	for _, begin := range []string{"", "<?xml", opening, opening + "<A", opening + "<A>text", opening + closing} {
		err := walk(iso20022.NewDecoder("a.xml", io.MultiReader(strings.NewReader(begin), iotest.ErrReader(broken))))
		require.ErrorIs(t, err, broken, begin)
		require.ErrorContains(t, err, "a.xml")
	}

	idle := readerFunc(func([]byte) (int, error) { return 0, nil })
	require.ErrorIs(t, walk(iso20022.NewDecoder("a.xml", idle)), io.ErrNoProgress)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(into []byte) (int, error) { return f(into) }

// Places are exact wherever the buffer was refilled.
func TestPlaces(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		var (
			text   strings.Builder
			places [][2]int
		)

		text.WriteString(opening)

		line, column := 1, utf8.RuneCountInString(opening)+1
		write := func(part string) {
			text.WriteString(part)

			for _, char := range part {
				column++

				if char == '\n' {
					line, column = line+1, 1
				}
			}
		}

		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"\n", " ", "<!-- é€ -->", "<A>é&amp;\n</A>", "<B/>", "<C><![CDATA[\n]]></C>", "<D>" + strings.Repeat("é€", 9_000) + "</D>",
		}), 1, 60).Draw(t, "parts")

		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for _, part := range parts {
				if part[0] == '<' && part[1] != '!' {
					places = append(places, [2]int{line, column})
				}

				write(part)
			}
		}

		text.WriteString(closing)

		decoder := iso20022.NewDecoder("a.xml", strings.NewReader(text.String()))
		_, err := decoder.Message()
		require.NoError(t, err)

		for _, place := range places {
			require.True(t, decoder.Child())
			decoder.Text()

			found := decoder.Fault("", "", "")
			require.Equal(t, place[0], found.Line)
			require.Equal(t, place[1], found.Column)
		}

		require.False(t, decoder.Child())

		_, size, err := decoder.End()
		require.NoError(t, err)
		require.EqualValues(t, text.Len(), size)
	})
}

// What is taken here, encoding/xml takes too; and any bytes end without a panic, in an error of a known kind.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(opening + closing))
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + opening + "<A Ccy=\"EUR\">\xe9&amp;<!-- --></A><B/>" + closing + "\n"))
	f.Add([]byte(`<n:Document xmlns:n="` + namespace + `"><n:A><![CDATA[1]]></n:A></n:Document>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + opening + closing))
	f.Add([]byte("\xff\xfe<"))

	f.Fuzz(func(t *testing.T, text []byte) {
		err := walk(iso20022.NewDecoder("a.xml", bytes.NewReader(text)))
		again := walk(iso20022.NewDecoder("a.xml", iotest.OneByteReader(bytes.NewReader(text))))
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(again), "it depends on how the bytes come")

		if err != nil {
			refused(t, err)

			return
		}

		other := xml.NewDecoder(bytes.NewReader(text))
		other.CharsetReader = func(name string, input io.Reader) (io.Reader, error) {
			require.True(t, strings.EqualFold(name, "ISO-8859-1"), strconv.Quote(name))

			return input, nil // names and texts differ, tags do not
		}

		if bytes.Contains(bytes.ToUpper(text[:min(len(text), 1024)]), []byte("8859")) {
			return
		}

		for {
			if _, err := other.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				require.NoError(t, err)
			}
		}
	})
}
