package pesit_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/pesit"
)

// partner answers as the protocol wants it, and judges what it is sent.
type partner struct {
	t       require.TestingT
	sync    pesit.SyncOption // that it agrees to
	size    uint16           // likewise
	late    uint8            // how many points it lets stand before it acknowledges them all
	offers  [][]byte         // articles of the file that it sends
	refuses map[pesit.Kind]pesit.Diagnostic
	counts  func(bytes, articles uint64) (uint64, uint64)

	kinds    []pesit.Kind // that came
	got      []byte
	articles uint64
	length   uint64 // of articles, as it was told
	unsaid   int
	synced   uint64
	acked    uint64
	inside   bool
	kept     bool
}

const us, them = 1, 7

func (p *partner) answer(f pesit.FPDU) []pesit.FPDU {
	p.kinds = append(p.kinds, f.Kind)
	if f.Kind != pesit.Connect && f.Kind != pesit.Abort {
		require.Equal(p.t, byte(them), f.Dst, "%s", f.Kind)
	}
	d := p.refuses[f.Kind]
	reply := func(kind pesit.Kind, parameters ...pesit.Parameter) []pesit.FPDU {
		return []pesit.FPDU{pesit.New(kind, us, 0, append(parameters, d.Parameter())...)}
	}
	switch f.Kind {
	case pesit.Connect:
		if !d.OK() {
			return reply(pesit.RConnect)
		}
		parameters := []pesit.Parameter{pesit.Number(pesit.Version, pesit.VersionE)}
		if p.sync.Interval > 0 {
			parameters = append(parameters, p.sync.Parameter())
		}
		return []pesit.FPDU{pesit.New(pesit.AConnect, us, them, parameters...)}
	case pesit.Create:
		p.length = f.Parameters.Number(pesit.ArticleLength)
		return reply(pesit.AckCreate, pesit.Number(pesit.EntitySize, uint64(p.size)))
	case pesit.Select:
		return reply(
			pesit.AckSelect, pesit.Number(pesit.EntitySize, uint64(p.size)), pesit.Number(pesit.TransferID, 5),
			pesit.Text(pesit.Label, "REPORT").In(pesit.LogicalAttributes),
			pesit.Number(pesit.ArticleFormat, pesit.Variable).In(pesit.LogicalAttributes), pesit.Number(pesit.ArticleLength, 600).In(pesit.LogicalAttributes),
		)
	case pesit.ORF:
		return reply(pesit.AckORF)
	case pesit.Write:
		return reply(pesit.AckWrite, pesit.Number(pesit.RestartPoint, 0))
	case pesit.Read:
		return append(reply(pesit.AckRead), p.send(d)...)
	case pesit.AckSyn:
		p.acked = f.Parameters.Number(pesit.SyncNumber)
		return nil
	case pesit.Syn, pesit.DTF, pesit.DTFDA, pesit.DTFMA, pesit.DTFFA:
		return p.take(f, d)
	case pesit.DTFEnd:
		require.Equal(p.t, p.synced, max(p.acked, p.synced*b2u(p.sync.Window == 0)), "every point was acknowledged before the end")
		return nil
	case pesit.TransEnd:
		return p.end(f, d)
	case pesit.CRF:
		return reply(pesit.AckCRF)
	case pesit.Deselect:
		return reply(pesit.AckDeselect)
	case pesit.Release:
		return []pesit.FPDU{pesit.New(pesit.RelConf, us, them)}
	default:
		return nil
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// take is content that comes.
func (p *partner) take(f pesit.FPDU, d pesit.Diagnostic) []pesit.FPDU {
	if f.Kind != pesit.Syn {
		inside := f.Kind == pesit.DTFMA || f.Kind == pesit.DTFFA
		require.Equal(p.t, p.inside, inside)
		p.inside = f.Kind == pesit.DTFDA || f.Kind == pesit.DTFMA
		written, err := f.Append(nil)
		require.NoError(p.t, err)
		require.LessOrEqual(p.t, len(written), int(p.size))
		require.NoError(p.t, f.Articles(func(article []byte) error {
			p.got = append(p.got, article...)
			p.unsaid += len(article)
			if !p.inside {
				p.articles++
			}
			return nil
		}))
		if p.sync.Interval > 0 && p.sync.Interval != pesit.Undefined {
			require.LessOrEqual(p.t, p.unsaid, int(p.sync.Interval)*pesit.Kilobyte)
		}
		if p.sync.Window > 0 {
			require.Less(p.t, p.synced-p.acked, uint64(p.sync.Window), "no content beyond the window")
		}
		if !d.OK() {
			return []pesit.FPDU{pesit.New(pesit.IDT, us, 0, d.Parameter(), pesit.Number(pesit.EndCode, pesit.CancelledByServer))}
		}
		return nil
	}
	require.False(p.t, p.inside, "points stand between articles")
	p.synced++
	p.unsaid = 0
	require.Equal(p.t, p.synced, f.Parameters.Number(pesit.SyncNumber))
	if p.sync.Window == 0 {
		return nil
	}
	return p.acknowledge(p.late)
}

// acknowledge confirms the points beyond so many.
func (p *partner) acknowledge(beyond uint8) []pesit.FPDU {
	if p.synced-p.acked <= uint64(min(beyond, p.sync.Window-1)) {
		return nil
	}
	p.acked = p.synced
	return []pesit.FPDU{pesit.New(pesit.AckSyn, us, 0, pesit.Number(pesit.SyncNumber, p.synced))}
}

func (p *partner) end(f pesit.FPDU, d pesit.Diagnostic) []pesit.FPDU {
	bytes, articles := uint64(len(p.got)), p.articles
	if p.offers != nil {
		bytes, articles = uint64(len(slices.Concat(p.offers...))), uint64(len(p.offers))
	}
	require.Equal(p.t, bytes, f.Parameters.Number(pesit.ByteCount))
	require.Equal(p.t, articles, f.Parameters.Number(pesit.ArticleCount))
	p.kept = d.OK()
	if p.counts != nil {
		bytes, articles = p.counts(bytes, articles)
	}
	return []pesit.FPDU{pesit.New(
		pesit.AckTransEnd, us, 0, d.Parameter(), pesit.Number(pesit.ByteCount, bytes), pesit.Number(pesit.ArticleCount, articles),
	)}
}

// send is the content that the partner has.
func (p *partner) send(d pesit.Diagnostic) []pesit.FPDU {
	if !d.OK() {
		return nil
	}
	var content []pesit.FPDU
	for _, article := range p.offers {
		content = append(content, pesit.Pack(us, int(p.size), false, article)...)
		if p.sync.Interval > 0 {
			p.synced++
			content = append(content, pesit.New(pesit.Syn, us, 0, pesit.Number(pesit.SyncNumber, p.synced)))
		}
	}
	return append(content, pesit.New(pesit.DTFEnd, us, 0, p.refuses[pesit.DTFEnd].Parameter()))
}

// talk has the session and its partner talk until one is done, or until the
// session has sent so many FPDUs: then the connection is lost.
func talk(s *pesit.Session, p *partner, content [][]byte, until int) (received []byte) {
	sent := 0
	queue := s.Open()
	for !s.Done() {
		if len(queue) == 0 {
			switch {
			case s.Ready() && len(content) > 0:
				next := min(len(content), 3)
				queue = s.Write(content[:next]...)
				content = content[next:]
			case s.Ready():
				queue = s.End()
			case s.Received():
				queue = s.Confirm()
			default: // the window is closed: late acknowledgements
				acks := p.acknowledge(0)
				if len(acks) == 0 {
					s.Lost()
				}
				for _, ack := range acks {
					more, _ := s.Receive(ack)
					queue = append(queue, more...)
				}
			}
			continue
		}
		if sent == until {
			s.Lost()
			return received
		}
		sent++
		answers := p.answer(queue[0])
		queue = queue[1:]
		for _, answer := range answers {
			more, came := s.Receive(answer)
			queue = append(queue, more...)
			for _, article := range came {
				received = append(received, article...)
			}
		}
	}
	for _, f := range queue {
		p.answer(f)
	}
	return received
}

func toSend() pesit.Order {
	return pesit.Order{
		Requester: "REGLO", Server: "BANK", Password: pesit.NewPassword("SESAME"), FileName: "VIR", Label: "A.xml", TransferID: 77, EntitySize: 4096,
		Created: "260317101500", Client: "REGLO", Bank: "BANK", Format: pesit.Variable, ArticleLength: 600, Sync: pesit.SyncOption{Interval: 4, Window: 2},
	}
}

func toReceive() pesit.Order {
	order := toSend()
	order.Receive, order.TransferID = true, 0
	return order
}

func begin(t require.TestingT, order pesit.Order) *pesit.Session {
	s, err := pesit.NewSession(order)
	require.NoError(t, err)
	return s
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// articles are so many of that length.
func articles(count, length int) [][]byte {
	all := make([][]byte, count)
	for i := range all {
		all[i] = bytes.Repeat([]byte{alphabet[i%len(alphabet)]}, length)
	}
	return all
}

func TestAFileIsSent(t *testing.T) {
	t.Parallel()
	s := begin(t, toSend())
	p := &partner{t: t, sync: pesit.SyncOption{Interval: 1, Window: 1}, size: 512}
	content := articles(3, 600)
	require.False(t, s.Ready())
	talk(s, p, content, -1)

	require.NoError(t, s.Err())
	require.Equal(t, pesit.Accepted, s.Delivery())
	require.Equal(t, string(slices.Concat(content...)), string(p.got))
	require.Equal(t, []pesit.Kind{
		pesit.Connect, pesit.Create, pesit.ORF, pesit.Write,
		pesit.DTFDA, pesit.DTFFA, pesit.Syn, pesit.DTFDA, pesit.DTFFA, pesit.Syn, pesit.DTFDA, pesit.DTFFA, pesit.Syn,
		pesit.DTFEnd, pesit.TransEnd, pesit.CRF, pesit.Deselect, pesit.Release,
	}, p.kinds)
	bytes, count := s.Transferred()
	require.Equal(t, []int64{1800, 3}, []int64{bytes, count})
	_, late := s.LateDiagnostic()
	require.False(t, late)

	// Over is over.
	require.Empty(t, s.Open())
	require.Empty(t, s.Write([]byte("A")))
	require.Empty(t, s.End())
	require.Empty(t, s.Confirm())
	require.Empty(t, s.Abort(pesit.Reason(312)))
	send, _ := s.Receive(pesit.New(pesit.Abort, 1, 7, pesit.Reason(310).Parameter()))
	require.Empty(t, send)
	s.Lost()
	require.NoError(t, s.Err())
	require.Equal(t, pesit.Accepted, s.Delivery())
}

func TestAFileIsReceived(t *testing.T) {
	t.Parallel()
	for _, option := range []pesit.SyncOption{{}, {Interval: 1, Window: 1}, {Interval: 4, Window: 0}} {
		s := begin(t, toReceive())
		p := &partner{t: t, sync: option, size: 256, offers: articles(5, 600)}
		received := talk(s, p, nil, -1)
		require.NoError(t, s.Err())
		require.Equal(t, string(slices.Concat(p.offers...)), string(received))
		require.Equal(t, pesit.File{Label: "REPORT", TransferID: 5, Format: pesit.Variable, ArticleLength: 600, Described: true, Counted: true}, s.File())
		require.Equal(t, b2u(option.Window > 0)*5, p.acked)
	}
}

// TestWhateverIsAgreedOnAndWhereverItEnds: the partner has what it keeps, and the
// session knows what it can know.
func TestWhateverIsAgreedOnAndWhereverItEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		order := toSend()
		order.Several = rapid.Bool().Draw(t, "several")
		order.ArticleLength = rapid.Uint16Range(1, 1024).Draw(t, "article length")
		order.Sync.Interval = rapid.SampledFrom([]uint16{0, 1, 2, 8, pesit.Undefined}).Draw(t, "interval")
		order.Sync.Window = rapid.Uint8Range(0, 4).Draw(t, "window")
		p := &partner{
			t: t, size: rapid.Uint16Range(pesit.MinEntitySize, order.EntitySize).Draw(t, "size"), late: rapid.Uint8Range(0, 4).Draw(t, "late"),
		}
		if order.Sync.Interval > 0 && rapid.Bool().Draw(t, "synchronised") {
			p.sync = pesit.SyncOption{Interval: rapid.Uint16Range(1, order.Sync.Interval).Draw(t, "agreed"), Window: rapid.Uint8Range(0, order.Sync.Window).Draw(t, "agreed window")}
		}
		if rapid.Bool().Draw(t, "refused") {
			kind := rapid.SampledFrom([]pesit.Kind{
				pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.DTF, pesit.DTFFA, pesit.TransEnd, pesit.CRF, pesit.Deselect,
			}).Draw(t, "where")
			p.refuses = map[pesit.Kind]pesit.Diagnostic{kind: rapid.SampledFrom(pesit.Diagnostics()[1:]).Draw(t, "diagnostic")}
		}
		content := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, int(order.ArticleLength)), 0, 20).Draw(t, "articles")
		until := rapid.IntRange(0, 60).Draw(t, "until")

		s := begin(t, order)
		talk(s, p, content, until)

		require.True(t, s.Done())
		asked := slices.Contains(p.kinds, pesit.TransEnd)
		switch s.Delivery() {
		case pesit.NotDelivered:
			require.False(t, p.kept)
			require.False(t, asked)
			require.Error(t, s.Err())
		case pesit.Accepted:
			require.True(t, p.kept)
			require.NoError(t, s.Err())
			require.Equal(t, slices.Concat(content...), slices.Clip(p.got))
		default:
			require.Error(t, s.Err())
			require.True(t, asked || errors.Is(s.Err(), pesit.ErrLost), "TRANS.END was sent, or was to be")
		}
		if refusal, ok := errors.AsType[*pesit.RefusalError](s.Err()); ok {
			require.NotEmpty(t, refusal.Error())
			require.Equal(t, map[bool]pesit.Delivery{true: pesit.Unknown, false: pesit.NotDelivered}[asked], s.Delivery())
		}
	})
}

