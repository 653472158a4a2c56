package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newTrigger() *cobra.Command {
	cmd := &cobra.Command{
		Use: "trigger [TYPE]", Short: "Publish the example of an event type; without one, list those that have examples",
		Example: `  postrider trigger
  postrider trigger post.created --set id=7 --set author.name=Ann`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: first(eventTypes),
	}
	var options publishing
	options.add(cmd)
	sets := cmd.Flags().StringArray("set", nil, "`path=value` in the data; the value is JSON, or else text")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		if len(args) == 0 {
			return listExamples(ctx, s)
		}
		example, err := exampleOf(ctx, s.api, args[0])
		if err != nil {
			return err
		}
		data, err := withSets(example, *sets)
		if err != nil {
			return err
		}
		return publish(ctx, s, args[0], data, options)
	})
	return cmd
}

// exampleOf is the catalogue's example of a type.
func exampleOf(ctx context.Context, c *client.Client, name string) (json.RawMessage, error) {
	found, err := c.EventTypes.Get(ctx, name)
	if client.CodeOf(err) == client.CodeNotFound {
		return nil, noType(ctx, c, name, err)
	}
	if err == nil && !hasExample(found.Example) {
		err = fmt.Errorf("the event type %s has no example: give it one with `postrider event-types put`, or use `postrider send`", name)
	}
	return found.Example, err
}

// noType says which type may have been meant.
func noType(ctx context.Context, c *client.Client, name string, notFound error) error {
	var names []string
	for t, err := range c.EventTypes.All(ctx, client.ListOptions{Limit: mostOfPage}) {
		if err != nil {
			return errors.Join(notFound, err)
		}
		names = append(names, t.Name)
	}
	says := fmt.Sprintf("the catalogue has no event type %s", name)
	if near := nearest(name, names); near != "" {
		says += fmt.Sprintf("; did you mean %s?", near)
	} else {
		says += ": `postrider trigger` lists those that have examples, and `postrider send` needs none"
	}
	return withCode(errors.New(says), ExitNotFound)
}

// listExamples lists what can be triggered.
func listExamples(ctx context.Context, s *session) error {
	withExample := func(yield func(client.EventType, error) bool) {
		for t, err := range s.api.EventTypes.All(ctx, client.ListOptions{Limit: mostOfPage}) {
			if err == nil && !hasExample(t.Example) {
				if s.out.json { // its JSON is passed over, too
					_, err = s.out.wire.item()
				}
				if err == nil {
					continue
				}
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
	return list(s, paging{all: true, limit: 1}, withExample,
		column[client.EventType]{"TYPE", func(t client.EventType) string { return t.Name }},
		column[client.EventType]{"DESCRIPTION", func(t client.EventType) string { return t.Description }},
		column[client.EventType]{"EXAMPLE", func(t client.EventType) string { return string(t.Example) }})
}

// withSets puts values into an object, in order.
func withSets(data json.RawMessage, sets []string) (json.RawMessage, error) {
	for _, set := range sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok || path == "" {
			return nil, usageError(fmt.Sprintf("--set is path=value, not %q", set))
		}
		changed, err := setPath(data, strings.Split(path, "."), asJSON(value))
		if err != nil {
			return nil, usageError(fmt.Sprintf("--set %s: %s", path, err))
		}
		data = changed
	}
	return data, nil
}

// asJSON is a value as it is typed: JSON, or else text.
func asJSON(value string) json.RawMessage {
	if json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	quoted, _ := json.Marshal(value) // a string always can be
	return quoted
}
