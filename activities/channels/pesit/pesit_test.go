package pesit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	channel "github.com/reglo/reglo/activities/channels/pesit"
	partner "github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/domain/pesit"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	name     = "MONEXTEUR20260317001.xml"
	password = "SESAME42"
	// impatience is how long a partner that is to say nothing is waited for.
	impatience = 250 * time.Millisecond
)

var errTest = errors.New("of the test")

func clock() time.Time { return time.Date(2026, 3, 17, 10, 15, 0, 0, time.UTC) }

// file is one of that content.
func file(content []byte) channels.File {
	return channels.File{
		Name: name, Correlation: "5b3a9c1e-0000-4000-8000-000000000001", Bytes: int64(len(content)), SHA256: sha256.Sum256(content),
		Write: func(to io.Writer) error {
			_, err := to.Write(content)
			return err
		},
	}
}

// text is so many bytes, none like its neighbours.
func text(length int) []byte {
	written := make([]byte, length)
	for i := range written {
		written[i] = byte('A' + i%23)
	}
	return written
}

// bank is a stand-in with its folders.
type bank struct {
	*partner.Server

	kept, offered string
}

func open(t testing.TB, change ...func(*partner.Settings)) *bank {
	t.Helper()
	b := &bank{kept: t.TempDir(), offered: t.TempDir()}
	settings := partner.Settings{
		Name: "BANK", Partners: map[string]string{"REGLO": password}, Kept: b.kept, Offered: b.offered,
		Sync: pesit.SyncOption{Interval: 1, Window: 2},
	}
	for _, changed := range change {
		changed(&settings)
	}
	var err error
	b.Server, err = partner.Listen(t.Context(), "127.0.0.1:0", settings)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// settings are those with which the bank is called.
func (b *bank) settings() channel.Settings {
	return channel.Settings{Address: b.Address(), Requester: "REGLO", Server: "BANK", Password: pesit.NewPassword(password), Flow: "VIREMENTS"}
}

// left are the files of the bank's folder.
func (b *bank) left(t testing.TB) []string {
	t.Helper()
	found, err := os.ReadDir(b.kept)
	require.NoError(t, err)
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].Name()
	}
	return names
}

func calls(t testing.TB, settings channel.Settings) *channel.Channel {
	t.Helper()
	made, err := channel.New(settings, clock)
	require.NoError(t, err)
	return made
}

// tap remembers what a channel tried to send.
type tap struct {
	net.Conn

	mu   *sync.Mutex
	sent *[]byte
}

func (c tap) Write(from []byte) (int, error) {
	c.mu.Lock()
	*c.sent = append(*c.sent, from...)
	c.mu.Unlock()
	return c.Conn.Write(from)
}

// ear counts what a channel is sent.
type ear struct {
	net.Conn

	heard *int64
}

func (c ear) Read(to []byte) (int, error) {
	n, err := c.Conn.Read(to)
	*c.heard += int64(n)
	return n, err
}

