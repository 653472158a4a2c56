package egress

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// isTLS reports whether err comes from the TLS layer, also after the handshake:
// with TLS 1.3 a receiver that wants a client certificate says so only then.
func isTLS(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return verification || record
}

// tlsSentence says what is wrong with a receiver's TLS, and until when its
// certificate is valid.
func (a *attempt) tlsSentence(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the receiver does not speak TLS on this port; the URL may have to start with http://"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateSentence(a.host.String(), e)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		reason := hintVersions(strings.TrimPrefix(op.Err.Error(), "tls: "))
		if a.wantsCertificate {
			return "the receiver asked for a client certificate, which Postrider has none of, and refused the TLS connection: " + reason
		}
		return "the receiver refused the TLS connection: " + reason
	}
	// The cause below stageError: its target is the host once more.
	if stage, ok := errors.AsType[*stageError](err); ok {
		err = stage.Err
	}
	return "the TLS handshake failed: " + hintVersions(shorten(strings.TrimPrefix(err.Error(), "tls: ")))
}

func hintVersions(reason string) string {
	if strings.Contains(reason, "protocol version") {
		reason += "; TLS 1.2 and 1.3 are spoken here"
	}
	return reason
}

func certificateSentence(host string, e *tls.CertificateVerificationError) string {
	var leaf *x509.Certificate
	if len(e.UnverifiedCertificates) > 0 {
		leaf = e.UnverifiedCertificates[0]
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && invalid.Reason == x509.Expired {
		return expirySentence(invalid.Cert, leaf)
	}
	if wrong, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return fmt.Sprintf("the TLS certificate is for %s, not for %s%s", namesOf(wrong.Certificate), host, validUntil(leaf))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		if leaf != nil && bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
			return "the TLS certificate is self-signed" + validUntil(leaf)
		}
		return "the TLS certificate is signed by an unknown authority" + issuerOf(leaf) + validUntil(leaf) +
			"; an intermediate certificate may be missing from the chain"
	}
	return "the TLS certificate is not valid: " + shorten(strings.TrimPrefix(e.Err.Error(), "x509: "))
}

// expirySentence is about cert, which is the receiver's own (leaf) or one of
// those above it.
func expirySentence(cert, leaf *x509.Certificate) string {
	who := "the TLS certificate"
	if leaf == nil || !cert.Equal(leaf) {
		who = fmt.Sprintf("the TLS certificate of the authority %q", shorten(cert.Subject.CommonName))
	}
	// x509 calls both ends of the validity expired; the notBefore end is the one
	// that lies ahead.
	if time.Now().Before(cert.NotBefore) {
		return who + " is not valid before " + day(cert.NotBefore)
	}
	return who + " expired on " + day(cert.NotAfter)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func validUntil(cert *x509.Certificate) string {
	if cert == nil {
		return ""
	}
	return " (valid until " + day(cert.NotAfter) + ")"
}

func issuerOf(cert *x509.Certificate) string {
	if cert == nil {
		return ""
	}
	name := cert.Issuer.CommonName
	if name == "" && len(cert.Issuer.Organization) > 0 {
		name = cert.Issuer.Organization[0]
	}
	return fmt.Sprintf(", %q", shorten(name))
}

// namesOf lists the first few names that a certificate is for.
func namesOf(cert *x509.Certificate) string {
	const shown = 3
	names := append([]string{}, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no host at all"
	case len(names) > shown:
		return fmt.Sprintf("%s and %d more", shorten(strings.Join(names[:shown], ", ")), len(names)-shown)
	}
	return shorten(strings.Join(names, ", "))
}
