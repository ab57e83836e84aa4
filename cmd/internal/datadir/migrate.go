package datadir

import "fmt"

// layout is what a version of the program knows about folders.
type layout struct {
	schema int // the schema it writes
	steps  []step
}

// step brings a folder from schema from to from+1. It must do nothing wrong when it runs a second time after a
// crash in the middle: the schema number is written only when it is done.
type step struct {
	from int
	what string
	run  func(dir string) error
}

// current is the layout of this version. A change of the folder adds one to schema and a step that gets there;
// changes inside the store have schema numbers of their own in its records.
func current() layout { return layout{schema: 1} }

// migrate runs the steps that are due, in order.
func (d *Dir) migrate(l layout) error {
	for d.manifest.Schema < l.schema {
		s, ok := l.from(d.manifest.Schema)
		if !ok {
			return fmt.Errorf("%s: no way from schema %d to %d", d.path, d.manifest.Schema, l.schema)
		}
		if err := s.run(d.path); err != nil {
			return fmt.Errorf("%s: migration from schema %d (%s): %w", d.path, s.from, s.what, err)
		}
		d.manifest.Schema = s.from + 1
		if err := d.writeManifest(); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) from(schema int) (step, bool) {
	for _, s := range l.steps {
		if s.from == schema {
			return s, true
		}
	}
	return step{}, false
}