// tapped gives what the channel tries to send.
func tapped(made *channel.Channel) (sent func() []byte) {
	var mu sync.Mutex
	var all []byte
	made.Tap(func(conn net.Conn) net.Conn { return tap{conn, &mu, &all} })
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// announced tells whether TRANS.END is among what was sent.
func announced(t testing.TB, sent []byte) bool {
	t.Helper()
	from := bytes.NewReader(sent)
	for {
		entity, err := pesit.ReadEntity(from, nil)
		if err != nil {
			require.Equal(t, io.EOF, err, "messages go whole")
			return false
		}
		read, err := pesit.DecodeEntity(entity)
		require.NoError(t, err)
		if read[0].Kind == pesit.TransEnd {
			return true
		}
	}
}

func TestAFileIsSentWhole(t *testing.T) {
	t.Parallel()
	for label, change := range map[string]func(*channel.Settings){
		"variable articles":         func(*channel.Settings) {},
		"records":                   func(s *channel.Settings) { s.Record = 240 },
		"records together":          func(s *channel.Settings) { s.Record, s.Several = 240, true },
		"records in parts":          func(s *channel.Settings) { s.Record = 960 },
		"without points":            func(s *channel.Settings) { s.Sync = pesit.SyncOption{Interval: 0, Window: 1} },
		"unacknowledged points":     func(s *channel.Settings) { s.Sync = pesit.SyncOption{Interval: 1} },
		"for somebody":              func(s *channel.Settings) { s.Client, s.Bank = "CLIENT", "BANK" },
		"under its own name":        func(s *channel.Settings) { s.Flow = "" },
		"points where one likes it": func(s *channel.Settings) { s.Sync = pesit.SyncOption{Interval: pesit.Undefined, Window: 1} },
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			b := open(t, func(s *partner.Settings) { s.EntitySize = 512 })
			settings := b.settings()
			settings.EntitySize = 1000
			change(&settings)
			content := text(240 * 100)
			outcome, err := calls(t, settings).Send(t.Context(), file(content))
			require.NoError(t, err)
			require.Equal(t, transfer.Sent, outcome.State, outcome.Detail)
			require.Contains(t, outcome.Detail, "24000 bytes")
			kept, err := os.ReadFile(filepath.Join(b.kept, name))
			require.NoError(t, err)
			require.True(t, bytes.Equal(content, kept))
			require.NoError(t, b.Drain())
			require.Equal(t, []partner.Kept{{Name: name, Bytes: 24000, SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}}, b.Kept())
			require.Equal(t, []string{name}, b.left(t))
		})
	}
}

// certified makes a certificate for 127.0.0.1, and who trusts it.
func certified(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bank"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate)
	server = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	return server, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server, client := certified(t)
	b := open(t, func(s *partner.Settings) { s.TLS = server })
	require.NoError(t, os.WriteFile(filepath.Join(b.offered, "REPORT"), text(5000), 0o600))

	settings := b.settings()
	settings.TLS = client
	made := calls(t, settings)
	outcome, err := made.Send(t.Context(), file(text(100_000)))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	var came bytes.Buffer
	_, err = made.Fetch(t.Context(), "REPORT", &came)
	require.NoError(t, err)
	require.True(t, bytes.Equal(text(5000), came.Bytes()))

	settings.TLS = &tls.Config{MinVersion: tls.VersionTLS12} // trusts others
	_, err = calls(t, settings).Send(t.Context(), file(text(10)))
	require.ErrorIs(t, err, channels.ErrNotSent)
	settings.TLS = nil // speaks to who wants TLS
	settings.Reply = impatience
	_, err = calls(t, settings).Send(t.Context(), file(text(10)))
	require.ErrorIs(t, err, channels.ErrNotSent)
	require.Len(t, b.Kept(), 1)

	settings.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // it is refused
	_, err = channel.New(settings, clock)
	require.ErrorIs(t, err, channel.ErrUnchecked)
	settings.TLS, settings.Address = client, "nowhere"
	_, err = channel.New(settings, clock)
	require.Error(t, err)
}

// TestWhereverTheConnectionIsCut: the connection ends at each byte that the bank
// receives, and at each that it sends. What the channel says is what the bank
// holds, or that nobody knows; and that only where TRANS.END went and no
// acknowledgement came.
func TestWhereverTheConnectionIsCut(t *testing.T) {
	t.Parallel()
	content := text(2500)
	whole := open(t)
	made := calls(t, whole.settings())
	sent := tapped(made)
	heard := new(int64)
	made.Tap(func(conn net.Conn) net.Conn { return ear{conn, heard} })
	outcome, err := made.Send(t.Context(), file(content))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	going, coming := int64(len(sent())), *heard

	counts := make(map[transfer.State]int)
	var mu sync.Mutex
	var cases sync.WaitGroup
	slots := make(chan struct{}, 8)
	try := func(label string, faults partner.Faults) {
		slots <- struct{}{}
		cases.Go(func() {
			defer func() { <-slots }()
			state := judged(t, label, content, faults)
			mu.Lock()
			counts[state]++
			mu.Unlock()
		})
	}
	for cut := int64(1); cut <= going+1; cut += step(cut, going) {
		try(fmt.Sprintf("cut when %d bytes had come", cut), partner.Faults{CutReceived: cut})
	}
	for cut := int64(1); cut <= coming+1; cut++ {
		try(fmt.Sprintf("cut when %d bytes had gone", cut), partner.Faults{CutSent: cut})
	}
	cases.Wait()
	t.Logf("%v", counts)
	for _, state := range []transfer.State{transfer.Sent, transfer.Prepared, transfer.Unknown} {
		require.Positive(t, counts[state], state)
	}
}

