package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBuying posts what a browser would, and tells where the platform sends it.
func TestBuying(t *testing.T) {
	t.Parallel()
	var posted string
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.PostForm.Get("signature") != "sig+/=" {
			http.Error(w, "wrong signature", http.StatusBadRequest)
			return
		}
		posted = r.URL.RequestURI() + " " + r.PostForm.Encode()
		http.Redirect(w, r, "https://shop.example/paid", http.StatusSeeOther)
	}))
	t.Cleanup(platform.Close)
	buy := func(form string, arguments ...string) (string, error) {
		var out bytes.Buffer
		command := newProgram(&out)
		command.SetIn(strings.NewReader(strings.ReplaceAll(form, "URL", platform.URL+"/vads-payment/")))
		command.SetArgs(append([]string{"buy", "-"}, arguments...))
		err := command.ExecuteContext(t.Context())
		return out.String(), err
	}

	const form = `{"url":"URL","fields":[{"name":"vads_amount","value":"1999"},{"name":"vads_order_id","value":"é&="}],"signature":"sig+/="}`
	said, err := buy(form, "--decision", "refuse")
	require.NoError(t, err)
	require.JSONEq(t, `{"status":303,"location":"https://shop.example/paid"}`, said)
	require.Equal(t, "/vads-payment/?pay=refuse signature=sig%2B%2F%3D&vads_amount=1999&vads_order_id=%C3%A9%26%3D", posted)

	_, err = buy(strings.Replace(form, "sig+", "other", 1))
	require.ErrorContains(t, err, "400 Bad Request: wrong signature")
	for name, wrong := range map[string]string{"no JSON": "<html>", "no signature": `{"url":"URL"}`, "no address": `{"signature":"s"}`} {
		_, err = buy(wrong)
		require.ErrorContains(t, err, "read the form", name)
	}
}
