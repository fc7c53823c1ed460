package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/payline"
	layoutschema "github.com/reglo/reglo/schemas/layout"
	"github.com/reglo/reglo/starter/command"
)

// layoutFile writes a shipped layout, with one thing changed.
func layoutFile(tb testing.TB, name, from, to string) string {
	tb.Helper()
	content, err := layoutschema.Examples.ReadFile(name)
	require.NoError(tb, err)
	require.Contains(tb, string(content), from)
	return write(tb, name, strings.Replace(string(content), from, to, 1))
}

const (
	siteCRE = "ENT,EXTRACT-1,00000120190725UEP,2019-07-25,2019-07-26T04:00:00+02:00\n" +
		"DET,20190724,0001,1A17660007,73282932000074,MASTERCARD,C,\"10,11\",\"0,09\",24/07/2019 10:25:55,26/07/2019,CARTE\n" +
		"FIN,1,\"10,11\"\n"
	siteMerchants = "Compte;SIRET;Raison sociale;IBAN CP;BIC CP;Etat;Reversement;Rythme;IBAN externe;BIC externe;" +
		"Beneficiaire;Reserve;Plafond;Tiers;Depuis\r\n" +
		"1A17660007;73282932000074;Dupont;FR7699999000010000000010106;RGLOFRP0;A;A;J;FR7699999000010000000010203;" +
		"RGLOFRP0;Durand;12,50;;T1;01/02/2026\r\n"
)

func sitePayments() string {
	var text strings.Builder
	for _, line := range []string{
		"DEB 00000702032026",
		fmt.Sprintf("VIR %s%s%-70s%-11s%-34s%012d%-70s01032026", "2603020000000002", "1A17660007", "Dupont", "RGLOFRP0",
			"FR7699999000010000000010203", 500, "Facture"),
		fmt.Sprintf("FIN %06d%06d%015d", 0, 1, 500),
	} {
		fmt.Fprintf(&text, "%-260s\n", line)
	}
	return text.String()
}

func TestFileCheckByLayout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		layout, file string
		says         []string
	}{
		{"cre-delimited.yaml", siteCRE, []string{
			"format           ogep-cre/1\n", "layout           cre-delimited.yaml\n", "1 (VENTE 1) on 1 payment account", "10.11 EUR",
			`record: lineNo="1" creId="201907240001" accountId="1A17660007"`, `scheme="MC" type="VENTE" grossCents="1011"`,
			"valid: all controls passed\n",
		}},
		{"merchants.yaml", siteMerchants, []string{
			"format     ogep-merchants/1\n", "1 (ACTIVE 1)", `legalName="D…" cpIban="FR76…0106"`, `reserveCents="1250"`,
			`payoutFrequency="DAILY"`,
		}},
		{"payline.yaml", sitePayments(), []string{
			"format          ogep-payline/1\n", "transfers       1\n", "5.00 EUR", `creditorName="D…"`, `creditorIban="FR76…0203"`,
			"to be rejected  1 (", "line 2 column 228: execDate", "valid: all controls passed\n",
		}},
	} {
		got := starter(t, nil, "file", "check", "--layout", layoutFile(t, test.layout, "", ""), write(t, "site.txt", test.file))
		require.Zero(t, got.code, got.err)
		for _, says := range test.says {
			require.Contains(t, got.out, says, test.layout)
		}
		require.NotContains(t, got.out, "Dupont")
		require.NotContains(t, got.out, "9999900001")
	}
}

func TestFileCheckByAWrongLayout(t *testing.T) {
	t.Parallel()
	site := write(t, "site.txt", siteCRE)

	got := starter(t, nil, "file", "check", "--layout", layoutFile(t, "cre-delimited.yaml", "MASTERCARD: MC", "MASTER: MC"), site)
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.out, "layout           cre-delimited.yaml\n")
	require.Contains(t, got.out, `site.txt line 2 column 45: scheme "MASTERCARD" has no entry in the values of its layout`)
	require.NotContains(t, got.out, "valid")
	require.Contains(t, got.err, "correct the layout")

	got = starter(t, nil, "file", "check", "--json", "--layout", layoutFile(t, "cre-delimited.yaml", "", ""), site)
	require.Zero(t, got.code, got.err)
	var document struct {
		Layout  string `json:"layout"`
		Records []struct {
			Fields []struct{ Name, Value string } `json:"fields"`
		} `json:"records"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &document), got.out)
	require.Equal(t, "cre-delimited.yaml", document.Layout)
	require.Len(t, document.Records, 1)

	for _, test := range []struct{ path, says string }{
		{layoutFile(t, "cre-delimited.yaml", "column: 12", "colum: 12"), "cre-delimited.yaml line 35: records.line.fields.label.colum: is no key here"},
		{"/nowhere.yaml", "/nowhere.yaml: no such file"},
	} {
		got := starter(t, nil, "file", "check", "--layout", test.path, site)
		require.Equal(t, command.ExitInput, got.code)
		require.Contains(t, got.err, test.says)
		require.LessOrEqual(t, strings.Count(got.err, "\n"), 2)
	}
}

func TestFileCheckTellsPaylineByItsContent(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	today := calendar.DateOf(now)
	writer, err := payline.NewWriter(&file, payline.Header{Sequence: 3, Date: today})
	require.NoError(t, err)
	require.NoError(t, writer.Write(&payline.Line{
		Kind: payline.Movement, EndToEndID: "2603020000000001", DebtorCP: "1A17660007", CreditorCP: "1A17660008", Amount: 1011,
		Currency: "EUR", ExecDate: today,
	}))
	_, err = writer.Close()
	require.NoError(t, err)

	got := starter(t, nil, "file", "check", write(t, "p.txt", file.String()))
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "format          ogep-payline/1\n")
	require.Contains(t, got.out, "to be rejected  0\n")
	require.Contains(t, got.out, "10.11 EUR")
	require.NotContains(t, got.out, "record: ", "only a layout is to be looked at")

	got = starter(t, nil, "file", "check", write(t, "p.txt", strings.Replace(file.String(), "T;1;0;1011", "T;1;0;1012", 1)))
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.out, "sumCents")
}

// TestMerchantsLoadRefusesAWrongLayout says so before anything is loaded.
func TestMerchantsLoadRefusesAWrongLayout(t *testing.T) {
	t.Parallel()
	wrong := layoutFile(t, "merchants.yaml", "reads: merchants", "reads: cre")
	environ, _ := onDatabase(t)
	environ = append(environ, "REGLO_LAYOUT_MERCHANTS="+wrong)
	path := filepath.Join(t.TempDir(), "m.csv")
	require.NoError(t, os.WriteFile(path, []byte(siteMerchants), 0o600))

	got := starter(t, environ, "merchants", "load", path)
	require.Equal(t, command.ExitInput, got.code, got.err)
	require.Contains(t, got.err, "layout.merchants: "+wrong)

	right := layoutFile(t, "merchants.yaml", "", "")
	got = starter(t, append(environ, "REGLO_LAYOUT_MERCHANTS="+right), "merchants", "load", path)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "1 payment account")
}