// step goes byte by byte where messages are, and faster through the content.
func step(at, all int64) int64 {
	if at > 300 && at < all-300 {
		return 17
	}
	return 1
}

// judged sends to a bank at which something goes wrong, holds what the
// channel says against what the bank has, and goes on as the dispatch of bulks does: a file
// that was not sent is sent again. PREPARED stands for that.
func judged(t *testing.T, label string, content []byte, faults partner.Faults) transfer.State {
	t.Helper()
	b := open(t)
	b.SetFaults(faults)
	settings := b.settings()
	settings.Reply, settings.Commit = 20*impatience, 20*impatience
	if faults.Silent != nil {
		settings.Reply, settings.Commit = impatience, impatience
	}
	made := calls(t, settings)
	sent := tapped(made)
	outcome, err := made.Send(t.Context(), file(content))
	if err != nil {
		outcome.State = transfer.Prepared
		checkf(t, label, errors.Is(err, channels.ErrNotSent), "%v", err)
		checkf(t, label, !strings.Contains(err.Error(), password), "%v", err)
	}
	checkf(t, label, announced(t, sent()) == (outcome.State != transfer.Prepared), "%s, %s, %v", outcome.State, outcome.Detail, err)
	checkf(t, label, !strings.Contains(outcome.Detail, password), "%s", outcome.Detail)
	if outcome.State == transfer.Prepared {
		b.SetFaults(partner.Faults{})
		again, err := calls(t, b.settings()).Send(t.Context(), file(content))
		checkf(t, label, err == nil && again.State == transfer.Sent, "again: %v, %v", again, err)
	}
	checkf(t, label, b.Drain() == nil, "drain")
	copies := len(b.Kept())
	switch outcome.State {
	case transfer.Prepared, transfer.Sent:
		checkf(t, label, copies == 1, "%s, %d copies", outcome.State, copies)
	case transfer.Unknown:
		checkf(t, label, copies <= 1, "%d copies", copies)
	default:
		checkf(t, label, false, "%s", outcome.State)
	}
	checkf(t, label, len(b.left(t)) == copies, "%v stays behind", b.left(t))
	return outcome.State
}

// checkf is for goroutines other than the test's own.
func checkf(t *testing.T, label string, holds bool, format string, values ...any) {
	t.Helper()
	if !holds {
		t.Errorf("%s: %s", label, fmt.Sprintf(format, values...))
	}
}

// TestFaultsAtEachMessage: what goes wrong, times where, gives what is said and what is held.
func TestFaultsAtEachMessage(t *testing.T) {
	t.Parallel()
	requests := []pesit.Kind{
		pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.DTF, pesit.Syn, pesit.DTFEnd, pesit.TransEnd, pesit.CRF, pesit.Deselect, pesit.Release,
	}
	// What the channel says when the bank stops at that request, before it deals with it, and after.
	before := func(kind pesit.Kind) transfer.State {
		switch kind {
		case pesit.DTFEnd, pesit.TransEnd:
			return transfer.Unknown // they go together
		case pesit.CRF, pesit.Deselect, pesit.Release:
			return transfer.Sent
		default:
			return transfer.Prepared
		}
	}
	kinds := func(kind pesit.Kind) []pesit.Kind { return []pesit.Kind{kind} }
	diagnosed := func(kind pesit.Kind) map[pesit.Kind]pesit.Diagnostic {
		return map[pesit.Kind]pesit.Diagnostic{kind: pesit.Reason(310)}
	}
	for _, kind := range requests {
		for label, faults := range map[string]partner.Faults{
			"cut before":  {CutBefore: kinds(kind)},
			"cut after":   {CutAfter: kinds(kind)},
			"silent at":   {Silent: kinds(kind)},
			"abort at":    {Abort: diagnosed(kind)},
			"nonsense at": {Garbage: kinds(kind)},
			"refused":     {Refuse: diagnosed(kind)},
		} {
			label += " " + kind.String()
			want := before(kind)
			if label == "refused DTF.END" || label == "refused RELEASE" {
				continue // nobody can refuse them
			}
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				require.Equal(t, want, judged(t, label, text(2500), faults))
			})
		}
	}
	answers := map[pesit.Kind]transfer.State{
		pesit.AConnect: transfer.Prepared, pesit.AckCreate: transfer.Prepared, pesit.AckORF: transfer.Prepared, pesit.AckWrite: transfer.Prepared,
		pesit.AckSyn: transfer.Prepared, pesit.AckTransEnd: transfer.Unknown, pesit.AckCRF: transfer.Sent, pesit.AckDeselect: transfer.Sent,
		pesit.RelConf: transfer.Sent,
	}
	for kind, want := range answers {
		t.Run("cut before "+kind.String(), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, judged(t, "cut before "+kind.String(), text(2500), partner.Faults{CutBefore: kinds(kind)}))
		})
	}
}

