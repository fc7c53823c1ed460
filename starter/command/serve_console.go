package command

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/starter/console"
	"github.com/reglo/reglo/starter/front"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/shop"
)

// newConsoleRoutes are the pages and lists of card payments, none without a shop
// and somebody who may look.
func newConsoleRoutes(
	settings config.Config, shops []shop.Shop, pool *pgxpool.Pool, clock func() time.Time, log *slog.Logger,
) ([]front.Route, error) {
	if len(shops) == 0 {
		return nil, nil
	}
	if settings.Console.KeysFile == "" && settings.Console.ProxyHeader == "" {
		log.Warn("nobody may look at card payments: neither console.keys_file nor console.proxy_header is set")
		return nil, nil
	}
	parts := console.Parts{
		Pool: pool, ProxyHeader: settings.Console.ProxyHeader, Proxies: settings.Front.TrustedProxies, Clock: clock, Log: log,
	}
	for i := range shops {
		parts.Shops = append(parts.Shops, shops[i].Name)
	}
	if settings.Console.KeysFile != "" {
		keys, err := console.ReadKeys(settings.Console.KeysFile)
		if err != nil {
			return nil, settings.Refuse("console.keys_file", err.Error())
		}
		parts.Keys = keys
	}
	shown, err := console.New(parts)
	if err != nil {
		return nil, err
	}
	return shown.Routes(), nil
}
