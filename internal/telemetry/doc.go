// Package telemetry is how a process shows itself: its log, its metrics, its
// health and its version.
package telemetry
