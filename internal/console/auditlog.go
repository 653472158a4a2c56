package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func auditLogPages() []page {
	return []page{
		{method: "GET", path: inWorkspace + "/audit-log", whole: true, handle: auditLog},
		// Every workspace's.
		{method: "GET", path: "/audit-log", adminOnly: true, handle: auditLog},
	}
}

// namedKeys is how many of a workspace's keys are called by their names.
const namedKeys = 250

// auditPage is templates/pages/audit-log.html's.
type auditPage struct {
	Action, Actor, Target, Since, Until string // the filters, as in the address
	Everywhere                          bool   // not of one workspace
	Rows                                []auditRow
	Next                                *string
	Wrong                               mistakes
}

// Actions are those to choose from.
func (*auditPage) Actions() []auditAction { return auditActions }

// Filtered says whether the list is narrowed.
func (p *auditPage) Filtered() bool { return p.Action+p.Actor+p.Target+p.Since+p.Until != "" }

func auditLog(v *visit) error {
	q := v.r.URL.Query()
	text := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	p := &auditPage{
		Action: text("action"), Actor: text("actor"), Target: text("target"), Since: text("since"), Until: text("until"),
		Everywhere: v.workspace.ID == "", Wrong: mistakes{},
	}
	f := client.AuditFilter{Action: p.Action, Actor: p.Actor, Target: p.Target, Since: p.time("since", p.Since), Until: p.time("until", p.Until), Cursor: v.cursor()}
	if p.Everywhere { // the API has these two within a workspace only
		p.Action, p.Actor, f.Action, f.Actor = "", "", "", ""
	}
	if len(p.Wrong) > 0 {
		return v.renderAs(http.StatusUnprocessableEntity, "audit-log", "Audit log", p)
	}
	err := p.load(v, f)
	if p.Wrong.refused(err, "action", "actor", "target", "since", "until") {
		return v.renderAs(http.StatusUnprocessableEntity, "audit-log", "Audit log", p)
	}
	if err != nil {
		return err
	}
	return v.render("audit-log", "Audit log", p)
}

// time reads what a field for a time sends, which has no zone: it is UTC, as the field
// says.
func (p *auditPage) time(field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	p.Wrong.add(field, "must be a time such as 2026-01-31T17:30")
	return time.Time{}
}

func (p *auditPage) load(v *visit, f client.AuditFilter) error {
	var all client.Page[client.AuditEntry]
	keys := map[string]string{}
	calls := []func(context.Context) error{func(ctx context.Context) (err error) { all, err = v.api.AuditLog.List(ctx, f); return err }}
	if v.Admin() && !p.Everywhere {
		calls = append(calls, func(ctx context.Context) error { return nameKeys(ctx, v, keys) })
	}
	if err := v.together(calls...); err != nil {
		return err
	}
	if k := v.session.Key; !v.Admin() {
		keys[k.ID.Format(webhook.KeyPrefix)] = k.Name
	}
	p.Next = all.NextCursor
	for i := range all.Data {
		p.Rows = append(p.Rows, newAuditRow(v, &all.Data[i], keys))
	}
	return nil
}

// nameKeys finds the keys' names. A deleted workspace's are gone, its log is not.
func nameKeys(ctx context.Context, v *visit, into map[string]string) error {
	all, err := v.api.Keys.List(ctx, string(v.workspace.ID), client.ListOptions{Limit: namedKeys})
	for _, k := range all.Data {
		into[k.ID] = k.Name
	}
	return err
}

// newAuditRow puts an entry into words.
func newAuditRow(v *visit, e *client.AuditEntry, keys map[string]string) auditRow {
	home := v.base + "/w/" + string(e.WorkspaceID)
	row := auditRow{AuditEntry: e, Who: whoOf(e.Actor, keys), Verb: verbOf(e), Log: home + "/audit-log"}
	row.TargetName = keys[e.Target]
	if path := pageOf(e); path != "" {
		row.Href = home + path
	}
	return row
}

// pageOf is where a target's page is, below its workspace; "" for what has none.
func pageOf(e *client.AuditEntry) string {
	switch e.TargetKind {
	case client.TargetEndpoint:
		return "/endpoints/" + url.PathEscape(e.Target)
	case client.TargetDelivery:
		return "/deliveries/" + url.PathEscape(e.Target)
	case client.TargetEventType:
		return "/event-types/" + url.PathEscape(e.Target)
	case client.TargetWorkspace:
		return "/overview"
	}
	return ""
}
