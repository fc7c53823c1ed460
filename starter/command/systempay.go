package command

import "github.com/spf13/cobra"

func newSystemPay(s *session) *cobra.Command {
	group := &cobra.Command{
		Use:   "systempay",
		Short: "Ask for card payments by SystemPay",
	}
	group.AddCommand(newSystemPayForm(s))
	return group
}
