package layoutschema_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/layout"
	layoutschema "github.com/reglo/reglo/schemas/layout"
)

func example(tb testing.TB, name string) string {
	tb.Helper()

	content, err := layoutschema.Examples.ReadFile(name)
	require.NoError(tb, err)

	return string(content)
}

func TestExamplesCompile(t *testing.T) {
	t.Parallel()

	names, err := fs.Glob(layoutschema.Examples, "*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, names)

	for _, name := range names {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(example(t, name)), 0o600))

		compiled, err := layoutschema.Load(path)
		require.NoError(t, err, name)
		require.Equal(t, strings.HasPrefix(name, "cre"), compiled.CRE != nil)
		require.Equal(t, strings.HasPrefix(name, "merchants"), compiled.Merchants != nil)
		require.Equal(t, strings.HasPrefix(name, "payline"), compiled.Payline != nil)
	}

	_, err = layoutschema.Load("/nowhere.yaml")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestWhatIsWrongIsNamedWithItsLine changes one thing in an example. The line is that of the change, unless what is wrong
// is that something is missing there.
func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	t.Parallel()

	const (
		fixed, delimited, merchants = "cre-fixed.yaml", "cre-delimited.yaml", "merchants.yaml"
		gross                       = "grossCents: {start: 68, length: 14, type: overpunched cents}"
		fees                        = "commissionCents: {start: 82, length: 12, type: cents}"
	)

	for name, test := range map[string]struct{ file, from, to, path, says string }{
		"unknown key":       {fixed, "lineLength: 240", "lineLenght: 240", "lineLenght", "is no key here; the keys are byteOrderMark"},
		"unknown in field":  {fixed, gross, strings.Replace(gross, "start", "begin", 1), "records.line.fields.grossCents.begin", "is no key here"},
		"unknown field":     {fixed, "label:", "lable:", "records.line.fields.lable", "is none of lineNo, creId"},
		"unknown record":    {fixed, "  trailer:", "  end:", "records.trailer", "is missing"},
		"given twice":       {fixed, "lineLength: 240", "lineEnding: lf", "lineEnding", "is given twice"},
		"reads":             {fixed, "reads: cre", "reads: virements", "reads", "must be cre, merchants, payline"},
		"encoding":          {fixed, "encoding: latin-1", "encoding: cp1252", "encoding", "must be utf-8 or latin-1"},
		"line ending":       {fixed, "lineEnding: crlf", "lineEnding: cr", "lineEnding", "must be lf or crlf"},
		"no number":         {fixed, "lineLength: 240", "lineLength: long", "lineLength", "must be a whole number from 1"},
		"too long":          {fixed, "lineLength: 240", "lineLength: 5000", "lineLength", "must be 1 to 4096"},
		"beyond the line":   {fixed, "length: 71", "length: 72", "records.line.fields.label.length", "ends at character 241, beyond the line, which has 240"},
		"start":             {fixed, "label: {start: 170", "label: {start: 241", "records.line.fields.label.start", "must be 1 to 240"},
		"no start":          {fixed, "label: {start: 170, ", "label: {", "records.line.fields.label.start", "must be 1 to 240"},
		"no length":         {fixed, "label: {start: 170, length: 71}", "label: {start: 170}", "records.line.fields.label.length", "must be 1"},
		"column":            {fixed, "label: {start: 170, length: 71}", "label: {column: 3}", "records.line.fields.label.column", "needs a separator"},
		"no place":          {fixed, "label: {start: 170, length: 71}", "label: {}", "records.line.fields.label", "must have one of"},
		"two places":        {fixed, "label: {start: 170,", "label: {constant: X, start: 170,", "records.line.fields.label", "must have one of"},
		"type":              {fixed, gross, strings.Replace(gross, "overpunched cents", "number", 1), "records.line.fields.grossCents.type", "must be cents or signed cents or overpunched cents"},
		"no type":           {fixed, gross, strings.Replace(gross, ", type: overpunched cents", "", 1), "records.line.fields.grossCents.type", "is text, must be cents"},
		"pattern":           {fixed, "valueDate: {start: 100, length: 6, type: date, pattern: ddMMyy}", "valueDate: {start: 100, length: 6, type: date, pattern: ddMMqq}", "records.line.fields.valueDate.pattern", "is no pattern of a date"},
		"half a date":       {fixed, "valueDate: {start: 100, length: 6, type: date, pattern: ddMMyy}", "valueDate: {start: 100, length: 4, type: date, pattern: ddMM}", "records.line.fields.valueDate.pattern", "needs a year"},
		"hour of a day":     {fixed, "valueDate: {start: 100, length: 6, type: date, pattern: ddMMyy}", "valueDate: {start: 100, length: 8, type: date, pattern: ddMMyyHH}", "records.line.fields.valueDate.pattern", "must be that of a day"},
		"value":             {fixed, `"2": VISA`, `"2": AMEX`, "records.line.fields.scheme.values.2", "must be CB, VISA or MC"},
		"value twice":       {fixed, `"2": VISA`, `"2": VISA, "2": CB`, "records.line.fields.scheme.values.2", "is given twice"},
		"values of amounts": {fixed, fees, strings.Replace(fees, "}", ", values: {A: B}}", 1), "records.line.fields.commissionCents.values", "goes with texts only"},
		"mark":              {fixed, `is: "10"`, `is: "100"`, "records.line.is", "longer than the 2 characters"},
		"mark twice":        {fixed, `is: "10"`, `is: "00"`, "records.line.is", "which another record has already"},
		"mark ignored":      {fixed, `ignore: ["05"]`, `ignore: ["10"]`, "ignore", "which another record has already"},
		"no mark":           {fixed, `    is: "10"` + "\n", "", "records.line.is", "is missing"},
		"no discriminator":  {fixed, "record: {start: 1, length: 2}", "# no record", "record", "is missing"},
		"needed":            {fixed, "      siret: {start: 41, length: 14, type: digits}\n", "", "records.line.fields.siret", "is missing: say where it stands"},
		"none":              {fixed, "siret: {start: 41, length: 14, type: digits}", "siret: none", "records.line.fields.siret", "cannot be none"},
		"no control":        {fixed, "      checksum: none\n", "", "records.trailer.fields.checksum", "is missing: say where it stands, or none"},
		"subtract":          {fixed, gross, strings.Replace(gross, "}", ", subtract: 2}", 1), "records.line.fields.grossCents.subtract", "line numbers and counts only"},
		"sign":              {fixed, gross, strings.Replace(gross, "}", ", sign: {start: 1, length: 1, plus: C, minus: D}}", 1), "records.line.fields.grossCents.sign", "type cents only"},
		"sign in vain":      {fixed, fees, strings.Replace(fees, "}", ", sign: {start: 1, length: 1, plus: C, minus: C}}", 1), "records.line.fields.commissionCents.sign.minus", "is plus already"},
		"sign without plus": {fixed, fees, strings.Replace(fees, "}", ", sign: {start: 1, length: 1, minus: C}}", 1), "records.line.fields.commissionCents.sign.plus", "is missing"},
		"point":             {fixed, fees, strings.Replace(fees, "}", ", point: ;}", 1), "records.line.fields.commissionCents.point", "must be '.' or ','"},
		"title":             {fixed, fees, strings.Replace(fees, "}", ", title: Frais}", 1), "records.line.fields.commissionCents.title", "goes with headerRow"},
		"alias":             {fixed, `is: "10"`, "is: *other", "", "is not YAML: unknown anchor 'other' referenced"},
		"known alias":       {fixed, `is: "10"`, `is: &x "10"` + "\n    columns: *x", "records.line.columns", "is an alias"},
		"no YAML":           {fixed, `is: "10"`, `is: ["10"`, "", "is not YAML"},
		"constant":          {delimited, "kind: {constant: TRANSACTION}", "kind: {constant: VENTE}", "records.header.fields.kind.constant", "must be TRANSACTION or IMPAYE"},
		"constant amount":   {delimited, `commissionCents: {column: 9, type: cents, point: ","}`, "commissionCents: {constant: 1.5}", "records.line.fields.commissionCents.constant", "must be a whole number of cents"},
		"constant date":     {delimited, "valueDate: {column: 11, type: date, pattern: dd/MM/yyyy}", "valueDate: {constant: 2019-07-25}", "records.line.fields.valueDate.constant", "must be a day, yyyyMMdd"},
		"constant and more": {delimited, "kind: {constant: TRANSACTION}", "kind: {constant: TRANSACTION, type: text}", "records.header.fields.kind", "nothing else goes with it"},
		"columns":           {delimited, "columns: 12", "columns: 11", "records.line.columns", "is 11, but a field stands in column 12"},
		"tab":               {delimited, `separator: ","`, `separator: "\t"`, "separator", "no control character, so no tab"},
		"line length":       {delimited, "quoted: true", "lineLength: 200", "lineLength", "by position only"},
		"no column":         {delimited, "label: {column: 12}", "label: {start: 12, length: 3}", "records.line.fields.label.column", "must be 1 to 128"},
		"no count at all":   {delimited, "lineCount: {column: 2, type: digits}\n      sumGrossCents: {column: 3, type: signed cents, point: \",\"}", "lineCount: none\n      sumGrossCents: none", "records.trailer", "needs lineCount or sumGrossCents"},
		"header row":        {delimited, "quoted: true", "headerRow: true", "headerRow", "goes with merchants only"},
		"flag":              {delimited, "quoted: true", "quoted: yes", "quoted", "must be true or false"},
		"status":            {merchants, "A: ACTIVE", "A: OPEN", "records.merchant.fields.status.values.A", "must be ACTIVE, BLOCKED or CLOSED"},
		"constant flag":     {merchants, `constant: "false"`, `constant: "no"`, "records.merchant.fields.cpToCpAllowed.constant", "must be true or false"},
		"no IBAN":           {merchants, "      cpIban: {column: 4, title: IBAN CP}\n", "", "records.merchant.fields.cpIban", "is missing"},
		"ignored requests":  {"payline.yaml", "encoding: latin-1", "ignore: XXX", "ignore", "each of their lines is answered"},
		"ignored":           {merchants, "headerRow: true", "ignore: X", "ignore", "needs record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			before := example(t, test.file)
			require.Equal(t, 1, strings.Count(before, test.from), test.from)

			_, err := layoutschema.Parse(test.file, []byte(strings.Replace(before, test.from, test.to, 1)))
			refused, ok := errors.AsType[*layout.Error](err)
			require.True(t, ok, err)
			require.Equal(t, test.path, refused.Path, refused)
			require.Contains(t, refused.Reason, test.says)
			require.True(t, strings.HasPrefix(refused.Error(), test.file), refused)
			require.NotContains(t, refused.Error(), "\n")

			if test.to != "" && !strings.Contains(refused.Reason, "is missing") && !strings.HasPrefix(refused.Reason, "is not YAML") {
				unchanged, _, _ := strings.Cut(before, test.from)
				at := strings.Count(unchanged, "\n") + 1
				require.Contains(t, []int{at, at + strings.Count(test.to, "\n"), lineOfPath(before, refused.Path)}, refused.Line, refused)
			}
		})
	}
}