func TestARefusalClosesWhatWasOpened(t *testing.T) {
	t.Parallel()
	full := []pesit.Kind{pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.DTF, pesit.Syn, pesit.DTFEnd, pesit.TransEnd, pesit.CRF, pesit.Deselect, pesit.Release}
	for kind, want := range map[pesit.Kind]struct {
		kinds    []pesit.Kind
		delivery pesit.Delivery
	}{
		pesit.Connect:  {full[:1], pesit.NotDelivered},
		pesit.Create:   {[]pesit.Kind{pesit.Connect, pesit.Create, pesit.Release}, pesit.NotDelivered},
		pesit.ORF:      {[]pesit.Kind{pesit.Connect, pesit.Create, pesit.ORF, pesit.Deselect, pesit.Release}, pesit.NotDelivered},
		pesit.Write:    {[]pesit.Kind{pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.CRF, pesit.Deselect, pesit.Release}, pesit.NotDelivered},
		pesit.DTF:      {append(slices.Clone(full[:5]), pesit.AckIDT, pesit.CRF, pesit.Deselect, pesit.Release), pesit.NotDelivered},
		pesit.TransEnd: {full, pesit.Unknown},
		pesit.CRF:      {full, pesit.Accepted},
		pesit.Deselect: {full, pesit.Accepted},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			s := begin(t, toSend())
			p := &partner{t: t, sync: pesit.SyncOption{Interval: 4, Window: 2}, size: 4096, refuses: map[pesit.Kind]pesit.Diagnostic{kind: pesit.Reason(225)}}
			talk(s, p, articles(1, 10), -1)
			require.Equal(t, want.kinds, p.kinds)
			require.Equal(t, want.delivery, s.Delivery())
			late, said := s.LateDiagnostic()
			if want.delivery == pesit.Accepted {
				require.NoError(t, s.Err())
				require.True(t, said)
				require.Equal(t, pesit.Reason(225), late)
				return
			}
			refusal, ok := errors.AsType[*pesit.RefusalError](s.Err())
			require.True(t, ok, "%v", s.Err())
			require.Equal(t, pesit.Reason(225), refusal.Diagnostic)
		})
	}
}

