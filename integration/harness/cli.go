package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// CLI runs a subcommand of the binary against this server, as an administrator would, and returns what it printed.
func (s *Server) CLI(args ...string) (string, error) {
	cmd := exec.Command(s.bin, append(args, "--data", s.Data[0])...)
	cmd.Env = append(os.Environ(), s.opts.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("aureole %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Scrub is the outcome of a scrub of everything.
type Scrub struct {
	Copies       int64 `json:"copies"`
	Corrupt      int64 `json:"corrupt"`
	Repaired     int64 `json:"repaired"`
	Unreadable   int64 `json:"unreadable"`
	Unrepairable int64 `json:"unrepairable"`
}

// Scrub verifies every stored copy now.
func (s *Server) Scrub() (Scrub, error) {
	var answer struct {
		Counts Scrub `json:"counts"`
	}
	out, err := s.CLI("admin", "scrub")
	if err != nil {
		return answer.Counts, err
	}
	return answer.Counts, json.Unmarshal([]byte(out), &answer)
}

// Ring is what "aureole ring --json" shows, as far as tests look at it.
type Ring struct {
	Replicas      int     `json:"replicas"`
	Balance       float64 `json:"balance"`
	PendingMoves  int64   `json:"pendingMoves"`
	PendingCopies int64   `json:"pendingCopies"`
	Devices       []struct {
		ID         int    `json:"id"`
		Path       string `json:"path"`
		State      string `json:"state"`
		Health     string `json:"health"`
		Partitions int    `json:"partitions"`
		Blobs      int64  `json:"blobs"`
		Bytes      int64  `json:"bytes"`
		Removable  bool   `json:"removable"`
	} `json:"devices"`
}

// Ring asks for the state of the devices.
func (s *Server) Ring() (Ring, error) {
	var r Ring
	out, err := s.CLI("ring", "--json")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(out), &r)
}

// RingWhen waits until the ring is as ok wants it.
func (s *Server) RingWhen(limit time.Duration, ok func(Ring) bool) (Ring, error) {
	deadline := time.Now().Add(limit)
	for {
		r, err := s.Ring()
		if err != nil || ok(r) {
			return r, err
		}
		if time.Now().After(deadline) {
			return r, fmt.Errorf("after %v the ring is still %+v", limit, r)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
