package webhook

// StatusClass is what kind of answer an attempt got.
type StatusClass string

// The kinds of answers, and that of none.
const (
	Answer2xx StatusClass = "2xx"
	Answer3xx StatusClass = "3xx"
	Answer4xx StatusClass = "4xx"
	Answer5xx StatusClass = "5xx"
	NoAnswer  StatusClass = "none"
)

// StatusClasses lists every kind, for validation and documentation.
func StatusClasses() []StatusClass {
	return []StatusClass{Answer2xx, Answer3xx, Answer4xx, Answer5xx, NoAnswer}
}

// Codes are the first and the last status code of the kind; zero for no answer.
func (c StatusClass) Codes() (first, last int) {
	if c == NoAnswer || c == "" {
		return 0, 0
	}
	first = int(c[0]-'0') * 100
	return first, first + 99
}
