package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newProfiles() *cobra.Command {
	cmd := group("profiles", "Deployments that the configuration file knows, each with its key",
		newProfilesList(), newProfilesAdd(),
		profileCommand("use", "Use a profile where nothing else is said", func(c *config, name string) error {
			c.Current = name
			return nil
		}),
		profileCommand("remove", "Forget a profile and its key", func(c *config, name string) error {
			delete(c.Profiles, name)
			if c.Current == name {
				c.Current = ""
			}
			return nil
		}),
	)
	cmd.Aliases = []string{"profile"}
	return cmd
}

// profileCommand changes the file about one profile that is there.
func profileCommand(use, short string, change func(*config, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: profileNames,
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := loadConfig()
			if err != nil {
				return err
			}
			if _, err := c.target(args[0]); err != nil {
				return err
			}
			if err := change(&c, args[0]); err != nil {
				return err
			}
			return c.save()
		},
	}
}

func profileNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := loadConfig()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.names(), cobra.ShellCompDirectiveNoFileComp
}

// shownProfile is a profile without its key.
type shownProfile struct {
	Name      string `json:"name"`
	Current   bool   `json:"current"`
	URL       string `json:"url"`
	Workspace string `json:"workspace,omitempty"`
	HasKey    bool   `json:"has_key"`
}

func newProfilesList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the profiles, without their keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig()
			if err != nil {
				return err
			}
			out, err := newPrinter(cmd, nil)
			if err != nil {
				return err
			}
			return out.profiles(c)
		},
	}
}

func (p *printer) profiles(c config) error {
	t := newTable(p.w)
	for i, name := range c.names() {
		of := c.Profiles[name]
		shown := shownProfile{name, name == c.Current, of.URL, of.Workspace, of.Key != ""}
		if p.json {
			if err := p.value(shown); err != nil {
				return err
			}
			continue
		}
		if i == 0 {
			t.row("", "NAME", "URL", "WORKSPACE", "KEY")
		}
		mark := ""
		if shown.Current {
			mark = "*"
		}
		t.row(mark, name, of.URL, of.Workspace, yes(shown.HasKey))
	}
	return t.Flush()
}

var profileName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func newProfilesAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add NAME --url ADDRESS", Short: "Add a profile, or replace it; the key is asked for, or read from standard input",
		Example: `  postrider profiles add prod --url https://postrider.example.com < key.txt`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: profileNames,
	}
	address := cmd.Flags().String("url", defaultURL, "the API's `address`")
	workspace := cmd.Flags().String("workspace", "", "workspace `id`, needed with the admin key")
	use := cmd.Flags().Bool("use", false, "use it where nothing else is said; the first one always is")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !profileName.MatchString(args[0]) {
			return usageError("a profile's name is 1 to 64 of A-Za-z0-9_-")
		}
		if err := checkURL(*address); err != nil {
			return err
		}
		c, err := loadConfig()
		if err != nil {
			return err
		}
		key, err := askKey(cmd)
		if err != nil {
			return err
		}
		if c.Profiles == nil {
			c.Profiles = map[string]profile{}
		}
		c.Profiles[args[0]] = profile{URL: *address, Key: key, Workspace: *workspace}
		if *use || c.Current == "" {
			c.Current = args[0]
		}
		if err := c.save(); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "added %s to %s\n", args[0], c.path)
		return nil
	}
	return cmd
}

const longestKey = 4096

// askKey reads a key, unseen where somebody types it. It is no flag: those are in the
// process list and in the shell's history.
func askKey(cmd *cobra.Command) (string, error) {
	in := cmd.InOrStdin()
	var raw []byte
	var err error
	if f, ok := in.(*os.File); ok && isTerminal(in) {
		fmt.Fprint(cmd.ErrOrStderr(), "API key: ")
		raw, err = term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
	} else {
		raw, err = io.ReadAll(io.LimitReader(in, longestKey))
	}
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if key == "" {
		return "", withCode(errors.New("the key is empty"), ExitUsage)
	}
	return key, nil
}
