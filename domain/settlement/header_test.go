package settlement_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/settlement"
)

const aHeader = "H;ogep-cre/1;Fichier.CRE.EP.TI.UEP.txt;IMPAYE;00000120260317UEP;100;20260317;EUR;2026-03-17T02:00:00+01:00"

func TestReadHeader(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		content   string
		options   lines.Options
		reference string // none for no header
	}{
		"header":                        {aHeader + "\nanything", lines.Options{}, "00000120260317UEP"},
		"a bad field elsewhere":         {strings.Replace(aHeader, "EUR", "USD", 1) + "\n", lines.Options{}, "00000120260317UEP"},
		"CR LF as declared":             {aHeader + "\r\n", lines.Options{Ending: lines.CRLF}, "00000120260317UEP"},
		"byte order mark as declared":   {"\xef\xbb\xbf" + aHeader + "\n", lines.Options{ByteOrderMark: true}, "00000120260317UEP"},
		"empty":                         {"", lines.Options{}, ""},
		"still being written":           {aHeader, lines.Options{}, ""},
		"columns missing":               {"H;ogep-cre/1;f;IMPAYE;00000120260317UEP\n", lines.Options{}, ""},
		"a line":                        {"D;1;x\n", lines.Options{}, ""},
		"another format":                {`{"format":"ogep-statement/1"}` + "\n", lines.Options{}, ""},
		"longer than a line may be":     {strings.Repeat("H;", 10_000) + "\n" + aHeader + "\n", lines.Options{}, ""},
		"header only on the second":     {"\n" + aHeader + "\n", lines.Options{}, ""},
		"as long as a line may be":      {strings.Replace(aHeader, "Fichier", strings.Repeat("F", lines.MaxLength-len(aHeader)+7), 1) + "\n", lines.Options{}, "00000120260317UEP"},
		"one longer than a line may be": {strings.Replace(aHeader, "Fichier", strings.Repeat("F", lines.MaxLength-len(aHeader)+8), 1) + "\n", lines.Options{}, ""},
	} {
		header, found, err := settlement.ReadHeader(strings.NewReader(test.content), settlement.CRE1{Options: test.options})
		require.NoError(t, err, name)
		require.Equal(t, test.reference != "", found, name)
		require.Equal(t, test.reference, header.Reference, name)
	}
}

func TestReadHeaderOfASourceThatFails(t *testing.T) {
	t.Parallel()

	broken := errors.New("the disk is gone")
	_, found, err := settlement.ReadHeader(iotest.ErrReader(broken), settlement.CRE1{})
	require.ErrorIs(t, err, broken)
	require.False(t, found)
}

// FuzzReadHeader: a header that Read accepts is found, whatever follows it.
func FuzzReadHeader(f *testing.F) {
	f.Add([]byte(aHeader + "\n"))
	f.Add([]byte("H;\n"))
	f.Add([]byte("\xff;\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		header, found, err := settlement.ReadHeader(bytes.NewReader(content), settlement.CRE1{})
		require.NoError(t, err)

		summary, err := settlement.Read("cre.txt", bytes.NewReader(content), settlement.CRE1{}, func(*settlement.Line) error { return nil })
		if err == nil {
			require.True(t, found)
			require.Equal(t, summary.Reference, header.Reference)
		}
	})
}
