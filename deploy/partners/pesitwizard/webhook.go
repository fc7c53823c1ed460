package pesitwizard

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
)

// hook is a registered webhook.
type hook struct {
	URL    string   `json:"url"`
	Events []string `json:"events"`
	Secret string   `json:"secret"`
}

// notice is what a webhook is told.
type notice struct {
	Event     string         `json:"event"`
	Timestamp time.Time      `json:"timestamp"`
	Transfer  noticeTransfer `json:"transfer"`
}

type noticeTransfer struct {
	ID        string `json:"id"`
	Direction string `json:"direction"`
	Filename  string `json:"filename"`
	LocalPath string `json:"localPath"`
	Size      int64  `json:"size"`
}

func randomName() string { return uuid.NewString() }

// register keeps a webhook.
func (p *Product) register(w http.ResponseWriter, r *http.Request) {
	var wanted hook
	err := readOrder(r, &wanted)
	target, wrong := url.Parse(wanted.URL)
	if err != nil || wrong != nil || target.Host == "" || len(wanted.Events) == 0 {
		write(w, p.wrong(r, http.StatusBadRequest, "VALIDATION_ERROR", "Validation failed"))
		return
	}
	p.lock.Lock()
	p.webhooks = append(p.webhooks, wanted)
	p.lock.Unlock()
	write(w, reply{http.StatusCreated, map[string]any{"id": randomName(), "url": wanted.URL, "events": wanted.Events}})
}

// call tells the webhooks how a transfer ended, meanwhile.
func (p *Product) call(ctx context.Context, ended *transfer, size *int64) {
	event := "TRANSFER_COMPLETED"
	if ended.Status != completed {
		event = "TRANSFER_FAILED"
	}
	told := notice{Event: event, Timestamp: p.settings.Clock(), Transfer: noticeTransfer{
		ID: ended.ID, Direction: ended.Direction, Filename: ended.Remote, LocalPath: ended.LocalFilename,
	}}
	if size != nil {
		told.Transfer.Size = *size
	}
	body, err := json.Marshal(told)
	if err != nil {
		return // it holds texts and numbers, and cannot fail
	}
	p.lock.Lock()
	hooks := slices.Clone(p.webhooks)
	p.lock.Unlock()
	for _, one := range hooks {
		if !slices.Contains(one.Events, event) {
			continue
		}
		_, forged := p.take(WebhookForged)
		_, twice := p.take(WebhookTwice)
		p.running.run(func() {
			if forged {
				p.post(ctx, one.URL, "not the secret of "+one.Secret, body)
			}
			p.post(ctx, one.URL, one.Secret, body)
			if twice {
				p.post(ctx, one.URL, one.Secret, body)
			}
		})
	}
}

// post calls once. Nobody hears of a webhook that does not answer.
func (p *Product) post(ctx context.Context, target, secret string, body []byte) {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash takes everything
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(p.settings.Header, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := p.client.Do(request)
	if err != nil {
		return
	}
	_ = response.Body.Close() // not read
}
