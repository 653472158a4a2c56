package config

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/retry"
)

// DefaultSchedule is the delay before each retry for endpoints without a
// schedule of their own: RetrySchedule as MaxRetries and RetryDelay shape it.
func (d Delivery) DefaultSchedule() []time.Duration {
	return retry.DefaultSchedule(d.RetrySchedule, d.MaxRetries, d.RetryDelay)
}

// settle applies what one key means for another. MaxRetries cuts or extends the
// schedule only if somebody set it: its default must not cut a longer
// retry_schedule that was configured on purpose.
func (d *Delivery) settle(from map[string]string) error {
	if _, ok := from["delivery.max_retries"]; !ok {
		d.MaxRetries = len(d.RetrySchedule)
	}
	var total time.Duration
	for _, delay := range d.DefaultSchedule() {
		total += delay
	}
	if total > maxTotal {
		return fmt.Errorf("delivery.retry_schedule: must be %s in all at most, got %s with delivery.max_retries and delivery.retry_delay applied",
			formatDuration(maxTotal), formatDuration(total))
	}
	return nil
}
