package cli

import "testing"

func TestSetPath(t *testing.T) {
	t.Parallel()
	const doc = `{"b":1.50,"a":{"x":[1,{"y":2}]},"s":"t"}`
	for _, c := range []struct{ set, want string }{
		{"b=2", `{"b":2,"a":{"x":[1,{"y":2}]},"s":"t"}`},
		{"s=text", `{"b":1.50,"a":{"x":[1,{"y":2}]},"s":"text"}`},
		{"s=", `{"b":1.50,"a":{"x":[1,{"y":2}]},"s":""}`},
		{"s=a=b", `{"b":1.50,"a":{"x":[1,{"y":2}]},"s":"a=b"}`},
		{`s="1"`, `{"b":1.50,"a":{"x":[1,{"y":2}]},"s":"1"}`},
		{"a.x.1.y=null", `{"b":1.50,"a":{"x":[1,{"y":null}]},"s":"t"}`},
		{"a.x.2=3", `{"b":1.50,"a":{"x":[1,{"y":2},3]},"s":"t"}`},
		{"a.z.w=true", `{"b":1.50,"a":{"x":[1,{"y":2}],"z":{"w":true}},"s":"t"}`},
	} {
		got, err := withSets([]byte(doc), []string{c.set})
		if err != nil || string(got) != c.want {
			t.Errorf("--set %s: got %s, %v; want %s", c.set, got, err, c.want)
		}
	}
	for _, wrong := range []string{"b", "=1", "b.c=1", "a.x.3=1", "a.x.-1=1", "a.x.y=1"} {
		if got, err := withSets([]byte(doc), []string{wrong}); err == nil || exitCode(&begun{err}) != ExitUsage {
			t.Errorf("--set %s: got %s, %v", wrong, got, err)
		}
	}
}
