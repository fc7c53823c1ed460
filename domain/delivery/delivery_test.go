package delivery_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/statement"
	layoutschema "github.com/reglo/reglo/schemas/layout"
)

// today is an ordinary Tuesday.
func today() calendar.Date {
	return calendar.DateOf(time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC))
}

func reader(t testing.TB) delivery.Reader {
	t.Helper()
	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)
	return delivery.Reader{
		Accounts: statement.Accounts{
			ledger.Reglement: iban.French(30003, 1, 91), ledger.Cantonnement: iban.French(30003, 1, 92),
			ledger.Fonctionnement: iban.French(30003, 1, 93),
		},
		Details: reject.NewReader(labels),
	}
}

func written(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, write(&file))
	return file.String()
}

// brought are files as they come in, by their formats.
func brought(t testing.TB) map[delivery.Format]string {
	t.Helper()
	files := make(map[delivery.Format]string)
	stated := message.Statement{
		ID: "S1", IBAN: iban.French(30003, 1, 91), Number: 1, Opening: message.Balance{Amount: 1, Date: today()},
		Closing: message.Balance{Amount: 1, Date: today()},
	}
	returned := message.Detail{PaymentID: "B1", EndToEndID: "E1", Amount: 5_00, Code: "AC04"}
	for _, definition := range []string{message.Camt053V02, message.Camt053V08} {
		files[delivery.Format(definition)] = written(t, func(to io.Writer) error {
			return message.WriteCamt053(to, message.Envelope{Definition: definition, ID: "S1", CreatedAt: today().Midnight()}, stated)
		})
	}
	files[delivery.Format(bankfile.CFONB120)] = written(t, func(to io.Writer) error { return message.WriteCFONB120(to, stated) })
	for _, definition := range []string{message.Pain002V03, message.Pain002V10} {
		files[delivery.Format(definition)] = written(t, func(to io.Writer) error {
			return message.WritePain002(to, message.Envelope{Definition: definition, ID: "R1", CreatedAt: today().Midnight()}, message.Report{
				MessageID: "M1", Definition: message.Pain001V09, Orders: 2, Sum: 6_00, Status: message.Partly, Executed: 1,
				ExecutedSum: 1_00, Rejected: []message.Detail{returned},
			})
		})
	}
	for _, definition := range []string{message.Camt054V02, message.Camt054V08} {
		files[delivery.Format(definition)] = written(t, func(to io.Writer) error {
			return message.WriteCamt054(to, message.Envelope{Definition: definition, ID: "N1", CreatedAt: today().Midnight()},
				iban.French(30003, 1, 91), message.Entry{
					ID: "BQ1", Label: "LOT REJ VIR 192837544970 02", Amount: 5_00, BookedOn: today(), ValueOn: today(),
					Kind: message.Returned, Details: []message.Detail{returned},
				})
		})
	}
	files[delivery.Format(bankfile.CFONB240)] = written(t, func(to io.Writer) error {
		return message.WriteCFONB240(to, message.Lot{
			IBAN: iban.French(30003, 1, 91), Label: "LOT REJ VIR 192837544970 02", SettledOn: today(), ExecutedOn: today(),
			Returns: []message.Detail{returned},
		})
	})
	day, err := sample.NewJournee(sample.JourneeOptions{
		Seed: 1, Merchants: 40, Lines: 100, Date: today(), Number: 7, Snapshot: 5, FourEyes: 20_000_00,
	})
	require.NoError(t, err)
	for _, file := range day.Files() {
		switch {
		case strings.HasPrefix(file.Name, "Merchants."):
			files[delivery.FormatMerchants] = written(t, file.Write)
		case strings.HasPrefix(file.Name, "Payline."):
			files[delivery.FormatPayline] = written(t, file.Write)
		case strings.HasPrefix(file.Name, "CRE."):
			files[delivery.FormatCRE] = written(t, file.Write)
		}
	}
	return files
}

func kinds() map[delivery.Format]delivery.Kind {
	return map[delivery.Format]delivery.Kind{
		message.Camt053V02: delivery.Statement, message.Camt053V08: delivery.Statement,
		delivery.Format(bankfile.CFONB120): delivery.Statement,
		message.Pain002V03:                 delivery.Report, message.Pain002V10: delivery.Report,
		message.Camt054V02: delivery.Notification, message.Camt054V08: delivery.Notification,
		delivery.Format(bankfile.CFONB240): delivery.Notification,
		delivery.FormatCRE:                 delivery.CRE, delivery.FormatMerchants: delivery.Merchants, delivery.FormatPayline: delivery.Payline,
	}
}

