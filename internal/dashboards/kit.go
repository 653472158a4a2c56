package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard: rows of panels, each with a question.
type board struct {
	uid, title, doc string
	rows            []row
}

type row struct {
	title  string
	panels []panel
}

// panel is a graph, or with big a number.
type panel struct {
	title, doc string
	unit       string // Grafana's name of it
	queries    []query
	big        bool
	stacked    bool
	width      uint32 // of 24; 0 is the kind's own
	// red is from which value on a number is shown in red, unless it is 0; where less
	// is worse, it is from which on it is green.
	red       float64
	lessIsBad bool
	most      float64 // the axis's end, unless it is 0
	// alerts are those that tell of the same: their runbooks are linked.
	alerts []string
}

// query is one of a panel's. In expr $P stands for the processes that were chosen,
// $F for all of the chosen jobs: the leader's figures, wherever that is.
type query struct {
	expr, legend string
	exemplars    bool
}

var expand = strings.NewReplacer(`$P`, `job=~"$job", instance=~"$instance"`, `$F`, `job=~"$job"`)

const runbooks = "https://github.com/postrider/postrider/blob/main/docs/runbooks/"

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

//nolint:staticcheck // deprecated for a schema that only the newest Grafana reads; this one is read by all
func (b *board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder("Postrider / "+b.title).
		Uid(b.uid).Description(b.doc).Tags([]string{"postrider"}).Readonly().
		Time("now-1h", "now").Refresh("30s").Timezone("browser").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(labelVariable("job", "Job", `label_values(postrider_build_info, job)`)).
		WithVariable(labelVariable("instance", "Instance", `label_values(postrider_build_info{job=~"$job"}, instance)`)).
		WithVariable(window()).
		Link(dashboard.NewDashboardLinkBuilder("Postrider").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"postrider"}).AsDropdown(true).IncludeVars(true).KeepTime(true))
	for _, r := range b.rows {
		d.WithRow(dashboard.NewRowBuilder(r.title))
		for i := range r.panels {
			d.WithPanel(r.panels[i].builder())
		}
	}
	built, err := d.Build()
	number(built.Panels)
	return built, err
}

// number gives panels ids, by which links to one of them name it.
func number(panels []dashboard.PanelOrRowPanel) {
	for i := range panels {
		id := uint32(i + 1)
		if p := panels[i].Panel; p != nil {
			p.Id = &id
		}
		if r := panels[i].RowPanel; r != nil {
			r.Id = id
		}
	}
}

func labelVariable(name, label, ask string) cog.Builder[dashboard.VariableModel] {
	all := dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source()).
		Query(dashboard.StringOrMap{String: &ask}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true).AllValue(".+").
		Current(dashboard.VariableOption{
			Selected: cog.ToPtr(true), Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: all,
		})
}

// window is over which time rates are: four scrapes at least.
func window() cog.Builder[dashboard.VariableModel] {
	const usual = "5m"
	values := []string{"1m", usual, "15m", "1h", "6h"}
	var options []dashboard.VariableOption
	for _, v := range values {
		text := dashboard.StringOrArrayOfString{String: &v}
		options = append(options, dashboard.VariableOption{Selected: cog.ToPtr(v == usual), Text: text, Value: text})
	}
	text := dashboard.StringOrArrayOfString{String: cog.ToPtr(usual)}
	return dashboard.NewIntervalVariableBuilder("window").Label("Rates over").
		Values(dashboard.StringOrMap{String: cog.ToPtr(strings.Join(values, ","))}).Options(options).
		Current(dashboard.VariableOption{Selected: cog.ToPtr(true), Text: text, Value: text})
}

func (p *panel) builder() cog.Builder[dashboard.Panel] {
	if p.big {
		return p.figure()
	}
	return p.graph()
}

func (p *panel) figure() cog.Builder[dashboard.Panel] {
	b := stat.NewPanelBuilder().Title(p.title).Description(p.doc).Unit(p.unit).Datasource(source()).
		Span(wide(p.width, 4)).Height(4).Thresholds(p.thresholds()).Links(p.links()).
		GraphMode(common.BigValueGraphModeArea).ColorMode(common.BigValueColorModeValue).
		Orientation(common.VizOrientationAuto).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	for i, q := range p.queries {
		b.WithTarget(q.target(i))
	}
	return b
}

func (p *panel) graph() cog.Builder[dashboard.Panel] {
	b := timeseries.NewPanelBuilder().Title(p.title).Description(p.doc).Unit(p.unit).Datasource(source()).
		Span(wide(p.width, 8)).Height(8).Min(0).Links(p.links()).
		LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).
			Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.most > 0 {
		b.Max(p.most)
	}
	if p.stacked {
		b.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	if p.red > 0 {
		b.Thresholds(p.thresholds()).
			ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	for i, q := range p.queries {
		b.WithTarget(q.target(i))
	}
	return b
}

func wide(width, usual uint32) uint32 {
	if width > 0 {
		return width
	}
	return usual
}

func (p *panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	below, above := "green", "red"
	if p.lessIsBad {
		below, above = above, below
	}
	steps := []dashboard.Threshold{{Color: below}}
	if p.red > 0 {
		steps = append(steps, dashboard.Threshold{Value: &p.red, Color: above})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

func (p *panel) links() []cog.Builder[dashboard.DashboardLink] {
	links := []cog.Builder[dashboard.DashboardLink]{}
	for _, alert := range p.alerts {
		links = append(links, dashboard.NewDashboardLinkBuilder("Runbook: "+alert).
			Type(dashboard.DashboardLinkTypeLink).Url(runbooks+alert+".md").TargetBlank(true))
	}
	return links
}

func (q query) target(n int) cog.Builder[variant] {
	t := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + n))).Datasource(source()).
		Expr(expand.Replace(q.expr)).LegendFormat(q.legend).Range()
	if q.exemplars {
		t.Exemplar(true)
	}
	return t
}
