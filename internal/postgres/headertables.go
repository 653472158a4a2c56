package postgres

import (
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// headerNames have the code of their place. Rows hold the codes: names may only be
// added, at the end. 0 is a name that is none of them.
var headerNames = [...]string{
	1: "Content-Type", 2: "User-Agent",
	3: signature.HeaderSignature, 4: signature.HeaderTimestamp, 5: signature.HeaderID, 6: signature.HeaderEvent,
	7: signature.HeaderDelivery, 8: signature.HeaderAttempt,
	9: signature.HeaderStandardID, 10: signature.HeaderStandardTimestamp, 11: signature.HeaderStandardSignature,
	12: "traceparent", 13: "tracestate",

	14: "Date", 15: "Content-Length", 16: "Server", 17: "Connection", 18: "Keep-Alive", 19: "Transfer-Encoding", 20: "Content-Encoding",
	21: "Cache-Control", 22: "Pragma", 23: "Expires", 24: "Age", 25: "Etag", 26: "Last-Modified", 27: "Vary", 28: "Location", 29: "Retry-After",
	30: "Set-Cookie", 31: "Via", 32: "Alt-Svc", 33: "X-Powered-By", 34: "X-Request-Id", 35: "X-Runtime", 36: "X-Cache",
	37: "Strict-Transport-Security", 38: "X-Content-Type-Options", 39: "X-Frame-Options", 40: "X-Xss-Protection", 41: "Referrer-Policy",
	42: "Content-Security-Policy", 43: "Permissions-Policy", 44: "Access-Control-Allow-Origin", 45: "Cross-Origin-Opener-Policy",
	46: "Cf-Ray", 47: "Cf-Cache-Status", 48: "Nel", 49: "Report-To", 50: "Reporting-Endpoints", 51: "Server-Timing",
	52: "X-Amzn-Trace-Id", 53: "X-Amzn-Requestid", 54: "X-Amz-Cf-Id", 55: "X-Amz-Cf-Pop", 56: "X-Cloud-Trace-Context", 57: "X-Vercel-Id",
	58: "Function-Execution-Id", 59: "X-Ratelimit-Limit", 60: "X-Ratelimit-Remaining", 61: "X-Ratelimit-Reset",
	62: "Origin-Agent-Cluster", 63: "X-Dns-Prefetch-Control", 64: "X-Download-Options", 65: "X-Permitted-Cross-Domain-Policies",
	66: "Cross-Origin-Resource-Policy",
}

// headerValues likewise.
var headerValues = [...]string{
	0: "", 1: webhook.Masked, 2: "application/json", 3: "application/cloudevents+json; charset=utf-8",
	4: "application/json; charset=utf-8", 5: "application/json;charset=utf-8", 6: "application/json; charset=UTF-8", 7: "application/json;charset=UTF-8",
	8: "text/plain", 9: "text/plain; charset=utf-8", 10: "text/plain;charset=utf-8", 11: "text/plain; charset=UTF-8", 12: "text/plain;charset=UTF-8",
	13: "text/html", 14: "text/html; charset=utf-8", 15: "text/html;charset=utf-8", 16: "text/html; charset=UTF-8", 17: "application/problem+json",
	18: "close", 19: "keep-alive", 20: "Keep-Alive", 21: "chunked", 22: "gzip", 23: "timeout=5", 24: "timeout=60",
	25: "no-cache", 26: "no-store", 27: "no-cache, private", 28: "no-cache, no-store, must-revalidate", 29: "no-cache, no-store, max-age=0, must-revalidate",
	30: "max-age=0, private, must-revalidate", 31: "private", 32: "Accept", 33: "Accept-Encoding", 34: "Origin",
	35: "nginx", 36: "Apache", 37: "cloudflare", 38: "gunicorn", 39: "uvicorn", 40: "openresty", 41: "Vercel", 42: "Google Frontend", 43: "Kestrel", 44: "AmazonS3",
	45: "Express", 46: "ASP.NET", 47: "nosniff", 48: "SAMEORIGIN", 49: "DENY", 50: "1; mode=block", 51: "0", 52: "strict-origin-when-cross-origin", 53: "no-referrer",
	54: "same-origin", 55: "*", 56: "DYNAMIC", 57: "1.1 google", 58: "none", 59: "?1", 60: "off", 61: "noopen",
	62: "max-age=31536000; includeSubDomains", 63: "max-age=31536000", 64: "h3=\":443\"; ma=86400", 65: "h3=\":443\"; ma=2592000,h3-29=\":443\"; ma=2592000",
}

var (
	headerCodes = codesOf(headerNames[1:], 1)
	valueCodes  = codesOf(headerValues[:], 0)
)

func codesOf(table []string, first byte) map[string]byte {
	codes := make(map[string]byte, len(table))
	for i, s := range table {
		codes[s] = first + byte(i)
	}
	return codes
}
