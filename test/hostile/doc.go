// Package hostile is for tests: receivers that are slow, broken or evil, a name
// server that answers as it is told, and the table of docs/delivery-errors.md. Each
// receiver names the row that says what is made of it, so that the page, the sender
// alone and the whole way through a worker are held to the same words.
package hostile
