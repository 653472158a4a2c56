// Package match decides which endpoints want an event, and says why one does
// not. It is pure and never decodes a whole event: paths are looked up in the
// text itself.
//
// Paths are split at dots. A part is an object's key, or digits without a
// leading zero for an array's element. Where the parts lead nowhere, an object
// on the way may hold one key that is the whole rest of the path, so that
// "author.id" also finds {"author.id": 1} and "a.b.c" finds {"a": {"b.c": 1}}.
// Of an object's repeated keys the last one counts, as it does for most
// receivers.
//
// A JSON library's own path syntax is not used: users write paths, and there
// *, ?, #, @ and | would be commands. Nor are its numbers, which are floats
// where 2^53+1 must differ from 2^53.
package match
