package pesit_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/pesit"
)

// wire is bytes as a trace shows them.
func wire(t testing.TB, text string) []byte {
	t.Helper()
	read, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(text))
	require.NoError(t, err)
	return read
}

// golden are FPDUs beside their bytes, which were written by hand from the protocol's description.
func golden() map[string]struct {
	fpdu pesit.FPDU
	wire string
} {
	type example = struct {
		fpdu pesit.FPDU
		wire string
	}
	ok := pesit.Success.Parameter()
	return map[string]example{
		"CONNECT": {
			pesit.New(
				pesit.Connect, 0, 1, pesit.Number(pesit.Access, 0), pesit.Text(pesit.Requester, "REGLO"), pesit.Text(pesit.Server, "BANK"),
				pesit.Text(pesit.AccessControl, "SECRET"), pesit.Number(pesit.Version, 2), pesit.Number(pesit.Resynchronisation, 0),
				pesit.Parameter{Code: pesit.Sync, Value: []byte{0, 32, 4}},
			),
			`0029 40 20 00 01  03 05 5245474C4F  04 04 42414E4B  05 06 534543524554  06 01 02  07 03 002004  16 01 00  17 01 00`,
		},
		"ACONNECT": {
			pesit.New(pesit.AConnect, 1, 7, pesit.Number(pesit.Version, 2), pesit.Parameter{Code: pesit.Sync, Value: []byte{0, 16, 2}}),
			`000E 40 21 01 07  06 01 02  07 03 001002`,
		},
		"RCONNECT": {pesit.New(pesit.RConnect, 1, 0, pesit.Reason(301).Parameter()), `000B 40 22 01 00  02 03 03012D`},
		"RELEASE":  {pesit.New(pesit.Release, 7, 1, ok), `000B 40 23 07 01  02 03 000000`},
		"RELCONF":  {pesit.New(pesit.RelConf, 1, 7), `0006 40 24 01 07`},
		"ABORT":    {pesit.New(pesit.Abort, 7, 1, pesit.Reason(317).Parameter()), `000B 40 25 07 01  02 03 03013D`},
		"CREATE": {
			pesit.New(
				pesit.Create, 7, 0, pesit.Number(pesit.FileType, 0).In(pesit.FileID), pesit.Text(pesit.FileName, "VIR").In(pesit.FileID),
				pesit.Number(pesit.TransferID, 0x010203), pesit.Number(pesit.Restarted, 0), pesit.Number(pesit.DataCode, 2),
				pesit.Number(pesit.Priority, 1), pesit.Number(pesit.EntitySize, 4096),
				pesit.Number(pesit.ArticleFormat, 0x80).In(pesit.LogicalAttributes), pesit.Number(pesit.ArticleLength, 4090).In(pesit.LogicalAttributes),
				pesit.Text(pesit.Label, "A.xml").In(pesit.LogicalAttributes),
				pesit.Number(pesit.ReservationUnit, 0).In(pesit.PhysicalAttributes), pesit.Number(pesit.Reservation, 40960).In(pesit.PhysicalAttributes),
				pesit.Text(pesit.Created, "191009153000").In(pesit.HistoricalAttributes),
				pesit.Text(pesit.Client, "C"), pesit.Text(pesit.Bank, "B"), pesit.Text(pesit.FreeText, "T"),
			),
			`0054 C0 11 07 00  09 08 0B 01 00 0C 03 564952  0D 03 010203  0F 01 00  10 01 02  11 01 01  19 02 1000
			 1E 0E 1F 01 80 20 02 0FFA 25 05 412E786D6C  28 07 29 01 00 2A 02 A000  32 0E 33 0C 313931303039313533303030
			 3D 01 43  3E 01 42  63 01 54`,
		},
		"ACK(CREATE)": {pesit.New(pesit.AckCreate, 1, 0, ok, pesit.Number(pesit.EntitySize, 2048)), `000F C0 30 01 00  02 03 000000  19 02 0800`},
		"SELECT": {
			pesit.New(
				pesit.Select, 7, 0, pesit.Number(pesit.FileType, 0).In(pesit.FileID), pesit.Text(pesit.FileName, "CPT").In(pesit.FileID),
				pesit.Number(pesit.TransferID, 0), pesit.Number(pesit.RequestedAttributes, 7), pesit.Number(pesit.Priority, 1),
				pesit.Number(pesit.EntitySize, 4096),
			),
			`001D C0 12 07 00  09 08 0B 01 00 0C 03 435054  0D 01 00  0E 01 07  11 01 01  19 02 1000`,
		},
		"ACK(SELECT)": {
			pesit.New(
				pesit.AckSelect, 1, 0, ok, pesit.Number(pesit.TransferID, 9), pesit.Number(pesit.EntitySize, 256),
				pesit.Number(pesit.ArticleFormat, 0).In(pesit.LogicalAttributes), pesit.Number(pesit.ArticleLength, 240).In(pesit.LogicalAttributes),
			),
			`001A C0 31 01 00  02 03 000000  0D 01 09  19 02 0100  1E 06 1F 01 00 20 01 F0`,
		},
		"DESELECT":       {pesit.New(pesit.Deselect, 7, 0, ok), `000B C0 13 07 00  02 03 000000`},
		"ACK(DESELECT)":  {pesit.New(pesit.AckDeselect, 1, 0, pesit.Reason(225).Parameter()), `000B C0 32 01 00  02 03 0200E1`},
		"ORF":            {pesit.New(pesit.ORF, 7, 0), `0006 C0 14 07 00`},
		"ACK(ORF)":       {pesit.New(pesit.AckORF, 1, 0, ok, pesit.Parameter{Code: pesit.Compression, Value: []byte{0, 3}}), `000F C0 33 01 00  02 03 000000  15 02 0003`},
		"CRF":            {pesit.New(pesit.CRF, 7, 0, ok), `000B C0 15 07 00  02 03 000000`},
		"ACK(CRF)":       {pesit.New(pesit.AckCRF, 1, 0, ok), `000B C0 34 01 00  02 03 000000`},
		"READ":           {pesit.New(pesit.Read, 7, 0, pesit.Number(pesit.RestartPoint, 0)), `0009 C0 01 07 00  12 01 00`},
		"ACK(READ)":      {pesit.New(pesit.AckRead, 1, 0, ok), `000B C0 35 01 00  02 03 000000`},
		"WRITE":          {pesit.New(pesit.Write, 7, 0), `0006 C0 02 07 00`},
		"ACK(WRITE)":     {pesit.New(pesit.AckWrite, 1, 0, ok, pesit.Number(pesit.RestartPoint, 0)), `000E C0 36 01 00  02 03 000000  12 01 00`},
		"SYN":            {pesit.New(pesit.Syn, 7, 0, pesit.Number(pesit.SyncNumber, 999_999)), `000B C0 03 07 00  14 03 0F423F`},
		"ACK(SYN)":       {pesit.New(pesit.AckSyn, 1, 0, pesit.Number(pesit.SyncNumber, 1)), `0009 C0 38 01 00  14 01 01`},
		"RESYN":          {pesit.New(pesit.Resyn, 1, 0, pesit.Reason(100).Parameter(), pesit.Number(pesit.RestartPoint, 3)), `000E C0 05 01 00  02 03 010064  12 01 03`},
		"ACK(RESYN)":     {pesit.New(pesit.AckResyn, 7, 0, pesit.Number(pesit.RestartPoint, 3)), `0009 C0 39 07 00  12 01 03`},
		"IDT":            {pesit.New(pesit.IDT, 1, 0, pesit.Reason(219).Parameter(), pesit.Number(pesit.EndCode, 12)), `000E C0 06 01 00  02 03 0200DB  13 01 0C`},
		"ACK(IDT)":       {pesit.New(pesit.AckIDT, 7, 0), `0006 C0 3A 07 00`},
		"DTF.END":        {pesit.New(pesit.DTFEnd, 7, 0, ok), `000B C0 04 07 00  02 03 000000`},
		"TRANS.END":      {pesit.New(pesit.TransEnd, 7, 0, pesit.Number(pesit.ByteCount, 41943040), pesit.Number(pesit.ArticleCount, 300)), `0010 C0 08 07 00  1B 04 02800000  1C 02 012C`},
		"ACK(TRANS.END)": {pesit.New(pesit.AckTransEnd, 1, 0, ok, pesit.Number(pesit.ByteCount, 5)), `000E C0 37 01 00  02 03 000000  1B 01 05`},
		"DTF":            {pesit.FPDU{Kind: pesit.DTF, Dst: 7, Data: []byte("ABC")}, `0009 00 00 07 00  414243`},
		"DTF of three":   {pesit.FPDU{Kind: pesit.DTF, Dst: 7, Src: 3, Data: []byte("\x00\x01A\x00\x00\x00\x02BC")}, `000F 00 00 07 03  0001 41  0000  0002 4243`},
		"DTFDA":          {pesit.FPDU{Kind: pesit.DTFDA, Dst: 7, Data: []byte("A")}, `0007 00 41 07 00  41`},
		"DTFMA":          {pesit.FPDU{Kind: pesit.DTFMA, Dst: 7, Data: []byte("B")}, `0007 00 40 07 00  42`},
		"DTFFA":          {pesit.FPDU{Kind: pesit.DTFFA, Dst: 7, Data: []byte("C")}, `0007 00 42 07 00  43`},
		"a long length": {
			pesit.New(pesit.AckCRF, 1, 0, ok, pesit.Parameter{Code: 200, Value: bytes.Repeat([]byte{'x'}, 255)}),
			`010E C0 34 01 00  02 03 000000  C8 FF 00FF` + strings.Repeat("78", 255),
		},
		"the longest short length": {
			pesit.New(pesit.AckCRF, 1, 0, ok, pesit.Parameter{Code: pesit.FreeText, Value: bytes.Repeat([]byte{'x'}, 254)}),
			`010B C0 34 01 00  02 03 000000  63 FE` + strings.Repeat("78", 254),
		},
	}
}

