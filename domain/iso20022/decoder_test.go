package iso20022_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/iso20022"
)

const (
	namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
	opening   = `<Document xmlns="` + namespace + `"><BkToCstmrStmt>`
	closing   = `</BkToCstmrStmt></Document>`
)

func TestWalk(t *testing.T) {
	t.Parallel()

	text := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + opening +
		"<Id> a<!-- c -->b<![CDATA[<c>]]>&amp;&#233; </Id>\n<Amt Ccy=\"EUR\">1.20</Amt><Skipped><A>1</A><B/></Skipped>" +
		`<Tx><Id>7</Id><Amt Ccy="EUR">2</Amt></Tx>` + closing + "\n<!-- end -->\n"
	decoder := iso20022.NewDecoder("a.xml", strings.NewReader(text))

	message, err := decoder.Message("camt.053.001.08")
	require.NoError(t, err)
	require.Equal(t, iso20022.Message{Definition: "camt.053.001.08", Name: "BkToCstmrStmt"}, message)

	require.True(t, decoder.Child())
	require.Equal(t, "Id", decoder.Name())
	require.Equal(t, "ab<c>&é", string(decoder.Text()))

	require.True(t, decoder.Child())
	require.Equal(t, "1.20", string(decoder.Text()))
	require.Equal(t, "EUR", decoder.Currency())

	found := decoder.Fault("X", "1.20", "is wrong")
	require.Equal(t, "a.xml line 3 column 1: Document/BkToCstmrStmt/Amt \"1.20\" is wrong", found.Error())

	require.True(t, decoder.Child())
	decoder.Skip()

	require.True(t, decoder.Child())

	type transaction struct {
		ID  string `xml:"Id"`
		Amt struct {
			Ccy  string `xml:"Ccy,attr"`
			Text string `xml:",chardata"`
		} `xml:"Amt"`
	}

	tx, err := iso20022.NewElement[transaction]().Decode(decoder)
	require.NoError(t, err)
	require.Equal(t, "7", tx.ID)
	require.Equal(t, "EUR", tx.Amt.Ccy)
	require.Equal(t, "2", tx.Amt.Text)

	require.False(t, decoder.Child())

	sum, size, err := decoder.End()
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte(text)), sum)
	require.EqualValues(t, len(text), size)
}
