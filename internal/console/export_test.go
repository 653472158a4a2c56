package console

// Page is a route for tests that try all of them.
type Page struct {
	Method, Path string
	Long, Portal bool
}

// Pages are all there are below a base.
func Pages() (all []Page) {
	for _, p := range pages() {
		all = append(all, Page{p.method, p.path, p.long, !p.adminOnly})
	}
	return all
}
