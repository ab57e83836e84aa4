package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is USER_HZ, which Linux has fixed at 100 for every architecture Go runs on.
const clockTick = 100

// LogTail returns the last n bytes of the server's log.
func (s *Server) LogTail(n int64) string {
	f, err := os.Open(s.LogFile)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > n {
		_, _ = f.Seek(-n, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}

// Damage reports what must never be in a log: a panic, a runtime failure, or a data race.
func (s *Server) Damage() error {
	b, err := os.ReadFile(s.LogFile)
	if err != nil {
		return nil
	}
	for _, sign := range []string{"\npanic: ", "\nfatal error: ", "WARNING: DATA RACE", "[recovered]", "panic recovered"} {
		if i := bytes.Index(b, []byte(sign)); i >= 0 {
			end := min(len(b), i+6<<10)
			return fmt.Errorf("the server's log shows %q:\n%s", strings.TrimSpace(sign), b[i:end])
		}
	}
	return nil
}

// Metrics scrapes the admin listener and returns every sample by its full name with labels, as printed.
func (s *Server) Metrics() (map[string]float64, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(s.Admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics says %s", resp.Status)
	}
	samples := map[string]float64{}
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 {
			continue
		}
		if v, err := strconv.ParseFloat(line[cut+1:], 64); err == nil {
			samples[line[:cut]] = v
		}
	}
	return samples, scan.Err()
}

// Metric returns one sample by its full name.
func (s *Server) Metric(name string) (float64, error) {
	all, err := s.Metrics()
	if err != nil {
		return 0, err
	}
	v, ok := all[name]
	if !ok {
		return 0, fmt.Errorf("no metric %s", name)
	}
	return v, nil
}

// SumMetric adds up all samples whose name starts with prefix, whatever their labels.
func (s *Server) SumMetric(prefix string) (sum float64, found bool, err error) {
	all, err := s.Metrics()
	if err != nil {
		return 0, false, err
	}
	for name, v := range all {
		if strings.HasPrefix(name, prefix) {
			sum += v
			found = true
		}
	}
	return sum, found, nil
}

// Goroutines returns the number of goroutines in the server.
func (s *Server) Goroutines() (int, error) {
	v, err := s.Metric("go_goroutines")
	return int(v), err
}

// Usage is what a process has used.
type Usage struct {
	CPU     time.Duration // user and system, of all threads, ended children included
	RSS     int64         // bytes resident now
	PeakRSS int64         // VmHWM
	Threads int
}

// ProcUsage reads what process pid and its descendants have used.
func ProcUsage(pid int) (Usage, error) {
	u, err := procUsage(pid)
	if err != nil {
		return u, err
	}
	children, err := childrenOf(pid)
	if err != nil {
		return u, err
	}
	for _, child := range children {
		// A child may end while we look; what it used is then counted in its parent.
		if c, err := ProcUsage(child); err == nil {
			u.CPU += c.CPU
			u.RSS += c.RSS
			u.PeakRSS += c.PeakRSS
			u.Threads += c.Threads
		}
	}
	return u, nil
}

func procUsage(pid int) (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The command in parentheses may hold anything; fields are counted after its last parenthesis.
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return u, fmt.Errorf("cannot read /proc/%d/stat", pid)
	}
	f := strings.Fields(string(stat[i+1:]))
	if len(f) < 18 {
		return u, fmt.Errorf("cannot read /proc/%d/stat", pid)
	}
	for _, n := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(f[n], 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(ticks) * time.Second / clockTick
	}
	u.Threads, _ = strconv.Atoi(f[17])
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.RSS = kb << 10
		case "VmHWM":
			u.PeakRSS = kb << 10
		}
	}
	return u, nil
}

func childrenOf(pid int) ([]int, error) {
	var pids []int
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	for _, name := range tasks {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread ended
		}
		for field := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(field); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids, nil
}

// Usage returns what the server process has used.
func (s *Server) Usage() (Usage, error) {
	return ProcUsage(s.PID())
}

// DiskUsage adds up the blocks that files below dirs take, which is what a full disk would feel.
func DiskUsage(dirs ...string) (int64, error) {
	var total int64
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // compaction removes files while we walk
			}
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				total += st.Blocks * 512
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}