func TestWrongCountsAreNoAcceptance(t *testing.T) {
	t.Parallel()
	for _, wrong := range []func(b, a uint64) (uint64, uint64){
		func(b, a uint64) (uint64, uint64) { return b - 1, a },
		func(b, a uint64) (uint64, uint64) { return b, a + 1 },
	} {
		s := begin(t, toSend())
		p := &partner{t: t, size: 4096, counts: wrong}
		talk(s, p, articles(2, 10), -1)
		broken, ok := errors.AsType[*pesit.ProtocolError](s.Err())
		require.True(t, ok)
		require.Equal(t, pesit.Reason(319), broken.Diagnostic)
		require.Equal(t, pesit.Unknown, s.Delivery())
		require.Equal(t, pesit.Release, p.kinds[len(p.kinds)-1], "in good order")

		s = begin(t, toReceive())
		p = &partner{t: t, size: 4096, counts: wrong, offers: articles(2, 10)}
		talk(s, p, nil, -1)
		require.Error(t, s.Err())
		require.False(t, s.File().Counted)
	}
}

// at brings a session to where the partner's answer to that FPDU is awaited.
func at(t *testing.T, order pesit.Order, kind pesit.Kind) *pesit.Session {
	t.Helper()
	s := begin(t, order)
	p := &partner{t: t, sync: order.Sync, size: order.EntitySize}
	queue := s.Open()
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		if next.Kind == kind {
			return s
		}
		for _, answer := range p.answer(next) {
			if answer.Kind == pesit.DTFEnd {
				continue
			}
			more, _ := s.Receive(answer)
			queue = append(queue, more...)
		}
		if len(queue) == 0 && s.Ready() && kind != pesit.DTF {
			queue = append(s.Write([]byte("content")), s.End()...)
		}
	}
	return s
}