// TestTheLastAcknowledgement: the three ways in which a bank that holds the file, or does not, leaves it open.
func TestTheLastAcknowledgement(t *testing.T) {
	t.Parallel()
	refused := map[pesit.Kind]pesit.Diagnostic{pesit.TransEnd: pesit.Reason(223)}
	for label, want := range map[string]struct {
		faults partner.Faults
		copies int
		says   string
	}{
		"lost":                           {partner.Faults{CutBefore: []pesit.Kind{pesit.AckTransEnd}}, 1, "did not come back"},
		"of other counts":                {partner.Faults{WrongCounts: true}, 1, "2501 bytes"},
		"a refusal, and the file held":   {partner.Faults{Refuse: refused, KeepRefused: true}, 1, "2 223 (the transfer ended abnormally)"},
		"a refusal, and nothing is held": {partner.Faults{Refuse: refused}, 0, "2 223 (the transfer ended abnormally)"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.SetFaults(want.faults)
			outcome, err := calls(t, b.settings()).Send(t.Context(), file(text(2500)))
			require.NoError(t, err)
			require.Equal(t, transfer.Unknown, outcome.State)
			require.Contains(t, outcome.Detail, want.says)
			require.NoError(t, b.Drain())
			require.Len(t, b.Kept(), want.copies)
		})
	}
}

func aborts(kind pesit.Kind) map[pesit.Kind]pesit.Diagnostic {
	return map[pesit.Kind]pesit.Diagnostic{kind: pesit.Reason(316)}
}

// broken is a connection that fails at its nth write.
type broken struct {
	net.Conn

	left *int
}

func (c broken) Write(from []byte) (int, error) {
	*c.left--
	if *c.left == 0 {
		return 0, errTest
	}
	return c.Conn.Write(from)
}

// TestAWriteThatFails: as long as it is not that of the end, nothing was sent;
// content never goes together with its end.
func TestAWriteThatFails(t *testing.T) {
	t.Parallel()
	for _, option := range []pesit.SyncOption{{}, {Interval: 1}, {Interval: 1, Window: 1}} {
		b := open(t, func(s *partner.Settings) { s.Sync = option })
		states := make(map[transfer.State]int)
		for nth := 1; states[transfer.Sent] == 0; nth++ {
			settings := b.settings()
			settings.Reply = impatience // the bank, to which nothing is wrong, says nothing more
			made := calls(t, settings)
			left := nth
			made.Tap(func(conn net.Conn) net.Conn { return broken{conn, &left} })
			sent := tapped(made)
			outcome, err := made.Send(t.Context(), file(text(2500)))
			if err != nil {
				require.ErrorIs(t, err, channels.ErrNotSent)
				require.ErrorIs(t, err, errTest)
				outcome.State = transfer.Prepared
			}
			require.Equal(t, announced(t, sent()), outcome.State != transfer.Prepared)
			states[outcome.State]++
		}
		require.Equal(t, 1, states[transfer.Unknown], "the one write of the end")
		require.GreaterOrEqual(t, states[transfer.Prepared], 5, "CONNECT, CREATE, ORF, WRITE and content")
	}
}