func TestEachFPDUHasItsBytes(t *testing.T) {
	t.Parallel()
	seen := make(map[pesit.Kind]bool)
	for name, want := range golden() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written, err := want.fpdu.Append(nil)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(wire(t, want.wire)), hex.EncodeToString(written))

			read, rest, err := pesit.Decode(append(written, "behind"...))
			require.NoError(t, err)
			require.Equal(t, "behind", string(rest))
			require.Equal(t, want.fpdu, read)

			if kind, _, _ := strings.Cut(name, " of "); !strings.Contains(name, "length") {
				require.Equal(t, kind, read.String())
			}
		})
		seen[want.fpdu.Kind] = true
	}
	for _, kind := range pesit.Kinds() {
		require.True(t, seen[kind], "%s has no example", kind)
	}
}

func TestWhatIsNotPeSITIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                         ``,
		"half a header":                   `0006 40 24 01`,
		"a length below the header's":     `0005 40 24 01 07`,
		"more than there is":              `0007 40 24 01 07`,
		"an unknown phase":                `0006 41 24 01 07`,
		"an unknown type":                 `0006 C0 07 01 07`,
		"a message":                       `0006 C0 16 01 07`,
		"a parameter without length":      `0007 40 24 01 07 63`,
		"half a long length":              `0009 40 24 01 07 63 FF 01`,
		"a short length written long":     `000B 40 24 01 07 63 FF 0001 41`,
		"an empty parameter":              `0008 40 24 01 07 63 00`,
		"an empty group":                  `0008 40 24 01 07 1E 00`,
		"a parameter that breaks off":     `0009 40 24 01 07 63 02 41`,
		"codes out of order":              `000C 40 24 01 07 63 01 41 5B 01 41`,
		"a parameter twice":               `000C 40 24 01 07 63 01 41 63 01 41`,
		"codes out of order in a group":   `000E 40 24 01 07 1E 06 20 01 41 1F 01 41`,
		"a group in a group":              `000E 40 24 01 07 1E 06 28 04 29 01 00 2A`,
		"code 0":                          `0009 40 24 01 07 00 01 41`,
		"a value that is too long":        `000C 40 24 01 07 0D 04 00000001`,
		"a short diagnostic":              `000A C0 34 01 00 02 02 0000`,
		"a short option of points":        `000D 40 21 01 07 06 01 02 07 02 0010`,
		"no diagnostic":                   `0006 C0 34 01 00`,
		"no number of a point":            `0006 C0 38 01 00`,
		"one article that is counted":     `000A 00 00 07 01 0002 4142`,
		"a part with a count":             `0009 00 41 07 02 414243`,
		"fewer articles than counted":     `000A 00 00 07 02 0002 4142`,
		"an article that breaks off":      `000C 00 00 07 02 0001 41 0002 42`,
		"half a length of an article":     `000A 00 00 07 02 0001 41 00`,
		"bytes behind the last article":   `000D 00 00 07 02 0001 41 0001 42 43`,
		"file name outside its group":     `0012 C0 12 07 00 0B 01 00 0C 03 435054 0D 01 00`,
		"a CREATE without reserved room":  `001F C0 11 07 00 09 08 0B 01 00 0C 03 564952 0D 03 010203 11 01 01 19 02 1000`,
		"parameters where content should": `0009 40 25 07 01 02 03 03`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := pesit.Decode(wire(t, text))
			wrong, ok := errors.AsType[*pesit.FormatError](err)
			require.True(t, ok, "%v", err)
			require.NotEmpty(t, wrong.Error())
		})
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	ok := pesit.Success.Parameter()
	for name, wrong := range map[string]pesit.FPDU{
		"an unknown kind":           {Kind: 0x1234},
		"content with parameters":   {Kind: pesit.DTF, Parameters: pesit.Parameters{ok}},
		"parameters with content":   {Kind: pesit.ORF, Data: []byte("A")},
		"an empty value":            pesit.New(pesit.CRF, 1, 0, ok, pesit.Text(pesit.FreeText, "  ")),
		"a value too long":          pesit.New(pesit.CRF, 1, 0, ok, pesit.Text(pesit.FreeText, strings.Repeat("x", 255))),
		"a parameter twice":         pesit.New(pesit.CRF, 1, 0, ok, ok),
		"twice in a group":          pesit.New(pesit.RelConf, 1, 0, pesit.Text(pesit.Label, "A").In(30), pesit.Text(pesit.Label, "B").In(30)),
		"a parameter as a group":    pesit.New(pesit.RelConf, 1, 0, pesit.Text(pesit.Label, "A").In(31)),
		"a group as a parameter":    pesit.New(pesit.RelConf, 1, 0, pesit.Text(pesit.FileID, "A")),
		"an order of the wire":      {Kind: pesit.RelConf, Parameters: pesit.Parameters{pesit.Text(pesit.FreeText, "A"), pesit.Text(pesit.Bank, "A")}},
		"an order in a group":       {Kind: pesit.RelConf, Parameters: pesit.Parameters{pesit.Text(pesit.Label, "A").In(30), pesit.Number(pesit.ArticleLength, 1).In(30)}},
		"no mandatory parameter":    pesit.New(pesit.CRF, 1, 0),
		"more than two bytes count": {Kind: pesit.DTF, Data: make([]byte, pesit.MaxFPDU-5)},
		"a group that is too long": pesit.New(
			pesit.RelConf, 1, 0, pesit.Parameter{Group: 30, Code: 200, Value: make([]byte, 40_000)}, pesit.Parameter{Group: 30, Code: 201, Value: make([]byte, 40_000)},
		),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := []byte("begun")
			written, err := wrong.Append(begun)
			_, ok := errors.AsType[*pesit.FormatError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "begun", string(written))
			written, err = pesit.AppendEntity(begun, wrong)
			require.Error(t, err)
			require.Equal(t, "begun", string(written))
		})
	}
}

