package stack

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a small file system that may be full.
type Disk struct {
	Dir    string
	filler string
}

// Fill takes all that is left.
func (d *Disk) Fill(t testing.TB) {
	t.Helper()
	f, err := os.Create(d.filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// Empty gives it back.
func (d *Disk) Empty(t testing.TB) {
	t.Helper()
	if err := os.Remove(d.filler); err != nil {
		t.Fatal(err)
	}
}

// MoveTo puts the database's tables on another disk; the log of what is written
// stays where it is. Nobody may be connected.
func (p *Postgres) MoveTo(t testing.TB, d *Disk) {
	t.Helper()
	tables := filepath.Join(d.Dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	p.own(t, tables)
	// Nobody can move the database that they are connected to.
	SQL(t, p.server.DSN("postgres"), "CREATE TABLESPACE small LOCATION '"+tables+"'", "ALTER DATABASE postrider SET TABLESPACE small")
}
