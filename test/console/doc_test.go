// Package console looks at the console in a real browser: Playwright drives Chromium,
// axe looks for what a reader with other senses would miss, and an API, a worker and a
// scheduler stand behind it.
package console
