// Pesit is a STAND-IN for a bank that takes and gives files by PeSIT E: the program of package pesit. It plays the bank on
// a developer's machine, and never touches real money.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	partner "github.com/reglo/reglo/deploy/partners/pesit"
	"github.com/reglo/reglo/domain/pesit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := new(program).command().ExecuteContext(ctx)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "pesit:", err)
		os.Exit(1)
	}
}

// program is the command line.
type program struct {
	listen              string
	settings            partner.Settings
	passwords           map[string]string
	certificate, key    string
	faults              partner.Faults
	cutBefore, cutAfter []string
	silent, refuse      []string
	interval            uint16
	window              uint8
}

// partnersFlag says where passwords are: they do not belong on a command line.
const partnersFlag = "requester=file, a file of what the requester proves itself with"

func (p *program) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pesit",
		Short: "A stand-in for a bank that takes and gives files by PeSIT E",
		Long: `A stand-in for a bank that takes and gives files by PeSIT E, outside SIT, over
TCP or TLS. Files that are sent whole are kept in a folder; files of another are
given. What goes wrong at a bank goes wrong on demand: FPDUs are named as the
protocol does, such as TRANS.END or ACK(TRANS.END).`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&p.listen, "listen", "127.0.0.1:6502", "address")
	flags.StringVar(&p.settings.Name, "name", "BANK", "what it is called by")
	flags.StringToStringVar(&p.passwords, "partner", nil, partnersFlag)
	flags.StringVar(&p.settings.Kept, "kept", "kept", "folder to which files go")
	flags.StringVar(&p.settings.Offered, "offered", "offered", "folder from which files are given")
	flags.BoolVar(&p.settings.RefuseRepeats, "refuse-repeats", false, "refuse a file of a name that was kept before")
	flags.Uint16Var(&p.settings.EntitySize, "entity-size", 0, "longest entity, bytes (default 4096)")
	flags.Uint16Var(&p.settings.Fixed, "fixed", 0, "length of the articles of files that are given (default variable articles)")
	flags.Uint16Var(&p.interval, "interval", 32, "kilobytes between points of synchronisation, 0 for no points")
	flags.Uint8Var(&p.window, "window", 4, "points that may wait for their acknowledgement")
	flags.StringVar(&p.certificate, "certificate", "", "file of the certificate, for TLS")
	flags.StringVar(&p.key, "key", "", "file of the certificate's key")
	flags.Int64Var(&p.faults.CutReceived, "cut-received", 0, "cut the connection when so many bytes have come")
	flags.Int64Var(&p.faults.CutSent, "cut-sent", 0, "cut the connection when so many bytes have gone")
	flags.StringSliceVar(&p.cutBefore, "cut-before", nil, "cut the connection instead of this FPDU")
	flags.StringSliceVar(&p.cutAfter, "cut-after", nil, "cut the connection behind this FPDU")
	flags.StringSliceVar(&p.silent, "silent", nil, "say nothing any more behind this FPDU")
	flags.StringSliceVar(&p.refuse, "refuse", nil, "FPDU=diagnostic, such as CREATE=204")
	flags.BoolVar(&p.faults.KeepRefused, "keep-refused", false, "keep the file when TRANS.END is refused")
	flags.BoolVar(&p.faults.WrongCounts, "wrong-counts", false, "acknowledge one byte more than there was")
	flags.Int64Var(&p.faults.Truncate, "truncate", 0, "send so many bytes of a file, and count it whole")
	flags.DurationVar(&p.faults.Slow, "slow", 0, "how long each answer takes")

	return cmd
}

func (p *program) run(ctx context.Context) error {
	if err := p.read(); err != nil {
		return err
	}

	server, err := partner.Listen(ctx, p.listen, p.settings)
	if err != nil {
		return err
	}

	server.SetFaults(p.faults)
	p.settings.Log.InfoContext(ctx, "listening", slog.String("address", server.Address()))
	<-ctx.Done()

	return server.Close()
}

// read brings the flags into settings and faults.
func (p *program) read() error {
	p.settings.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	p.settings.Sync = pesit.SyncOption{Interval: p.interval, Window: p.window}

	p.settings.Partners = make(map[string]string, len(p.passwords))
	for name, file := range p.passwords {
		password, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("--partner: %w", err)
		}

		p.settings.Partners[name] = strings.TrimSpace(string(password))
	}

	if len(p.settings.Partners) == 0 {
		return fmt.Errorf("--partner is missing: %s", partnersFlag)
	}

	if p.certificate != "" {
		certificate, err := tls.LoadX509KeyPair(p.certificate, p.key)
		if err != nil {
			return fmt.Errorf("--certificate: %w", err)
		}

		p.settings.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	}

	return errors.Join(
		kinds(p.cutBefore, &p.faults.CutBefore), kinds(p.cutAfter, &p.faults.CutAfter), kinds(p.silent, &p.faults.Silent), p.refusals(),
	)
}

// kind is an FPDU by its name.
func kind(name string) (pesit.Kind, error) {
	for _, kind := range pesit.Kinds() {
		if kind.String() == name {
			return kind, nil
		}
	}

	return 0, fmt.Errorf("%q is no FPDU: want a name such as TRANS.END or ACK(TRANS.END)", name)
}

func kinds(names []string, to *[]pesit.Kind) error {
	for _, name := range names {
		named, err := kind(name)
		if err != nil {
			return err
		}

		*to = append(*to, named)
	}

	return nil
}

func (p *program) refusals() error {
	p.faults.Refuse = make(map[pesit.Kind]pesit.Diagnostic, len(p.refuse))
	for _, refused := range p.refuse {
		name, reason, _ := strings.Cut(refused, "=")

		named, err := kind(name)
		if err != nil {
			return err
		}

		number, err := strconv.ParseUint(reason, 10, 16)
		if err != nil {
			return fmt.Errorf("--refuse %s: want FPDU=diagnostic, such as CREATE=204: %w", refused, err)
		}

		p.faults.Refuse[named] = pesit.Reason(uint16(number))
	}

	return nil
}
