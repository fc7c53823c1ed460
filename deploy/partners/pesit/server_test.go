package pesit_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	partner "github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/domain/pesit"
)

// caller is a partner's side by hand: message by message.
type caller struct {
	t    *testing.T
	conn net.Conn
	them byte
}

const us = 9

// say sends messages, each an entity.
func (c *caller) say(messages ...pesit.FPDU) *caller {
	c.t.Helper()

	for _, message := range messages {
		entity, err := pesit.AppendEntity(nil, message)
		require.NoError(c.t, err)

		_, err = c.conn.Write(entity)
		require.NoError(c.t, err)
	}

	return c
}

// hears waits for a message, and gives its diagnostic's reason.
func (c *caller) hears(kind pesit.Kind) pesit.FPDU {
	c.t.Helper()

	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(5*time.Second)))

	entity, err := pesit.ReadEntity(c.conn, nil)
	require.NoError(c.t, err)

	read, err := pesit.DecodeEntity(entity)
	require.NoError(c.t, err)
	require.Equal(c.t, kind.String(), read[0].Kind.String())
	require.Equal(c.t, byte(us), read[0].Dst)

	return read[0]
}

func (c *caller) reason(kind pesit.Kind) uint16 {
	c.t.Helper()

	return c.hears(kind).Parameters.Diagnostic().Reason
}

func (c *caller) message(kind pesit.Kind, parameters ...pesit.Parameter) pesit.FPDU {
	return pesit.New(kind, c.them, 0, parameters...)
}

func (c *caller) ok(kind pesit.Kind) pesit.FPDU { return c.message(kind, pesit.Success.Parameter()) }

func (c *caller) point(kind pesit.Kind, number uint64) pesit.FPDU {
	return c.message(kind, pesit.Number(pesit.SyncNumber, number))
}

func (c *caller) content(kind pesit.Kind, text string) pesit.FPDU {
	return pesit.FPDU{Kind: kind, Dst: c.them, Data: []byte(text)}
}

func (c *caller) create(name string, format, length uint64) pesit.FPDU {
	return c.message(
		pesit.Create, pesit.Number(pesit.FileType, 0).In(pesit.FileID), pesit.Text(pesit.FileName, name).In(pesit.FileID),
		pesit.Number(pesit.TransferID, 1), pesit.Number(pesit.Priority, 1), pesit.Number(pesit.EntitySize, 1000),
		pesit.Number(pesit.ArticleFormat, format).In(pesit.LogicalAttributes), pesit.Number(pesit.ArticleLength, length).In(pesit.LogicalAttributes),
		pesit.Number(pesit.Reservation, 1).In(pesit.PhysicalAttributes),
	)
}

func (c *caller) end(bytes, articles uint64) pesit.FPDU {
	return c.message(pesit.TransEnd, pesit.Number(pesit.ByteCount, bytes), pesit.Number(pesit.ArticleCount, articles))
}

func (c *caller) connect() {
	c.t.Helper()
	c.say(pesit.New(
		pesit.Connect, 0, us, pesit.Text(pesit.Requester, "REGLO"), pesit.Text(pesit.Server, "BANK"), pesit.Text(pesit.AccessControl, "SESAME"),
		pesit.Number(pesit.Version, 2), pesit.Number(pesit.Access, 0), pesit.SyncOption{Interval: 4, Window: 9}.Parameter(),
	))
	accepted := c.hears(pesit.AConnect)
	require.Equal(c.t, pesit.SyncOption{Interval: 1, Window: 2}, accepted.Parameters.SyncOption(), "the narrower of both")

	c.them = accepted.Src
}

// writing is a caller whose content is awaited.
func (c *caller) writing(name string, format, length uint64) {
	c.t.Helper()
	c.say(c.create(name, format, length))
	created := c.hears(pesit.AckCreate)
	require.True(c.t, created.Parameters.Diagnostic().OK())
	require.Equal(c.t, uint64(500), created.Parameters.Number(pesit.EntitySize))
	require.Zero(c.t, c.say(c.message(pesit.ORF)).reason(pesit.AckORF))
	require.Zero(c.t, c.say(c.message(pesit.Write)).reason(pesit.AckWrite))
}

// call opens a bank, and a connection to it.
func call(t *testing.T) (*partner.Server, string, *caller) {
	t.Helper()

	folder := t.TempDir()
	server, err := partner.Listen(t.Context(), "127.0.0.1:0", partner.Settings{
		Name: "BANK", Partners: map[string]string{"REGLO": "SESAME"}, Kept: folder, Offered: folder,
		EntitySize: 500, Sync: pesit.SyncOption{Interval: 1, Window: 2},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })

	return server, folder, &caller{t: t, conn: conn}
}