func TestAFileIsToldByItsContentAndControlledWhole(t *testing.T) {
	t.Parallel()
	files, reader := brought(t), reader(t)
	require.Len(t, files, len(kinds()))
	for format, content := range files {
		source := strings.NewReader(content)
		found, err := reader.Recognise(source)
		require.NoError(t, err)
		require.Equal(t, format, found)
		require.Equal(t, kinds()[format], found.Kind(), format)
		require.Len(t, content, source.Len(), "it is at its beginning again: "+string(format))

		number, err := reader.Read("file", source, found.Kind(), today())
		require.NoError(t, err, format)
		if found.Kind() == delivery.Payline {
			require.Equal(t, 7, number)
		} else {
			require.Zero(t, number)
		}
		for _, other := range delivery.Kinds() {
			if other != found.Kind() {
				_, err := reader.Read("file", strings.NewReader(content), other, today())
				_, refused := errors.AsType[*fault.Faults](err)
				_, useless := errors.AsType[*delivery.UselessError](err)
				require.True(t, refused || useless, "%s as %s: %v", format, other, err)
			}
		}
	}
}

// TestNoPartOfAFileIsTakenForTheWhole but of a snapshot, which has no end of its
// own: it may be cut behind any of its lines.
func TestNoPartOfAFileIsTakenForTheWhole(t *testing.T) {
	t.Parallel()
	files, reader := brought(t), reader(t)
	for format, content := range files {
		rapid.Check(t, func(t *rapid.T) {
			part := content[:rapid.IntRange(0, len(strings.TrimRight(content, "\r\n"))-1).Draw(t, "length")]
			if format == delivery.FormatMerchants && strings.HasSuffix(part, "\n") && strings.Count(part, "\n") > 1 {
				return
			}
			_, err := reader.Read("file", strings.NewReader(part), format.Kind(), today())
			require.Error(t, err, "%s, %d of %d bytes", format, len(part), len(content))
		})
	}
}

func TestWhatIsNothingOrNearlySomething(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]delivery.Format{
		"":              "",
		"nothing":       "",
		"<html></html>": delivery.XML,
		"\ufeff \n<a/>": delivery.XML,
		"\xff\xfe<\x00": delivery.XML,
		"<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\">": "pain.001.001.03",
		"<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.02\">": "pacs.008.001.02",
		"0130003    00001EUR2 short\n":                                        delivery.Format(bankfile.CFONB120),
		"0302        too short\n":                                             delivery.Format(bankfile.CFONB160),
		"31      88170326 too short\n":                                        delivery.Format(bankfile.CFONB240),
		"H;7;2026-03-17\n":                                                    delivery.FormatPayline,
		"H;ogep-cre/1;broken;header\n":                                        delivery.FormatCRE,
		"H;other/1;x;y\n":                                                     "",
		"legalName,accountId\n":                                               delivery.FormatMerchants,
	} {
		found, err := delivery.Layouts{}.Recognise(strings.NewReader(content))
		require.NoError(t, err)
		require.Equal(t, want, found, "%q", content)
	}
	for _, format := range []delivery.Format{"", delivery.XML, "pain.001.001.03", "pain.008.001.02", delivery.Format(bankfile.CFONB160), "camt.0531"} {
		require.Empty(t, format.Kind(), format)
	}
	_, err := reader(t).Read("file", strings.NewReader("x"), "", today())
	useless, is := errors.AsType[*delivery.UselessError](err)
	require.True(t, is)
	require.Equal(t, `"" is no kind of file`, useless.Error())
}

func TestANotificationOfNothingIsUseless(t *testing.T) {
	t.Parallel()
	content := written(t, func(to io.Writer) error {
		return message.WriteCamt054(to, message.Envelope{Definition: message.Camt054V08, ID: "N1", CreatedAt: today().Midnight()},
			iban.French(30003, 1, 91), message.Entry{ID: "BQ1", Label: "FRAIS", Amount: -5_00, BookedOn: today(), ValueOn: today()})
	})
	_, err := reader(t).Read("file", strings.NewReader(content), delivery.Notification, today())
	_, is := errors.AsType[*delivery.UselessError](err)
	require.True(t, is, err)
}

