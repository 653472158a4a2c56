// Package console is what people see of Postrider: the console at /console, for its
// operators and developers, and the portal at /portal, the same pages for one
// workspace, whose owner is a customer of theirs. It is rendered here and embedded
// whole; nothing is fetched from anywhere else.
//
// # One way in
//
// The console is a client of the API: its pages call package client, whose requests
// go to the API's own handler within the process (see inProcess), made by whoever is
// signed in (see api.As). So there is one validation, one audit log, one set of scopes
// and limits and one reading of another workspace's things as not found, and a page
// can do nothing that a key with the same scopes can't. What a page needs and the API
// does not have becomes a route of the API first. Encoding and decoding JSON costs
// some 50 µs a call, which no page notices. The one thing that does not count is the
// rate limit of the key that signed in: a page makes many requests at once.
//
// # To add a page
//
// Three files and two lines, so that several people can do it at the same time:
//
//   - deliveries.go has deliveriesPages, which returns the routes, and their
//     handlers: each takes a *visit (who, in which workspace, with v.api to ask) and
//     ends with v.render("deliveries", title, data), v.redirect or an error, which
//     becomes the right error page.
//   - templates/pages/deliveries.html defines "main", made of the components in
//     templates/components. Its data is .Data; .Visit has the rest. A template that
//     does not parse fails New, and so every test.
//   - deliveries_test.go asks the page for what it must show (see setup_test.go, and
//     running_test.go for one with a worker), and test/console/deliveries.test.mjs looks
//     at it in a browser (see common.mjs there): what people do on it, and looks, which
//     is axe and the pictures.
//   - a line in pages (pages.go) and, where it is in the navigation, one in sections.
//
// What a stranger sent (payloads, response bodies, URLs, descriptions) is given to
// the template as a string: html/template escapes it where it stands. Nothing makes
// template.HTML of it. The CSP allows no inline script and no style attribute:
// behaviour is in assets/app.js, by data attributes, and looks are in assets/app.css.
// A page works without scripts, and is better with them.
//
// What is asked for one page is bounded: a page of a list, see docs/lists.md, and
// figures from /v1/stats, see docs/stats.md; several calls at once go by v.together.
package console