func TestFilesAreKeptCopyByCopy(t *testing.T) {
	t.Parallel()

	server, folder, c := call(t)
	c.connect()

	for range 2 {
		c.writing("A", pesit.Fixed, 3)
		c.say(c.content(pesit.DTF, "abc"), c.content(pesit.DTFDA, "d"), c.content(pesit.DTFMA, "e"), c.content(pesit.DTFFA, "f"))
		c.say(pesit.FPDU{Kind: pesit.DTF, Dst: c.them, Src: 2, Data: []byte("\x00\x03ghi\x00\x03jkl")}, c.point(pesit.Syn, 1))
		require.Equal(t, uint64(1), c.hears(pesit.AckSyn).Parameters.Number(pesit.SyncNumber))
		acknowledged := c.say(c.ok(pesit.DTFEnd), c.end(12, 4)).hears(pesit.AckTransEnd)
		require.True(t, acknowledged.Parameters.Diagnostic().OK())
		require.Equal(t, uint64(12), acknowledged.Parameters.Number(pesit.ByteCount))
		require.Equal(t, uint64(4), acknowledged.Parameters.Number(pesit.ArticleCount))
		require.Zero(t, c.say(c.ok(pesit.CRF)).reason(pesit.AckCRF))
		require.Zero(t, c.say(c.ok(pesit.Deselect)).reason(pesit.AckDeselect))
	}

	c.say(pesit.New(pesit.Release, c.them, us, pesit.Success.Parameter())).hears(pesit.RelConf)
	require.NoError(t, server.Drain())
	require.Len(t, server.Kept(), 2)

	for _, name := range []string{"A", "A.2"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.Equal(t, "abcdefghijkl", string(text))
	}

	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 2)
}

func TestAFileIsGiven(t *testing.T) {
	t.Parallel()

	server, folder, c := call(t)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "R"), []byte(strings.Repeat("x", 3000)), 0o600))
	c.connect()

	reads := func(name string) pesit.FPDU {
		c.say(c.message(
			pesit.Select, pesit.Number(pesit.FileType, 0).In(pesit.FileID), pesit.Text(pesit.FileName, name).In(pesit.FileID),
			pesit.Number(pesit.TransferID, 0), pesit.Number(pesit.Priority, 1), pesit.Number(pesit.EntitySize, 1000),
		))

		return c.hears(pesit.AckSelect)
	}

	for _, name := range []string{"../R", ".R", "S"} {
		require.Equal(t, uint16(205), reads(name).Parameters.Diagnostic().Reason)
	}

	require.Equal(t, uint64(1024), reads("R").Parameters.Number(pesit.ArticleLength))
	require.Zero(t, c.say(c.message(pesit.ORF)).reason(pesit.AckORF))
	require.Zero(t, c.say(c.message(pesit.Read, pesit.Number(pesit.RestartPoint, 0))).reason(pesit.AckRead))

	var got bytes.Buffer

	for number := range uint64(3) {
		parts := []pesit.Kind{pesit.DTFDA, pesit.DTFMA, pesit.DTFFA}
		if number == 2 {
			parts = []pesit.Kind{pesit.DTFDA, pesit.DTFFA} // the last article is the shortest
		}

		for _, kind := range parts {
			got.Write(c.hears(kind).Data)
		}

		if number < 2 {
			c.hears(pesit.Syn)
			c.say(c.point(pesit.AckSyn, number+1))
		}
	}

	require.Zero(t, c.reason(pesit.DTFEnd))
	require.Equal(t, 3000, got.Len())
	require.Equal(t, uint16(319), c.say(c.end(2999, 3)).reason(pesit.AckTransEnd), "not what went")
	require.Empty(t, server.Given())
	require.Zero(t, c.say(c.end(3000, 3)).reason(pesit.AckTransEnd))
	require.Equal(t, []string{"R"}, server.Given())
}

// TestAPartnerIsJudged: what the stand-in lets through, the engine may do.
func TestAPartnerIsJudged(t *testing.T) {
	t.Parallel()

	kilobyte := strings.Repeat("x", 400)

	for label, wrong := range map[string]struct {
		format uint64
		say    func(*caller) []pesit.FPDU
		kind   pesit.Kind
		reason uint16
	}{
		"content behind its end": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.ok(pesit.DTFEnd), c.content(pesit.DTF, "A")}
		}, pesit.Abort, 311},
		"an end before the content's": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.end(0, 0)}
		}, pesit.Abort, 311},
		"an article too long": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTFDA, kilobyte), c.content(pesit.DTFFA, "x")}
		}, pesit.Abort, 220},
		"a record too short": {pesit.Fixed, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTF, kilobyte[1:])}
		}, pesit.Abort, 220},
		"content without points": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTF, kilobyte), c.content(pesit.DTF, kilobyte), c.content(pesit.DTF, kilobyte)}
		}, pesit.Abort, 222},
		"a point out of order": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTF, "A"), c.point(pesit.Syn, 2)}
		}, pesit.Abort, 311},
		"other bytes": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTF, "A"), c.ok(pesit.DTFEnd), c.end(2, 1)}
		}, pesit.AckTransEnd, 319},
		"other articles": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{c.content(pesit.DTF, "A"), c.ok(pesit.DTFEnd), c.end(1, 2)}
		}, pesit.AckTransEnd, 319},
		"another connection's": {pesit.Variable, func(c *caller) []pesit.FPDU {
			return []pesit.FPDU{{Kind: pesit.DTF, Dst: c.them + 1}}
		}, pesit.Abort, 311},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()

			server, folder, c := call(t)
			c.connect()
			c.writing("A", wrong.format, 400)
			require.Equal(t, wrong.reason, c.say(wrong.say(c)...).reason(wrong.kind))
			require.NoError(t, c.conn.Close())
			require.NoError(t, server.Drain())
			require.Empty(t, server.Kept())

			left, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestNamesStayInTheirFolder(t *testing.T) {
	t.Parallel()

	_, _, c := call(t)
	c.connect()

	for _, name := range []string{"../A", "/A", ".A", "A/B", `A\B`, ".."} {
		require.Equal(t, uint16(226), c.say(c.create(name, pesit.Variable, 10)).reason(pesit.AckCreate), name)
	}
}
