// Package deploy holds what is in deploy to account: its checks, a module of their
// own, read the chart and the Compose file; systemd's own tools read the units; and
// the image's recipe is held against what the programs need. What no machine of
// ours can run is in docs/deploy.md.
package deploy
