package cli

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newEventTypes() *cobra.Command {
	cmd := group("event-types", "The catalogue of event types, with schemas and examples",
		newEventTypesList(), newEventTypesShow(), newEventTypesPut(),
		&cobra.Command{
			Use: "delete TYPE", Short: "Delete an event type; its events are published as before, but held against nothing",
			Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventTypes),
			RunE: connected(func(ctx context.Context, s *session, args []string) error {
				return s.did("deleted "+args[0], s.api.EventTypes.Delete(ctx, args[0]))
			}),
		},
		newEventTypesTemplates(),
	)
	cmd.Aliases = []string{"event-type", "types"}
	return cmd
}

func newEventTypesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the event types", Args: cobra.NoArgs}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		return list(s, p, s.api.EventTypes.All(ctx, client.ListOptions{Limit: p.page()}),
			column[client.EventType]{"NAME", func(t client.EventType) string { return t.Name }},
			column[client.EventType]{"VALIDATION", func(t client.EventType) string { return string(t.Validation) }},
			column[client.EventType]{"EXAMPLE", func(t client.EventType) string { return yes(hasExample(t.Example)) }},
			column[client.EventType]{"DESCRIPTION", func(t client.EventType) string { return t.Description }})
	})
	return cmd
}

func hasExample(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func newEventTypesShow() *cobra.Command {
	return &cobra.Command{
		Use: "show TYPE", Short: "Show an event type with its schema and example", Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventTypes),
		RunE: connected(func(ctx context.Context, s *session, args []string) error {
			return s.showEventType(s.api.EventTypes.Get(ctx, args[0]))
		}),
	}
}

func (s *session) showEventType(t client.EventType, err error) error {
	if err != nil {
		return err
	}
	return s.out.one(
		field{"name", t.Name}, field{"description", t.Description}, field{"validation", string(t.Validation)},
		field{"schema", whole(t.Schema)}, field{"example", whole(t.Example)}, field{"created", when(t.CreatedAt)}, field{"updated", when(t.UpdatedAt)})
}

// whole is JSON for people; nothing for null.
func whole(raw json.RawMessage) string {
	if !hasExample(raw) {
		return ""
	}
	return indented(raw)
}

func newEventTypesPut() *cobra.Command {
	cmd := &cobra.Command{
		Use: "put TYPE", Short: "Make an event type, or replace it whole", Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventTypes),
		Example: `  postrider event-types put post.created --description 'A post is there' --schema @post.schema.json --validation warn --example '{"id":1}'`,
	}
	f := cmd.Flags()
	description := f.String("description", "", "what it means")
	schema := f.String("schema", "", "JSON Schema 2020-12 of the data, as `JSON`, @FILE or -")
	validation := f.String("validation", "", "what becomes of data that the schema refuses: off, warn or reject")
	example := f.String("example", "", "data that `postrider trigger` publishes, as `JSON`, @FILE or -")
	_ = cmd.RegisterFlagCompletionFunc("validation", cobra.FixedCompletions([]string{"off", "warn", "reject"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		in := client.EventTypeInput{Description: *description, Validation: client.Validation(*validation)}
		if *schema != "" {
			raw, err := argument(s.in, *schema)
			if err != nil {
				return err
			}
			in.Schema = raw
		}
		if *example != "" {
			raw, err := argument(s.in, *example)
			if err != nil {
				return err
			}
			in.Example = raw
		}
		return s.showEventType(s.api.EventTypes.Put(ctx, args[0], in))
	})
	return cmd
}

func newEventTypesTemplates() *cobra.Command {
	return &cobra.Command{
		Use: "templates RESOURCE", Short: "Show the event types that most resources have, for one such as post", Args: cobra.ExactArgs(1),
		RunE: connected(func(ctx context.Context, s *session, args []string) error {
			templates, err := s.api.EventTypes.Templates(ctx, args[0])
			if err != nil {
				return err
			}
			return list(s, paging{all: true, limit: 1}, each(templates),
				column[client.EventTypeTemplate]{"NAME", func(t client.EventTypeTemplate) string { return t.Name }},
				column[client.EventTypeTemplate]{"DESCRIPTION", func(t client.EventTypeTemplate) string { return t.Description }},
				column[client.EventTypeTemplate]{"EXAMPLE", func(t client.EventTypeTemplate) string { return string(t.Example) }})
		}),
	}
}
