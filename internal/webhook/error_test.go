package webhook_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want webhook.Code
	}{
		{webhook.NotFound("event"), webhook.CodeNotFound},
		{fmt.Errorf("read event: %w", webhook.NotFound("event")), webhook.CodeNotFound},
		{errors.Join(errors.New("other"), webhook.Invalid()), webhook.CodeInvalid},
		{fmt.Errorf("%w: %w", webhook.Errorf(webhook.CodeUnavailable, "away"), errors.New("cause")), webhook.CodeUnavailable},
		{errors.New("no code"), webhook.CodeInternal},
		{nil, webhook.CodeInternal},
	} {
		if got := webhook.CodeOf(tt.err); got != tt.want {
			t.Errorf("%v has the code %s, want %s", tt.err, got, tt.want)
		}
	}
}