func TestAPartnerThatBreaksTheProtocolIsLeft(t *testing.T) {
	t.Parallel()
	ok := pesit.Success.Parameter()
	point := func(number uint64) pesit.FPDU {
		return pesit.New(pesit.Syn, us, 0, pesit.Number(pesit.SyncNumber, number))
	}
	aconnect := func(version uint64, src byte, option ...byte) pesit.FPDU {
		parameters := []pesit.Parameter{pesit.Number(pesit.Version, version)}
		if option != nil {
			parameters = append(parameters, pesit.Parameter{Code: pesit.Sync, Value: option})
		}
		return pesit.New(pesit.AConnect, us, src, parameters...)
	}
	for name, wrong := range map[string]struct {
		order  pesit.Order
		at     pesit.Kind
		says   []pesit.FPDU
		reason uint16
	}{
		"another connection's answer":   {toSend(), pesit.ORF, []pesit.FPDU{pesit.New(pesit.AckORF, 2, 0, ok)}, 311},
		"another answer":                {toSend(), pesit.ORF, []pesit.FPDU{pesit.New(pesit.AckCRF, us, 0, ok)}, 311},
		"a request of its own":          {toSend(), pesit.ORF, []pesit.FPDU{pesit.New(pesit.Release, us, 0, ok)}, 311},
		"no number of the connection":   {toSend(), pesit.Connect, []pesit.FPDU{aconnect(2, 0)}, 311},
		"version D":                     {toSend(), pesit.Connect, []pesit.FPDU{aconnect(1, 7)}, 308},
		"a longer interval":             {toSend(), pesit.Connect, []pesit.FPDU{aconnect(2, 7, 0, 5, 2)}, 307},
		"a wider window":                {toSend(), pesit.Connect, []pesit.FPDU{aconnect(2, 7, 0, 4, 3)}, 307},
		"longer entities":               {toSend(), pesit.Create, []pesit.FPDU{pesit.New(pesit.AckCreate, us, 0, ok, pesit.Number(pesit.EntitySize, 4097))}, 315},
		"entities too short":            {toSend(), pesit.Create, []pesit.FPDU{pesit.New(pesit.AckCreate, us, 0, ok, pesit.Number(pesit.EntitySize, 127))}, 315},
		"no length of entities":         {toSend(), pesit.Create, []pesit.FPDU{pesit.New(pesit.AckCreate, us, 0, ok)}, 315},
		"a restart that nobody wants":   {toSend(), pesit.Write, []pesit.FPDU{pesit.New(pesit.AckWrite, us, 0, ok, pesit.Number(pesit.RestartPoint, 1))}, 214},
		"resynchronisation":             {toSend(), pesit.DTF, []pesit.FPDU{pesit.New(pesit.Resyn, us, 0, ok, pesit.Number(pesit.RestartPoint, 0))}, 311},
		"a point that was not sent":     {toSend(), pesit.DTF, []pesit.FPDU{pesit.New(pesit.AckSyn, us, 0, pesit.Number(pesit.SyncNumber, 1))}, 311},
		"content for who sends":         {toSend(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTF, Dst: us, Data: []byte("A")}}, 311},
		"an end before the content":     {toReceive(), pesit.ORF, []pesit.FPDU{pesit.New(pesit.DTFEnd, us, 0, ok)}, 311},
		"a middle without a beginning":  {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTFMA, Dst: us, Data: []byte("A")}}, 311},
		"an article inside of another":  {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTFDA, Dst: us}, {Kind: pesit.DTF, Dst: us}}, 311},
		"an end inside of an article":   {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTFDA, Dst: us}, pesit.New(pesit.DTFEnd, us, 0, ok)}, 311},
		"a point inside of an article":  {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTFDA, Dst: us}, point(1)}, 311},
		"a point out of order":          {toReceive(), pesit.DTF, []pesit.FPDU{point(1), point(3)}, 311},
		"an article too long":           {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTF, Dst: us, Data: make([]byte, 601)}}, 220},
		"an article too long, in parts": {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTFDA, Dst: us, Data: make([]byte, 600)}, {Kind: pesit.DTFMA, Dst: us, Data: make([]byte, 1)}}, 220},
		"articles that break off":       {toReceive(), pesit.DTF, []pesit.FPDU{{Kind: pesit.DTF, Dst: us, Src: 2}}, 220},
		"an answer instead of content":  {toReceive(), pesit.DTF, []pesit.FPDU{pesit.New(pesit.AckCRF, us, 0, ok)}, 311},
		"content behind the end":        {toReceive(), pesit.DTF, []pesit.FPDU{pesit.New(pesit.DTFEnd, us, 0, ok), {Kind: pesit.DTF, Dst: us}}, 311},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := at(t, wrong.order, wrong.at)
			var send []pesit.FPDU
			for _, said := range wrong.says {
				send, _ = s.Receive(said)
			}
			require.True(t, s.Done())
			require.Len(t, send, 1)
			require.Equal(t, pesit.Abort, send[0].Kind)
			require.Equal(t, pesit.Reason(wrong.reason), send[0].Parameters.Diagnostic())
			broken, is := errors.AsType[*pesit.ProtocolError](s.Err())
			require.True(t, is, "%v", s.Err())
			require.Equal(t, pesit.Reason(wrong.reason), broken.Diagnostic)
			require.Contains(t, broken.Error(), wrong.says[len(wrong.says)-1].Kind.String())
			require.Equal(t, pesit.NotDelivered, s.Delivery())
		})
	}
}

