package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// setPath puts a value into JSON where the path leads, and makes the objects on the
// way. Members keep their order, and what is not named its bytes.
func setPath(doc json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch first := bytes.TrimLeft(doc, " \t\r\n"); {
	case len(first) == 0:
		return setMember(json.RawMessage("{}"), path, value)
	case first[0] == '{':
		return setMember(doc, path, value)
	case first[0] == '[':
		return setItem(doc, path, value)
	}
	return nil, fmt.Errorf("there is nothing below %.40s", doc)
}

func setItem(doc json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(doc, &items); err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i > len(items) {
		return nil, fmt.Errorf("%q is no place in a list of %d", path[0], len(items))
	}
	if i == len(items) {
		items = append(items, nil)
	}
	if items[i], err = setPath(items[i], path[1:], value); err != nil {
		return nil, err
	}
	return json.Marshal(items)
}

// setMember goes through an object token by token, as a map would lose the order.
func setMember(doc json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	if _, err := d.Token(); err != nil { // the brace
		return nil, err
	}
	out := bytes.NewBufferString("{")
	found := false
	write := func(name string, raw json.RawMessage) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		quoted, _ := json.Marshal(name) // a string always can be
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(raw)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("it is no JSON object")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		if name == path[0] {
			found = true
			if raw, err = setPath(raw, path[1:], value); err != nil {
				return nil, err
			}
		}
		write(name, raw)
	}
	if !found {
		raw, err := setPath(nil, path[1:], value)
		if err != nil {
			return nil, err
		}
		write(path[0], raw)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