func TestRequestsThatWillBeRejectedDoNotMakeAFileWrong(t *testing.T) {
	t.Parallel()
	content := brought(t)[delivery.FormatPayline]
	late := today().AddDays(300) // every date is past
	_, err := reader(t).Read("file", strings.NewReader(content), delivery.Payline, late)
	require.NoError(t, err)
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

func sitePayline() string {
	var text strings.Builder
	for _, line := range []string{
		"DEB 00000702032026",
		fmt.Sprintf("VIR %s%s%-70s%-11s%-34s%012d%-70s01032026", "2603020000000002", "1A17660007", "Dupont", "RGLOFRP0",
			"FR7699999000010000000010203", 500, "Facture"),
		fmt.Sprintf("FIN %06d%06d%015d", 0, 1, 500),
	} {
		_, _ = fmt.Fprintf(&text, "%-260s\n", line)
	}
	return text.String()
}

func TestASitesOwnFiles(t *testing.T) {
	t.Parallel()
	site := reader(t)
	for _, name := range []string{"cre-delimited.yaml", "merchants.yaml", "payline.yaml"} {
		described, err := layoutschema.Load("../../schemas/layout/" + name)
		require.NoError(t, err)
		switch {
		case described.CRE != nil:
			site.CRE = described.CRE
		case described.Merchants != nil:
			site.Merchants = described.Merchants
		case described.Payline != nil:
			site.Payline = described.Payline
		}
	}
	for format, content := range map[delivery.Format]string{
		delivery.FormatCRE: siteCRE, delivery.FormatMerchants: siteMerchants, delivery.FormatPayline: sitePayline(),
	} {
		source := strings.NewReader(content)
		found, err := site.Recognise(source)
		require.NoError(t, err)
		require.Equal(t, format, found)
		_, err = site.Read("file", source, found.Kind(), today())
		require.NoError(t, err, format)

		found, err = delivery.Layouts{}.Recognise(strings.NewReader(content))
		require.NoError(t, err)
		require.Empty(t, found, "nobody else knows it: "+string(format))
	}
	for format, content := range brought(t) {
		found, err := site.Recognise(strings.NewReader(content))
		require.NoError(t, err)
		switch format {
		case delivery.FormatCRE, delivery.FormatMerchants, delivery.FormatPayline:
			require.Empty(t, found, "its readers would not know it: "+string(format))
		default:
			require.Equal(t, format, found)
		}
	}
	// The settings name the format of our own as a layout, too.
	ours := delivery.Layouts{CRE: settlement.CRE1{}, Payline: payline.Ogep1{}}
	for format, content := range brought(t) {
		found, err := ours.Recognise(strings.NewReader(content))
		require.NoError(t, err)
		require.Equal(t, format, found)
	}
}

func TestNumbersInNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind   delivery.Kind
		name   string
		number int
		found  bool
	}{
		{delivery.Merchants, "Merchants.000012.csv", 12, true},
		{delivery.Merchants, "Merchants.12.csv", 12, true},
		{delivery.Merchants, "Merchants.1234567890.csv", 0, false},
		{delivery.Merchants, "Merchants.12.csv.gz", 0, false},
		{delivery.Merchants, "merchants.12.csv", 0, false},
		{delivery.Merchants, "Payline.12.txt", 0, false},
		{delivery.Payline, "Payline.000007.txt", 7, true},
		{delivery.Payline, "Payline..txt", 0, false},
		{delivery.Statement, "Payline.000007.txt", 0, false},
	} {
		number, found := test.kind.Number(test.name)
		require.Equal(t, test.found, found, test.name)
		require.Equal(t, test.number, number, test.name)
	}
	for _, kind := range delivery.Kinds() {
		require.True(t, kind.Valid())
		wanted := kind.NameWanted()
		_, found := kind.Number(strings.Replace(wanted, "<number>", "000001", 1))
		require.Equal(t, wanted != "", found, kind)
	}
	require.False(t, delivery.Kind("").Valid())
}

var errDisk = errors.New("the disk does not answer")

// seeker fails as a disk does, at reading or at going back.
type seeker struct{ io.Reader }

func (seeker) Seek(int64, int) (int64, error) { return 0, errDisk }

func TestAnErrorOfTheSourceIsNoFault(t *testing.T) {
	t.Parallel()
	_, err := delivery.Layouts{}.Recognise(seeker{iotest.ErrReader(errDisk)})
	require.ErrorIs(t, err, errDisk)
	_, err = delivery.Layouts{}.Recognise(seeker{strings.NewReader("x")})
	require.ErrorIs(t, err, errDisk)
	for _, kind := range delivery.Kinds() {
		_, err := reader(t).Read("file", seeker{iotest.ErrReader(errDisk)}, kind, today())
		require.ErrorIs(t, err, errDisk, kind)
	}
}

// FuzzRead: whatever comes, it is told and controlled without harm, and what is
// taken for good is good a second time.
func FuzzRead(f *testing.F) {
	for _, content := range brought(f) {
		f.Add([]byte(content[:min(len(content), 2_000)]))
	}
	f.Add([]byte("<a xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">"))
	reader := reader(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		source := bytes.NewReader(content)
		format, err := reader.Recognise(source)
		require.NoError(t, err)
		require.Equal(t, len(content), source.Len())
		_, first := reader.Read("file", source, format.Kind(), today())
		_, again := reader.Read("file", bytes.NewReader(content), format.Kind(), today())
		require.Equal(t, fmt.Sprint(first), fmt.Sprint(again))
	})
}
