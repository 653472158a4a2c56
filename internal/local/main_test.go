package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// helperEnv makes the test binary a helper process: its value is the data
// directory of the Postgres that it starts and serves until its stdin ends.
const helperEnv = "POSTRIDER_LOCAL_TEST_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serve prints the server's pid and DSN once it is ready.
func serve(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bin, err := FindPostgres(ctx, Options{})
	if err != nil {
		return err
	}
	p, err := StartPostgres(ctx, bin, PostgresConfig{DataDir: dir})
	if err != nil {
		return err
	}
	fmt.Println(p.child.Pid(), p.DSN(""))
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return p.Stop(ctx)
}