func TestPointsThatWouldStandInsideOfArticles(t *testing.T) {
	t.Parallel()
	order := toSend()
	order.ArticleLength, order.Format = 2000, pesit.Fixed
	s := begin(t, order)
	talk(s, &partner{t: t, sync: pesit.SyncOption{Interval: 1}, size: 4096}, articles(1, 2000), -1)
	broken, ok := errors.AsType[*pesit.ProtocolError](s.Err())
	require.True(t, ok)
	require.Equal(t, pesit.Reason(307), broken.Diagnostic)

	// Variable articles become as short as they have to.
	order.Format = pesit.Variable
	s = begin(t, order)
	p := &partner{t: t, sync: pesit.SyncOption{Interval: 1, Window: 1}, size: 4096}
	talk(s, p, articles(2, 1024), -1)
	require.NoError(t, s.Err())
	require.Equal(t, 1024, s.ArticleLength())
	require.Equal(t, uint64(1024), p.length)
	require.Equal(t, pesit.Accepted, s.Delivery())
}

func TestFixedArticlesHaveOneLength(t *testing.T) {
	t.Parallel()
	order := toSend()
	order.Format, order.ArticleLength, order.Bytes = pesit.Fixed, 240, 480
	s := at(t, order, pesit.DTF)
	send := s.Write(make([]byte, 239))
	require.Len(t, send, 1)
	require.Equal(t, pesit.Abort, send[0].Kind)
	require.Equal(t, pesit.NotDelivered, s.Delivery())
	require.ErrorIs(t, s.Err(), pesit.ErrGivenUp)

	s = begin(t, toReceive())
	s.Open()
	for _, f := range []pesit.FPDU{
		pesit.New(pesit.AConnect, us, them, pesit.Number(pesit.Version, 2)),
		pesit.New(
			pesit.AckSelect, us, 0, pesit.Success.Parameter(), pesit.Number(pesit.EntitySize, 512),
			pesit.Number(pesit.ArticleFormat, pesit.Fixed).In(pesit.LogicalAttributes), pesit.Number(pesit.ArticleLength, 120).In(pesit.LogicalAttributes),
		),
		pesit.New(pesit.AckORF, us, 0, pesit.Success.Parameter()),
		pesit.New(pesit.AckRead, us, 0, pesit.Success.Parameter()),
	} {
		s.Receive(f)
	}
	_, content := s.Receive(pesit.FPDU{Kind: pesit.DTF, Dst: us, Data: make([]byte, 120)})
	require.Len(t, content, 1)
	send, content = s.Receive(pesit.FPDU{Kind: pesit.DTF, Dst: us, Data: make([]byte, 119)})
	require.Empty(t, content)
	require.Equal(t, pesit.Abort, send[0].Kind)
}