// TestABankThatNobodyListensTo: without points that are acknowledged, a bank is heard
// when it takes nothing more, and tells why all the same.
func TestABankThatNobodyListensTo(t *testing.T) {
	t.Parallel()
	content := text(8 << 20) // more than the system's buffers hold
	for label, want := range map[string]struct {
		faults partner.Faults
		says   string
	}{
		"it hangs up":        {partner.Faults{CutReceived: 100_000}, ""},
		"it says nothing":    {partner.Faults{Silent: []pesit.Kind{pesit.Write}}, "took too long"},
		"it takes nothing":   {partner.Faults{Deaf: []pesit.Kind{pesit.DTFDA}}, "took too long"},
		"it aborts":          {partner.Faults{Abort: aborts(pesit.Write)}, "3 316"},
		"it aborts, is deaf": {partner.Faults{Abort: aborts(pesit.DTFDA), Deaf: []pesit.Kind{pesit.DTFDA}}, "3 316"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			b := open(t, func(s *partner.Settings) { s.Sync = pesit.SyncOption{} })
			b.SetFaults(want.faults)
			settings := b.settings()
			settings.Reply = 3 * impatience
			made := calls(t, settings)
			made.Tap(func(conn net.Conn) net.Conn {
				require.NoError(t, conn.(*net.TCPConn).SetWriteBuffer(64<<10))
				return conn
			})
			sent := tapped(made)
			_, err := made.Send(t.Context(), file(content))
			require.ErrorIs(t, err, channels.ErrNotSent)
			require.Contains(t, err.Error(), want.says)
			require.Less(t, len(sent()), len(content))
			require.NoError(t, b.Close())
			require.Empty(t, b.Kept())
		})
	}
}

// TestEachDiagnosticAtEachRequest: a refusal says what it is; before the whole file went, it is of a
// file that was not sent.
func TestEachDiagnosticAtEachRequest(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := calls(t, b.settings())
	for _, kind := range []pesit.Kind{pesit.Connect, pesit.Create, pesit.ORF, pesit.Write, pesit.DTF} {
		for _, diagnostic := range pesit.Diagnostics()[1:] {
			b.SetFaults(partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{kind: diagnostic}})
			_, err := made.Send(t.Context(), file(text(3000)))
			require.ErrorIs(t, err, channels.ErrNotSent)
			refusal, ok := errors.AsType[*pesit.RefusalError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, diagnostic, refusal.Diagnostic)
			require.Contains(t, err.Error(), diagnostic.String())
		}
	}
	require.NoError(t, b.Drain())
	require.Empty(t, b.Kept())
	require.Empty(t, b.left(t))
}

func TestABankThatDoesNotKnowUs(t *testing.T) {
	t.Parallel()
	b := open(t, func(s *partner.Settings) { s.RefuseRepeats = true })
	for label, change := range map[string]struct {
		change func(*channel.Settings)
		reason uint16
	}{
		"another bank":   {func(s *channel.Settings) { s.Server = "OTHER" }, 301},
		"another caller": {func(s *channel.Settings) { s.Requester = "OTHER" }, 304},
		"no password":    {func(s *channel.Settings) { s.Password = pesit.Password{} }, 304},
		"a wrong one":    {func(s *channel.Settings) { s.Password = pesit.NewPassword("GUESSED") }, 304},
	} {
		settings := b.settings()
		change.change(&settings)
		_, err := calls(t, settings).Send(t.Context(), file(text(10)))
		require.ErrorIs(t, err, channels.ErrNotSent, label)
		refusal, ok := errors.AsType[*pesit.RefusalError](err)
		require.True(t, ok, label)
		require.Equal(t, pesit.Reason(change.reason), refusal.Diagnostic, label)
		require.NotContains(t, err.Error(), "GUESSED")
	}
	made := calls(t, b.settings())
	outcome, err := made.Send(t.Context(), file(text(10)))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	_, err = made.Send(t.Context(), file(text(10)))
	require.ErrorIs(t, err, channels.ErrNotSent)
	require.Contains(t, err.Error(), "2 204 (the file exists already)")
	require.Len(t, b.Kept(), 1)
}

