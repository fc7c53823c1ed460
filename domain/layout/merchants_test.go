package layout_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
)

// merchantsFile is a file as merchants.yaml declares it, in Latin-1.
const merchantsFile = "Compte;SIRET;Raison sociale;IBAN CP;BIC CP;Etat;Reversement;Rythme;IBAN externe;BIC externe;" +
	"Beneficiaire;Reserve;Plafond;Tiers;Depuis\r\n" +
	"1A17660007;73282932000074;\"Caf\xe9; Bar\";FR7699999000010000000010106;RGLOFRP0;A;A;J;FR7699999000010000000010203;" +
	"RGLOFRP0;Caf\xe9;12,50;;T1;01/02/2026\r\n" +
	"1A17660008;73282932000074;Dupont;FR7699999000010000000010397;RGLOFRP0;F;;;;;;0,00;100,00;;28/02/2026\r\n"

func readMerchants(content []byte, site *layout.Merchants) ([]merchant.Merchant, error) {
	var good []merchant.Merchant

	_, err := merchant.ReadLayout("m.csv", bytes.NewReader(content), site, func(m merchant.Merchant) error {
		good = append(good, m)

		return nil
	})

	return good, err
}

func TestMerchants(t *testing.T) {
	t.Parallel()

	good, err := readMerchants([]byte(merchantsFile), example(t, "merchants.yaml").Merchants)
	require.NoError(t, err)
	require.Len(t, good, 2)
	require.Equal(t, "Café; Bar", good[0].LegalName)
	require.Equal(t, merchant.PayoutAuto, good[0].PayoutMode)
	require.Equal(t, "DAILY", good[0].PayoutFrequency.String())
	require.Equal(t, money.Cents(1250), good[0].Reserve)
	require.Equal(t, money.Max, good[0].PayoutCeiling)
	require.Equal(t, "2026-02-01", good[0].ValidFrom.String())
	require.Equal(t, merchant.StatusClosed, good[1].Status)
	require.Equal(t, merchant.PayoutNone, good[1].PayoutMode)
	require.Equal(t, money.Cents(10_000), good[1].PayoutCeiling)
	require.Empty(t, good[1].Agent)
}

func TestFaultsOfMerchants(t *testing.T) {
	t.Parallel()

	site := example(t, "merchants.yaml").Merchants

	for name, test := range map[string]struct{ from, to, want string }{
		"title":     {"Raison sociale", "Nom", "1:14  NO_HEADER"},
		"status":    {";A;A;J", ";X;A;J", "2:76 status UNKNOWN"},
		"amount":    {"12,50", "12.50", "2:124 reserveCents AMOUNT"},
		"date":      {"01/02/2026", "2026-02-01", "2:134 validFrom DATE"},
		"IBAN":      {"FR7699999000010000000010397", "FR7699999000010000000010398", "3:34 cpIban IBAN"},
		"account":   {"1A17660008", "1A17660007", "3:1 accountId DUPLICATE"},
		"no payout": {";A;J;", ";A;;", "2:80 payoutFrequency MISSING"},
		"columns":   {";;28/02/2026", ";28/02/2026", "3:0  RECORD"},
		"empty":     {"\r\n1A17660008", "\r\n\r\n1A17660008", "3:0  RECORD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(merchantsFile, test.from), test.from)

			_, err := readMerchants([]byte(strings.Replace(merchantsFile, test.from, test.to, 1)), site)

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)

			first := faults.Faults[0]
			require.Equal(t, test.want, fmt.Sprintf("%d:%d %s %s", first.Line, first.Column, first.Field, first.Code), faults.Error())
			require.NotContains(t, faults.Error(), "FR769999900001000000001039")
		})
	}
}