// anyFPDU draws one that may be written.
func anyFPDU(t *rapid.T) pesit.FPDU {
	kind := rapid.SampledFrom(pesit.Kinds()).Draw(t, "kind")
	dst, src := rapid.Byte().Draw(t, "dst"), rapid.Byte().Draw(t, "src")
	if kind.IsData() {
		f := pesit.FPDU{Kind: kind, Dst: dst, Data: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content")}
		if kind == pesit.DTF && rapid.Bool().Draw(t, "several") {
			articles := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 30), 2, 255).Draw(t, "articles")
			f = pesit.Pack(dst, pesit.MaxFPDU, true, articles...)[0]
		}
		return f
	}
	drawn := make(map[[2]pesit.Code]pesit.Parameter)
	add := func(p pesit.Parameter) { drawn[[2]pesit.Code{p.Group, p.Code}] = p }
	for range rapid.IntRange(0, 12).Draw(t, "parameters") {
		p := pesit.Parameter{Code: pesit.Code(rapid.Uint8Range(64, 255).Draw(t, "code")), Value: rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "value")}
		p.Group = rapid.SampledFrom([]pesit.Code{0, 0, pesit.FileID, pesit.LogicalAttributes, pesit.HistoricalAttributes}).Draw(t, "group")
		if p.Code == pesit.ServerTime || p.Code == pesit.FreeText {
			p.Value = p.Value[:1]
		}
		add(p)
	}
	add(pesit.Reason(rapid.Uint16Range(0, 399).Draw(t, "reason")).Parameter())
	for _, code := range []pesit.Code{
		pesit.Requester, pesit.Server, pesit.Version, pesit.Access, pesit.TransferID, pesit.Priority, pesit.EntitySize, pesit.RestartPoint, pesit.SyncNumber,
	} {
		add(pesit.Number(code, uint64(rapid.Byte().Draw(t, "number"))))
	}
	add(pesit.Number(pesit.FileType, rapid.Uint64Max(0xFFFF).Draw(t, "file type")).In(pesit.FileID))
	add(pesit.Text(pesit.FileName, rapid.StringMatching(`[A-Z]{1,76}`).Draw(t, "file name")).In(pesit.FileID))
	add(pesit.Number(pesit.ArticleLength, rapid.Uint64Max(0xFFFF).Draw(t, "article length")).In(pesit.LogicalAttributes))
	add(pesit.Number(pesit.Reservation, rapid.Uint64Max(0xFFFFFFFF).Draw(t, "reserved")).In(pesit.PhysicalAttributes))
	add(pesit.Number(pesit.ByteCount, rapid.Uint64().Draw(t, "bytes")))
	parameters := make([]pesit.Parameter, 0, len(drawn))
	for _, p := range drawn {
		parameters = append(parameters, p)
	}
	return pesit.New(kind, dst, src, parameters...)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyFPDU(t)
		stream, err := pesit.AppendEntity(nil, want)
		require.NoError(t, err)
		stream, err = pesit.AppendEntity(stream, want)
		require.NoError(t, err)

		from := bytes.NewReader(stream)
		var buffer []byte
		for range 2 {
			buffer, err = pesit.ReadEntity(from, buffer)
			require.NoError(t, err)
			read, err := pesit.DecodeEntity(buffer)
			require.NoError(t, err)
			require.Len(t, read, 1)
			require.Equal(t, want.Kind, read[0].Kind)
			require.Equal(t, want.Dst, read[0].Dst)
			require.Equal(t, want.Src, read[0].Src)
			require.Equal(t, want.Parameters, read[0].Parameters)
			require.True(t, bytes.Equal(want.Data, read[0].Data))
		}
		_, err = pesit.ReadEntity(from, buffer)
		require.Equal(t, io.EOF, err)
	})
}

func TestNumbersAndTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Uint64().Draw(t, "number")
		p := pesit.Number(pesit.ByteCount, number)
		require.Equal(t, number, pesit.Parameters{p}.Number(pesit.ByteCount))
		require.True(t, len(p.Value) == 1 || p.Value[0] != 0, "in as few bytes as it takes")
		padded := pesit.Parameter{Code: pesit.Label, Value: []byte("A  ")}
		require.Equal(t, "A", pesit.Parameters{padded}.Text(pesit.Label))
	})
	require.Zero(t, pesit.Parameters{{Code: 200, Value: make([]byte, 9)}}.Number(200))
	require.Equal(t, pesit.SyncOption{Interval: 32, Window: 4}, pesit.Parameters{{Code: pesit.Sync, Value: []byte{0, 32, 4}}}.SyncOption())
	require.Zero(t, pesit.Parameters{}.SyncOption())
	require.Equal(t, pesit.Success, pesit.Parameters{}.Diagnostic())
}

func TestAnEntityHoldsContentTogether(t *testing.T) {
	t.Parallel()
	together := []pesit.FPDU{
		{Kind: pesit.DTFDA, Dst: 7, Data: []byte("A")},
		{Kind: pesit.DTFMA, Dst: 7, Data: []byte("B")},
		{Kind: pesit.DTFFA, Dst: 7, Data: []byte("C")},
		{Kind: pesit.DTF, Dst: 7, Data: []byte("D")},
		pesit.New(pesit.Syn, 7, 0, pesit.Number(pesit.SyncNumber, 1)),
		pesit.New(pesit.DTFEnd, 7, 0, pesit.Success.Parameter()),
	}
	var entity []byte
	var err error
	for _, f := range together {
		entity, err = f.Append(entity)
		require.NoError(t, err)
	}
	read, err := pesit.DecodeEntity(entity)
	require.NoError(t, err)
	require.Equal(t, together, read)

	for _, alone := range []pesit.FPDU{pesit.New(pesit.TransEnd, 7, 0), pesit.New(pesit.ORF, 7, 0)} {
		behind, err := alone.Append(slices.Clone(entity))
		require.NoError(t, err)
		_, err = pesit.DecodeEntity(behind)
		require.Error(t, err)
		before, err := alone.Append(nil)
		require.NoError(t, err)
		_, err = pesit.DecodeEntity(append(before, entity...))
		require.Error(t, err)
	}
	_, err = pesit.DecodeEntity(nil)
	require.Error(t, err)
}

