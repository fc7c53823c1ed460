package divalto_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/divalto"
)

func TestSecretsPrintAsMasks(t *testing.T) {
	t.Parallel()

	const plain = "s3cr3t-token"

	secret := divalto.Secret(plain)
	credentials := divalto.Credentials{User: "reglo", Password: secret}

	var written bytes.Buffer

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&written, verb+verb+"\n", secret, credentials)
	}

	encoded, err := json.Marshal(credentials) //nolint:gosec // what is marshaled is the mask
	require.NoError(t, err)
	written.Write(encoded)

	slog.New(slog.NewTextHandler(&written, nil)).Info("a call", "token", secret, "by", credentials)
	slog.New(slog.NewJSONHandler(&written, nil)).Info("a call", "token", secret, "by", credentials)

	for _, shown := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain)} {
		require.NotContains(t, written.String(), shown)
	}

	require.Contains(t, written.String(), "reglo")
	require.Empty(t, divalto.Secret("").String())
	require.Equal(t, plain, secret.Reveal())
}

func TestAuth(t *testing.T) {
	t.Parallel()

	require.JSONEq(t, `{"user":"u","password":"p\"<é"}`, string(divalto.Auth(divalto.Credentials{User: "u", Password: `p"<é`})))
	require.Contains(t, string(divalto.Auth(divalto.Credentials{Password: "<&>"})), "<&>")
	require.JSONEq(t, `{"user":"u","password":"p","domain":"d","env":"e"}`,
		string(divalto.Auth(divalto.Credentials{User: "u", Password: "p", Domain: "d", Env: "e"})))
}

func TestReadAuth(t *testing.T) {
	t.Parallel()

	for _, body := range []string{
		`{"error":0,"access_token":"a.b.c","txterr":""}`,
		`{"error":"0","access_token":"a.b.c","txterror":null}`,
		`{"access_token":"a.b.c"}`,
		"\ufeff" + `{"error":0,"access_token":"a.b.c"}`,
	} {
		token, err := divalto.ReadAuth([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, "a.b.c", token.Reveal())
	}

	for body, want := range map[string]divalto.AuthError{
		`{"error":5,"access_token":"a.b.c","txterr":"Mot de passe incorrect"}`: {Code: "5", Text: "Mot de passe incorrect"},
		`{"error":"5","txterror":"Utilisateur\r\ninconnu"}`:                    {Code: "5", Text: "Utilisateur  inconnu"},
		`{"error":0,"access_token":""}`:                                        {Code: "0", Text: "no access_token in the reply. "},
		`{"error":0,"access_token":null,"txterr":"Licence"}`:                   {Code: "0", Text: "no access_token in the reply. Licence"},
		`{"error":0,"error":5,"access_token":"a.b.c"}`:                         {},
		`{"error":0,"access_token":"a.b.c"`:                                    {},
		`<html>Bad gateway</html>`:                                             {},
		``:                                                                     {},
		strings.Repeat(" ", divalto.MaxReply) + `{"access_token":"a.b.c"}`:     {},
	} {
		token, err := divalto.ReadAuth([]byte(body))
		require.Empty(t, token)

		var refused *divalto.AuthError

		require.ErrorAs(t, err, &refused)
		require.Equal(t, want, *refused)
		require.NotContains(t, err.Error(), "a.b.c")
		require.NotEmpty(t, err.Error())
	}
}
