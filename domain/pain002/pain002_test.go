package pain002_test

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/pain002"
)

//go:embed testdata/*.xml
var files embed.FS

func file(t testing.TB, name string) string {
	t.Helper()

	text, err := files.ReadFile("testdata/" + name)
	require.NoError(t, err)

	return string(text)
}

// told is all that a handler was told.
type told struct {
	group    []pain002.Report
	payments []pain002.Payment
	orders   []pain002.Transaction
}

func read(text string) (pain002.Report, told, error) {
	return readFrom(strings.NewReader(text))
}

func readFrom(source io.Reader) (pain002.Report, told, error) {
	var all told

	report, err := pain002.Read("STATUS.xml", source, pain002.Handler{
		Group:       func(report pain002.Report) error { all.group = append(all.group, report); return nil },
		Payment:     func(payment pain002.Payment) error { all.payments = append(all.payments, payment); return nil },
		Transaction: func(order pain002.Transaction) error { all.orders = append(all.orders, order); return nil },
	})

	return report, all, err
}

// faults gives the faults of a refused report as code, line and field.
func faults(t *testing.T, err error) []string {
	t.Helper()

	refused, isRefused := errors.AsType[*fault.Faults](err)
	require.True(t, isRefused, "%v", err)

	said := make([]string, 0, len(refused.Faults))

	for _, found := range refused.Faults {
		require.Equal(t, "STATUS.xml", found.File)
		require.NotEmpty(t, found.Reason)

		said = append(said, fmt.Sprintf("%s %d %s", found.Code, found.Line, strings.TrimPrefix(found.Field, "Document/CstmrPmtStsRpt")))
	}

	return said
}

const (
	original = "0b7c2f5ee1f54b7c9a2e4d1f00000001"
	info     = "some orders were refused"
)

func TestReadAll(t *testing.T) {
	t.Parallel()

	for version, definition := range map[pain002.Version]string{
		pain002.V03: "pain.001.001.03", pain002.V10: "pain.001.001.09",
	} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()

			text := file(t, "full."+string(version[len(version)-2:])+".xml")
			report, all, err := read(text)
			require.NoError(t, err)

			want := pain002.Report{
				Version: version, ID: "BANK-STATUS-0001", CreatedAt: time.Date(2026, 3, 2, 9, 15, 30, 0, calendar.Paris()),
				OriginalID: original, OriginalDefinition: definition, Orders: 6, Sum: 123_456,
				Status: pain002.Partial, Reasons: []pain002.Reason{{Code: "NARR", Info: info}},
				Counts: []pain002.Count{
					{Status: pain002.Refused, Orders: 4},
					{Status: pain002.Profile, Orders: 1, Sum: 100_000},
					{Status: pain002.InProcess, Orders: 1},
				},
			}
			require.Equal(t, []pain002.Report{want}, all.group)

			want.Payments, want.Transactions = 3, 3
			want.SHA256, want.Bytes = sha256.Sum256([]byte(text)), int64(len(text))
			require.Equal(t, want, report)

			require.Equal(t, []pain002.Payment{
				{
					OriginalID: original, Orders: 3, Sum: 103_450, Status: pain002.Partial,
					Counts: []pain002.Count{
						{Status: pain002.Refused, Orders: 2},
						{Status: pain002.Profile, Orders: 1, Sum: 100_000},
					},
				},
				{
					OriginalID: original + "001", Orders: 2, Status: pain002.Refused,
					Reasons: []pain002.Reason{{Code: "DT01"}},
				},
				{OriginalID: original + "002", Orders: 1, Status: pain002.InProcess},
			}, all.payments)

			require.Equal(t, []pain002.Transaction{
				{
					PaymentID: original, StatusID: "S-1", InstructionID: "I-1", EndToEndID: "2603020000000001",
					Status: pain002.Refused, Reasons: []pain002.Reason{{Code: "AC04", Info: "account closed"}}, Amount: 1_230,
				},
				{
					PaymentID: original, EndToEndID: "2603020000000002", Status: pain002.Refused,
					Reasons: []pain002.Reason{
						{Code: "BQ-12", Info: "limit of the day call your branch"}, {Info: "a second reason without code"},
					},
				},
				{PaymentID: original, EndToEndID: "2603020000000003", Status: pain002.Profile, Amount: 100_000},
			}, all.orders)
		})
	}
}