func TestWhatIsSaidAfterTheFileWasAccepted(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.SetFaults(partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.Deselect: pesit.Reason(225)}})
	outcome, err := calls(t, b.settings()).Send(t.Context(), file(text(10)))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	require.Contains(t, outcome.Detail, "2 225 (the file arrived, but could not be passed on)")
}

func TestAFileThatIsNotWhatItSays(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := calls(t, b.settings())
	records := b.settings()
	records.Record = 240
	for label, spoil := range map[string]func(*channels.File){
		"shorter":        func(f *channels.File) { f.Bytes++ },
		"longer":         func(f *channels.File) { f.Bytes-- },
		"another":        func(f *channels.File) { f.SHA256[0]++ },
		"fails":          func(f *channels.File) { f.Write = func(io.Writer) error { return errTest } },
		"fails half-way": func(f *channels.File) { f.Write = half(errTest) },
		"stops half-way": func(f *channels.File) { f.Write = half(nil) },
		"no name":        func(f *channels.File) { f.Name = "../x" },
	} {
		spoilt := file(text(3000))
		spoil(&spoilt)
		sent := tapped(made)
		_, err := made.Send(t.Context(), spoilt)
		require.ErrorIs(t, err, channels.ErrNotSent, label)
		require.False(t, announced(t, sent()), label)
	}
	_, err := calls(t, records).Send(t.Context(), file(text(241)))
	require.ErrorIs(t, err, channels.ErrNotSent, "no whole number of records")
	require.NoError(t, b.Drain())
	require.Empty(t, b.left(t))

	_, err = made.Send(t.Context(), file(text(10)))
	require.ErrorIs(t, err, channels.ErrNotSent, "nobody listens")
}

// half writes half of a content.
func half(err error) func(io.Writer) error {
	return func(to io.Writer) error {
		_, failed := to.Write(text(1500))
		return errors.Join(failed, err)
	}
}

func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	for kind, want := range map[pesit.Kind]transfer.State{pesit.Create: transfer.Prepared, pesit.TransEnd: transfer.Unknown, pesit.CRF: transfer.Sent} {
		b := open(t)
		b.SetFaults(partner.Faults{Silent: []pesit.Kind{kind}})
		settings := b.settings()
		settings.Reply = impatience
		made := calls(t, settings)
		ctx, cancel := context.WithCancelCause(t.Context())
		if kind == pesit.TransEnd {
			// The caller goes, once the whole file has: long before CommitTimeout.
			sent := tapped(made)
			made.Tap(func(conn net.Conn) net.Conn { return gone{conn, func() bool { return announced(t, sent()) }, cancel} })
		}
		outcome, err := made.Send(ctx, file(text(10)))
		if err != nil {
			outcome.State = transfer.Prepared
			require.ErrorIs(t, err, channels.ErrNotSent)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
		require.Equal(t, want, outcome.State)
		cancel(nil)
	}
	// Content may take its time: the partner is not waited for meanwhile.
	b := open(t)
	settings := b.settings()
	settings.Reply = impatience
	slow := file(text(3000))
	slow.Write = func(to io.Writer) error {
		for part := range slices.Chunk(text(3000), 1000) {
			<-time.After(2 * impatience)
			if _, err := to.Write(part); err != nil {
				return err
			}
		}
		return nil
	}
	outcome, err := calls(t, settings).Send(t.Context(), slow)
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
}

// gone cancels the call once something is so.
type gone struct {
	net.Conn

	so     func() bool
	cancel context.CancelCauseFunc
}

func (c gone) Write(from []byte) (int, error) {
	n, err := c.Conn.Write(from)
	if c.so() {
		c.cancel(errTest)
	}
	return n, err
}

func TestASlowBankIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.SetFaults(partner.Faults{Slow: 5 * time.Millisecond})
	outcome, err := calls(t, b.settings()).Send(t.Context(), file(text(5000)))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
}

