package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

// someReceived are files and notices of two days.
const someReceived = `
insert into received_file (sha256, partner, name, transfer, bytes, bytes_said, state, kind, format, detail, inbox_name, times_received,
                           first_at, last_at, routed_at)
values (decode(repeat('a1', 32), 'hex'), 'bank', 'releve.FR7630006000011234567890189.xml', 't-1', 8542, 8542, 'ROUTED', 'STATEMENT',
        'camt.053.001.08', '', 'releve.FR7630006000011234567890189.xml', 2, '2026-03-01 09:00:00+00', '2026-03-02 09:00:00+00',
        '2026-03-01 09:00:01+00'),
       (decode(repeat('b2', 32), 'hex'), 'bank', 'photo.jpg', '', 3, -1, 'HELD', '', '', 'is of no format that is known here', '', 1,
        '2026-03-01 10:00:00+00', '2026-03-01 10:00:00+00', null);
insert into webhook_notice (key, server, event, transfer, direction, filename, bytes, at, received_at, handled_at)
values (repeat('0', 64), 'bank', 'TRANSFER_COMPLETED', 't-1', 'RECEIVE', 'releve.FR7630006000011234567890189.xml', 8542,
        '2026-03-01 08:59:00+00', '2026-03-01 08:59:01+00', '2026-03-01 09:00:00+00'),
       (repeat('1', 64), 'bank', 'TRANSFER_FAILED', 't-2', 'RECEIVE', 'photo.jpg', 0, '2026-03-02 08:59:00+00', '2026-03-02 08:59:01+00', null)`

func TestReceivedFiles(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	require.Equal(t, "0 received files\n", starter(t, environ, "received").out)
	require.JSONEq(t, `{"files":[]}`, starter(t, environ, "received", "--json").out)
	require.JSONEq(t, `{"notices":[]}`, starter(t, environ, "received", "--notices", "--json").out)
	execute(t, url, someReceived)
	for _, test := range []struct {
		args         []string
		has, hasNone []string
	}{
		{[]string{"received"}, []string{
			"1  a1a1a1a1a1a1  from bank  releve.FR76…0189.xml  8542 bytes  2026-03-01 10:00:00 CET  ROUTED  STATEMENT  camt.053.001.08",
			"came 2 times, last 2026-03-02 10:00:00 CET", "is of no format that is known here\n", "2 received files\n",
		}, nil},
		{[]string{"received", "--held"}, []string{"b2b2b2b2b2b2", "1 received file\n"}, []string{"a1a1"}},
		{[]string{"received", "--kind", "statement"}, []string{"a1a1a1a1a1a1", "1 received file\n"}, []string{"b2b2"}},
		{[]string{"received", "--since", "2026-03-02"}, []string{"1 received file\n"}, []string{"b2b2"}},
		{[]string{"received", "--notices"}, []string{
			"from bank  TRANSFER_COMPLETED  RECEIVE  t-1  releve.FR76…0189.xml", "dealt with 2026-03-01 10:00:00 CET", "open\n", "2 notices\n",
		}, nil},
		{[]string{"received", "--notices", "--since", "2026-03-02"}, []string{"t-2", "1 notice\n"}, []string{"t-1"}},
	} {
		got := starter(t, environ, test.args...)
		require.Zero(t, got.code, got.err)
		asJSON := starter(t, environ, append(test.args, "--json")...)
		require.Zero(t, asJSON.code, asJSON.err)
		for _, has := range test.has {
			require.Contains(t, got.out, has, test.args)
		}
		for _, none := range test.hasNone {
			require.NotContains(t, got.out+asJSON.out, none, test.args)
		}
		require.NotContains(t, got.out+asJSON.out, "FR7630006000011234567890189")
	}
	for _, args := range [][]string{
		{"received", "--kind", "photo"}, {"received", "--since", "soon"}, {"received", "--notices", "--held"}, {"received", "17"},
	} {
		require.Equal(t, command.ExitInput, starter(t, environ, args...).code, args)
	}
}

func TestDecisionsOnReceivedFiles(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	environ = append(environ, "REGLO_OPERATOR_ACTORS=alice,bruno")
	execute(t, url, someReceived)
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"received", "route", "2", "--reason", "r"}, "--as is missing"},
		{[]string{"received", "route", "2", "--as", "photo", "--reason", "r"}, "--as \"photo\" is none"},
		{[]string{"received", "route", "2", "--as", "cre"}, "--reason is missing"},
		{[]string{"received", "route", "2", "--as", "cre", "--actor", "mallory", "--reason", "r"}, "\"mallory\" is not an operator"},
		{[]string{"received", "route", "1", "--as", "cre", "--actor", "alice", "--reason", "r"}, "file 1 is ROUTED"},
		{[]string{"received", "discard", "9", "--actor", "alice", "--reason", "r"}, "no file 9 came"},
		{[]string{"received", "discard", "--actor", "alice", "--reason", "r"}, "accepts 1 arg(s)"},
	} {
		got := starter(t, environ, test.args...)
		require.Equal(t, command.ExitInput, got.code, test.args)
		require.Contains(t, got.err, test.says, test.args)
	}
	for _, says := range []string{"received file 2 is STORED: the next reception deals with it\n", "received file 2: decided so before, it is STORED\n"} {
		got := starter(t, environ, "received", "route", "2", "--as", "cre", "--name", "CRE.txt", "--actor", "alice", "--reason", "asked")
		require.Zero(t, got.code, got.err)
		require.Equal(t, says, got.out)
	}
	execute(t, url, `update received_file set state = 'HELD' where number = 2`)
	got := starter(t, environ, "received", "discard", "b2b2b2b2b2b2", "--actor", "bruno", "--reason", "of nobody", "--json")
	require.Zero(t, got.code, got.err)
	require.JSONEq(t, `{"file":2,"state":"DISCARDED","again":false}`, got.out)
	got = starter(t, environ, "acts")
	require.Contains(t, got.out, "bruno  discard-received  received file 2  HELD → DISCARDED")
	require.Contains(t, got.out, "alice  route-received    received file 2  HELD → STORED as CRE")
}