// document is a report of what is said of the group, and of what follows it. All before it is on its first two lines.
func document(version pain002.Version, group, rest string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:` + string(version) + `"><CstmrPmtStsRpt>` +
		`<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-03-02T09:15:30+01:00</CreDtTm></GrpHdr>` + "\n" +
		`<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>` + group + `</OrgnlGrpInfAndSts>` + "\n" +
		rest + "\n</CstmrPmtStsRpt></Document>\n"
}

func block(id, said string) string {
	return "<OrgnlPmtInfAndSts><OrgnlPmtInfId>" + id + "</OrgnlPmtInfId>" + said + "</OrgnlPmtInfAndSts>\n"
}

func order(id, status, said string) string {
	if status != "" {
		status = "<TxSts>" + status + "</TxSts>"
	}

	return "<TxInfAndSts><OrgnlEndToEndId>" + id + "</OrgnlEndToEndId>" + status + said + "</TxInfAndSts>\n"
}

func reason(code, info string) string {
	return "<StsRsnInf><Rsn><Cd>" + code + "</Cd></Rsn><AddtlInf>" + info + "</AddtlInf></StsRsnInf>"
}

func count(orders, status, sum string) string {
	if sum != "" {
		sum = "<DtldCtrlSum>" + sum + "</DtldCtrlSum>"
	}

	return "<NbOfTxsPerSts><DtldNbOfTxs>" + orders + "</DtldNbOfTxs><DtldSts>" + status + "</DtldSts>" + sum + "</NbOfTxsPerSts>"
}

func amount(value string) string {
	return `<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">` + value + `</InstdAmt></Amt></OrgnlTxRef>`
}

const (
	rejected = "<GrpSts>RJCT</GrpSts>"
	partial  = "<GrpSts>PART</GrpSts>"
	accepted = "<GrpSts>ACCP</GrpSts>"
)

