package cli

import (
	"cmp"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// target is a deployment, and as whom to talk to it.
type target struct {
	url, key, workspace string
	profile             string // which one it is from; "" for none
}

const defaultURL = "http://localhost:8080"

// addTarget adds the flags that name a target, to a command and those below it.
func addTarget(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.String("url", "", "the API's `address` (or POSTRIDER_URL; default "+defaultURL+")")
	f.String("key", "", "API `key` (or POSTRIDER_KEY, which the process list does not show)")
	f.String("workspace", "", "workspace `id`, needed with the admin key (or POSTRIDER_WORKSPACE)")
	f.String("profile", "", "`name` of a deployment in the configuration file (or POSTRIDER_PROFILE)")
}

// targetOf takes a profile that is named, else the environment, else the profile in
// use; flags go over each.
//
// A profile's key goes to that profile's address only: with another --url it is as if
// there were none.
func targetOf(f *pflag.FlagSet) (target, error) {
	flag := func(name string) string {
		value, _ := f.GetString(name) // the flag is there, as addTarget adds it
		return value
	}
	t, err := baseTarget(cmp.Or(flag("profile"), os.Getenv("POSTRIDER_PROFILE")), flag("url"))
	if err != nil {
		return target{}, err
	}
	if u := flag("url"); u != "" && t.profile != "" && !sameURL(u, t.url) {
		t = target{}
	}
	t.url = cmp.Or(flag("url"), t.url, defaultURL)
	t.key, t.workspace = cmp.Or(flag("key"), t.key), cmp.Or(flag("workspace"), t.workspace)
	if err := checkURL(t.url); err != nil {
		return target{}, err
	}
	if t.key == "" {
		return target{}, withCode(errNoKey, ExitAuth)
	}
	return t, nil
}

// baseTarget is what holds where no flag says otherwise.
func baseTarget(profile, url string) (target, error) {
	env := target{
		url: os.Getenv("POSTRIDER_URL"), workspace: os.Getenv("POSTRIDER_WORKSPACE"),
		key: cmp.Or(os.Getenv("POSTRIDER_KEY"), os.Getenv("POSTRIDER_API_ADMIN_KEY")),
	}
	if profile == "" && env.key != "" {
		return env, nil
	}
	c, err := loadConfig()
	if err != nil {
		return target{}, err
	}
	p, err := c.target(profile)
	if err != nil {
		return target{}, err
	}
	// A variable may name another address than the profile that happens to be in use.
	if profile == "" && url == "" && env.url != "" && !sameURL(env.url, p.url) {
		return env, nil
	}
	p.workspace = cmp.Or(p.workspace, env.workspace)
	return p, nil
}

func sameURL(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

// checkURL does not repeat the address: what is wrong with it may be a password in it.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return usageError("the API's address is http:// or https:// and a host, without user, query and fragment")
	}
	return nil
}
