package camt_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/camt"
)

// large gives a statement of so many entries with a detail each, made as it is read.
type large struct {
	entries, made int
	rest          []byte
}

func (l *large) Read(into []byte) (int, error) {
	for len(l.rest) == 0 {
		switch {
		case l.made > l.entries:
			return 0, io.EOF
		case l.made == l.entries:
			l.rest = []byte("</Stmt></BkToCstmrStmt></Document>\n")
		default:
			if l.made == 0 {
				l.rest = fmt.Appendf(l.rest, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T04:05:06+01:00</CreDtTm></GrpHdr>
<Stmt><Id>S</Id><Acct><Id><IBAN>%s</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">%d.34</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>
`, account, l.entries*12+(l.entries*34-34)/100)
			}

			l.rest = fmt.Appendf(l.rest, `<Ntry><NtryRef>N%09d</NtryRef><Amt Ccy="EUR">12.34</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-01</Dt></BookgDt><ValDt><Dt>2026-03-01</Dt></ValDt><AcctSvcrRef>B%09d</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>E%09d</EndToEndId></Refs><Amt Ccy="EUR">12.34</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RltdPties><Dbtr><Pty><Nm>Société Générale d'Exemple</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>%s</IBAN></Id></DbtrAcct></RltdPties>
<RltdAgts><DbtrAgt><FinInstnId><BICFI>AGRIFRPPXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>
<RmtInf><Ustrd>REM VIR MONEXTEUR20260301%03d</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>REM VIR MONEXTEUR20260301001</AddtlNtryInf></Ntry>
`, l.made, l.made, l.made, account, l.made%1000)
		}

		l.made++
	}

	n := copy(into, l.rest)
	l.rest = l.rest[n:]

	return n, nil
}

const largeEntries = 100_001 // whose sum ends in the cents that the closing balance has

func largeText(t testing.TB) []byte {
	t.Helper()

	text, err := io.ReadAll(&large{entries: largeEntries})
	require.NoError(t, err)

	return text
}

// A statement of a hundred thousand entries is never in memory: not its text, and not its entries.
//
//nolint:paralleltest // it measures the memory of the process
func TestLargeStatementIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 100 MB")
	}

	const most = 64 << 20

	var peak uint64

	entries := 0

	summary, err := camt.Read("a.xml", &large{entries: largeEntries}, camt.Handler{Entry: func(*camt.Entry) error {
		entries++

		if entries%1000 == 0 {
			var memory runtime.MemStats

			runtime.ReadMemStats(&memory)
			peak = max(peak, memory.HeapInuse+memory.StackInuse)
		}

		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, largeEntries, summary.Entries)
	require.Less(t, peak, uint64(most))
	t.Logf("%d bytes read, at most %d MiB of memory", summary.Bytes, peak>>20)
}

func readTokens(t testing.TB, text []byte) {
	t.Helper()

	decoder := xml.NewDecoder(bytes.NewReader(text))

	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			require.NoError(t, err)
		}
	}
}

// Reading a statement is to take at most half as much again as BenchmarkTokens.
func BenchmarkRead(b *testing.B) {
	text := largeText(b)

	b.SetBytes(int64(len(text)))
	b.ReportAllocs()

	for b.Loop() {
		_, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{Entry: func(*camt.Entry) error { return nil }})
		require.NoError(b, err)
	}
}

func BenchmarkTokens(b *testing.B) {
	text := largeText(b)

	b.SetBytes(int64(len(text)))
	b.ReportAllocs()

	for b.Loop() {
		readTokens(b, text)
	}
}
