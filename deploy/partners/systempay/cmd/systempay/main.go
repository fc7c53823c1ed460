// Systempay is a STAND-IN for SystemPay, the platform on which buyers pay by card: the program of package systempay. It plays
// the platform on a developer's machine, in a browser if wanted, and no money moves.
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

	"github.com/reglo/reglo/deploy/partners/systempay"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newProgram(os.Stdout).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "systempay:", err)
		return 1
	}
	return 0
}

// options are the flags that both commands have.
type options struct {
	shops, forwarded, from string
}

func (o *options) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.shops, "shops", "", "file of the shops (default: one, 12345678, with the key of the vendor's example)")
	cmd.Flags().StringVar(&o.forwarded, "forwarded-for", "", "address that notifications say they come from, in X-Forwarded-For")
	cmd.Flags().StringVar(&o.from, "from", "", "address of this machine that notifications are sent from")
}

// read gives the shops.
func (o *options) read() ([]systempay.Shop, error) {
	if o.shops == "" {
		return []systempay.Shop{{
			Site: "12345678", Algorithm: systempay.SHA256, Keys: map[string]string{"TEST": "1122334455667788"},
		}}, nil
	}
	file, err := os.Open(o.shops)
	if err != nil {
		return nil, fmt.Errorf("open the shops: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return systempay.ReadShops(file)
}

// serving are the flags of the platform itself.
type serving struct {
	options

	listen, state string
	faults        []string
	repeats       []time.Duration
}

func newProgram(out io.Writer) *cobra.Command {
	var flags serving
	cmd := &cobra.Command{
		Use:   "systempay",
		Short: "A stand-in for SystemPay, the platform on which buyers pay by card",
		Long: `A stand-in for SystemPay, the platform on which buyers pay by card. It serves
until it is interrupted, and says first where.

A browser posts the shop's signed form to /vads-payment/ and is asked what to do;
?pay=DECISION says it at once (pay, refuse, abandon and others; &auth=51 is the
bank's reason of a refusal). The shop is then notified. --shops names a file such as
  [{"site":"12345678","algorithm":"hmac-sha-256","keys":{"TEST":"…"},"url_check":"http://…"}]

  GET  /stand-in/transactions[?order_id=…]    what there is, and how it was told
  POST /stand-in/transactions/UUID/ACT        authorise, validate, capture, fail,
       cancel, expire, refuse, credit {"amount":100}, resend {"event":0}
  POST /stand-in/batch                        captures all that is authorised
  GET  /stand-in/payments                     the forms
  POST /stand-in/payments/ID/DECISION         decides in the buyer's place
  POST /stand-in/release                      sends what is held, the last one first

What goes wrong with notifications is said by --fault KIND[=NUMBER|=TEXT][*TIMES],
or meanwhile by PUT /stand-in/faults [{"kind":"forged","times":1}]; all of them go
wrong with the same notification. Kinds: ` + kinds() + `.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.serve(cmd.Context(), out) },
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:9083", "address to listen on")
	cmd.Flags().StringVar(&flags.state, "state", "", "file of what the platform knows (default: it is forgotten at the end)")
	cmd.Flags().StringArrayVar(&flags.faults, "fault", nil, "what goes wrong from the beginning")
	cmd.Flags().DurationSliceVar(&flags.repeats, "repeat", systempay.DefaultRepeats(),
		"waits before a notification is sent again that was not answered 200")
	cmd.AddCommand(newFlood(out), newBuy(out))
	return cmd
}

func kinds() string {
	all := make([]string, 0, len(systempay.Kinds()))
	for _, kind := range systempay.Kinds() {
		all = append(all, string(kind))
	}
	return strings.Join(all, ", ")
}

// serve plays the platform until the context ends.
func (s *serving) serve(ctx context.Context, out io.Writer) error {
	shops, err := s.read()
	if err != nil {
		return err
	}
	faults := make([]systempay.Fault, 0, len(s.faults))
	for _, text := range s.faults {
		fault, err := systempay.ParseFault(text)
		if err != nil {
			return err
		}
		faults = append(faults, fault)
	}
	gateway, err := systempay.New(systempay.Settings{
		Shops: shops, File: s.state, Repeats: s.repeats, Forwarded: s.forwarded, From: s.from, Clock: time.Now,
	})
	if err != nil {
		return err
	}
	gateway.Break(faults...)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"address": listener.Addr().String()}); err != nil {
		return errors.Join(fmt.Errorf("say where: %w", err), listener.Close())
	}
	return gateway.Serve(ctx, listener)
}

// flooding are the flags of a flood.
type flooding struct {
	options

	flood                       systempay.Flood
	site, ledger, orders, start string
	resend, forged, credit      share
}

// share is a part of all, written as 30% or 0.3.
type share float64

// String writes a share.
func (s *share) String() string { return strconv.FormatFloat(float64(*s)*100, 'f', -1, 64) + "%" }

// Set reads a share.
func (s *share) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(number, 64)
	if percent {
		value /= 100
	}
	if err != nil || !(value >= 0 && value <= 1) {
		return fmt.Errorf("%q: want a share, such as 30%%", text)
	}
	*s = share(value)
	return nil
}

// Type names what a share is in the help.
func (*share) Type() string { return "share" }

func newFlood(out io.Writer) *cobra.Command {
	var flags flooding
	cmd := &cobra.Command{
		Use:   "flood --url URL --ledger FILE",
		Short: "Send many notifications, and say what was answered, and how fast",
		Long: `Sends the notifications of a busy day, and prints as JSON how many answers there
were of each HTTP status, and their latencies. The ledger has a line of JSON for
each transaction: the status and the amount that it has in the end. It is written
first. The same seed, start and orders make the same flood, but for the hashes
and for the order in which answers come.

--orders names a file of what is paid for, a line each:
  {"order_id":"…","amount":1999,"currency":"978","trans_id":"…","trans_date":"…"}
of which the last three may be left out. Without it --count orders are made up.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd.Context(), out) },
	}
	flags.register(cmd)
	set := cmd.Flags()
	set.StringVar(&flags.flood.Target, "url", "", "where notifications go")
	set.StringVar(&flags.ledger, "ledger", "", "file of what becomes of each transaction; it is written anew")
	set.StringVar(&flags.site, "site", "", "shop (default: the first one)")
	set.StringVar(&flags.flood.Mode, "mode", "TEST", "TEST or PRODUCTION")
	set.StringVar(&flags.orders, "orders", "", "file of what is paid for")
	set.IntVar(&flags.flood.Count, "count", 1000, "transactions, where there are no orders")
	set.IntVar(&flags.flood.Connections, "connections", 16, "notifications under way at a time")
	set.Var(&flags.resend, "resend", "notifications that are sent once more")
	set.Var(&flags.forged, "forged", "notifications of which there is also a forged one")
	set.Var(&flags.credit, "credit", "captured transactions that are given back")
	set.BoolVar(&flags.flood.Shuffle, "shuffle", false, "send in any order")
	set.Float64Var(&flags.flood.Rate, "rate", 0, "notifications a second (default: as many as can be)")
	set.IntVar(&flags.flood.Attempts, "attempts", 5, "how often one is sent that is not answered, or by 5xx")
	set.DurationVar(&flags.flood.Pause, "pause", 100*time.Millisecond, "wait before the second attempt; it doubles")
	set.Uint64Var(&flags.flood.Seed, "seed", 1, "what happens")
	set.StringVar(&flags.start, "start", "", "day of the first transaction, such as 2026-03-31 (default: today)")
	for _, name := range []string{"url", "ledger"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}

// run floods, and prints what came of it.
func (f *flooding) run(ctx context.Context, out io.Writer) (err error) {
	if err := f.complete(); err != nil {
		return err
	}
	ledger, err := os.OpenFile(f.ledger, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open the ledger: %w", err)
	}
	tally, err := f.flood.Run(ctx, ledger)
	if err := errors.Join(err, ledger.Close()); err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(&tally); err != nil {
		return fmt.Errorf("say what came of it: %w", err)
	}
	return nil
}

// complete puts together what the flags say.
func (f *flooding) complete() error {
	shops, err := f.read()
	if err != nil {
		return err
	}
	for i := range shops {
		if f.site == "" || shops[i].Site == f.site {
			f.flood.Shop = shops[i]
			break
		}
	}
	f.flood.Start = time.Now().UTC().Truncate(24 * time.Hour)
	if f.start != "" {
		if f.flood.Start, err = time.Parse(time.DateOnly, f.start); err != nil {
			return fmt.Errorf("--start: %w", err)
		}
	}
	f.flood.Resend, f.flood.Forged, f.flood.Credit = float64(f.resend), float64(f.forged), float64(f.credit)
	f.flood.Forwarded, f.flood.From, f.flood.Clock = f.forwarded, f.from, time.Now
	if f.orders == "" {
		return nil
	}
	file, err := os.Open(f.orders)
	if err != nil {
		return fmt.Errorf("open the orders: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	f.flood.Orders, err = systempay.ReadOrders(file)
	return err
}