// lineOfPath is the line of the group that a refusal of a whole group names.
func lineOfPath(text, path string) int {
	name := path[strings.LastIndexByte(path, '.')+1:]
	before, _, found := strings.Cut(text, "\n  "+name+":")

	if !found {
		return 0
	}

	return strings.Count(before, "\n") + 2
}

func TestNoDescriptor(t *testing.T) {
	t.Parallel()

	for content, says := range map[string]string{
		"": "is empty", "hello": "must be a group of keys", "[]": "must be a group of keys", "{}": "must be cre",
		"reads: cre\n---\nreads: cre\n": "must be one YAML document", "reads: [cre]": "must be a text",
		"reads: ~": "must be a text", "? [a]\n: b": "has a key that is no text", strings.Repeat("#", 1<<20+1): "has more than",
	} {
		_, err := layoutschema.Parse("x.yaml", []byte(content))
		require.ErrorContains(t, err, says, "%.20q", content)

		_, ok := errors.AsType[*layout.Error](err)
		require.True(t, ok)
	}
}

func FuzzParse(f *testing.F) {
	names, err := fs.Glob(layoutschema.Examples, "*.yaml")
	require.NoError(f, err)

	for _, name := range names {
		f.Add([]byte(example(f, name)))
	}

	f.Add([]byte("reads: cre\nrecord: &a {start: 1}\nrecords: *a\n"))

	f.Fuzz(func(t *testing.T, content []byte) {
		compiled, err := layoutschema.Parse("x.yaml", content)
		if err != nil {
			_, ok := errors.AsType[*layout.Error](err)
			require.True(t, ok, err)

			return
		}

		require.NotEqual(t, layout.Layout{}, compiled)
	})
}
