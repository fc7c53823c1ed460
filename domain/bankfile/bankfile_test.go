package bankfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/bankfile"
)

func TestRecognise(t *testing.T) {
	t.Parallel()

	record := func(beginning string, length int) string {
		return beginning + strings.Repeat(" ", length-len(beginning))
	}
	old := "0130004    00828EUR2 00010054321  170326"

	for name, test := range map[string]struct {
		content string
		want    bankfile.Format
	}{
		"camt.053": {
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><Bk`,
			"camt.053.001.08",
		},
		"a prefix, a comment, another encoding": {
			`<?xml version="1.0" encoding="ISO-8859-1"?><!-- é --><n:Document xmlns:n="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">`,
			"pain.002.001.10",
		},
		"a byte order mark":    {"\ufeff" + `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>`, "pain.001.001.03"},
		"120":                  {record(old, 120) + "\n" + record("07", 120), bankfile.CFONB120},
		"120 without line end": {record(old, 120) + record("07", 120), bankfile.CFONB120},
		"120 in CR LF":         {record(old, 120) + "\r\n", bankfile.CFONB120},
		"160":                  {record("0302", 160), bankfile.CFONB160},
		"240":                  {record("31", 240), bankfile.CFONB240},

		"120, cut":               {record(old, 119), ""},
		"120, a longer line":     {record(old, 121) + "\n", ""},
		"another XML":            {`<Document xmlns="urn:example"/>`, ""},
		"a document type":        {`<!DOCTYPE Document [<!ENTITY a "b">]><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>`, ""},
		"a CRE":                  {"H;ogep-cre/1;Fichier.CRE.EP.TI.UEP.txt;TRANSACTION;\n", ""},
		"a snapshot":             {"01accountId;siret;legalName" + strings.Repeat(";", 200), ""},
		"nothing":                {"", ""},
		"an element without end": {"<" + strings.Repeat("a", 10_000), ""},
	} {
		got, found, err := bankfile.Recognise(strings.NewReader(test.content))
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
		require.Equal(t, test.want != "", found, name)
	}
}

func TestPeekedFilesAreReadFromTheirBeginning(t *testing.T) {
	t.Parallel()

	for _, length := range []int{240, 100_000} {
		content := "31" + strings.Repeat(" ", length-2)

		file, err := bankfile.Peek(iotest.HalfReader(strings.NewReader(content)))
		require.NoError(t, err)
		require.Equal(t, bankfile.CFONB240, file.Format)
		require.Equal(t, min(length, 4096), file.Seen)

		read, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, content, string(read))
	}
}

func TestASourceThatFails(t *testing.T) {
	t.Parallel()

	broken := errors.New("no disk")
	_, _, err := bankfile.Recognise(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestIs(t *testing.T) {
	t.Parallel()
	require.True(t, bankfile.Format("camt.053.001.08").Is("camt.053"))
	require.False(t, bankfile.Format("camt.0530.001.08").Is("camt.053"))
	require.False(t, bankfile.CFONB120.Is("camt.053"))
}

func FuzzRecognise(f *testing.F) {
	f.Add(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">`)
	f.Add("01" + strings.Repeat("0", 118))
	f.Fuzz(func(t *testing.T, content string) {
		format, found, err := bankfile.Recognise(strings.NewReader(content))
		require.NoError(t, err)
		require.Equal(t, found, format != "")
	})
}
