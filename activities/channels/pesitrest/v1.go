package pesitrest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/transfer"
)

// v1Order is a request of V1 to send or to receive.
type v1Order struct {
	Server         string `json:"server"`
	PartnerID      string `json:"partnerId"`
	Filename       string `json:"filename"`
	RemoteFilename string `json:"remoteFilename"`
	VirtualFile    string `json:"virtualFile"`
	CorrelationID  string `json:"correlationId"`
}

func (c *Channel) v1(segments ...string) []string { return append([]string{"api", "v1"}, segments...) }

// checkServer is nil when the product has the bank that the settings name. It takes
// its default bank for a name that it does not have, and says nothing of it.
func (c *Channel) checkServer(ctx context.Context) error {
	var server struct {
		Name    string `json:"name"`
		Enabled *bool  `json:"enabled"`
	}
	err := c.client.ask(ctx, &server, c.v1("servers", "name", c.settings.Server)...)
	switch {
	case err != nil && notFound(err):
		return fmt.Errorf("the product has no server %s, and would take its default one: correct the settings: %w", c.settings.Server, err)
	case err != nil:
		return fmt.Errorf("ask for server %s: %w", c.settings.Server, err)
	case server.Name != c.settings.Server:
		return fmt.Errorf("the product answers for server %s with another one: correct the settings", c.settings.Server)
	case server.Enabled != nil && !*server.Enabled:
		return fmt.Errorf("server %s is disabled at the product: enable it", c.settings.Server)
	default:
		return nil
	}
}

func (c *Channel) sendV1(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := c.checkServer(ctx); err != nil {
		return channels.Outcome{}, notSent(err)
	}
	known, err := c.correlated(ctx, file.Correlation)
	if err != nil {
		return channels.Outcome{}, notSent(fmt.Errorf("ask whether it was sent before: %w", err))
	}
	if slices.ContainsFunc(known, func(r record) bool { return r.moving() || r.Status == statusCompleted && r.short(file) == "" }) {
		return c.lookUpV1(ctx, file)
	}
	if err := c.exchange.put(ctx, file); err != nil {
		return channels.Outcome{}, notSent(err)
	}
	outcome, err := c.orderV1(ctx, file)
	if errors.Is(err, channels.ErrNotSent) {
		// The product reads nothing of it any more.
		return channels.Outcome{}, errors.Join(err, c.exchange.remove(file.Name))
	}
	return outcome, err
}

// orderV1 has the product send the file that lies in the folder.
func (c *Channel) orderV1(ctx context.Context, file channels.File) (channels.Outcome, error) {
	var accepted record
	reached, err := c.client.order(ctx, callTimeout, v1Order{
		Server: c.settings.Server, PartnerID: c.settings.Partner, Filename: c.exchange.atPeer(file.Name),
		RemoteFilename: file.Name, VirtualFile: c.settings.VirtualFile, CorrelationID: file.Correlation,
	}, &accepted, c.v1("transfers", "send")...)
	switch {
	case err != nil && (!reached || tookNothing(err)):
		return channels.Outcome{}, notSent(err)
	case err != nil:
		return channels.Outcome{}, err
	}
	id := accepted.id()
	if id == "" {
		return channels.Outcome{}, errors.New("the product took it and named no transfer: look it up by its correlation")
	}
	if strange := accepted.contradicts(file, c.settings.Server); strange != "" {
		return unknown(alarm(id, strange)), nil
	}
	failed, err := c.poll(ctx, func(ctx context.Context) (bool, error) {
		var now record
		err := c.client.ask(ctx, &now, c.v1("transfers", id)...)
		return !now.moving(), err
	})
	switch {
	case err != nil:
		return channels.Outcome{}, err
	case failed != nil:
		return channels.Outcome{}, fmt.Errorf("ask for transfer %s: %w", id, failed)
	}
	return c.settleV1(ctx, file, id)
}

// settleV1 says what became of a transfer that has ended, or that was waited for long
// enough.
func (c *Channel) settleV1(ctx context.Context, file channels.File, id string) (channels.Outcome, error) {
	all, err := c.correlated(ctx, file.Correlation)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("ask for transfers of its correlation: %w", err)
	}
	at := slices.IndexFunc(all, func(r record) bool { return r.id() == id })
	if at < 0 {
		return unknown("the product took it as transfer " + id + ", and does not list that under its correlation"), nil
	}
	outcome, done := c.judge(all, file)
	switch {
	case len(live(all)) > 1:
		return outcome, nil
	case all[at].refused():
		return channels.Outcome{}, notSent(&refusedError{all[at].Diagnostic})
	case !done:
		return unknown(c.stillMoving(id)), nil
	}
	return c.settled(file, outcome)
}

// settled clears away what was sent.
func (c *Channel) settled(file channels.File, outcome channels.Outcome) (channels.Outcome, error) {
	if outcome.State != transfer.Sent {
		return outcome, nil
	}
	if err := c.exchange.remove(file.Name); err != nil {
		outcome.Detail += "; the file could not be cleared away: remove it from the folder"
	}
	return outcome, nil
}

func (c *Channel) lookUpV1(ctx context.Context, file channels.File) (channels.Outcome, error) {
	var outcome channels.Outcome
	failed, err := c.poll(ctx, func(ctx context.Context) (done bool, err error) {
		all, err := c.correlated(ctx, file.Correlation)
		if err != nil {
			return false, err
		}
		outcome, done = c.judge(all, file)
		return done, nil
	})
	switch {
	case err != nil:
		return channels.Outcome{}, err
	case failed != nil:
		return channels.Outcome{}, fmt.Errorf("ask for transfers of its correlation: %w", failed)
	}
	return c.settled(file, outcome)
}

// correlated are the transfers that the product keeps under a correlation.
func (c *Channel) correlated(ctx context.Context, correlation string) ([]record, error) {
	var all []record
	err := c.client.ask(ctx, &all, c.v1("transfers", "correlation", correlation)...)
	if err != nil && notFound(err) {
		return nil, nil // this is how it says that there are none
	}
	return all, err
}

// live are the transfers of which the bank may have got something.
func live(all []record) []record {
	return slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.refused() })
}

// judge says what the transfers under a file's correlation come to: SENT or UNKNOWN.
// It is not done while one is under way.
func (c *Channel) judge(all []record, file channels.File) (outcome channels.Outcome, done bool) {
	alive := live(all)
	switch len(alive) {
	case 0:
		if len(all) > 0 {
			return unknown("the bank refused before data all that the product has of it" + makeSure), true
		}
		return unknown("the product has no transfer under its correlation" + makeSure), true
	case 1:
	default:
		return unknown(fmt.Sprintf("ALARM: %d transfers under one correlation, and the bank may have the file more than once: "+
			"call the bank now", len(alive))), true
	}
	only := &alive[0]
	strange := only.contradicts(file, c.settings.Server)
	switch {
	case strange != "":
		return unknown(alarm(only.id(), strange)), true
	case only.moving():
		return unknown(c.stillMoving(only.id())), false
	case only.Status != statusCompleted:
		return unknown("transfer " + only.id() + " is " + only.status() + " and the bank may have the file: ask the bank"), true
	}
	if short := only.short(file); short != "" {
		return unknown("transfer " + only.id() + " is COMPLETED, and yet " + short + ": ask the bank what it has"), true
	}
	return sent("transfer " + only.id()), true
}

// makeSure ends the detail of a file of which the product has nothing that it sends.
const makeSure = "; a request that got no answer may still reach it: make sure that none does, and that the bank has no such file"

func alarm(id, strange string) string {
	return "ALARM: transfer " + id + " " + strange + ": call whoever runs the product, and the bank, now"
}

func (c *Channel) stillMoving(id string) string {
	return fmt.Sprintf("transfer %s was still under way after %s: look it up again later", id, c.settings.Wait)
}
