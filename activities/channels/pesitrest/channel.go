package pesitrest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/webhook"
)

// Channel is the way to one bank. It is safe for concurrent use.
type Channel struct {
	settings Settings
	client   *client
	exchange folder // of V1
}

// New makes the channel. It calls nobody. The errors wrap [ErrSettings], one for
// each setting that is wrong.
func New(settings Settings) (*Channel, error) {
	base, err := settings.check()
	if err != nil {
		return nil, err
	}
	if settings.Wait == 0 {
		settings.Wait = DefaultWait
	}
	if settings.Poll == 0 {
		settings.Poll = DefaultPoll
	}
	return &Channel{
		settings: settings, client: newClient(&settings, base),
		exchange: folder{ours: settings.Folder, theirs: settings.FolderAtPeer},
	}, nil
}

// Send hands a file over and waits until the product says what became of it, for
// [Settings].Wait at the longest. It is SENT when the product says COMPLETED, of as
// many bytes as the file has. What the product or the bank refused before any data
// wraps channels.ErrNotSent. The outcome is UNKNOWN, or an error says why, for all
// between the two.
//
// With V1, a file of which the product has sent or is sending a copy is looked up
// instead.
func (c *Channel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := checkFile(file); err != nil {
		return channels.Outcome{}, fmt.Errorf("send %s: %w: %w", file.Name, channels.ErrNotSent, err)
	}
	send := c.sendV1
	if c.settings.Dialect == Upload {
		send = c.upload
	}
	outcome, err := send(ctx, file)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("send %s: %w", file.Name, err)
	}
	return outcome, nil
}

// LookUp says what the product knows of a file: SENT or UNKNOWN. It waits for a
// transfer that is under way as Send does.
//
// It never says PREPARED: a request of ours that got no answer may reach the product
// after it was asked. Upload has nothing to ask by, and is always UNKNOWN.
func (c *Channel) LookUp(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := checkFile(file); err != nil {
		return channels.Outcome{}, fmt.Errorf("look up %s: %w", file.Name, err)
	}
	if c.settings.Dialect == Upload {
		return unknown("the product cannot be asked about a file that it was given: ask the bank, or wait for its report or statement"), nil
	}
	outcome, err := c.lookUpV1(ctx, file)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("look up %s: %w", file.Name, err)
	}
	return outcome, nil
}

// errCorrelation is a correlation that cannot stand in a path.
var errCorrelation = errors.New("no correlation: want 1 to 64 letters, digits and hyphens")

func checkFile(file channels.File) error {
	if err := channels.CheckName(file.Name); err != nil {
		return fmt.Errorf("name it: %w", err)
	}
	if !idPattern.MatchString(file.Correlation) {
		return errCorrelation
	}
	return nil
}

func unknown(detail string) channels.Outcome {
	return channels.Outcome{State: transfer.Unknown, Detail: detail}
}

func sent(detail string) channels.Outcome {
	return channels.Outcome{State: transfer.Sent, Detail: detail}
}

// notSent wraps an error after which the file may be sent again.
func notSent(err error) error { return fmt.Errorf("%w: %w", channels.ErrNotSent, err) }

// refusedError is a transfer that the bank refused before data.
type refusedError struct{ diagnostic string }

func (e *refusedError) Error() string {
	_, reason := readDiagnostic(e.diagnostic)
	if reason == diagnosticExists {
		return fmt.Sprintf("the bank refused it before data, with PeSIT diagnostic %d: "+
			"it has a file of that name already, ask it which", reason)
	}
	return fmt.Sprintf("the bank refused it before data, with PeSIT diagnostic %d", reason)
}

// patience is how many questions in a row may get no answer before that is the
// answer: half a minute's at [DefaultPoll], in which a product starts again.
const patience = 15

// poll asks until there is no more to wait for, or for [Settings].Wait. failed is why
// the last question got no answer, if it did not. The error is the context's.
func (c *Channel) poll(ctx context.Context, ask func(context.Context) (done bool, err error)) (failed, err error) {
	deadline := time.NewTimer(c.settings.Wait)
	defer deadline.Stop()
	again := time.NewTicker(c.settings.Poll)
	defer again.Stop()
	for failures := 0; ; {
		done, failed := ask(ctx)
		switch {
		case failed == nil && done:
			return nil, nil
		case failed == nil:
			failures = 0
		default:
			failures++
		}
		if failures == patience {
			return failed, nil
		}
		select {
		case <-ctx.Done():
			return failed, ctx.Err()
		case <-deadline.C:
			return failed, nil
		case <-again.C:
		}
	}
}

// webhookRequest asks to be called.
type webhookRequest struct {
	URL    string          `json:"url"`
	Events []webhook.Event `json:"events"`
	Secret string          `json:"secret"`
}

// RegisterWebhook has the product call a URL when a transfer has ended, and sign with
// the secret. The product may call twice who registers twice.
func (c *Channel) RegisterWebhook(ctx context.Context, url string, secret webhook.Secret) error {
	if len(secret) < webhook.MinSecret {
		return fmt.Errorf("register a webhook: %w", webhook.ErrSecret)
	}
	_, err := c.client.order(ctx, callTimeout, webhookRequest{
		URL: url, Events: []webhook.Event{webhook.Completed, webhook.Failed}, Secret: secret.Reveal(),
	}, nil, "api", "webhooks")
	if err != nil {
		return fmt.Errorf("register a webhook: %w", err)
	}
	return nil
}