func TestAnEntityThatBreaksOff(t *testing.T) {
	t.Parallel()
	whole, err := pesit.AppendEntity(nil, pesit.New(pesit.ORF, 7, 0))
	require.NoError(t, err)
	for cut := 1; cut < len(whole); cut++ {
		_, err := pesit.ReadEntity(bytes.NewReader(whole[:cut]), nil)
		require.Equal(t, io.ErrUnexpectedEOF, err, "cut at %d", cut)
	}
	_, err = pesit.ReadEntity(bytes.NewReader([]byte{0, 0}), nil)
	require.Equal(t, pesit.ErrEmptyEntity, err)
}

// TestArticlesArePutTogetherAgain: whatever their length and the entity's.
func TestArticlesArePutTogetherAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(pesit.MinEntitySize, 2000).Draw(t, "size")
		articles := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 600), 1, 40).Draw(t, "articles")
		several := rapid.Bool().Draw(t, "several")
		var got [][]byte
		var part []byte
		inside := false
		for _, f := range pesit.Pack(7, size, several, articles...) {
			written, err := f.Append(nil)
			require.NoError(t, err)
			require.LessOrEqual(t, len(written), size)
			require.True(t, several || f.Src == 0)
			require.Equal(t, inside, f.Kind == pesit.DTFMA || f.Kind == pesit.DTFFA)
			require.NoError(t, f.Articles(func(article []byte) error {
				part = append(part, article...)
				if inside = f.Kind == pesit.DTFDA || f.Kind == pesit.DTFMA; !inside {
					got, part = append(got, part), nil
				}
				return nil
			}))
		}
		require.Equal(t, articles, got)
	})
	failing := errors.New("of the test")
	require.Equal(t, failing, pesit.FPDU{Kind: pesit.DTF, Src: 2, Data: []byte{0, 0, 0, 0}}.Articles(func([]byte) error { return failing }))
}

