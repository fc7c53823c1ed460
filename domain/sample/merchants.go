package sample

import (
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/siret"
)

// The traits of a merchant.
const (
	traitStatus uint64 = iota
	traitShortfall
	traitName
	traitPayout
	traitRate
)

const (
	closedShare  = 3 // thousandths of the merchants
	blockedShare = 5

	// A snapshot of this many merchants has at least one closed, one blocked and, when shortfalls are asked for, one with
	// more refunds than sales: the last three, of whom nothing else is expected.
	merchantsForAll = 10

	firstAccount  = 17_660_000 // the digits of the first account identifier
	accountDigits = 8
	sirenDigits   = 8      // before the check digit
	ownBank       = 99_901 // no bank has a code above 99,000
	ownBIC        = "REGLFRP1XXX"
	branches      = 90_000
	branchBase    = 10_000
)

//nolint:gochecknoglobals // tables that nobody writes to
var (
	trades = []string{
		"Boulangerie", "Pharmacie", "Librairie", "Garage", "Fleuriste", "Épicerie", "Brasserie", "Opticien", "Quincaillerie",
		"Papeterie", "Fromagerie", "Caviste", "Salon de coiffure", "Pressing", "Bijouterie", "Poissonnerie",
	}
	places = []string{
		"du Marché", "de la Gare", "des Halles", "du Vieux Port", "Saint-Martin", "des Tilleuls", "du Pont Neuf", "de l'Étoile",
		"de la Fontaine", "des Remparts", "du Moulin", "de l'Église", "des Quatre Vents", "du Beffroi", "de la Plage",
	}
	banks = []struct {
		code int
		bic  string
	}{{99_911, "BQUNFRP1"}, {99_912, "BQDEFRP1XXX"}, {99_913, "BQTRFRP2"}, {99_914, "BQQUFRP3XXX"}}
)

// WriteMerchants writes the snapshot of the merchants, in the format ogep-merchants/1.
func (d *Day) WriteMerchants(destination io.Writer) error {
	writer, err := merchant.NewWriter(destination)
	if err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	for i := range d.options.Merchants {
		m := d.merchant(i)
		if err := writer.Write(&m); err != nil {
			return fmt.Errorf("sample: merchant %d: %w", i, err)
		}
	}

	if err := writer.Close(); err != nil {
		return fmt.Errorf("sample: %w", err)
	}

	return nil
}

func (d *Day) merchant(i int) merchant.Merchant {
	name, payout := d.trait(i, traitName), d.trait(i, traitPayout)
	trade := trades[name%uint64(len(trades))]
	place := places[name/uint64(len(trades))%uint64(len(places))]
	bank := banks[payout%uint64(len(banks))]

	m := merchant.Merchant{
		AccountID: string(appendAccountID(nil, i)), Siret: string(d.appendSiret(nil, i)), LegalName: trade + " " + place,
		CPIBAN: iban.French(ownBank, 1, i+1), CPBIC: ownBIC, Status: d.status(i),
		PayoutMode: merchant.PayoutAuto, PayoutFrequency: merchant.Frequency{Period: merchant.Daily},
		ExternalIBAN: iban.French(bank.code, branchBase+int(payout>>32%branches), i+1),
		ExternalBIC:  bank.bic, ExternalName: trade + " " + place,
		Reserve: 0, MinPayout: 100, PayoutCeiling: money.Max, CPToCPAllowed: payout>>8%4 == 0,
		ERPThirdParty: fmt.Sprintf("C%07d", i+1), ValidFrom: validFrom(),
	}

	switch payout >> 16 % 20 {
	case 0:
		m.PayoutMode, m.PayoutFrequency = merchant.PayoutNone, merchant.Frequency{}
		m.ExternalIBAN, m.ExternalBIC, m.ExternalName = "", "", ""
	case 1, 2:
		m.PayoutMode, m.PayoutFrequency = merchant.PayoutManual, merchant.Frequency{}
	case 3, 4, 5:
		m.PayoutFrequency = merchant.Frequency{Period: merchant.Weekly, Day: 1 + int(payout>>24%7)}
	case 6, 7:
		m.PayoutFrequency = merchant.Frequency{Period: merchant.Monthly, Day: 1 + int(payout>>24%31)}
		m.Reserve, m.PayoutCeiling = 50_000, 5_000_000
	}

	return m
}

// validFrom is the same on any day: a snapshot changes only where its merchants do.
func validFrom() calendar.Date {
	date, err := calendar.ParseDate("2019-01-02")
	if err != nil {
		panic(err) // a constant of this package
	}

	return date
}

// status of the first merchant is always active.
func (d *Day) status(i int) merchant.Status {
	last := d.options.Merchants - 1 - i
	share := d.trait(i, traitStatus) % perMille

	switch {
	case i == 0:
		return merchant.StatusActive
	case d.options.Merchants >= merchantsForAll && last < 3:
		return [...]merchant.Status{merchant.StatusClosed, merchant.StatusBlocked, merchant.StatusActive}[last]
	case share < closedShare:
		return merchant.StatusClosed
	case share < closedShare+blockedShare:
		return merchant.StatusBlocked
	default:
		return merchant.StatusActive
	}
}

// short tells a merchant who has more refunds than sales: never one of the first, who are the largest.
func (d *Day) short(i int) bool {
	const large = 10 // the first tenth

	switch share := d.options.ShortfallShare; {
	case share == 0 || i == 0 || i < d.options.Merchants/large:
		return false
	case d.options.Merchants >= merchantsForAll && i == d.options.Merchants-3:
		return true
	default:
		return d.trait(i, traitShortfall)%perMille < uint64(share) //nolint:gosec // validated
	}
}

func appendAccountID(dst []byte, i int) []byte {
	return appendDigits(append(dst, "1A"...), uint64(firstAccount+i), accountDigits) //nolint:gosec // not negative
}

// appendSiret gives every tenth merchant the SIRET of the one before: a business with two accounts.
func (d *Day) appendSiret(dst []byte, i int) []byte {
	const (
		businesses = 70_000_000
		stride     = 7_919 // has no divisor in common with businesses: no two merchants meet
		first      = 20_000_000
	)

	if i%10 == 9 {
		i--
	}

	return appendMadeUpSiret(dst, first+(i*stride+int(d.key%businesses))%businesses)
}

// appendMadeUpSiret completes eight digits into the SIREN and the SIRET of a head office.
func appendMadeUpSiret(dst []byte, eightDigits int) []byte {
	start := len(dst)
	dst = appendDigits(dst, uint64(eightDigits), sirenDigits) //nolint:gosec // not negative
	dst = append(dst, siret.CheckDigit(dst[start:]))
	dst = append(dst, "0001"...)

	return append(dst, siret.CheckDigit(dst[start:]))
}
