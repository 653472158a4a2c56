// Package checks holds what is in deploy against what will read it: the chart is
// rendered by Helm's own library and its manifests decoded as strictly as an API
// server does, the Compose file is loaded by Compose's own. It is a module of its
// own, since these are heavy.
package checks
