package api

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

func renderDelivery(d *webhook.Delivery) deliveryWire {
	out := deliveryWire{
		ID: d.ID.Format(webhook.DeliveryPrefix), EventID: d.EventID, EndpointID: d.EndpointID.Format(webhook.EndpointPrefix),
		WorkspaceID: d.WorkspaceID, Type: d.Type, Status: string(d.Status), Attempts: d.Attempts, ScheduleStart: d.ScheduleStart,
		StatusCode: orNull(d.StatusCode), Error: orNull(d.Error), ErrorClass: orNull(string(d.ErrorClass)),
		HeldUntil: d.HeldUntil, HeldReason: orNull(d.HeldReason), NextAttemptAt: d.NextAttemptAt,
		CreatedAt: d.CreatedAt(), CompletedAt: d.CompletedAt, OrderingKey: orNull(d.OrderingKey),
	}
	if !d.ReplayID.IsZero() {
		out.ReplayID = orNull(d.ReplayID.Format(webhook.ReplayPrefix))
	}
	out.ResponseBody, out.ResponseBodyBase64 = renderBody(d.StatusCode, d.ResponseBody)
	return out
}

func renderAttempt(a *webhook.Attempt) attemptWire {
	out := attemptWire{
		ID: a.ID.Format(webhook.AttemptPrefix), Number: a.Number, StartedAt: a.StartedAt, DurationMS: ceilMillis(a.Duration),
		StatusCode: orNull(a.StatusCode), Error: orNull(a.Error), ErrorClass: orNull(string(a.ErrorClass)),
		RequestHeaders: renderHeaders(a.RequestHeaders), ResponseHeaders: renderHeaders(a.ResponseHeaders),
		SignedWith: orNull(a.SignedWith),
	}
	out.ResponseBody, out.ResponseBodyBase64 = renderBody(a.StatusCode, a.ResponseBody)
	return out
}

func renderTest(r *webhook.Response) testWire {
	class, detail := r.Failure()
	out := testWire{
		Success: class == "", StatusCode: orNull(r.StatusCode), DurationMS: ceilMillis(r.Duration),
		Error: orNull(detail), ErrorClass: orNull(string(class)), ResponseHeaders: renderHeaders(r.HeaderLines()),
	}
	out.ResponseBody, out.ResponseBodyBase64 = renderBody(r.StatusCode, r.Body)
	return out
}

// renderBody shows a body as text; null where no answer came.
func renderBody(status int, body []byte) (text, encoded *string) {
	if status == 0 && body == nil {
		return nil, nil
	}
	s := string(body)
	if !utf8.Valid(body) {
		b := base64.StdEncoding.EncodeToString(body)
		encoded = &b
		s = eachInvalidByte(body)
	}
	return &s, encoded
}

// eachInvalidByte puts U+FFFD for every byte that is not UTF-8, so that the
// length of what is broken can be seen.
func eachInvalidByte(body []byte) string { return string([]rune(string(body))) }

func renderHeaders(headers []webhook.Header) map[string]string {
	out := make(map[string]string, len(headers))
	for _, h := range headers {
		name, value := strings.ToValidUTF8(h.Name, "\uFFFD"), strings.ToValidUTF8(h.Value, "\uFFFD")
		if earlier, twice := out[name]; twice {
			value = earlier + ", " + value
		}
		out[name] = value
	}
	return out
}

// ceilMillis rounds up, so that what took time never shows as nothing.
func ceilMillis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// orNull is null for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
