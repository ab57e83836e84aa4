package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestS3fs mounts a bucket and uses it as a file system. It needs /dev/fuse and the right to mount.
func TestS3fs(t *testing.T) {
	s := harness.ForClients(t, false)
	path := harness.Tool(t, "s3fs")
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Fatalf("s3fs needs FUSE: %v", err)
	}
	for _, mode := range []struct{ name, option string }{{"sigv4", "sigv4"}, {"sigv2", "sigv2"}} {
		t.Run(mode.name, func(t *testing.T) {
			c := goClient(t, s)
			b := newBucket(t, c)
			dir := t.TempDir()
			secret := filepath.Join(dir, "passwd")
			if err := os.WriteFile(secret, []byte(s.AccessKey+":"+s.SecretKey+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			mnt := filepath.Join(dir, "mnt")
			if err := os.Mkdir(mnt, 0o755); err != nil {
				t.Fatal(err)
			}
			log, err := os.Create(filepath.Join(dir, "s3fs.log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			cmd := exec.Command(path, b, mnt, "-f", "-o", fmt.Sprintf("url=%s,use_path_request_style,passwd_file=%s,endpoint=%s,%s,multipart_size=5,retries=1,dbglevel=warn",
				s.Endpoint, secret, s.Region, mode.option))
			cmd.Stdout, cmd.Stderr = log, log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			t.Cleanup(func() {
				_ = exec.Command("umount", "-l", mnt).Run()
				select {
				case <-done:
				case <-time.After(60 * time.Second):
					_ = cmd.Process.Kill()
					<-done
				}
				if t.Failed() {
					said, _ := os.ReadFile(log.Name())
					t.Logf("s3fs said: %.4000s", said)
				}
			})
			for deadline := time.Now().Add(60 * time.Second); !mounted(mnt); {
				if time.Now().After(deadline) {
					t.Fatal("s3fs did not mount the bucket in 15 s")
				}
				time.Sleep(50 * time.Millisecond)
			}
			useAsFolder(t, mnt)
			if got := keys(t, c, b, "renamed/"); len(got) == 0 {
				t.Error("the bucket does not show the renamed folder")
			}
			wantBytes(t, "object written by s3fs", get(t, c, b, "big"), harness.Bytes(1, 12*mib))
		})
	}
}

func mounted(dir string) bool {
	b, err := os.ReadFile("/proc/mounts")
	return err == nil && strings.Contains(string(b), " "+dir+" fuse")
}

// useAsFolder does what programs do with files: write, read, append, rename, change mode, remove.
func useAsFolder(t *testing.T, mnt string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	big := harness.Bytes(1, 12*mib)
	check(os.WriteFile(filepath.Join(mnt, "big"), big, 0o644))
	got, err := os.ReadFile(filepath.Join(mnt, "big"))
	check(err)
	wantBytes(t, "big file", got, big)
	check(os.MkdirAll(filepath.Join(mnt, "dir/sub"), 0o755))
	for i := range 10 {
		check(os.WriteFile(filepath.Join(mnt, "dir/sub", fmt.Sprint("file ", i)), fmt.Appendf(nil, "content %d", i), 0o644))
	}
	f, err := os.OpenFile(filepath.Join(mnt, "dir/sub/file 3"), os.O_APPEND|os.O_WRONLY, 0)
	check(err)
	_, err = f.WriteString(" and more")
	check(err)
	check(f.Close())
	check(os.Chmod(filepath.Join(mnt, "dir/sub/file 4"), 0o600))
	check(os.Rename(filepath.Join(mnt, "dir"), filepath.Join(mnt, "renamed")))
	got, err = os.ReadFile(filepath.Join(mnt, "renamed/sub/file 3"))
	check(err)
	wantBytes(t, "appended file", got, []byte("content 3 and more"))
	info, err := os.Stat(filepath.Join(mnt, "renamed/sub/file 4"))
	check(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
	entries, err := os.ReadDir(filepath.Join(mnt, "renamed/sub"))
	check(err)
	if len(entries) != 10 {
		t.Errorf("%d entries in the renamed folder, want 10", len(entries))
	}
	check(os.Remove(filepath.Join(mnt, "renamed/sub/file 9")))
	if _, err := os.Stat(filepath.Join(mnt, "renamed/sub/file 9")); !os.IsNotExist(err) {
		t.Errorf("removed file: %v", err)
	}
}
