package command

import (
	"cmp"
	"log/slog"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/reglo/reglo/worker/boot/config"
)

func newConfig(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force and where each comes from, without secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.settings(cmd)
			if err != nil {
				return err
			}
			return s.show(settingsDocument{settings})
		},
	}
}

// settingsDocument prints a configuration redacted.
type settingsDocument struct {
	settings config.Config
}

func (d settingsDocument) writeText(t *text) { t.write(d.settings.Redacted()) }

// MarshalJSON gives each setting under its name, as text and without secrets.
func (d settingsDocument) MarshalJSON() ([]byte, error) {
	values := make(map[string]string)
	for _, attribute := range d.settings.LogValue().Group() {
		values[attribute.Key] = attribute.Value.String()
	}
	return marshal(values)
}

func newVersion(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return s.show(readVersion())
		},
	}
}

// versionDocument identifies a build.
type versionDocument struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // commit, when built from a checkout
	Modified bool   `json:"modified"`           // built from a checkout with changes of its own
	Go       string `json:"go,omitempty"`
}

func readVersion() versionDocument {
	version := versionDocument{Version: "unknown"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	version.Version, version.Go = build.Main.Version, build.GoVersion
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			version.Revision = setting.Value
		case "vcs.modified":
			version.Modified = setting.Value == "true"
		}
	}
	return version
}

func (d versionDocument) String() string {
	line := "starter " + cmp.Or(d.Revision, d.Version)
	if d.Modified {
		line += ", with changes"
	}
	return line + " (" + d.Go + ")"
}

func (d versionDocument) writeText(t *text) { t.linef("%s", d) }

// progressLog logs what goes on to the error stream.
func (s *session) progressLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