// sound are reports that are accepted, and what is made of their orders: status and reason of each.
func sound() map[string][3]string {
	return map[string][3]string{
		"rejected as a whole": {rejected + reason("AM04", "x"), "", ""},
		"rejected as a whole, counted": {
			"<OrgnlNbOfTxs>100</OrgnlNbOfTxs>" + rejected + count("100", "RJCT", "12.00"), "", "",
		},
		"rejected as a whole, some named": {
			"<OrgnlNbOfTxs>100</OrgnlNbOfTxs>" + rejected + count("100", "RJCT", ""), block("B", order("E1", "RJCT", "")), "E1 RJCT",
		},
		"rejected orders only": {
			"<OrgnlNbOfTxs>100</OrgnlNbOfTxs>" + partial + count("98", "ACCP", "") + count("2", "RJCT", "30.01"),
			block("B", order("E1", "RJCT", reason("AC01", "x")+amount("10"))+order("E2", "RJCT", reason("AC04", "x")+amount("20.01"))),
			"E1 RJCT AC01, E2 RJCT AC04",
		},
		"rejected orders of two blocks": {
			partial + count("98", "ACCP", "") + count("2", "RJCT", ""),
			block("B", "<OrgnlNbOfTxs>50</OrgnlNbOfTxs><PmtInfSts>PART</PmtInfSts>"+order("E1", "RJCT", "")) +
				block("C", "<OrgnlNbOfTxs>50</OrgnlNbOfTxs><PmtInfSts>PART</PmtInfSts>"+order("E2", "RJCT", "")),
			"E1 RJCT, E2 RJCT",
		},
		"a rejected block":              {partial, block("B", "<PmtInfSts>RJCT</PmtInfSts>"+reason("DT01", "x")), ""},
		"a rejected block, not counted": {partial + count("9", "RJCT", ""), block("B", "<PmtInfSts>RJCT</PmtInfSts>"), ""},
		"a rejected block, its orders without status": {
			partial, block("B", "<PmtInfSts>RJCT</PmtInfSts>"+reason("DT01", "x")+order("E1", "", "")+order("E2", "", reason("AC04", "x"))),
			"E1 RJCT DT01, E2 RJCT AC04",
		},
		"orders with the status of the message": {
			rejected + reason("AM04", "x"), block("B", order("E1", "", "")), "E1 RJCT AM04",
		},
		"accepted as a whole":                      {accepted, "", ""},
		"accepted, a block in process":             {accepted, block("B", "<PmtInfSts>ACSP</PmtInfSts>"), ""},
		"no status of the message":                 {"", block("B", order("E1", "ACSC", "")), "E1 ACSC"},
		"found well written, an order is rejected": {"<GrpSts>ACTC</GrpSts>", block("B", order("E1", "RJCT", "")), "E1 RJCT"},
		"received, nothing else":                   {"<GrpSts>RCVD</GrpSts>", "", ""},
		"pending":                                  {"<GrpSts>PDNG</GrpSts>", block("B", order("E1", "PDNG", "")), "E1 PDNG"},
		"amounts with places to spare":             {partial, block("B", order("E1", "ACCP", amount("+00012.50000"))), "E1 ACCP"},
		"an order by its instruction": {
			partial, block("B", "<TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>"+
				"<TxInfAndSts><OrgnlInstrId>I2</OrgnlInstrId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>"),
			"NOTPROVIDED RJCT, NOTPROVIDED RJCT",
		},
		"white space for its looks": {
			"\n<GrpSts>\n PART\t</GrpSts>", block("\n B ", order(" E1\r\n", " RJCT ", "")), "E1 RJCT",
		},
		"comments": {partial, block("B", "<!-- RJCT -->"+order("E1", "<!-- x -->RJ<!-- x -->CT", "")), "E1 RJCT"},
		"CDATA":    {partial, block("B", order("E1", "<![CDATA[RJCT]]>", "")), "E1 RJCT"},
	}
}

