package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// ErrInvalid marks every error of Load: the fault is in what was asked, not in the machine.
var ErrInvalid = errors.New("invalid configuration")

// Load reads the settings: flags of fs that were set, then environ ("NAME=value"), then the YAML file that --config
// or AUREOLE_CONFIG names, then defaults.
func Load(fs *pflag.FlagSet, environ []string) (Config, error) {
	c, err := load(fs, environ)
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return c, nil
}

func load(fs *pflag.FlagSet, environ []string) (Config, error) {
	env := envMap(environ)
	merged := koanf.New("\x00") // names are flat: no delimiter can split them
	origin := map[string]string{}
	// Later layers win, so the weakest comes first.
	if name := configFile(fs, env); name != "" {
		k, err := readFile(name)
		if err != nil {
			return Config{}, err
		}
		for key := range k.Raw() {
			origin[key] = name
		}
		if err := merged.Merge(k); err != nil {
			return Config{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	fromEnv, fromFlags := map[string]any{}, map[string]any{}
	for _, s := range Settings() {
		if v, ok := env[s.Env()]; ok && v != "" {
			fromEnv[s.Name], origin[s.Name] = v, s.Env()
		}
		if fs == nil {
			continue
		}
		if f := fs.Lookup(s.Name); f != nil && f.Changed {
			origin[s.Name] = "--" + s.Name
			if v, ok := f.Value.(pflag.SliceValue); ok {
				fromFlags[s.Name] = v.GetSlice()
			} else {
				fromFlags[s.Name] = f.Value.String()
			}
		}
	}
	for _, layer := range []map[string]any{fromEnv, fromFlags} {
		if err := merged.Load(confmap.Provider(layer, ""), nil); err != nil {
			return Config{}, err
		}
	}
	c := Default()
	for _, s := range Settings() {
		v := merged.Get(s.Name)
		if v == nil {
			continue
		}
		if err := assign(s.field(&c), v); err != nil {
			return Config{}, fmt.Errorf("%s: %w (from %s)", s.Name, err, origin[s.Name])
		}
	}
	return c, c.Validate()
}

// UnknownEnv lists AUREOLE_* variables that name no setting: likely typing errors, worth a warning but no refusal,
// because the environment belongs to others too.
func UnknownEnv(environ []string) []string {
	known := map[string]bool{"AUREOLE_CONFIG": true}
	for _, s := range Settings() {
		known[s.Env()] = true
	}
	var unknown []string
	for name := range envMap(environ) {
		if strings.HasPrefix(name, "AUREOLE_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func configFile(fs *pflag.FlagSet, env map[string]string) string {
	if fs != nil {
		if f := fs.Lookup("config"); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	return env["AUREOLE_CONFIG"]
}

// readFile parses the YAML file and refuses keys that are no settings.
func readFile(name string) (*koanf.Koanf, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	k := koanf.New("\x00")
	if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	known := make([]string, 0, 32)
	for _, s := range Settings() {
		known = append(known, s.Name)
	}
	for key := range k.Raw() {
		if oneOf(key, known) {
			continue
		}
		if near := nearest(key, known); near != "" {
			return nil, fmt.Errorf("%s: unknown setting %q; did you mean %q?", name, key, near)
		}
		return nil, fmt.Errorf("%s: unknown setting %q", name, key)
	}
	return k, nil
}

func envMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			m[name] = value
		}
	}
	return m
}

// assign parses v, which may be a string or what YAML made of it, into the field p points at.
func assign(p, v any) error {
	if l, ok := p.(*[]string); ok {
		return assignList(l, v)
	}
	switch v.(type) {
	case []any, []string, map[string]any:
		return errors.New("takes one value, not several")
	}
	s := fmt.Sprint(v)
	switch p := p.(type) {
	case *string:
		*p = s
	case *bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is not true or false", s)
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", s)
		}
		*p = n
	case *float64:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a time such as 30s or 5m", s)
		}
		*p = d
	case *size:
		n, err := parseSize(s)
		if err != nil {
			return err
		}
		*p = size(n)
	default:
		return fmt.Errorf("no parser for %T", p)
	}
	return nil
}

// assignList takes a YAML list, the values of a repeated flag, or a string with commas between.
func assignList(p *[]string, v any) error {
	var list []string
	switch v := v.(type) {
	case []string:
		list = append(list, v...)
	case []any:
		for _, e := range v {
			switch e.(type) {
			case []any, map[string]any:
				return errors.New("takes a list of plain values")
			}
			list = append(list, fmt.Sprint(e))
		}
	case map[string]any:
		return errors.New("takes a list of plain values")
	default:
		for e := range strings.SplitSeq(fmt.Sprint(v), ",") {
			list = append(list, strings.TrimSpace(e))
		}
	}
	*p = list
	return nil
}
