package pesitwizard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/pesitwizard"
)

// play starts a product. The caller speaks to it as the documentation of its API says.
type play struct {
	*pesitwizard.Product

	address, received, offered, arrived string
}

func start(t testing.TB) *play {
	t.Helper()
	folder := t.TempDir()
	p := &play{received: filepath.Join(folder, "received"), offered: filepath.Join(folder, "offered"), arrived: filepath.Join(folder, "arrived")}
	var err error
	p.Product, err = pesitwizard.New(pesitwizard.Settings{
		Received: p.received, Offered: p.offered, Arrived: p.arrived, Partner: "US", Clock: time.Now,
		Servers: []pesitwizard.Server{{Number: 1, Name: "FIRST"}, {Number: 2, Name: "SECOND"}},
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	return p
}

func (p *play) do(t testing.TB, method, path, contentType string, body io.Reader) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.address+path, body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var document map[string]any
	if len(text) > 0 && text[0] == '{' {
		require.NoError(t, json.Unmarshal(text, &document))
	}
	return response.StatusCode, document
}

func form(t testing.TB, fields map[string]string, file string) (contentType string, body io.Reader) {
	t.Helper()
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	part, err := writer.CreateFormFile("file", "any")
	require.NoError(t, err)
	_, err = io.WriteString(part, file)
	require.NoError(t, err)
	for field, value := range fields {
		require.NoError(t, writer.WriteField(field, value))
	}
	require.NoError(t, writer.Close())
	return writer.FormDataContentType(), &text
}

func TestTheOlderDialect(t *testing.T) {
	t.Parallel()
	p := start(t)
	fields := map[string]string{"serverId": "1", "remoteFilename": "A.XML", "partnerId": "US", "virtualFile": "V"}
	contentType, body := form(t, fields, "abc")
	status, answer := p.do(t, http.MethodPost, "/api/transfers/send", contentType, body)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "COMPLETED", answer["status"])
	require.InDelta(t, 3, answer["size"], 0)
	kept, err := os.ReadFile(filepath.Join(p.received, "A.XML"))
	require.NoError(t, err)
	require.Equal(t, "abc", string(kept))
	require.Equal(t, 1, p.Copies("A.XML"))

	for field, wrong := range map[string]string{"serverId": "9", "remoteFilename": "../A", "virtualFile": "", "more": "x"} {
		changed := map[string]string{field: wrong}
		for name, value := range fields {
			if name != field {
				changed[name] = value
			}
		}
		contentType, body := form(t, changed, "abc")
		status, answer := p.do(t, http.MethodPost, "/api/transfers/send", contentType, body)
		require.GreaterOrEqual(t, status, 400, field)
		require.Less(t, status, 500, field)
		require.NotEmpty(t, answer["error"])
	}
	require.Equal(t, 1, p.Copies("A.XML"))

	require.NoError(t, os.WriteFile(filepath.Join(p.offered, "B.XML"), []byte("defg"), 0o600))
	status, answer = p.do(t, http.MethodPost, "/api/transfers/receive", "application/json",
		strings.NewReader(`{"serverId":1,"remoteFilename":"B.XML","partnerId":"US","virtualFile":"V"}`))
	require.Equal(t, http.StatusOK, status)
	require.InDelta(t, 4, answer["size"], 0)
	status, _ = p.do(t, http.MethodGet, "/api/transfers/"+answer["id"].(string)+"/download", "", nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = p.do(t, http.MethodGet, "/api/transfers/none/download", "", nil)
	require.Equal(t, http.StatusNotFound, status)
}

func TestV1(t *testing.T) {
	t.Parallel()
	p := start(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("abc"), 0o600))
	order := `{"server":"NONE","partnerId":"US","filename":"` + file + `","remoteFilename":"A.XML","correlationId":"c"}`
	status, answer := p.do(t, http.MethodPost, "/api/v1/transfers/send", "application/json", strings.NewReader(order))
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, "IN_PROGRESS", answer["status"])
	require.Equal(t, "FIRST", answer["serverName"], "the default one, for a name that it does not know")
	p.Settle()
	status, shown := p.do(t, http.MethodGet, "/api/v1/transfers/"+answer["transferId"].(string), "", nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "COMPLETED", shown["status"])
	require.Equal(t, answer["transferId"], shown["id"])
	require.InDelta(t, 3, shown["bytesTransferred"], 0)
	status, _ = p.do(t, http.MethodGet, "/api/v1/transfers/correlation/none", "", nil)
	require.Equal(t, http.StatusNotFound, status)

	status, answer = p.do(t, http.MethodPost, "/api/v1/transfers/send", "application/json", strings.NewReader(`{}`))
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "VALIDATION_ERROR", answer["error"])
	require.Len(t, answer["fieldErrors"], 4)
	for _, member := range []string{"timestamp", "status", "message", "path"} {
		require.Contains(t, answer, member)
	}
	status, _ = p.do(t, http.MethodPost, "/api/v1/transfers/send", "application/json", strings.NewReader(strings.ReplaceAll(order, file, "/none")))
	require.Equal(t, http.StatusInternalServerError, status)

	_, _ = p.do(t, http.MethodPost, "/api/v1/transfers/x/replay", "", nil)
	require.Equal(t, 1, p.Meddled())
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pesitwizard.Fault{
		"reply-lost":       {Kind: pesitwizard.ReplyLost},
		"reply-cut=12*3":   {Kind: pesitwizard.ReplyCut, At: 12, Times: 3},
		"refused=0x03012D": {Kind: pesitwizard.Refused, Text: "0x03012D"},
		"stuck*1":          {Kind: pesitwizard.Stuck, Times: 1},
	} {
		got, err := pesitwizard.ParseFault(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, wrong := range []string{"", "none", "stuck*", "stuck*0", "stuck*x", "slow=-1"} {
		_, err := pesitwizard.ParseFault(wrong)
		require.ErrorIs(t, err, pesitwizard.ErrFault, wrong)
	}

	p := start(t)
	order := func() int {
		status, _ := p.do(t, http.MethodPost, "/api/v1/transfers/receive", "application/json",
			strings.NewReader(`{"server":"FIRST","partnerId":"US","filename":"/none/x","remoteFilename":"A.XML"}`))
		return status
	}
	status, _ := p.do(t, http.MethodPut, "/stand-in/faults", "", strings.NewReader(`[{"kind":"unauthorized","times":2},{"kind":"server-error"}]`))
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, []int{401, 401, 500, 500}, []int{order(), order(), order(), order()})
	status, _ = p.do(t, http.MethodPut, "/stand-in/faults", "", strings.NewReader(`[{"kind":"none"}]`))
	require.Equal(t, http.StatusBadRequest, status)
	p.Break()
	require.Equal(t, http.StatusAccepted, order())
	status, _ = p.do(t, http.MethodGet, "/stand-in/files", "", nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = p.do(t, http.MethodPost, "/stand-in/release", "", nil)
	require.Equal(t, http.StatusNoContent, status)

	_, err := pesitwizard.New(pesitwizard.Settings{})
	require.ErrorIs(t, err, pesitwizard.ErrSettings)
}