func TestALookUpNeverKnows(t *testing.T) {
	t.Parallel()
	b := open(t)
	made := calls(t, b.settings())
	require.NotContains(t, fmt.Sprintf("%+v %#v", made, *made), password)
	outcome, err := made.LookUp(t.Context(), file(text(10)))
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, outcome.State)
	require.Contains(t, outcome.Detail, name)
	require.Contains(t, outcome.Detail, fmt.Sprintf("transfer %d", channel.TransferID(file(nil).Correlation)))
	_, err = made.LookUp(t.Context(), channels.File{Name: ".hidden"})
	require.ErrorIs(t, err, channels.ErrName)
}

func TestSettingsWithWhichNoSessionBegins(t *testing.T) {
	t.Parallel()
	for _, spoil := range []func(*channel.Settings){
		func(s *channel.Settings) { s.Requester = "" },
		func(s *channel.Settings) { s.Password = pesit.NewPassword("SEVENTEEN_LETTERS") },
		func(s *channel.Settings) { s.EntitySize = 10 },
	} {
		settings := (&bank{Server: open(t).Server}).settings()
		spoil(&settings)
		_, err := channel.New(settings, clock)
		_, ok := errors.AsType[*pesit.OrderError](err)
		require.True(t, ok, "%v", err)
		require.NotContains(t, err.Error(), "SEVENTEEN")
		require.NotContains(t, fmt.Sprintf("%+v", settings), password)
	}
}

// synced is a place that content is brought to.
type synced struct {
	bytes.Buffer

	syncs int
	err   error
}

func (s *synced) Sync() error {
	s.syncs++
	return s.err
}

func TestAFileIsReceivedWhole(t *testing.T) {
	t.Parallel()
	for label, change := range map[string]func(*partner.Settings, *channel.Settings){
		"variable articles": func(*partner.Settings, *channel.Settings) {},
		"records":           func(s *partner.Settings, _ *channel.Settings) { s.Fixed = 120 },
		"records in parts":  func(s *partner.Settings, _ *channel.Settings) { s.Fixed, s.EntitySize = 240, 130 },
		"without points":    func(s *partner.Settings, _ *channel.Settings) { s.Sync = pesit.SyncOption{} },
		"points unanswered": func(_ *partner.Settings, c *channel.Settings) { c.Sync = pesit.SyncOption{Interval: 8} },
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			var asked channel.Settings
			var given partner.Settings
			b := open(t, func(s *partner.Settings) { change(s, &asked); given = *s })
			content := text(120 * 200)
			require.NoError(t, os.WriteFile(filepath.Join(b.offered, "REPORT"), content, 0o600))
			settings := b.settings()
			settings.Sync = asked.Sync
			var came synced
			fetched, err := calls(t, settings).Fetch(t.Context(), "REPORT", &came)
			require.NoError(t, err)
			require.True(t, bytes.Equal(content, came.Bytes()))
			require.Equal(t, int64(len(content)), fetched.Bytes)
			require.True(t, fetched.File.Counted)
			require.Equal(t, "REPORT", fetched.File.FileName)
			require.Equal(t, given.Fixed > 0, fetched.File.Format == pesit.Fixed)
			require.Equal(t, 1, came.syncs)
			require.NoError(t, b.Drain())
			require.Equal(t, []string{"REPORT"}, b.Given())
		})
	}
}