// TestAnAbortAtEachPoint: the partner's, ours, and a connection that is gone.
func TestAnAbortAtEachPoint(t *testing.T) {
	t.Parallel()
	for _, kind := range []pesit.Kind{
		pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.DTF, pesit.TransEnd, pesit.CRF, pesit.Deselect, pesit.Release,
	} {
		want := pesit.NotDelivered
		switch kind {
		case pesit.TransEnd:
			want = pesit.Unknown
		case pesit.CRF, pesit.Deselect, pesit.Release:
			want = pesit.Accepted
		}
		theirs := at(t, toSend(), kind)
		send, _ := theirs.Receive(pesit.New(pesit.Abort, 0, them, pesit.Reason(310).Parameter()))
		require.Empty(t, send)
		ours := at(t, toSend(), kind)
		send = ours.Abort(pesit.Reason(312))
		require.Len(t, send, 1)
		require.Equal(t, pesit.Reason(312), send[0].Parameters.Diagnostic())
		gone := at(t, toSend(), kind)
		gone.Lost()
		for _, s := range []*pesit.Session{theirs, ours, gone} {
			require.True(t, s.Done(), "%s", kind)
			require.Equal(t, want, s.Delivery(), "%s", kind)
			require.Equal(t, want == pesit.Accepted, s.Err() == nil, "%s: %v", kind, s.Err())
		}
	}
	s := begin(t, toSend())
	send, _ := s.Receive(pesit.New(pesit.RelConf, us, 0))
	require.Equal(t, pesit.Abort, send[0].Kind, "before anything was asked for")
	require.Empty(t, begin(t, toSend()).Abort(pesit.Reason(312)), "nobody is there to be told")
}

