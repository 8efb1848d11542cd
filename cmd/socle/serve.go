package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"socle/internal/app"
	"socle/internal/config"
)

// newServeCmd is the server.
func newServeCmd() *cobra.Command {
	var file, listen, dataDir string
	var services []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: DHCP, TFTP, boot HTTP, API, dashboard and workers",
		Long: `Run the server. Without a configuration file it starts with defaults: SQLite in the data directory, its own certificate
authority, and an admin token in DIR/admin-token. See docs/configuration.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := map[string]string{}
			lookup := func(name string) (string, bool) { // flags win over the environment
				if v, ok := flags[name]; ok {
					return v, true
				}
				return os.LookupEnv(name)
			}
			for name, value := range map[string]string{"SOCLE_LISTEN": listen, "SOCLE_DATA_DIR": dataDir} {
				if value != "" {
					flags[name] = value
				}
			}
			if len(services) > 0 {
				flags["SOCLE_SERVICES"] = fmt.Sprintf("[%s]", strings.Join(services, ","))
			}
			c, err := config.Load(file, lookup)
			if err != nil {
				return err
			}
			return app.Run(cmd.Context(), c, version, logger(cmd.ErrOrStderr(), c.Log), nil)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (YAML); default: none is needed")
	cmd.Flags().StringVar(&listen, "listen", "", "host:port of API and dashboard (SOCLE_LISTEN; default :8443)")
	cmd.Flags().StringVar(&dataDir, "data-dir", "", "folder for database, keys, certificates, images and the admin token (SOCLE_DATA_DIR; default /var/lib/socle)")
	cmd.Flags().StringSliceVar(&services, "services", nil, "parts to run: api, workers, dhcp, tftp, boot (SOCLE_SERVICES; default: what the configuration can use)")
	return cmd
}

func logger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // config.Validate has refused others
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
