// Package config reads Postrider's configuration: postrider.yaml, then
// POSTRIDER_* variables, then flags, each above the one before. One table,
// settings, holds every key with its default, range and meaning; flags, variable
// names, --help and the documentation all come from it.
//
// Nothing here prints a secret: errors quote no value of a secret key, and a
// Config renders as its redacted settings.
package config
