// Divalto is a STAND-IN for the ERP Divalto infinity: the program of package divalto. It plays the ERP's web services on a
// developer's machine, and never reaches an ERP.
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
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newProgram(os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "divalto:", err)
		return 1
	}
	return 0
}

// options are the flags.
type options struct {
	settings             divalto.Settings
	listen, passwordFile string
	shape                string
	faults               []string
}

func newProgram(out io.Writer) *cobra.Command {
	var flags options
	cmd := &cobra.Command{
		Use:   "divalto --books FILE --password-file FILE",
		Short: "A stand-in for the ERP Divalto infinity",
		Long: `A stand-in for the ERP Divalto infinity. It serves the ERP's authentication, its
integration of settlements and the look-up of what is booked until it is
interrupted, and says first where. What it books is kept in a file.

What goes wrong is said by --fault [ENDPOINT/]KIND[=NUMBER][*TIMES], or meanwhile
by PUT /stand-in/faults [{"kind":"reply-lost","times":1}]. GET /stand-in/books
shows what is booked, GET /stand-in/overlaps how often two postings of one
dossier were at work at the same time.
Endpoints: execute (when none is named), auth, recordsql.
Kinds: ` + kinds() + `.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.serve(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:9082", "address to listen on")
	cmd.Flags().StringVar(&flags.settings.File, "books", "", "file of what is booked")
	cmd.Flags().StringVar(&flags.settings.User, "user", "reglo", "who may call")
	cmd.Flags().StringVar(&flags.passwordFile, "password-file", "", "file of the user's password")
	cmd.Flags().StringVar(&flags.settings.Domain, "domain", "", "domain that callers name (default: any)")
	cmd.Flags().StringVar(&flags.settings.Env, "env", "", "environment that callers name (default: any)")
	cmd.Flags().StringArrayVar(&flags.settings.Dossiers, "dossier", []string{"998"}, "a dossier that there is; the first is the user's own")
	cmd.Flags().StringArrayVar(&flags.settings.ThirdParties, "third-party", nil, "beginning of third parties that there are (default: all)")
	cmd.Flags().StringToStringVar(&flags.settings.States, "state", nil, "a change of state, CHGETAT=ETATFIN (default: all)")
	cmd.Flags().DurationVar(&flags.settings.TokenLifetime, "token-lifetime", 0, "how long a token is good (default 30m)")
	cmd.Flags().StringVar(&flags.shape, "shape", string(divalto.ShapeString), "of answers: string, object, or broken")
	cmd.Flags().BoolVar(&flags.settings.ErrorText, "error-text", false, "answer error as a string")
	cmd.Flags().BoolVar(&flags.settings.TxtError, "txterror", false, "give the reason of a refused authentication as txterror")
	cmd.Flags().Int64Var(&flags.settings.First, "first", 0, "number of the first transaction of new books (default 1354)")
	cmd.Flags().StringArrayVar(&flags.faults, "fault", nil, "what goes wrong from the beginning")
	return cmd
}

func kinds() string {
	all := make([]string, 0, len(divalto.Kinds()))
	for _, kind := range divalto.Kinds() {
		all = append(all, string(kind))
	}
	return strings.Join(all, ", ")
}

// serve plays the ERP until the context ends.
func (o *options) serve(ctx context.Context, out io.Writer) error {
	password, err := os.ReadFile(o.passwordFile)
	if err != nil {
		return fmt.Errorf("read the password, of --password-file: %w", err)
	}
	o.settings.Password = strings.TrimSpace(string(password))
	o.settings.Shape, o.settings.Clock = divalto.Shape(o.shape), time.Now
	faults := make([]divalto.Fault, 0, len(o.faults))
	for _, text := range o.faults {
		fault, err := divalto.ParseFault(text)
		if err != nil {
			return err
		}
		faults = append(faults, fault)
	}
	erp, err := divalto.New(o.settings)
	if err != nil {
		return err
	}
	return errors.Join(o.play(ctx, out, erp, faults), erp.Close())
}

func (o *options) play(ctx context.Context, out io.Writer, erp *divalto.ERP, faults []divalto.Fault) error {
	if err := erp.Break(faults...); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"address": listener.Addr().String()}); err != nil {
		return errors.Join(fmt.Errorf("say where: %w", err), listener.Close())
	}
	return erp.Serve(ctx, listener)
}