func TestWhatIsReceivedIsJudged(t *testing.T) {
	t.Parallel()
	kinds := func(kind pesit.Kind) []pesit.Kind { return []pesit.Kind{kind} }
	for label, want := range map[string]struct {
		faults partner.Faults
		name   string
		to     io.Writer
		given  int // how many the bank takes for received
		syncs  int
		is     error
	}{
		"no such file":          {name: "OTHER", is: channels.ErrNoFile},
		"truncated":             {faults: partner.Faults{Truncate: 1000}, given: 1},
		"of other counts":       {faults: partner.Faults{WrongCounts: true}, given: 1},
		"cut in the content":    {faults: partner.Faults{CutSent: 700}},
		"cut before its end":    {faults: partner.Faults{CutBefore: kinds(pesit.DTFEnd)}},
		"the end says no":       {faults: partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.DTFEnd: pesit.Reason(213)}}},
		"unconfirmed":           {faults: partner.Faults{CutBefore: kinds(pesit.AckTransEnd)}, given: 1, is: channel.ErrUnconfirmed},
		"confirmed to nobody":   {faults: partner.Faults{CutBefore: kinds(pesit.TransEnd)}, is: channel.ErrUnconfirmed},
		"refused at the end":    {faults: partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.TransEnd: pesit.Reason(319)}}},
		"refused":               {faults: partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.Read: pesit.Reason(213)}}},
		"not to be written":     {to: failing{}, is: errTest},
		"not to be kept":        {to: &synced{err: errTest}, syncs: 1, is: errTest},
		"no end to keep":        {to: &synced{}, faults: partner.Faults{Refuse: map[pesit.Kind]pesit.Diagnostic{pesit.DTFEnd: pesit.Reason(213)}}},
		"a name that is no one": {name: "É"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.SetFaults(want.faults)
			require.NoError(t, os.WriteFile(filepath.Join(b.offered, "REPORT"), text(5000), 0o600))
			if want.name == "" {
				want.name = "REPORT"
			}
			var came bytes.Buffer
			if want.to == nil {
				want.to = &came
			}
			fetched, err := calls(t, b.settings()).Fetch(t.Context(), want.name, want.to)
			require.Error(t, err)
			if safe, ok := want.to.(*synced); ok {
				require.Equal(t, want.syncs, safe.syncs)
			}
			if want.is != nil {
				require.ErrorIs(t, err, want.is)
			}
			if errors.Is(err, channel.ErrUnconfirmed) {
				require.True(t, bytes.Equal(text(5000), came.Bytes()))
				require.Equal(t, int64(5000), fetched.Bytes)
			} else {
				require.Zero(t, fetched)
			}
			require.NoError(t, b.Drain())
			require.Len(t, b.Given(), want.given)
		})
	}
}

// failing is a place that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errTest }

// pattern is content of any length that takes no memory.
type pattern struct {
	part []byte
	left int64
}

func (p *pattern) Read(to []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := copy(to[:min(int64(len(to)), p.left)], p.part)
	p.left -= int64(n)
	return n, nil
}

// TestALargeFileHardlyAllocate: 40 MB go, and come, in the memory of a few messages.
func TestALargeFileHardlyAllocate(t *testing.T) {
	const (
		size  = 40 << 20
		limit = 4 << 20 // the heap may grow by, bank included
	)
	b := open(t, func(s *partner.Settings) {
		s.EntitySize, s.Sync = 32_000, pesit.SyncOption{Interval: 64, Window: 4}
	})
	large := func() *pattern { return &pattern{part: text(32 << 10), left: size} }
	hash := sha256.New()
	_, err := io.Copy(hash, large())
	require.NoError(t, err)

	base := heap()
	most := base
	sending := file(nil)
	sending.Bytes, sending.SHA256 = size, [sha256.Size]byte(hash.Sum(nil))
	sending.Write = func(to io.Writer) error {
		from := large()
		for part := range 10 {
			if _, err := io.CopyN(to, from, size/10+int64(part/9*(size%10))); err != nil {
				return err
			}
			most = max(most, heap())
		}
		return nil
	}
	outcome, err := calls(t, b.settings()).Send(t.Context(), sending)
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	require.Equal(t, fmt.Sprintf("%x", sending.SHA256), b.Kept()[0].SHA256)

	require.NoError(t, os.Rename(filepath.Join(b.kept, name), filepath.Join(b.offered, name)))
	came := sha256.New()
	fetched, err := calls(t, b.settings()).Fetch(t.Context(), name, io.MultiWriter(came, &sampler{most: &most}))
	require.NoError(t, err)
	require.Equal(t, int64(size), fetched.Bytes)
	require.Equal(t, sending.SHA256[:], came.Sum(nil))
	t.Logf("the heap grew by %d KB", (most-base)>>10)
	require.Less(t, most-base, uint64(limit))
}

// heap is what is in use.
func heap() uint64 {
	runtime.GC() //nolint:revive // what is in use is counted, not what waits to be collected
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// sampler looks at the heap now and then.
type sampler struct {
	most   *uint64
	writes int
}

func (s *sampler) Write(from []byte) (int, error) {
	s.writes++
	if s.writes%8192 == 0 {
		*s.most = max(*s.most, heap())
	}
	return len(from), nil
}
