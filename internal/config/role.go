package config

import (
	"errors"
	"fmt"
	"slices"
)

// Role is what a process does; it decides some defaults and what must be set.
type Role string

// Every role there is.
const (
	RoleAPI       Role = "api"
	RoleWorker    Role = "worker"
	RoleScheduler Role = "scheduler"
	// RoleDev is all three in one process for a developer. Nothing must be set,
	// loopback may be reached and the admin key is DevAdminKey.
	RoleDev Role = "dev"
	// RoleCommand is a command that ends, such as migrate. Nothing must be set.
	RoleCommand Role = "command"
)

// DevAdminKey is the admin key of dev unless another is configured. It is no
// secret: dev prints it.
const DevAdminKey = "postrider-dev-admin-key"

// checkRequired reports every key without which the role must not start.
func checkRequired(role Role, values map[string]any) error {
	var errs []error
	for i := range settings {
		s := &settings[i]
		if _, ok := values[s.Key]; ok || !slices.Contains(s.requiredBy, role) {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: must be set, the %s does not start without it (variable %s)%s",
			s.Key, role.title(), s.Env(), s.requiredHint))
	}
	return errors.Join(errs...)
}

func (r Role) title() string {
	if r == RoleAPI {
		return "API"
	}
	return string(r)
}
