package divalto

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
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/domain/divalto"
)

const (
	// dialTimeout is for the connection.
	dialTimeout = 10 * time.Second
	// handshakeTimeout is for TLS.
	handshakeTimeout = 10 * time.Second
	// loginTimeout is for an authentication as a whole.
	loginTimeout = 30 * time.Second
	// findTimeout is for a look-up as a whole, of an index or of a whole table.
	findTimeout = time.Minute
	// maxHeaders is the longest that an answer's headers may be, in bytes.
	maxHeaders = 64 << 10
)

// Client is the way to one dossier of one ERP. It is safe for concurrent use.
type Client struct {
	settings Settings
	base     *url.URL
	http     *http.Client
	limiter  *rate.Limiter
	clock    func() time.Time

	lock    sync.Mutex
	token   divalto.Secret
	tokenAt time.Time // when it was asked for
}

// New makes the client. It calls nobody. The errors wrap [ErrSettings], one for
// each setting that is wrong.
func New(settings Settings, clock func() time.Time) (*Client, error) {
	settings.fill()
	base, err := settings.check()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: settings.Roots},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeaders,
		// Each request has its own connection. On one that was used before, a request
		// that gets no answer may be sent a second time by the library.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	if settings.Proxy != nil {
		transport.Proxy = http.ProxyURL(settings.Proxy)
	}
	limit := rate.Inf
	if settings.Rate > 0 {
		limit = rate.Limit(float64(settings.Rate) / time.Minute.Seconds())
	}
	return &Client{
		settings: settings, base: base, clock: clock, limiter: rate.NewLimiter(limit, 1),
		http: &http.Client{
			Transport: transport,
			// The password goes to whom the settings name, and to nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

var _ erp.ERP = (*Client)(nil)

// Login asks for a token unless there is one that lasts. An answer that is no
// success, or that cannot be read, is AUTH_FAILED; none is NOT_SENT.
func (c *Client) Login(ctx context.Context) erp.Outcome {
	c.lock.Lock()
	defer c.lock.Unlock()
	at := c.clock()
	if c.token != "" && at.Sub(c.tokenAt) < c.settings.TokenLifetime {
		return erp.Outcome{}
	}
	c.token = ""
	answer, err := c.call(ctx, loginTimeout, divalto.AuthPath, divalto.Auth(c.settings.Credentials))
	switch {
	case err != nil:
		return erp.Outcome{Class: divalto.NotSent, Detail: "the ERP did not authenticate us: " + c.masked(err.Error())}
	case answer.status != http.StatusOK:
		return erp.Outcome{Class: divalto.AuthFailed, Detail: fmt.Sprintf("the ERP's authentication answered with HTTP %d", answer.status)}
	}
	token, err := divalto.ReadAuth(answer.body)
	if err != nil {
		return erp.Outcome{Class: divalto.AuthFailed, Detail: c.masked(err.Error())}
	}
	c.token, c.tokenAt = token, at
	return erp.Outcome{}
}

// forget has the next Login ask for another token.
func (c *Client) forget() {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.token = ""
}

func (c *Client) held() divalto.Secret {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.token
}

// Post sends a parameter in one request. After a technical error the next Login
// asks for another token: this one may be what the ERP did not like.
func (c *Client) Post(ctx context.Context, parameter string) erp.Outcome {
	token := c.held()
	if token == "" {
		return erp.Outcome{Class: divalto.NotSent, Detail: "there is no token: log in first"}
	}
	answer, err := c.call(ctx, c.settings.Timeout, divalto.ExecutePath, divalto.Execute(token, parameter))
	outcome := erp.Outcome{Class: divalto.Unknown, Raw: c.clean(token, answer.body)}
	switch {
	case err != nil && !answer.reached:
		outcome.Class, outcome.Detail = divalto.NotSent, "no connection to the ERP: "+c.masked(err.Error())
	case err != nil:
		outcome.Detail = "no whole answer of the ERP: " + c.masked(err.Error())
	case answer.status != http.StatusOK:
		outcome.Detail = fmt.Sprintf("the ERP answered with HTTP %d", answer.status)
	default:
		outcome.Reply = divalto.ReadReply(answer.body)
		outcome.Class = outcome.Reply.Class()
		outcome.Detail = detail(&outcome.Reply, outcome.Class)
	}
	if outcome.Class == divalto.TechnicalError {
		c.forget()
	}
	return outcome
}

// codePattern is what codes are made of: what else stands in their place is not
// repeated.
var codePattern = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,16}$`)

func code(text string) string {
	if !codePattern.MatchString(text) {
		return "that is no code"
	}
	return text
}

// detail says what a reply comes to. What the ERP wrote in prose is left out: it
// may repeat what we sent. It stands in the raw reply.
func detail(reply *divalto.Reply, class divalto.Class) string {
	read := map[divalto.Tier]string{
		divalto.TierRepaired: ", by a reply that had to be repaired", divalto.TierScanned: ", by a reply that had to be scanned",
	}
	switch class {
	case divalto.Accepted:
		return "accepted" + read[reply.Tier]
	case divalto.AcceptedWithoutID:
		return "accepted, and no transaction was given" + read[reply.Tier]
	case divalto.Rejected:
		return "refused by the ERP with result code " + code(reply.ResultCode) + read[reply.Tier] + ": `starter erp show` has its words"
	case divalto.TechnicalError:
		return "the ERP answered with technical error " + code(reply.Error) + ": `starter erp show` has its words"
	default:
		if len(reply.Transactions) > 1 {
			return fmt.Sprintf("the ERP gave %d transactions for one settlement%s", len(reply.Transactions), read[reply.Tier])
		}
		return "the ERP's reply does not say what it did"
	}
}

// lookUpRequest asks for records. Lists within are separated by semicolons.
type lookUpRequest struct {
	Dictionary       string `json:"dhoq"`
	Record           string `json:"recordsql"`
	Token            string `json:"access_token"`
	Parameters       string `json:"parameters"`
	Fields           string `json:"fields"`
	Where            string `json:"where"`
	WhereParameters  string `json:"where_parameters"`
	Offset           int    `json:"offset"`
	Count            int    `json:"count"`
	OrderBy          string `json:"orderby"`
	Having           string `json:"having"`
	HavingParameters string `json:"having_parameters"`
	Infos            string `json:"infos"`
}

// maxEntries is how many entries of a label are asked for: more than one is an
// alarm, however many there are.
const maxEntries = 100

// Find looks a label up. A technical error may be of a token that the ERP has
// forgotten: it is asked once more with another one.
func (c *Client) Find(ctx context.Context, label string) (erp.Found, error) {
	if label == "" || strings.ContainsAny(label, ";=\"\\") {
		return erp.Found{}, errors.New("the label holds what a look-up takes for something else")
	}
	found, err := c.find(ctx, label)
	if err != nil || found.Class != divalto.TechnicalError {
		return found, err
	}
	c.forget()
	if refused := c.Login(ctx); refused.Class != "" {
		return erp.Found{}, fmt.Errorf("log in anew: %s", refused.Detail)
	}
	return c.find(ctx, label)
}

func (c *Client) find(ctx context.Context, label string) (erp.Found, error) {
	token := c.held()
	if token == "" {
		return erp.Found{}, errors.New("there is no token: log in first")
	}
	request := lookUpRequest{
		Dictionary: c.settings.LookUp.Dictionary, Record: c.settings.LookUp.Record, Token: token.Reveal(),
		Fields: strings.Join([]string{c.settings.LookUp.Field, fieldLabel, fieldAmount, fieldThirdParty}, ";"),
		Where:  c.settings.LookUp.Condition, WhereParameters: fieldLabel + "=" + label, Count: maxEntries,
	}
	if c.settings.Dos != "" {
		request.Parameters = "MZ.DOS=" + c.settings.Dos
	}
	body, err := json.Marshal(request) //nolint:gosec // the ERP wants its token there, and nobody else gets it
	if err != nil {
		return erp.Found{}, fmt.Errorf("write a request: %w", err)
	}
	answer, err := c.call(ctx, findTimeout, c.settings.LookUp.Path, body)
	if err != nil {
		return erp.Found{}, errors.New(c.masked(err.Error())) //nolint:err113 // the text without what it must not hold
	}
	found := erp.Found{Outcome: erp.Outcome{Class: divalto.Unknown, Raw: c.clean(token, answer.body)}}
	if answer.status != http.StatusOK {
		found.Detail = fmt.Sprintf("the look-up answered with HTTP %d", answer.status)
		return found, nil
	}
	c.readFound(&found, answer.body, label)
	return found, nil
}

// answer is what came back. reached tells whether a connection stood: as long as
// none did, the ERP knows nothing of the request.
type answer struct {
	reached bool
	status  int
	body    []byte
}

// errTooLong is an answer beyond the limit.
var errTooLong = fmt.Errorf("the answer is beyond the limit of %d bytes", divalto.MaxReply)

// call posts a JSON document once. With an error, the body is as far as it came.
func (c *Client) call(ctx context.Context, timeout time.Duration, path string, document []byte) (answer, error) {
	if err := c.limiter.Wait(ctx); err != nil {
		return answer{}, fmt.Errorf("wait for the ERP's turn: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), bytes.NewReader(document))
	if err != nil {
		return answer{}, fmt.Errorf("make a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return answer{reached: connected.Load()}, fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, divalto.MaxReply+1))
	got := answer{reached: true, status: response.StatusCode, body: body[:min(len(body), divalto.MaxReply)]}
	switch {
	case err != nil:
		return got, fmt.Errorf("the answer breaks off after %d bytes: %w", len(body), err)
	case len(body) > divalto.MaxReply:
		return got, errTooLong
	default:
		return got, nil
	}
}

const hidden = "(hidden)"

// clean is a reply as it may be kept.
func (c *Client) clean(token divalto.Secret, body []byte) []byte {
	for _, secret := range []divalto.Secret{token, c.settings.Credentials.Password} {
		for _, form := range written(secret.Reveal()) {
			body = bytes.ReplaceAll(body, form, []byte(hidden))
		}
	}
	return body
}

// written are the forms in which a text may stand in a reply: as it is, and
// within JSON, which may escape what HTML would.
func written(text string) [][]byte {
	forms := [][]byte{[]byte(text)}
	for _, html := range []bool{true, false} {
		var quoted bytes.Buffer
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(html)
		if err := encoder.Encode(text); err == nil { // a text always encodes
			forms = append(forms, bytes.Trim(quoted.Bytes(), "\n")[1:quoted.Len()-2])
		}
	}
	return forms
}

// masked is a text as it may be printed.
func (c *Client) masked(text string) string {
	return string(c.clean(divalto.Secret(hidden), []byte(text)))
}
