package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/cli-reference.md")

const (
	referencePage = "../../docs/cli-reference.md"
	head          = "# Every command\n\nMade from the commands themselves by `make cli-docs`. [cli.md](cli.md) shows how they go together.\n"
)

// TestReference: the page says what the commands say.
func TestReference(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(head)
	describeShared(&page, newRoot())
	for _, cmd := range newRoot().Commands() {
		describe(&page, cmd)
	}
	if *update {
		if err := os.WriteFile(referencePage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page.String() {
		t.Errorf("%s is not what the commands say: make cli-docs", referencePage)
	}
}

// describeShared writes the flags of all commands that talk to a deployment, once.
func describeShared(page *strings.Builder, root *cobra.Command) {
	cmd, _, err := root.Find([]string{"endpoints"})
	if err != nil {
		panic(err) // the command is there
	}
	page.WriteString("\nCommands that talk to a deployment have these flags, too; `verify` and `profiles` have `--output` of them.\n\n```\n" +
		cmd.PersistentFlags().FlagUsages() + "```\n")
}

func describe(page *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
		return
	}
	if !cmd.HasSubCommands() {
		fmt.Fprintf(page, "\n## %s\n\n", cmd.CommandPath())
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		page.WriteString(text + "\n\n```\n" + cmd.UseLine() + "\n" + flags(cmd) + "```\n")
		if cmd.Example != "" {
			page.WriteString("\nFor example:\n\n```\n" + unindented(cmd.Example) + "\n```\n")
		}
	}
	for _, sub := range cmd.Commands() {
		describe(page, sub)
	}
}

// flags are a command's own. Those with a dot are keys of the configuration.
func flags(cmd *cobra.Command) string {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	keys := false
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case strings.Contains(f.Name, "."):
			keys = true
		case f.Name != "help":
			own.AddFlag(f)
		}
	})
	text := own.FlagUsages()
	if keys {
		text += "      and each key of configuration.md\n"
	}
	if text != "" {
		text = "\n" + text
	}
	return text
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
