package harness

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// answersDir names a folder in which tests leave what was answered while they ran, for integration/answers to read.
const answersDir = "AUREOLE_TEST_ANSWERS"

// Answer is that an operation was answered with an error code, or with none.
type Answer struct{ Operation, Code string }

// NoteAnswers notes what operations answered while a test ran, where somebody wants to know it.
func NoteAnswers(t testing.TB, answers map[Answer]bool) {
	t.Helper()
	dir := os.Getenv(answersDir)
	if dir == "" {
		return
	}
	var lines strings.Builder
	test, _, _ := strings.Cut(t.Name(), "/")
	for _, a := range slices.SortedFunc(maps.Keys(answers), func(a, b Answer) int {
		return strings.Compare(a.Operation+" "+a.Code, b.Operation+" "+b.Code)
	}) {
		fmt.Fprintf(&lines, "%s %s %s\n", test, a.Operation, a.Code)
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(os.Getpid())), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(lines.String()); err != nil {
		t.Fatal(err)
	}
}

var (
	sampleDone   = regexp.MustCompile(`^aureole_s3_requests_total\{operation="(\w+)",status="[23]xx"\}$`)
	sampleFailed = regexp.MustCompile(`^aureole_s3_errors_total\{code="([\w.]+)",operation="(\w+)"\}$`)
)

// noteAnswers reads the answers of a server off its metrics.
func noteAnswers(t testing.TB, s *Server) {
	t.Helper()
	if os.Getenv(answersDir) == "" {
		return
	}
	time.Sleep(100 * time.Millisecond) // a request is counted just after its answer
	samples, err := s.Metrics()
	if err != nil {
		t.Error(err)
	}
	answers := map[Answer]bool{}
	for name, n := range samples {
		if m := sampleDone.FindStringSubmatch(name); m != nil && n > 0 {
			answers[Answer{m[1], ""}] = true
		}
		if m := sampleFailed.FindStringSubmatch(name); m != nil && n > 0 {
			answers[Answer{m[2], m[1]}] = true
		}
	}
	NoteAnswers(t, answers)
}