func TestADiagnosticSaysWhatItMeansForTheFile(t *testing.T) {
	t.Parallel()
	counts := make(map[pesit.Delivery]int)
	for _, d := range pesit.Diagnostics() {
		counts[d.Delivery()]++
		require.NotContains(t, d.String(), "not in the protocol")
		written, err := pesit.New(pesit.Abort, 0, 1, d.Parameter()).Append(nil)
		require.NoError(t, err)
		read, _, err := pesit.Decode(written)
		require.NoError(t, err)
		require.Equal(t, d, read.Parameters.Diagnostic())
	}
	require.Equal(t, map[pesit.Delivery]int{pesit.Accepted: 1, pesit.NotDelivered: 11, pesit.Unknown: 42}, counts)

	for _, reason := range []uint16{200, 201, 202, 203, 204, 205, 206, 207, 226, 301, 304} {
		require.Equal(t, pesit.NotDelivered, pesit.Reason(reason).Delivery(), "%d", reason)
	}
	for _, d := range []pesit.Diagnostic{pesit.Reason(225), pesit.Reason(399), pesit.Reason(310), pesit.Reason(256), {Type: 3, Reason: 204}, {Type: 1}} {
		require.Equal(t, pesit.Unknown, d.Delivery(), "%s", d)
		require.False(t, d.OK())
	}
	require.Equal(t, "2 204 (the file exists already)", pesit.Reason(204).String())
	require.Equal(t, "3 204 (not in the protocol's list)", pesit.Diagnostic{Type: 3, Reason: 204}.String())
	require.Equal(t, "0 000 (success)", pesit.Success.String())
	require.Equal(t, "NOT_DELIVERED ACCEPTED UNKNOWN", fmt.Sprint(pesit.NotDelivered, pesit.Accepted, pesit.Unknown))
}

