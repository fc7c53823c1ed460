// Package channel makes the way by which bulks reach the bank, as the site has
// chosen it.
package channel

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/activities/channels/pace"
	"github.com/reglo/reglo/activities/channels/pesit"
	"github.com/reglo/reglo/activities/channels/pesitrest"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/domain/calendar"
	protocol "github.com/reglo/reglo/domain/pesit"
	"github.com/reglo/reglo/worker/boot/config"
)

// maxFile is the longest file of certificates, in bytes: a system's whole list of
// authorities has some 300 KiB.
const maxFile = 1 << 20

// NewPace makes what keeps calls to the bank to channel.rate, whether they send or
// receive.
func NewPace(settings config.Config) *pace.Pace { return pace.New(settings.Channel.Rate) }

// New makes the channel of the technology that the settings name, kept to a pace,
// and calls nobody. It reads keys and certificates. The error is a [config.Error].
func New(settings config.Config, clock func() time.Time, kept *pace.Pace) (channels.Channel, error) {
	switch settings.Channel.Technology {
	case config.TechnologySFTP:
		return keep(newSFTP(settings, clock))(kept)
	case config.TechnologyPesitREST:
		return keep(newPesitREST(settings))(kept)
	case config.TechnologyPesit:
		return keep(newPesit(settings, clock))(kept)
	case config.TechnologyDirectory:
	}
	return directory.New(settings.Data.Outbox()), nil
}

// keep keeps a channel that could be made to a pace.
func keep[C channels.Channel](made C, err error) func(*pace.Pace) (channels.Channel, error) {
	return func(kept *pace.Pace) (channels.Channel, error) {
		if err != nil {
			return nil, err
		}
		return kept.Channel(made), nil
	}
}

// NewMailbox makes the mailbox in which the bank has files for us, by the
// technology of the channel and kept to its pace, and calls nobody. It is nil, without an error, where
// nothing is received: a folder has no bank behind it, sftp none without
// channel.sftp.in_folder, and pesit none without channel.receive.files. With
// pesit-rest the product may announce files without any of these.
//
// The mailbox logs how many files it leaves where they are for their names. The
// error is a [config.Error].
func NewMailbox(
	settings config.Config, clock func() time.Time, kept *pace.Pace, log *slog.Logger,
) (channels.Mailbox, error) {
	made, err := newMailbox(settings, clock, log)
	if err != nil {
		return nil, err
	}
	return kept.Mailbox(made), nil
}

func newMailbox(settings config.Config, clock func() time.Time, log *slog.Logger) (channels.Mailbox, error) {
	switch settings.Channel.Technology {
	case config.TechnologySFTP:
		return newSFTPMailbox(settings, clock, log)
	case config.TechnologyPesitREST:
		made, err := newPesitREST(settings)
		if err != nil {
			return nil, err
		}
		return pesitrest.NewMailbox(made, settings.Channel.Receive.Files, log), nil
	case config.TechnologyPesit:
		if len(settings.Channel.Receive.Files) == 0 {
			return nil, nil //nolint:nilnil // nil is a mailbox: none, as documented
		}
		made, err := newPesit(settings, clock)
		if err != nil {
			return nil, err
		}
		return pesit.NewMailbox(made, settings.Channel.Receive.Files), nil
	case config.TechnologyDirectory:
	}
	return nil, nil //nolint:nilnil // nil is a mailbox: none, as documented
}

func newSFTPMailbox(settings config.Config, clock func() time.Time, log *slog.Logger) (channels.Mailbox, error) {
	if settings.Channel.SFTP.InFolder == "" {
		return nil, nil //nolint:nilnil // nil is a mailbox: none, as documented
	}
	made, err := newSFTP(settings, clock)
	if err != nil {
		return nil, err
	}
	box, err := sftp.NewMailbox(made, settings.Channel.SFTP.InKeeps, log)
	if err != nil {
		return nil, refused(settings, err)
	}
	return box, nil
}

// refused is the error of a channel that does not take its settings, each of
// which may be right by itself.
func refused(settings config.Config, err error) error {
	return settings.Refuse("channel.technology", strings.ReplaceAll(err.Error(), "\n", "; "))
}

