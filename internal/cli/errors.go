package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/postrider/postrider/client"
)

// message is an error in words: what is wrong, and what to do.
func message(err error) string {
	var answer *client.Error
	if !errors.As(err, &answer) {
		text := cleanLines(strings.TrimPrefix(err.Error(), "client: "))
		var call *called
		if isAway(err) && errors.As(err, &call) {
			text = "the API at " + clean(call.url) + " gave no answer: " + text +
				"\nDoes it run, and is the address right? --url, POSTRIDER_URL or a profile names it; `postrider dev` starts one here."
		}
		return text
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the API answered %d", answer.Status)
	if answer.Code != "" {
		fmt.Fprintf(&b, " %s", clean(string(answer.Code)))
	}
	b.WriteString(": " + clean(answer.Detail))
	for _, f := range answer.Errors {
		b.WriteString("\n  " + clean(f.Pointer) + ": " + clean(f.Detail))
	}
	if advice := advice(answer); advice != "" {
		b.WriteString("\n" + advice)
	}
	if answer.RequestID != "" {
		b.WriteString("\n(request " + clean(answer.RequestID) + ")")
	}
	return b.String()
}

// advice is what to do where the API can't know how it was asked.
func advice(answer *client.Error) string {
	switch answer.Code {
	case client.CodeUnauthorized:
		return "The key comes from --key, POSTRIDER_KEY, POSTRIDER_API_ADMIN_KEY or the profile; `postrider profiles list` shows which deployment it is for."
	case client.CodeForbidden:
		return "Workspaces and keys need the admin key; anything else a key with the scope that is named."
	case client.CodeRateLimited, client.CodeUnavailable:
		return "It was tried several times; try again in a while."
	}
	if answer.Code == "" {
		return "Something between here and the API answered: is the address right?"
	}
	return ""
}
