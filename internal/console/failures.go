package console

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Wrong keys that may be tried of one address: 10 at once, and then one each 6 s. A key
// is 192 random bits or should be, so that this is for the log and the database, and for
// admin keys that are not. There is no limit for all together: strangers would use it up,
// and keep out who has a key.
const (
	failuresOfOne = 10
	maxAddresses  = 10_000
)

// failures counts them in this process. It may be used by many goroutines.
type failures struct {
	one *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newFailures() *failures {
	one, err := lru.New[netip.Prefix, *rate.Limiter](maxAddresses)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &failures{one}
}

// begin takes an attempt's place, or says how long there is none. Who turns out to
// be right gives it back.
func (f *failures) begin(addr netip.Addr, now time.Time) (giveBack func(), wait time.Duration) {
	one := rate.NewLimiter(rate.Every(6*time.Second), failuresOfOne)
	if known, there, _ := f.one.PeekOrAdd(household(addr), one); there {
		one = known
	}
	mine := one.ReserveN(now, 1)
	giveBack = func() { mine.CancelAt(now) }
	if wait = mine.DelayFrom(now); wait > 0 {
		giveBack()
	}
	return giveBack, wait
}

// household is what one customer of a provider gets: an address, or in IPv6 a /64.
func household(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // not known: all of those share one
	}
	return p
}
