package years

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"
	"time"
)

// visits is how often a page is opened, after a few that are not measured.
const visits = 20

// consoleGoal is how long a page may take, in milliseconds.
const consoleGoal = 100

// consolePage is one page's times; status is not 200 where there is no such page.
type consolePage struct {
	path   string
	status int
	took   []float64
}

// consolePaths are below a workspace's home, but for those of all.
func consolePaths(x samples) (all []string) {
	home := "/console/w/" + big
	for _, w := range []string{"1h", "24h", "7d", "30d"} {
		all = append(all, home+"/overview?window="+w)
	}
	all = append(all, home+"/endpoints", home+"/endpoints?state=failing", home+"/endpoints?search=never", home+"/endpoints/new")
	for _, tab := range []string{"", "/deliveries", "/test", "/diagnose", "/catch-up", "/secret", "/settings"} {
		all = append(all, home+"/endpoints/"+x.busy+tab)
	}
	for _, q := range []string{"", "?status=success", "?status=failed", "?status=pending", "?status=canceled", "?type=order.t7", "?type=never", "?endpoint=" + x.busy,
		"?endpoint=" + x.busy + "&status=failed", "?status_class=2xx", "?status_class=3xx", "?status_class=5xx", "?status_class=none", "?until=" + ago(15*day)} {
		all = append(all, home+"/deliveries"+q)
	}
	all = append(all, home+"/deliveries/"+x.newest, home+"/deliveries/"+x.oldest, home+"/deliveries/"+x.failed)
	for _, q := range []string{"", "?type=order.t7", "?type=never", "?until=" + ago(15*day)} {
		all = append(all, home+"/events"+q)
	}
	return append(all, home+"/events/"+x.oldEvent, home+"/events/"+x.oldEvent+"/explain", home+"/events/-/new", home+"/event-types", home+"/keys", home+"/queues", home+"/replays", home+"/audit-log",
		home+"/settings", "/console/audit-log", "/console/workspaces")
}

// browser is signed in with a key.
func (s *side) browser(t *testing.T, key string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	c := &http.Client{Jar: jar, Timeout: time.Minute}
	res, err := c.PostForm(s.api.URL+"/console/sign-in", url.Values{"key": {key}})
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %s", res.Status)
	}
	return c
}

func (s *side) open(t *testing.T, c *http.Client, path string) (status int, took float64) {
	t.Helper()
	began := time.Now()
	res, err := c.Get(s.api.URL + path)
	must(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	must(t, err)
	must(t, res.Body.Close())
	return res.StatusCode, milliseconds(time.Since(began))
}

// console opens every page as the admin, who sees all of them.
func (s *side) console(t *testing.T, adminKey string) (pages []consolePage) {
	t.Helper()
	c := s.browser(t, adminKey)
	for _, path := range consolePaths(s.ids) {
		p := consolePage{path: path}
		for range warmUps {
			p.status, _ = s.open(t, c, path)
		}
		for n := 0; n < visits && p.status == http.StatusOK; n++ {
			_, took := s.open(t, c, path)
			p.took = append(p.took, took)
		}
		if p.status == http.StatusOK {
			t.Logf("%s: median %.1f ms, worst %.1f", path, median(p.took), slices.Max(p.took))
		} else {
			t.Logf("%s: %d", path, p.status)
		}
		pages = append(pages, p)
	}
	return pages
}
