// Package verify checks the signatures of a request that a receiver got, and says
// which mistake makes one wrong: it looks for the smallest change of the secret, the
// body and what else is signed with which a signature would be right. Who knows what
// was sent tells it, and is told how what arrived differs. It does no I/O.
package verify