func newSFTP(settings config.Config, clock func() time.Time) (*sftp.Channel, error) {
	server := settings.Channel.SFTP
	password, err := settings.ReadSecret(server.Password, "channel.sftp.password_file", server.PasswordFile)
	if err != nil {
		return nil, err
	}
	made, err := sftp.New(sftp.Settings{
		Address: server.Address, User: server.User, HostKeys: server.HostKeys, KeyFile: server.KeyFile, Password: password.Reveal(),
		Folder: server.Folder, Taken: server.Taken, Keeps: server.Keeps,
		InFolder: server.InFolder, InAge: server.InAge,
		ConnectTimeout: server.Connect, SilenceTimeout: server.Silence,
	}, clock)
	if err != nil {
		return nil, refused(settings, err)
	}
	return made, nil
}

func newPesitREST(settings config.Config) (*pesitrest.Channel, error) {
	product := settings.Channel.PesitREST
	key, err := settings.ReadSecret(product.Key, "channel.pesit_rest.key_file", product.KeyFile)
	if err != nil {
		return nil, err
	}
	roots, err := Authorities(settings, "channel.pesit_rest.ca_file", product.CAFile)
	if err != nil {
		return nil, err
	}
	var proxy *url.URL
	if product.Proxy != "" {
		proxy, err = url.Parse(product.Proxy)
		if err != nil || proxy.Host == "" || proxy.User != nil {
			return nil, settings.Refuse("channel.pesit_rest.proxy", "must be http://host:port")
		}
	}
	made, err := pesitrest.New(pesitrest.Settings{
		URL: product.URL, Dialect: pesitrest.Dialect(product.Dialect), Auth: pesitrest.Auth(product.Auth), Key: pesitrest.Key(key.Reveal()),
		Server: product.Server, Partner: product.Partner, VirtualFile: product.VirtualFile,
		Folder: product.Folder, FolderAtPeer: product.FolderAtPeer, Wait: product.Wait, Poll: product.Poll,
		Roots: roots, Proxy: proxy, AllowPlain: product.AllowPlain,
	})
	if err != nil {
		return nil, refused(settings, err)
	}
	return made, nil
}

func newPesit(settings config.Config, clock func() time.Time) (*pesit.Channel, error) {
	bank := settings.Channel.Pesit
	password, err := settings.ReadSecret(bank.Password, "channel.pesit.password_file", bank.PasswordFile)
	if err != nil {
		return nil, err
	}
	var secured *tls.Config
	if bank.TLS {
		if secured, err = security(settings); err != nil {
			return nil, err
		}
	}
	made, err := pesit.New(pesit.Settings{
		Address: bank.Address, TLS: secured, Requester: bank.Requester, Server: bank.Server,
		Password: protocol.NewPassword(password.Reveal()), Flow: bank.Flow, Client: bank.Client, Bank: bank.Bank,
		Record:  uint16(bank.Record), //nolint:gosec // the setting is bounded by what it holds
		Several: bank.Several, Dial: bank.Connect, Reply: bank.Reply, Commit: bank.Commit,
	}, func() time.Time { return clock().In(calendar.Paris()) }) // where the bank is
	if err != nil {
		return nil, refused(settings, err)
	}
	return made, nil
}

// security is how the bank proves itself, and we to it.
func security(settings config.Config) (*tls.Config, error) {
	bank := settings.Channel.Pesit
	roots, err := Authorities(settings, "channel.pesit.ca_file", bank.CAFile)
	if err != nil {
		return nil, err
	}
	secured := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if bank.CertFile != "" {
		own, err := tls.LoadX509KeyPair(bank.CertFile, bank.KeyFile)
		if err != nil {
			return nil, settings.Refuse("channel.pesit.cert_file", "with "+bank.KeyFile+": "+err.Error())
		}
		secured.Certificates = []tls.Certificate{own}
	}
	return secured, nil
}

// Authorities are those of a PEM file, nil for the system's.
func Authorities(settings config.Config, key, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // nil is a pool: the system's
	}
	content, err := read(file)
	if err != nil {
		return nil, settings.Refuse(key, err.Error())
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, settings.Refuse(key, "the file has no certificate in PEM")
	}
	return roots, nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	var content bytes.Buffer
	if _, err := io.Copy(&content, io.LimitReader(file, maxFile+1)); err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	if content.Len() > maxFile {
		return nil, errors.New("the file is too long for what it should be")
	}
	return content.Bytes(), nil
}