// TestAnInterruptionCrossesTheEnd: what the partner made of the end is not known.
func TestAnInterruptionCrossesTheEnd(t *testing.T) {
	t.Parallel()
	s := at(t, toSend(), pesit.TransEnd)
	send, _ := s.Receive(pesit.New(pesit.IDT, us, 0, pesit.Reason(219).Parameter()))
	require.Len(t, send, 2)
	require.Equal(t, pesit.AckIDT, send[0].Kind)
	require.Equal(t, pesit.CRF, send[1].Kind)
	require.Equal(t, pesit.Unknown, s.Delivery())
	refusal, ok := errors.AsType[*pesit.RefusalError](s.Err())
	require.True(t, ok)
	require.Equal(t, pesit.Reason(219), refusal.Diagnostic)
}

func TestTheSenderOfAReceivedFileGivesUp(t *testing.T) {
	t.Parallel()
	for _, says := range []pesit.FPDU{
		pesit.New(pesit.IDT, us, 0, pesit.Reason(213).Parameter()),
		pesit.New(pesit.DTFEnd, us, 0, pesit.Reason(213).Parameter()),
	} {
		s := at(t, toReceive(), pesit.DTF)
		send, _ := s.Receive(says)
		require.Equal(t, pesit.CRF, send[len(send)-1].Kind)
		refusal, ok := errors.AsType[*pesit.RefusalError](s.Err())
		require.True(t, ok)
		require.Equal(t, says.Kind, refusal.By)
		require.Empty(t, s.Confirm(), "what did not come whole is not confirmed")
	}
}

