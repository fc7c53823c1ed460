package pesitrest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout is for the connection: the product is near.
	dialTimeout = 10 * time.Second
	// handshakeTimeout is for TLS.
	handshakeTimeout = 10 * time.Second
	// continueTimeout is for how long a file is held back until the product says
	// that it takes it, which those that do not know the question never say.
	continueTimeout = 5 * time.Second
	// callTimeout is for a question or an order as a whole, without a file.
	callTimeout = 30 * time.Second
	// maxReply is the longest answer, in bytes, but for files: some hundred transfers
	// under one correlation, where there is one.
	maxReply = 256 << 10
	// maxHeaders is the longest that an answer's headers may be, in bytes.
	maxHeaders = 64 << 10
	// maxFields is how many fields of a refused request are named.
	maxFields = 8
)

// client talks to the product.
type client struct {
	base *url.URL
	auth Auth
	key  Key
	http *http.Client
}

func newClient(settings *Settings, base *url.URL) *client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: settings.Roots},
		TLSHandshakeTimeout:    handshakeTimeout,
		ExpectContinueTimeout:  continueTimeout,
		ResponseHeaderTimeout:  settings.Wait,
		MaxResponseHeaderBytes: maxHeaders,
		// Each request has its own connection. On one that was used before, a request
		// that gets no answer may be sent a second time by the library.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	if settings.Proxy != nil {
		transport.Proxy = http.ProxyURL(settings.Proxy)
	}
	return &client{
		base: base, auth: settings.Auth, key: settings.Key,
		http: &http.Client{
			Transport: transport,
			// A file goes to whom the settings name, and to nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// request makes a request of the path's segments below the address.
func (c *client) request(ctx context.Context, method string, body io.Reader, segments ...string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(segments...).String(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	switch c.auth {
	case AuthBearer:
		request.Header.Set("Authorization", "Bearer "+string(c.key))
	case AuthAPIKey:
		request.Header.Set("X-Api-Key", string(c.key))
	case AuthNone:
	}
	return request, nil
}

// do gives a successful answer, whose body the caller closes. Otherwise the error
// is an *answerError, or there was no answer.
func (c *client) do(request *http.Request) (*http.Response, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	if response.StatusCode >= http.StatusOK && response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }() // only read
	return nil, readAnswerError(request, response)
}

// call makes a request and reads its answer, a JSON document, unless into is nil.
func (c *client) call(request *http.Request, into any) error {
	response, err := c.do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer to %s breaks off: %w", request.URL.Path, err)
	case len(body) > maxReply:
		return fmt.Errorf("the answer to %s is beyond the limit of %d bytes", request.URL.Path, maxReply)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		// The library's error repeats a character at most.
		return fmt.Errorf("the answer to %s is not as agreed: %w", request.URL.Path, err)
	}
	return nil
}

// ask is a question.
func (c *client) ask(ctx context.Context, into any, segments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := c.request(ctx, http.MethodGet, nil, segments...)
	if err != nil {
		return err
	}
	return c.call(request, into)
}

// order posts a JSON document. reached tells whether a connection stood: as long as
// none did, the product knows nothing of the order.
func (c *client) order(ctx context.Context, timeout time.Duration, document, into any, segments ...string) (reached bool, err error) {
	body, err := json.Marshal(document)
	if err != nil {
		return false, fmt.Errorf("write a request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	request, err := c.request(ctx, http.MethodPost, bytes.NewReader(body), segments...)
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	err = c.call(request, into)
	return connected.Load(), err
}

// answerError is an answer of the product that is no success.
type answerError struct {
	path   string // of the request
	status int    // of HTTP
	// code is the product's own, such as VALIDATION_ERROR, and fields those of the
	// request that it found wrong. They are empty where it does not say.
	code   string
	fields []string
}

// Error gives all of it. What the product wrote in prose is left out: it may repeat
// what we sent.
func (r *answerError) Error() string {
	text := fmt.Sprintf("the product answered %s with %d", r.path, r.status)
	if r.code != "" {
		text += " " + r.code
	}
	if len(r.fields) > 0 {
		text += " for " + strings.Join(r.fields, ", ")
	}
	return text
}

// codePattern is what codes and names of fields are made of; the product's
// framework writes "Not Found", too.
var codePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z_ .]{0,39}$`)

func readAnswerError(request *http.Request, response *http.Response) *answerError {
	refusal := &answerError{path: request.URL.Path, status: response.StatusCode}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return refusal // the status says what matters
	}
	var said struct {
		Error  string `json:"error"`
		Fields []struct {
			Field string `json:"field"`
		} `json:"fieldErrors"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return refusal // a page of some other server on the way
	}
	if codePattern.MatchString(said.Error) {
		refusal.code = said.Error
	}
	for _, one := range said.Fields {
		if codePattern.MatchString(one.Field) && len(refusal.fields) < maxFields {
			refusal.fields = append(refusal.fields, one.Field)
		}
	}
	return refusal
}

// tookNothing tells whether the product refused a request by a status of the fours.
func tookNothing(err error) bool {
	refusal, found := errors.AsType[*answerError](err)
	return found && refusal.status >= http.StatusBadRequest && refusal.status < http.StatusInternalServerError
}

// notFound tells whether the product says that there is no such thing.
func notFound(err error) bool {
	refusal, found := errors.AsType[*answerError](err)
	return found && refusal.status == http.StatusNotFound
}
