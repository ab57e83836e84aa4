package itype

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Type is an instance type.
type Type struct {
	Name               string   `json:"name"`
	VCPUs              int      `json:"vcpus"`
	MemoryMiB          int      `json:"memory_mib"`
	ThreadsPerCore     int      `json:"threads_per_core,omitempty"` // 0 is 2, or 1 when there is one processor
	Architectures      []string `json:"architectures,omitempty"`    // none is x86_64
	Burstable          bool     `json:"burstable,omitempty"`
	PreviousGeneration bool     `json:"previous_generation,omitempty"`
	FreeTier           bool     `json:"free_tier,omitempty"`
	Network            string   `json:"network,omitempty"`        // EC2's words: "Up to 5 Gigabit"
	MaxInterfaces      int      `json:"max_interfaces,omitempty"` // 0 is 2
	AddressesEach      int      `json:"addresses_each,omitempty"` // per interface; 0 is 4
	Unlimited          bool     `json:"unlimited,omitempty"`      // burstable types: the default of CPU credits
	Hidden             bool     `json:"hidden,omitempty"`         // takes a type of that name out of the catalogue
}

// Supports reports whether machines of an architecture ("x86_64") can be of this type.
func (t *Type) Supports(arch string) bool { return slices.Contains(t.Architectures, arch) }

// Architecture is the first that the type supports.
func (t *Type) Architecture() string { return t.Architectures[0] }

// DefaultCredits is the credit option of CPU that instances get unless they ask: "standard" or "unlimited"; empty for
// types that are not burstable.
func (t *Type) DefaultCredits() string {
	switch {
	case !t.Burstable:
		return ""
	case t.Unlimited:
		return "unlimited"
	}
	return "standard"
}

// Cores is how many processor cores the threads are of.
func (t *Type) Cores() int { return t.VCPUs / t.ThreadsPerCore }

//go:embed catalogue.json
var builtin []byte

// Catalogue finds types by name.
type Catalogue struct {
	byName map[string]*Type
	all    []Type
}

// New makes the catalogue of the types that come with the program and of more; among two of a name the latter counts.
func New(more ...Type) (*Catalogue, error) {
	own, err := Parse(builtin)
	if err != nil {
		return nil, fmt.Errorf("itype: built-in catalogue: %w", err)
	}
	byName := map[string]Type{}
	for _, t := range slices.Concat(own, more) {
		if err := t.check(); err != nil {
			return nil, err
		}
		byName[t.Name] = t
	}
	c := &Catalogue{byName: make(map[string]*Type, len(byName))}
	for _, t := range byName {
		if !t.Hidden {
			c.all = append(c.all, t)
		}
	}
	slices.SortFunc(c.all, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	for i := range c.all {
		c.byName[c.all[i].Name] = &c.all[i]
	}
	return c, nil
}

// Get returns the type of a name.
func (c *Catalogue) Get(name string) (Type, bool) {
	t, ok := c.byName[name]
	if !ok {
		return Type{}, false
	}
	return *t, true
}

// All lists the types by name.
func (c *Catalogue) All() []Type { return c.all }

// Parse reads types from JSON: {"types": [{"name": "t3.micro", "vcpus": 2, "memory_mib": 1024}, …]}.
func Parse(data []byte) ([]Type, error) {
	var file struct {
		Types []Type `json:"types"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("itype: %w", err)
	}
	for i := range file.Types {
		if err := file.Types[i].check(); err != nil {
			return nil, err
		}
	}
	return file.Types, nil
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,31}$`)

// Bounds of what a type may have.
const (
	maxVCPUs  = 1024
	minMemory = 64
	maxMemory = 64 << 20 // 64 TiB in MiB
)

// check reports what is wrong with t, and fills in what it leaves open.
func (t *Type) check() error {
	if !validName.MatchString(t.Name) {
		return fmt.Errorf("itype: %q is no name of an instance type, FAMILY.SIZE", t.Name)
	}
	if t.Hidden {
		return nil
	}
	if t.ThreadsPerCore == 0 {
		t.ThreadsPerCore = 2
		if t.VCPUs%2 == 1 {
			t.ThreadsPerCore = 1
		}
	}
	if len(t.Architectures) == 0 {
		t.Architectures = []string{"x86_64"}
	}
	if t.MaxInterfaces == 0 {
		t.MaxInterfaces = 2
	}
	if t.AddressesEach == 0 {
		t.AddressesEach = 4
	}
	if t.Network == "" {
		t.Network = "Up to 5 Gigabit"
	}
	switch {
	case t.VCPUs < 1 || t.VCPUs > maxVCPUs:
		return fmt.Errorf("itype: %s: vcpus: %d is outside 1 to %d", t.Name, t.VCPUs, maxVCPUs)
	case t.MemoryMiB < minMemory || t.MemoryMiB > maxMemory:
		return fmt.Errorf("itype: %s: memory_mib: %d is outside %d to %d", t.Name, t.MemoryMiB, minMemory, maxMemory)
	case t.ThreadsPerCore < 1 || t.VCPUs%t.ThreadsPerCore != 0:
		return fmt.Errorf("itype: %s: threads_per_core: %d does not divide the vcpus", t.Name, t.ThreadsPerCore)
	case t.MaxInterfaces < 1 || t.MaxInterfaces > 32, t.AddressesEach < 1 || t.AddressesEach > 64:
		return fmt.Errorf("itype: %s: interfaces or addresses are out of bounds", t.Name)
	}
	for _, a := range t.Architectures {
		if !slices.Contains([]string{"x86_64", "i386", "arm64"}, a) {
			return fmt.Errorf("itype: %s: architectures: %q is none of x86_64, i386, arm64", t.Name, a)
		}
	}
	return nil
}
