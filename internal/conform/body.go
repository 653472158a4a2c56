package conform

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Body holds JSON to one of the description's components, by its name.
func (d *Description) Body(name string, raw []byte) error {
	s, err := d.schema("/components/schemas/" + escape(name))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read a %s: %w", name, err)
	}
	if err := s.Validate(value); err != nil {
		return fmt.Errorf("hold a body to %s: %w", name, err)
	}
	return nil
}
