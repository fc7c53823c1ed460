package pesitrest_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/domain/transfer"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	right := pesitrest.Settings{
		URL: "https://pesit.example:9443", Dialect: pesitrest.V1, Auth: pesitrest.AuthAPIKey, Key: key, Server: "BANK",
		Partner: "REGLO", VirtualFile: "VIREMENTS", Folder: "/var/lib/reglo/pesit", FolderAtPeer: "/data/reglo",
	}
	_, err := pesitrest.New(right)
	require.NoError(t, err)
	for says, change := range map[string]func(*pesitrest.Settings){
		"begins with https":            func(s *pesitrest.Settings) { s.URL = "http://pesit.example" },
		"of the form":                  func(s *pesitrest.Settings) { s.URL = "https://user:geheim@pesit.example" },
		"form https://host":            func(s *pesitrest.Settings) { s.URL = "https://geheim\x7f" },
		"URL is not":                   func(s *pesitrest.Settings) { s.URL = "" },
		"dialect":                      func(s *pesitrest.Settings) { s.Dialect = "v2" },
		"authentication is one of":     func(s *pesitrest.Settings) { s.Auth = "" },
		"there is a key":               func(s *pesitrest.Settings) { s.Auth = pesitrest.AuthNone },
		"key is missing":               func(s *pesitrest.Settings) { s.Key = "" },
		"no header takes":              func(s *pesitrest.Settings) { s.Key = "geheim\r\nX: y" },
		"server's name":                func(s *pesitrest.Settings) { s.Server = "../x" },
		"its number":                   func(s *pesitrest.Settings) { s.Dialect = pesitrest.Upload },
		"partner":                      func(s *pesitrest.Settings) { s.Partner = "" },
		"virtual file":                 func(s *pesitrest.Settings) { s.VirtualFile = "A B" },
		"change hands":                 func(s *pesitrest.Settings) { s.Folder = "data" },
		"at the product":               func(s *pesitrest.Settings) { s.FolderAtPeer = "/data/${partner}" },
		"times":                        func(s *pesitrest.Settings) { s.Wait = -1 },
		"is no absolute path\nsetting": func(s *pesitrest.Settings) { s.Folder, s.FolderAtPeer = "", "" },
	} {
		settings := right
		change(&settings)
		_, err := pesitrest.New(settings)
		require.ErrorIs(t, err, pesitrest.ErrSettings, says)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "geheim")
	}
	for _, change := range []func(*pesitrest.Settings){
		func(s *pesitrest.Settings) { s.URL = "http://localhost:9081" },
		func(s *pesitrest.Settings) { s.URL = "http://[::1]:9081" },
		func(s *pesitrest.Settings) { s.URL, s.AllowPlain = "http://pesit.example:9081", true },
		func(s *pesitrest.Settings) { s.Auth, s.Key = pesitrest.AuthNone, "" },
	} {
		settings := right
		change(&settings)
		_, err := pesitrest.New(settings)
		require.NoError(t, err)
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", right, right, right), key)
	text, err := right.Key.MarshalText()
	require.NoError(t, err)
	require.NotContains(t, string(text), key)
}

// upload is a channel to a server of the test's.
func upload(t testing.TB, change func(*pesitrest.Settings)) *pesitrest.Channel {
	t.Helper()
	settings := pesitrest.Settings{
		Dialect: pesitrest.Upload, Auth: pesitrest.AuthBearer, Key: key, Server: "2", Partner: "REGLO", VirtualFile: "VIREMENTS",
	}
	change(&settings)
	channel, err := pesitrest.New(settings)
	require.NoError(t, err)
	return channel
}

// TestTheForm is what the product is documented to take, and nothing more.
func TestTheForm(t *testing.T) {
	t.Parallel()
	var form map[string][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		if err := r.ParseMultipartForm(1 << 20); err != nil { //nolint:gosec // it is limited above
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		form = r.MultipartForm.Value
		for field, files := range r.MultipartForm.File {
			form["a file as "+field] = []string{files[0].Filename}
		}
		form["auth"] = r.Header["Authorization"]
		_, _ = io.WriteString(w, `{"id":"7","status":"COMPLETED","size":3,"more":{"is":"ignored"}}`)
	}))
	t.Cleanup(server.Close)
	outcome, err := upload(t, func(s *pesitrest.Settings) { s.URL = server.URL }).Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, channels.Outcome{State: transfer.Sent, Detail: "transfer 7"}, outcome)
	require.Equal(t, map[string][]string{
		"serverId": {"2"}, "remoteFilename": {name}, "partnerId": {"REGLO"}, "virtualFile": {"VIREMENTS"},
		"a file as file": {name}, "auth": {"Bearer " + key},
	}, form)
}

