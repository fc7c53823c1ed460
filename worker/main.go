// Command worker carries out vacations: it polls Temporal for their workflows
// and activities, keeps the books in PostgreSQL and delivers OG-EP events.
package main

import (
	"os"

	"github.com/reglo/reglo/worker/boot"
)

func main() { os.Exit(boot.Main(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }
