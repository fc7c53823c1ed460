// Pesitwizard is a STAND-IN for PeSIT Wizard and the bank behind it: the program of package pesitwizard. It plays the
// product on a developer's machine, and never reaches a bank.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/deploy/partners/pesitwizard"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newProgram(os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pesitwizard:", err)
		return 1
	}
	return 0
}

// options are the flags.
type options struct {
	listen, received, offered, arrived, keyFile, partner, header string
	servers, faults                                              []string
}

func newProgram(out io.Writer) *cobra.Command {
	var flags options
	cmd := &cobra.Command{
		Use:   "pesitwizard --received DIR --offered DIR",
		Short: "A stand-in for PeSIT Wizard and the bank behind it",
		Long: `A stand-in for PeSIT Wizard, the product by which files go to a bank over PeSIT,
and for the bank behind it. It serves both of the product's APIs until it is
interrupted, and says first where. What is sent to the bank comes into one
folder, which the stand-in of the bank takes as its outbox; what the bank has
for us is taken from another.

What goes wrong is said by --fault KIND[=NUMBER|=TEXT][*TIMES], or meanwhile by
PUT /stand-in/faults [{"kind":"reply-lost","times":1}]. GET /stand-in/files shows
what the bank has, POST /stand-in/release lets transfers go on that are stuck.
POST /stand-in/push/NAME has the bank bring a file that it has for us, and
POST /stand-in/push all that it did not bring before; webhooks are called.
Kinds: ` + kinds() + `.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.serve(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:9081", "address to listen on")
	cmd.Flags().StringVar(&flags.received, "received", "", "folder of what the bank gets")
	cmd.Flags().StringVar(&flags.offered, "offered", "", "folder of what the bank has for us")
	cmd.Flags().StringVar(&flags.arrived, "arrived", "", "folder of what the bank pushed to us (default: .arrived in that of --offered)")
	cmd.Flags().StringVar(&flags.keyFile, "key-file", "", "file of the key that callers show (default: anyone may call)")
	cmd.Flags().StringVar(&flags.partner, "partner", "REGLO", "who the bank knows us as")
	cmd.Flags().StringVar(&flags.header, "webhook-header", "X-Webhook-Signature", "header of webhooks' signatures")
	cmd.Flags().StringArrayVar(&flags.servers, "server", []string{"1=BANK"}, "a bank, NUMBER=NAME; the first is the default one")
	cmd.Flags().StringArrayVar(&flags.faults, "fault", nil, "what goes wrong from the beginning")
	return cmd
}

func kinds() string {
	all := make([]string, 0, len(pesitwizard.Kinds()))
	for _, kind := range pesitwizard.Kinds() {
		all = append(all, string(kind))
	}
	return strings.Join(all, ", ")
}

// serve plays the product until the context ends.
func (o *options) serve(ctx context.Context, out io.Writer) error {
	settings := pesitwizard.Settings{
		Received: o.received, Offered: o.offered, Arrived: o.arrived, Partner: o.partner, Header: o.header, Clock: time.Now,
	}
	for _, text := range o.servers {
		server, err := parseServer(text)
		if err != nil {
			return err
		}
		settings.Servers = append(settings.Servers, server)
	}
	if o.keyFile != "" {
		key, err := os.ReadFile(o.keyFile)
		if err != nil {
			return fmt.Errorf("read the key: %w", err)
		}
		settings.Key = strings.TrimSpace(string(key))
	}
	faults := make([]pesitwizard.Fault, 0, len(o.faults))
	for _, text := range o.faults {
		fault, err := pesitwizard.ParseFault(text)
		if err != nil {
			return err
		}
		faults = append(faults, fault)
	}
	product, err := pesitwizard.New(settings)
	if err != nil {
		return err
	}
	product.Break(faults...)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"address": listener.Addr().String()}); err != nil {
		return errors.Join(fmt.Errorf("say where: %w", err), listener.Close())
	}
	return product.Serve(ctx, listener)
}

func parseServer(text string) (pesitwizard.Server, error) {
	number, name, _ := strings.Cut(text, "=")
	server := pesitwizard.Server{Name: name}
	var err error
	if server.Number, err = strconv.Atoi(number); err != nil || server.Number < 1 || name == "" {
		return pesitwizard.Server{}, fmt.Errorf("--server %q: want NUMBER=NAME, such as 1=BANK", text)
	}
	return server, nil
}