// TestAnswersThatProveNothing: none of them is SENT.
func TestAnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	for about, answer := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "no state": `{"id":"7","size":3}`, "no transfer": `{"status":"COMPLETED","size":3}`,
		"another size": `{"id":"7","status":"COMPLETED","size":4}`, "two sizes": `{"id":"7","status":"COMPLETED","size":3,"bytesTransferred":2}`,
		"found another":  `{"id":"7","status":"COMPLETED","size":3,"fileSize":9}`,
		"a size of text": `{"id":"7","status":"COMPLETED","size":"3"}`, "lower case": `{"id":"7","status":"completed","size":3}`,
		"the other way":   `{"id":"7","status":"COMPLETED","size":3,"direction":"RECEIVE"}`,
		"another file":    `{"id":"7","status":"COMPLETED","size":3,"remoteFilename":"X.xml"}`,
		"another content": `{"id":"7","status":"COMPLETED","size":3,"checksum":"` + strings.Repeat("0", 64) + `"}`,
		"still under way": `{"id":"7","status":"IN_PROGRESS","size":3}`, "refused with data": `{"id":"7","status":"FAILED","size":3,"diagnosticCode":"301"}`,
		"a path for a name":  `{"id":"../7","status":"COMPLETED","size":3,"diagnosticCode":"301"}`,
		"cancelled, refused": `{"id":"7","status":"CANCELLED","diagnosticCode":"301"}`,
		"two documents":      `{"id":"7","status":"COMPLETED","size":3}{}`,
		"too long":           `{"id":"7","status":"COMPLETED","size":3}` + strings.Repeat(" ", 300_000),
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, answer)
		}))
		outcome, err := upload(t, func(s *pesitrest.Settings) { s.URL = server.URL }).Send(t.Context(), holding("one"))
		require.NotErrorIs(t, err, channels.ErrNotSent, about)
		if err == nil {
			require.Equal(t, transfer.Unknown, outcome.State, about)
		}
		server.Close()
	}
}

// TestAnAnswerWithoutEnd is not read to its end.
func TestAnAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusInternalServerError} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}))
		_, err := upload(t, func(s *pesitrest.Settings) { s.URL = server.URL }).Send(t.Context(), holding("one"))
		require.Error(t, err)
		require.NotErrorIs(t, err, channels.ErrNotSent)
		server.Close()
	}
}

// TestWhatIsRefusedInProse: nothing of it is repeated.
func TestWhatIsRefusedInProse(t *testing.T) {
	t.Parallel()
	const prose = "FR7630006000011234567890189 of Elise"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"timestamp":"2026-03-17T10:30:05Z","status":400,"error":"VALIDATION_ERROR","message":"`+prose+
			`","path":"/x","fieldErrors":[{"field":"partnerId","message":"`+prose+`","rejectedValue":"`+prose+`"},{"field":"`+prose+`"}]}`)
	}))
	t.Cleanup(server.Close)
	_, err := upload(t, func(s *pesitrest.Settings) { s.URL = server.URL }).Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent)
	require.ErrorContains(t, err, "400 VALIDATION_ERROR for partnerId")
	require.NotContains(t, err.Error(), "FR76")
	require.NotContains(t, err.Error(), "Elise")
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"id":"7","status":"COMPLETED","size":3}`)
	})
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	outcome, err := upload(t, func(s *pesitrest.Settings) { s.URL, s.Roots = server.URL, roots }).Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)

	_, err = upload(t, func(s *pesitrest.Settings) { s.URL = server.URL }).Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent, "whose certificate nobody knows gets nothing")
	require.ErrorContains(t, err, "certificate")

	old := httptest.NewUnstartedServer(answer)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // to be refused
	old.StartTLS()
	t.Cleanup(old.Close)
	_, err = upload(t, func(s *pesitrest.Settings) { s.URL, s.Roots = old.URL, roots }).Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent)
}

// TestTheProxyThatIsSet, and no other.
func TestTheProxyThatIsSet(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"id":"7","status":"COMPLETED","size":3}`)
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	_, err = upload(t, func(s *pesitrest.Settings) {
		s.URL, s.AllowPlain, s.Proxy = "http://pesit.invalid:9081/base", true, through
	}).Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, "http://pesit.invalid:9081/base/api/transfers/send", asked.Load())
}

// TestALargeFileDoesNotAllocate: a file of 40 MB is sent and received in buffers that are used again, on both sides.
func TestALargeFileDoesNotAllocate(t *testing.T) {
	const (
		size  = 40 << 20
		limit = 8 << 20 // in all that is allocated, by us and by the stand-in
	)
	line := []byte(content(64 << 10))
	hash := sha256.New()
	write := func(to io.Writer) error {
		for range size / len(line) {
			if _, err := to.Write(line); err != nil {
				return err
			}
		}
		return nil
	}
	require.NoError(t, write(hash))
	file := channels.File{Name: name, Correlation: correlation, Bytes: size, Write: write}
	copy(file.SHA256[:], hash.Sum(nil))
	for _, dialect := range dialects() {
		s := startSite(t, dialect, nil)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		outcome, err := s.Send(t.Context(), file)
		require.NoError(t, err)
		require.Equal(t, transfer.Sent, outcome.State)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(limit), dialect)
		require.Equal(t, fmt.Sprintf("%x", file.SHA256), s.product.Kept()[0].SHA256)

		require.NoError(t, os.Rename(filepath.Join(s.received, name), filepath.Join(s.offered, statement)))
		runtime.ReadMemStats(&before)
		received, err := s.Receive(t.Context(), asking())
		require.NoError(t, err)
		got, err := s.Download(t.Context(), received, io.Discard)
		require.NoError(t, err)
		require.Equal(t, pesitrest.Content{Bytes: size, SHA256: file.SHA256}, got)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(limit), dialect)
	}
}
