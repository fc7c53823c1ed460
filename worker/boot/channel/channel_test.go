package channel_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/activities/channels/pace"
	"github.com/reglo/reglo/activities/channels/pesit"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/worker/boot/channel"
	"github.com/reglo/reglo/worker/boot/config"
)

// settle puts a file beside the others of a test.
func settle(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestTheChannelOfEachTechnology(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	known := "SFTP_HOST_KEYS=" + settle(t, folder, "known_hosts", "")
	server := []string{"TECHNOLOGY=sftp", "SFTP_ADDRESS=bank:22", "SFTP_USER=reglo", "SFTP_FOLDER=in"}
	product := []string{
		"TECHNOLOGY=pesit-rest", "PESIT_REST_URL=https://product:9081", "PESIT_REST_SERVER=2", "PESIT_REST_PARTNER=REGLO",
		"PESIT_REST_VIRTUAL_FILE=VIREMENTS",
	}
	bank := []string{"TECHNOLOGY=pesit", "PESIT_ADDRESS=bank:5000", "PESIT_REQUESTER=REGLO", "PESIT_SERVER=BANK"}
	key := "PESIT_REST_KEY_FILE=" + settle(t, folder, "secret", "s3cret\n")
	tests := map[string]struct {
		settings, more []string
		want           channels.Channel
		wrong          []string // what the error says, none for no error
	}{
		"directory":           {want: &directory.Channel{}},
		"a password":          {settings: server, more: []string{known, "SFTP_PASSWORD=s3cret"}, want: &sftp.Channel{}},
		"a password's file":   {settings: server, more: []string{known, "SFTP_PASSWORD_FILE=" + settle(t, folder, "password", "s3cret\n")}, want: &sftp.Channel{}},
		"no password's file":  {settings: server, more: []string{known, "SFTP_PASSWORD_FILE=/nowhere"}, wrong: []string{"channel.sftp.password_file", "/nowhere: no such file"}},
		"an empty one":        {settings: server, more: []string{known, "SFTP_PASSWORD_FILE=" + settle(t, folder, "empty", "\n")}, wrong: []string{"channel.sftp.password_file", "one line"}},
		"two lines":           {settings: server, more: []string{known, "SFTP_PASSWORD_FILE=" + settle(t, folder, "two", "s3cret\nanother\n")}, wrong: []string{"channel.sftp.password_file", "one line"}},
		"a long one":          {settings: server, more: []string{known, "SFTP_PASSWORD_FILE=" + settle(t, folder, "long", strings.Repeat("s3cret", 1<<18))}, wrong: []string{"channel.sftp.password_file", "too long"}},
		"no private key":      {settings: server, more: []string{known, "SFTP_KEY_FILE=" + settle(t, folder, "key", "s3cret")}, wrong: []string{"channel.technology", "sftp", "key file", "REGLO_CHANNEL_TECHNOLOGY"}},
		"no host keys":        {settings: server, more: []string{"SFTP_HOST_KEYS=/nowhere", "SFTP_PASSWORD=s3cret"}, wrong: []string{"channel.technology", "/nowhere"}},
		"a product":           {settings: product, more: []string{key}, want: &pesitrest.Channel{}},
		"no number":           {settings: product, more: []string{key, "PESIT_REST_SERVER=BANK"}, wrong: []string{"channel.technology", "the server is its number"}},
		"no TLS":              {settings: product, more: []string{key, "PESIT_REST_URL=http://product:9081"}, wrong: []string{"channel.technology", "https"}},
		"a network of ours":   {settings: product, more: []string{key, "PESIT_REST_URL=http://product:9081", "PESIT_REST_ALLOW_PLAIN=true"}, want: &pesitrest.Channel{}},
		"no key's file":       {settings: product, more: []string{"PESIT_REST_KEY_FILE=/nowhere"}, wrong: []string{"channel.pesit_rest.key_file", "/nowhere"}},
		"no certificates":     {settings: product, more: []string{key, "PESIT_REST_CA_FILE=/nowhere"}, wrong: []string{"channel.pesit_rest.ca_file", "/nowhere"}},
		"none in the file":    {settings: product, more: []string{key, "PESIT_REST_CA_FILE=" + settle(t, folder, "ca", "s3cret")}, wrong: []string{"channel.pesit_rest.ca_file", "PEM"}},
		"a proxy":             {settings: product, more: []string{key, "PESIT_REST_PROXY=http://proxy:3128"}, want: &pesitrest.Channel{}},
		"a proxy's password":  {settings: product, more: []string{key, "PESIT_REST_PROXY=http://reglo:s3cret@proxy:3128"}, wrong: []string{"channel.pesit_rest.proxy", "http://host:port"}},
		"a product's":         {settings: product, more: []string{key, "PESIT_REST_URL=https://reglo:s3cret@product"}, wrong: []string{"channel.technology", "https://host:port"}},
		"a product's by name": {settings: product, more: []string{key, "PESIT_REST_DIALECT=v1", "PESIT_REST_FOLDER=" + folder, "PESIT_REST_FOLDER_AT_PEER=/there", "PESIT_REST_SERVER=BANK"}, want: &pesitrest.Channel{}},
		"a bank":              {settings: bank, more: []string{"PESIT_PASSWORD_FILE=" + settle(t, folder, "word", "s3cret")}, want: &pesit.Channel{}},
		"in clear":            {settings: bank, more: []string{"PESIT_TLS=false", "PESIT_PASSWORD=s3cret"}, want: &pesit.Channel{}},
		"a long password":     {settings: bank, more: []string{"PESIT_PASSWORD=s3cret-of-more-than-sixteen"}, wrong: []string{"channel.technology", "pesit"}},
		"no such certificate": {settings: bank, more: []string{"PESIT_CERT_FILE=/nowhere", "PESIT_KEY_FILE=/nowhere"}, wrong: []string{"channel.pesit.cert_file", "/nowhere"}},
		"no authorities":      {settings: bank, more: []string{"PESIT_CA_FILE=/nowhere"}, wrong: []string{"channel.pesit.ca_file", "/nowhere"}},
		"without a password":  {settings: bank, want: &pesit.Channel{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := []string{"TEMPORAL_CONFIG_FILE=/nonexistent", "REGLO_DATA_DIR=" + t.TempDir()}
			for _, one := range slices.Concat(test.settings, test.more) {
				environ = append(environ, "REGLO_CHANNEL_"+one)
			}
			settings, err := config.Load(nil, environ)
			require.NoError(t, err)
			made, err := channel.New(settings, time.Now, pace.New(0))
			require.NotContains(t, settings.Redacted(), "s3cret")
			if test.wrong == nil {
				require.NoError(t, err)
				require.IsType(t, test.want, made)
				return
			}
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
			require.Len(t, wrong.Problems, 1)
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), "s3cret")
			for _, part := range test.wrong {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

// TestTheMailboxOfEachTechnology, none where nothing is received.
func TestTheMailboxOfEachTechnology(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	server := []string{
		"TECHNOLOGY=sftp", "SFTP_ADDRESS=bank:22", "SFTP_USER=reglo", "SFTP_FOLDER=in", "SFTP_PASSWORD=s3cret",
		"SFTP_HOST_KEYS=" + settle(t, folder, "known_hosts", ""),
	}
	product := []string{
		"TECHNOLOGY=pesit-rest", "PESIT_REST_URL=https://product:9081", "PESIT_REST_SERVER=2", "PESIT_REST_PARTNER=REGLO",
		"PESIT_REST_VIRTUAL_FILE=VIREMENTS", "PESIT_REST_KEY=s3cret",
	}
	bank := []string{"TECHNOLOGY=pesit", "PESIT_ADDRESS=bank:5000", "PESIT_REQUESTER=REGLO", "PESIT_SERVER=BANK"}
	files := "RECEIVE_FILES=RELEVES:RELEVE_{yyyyMMdd}.120"
	for name, test := range map[string]struct {
		settings, more []string
		want           channels.Mailbox
		wrong          string
	}{
		"directory":             {},
		"directory, with files": {more: []string{files}},
		"sftp, no folder":       {settings: server},
		"sftp":                  {settings: server, more: []string{"SFTP_IN_FOLDER=out"}, want: &sftp.Mailbox{}},
		"sftp, no host keys":    {settings: server, more: []string{"SFTP_IN_FOLDER=out", "SFTP_HOST_KEYS=/nowhere"}, wrong: "channel.technology"},
		"a product":             {settings: product, want: &pesitrest.Mailbox{}},
		"a product, with files": {settings: product, more: []string{files}, want: &pesitrest.Mailbox{}},
		"a product, no number":  {settings: product, more: []string{"PESIT_REST_SERVER=BANK"}, wrong: "channel.technology"},
		"a bank, no files":      {settings: bank},
		"a bank":                {settings: bank, more: []string{files}, want: &pesit.Mailbox{}},
		"a bank, a password":    {settings: bank, more: []string{files, "PESIT_PASSWORD_FILE=/nowhere"}, wrong: "channel.pesit.password_file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := []string{"TEMPORAL_CONFIG_FILE=/nonexistent", "REGLO_DATA_DIR=" + t.TempDir()}
			for _, one := range slices.Concat(test.settings, test.more) {
				environ = append(environ, "REGLO_CHANNEL_"+one)
			}
			settings, err := config.Load(nil, environ)
			require.NoError(t, err)
			made, err := channel.NewMailbox(settings, time.Now, pace.New(0), slog.New(slog.DiscardHandler))
			switch {
			case test.wrong != "":
				require.ErrorContains(t, err, test.wrong)
				require.Nil(t, made)
			case test.want == nil:
				require.NoError(t, err)
				require.Equal(t, nil, made, "and no pointer in it") //nolint:testifylint // Nil takes a pointer that is nil, too
			default:
				require.NoError(t, err)
				require.IsType(t, test.want, made)
			}
		})
	}
}

// TestCallsAreKeptToTheRate, but not those to a folder of our own.
func TestCallsAreKeptToTheRate(t *testing.T) {
	t.Parallel()
	environ := []string{"TEMPORAL_CONFIG_FILE=/nonexistent", "REGLO_DATA_DIR=" + t.TempDir()}
	folder, err := config.Load(nil, environ)
	require.NoError(t, err)
	made, err := channel.New(folder, time.Now, channel.NewPace(folder))
	require.NoError(t, err)
	require.IsType(t, &directory.Channel{}, made)

	bank, err := config.Load(nil, append(environ, "REGLO_CHANNEL_TECHNOLOGY=pesit", "REGLO_CHANNEL_PESIT_ADDRESS=bank:5000",
		"REGLO_CHANNEL_PESIT_REQUESTER=REGLO", "REGLO_CHANNEL_PESIT_SERVER=BANK", "REGLO_CHANNEL_RATE=1"))
	require.NoError(t, err)
	made, err = channel.New(bank, time.Now, channel.NewPace(bank))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = made.LookUp(ctx, channels.File{Name: "X"})
	require.NoError(t, err, "PeSIT has no look-up: nobody is called")
	_, err = made.LookUp(ctx, channels.File{Name: "X"})
	require.Error(t, err, "it would be a minute")
}
