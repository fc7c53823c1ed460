package config_test

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
)

func TestTheChosenTechnologyIsComplete(t *testing.T) {
	t.Parallel()
	const (
		sftp = "channel:\n  technology: sftp\n  sftp:\n    address: bank:22\n    user: reglo\n    host_keys: known_hosts\n    folder: in\n"
		rest = "channel:\n  technology: pesit-rest\n  pesit_rest:\n    url: https://product:9081\n    server: 2\n    partner: REGLO\n" +
			"    virtual_file: VIREMENTS\n"
		pesit = "channel:\n  technology: pesit\n  pesit:\n    address: bank:5000\n    requester: REGLO\n    server: BANK\n"
	)
	tests := map[string]struct {
		yaml      string
		variables []string
		wrong     []string // the settings, none where it is right
	}{
		"nothing chosen":        {},
		"what is not chosen":    {yaml: "channel:\n  sftp:\n    user: reglo\n"},
		"no technology":         {yaml: "channel: {technology: ftp}\n", wrong: []string{"channel.technology"}},
		"any rate":              {yaml: "channel: {rate: 0}\n"},
		"no rate":               {yaml: "channel: {rate: -1}\n", wrong: []string{"channel.rate"}},
		"sftp, a key":           {yaml: sftp + "    key_file: key\n"},
		"sftp, a password":      {yaml: sftp, variables: []string{"REGLO_CHANNEL_SFTP_PASSWORD=s3cret"}},
		"sftp, its file":        {yaml: sftp + "    password_file: password\n"},
		"sftp, neither":         {yaml: sftp, wrong: []string{"channel.sftp.key_file"}},
		"sftp, two of them":     {yaml: sftp + "    key_file: key\n    password: s3cret\n", wrong: []string{"channel.sftp.key_file"}},
		"sftp, both passwords":  {yaml: sftp + "    password_file: password\n    password: s3cret\n", wrong: []string{"channel.sftp.password"}},
		"sftp, nothing":         {variables: []string{"REGLO_CHANNEL_TECHNOLOGY=sftp"}, wrong: []string{"channel.sftp.address", "channel.sftp.user", "channel.sftp.host_keys", "channel.sftp.folder", "channel.sftp.key_file"}},
		"sftp, no port":         {yaml: sftp + "    key_file: key\n", variables: []string{"REGLO_CHANNEL_SFTP_ADDRESS=bank"}, wrong: []string{"channel.sftp.address"}},
		"sftp, a hidden one":    {yaml: sftp + "    key_file: key\n", variables: []string{"REGLO_CHANNEL_SFTP_ADDRESS=reglo:s3cret@bank:22"}, wrong: []string{"channel.sftp.address"}},
		"sftp, no truth":        {yaml: sftp + "    key_file: key\n    keeps: often\n", wrong: []string{"channel.sftp.keeps"}},
		"sftp, no time":         {yaml: sftp + "    key_file: key\n    silence_timeout: 0s\n", wrong: []string{"channel.sftp.silence_timeout"}},
		"sftp, files for us":    {yaml: sftp + "    key_file: key\n    in_folder: out\n    in_age: 5m\n    in_keeps: true\n"},
		"rest, a key":           {yaml: rest + "    key: s3cret\n"},
		"rest, its file":        {yaml: rest, variables: []string{"REGLO_CHANNEL_PESIT_REST_KEY_FILE=key"}},
		"rest, no key":          {yaml: rest, wrong: []string{"channel.pesit_rest.key"}},
		"rest, nobody asks":     {yaml: rest + "    auth: none\n"},
		"rest, a key for none":  {yaml: rest + "    auth: none\n    key: s3cret\n", wrong: []string{"channel.pesit_rest.auth"}},
		"rest, no such way":     {yaml: rest + "    auth: basic\n    key: s3cret\n", wrong: []string{"channel.pesit_rest.auth"}},
		"rest, no such dialect": {yaml: rest + "    dialect: v2\n    key: s3cret\n", wrong: []string{"channel.pesit_rest.dialect"}},
		"rest, agreed files":    {yaml: rest + "    key: s3cret\n  receive:\n    files: RELEVES:RELEVE_{yyyyMMdd}.120,RETOURS:RETOURS_{ddd}.240\n"},
		"rest, no such day":     {yaml: rest + "    key: s3cret\n  receive:\n    files: RELEVES:RELEVE_{yyyy}.120\n", wrong: []string{"channel.receive.files"}},
		"v1, no folders":        {yaml: rest + "    dialect: v1\n    key: s3cret\n", wrong: []string{"channel.pesit_rest.folder", "channel.pesit_rest.folder_at_peer"}},
		"v1, a relative folder": {yaml: rest + "    dialect: v1\n    key: s3cret\n    folder: here\n    folder_at_peer: /there\n", wrong: []string{"channel.pesit_rest.folder"}},
		"v1":                    {yaml: rest + "    dialect: v1\n    key: s3cret\n    folder: /here\n    folder_at_peer: /there\n"},
		"pesit":                 {yaml: pesit},
		"pesit, nothing":        {variables: []string{"REGLO_CHANNEL_TECHNOLOGY=pesit"}, wrong: []string{"channel.pesit.address", "channel.pesit.requester", "channel.pesit.server"}},
		"pesit, two passwords":  {yaml: pesit + "    password: s3cret\n    password_file: password\n", wrong: []string{"channel.pesit.password"}},
		"pesit, a certificate":  {yaml: pesit + "    cert_file: cert\n    key_file: key\n"},
		"pesit, without a key":  {yaml: pesit + "    cert_file: cert\n", wrong: []string{"channel.pesit.key_file"}},
		"pesit, only a key":     {yaml: pesit + "    key_file: key\n", wrong: []string{"channel.pesit.cert_file"}},
		"pesit, in clear":       {yaml: pesit + "    tls: false\n    password: s3cret\n"},
		"pesit, no TLS at all":  {yaml: pesit + "    tls: false\n    ca_file: ca\n", wrong: []string{"channel.pesit.tls"}},
		"pesit, a long record":  {yaml: pesit + "    record: 65536\n", wrong: []string{"channel.pesit.record"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, test.yaml, test.variables, nil)
			if test.wrong == nil {
				require.NoError(t, err)
				require.NotContains(t, got.Redacted(), "s3cret")
				return
			}
			var wrong []string
			for _, problem := range problems(t, err) {
				wrong = append(wrong, problem.Setting)
			}
			require.Equal(t, test.wrong, wrong, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestChannelDefaults(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Equal(t, &config.Channel{
		Technology: config.TechnologyDirectory, Rate: 600,
		SFTP:      config.SFTP{InAge: time.Minute, Connect: 30 * time.Second, Silence: 2 * time.Minute},
		PesitREST: config.PesitREST{Dialect: "upload", Auth: "bearer", Wait: 10 * time.Minute, Poll: 2 * time.Second},
		Pesit:     config.Pesit{TLS: true, Connect: 30 * time.Second, Reply: 30 * time.Second, Commit: 2 * time.Minute},
	}, got.Channel)
}

func TestSecretsOfChannelsHaveNoFlag(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.NotNil(t, flags.Lookup("channel-sftp-password-file"))
	for _, secret := range []string{"channel-sftp-password", "channel-pesit-rest-key", "channel-pesit-password"} {
		require.Nil(t, flags.Lookup(secret), "a secret in the list of processes")
	}
}
