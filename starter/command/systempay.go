package command

import "github.com/spf13/cobra"

func newSystemPay(s *session) *cobra.Command {
	group := &cobra.Command{
		Use:   "systempay",
		Short: "Ask for card payments by SystemPay, and match them with the lines that settle them",
	}
	group.AddCommand(newSystemPayForm(s), newSystemPayUnmatched(s), newSystemPayMatch(s), newSystemPayUnmatch(s))
	return group
}
