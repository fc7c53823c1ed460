// Package erp makes the way to the ERP, and what is posted by it, as the site's
// settings have it.
package erp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/erp/divalto"
	words "github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/worker/boot/channel"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/shop"
)

// maxStates bounds the file of the changes of state, in bytes: a site has a
// handful of means of payment.
const maxStates = 64 << 10

// NewClient makes the way to the ERP, and calls nobody; nil where the settings
// name none. It reads the password and certificates. The error is a
// [config.Error].
func NewClient(settings config.Config, clock func() time.Time) (erp.ERP, error) {
	c := settings.ERP
	if c.URL == "" {
		return nil, nil //nolint:nilnil // a site may have no ERP
	}
	password, err := settings.ReadSecret(c.Password, "erp.password_file", c.PasswordFile)
	if err != nil {
		return nil, err
	}
	roots, err := channel.Authorities(settings, "erp.ca_file", c.CAFile)
	if err != nil {
		return nil, err
	}
	var proxy *url.URL
	if c.Proxy != "" {
		proxy, err = url.Parse(c.Proxy)
		if err != nil || proxy.Host == "" || proxy.User != nil {
			return nil, settings.Refuse("erp.proxy", "must be http://host:port")
		}
	}
	client, err := divalto.New(divalto.Settings{
		URL: c.URL, Dos: c.Dossier, LookUp: c.LookUp, TokenLifetime: c.TokenLifetime, Timeout: c.Timeout, Rate: c.Rate,
		Credentials: words.Credentials{
			User: c.User, Password: words.Secret(password.Reveal()), Domain: c.Domain, Env: c.Env,
		},
		Roots: roots, Proxy: proxy, AllowPlain: c.AllowPlain,
	}, clock)
	if err != nil {
		return nil, settings.Refuse("erp.url", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return client, nil
}

// Settings are what is posted, and how; zero where the settings name no ERP. It
// reads the changes of state. The error is a [config.Error].
func Settings(settings config.Config) (erp.Settings, error) {
	c := settings.ERP
	if c.URL == "" {
		return erp.Settings{}, nil
	}
	vocabulary, err := words.NewVocabulary(c.Vocabulary, c.Renamed)
	if err != nil {
		return erp.Settings{}, settings.Refuse("erp.renamed", err.Error())
	}
	states, err := readStates(c.States)
	if err != nil {
		return erp.Settings{}, settings.Refuse("erp.states", err.Error())
	}
	payers, err := readPayers(settings)
	if err != nil {
		return erp.Settings{}, err
	}
	made := erp.Settings{
		Since: c.Since, SettlementThirdParty: c.SettlementThirdParty, Payers: payers, States: states,
		Options: words.Options{
			Dossier: words.Dossier{Dos: c.Dossier, DosCpt: c.DosCpt, Etb: c.Etb}, Quote: c.Quote, Vocabulary: vocabulary,
		},
	}
	if err := made.Check(); err != nil {
		return erp.Settings{}, settings.Refuse("erp.states", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return made, nil
}

// readPayers are by shop whom the ERP has its payments from. A shop of mode TEST
// is none of them in production, where the ERP's books are real.
func readPayers(settings config.Config) (map[string]string, error) {
	shops, err := shop.Read(settings)
	if err != nil {
		return nil, err
	}
	payers := make(map[string]string, len(shops))
	for i := range shops {
		if settings.Event.Environment != config.Production || shops[i].Mode == systempay.Production {
			payers[shops[i].Name] = shops[i].ThirdParty
		}
	}
	return payers, nil
}

func readStates(path string) (words.States, error) {
	file, err := os.Open(path)
	if err != nil {
		return words.States{}, fmt.Errorf("open it: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, maxStates+1))
	switch {
	case err != nil:
		return words.States{}, fmt.Errorf("read it: %w", err)
	case len(content) > maxStates:
		return words.States{}, fmt.Errorf("is longer than %d bytes", maxStates)
	}
	var list []struct {
		Dossier   string `yaml:"dossier"`
		Means     string `yaml:"means"`
		Direction string `yaml:"direction"`
		Change    string `yaml:"change"`
		Final     string `yaml:"final"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return words.States{}, fmt.Errorf("is no list of {dossier, means, direction, change, final}: %s",
			strings.ReplaceAll(err.Error(), "\n", ""))
	}
	rows := make([]words.StateRow, len(list))
	for i, row := range list {
		rows[i] = words.StateRow(row)
	}
	states, err := words.NewStates(rows)
	if err != nil {
		return words.States{}, err
	}
	return states, nil
}
