// Package webhook is Postrider's vocabulary: workspaces, endpoints, events,
// deliveries and attempts, their ids, states and error codes. Every other
// package speaks it; it imports only the standard library and does no I/O.
package webhook