func TestNothingShowsAPassword(t *testing.T) {
	t.Parallel()
	const secret = "SESAME"
	order := toSend()
	order.Password = pesit.NewPassword(secret)
	session := begin(t, order)
	inside := struct{ order pesit.Order }{order}
	connect := pesit.New(pesit.Connect, 0, 1, pesit.Text(pesit.AccessControl, secret))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, order), secret, verb)
		require.NotContains(t, fmt.Sprintf(verb, session), secret, verb)
		require.NotContains(t, fmt.Sprintf(verb, *session), secret, verb)
		require.NotContains(t, fmt.Sprintf(verb, inside), secret, verb)
		require.NotContains(t, fmt.Sprintf(verb, inside), hex.EncodeToString([]byte(secret)), verb)
		require.NotContains(t, fmt.Sprintf(verb, order.Password), hex.EncodeToString([]byte(secret)), verb)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, shown := range []any{connect, connect.Parameters, connect.Parameters[0]} {
			text := fmt.Sprintf(verb, shown)
			require.NotContains(t, text, secret, verb)
			require.NotContains(t, text, "83", verb) // 'S'
		}
	}
	text, err := order.Password.MarshalText()
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
}

func FuzzDecode(f *testing.F) {
	for _, example := range golden() {
		f.Add(wire(f, example.wire))
	}
	f.Add([]byte{0xFF, 0xFF, 0xC0, 0x11, 0, 0, 9, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, from []byte) {
		read, err := pesit.DecodeEntity(from)
		if err != nil {
			if _, ok := errors.AsType[*pesit.FormatError](err); !ok {
				t.Fatalf("%v", err)
			}
			return
		}
		var again []byte
		held := 0
		for _, one := range read {
			if again, err = one.Append(again); err != nil {
				t.Fatalf("%s was read and cannot be written: %v", one, err)
			}
			held += len(one.Data)
			for _, p := range one.Parameters {
				held += len(p.Value)
			}
		}
		if !bytes.Equal(from, again) {
			t.Fatalf("%x was written as %x", from, again)
		}
		if held > len(from) {
			t.Fatalf("%d bytes hold %d", len(from), held)
		}
	})
}

func FuzzReadEntity(f *testing.F) {
	f.Add([]byte{0, 6, 0, 6, 0x40, 0x24, 1, 7})
	f.Add([]byte{0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		from := bytes.NewReader(stream)
		var buffer []byte
		for {
			entity, err := pesit.ReadEntity(from, buffer)
			if err != nil {
				return
			}
			if cap(entity) > 2*pesit.MaxFPDU {
				t.Fatalf("a buffer of %d bytes", cap(entity))
			}
			buffer = entity
			_, _ = pesit.DecodeEntity(entity)
		}
	})
}
