package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// apiModel is what the API model says, as far as it matters for EC2: it uses neither headers nor maps, unions or streams.
type apiModel struct {
	Operations map[string]struct {
		Input, Output *ref
	}
	Shapes map[string]*shape
	newer  []string // actions that are known by name alone
}

type ref struct {
	Shape        string
	LocationName string
	QueryName    string
}

type shape struct {
	Type     string
	Required []string
	Members  members
	Member   *ref
	Enum     []string
	Min, Max *float64
}

// members keeps the order of the model.
type members []member

type member struct {
	name string
	ref
}

// UnmarshalJSON reads an object in its order.
func (m *members) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("member %v", t)
		}
		mem := member{name: name}
		if err := d.Decode(&mem.ref); err != nil {
			return err
		}
		*m = append(*m, mem)
	}
	return nil
}

func parseModel(data []byte) (*apiModel, error) {
	var m apiModel
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return &m, nil
}

func (s *shape) requires(name string) bool {
	for _, r := range s.Required {
		if r == name {
			return true
		}
	}
	return false
}

// queryName is the name of a parameter: queryName, else locationName with a capital, else the member's own.
func (m *member) queryName() string {
	if m.QueryName != "" {
		return m.QueryName
	}
	if m.LocationName != "" {
		return upper(m.LocationName)
	}
	return m.name
}

// element is the name in an answer.
func (m *member) element() string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return m.name
}

func upper(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// add reads what the service has got since the model was frozen: names of actions, shapes, and members of shapes.
func (m *apiModel) add(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var more struct {
		Actions []string
		Shapes  map[string]*shape
		Members map[string][]struct {
			Name string
			ref
		}
	}
	if err := json.Unmarshal(data, &more); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	m.newer = more.Actions
	for name, s := range more.Shapes {
		if m.Shapes[name] != nil {
			return fmt.Errorf("%s: the model knows the shape %s now", file, name)
		}
		m.Shapes[name] = s
	}
	for name, list := range more.Members {
		s := m.Shapes[name]
		if s == nil {
			return fmt.Errorf("%s: the model has no shape %s", file, name)
		}
		for _, add := range list {
			for _, have := range s.Members {
				if have.name == add.Name {
					return fmt.Errorf("%s: the model knows %s.%s now", file, name, add.Name)
				}
			}
			s.Members = append(s.Members, member{add.Name, add.ref})
		}
	}
	return nil
}
