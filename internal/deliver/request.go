package deliver

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// ownHeaders is how many headers every request has besides custom ones.
const ownHeaders = 11

// request makes the signed request of one attempt, and its headers as they are
// recorded: custom values are secrets and stay out.
func (t *target) request(userAgent string, at time.Time, e webhook.CarriedEvent, delivery webhook.ID, number int, sign signers) (webhook.Request, []webhook.Header) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	body := t.Format.Body(e.Body, e.PublicID, e.Type, t.WorkspaceID)
	headers := make([]webhook.Header, 0, ownHeaders+len(t.custom))
	headers = append(headers,
		webhook.Header{Name: "Content-Type", Value: t.Format.ContentType()},
		webhook.Header{Name: "User-Agent", Value: userAgent},
		webhook.Header{Name: signature.HeaderSignature, Value: sign.body.Sign(body)},
		webhook.Header{Name: signature.HeaderTimestamp, Value: seconds},
		webhook.Header{Name: signature.HeaderID, Value: e.PublicID},
		webhook.Header{Name: signature.HeaderEvent, Value: e.Type},
		webhook.Header{Name: signature.HeaderDelivery, Value: delivery.Format(webhook.DeliveryPrefix)},
		webhook.Header{Name: signature.HeaderAttempt, Value: strconv.Itoa(number)},
		webhook.Header{Name: signature.HeaderStandardID, Value: e.PublicID},
		webhook.Header{Name: signature.HeaderStandardTimestamp, Value: seconds},
		webhook.Header{Name: signature.HeaderStandardSignature, Value: signature.StandardHeader(e.PublicID, at, body, sign.standard...)},
	)
	sent := headers
	if len(t.custom) > 0 {
		sent = slices.Clone(headers)
		for _, h := range t.custom {
			headers = append(headers, h)
			sent = append(sent, webhook.Header{Name: h.Name, Value: webhook.Masked})
		}
	}
	return webhook.Request{URL: t.URL, Header: headers, Body: body, Timeout: t.timeout, Hidden: t.hidden}, sent
}

// attemptOf is what is kept of a request and its answer.
func attemptOf(sent []webhook.Header, res webhook.Response) webhook.Attempt {
	a := webhook.Attempt{
		ID: webhook.NewID(res.Started), StartedAt: res.Started, Duration: res.Duration, StatusCode: res.StatusCode,
		RequestHeaders: sent, ResponseHeaders: res.HeaderLines(), ResponseBody: res.Body,
	}
	if a.ErrorClass, a.Error = res.Failure(); res.Err == nil && res.StatusCode == http.StatusGone {
		a.Error += "; the endpoint is disabled"
	}
	return a
}
