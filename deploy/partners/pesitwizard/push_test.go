package pesitwizard_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/pesitwizard"
)

const hookSecret = "a secret of the test"

// told is what a webhook heard.
type told struct {
	Event    string `json:"event"`
	Transfer struct {
		ID        string `json:"id"`
		Direction string `json:"direction"`
		Filename  string `json:"filename"`
		LocalPath string `json:"localPath"`
		Size      int64  `json:"size"`
	} `json:"transfer"`
}

// ears is a webhook.
type ears struct {
	lock   sync.Mutex
	heard  []told
	forged int
}

func (e *ears) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	e.lock.Lock()
	defer e.lock.Unlock()
	if r.Header.Get("X-Webhook-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		e.forged++
		return
	}
	var one told
	if json.Unmarshal(body, &one) == nil {
		e.heard = append(e.heard, one)
	}
}

func (e *ears) listen(t testing.TB, p *play) {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	status, _ := p.do(t, http.MethodPost, "/api/webhooks", "application/json",
		strings.NewReader(`{"url":"`+server.URL+`","events":["TRANSFER_COMPLETED","TRANSFER_FAILED"],"secret":"`+hookSecret+`"}`))
	require.Equal(t, http.StatusCreated, status)
}

func (e *ears) all(p *play) ([]told, int) {
	p.Settle()
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.heard, e.forged
}

func (p *play) get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+path, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestTheBankPushesAFile(t *testing.T) {
	t.Parallel()
	p, e := start(t), new(ears)
	e.listen(t, p)
	require.NoError(t, os.WriteFile(filepath.Join(p.offered, "STATEMENT.XML"), []byte("abcd"), 0o600))

	status, pushed := p.do(t, http.MethodPost, "/stand-in/push/STATEMENT.XML", "", nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "COMPLETED", pushed["status"])
	require.Equal(t, "RECEIVE", pushed["direction"])
	require.InDelta(t, 4, pushed["size"], 0)
	id := pushed["id"].(string)

	heard, _ := e.all(p)
	require.Len(t, heard, 1)
	require.Equal(t, "TRANSFER_COMPLETED", heard[0].Event)
	require.Equal(t, id, heard[0].Transfer.ID)
	require.Equal(t, "RECEIVE", heard[0].Transfer.Direction)
	require.Equal(t, "STATEMENT.XML", heard[0].Transfer.Filename)
	require.Equal(t, int64(4), heard[0].Transfer.Size)

	// The older API gives the content, the newer one its path.
	status, content := p.get(t, "/api/transfers/"+id+"/download")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "abcd", content)
	_, shown := p.do(t, http.MethodGet, "/api/v1/transfers/"+id, "", nil)
	require.Equal(t, "FIRST", shown["serverName"])
	require.Equal(t, p.arrived, filepath.Dir(shown["localFilename"].(string)))
	require.Equal(t, heard[0].Transfer.LocalPath, shown["localFilename"])
	arrived, err := os.ReadFile(shown["localFilename"].(string))
	require.NoError(t, err)
	require.Equal(t, "abcd", string(arrived))

	for _, none := range []string{"NONE.XML", ".hidden", "..%2Freceived"} {
		status, _ := p.do(t, http.MethodPost, "/stand-in/push/"+none, "", nil)
		require.Equal(t, http.StatusNotFound, status, none)
	}
	heard, _ = e.all(p)
	require.Len(t, heard, 1)
}

func TestTheBankPushesAllThatIsNew(t *testing.T) {
	t.Parallel()
	p, e := start(t), new(ears)
	e.listen(t, p)
	offer := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(p.offered, name), []byte(content), 0o600))
	}
	names := func() []string {
		ids, err := p.PushAll(t.Context())
		require.NoError(t, err)
		pushed := []string{}
		for _, id := range ids {
			_, shown := p.do(t, http.MethodGet, "/api/v1/transfers/"+id, "", nil)
			pushed = append(pushed, shown["remoteFilename"].(string))
		}
		return pushed
	}
	offer("B.XML", "b")
	offer("A.XML", "a")
	offer(".hidden", "h")
	require.NoError(t, os.Mkdir(filepath.Join(p.offered, "FOLDER"), 0o700))
	require.Equal(t, []string{"A.XML", "B.XML"}, names())
	require.Empty(t, names())
	offer("B.XML", "another b")
	require.Equal(t, []string{"B.XML"}, names())
	status, body := p.get(t, "/stand-in/push")
	require.Equal(t, http.StatusMethodNotAllowed, status, body)

	offer("C.XML", "c")
	p.Break(pesitwizard.Fault{Kind: pesitwizard.Refused, Text: "0x0300C8", Times: 1})
	require.Equal(t, []string{"C.XML"}, names())
	require.Equal(t, []string{"C.XML"}, names(), "what did not come is brought again")
	heard, _ := e.all(p)
	require.Len(t, heard, 5)
	failed := 0
	for _, one := range heard {
		if one.Event == "TRANSFER_FAILED" {
			failed++
		}
	}
	require.Equal(t, 1, failed)
}

func TestFaultsOfAPush(t *testing.T) {
	t.Parallel()
	p, e := start(t), new(ears)
	e.listen(t, p)
	require.NoError(t, os.WriteFile(filepath.Join(p.offered, "A.XML"), []byte("abcdef"), 0o600))
	p.Break(pesitwizard.Fault{Kind: pesitwizard.TruncatedReceive, At: 2, Times: 1},
		pesitwizard.Fault{Kind: pesitwizard.WebhookTwice, Times: 1}, pesitwizard.Fault{Kind: pesitwizard.WebhookForged, Times: 1})
	status, pushed := p.do(t, http.MethodPost, "/stand-in/push/A.XML", "", nil)
	require.Equal(t, http.StatusOK, status)
	heard, forged := e.all(p)
	require.Len(t, heard, 2)
	require.Equal(t, heard[0], heard[1])
	require.Equal(t, 1, forged)
	require.Equal(t, int64(6), heard[0].Transfer.Size, "it says that all came")
	_, content := p.get(t, "/api/transfers/"+pushed["id"].(string)+"/download")
	require.Equal(t, "ab", content)
}