func TestReadSound(t *testing.T) {
	t.Parallel()

	for name, report := range sound() {
		for _, version := range []pain002.Version{pain002.V03, pain002.V10} {
			t.Run(name+" "+string(version), func(t *testing.T) {
				t.Parallel()

				_, all, err := read(document(version, report[0], report[1]))
				require.NoError(t, err)

				said := make([]string, 0, len(all.orders))

				for _, order := range all.orders {
					words := []string{order.EndToEndID, string(order.Status)}
					for _, reason := range order.Reasons {
						words = append(words, reason.Code)
					}

					said = append(said, strings.Join(words, " "))
				}

				require.Equal(t, report[2], strings.Join(said, ", "))
				require.Len(t, all.group, 1)
			})
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()

	const group, blocks, in = "/OrgnlGrpInfAndSts", "/OrgnlPmtInfAndSts", "/OrgnlPmtInfAndSts/TxInfAndSts"

	for name, bad := range map[string]struct {
		version     pain002.Version
		group, rest string
		want        []string
	}{
		"unknown status of the message":  {"", "<GrpSts>OKAY</GrpSts>", "", []string{"UNKNOWN 3 " + group + "/GrpSts"}},
		"status of orders, of a message": {pain002.V10, "<GrpSts>CANC</GrpSts>", block("B", order("E1", "RJCT", "")), []string{"UNKNOWN 3 " + group + "/GrpSts"}},
		"status of messages, of an order": {
			"", partial, block("B", order("E1", "PART", "")),
			[]string{"UNKNOWN 4 " + in + "/TxSts"},
		},
		"status of version 10 in 03": {pain002.V03, partial, block("B", order("E1", "ACCC", "")), []string{"UNKNOWN 4 " + in + "/TxSts"}},
		"status in small letters":    {"", partial, block("B", order("E1", "rjct", "")), []string{"UNKNOWN 4 " + in + "/TxSts"}},
		"unknown status of a block":  {"", partial, block("B", "<PmtInfSts>NOPE</PmtInfSts>"), []string{"UNKNOWN 4 " + blocks + "/PmtInfSts"}},
		"unknown status counted":     {"", partial + count("1", "PART", ""), block("B", order("E1", "RJCT", "")), []string{"UNKNOWN 3 " + group + "/NbOfTxsPerSts/DtldSts"}},
		"accepted in rejected message": {
			"", rejected, block("B", order("E1", "ACCP", "")), []string{"KIND 4 " + in + "/TxSts"},
		},
		"rejected in accepted message": {"", accepted, block("B", order("E1", "RJCT", "")), []string{"KIND 4 " + in + "/TxSts"}},
		"rejected in accepted block": {
			"", partial, block("B", "<PmtInfSts>ACSP</PmtInfSts>"+order("E1", "RJCT", "")), []string{"KIND 4 " + in + "/TxSts"},
		},
		"accepted block in rejected message": {"", rejected, block("B", "<PmtInfSts>ACCP</PmtInfSts>"), []string{"KIND 4 " + blocks + "/PmtInfSts"}},
		"rejected block in accepted message": {"", accepted, block("B", "<PmtInfSts>RJCT</PmtInfSts>"), []string{"KIND 4 " + blocks + "/PmtInfSts"}},
		"pending in rejected block": {
			"", partial, block("B", "<PmtInfSts>RJCT</PmtInfSts>"+order("E1", "PDNG", "")), []string{"KIND 4 " + in + "/TxSts"},
		},
		"no status anywhere":                {"", "", "", []string{"MISSING 0 " + group + "/GrpSts"}},
		"order without status in partial":   {"", partial, block("B", order("E1", "", "")), []string{"MISSING 4 " + in + "/TxSts"}},
		"partial, nothing named":            {"", partial, "", []string{"MISSING 0 " + group}},
		"partial block, nothing named":      {"", "", block("B", "<OrgnlNbOfTxs>2</OrgnlNbOfTxs><PmtInfSts>PART</PmtInfSts>"), []string{"MISSING 4 " + blocks}},
		"an order twice":                    {"", partial, block("B", order("E1", "RJCT", "")+order("E1", "RJCT", "")), []string{"DUPLICATE 5 " + in + "/OrgnlEndToEndId"}},
		"an order in two blocks":            {"", partial, block("B", order("E1", "RJCT", "")) + block("C", order("E1", "RJCT", "")), []string{"DUPLICATE 6 " + in + "/OrgnlEndToEndId"}},
		"a block twice":                     {"", partial, block("B", order("E1", "RJCT", "")) + block("B", order("E2", "RJCT", "")), []string{"DUPLICATE 6 " + blocks + "/OrgnlPmtInfId"}},
		"an order without identifier":       {"", partial, block("B", "<TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts>"), []string{"MISSING 4 " + in}},
		"NOTPROVIDED alone":                 {"", partial, block("B", order("NOTPROVIDED", "RJCT", "")), []string{"MISSING 4 " + in}},
		"a block without identifier":        {"", partial, "<OrgnlPmtInfAndSts>" + order("E1", "RJCT", "") + "</OrgnlPmtInfAndSts>", []string{"MISSING 4 " + blocks + "/OrgnlPmtInfId"}},
		"an identifier too long":            {"", partial, block(strings.Repeat("B", 36), order("E1", "RJCT", "")), []string{"TOO_LONG 4 " + blocks + "/OrgnlPmtInfId"}},
		"an EndToEndId too long":            {"", partial, block("B", order(strings.Repeat("E", 36), "RJCT", "")), []string{"TOO_LONG 4 " + in + "/OrgnlEndToEndId"}},
		"a block's status, and none of its": {"", partial, block("B", "<PmtInfSts>NOPE</PmtInfSts>"+order("E1", "", "")), []string{"UNKNOWN 4 " + blocks + "/PmtInfSts"}},
		"dollars":                           {"", partial, block("B", order("E1", "RJCT", strings.Replace(amount("1"), "EUR", "USD", 1))), []string{"CURRENCY 4 " + in + "/OrgnlTxRef/Amt/InstdAmt"}},
		"a third of a cent":                 {"", partial, block("B", order("E1", "RJCT", amount("1.003"))), []string{"AMOUNT 4 " + in + "/OrgnlTxRef/Amt/InstdAmt"}},
		"an exponent":                       {"", partial, block("B", order("E1", "RJCT", amount("1e2"))), []string{"AMOUNT 4 " + in + "/OrgnlTxRef/Amt/InstdAmt"}},
		"not a number":                      {"", partial, block("B", order("E1", "RJCT", amount("NaN"))), []string{"AMOUNT 4 " + in + "/OrgnlTxRef/Amt/InstdAmt"}},
		"no amount":                         {"", partial, block("B", order("E1", "RJCT", amount("0.00"))), []string{"SIGN 4 " + in + "/OrgnlTxRef/Amt/InstdAmt"}},
		"a reason in words":                 {"", rejected + reason("wrong", "x"), "", []string{"PATTERN 3 " + group + "/StsRsnInf/Rsn/Cd"}},
		"a reason of both kinds":            {"", rejected + "<StsRsnInf><Rsn><Cd>AC04</Cd><Prtry>X</Prtry></Rsn></StsRsnInf>", "", []string{"ELEMENT 3 " + group + "/StsRsnInf/Rsn"}},
		"an empty reason":                   {"", rejected + "<StsRsnInf><Rsn/></StsRsnInf>", "", []string{"MISSING 3 " + group + "/StsRsnInf/Rsn"}},
		"too much information":              {"", rejected + reason("AC04", strings.Repeat("x", 106)), "", []string{"TOO_LONG 3 " + group + "/StsRsnInf/AddtlInf"}},
		"too many reasons":                  {"", rejected + strings.Repeat(reason("AC04", "x"), pain002.MaxReasons+1), "", []string{"XML_LIMIT 3 " + group + "/StsRsnInf"}},
		"a count in words":                  {"", rejected + count("two", "RJCT", ""), "", []string{"PATTERN 3 " + group + "/NbOfTxsPerSts/DtldNbOfTxs"}},
		"a huge count":                      {"", rejected + count("999999999999999", "RJCT", ""), "", []string{"TOO_MANY_LINES 3 " + group + "/NbOfTxsPerSts/DtldNbOfTxs"}},
		"a negative sum":                    {"", "<OrgnlCtrlSum>-1.00</OrgnlCtrlSum>" + rejected, "", []string{"SIGN 3 " + group + "/OrgnlCtrlSum"}},
		"a status counted twice":            {"", rejected + count("1", "RJCT", "") + count("1", "RJCT", ""), "", []string{"DUPLICATE 3 " + group + "/NbOfTxsPerSts/DtldSts"}},
		"rejected, counted and not named":   {"", partial + count("98", "ACCP", "") + count("2", "RJCT", ""), block("B", order("E1", "RJCT", "")), []string{"TRAILER_COUNT 0 " + group + "/NbOfTxsPerSts"}},
		"rejected, named and not counted":   {"", partial + count("98", "ACCP", ""), block("B", order("E1", "RJCT", "")), []string{"TRAILER_COUNT 0 " + group + "/NbOfTxsPerSts"}},
		"more named than counted":           {"", partial + count("1", "RJCT", ""), block("B", order("E1", "RJCT", "")+order("E2", "RJCT", "")), []string{"TRAILER_COUNT 0 " + group + "/NbOfTxsPerSts"}},
		"more counted than there are":       {"", "<OrgnlNbOfTxs>9</OrgnlNbOfTxs>" + rejected + count("10", "RJCT", ""), "", []string{"TRAILER_COUNT 0 " + group + "/NbOfTxsPerSts"}},
		"more named than there are":         {"", "<OrgnlNbOfTxs>1</OrgnlNbOfTxs>" + partial, block("B", order("E1", "RJCT", "")+order("E2", "RJCT", "")), []string{"TRAILER_COUNT 0 " + group + "/OrgnlNbOfTxs"}},
		"a sum of other orders":             {"", partial + count("1", "RJCT", "10.01"), block("B", order("E1", "RJCT", amount("10"))), []string{"TRAILER_SUM 0 " + group + "/NbOfTxsPerSts"}},
		"a block's count":                   {"", partial, block("B", count("2", "RJCT", "")+order("E1", "RJCT", "")), []string{"TRAILER_COUNT 4 " + blocks + "/NbOfTxsPerSts"}},
		"a block's sum":                     {"", partial, block("B", count("1", "RJCT", "3.00")+order("E1", "RJCT", amount("2"))), []string{"TRAILER_SUM 4 " + blocks + "/NbOfTxsPerSts"}},
		"counts of blocks against message":  {"", partial + count("3", "RJCT", ""), block("B", "<OrgnlNbOfTxs>2</OrgnlNbOfTxs><PmtInfSts>RJCT</PmtInfSts>"), []string{"TRAILER_COUNT 0 " + group + "/NbOfTxsPerSts"}},
		"a status twice":                    {"", partial, block("B", order("E1", "RJCT", "<TxSts>ACCP</TxSts>")), []string{"ELEMENT 4 " + in + "/TxSts"}},
		"an identifier twice":               {"", partial, block("B", order("E1", "RJCT", "<OrgnlEndToEndId>E2</OrgnlEndToEndId>")), []string{"ELEMENT 4 " + in + "/OrgnlEndToEndId"}},
		"a block's status twice":            {"", partial, block("B", "<PmtInfSts>RJCT</PmtInfSts><PmtInfSts>ACCP</PmtInfSts>"), []string{"ELEMENT 4 " + blocks + "/PmtInfSts"}},
		"the message twice":                 {"", rejected, "<OrgnlGrpInfAndSts><OrgnlMsgId>M2</OrgnlMsgId><OrgnlMsgNmId>x</OrgnlMsgNmId></OrgnlGrpInfAndSts>", []string{"ELEMENT 4 " + group}},
		"an element in a status":            {"", partial, block("B", order("E1", "RJ<X/>CT", "")), []string{"ELEMENT 4 " + in + "/TxSts/X"}},
		"text beside elements":              {"", partial, block("B", order("E1", "RJCT", "ACCP")), []string{"ELEMENT 4 " + in}},
		"an unknown element":                {"", partial, block("B", order("E1", "RJCT", "<Sts>ACCP</Sts>")), []string{"ELEMENT 4 " + in + "/Sts"}},
		"an unknown element of a block":     {"", partial, block("B", "<Sts>ACCP</Sts>"), []string{"ELEMENT 4 " + blocks + "/Sts"}},
		"a block's status after its orders": {"", partial, block("B", order("E1", "RJCT", "")+"<PmtInfSts>RJCT</PmtInfSts>"), []string{"ELEMENT 5 " + blocks + "/PmtInfSts"}},
		"a block before the message's end":  {"", rejected, "<GrpHdr><MsgId>R2</MsgId></GrpHdr>", []string{"ELEMENT 4 /GrpHdr"}},
		"several faults": {
			"", partial + count("1", "NOPE", ""), block("B", order("E1", "WHAT", amount("x"))+order("E1", "RJCT", reason("bad", "x"))),
			[]string{
				"UNKNOWN 3 " + group + "/NbOfTxsPerSts/DtldSts", "UNKNOWN 4 " + in + "/TxSts", "AMOUNT 4 " + in + "/OrgnlTxRef/Amt/InstdAmt",
				"PATTERN 5 " + in + "/StsRsnInf/Rsn/Cd", "DUPLICATE 5 " + in + "/OrgnlEndToEndId",
			},
		},
	} {
		versions := []pain002.Version{bad.version}
		if bad.version == "" {
			versions = []pain002.Version{pain002.V03, pain002.V10}
		}

		for _, version := range versions {
			t.Run(name+" "+string(version), func(t *testing.T) {
				t.Parallel()

				_, _, err := read(document(version, bad.group, bad.rest))
				require.ElementsMatch(t, bad.want, faults(t, err))
			})
		}
	}
}

func TestReadRefusesHeaders(t *testing.T) {
	t.Parallel()

	whole := document(pain002.V03, rejected, "")

	for name, bad := range map[string]struct {
		old, text string
		want      []string
	}{
		"another version":    {"pain.002.001.03", "pain.002.001.09", []string{"FORMAT 2 Document"}},
		"another message":    {"pain.002.001.03", "pain.001.001.03", []string{"FORMAT 2 Document"}},
		"another name":       {"CstmrPmtStsRpt", "CstmrCdtTrfInitn", []string{"FORMAT 2 Document/CstmrCdtTrfInitn"}},
		"no identifier":      {"<MsgId>R1</MsgId>", "", []string{"MISSING 2 /GrpHdr/MsgId"}},
		"no instant":         {"2026-03-02T09:15:30+01:00", "2026-03-02", []string{"DATE 2 /GrpHdr/CreDtTm"}},
		"no original":        {"<OrgnlMsgId>M1</OrgnlMsgId>", "", []string{"MISSING 3 /OrgnlGrpInfAndSts/OrgnlMsgId"}},
		"no definition":      {"<OrgnlMsgNmId>pain.001</OrgnlMsgNmId>", "", []string{"MISSING 3 /OrgnlGrpInfAndSts/OrgnlMsgNmId"}},
		"an IBAN in its way": {"<MsgId>R1", "<MsgId>FR7630006000011234567890189 FR7630006000011234567890189", []string{"TOO_LONG 2 /GrpHdr/MsgId"}},
		"nothing in it":      {whole[strings.Index(whole, "<GrpHdr>"):strings.Index(whole, "</CstmrPmtStsRpt>")], "", []string{"MISSING 2 "}},
		"cut":                {"</CstmrPmtStsRpt></Document>\n", "", []string{"TRUNCATED 5 "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			text := strings.ReplaceAll(whole, bad.old, bad.text)
			require.NotEqual(t, whole, text)

			_, _, err := read(text)
			require.Equal(t, bad.want, faults(t, err))
			require.NotContains(t, err.Error(), "30006000011234567890189")
		})
	}
}

func TestReadTellsNothingAfterAFault(t *testing.T) {
	t.Parallel()

	report, all, err := read(document(pain002.V03, partial, block("B", order("E1", "RJCT", "")+order("E2", "NOPE", "")+order("E3", "RJCT", ""))))
	require.Equal(t, []string{"UNKNOWN 5 /OrgnlPmtInfAndSts/TxInfAndSts/TxSts"}, faults(t, err))
	require.Len(t, all.orders, 1)
	require.Equal(t, 3, report.Transactions)
}

func TestReadPassesErrorsOn(t *testing.T) {
	t.Parallel()

	broken := errors.New("disk")
	text := document(pain002.V03, partial, block("B", order("E1", "RJCT", "")))

	_, _, err := readFrom(io.MultiReader(strings.NewReader(text[:300]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)

	for name, handler := range map[string]pain002.Handler{
		"line 3": {Group: func(pain002.Report) error { return broken }},
		"line 4": {Transaction: func(pain002.Transaction) error { return broken }},
	} {
		_, err = pain002.Read("STATUS.xml", strings.NewReader(text), handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "read STATUS.xml: "+name+": disk")
	}

	_, err = pain002.Read("STATUS.xml", strings.NewReader(text), pain002.Handler{
		Payment: func(pain002.Payment) error { return &fault.Fault{Code: fault.CodeKind, Reason: "is the caller's"} },
	})
	found, isFault := errors.AsType[*fault.Fault](err)
	require.True(t, isFault, "%v", err)
	require.Equal(t, fault.CodeKind, found.Code)

	_, isFaults := errors.AsType[*fault.Faults](err)
	require.False(t, isFaults, "a fault that the caller found is none of the document")

	_, err = pain002.Read("STATUS.xml", strings.NewReader(text), pain002.Handler{})
	require.NoError(t, err)
}

func TestReadHostile(t *testing.T) {
	t.Parallel()

	for name, text := range map[string]string{
		"empty reasons":      document(pain002.V03, partial, block("B", order("E1", "RJCT", strings.Repeat("<StsRsnInf/>", 80_000)))),
		"empty counts":       document(pain002.V03, rejected+strings.Repeat("<NbOfTxsPerSts/>", 60_000), ""),
		"empty information":  document(pain002.V03, rejected+"<StsRsnInf>"+strings.Repeat("<AddtlInf/>", 90_000)+"</StsRsnInf>", ""),
		"reasons of a block": document(pain002.V03, partial, block("B", "<PmtInfSts>RJCT</PmtInfSts>"+strings.Repeat("<StsRsnInf/>", 200_000))),
		"a long order":       document(pain002.V03, partial, block("B", order("E1", "RJCT", strings.Repeat(reason("AC04", "x"), iso20022.MaxDecoded/50)))),
		"a long text":        document(pain002.V03, partial, block("B", order("E1", "RJCT", reason("AC04", strings.Repeat("x", iso20022.MaxToken+1))))),
		"a deep order":       document(pain002.V03, partial, block("B", order("E1", "RJCT", "<OrgnlTxRef>"+strings.Repeat("<a>", 100)))),
		"an entity":          document(pain002.V03, partial, block("B", order("E1", "&rjct;", ""))),
		"another namespace":  document(pain002.V03, partial, block("B", order("E1", "RJCT", `<x:TxSts xmlns:x="urn:x">ACCP</x:TxSts>`))),
	} {
		_, _, err := read(text)

		refused, isRefused := errors.AsType[*fault.Faults](err)
		require.True(t, isRefused, "%s: %v", name, err)
		require.Equal(t, 1, refused.Count, name)
	}
}

// TestISOSchemas has the schemas of ISO judge the reports that are accepted here.
func TestISOSchemas(t *testing.T) {
	t.Parallel()

	schemas := os.Getenv("REGLO_TEST_ISO_SCHEMAS")
	if schemas == "" {
		t.Skip("REGLO_TEST_ISO_SCHEMAS names no folder with the schemas of ISO")
	}

	judge := func(t *testing.T, version pain002.Version, text string) {
		t.Helper()

		at := filepath.Join(t.TempDir(), "report.xml")
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))

		schema := filepath.Join(schemas, string(version)+".xsd")

		//nolint:gosec // the schemas are where who runs the test says
		said, err := exec.CommandContext(t.Context(), "xmllint", "--noout", "--schema", schema, at).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}

	judge(t, pain002.V03, file(t, "full.03.xml"))
	judge(t, pain002.V10, file(t, "full.10.xml"))

	for name, report := range sound() {
		if name == "white space for its looks" { // ISO's codes allow none; banks that indent their files write some
			continue
		}

		judge(t, pain002.V03, document(pain002.V03, report[0], report[1]))
		judge(t, pain002.V10, document(pain002.V10, report[0], report[1]))
	}
}
