package console

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

func queuesPages() []page {
	var all []page
	// They are no workspace's. Within one they are in its navigation.
	for _, at := range []string{"", inWorkspace} {
		all = append(all,
			page{method: "GET", path: at + "/queues", adminOnly: true, handle: showQueues},
			page{method: "GET", path: at + "/queues/live", adminOnly: true, long: true, handle: queuesLive})
	}
	return all
}

// queuesEvery is how often Redis is looked at for one reader.
const queuesEvery = 2 * time.Second

// queuesPage is templates/pages/queues.html's.
type queuesPage struct {
	client.Queues
	// Away: Redis does not answer, and nothing is known.
	Away bool
}

// queueWords say what a queue is for.
var queueWords = map[client.QueueName]string{
	client.QueueDeliver: "First attempts, up to 50 in a task.",
	client.QueueBulk:    "Replays, and bursts of workspaces that are far over their share. It waits behind the others.",
	client.QueueRetry:   "What failed and is tried again within the hour, each at its time.",
}

// For is what a queue is for.
func (*queuesPage) For(name client.QueueName) string { return queueWords[name] }

// Waited is how long the oldest task of a queue waits.
func (*queuesPage) Waited(q client.QueueState) string {
	ms := float64(q.LatencyMS)
	return millis(&ms)
}

// Pending is what waits in all queues, and Active what runs.
func (p *queuesPage) Pending() (n int64) {
	for _, q := range p.Queues.Queues {
		n += q.Pending
	}
	return n
}

// Active is what workers run.
func (p *queuesPage) Active() (n int64) {
	for _, q := range p.Queues.Queues {
		n += q.Active
	}
	return n
}

// Longest is how long the task has waited that waits longest.
func (p *queuesPage) Longest() (q client.QueueState) {
	for _, other := range p.Queues.Queues {
		if other.LatencyMS > q.LatencyMS {
			q = other
		}
	}
	return q
}

// WorkerCount says how many workers there are.
func (p *queuesPage) WorkerCount() string { return plural(int64(len(p.Workers)), "worker") }

// Limit is Redis's, in words.
func (p *queuesPage) Limit() string { return p.Bytes(*p.Redis.LimitBytes) }

// Full is how much of Redis's memory is used, 0 to 1; nil without a limit.
func (p *queuesPage) Full() *float64 {
	if p.Redis == nil || p.Redis.LimitBytes == nil {
		return nil
	}
	full := float64(p.Redis.UsedBytes) / float64(*p.Redis.LimitBytes)
	return &full
}

// Evicts says whether Redis throws tasks away when it is full.
func (p *queuesPage) Evicts() bool {
	return p.Redis != nil && p.Redis.MaxmemoryPolicy != "" && p.Redis.MaxmemoryPolicy != "noeviction"
}

func showQueues(v *visit) error {
	p, err := queuesData(v)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if p.Away {
		status = http.StatusServiceUnavailable
	}
	return v.renderAs(status, "queues", "Queues", p)
}

func queuesLive(v *visit) error {
	return v.stream("queues", queuesEvery, func(out *bytes.Buffer) error {
		p, err := queuesData(v)
		if err != nil {
			return err
		}
		return v.part(out, "queues", "figures", p)
	})
}

// queuesData shows also that Redis is away: a page that stays open tells when it is back.
func queuesData(v *visit) (*queuesPage, error) {
	q, err := v.api.Queues.Get(v.ctx())
	if client.CodeOf(err) == client.CodeUnavailable {
		return &queuesPage{Away: true}, nil
	}
	return &queuesPage{Queues: q}, err
}

// Bytes is an amount of memory for people: 1.2 MiB.
func (*queuesPage) Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1023.5 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + " " + units[i]
}
