package pain001_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	bulkID     = "cb511424315911eab6f87c2a3123212b"
	initiator  = "OG-EP"
	schemasEnv = "REGLO_TEST_ISO_SCHEMAS"
)

func versions() []pain001.Version { return []pain001.Version{pain001.V03, pain001.V09} }

// file is what a writer is given.
type file struct {
	format  pain001.Format
	message pain001.Message
	blocks  []block
}

type block struct {
	pain001.Block

	payments []transfer.Payment
}

func createdAt() time.Time { return time.UnixMilli(1_578_407_231_973) }

func dueDate(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

func reglement() transfer.Party {
	return transfer.Party{Name: "OG-EP REGLEMENT", BIC: "CMBRFR2BARK", IBAN: iban.French(15_589, 29_753, 281_927_240)}
}

func merchant(n int) transfer.Party {
	return transfer.Party{Name: fmt.Sprintf("MARCHAND %d", n), BIC: "TESTFRPP", IBAN: iban.French(30_006, 1, 1_000_000+n)}
}

func payment(n int, debtor transfer.Party) transfer.Payment {
	return transfer.Payment{
		EndToEndID: fmt.Sprintf("P260317%09d", n), RefExterne: "not in the file", Amount: money.Cents(n%100_000 + 1), Debtor: debtor,
		Creditor: transfer.Party{Name: fmt.Sprintf("CREDITEUR %d", n), BIC: "TESTFRPPXXX", IBAN: iban.French(30_007, 2, n)},
		Info:     "VIREMENT 15:27:11",
	}
}

// newFile is of that many blocks of that many orders each, all totals right.
func newFile(t require.TestingT, format pain001.Format, blocks, orders int) *file {
	made := &file{format: format}

	for b := range blocks {
		debtor := merchant(b)
		one := block{Block: pain001.Block{Debtor: debtor, DueDate: dueDate(t, "2026-03-17")}}

		for o := range orders {
			one.payments = append(one.payments, payment(b*orders+o+1, debtor))
		}

		made.blocks = append(made.blocks, one)
	}

	return made.total()
}

// total makes counts and sums right.
func (f *file) total() *file {
	f.message = pain001.Message{ID: bulkID, CreatedAt: createdAt(), Initiator: initiator}
	if f.format.OneBlock {
		f.message.Account = reglement()
	}

	for b := range f.blocks {
		one := &f.blocks[b]
		one.Orders, one.Sum = len(one.payments), 0

		for i := range one.payments {
			one.Sum += one.payments[i].Amount
		}

		if f.format.OneBlock {
			one.Debtor = transfer.Party{}
		}

		f.message.Orders += one.Orders
		f.message.Sum += one.Sum
	}

	return f
}

// write writes until the first error.
func (f *file) write(destination io.Writer) (pain001.Summary, error) {
	writer, err := pain001.NewWriter(destination, f.format, f.message)
	if err != nil {
		return pain001.Summary{}, err
	}

	for b := range f.blocks {
		if err := writer.Begin(f.blocks[b].Block); err != nil {
			return pain001.Summary{}, err
		}

		for i := range f.blocks[b].payments {
			if err := writer.Write(f.blocks[b].payments[i]); err != nil {
				return pain001.Summary{}, err
			}
		}
	}

	return writer.Close()
}

func (f *file) written(t require.TestingT) ([]byte, pain001.Summary) {
	var content bytes.Buffer

	summary, err := f.write(&content)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(content.Bytes()), summary.SHA256)
	require.Equal(t, int64(content.Len()), summary.Bytes)
	require.Equal(t, f.message.Orders, summary.Orders)
	require.Equal(t, f.message.Sum, summary.Sum)
	require.Equal(t, len(f.blocks), summary.Blocks)

	return content.Bytes(), summary
}

// The message as any reader of XML sees it, both versions.
type (
	readParty struct {
		Name string `xml:"Nm"`
	}
	readAgent struct {
		BIC      string `xml:"FinInstnId>BIC"`
		BICFI    string `xml:"FinInstnId>BICFI"`
		Provided string `xml:"FinInstnId>Othr>Id"`
	}
	readOrder struct {
		EndToEndID string `xml:"PmtId>EndToEndId"`
		Amount     struct {
			Currency string `xml:"Ccy,attr"`
			Value    string `xml:",chardata"`
		} `xml:"Amt>InstdAmt"`
		UltimateDebtor *readParty `xml:"UltmtDbtr"`
		Agent          *readAgent `xml:"CdtrAgt"`
		Creditor       readParty  `xml:"Cdtr"`
		IBAN           string     `xml:"CdtrAcct>Id>IBAN"`
		Info           []string   `xml:"RmtInf>Ustrd"`
	}
	readBlock struct {
		ID           string `xml:"PmtInfId"`
		Method       string `xml:"PmtMtd"`
		BatchBooking string `xml:"BtchBookg"`
		Orders       int    `xml:"NbOfTxs"`
		Sum          string `xml:"CtrlSum"`
		Level        string `xml:"PmtTpInf>SvcLvl>Cd"`
		DueDate      struct {
			Date string `xml:"Dt"`
			Text string `xml:",chardata"`
		} `xml:"ReqdExctnDt"`
		Debtor  readParty   `xml:"Dbtr"`
		IBAN    string      `xml:"DbtrAcct>Id>IBAN"`
		Agent   readAgent   `xml:"DbtrAgt"`
		Charges string      `xml:"ChrgBr"`
		Payment []readOrder `xml:"CdtTrfTxInf"`
	}
	readMessage struct {
		XMLName xml.Name
		Message struct {
			ID        string      `xml:"GrpHdr>MsgId"`
			CreatedAt time.Time   `xml:"GrpHdr>CreDtTm"`
			Orders    int         `xml:"GrpHdr>NbOfTxs"`
			Sum       string      `xml:"GrpHdr>CtrlSum"`
			Initiator readParty   `xml:"GrpHdr>InitgPty"`
			Blocks    []readBlock `xml:"PmtInf"`
		} `xml:"CstmrCdtTrfInitn"`
	}
)

func read(t require.TestingT, content []byte) readMessage {
	var message readMessage

	decoder := xml.NewDecoder(bytes.NewReader(content))
	require.NoError(t, decoder.Decode(&message))

	return message
}

// validate has xmllint judge a file by ISO's own schema, where there is one.
func validate(t *testing.T, version pain001.Version, content []byte) {
	t.Helper()

	schemas := os.Getenv(schemasEnv)
	if schemas == "" {
		t.Skip("no folder of ISO's schemas in " + schemasEnv)
	}

	schema := filepath.Join(schemas, string(version)+".xsd")
	lint := exec.CommandContext(t.Context(), "xmllint", "--noout", "--schema", schema, "-") //nolint:gosec // a file of the tests' own choice
	lint.Stdin = bytes.NewReader(content)
	said, err := lint.CombinedOutput()
	require.NoError(t, err, "%s", firstLines(string(said)))
}

func firstLines(text string) string {
	const shown = 5

	return strings.Join(strings.SplitN(text, "\n", shown+1)[:min(shown, strings.Count(text, "\n"))], "\n")
}