func TestAnOrderThatCannotBegin(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string][]func(*pesit.Order){
		"requester":        {func(o *pesit.Order) { o.Requester = "" }, func(o *pesit.Order) { o.Requester = strings.Repeat("x", 25) }},
		"server":           {func(o *pesit.Order) { o.Server = "É" }, func(o *pesit.Order) { o.Server = "A " }},
		"password":         {func(o *pesit.Order) { o.Password = pesit.NewPassword("SEVENTEEN_LETTERS") }},
		"file name":        {func(o *pesit.Order) { o.FileName = strings.Repeat("x", 77) }, func(o *pesit.Order) { o.FileName = "A\nB" }},
		"label":            {func(o *pesit.Order) { o.Label = strings.Repeat("x", 81) }},
		"client":           {func(o *pesit.Order) { o.Client = strings.Repeat("x", 25) }},
		"bank":             {func(o *pesit.Order) { o.Bank = strings.Repeat("x", 25) }},
		"creation date":    {func(o *pesit.Order) { o.Created = strings.Repeat("1", 13) }},
		"size of entities": {func(o *pesit.Order) { o.EntitySize = pesit.MinEntitySize - 1 }},
		"transfer number": {
			func(o *pesit.Order) { o.TransferID = 0 }, func(o *pesit.Order) { o.TransferID = pesit.MaxTransferID + 1 },
			func(o *pesit.Order) { o.Receive = true },
		},
		"article length": {func(o *pesit.Order) { o.ArticleLength = 0 }},
		"article format": {func(o *pesit.Order) { o.Format = 1 }},
		"size":           {func(o *pesit.Order) { o.Bytes = -1 }, func(o *pesit.Order) { o.Format, o.Bytes = pesit.Fixed, 601 }},
	} {
		for _, wrong := range spoil {
			order := toSend()
			wrong(&order)
			_, err := pesit.NewSession(order)
			found, ok := errors.AsType[*pesit.OrderError](err)
			require.True(t, ok, "%s: %v", field, err)
			require.Equal(t, field, found.Field)
			require.NotContains(t, err.Error(), "SEVENTEEN")
		}
	}
}

// FuzzSession: whatever a partner says, the session ends without harm, and
// never takes a file for accepted that no ACK(TRANS.END) accepted.
func FuzzSession(f *testing.F) {
	for _, order := range []bool{false, true} {
		p := &partner{t: f, sync: pesit.SyncOption{Interval: 4, Window: 2}, size: 4096, offers: articles(2, 10)}
		var said []byte
		for _, asked := range []pesit.Kind{
			pesit.Connect, pesit.Create, pesit.Select, pesit.ORF, pesit.Write, pesit.Read, pesit.CRF, pesit.Deselect, pesit.Release,
		} {
			if (asked == pesit.Create || asked == pesit.Write) == order || (asked == pesit.Select || asked == pesit.Read) == !order {
				continue
			}
			for _, answer := range p.answer(pesit.New(asked, them, 0)) {
				var err error
				said, err = pesit.AppendEntity(said, answer)
				require.NoError(f, err)
			}
		}
		f.Add(said, order)
	}
	f.Fuzz(func(t *testing.T, said []byte, receive bool) {
		order := toSend()
		if receive {
			order = toReceive()
		}
		s := begin(t, order)
		sent := s.Open()
		accepted := false
		from := bytes.NewReader(said)
		for {
			entity, err := pesit.ReadEntity(from, nil)
			if err != nil {
				break
			}
			read, err := pesit.DecodeEntity(entity)
			if err != nil {
				break
			}
			for _, one := range read {
				accepted = accepted || (one.Kind == pesit.AckTransEnd && one.Parameters.Diagnostic().OK())
				more, _ := s.Receive(one)
				sent = append(sent, more...)
			}
			if s.Ready() {
				sent = append(sent, s.Write([]byte("content"))...)
			}
			if s.Ready() {
				sent = append(sent, s.End()...)
			}
			sent = append(sent, s.Confirm()...)
		}
		s.Lost()
		asked := slices.ContainsFunc(sent, func(f pesit.FPDU) bool { return f.Kind == pesit.TransEnd })
		if !s.Done() || (s.Delivery() == pesit.Accepted && !accepted) || (s.Delivery() == pesit.NotDelivered) == asked {
			t.Fatalf("%s after %v", s.Delivery(), sent)
		}
		for _, one := range sent {
			if _, err := one.Append(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
