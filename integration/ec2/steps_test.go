package ec2

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A server that is told to log everything says of each start of an instance how long every part of it took, from the call to the
// report that it runs. The parts make up the whole.
func TestStepsOfAStart(t *testing.T) {
	c := guests(t, "--log-level", "debug")
	for range 4 { // the first fetches the image, the others find it on the host
		id := aws.ToString(c.run(t, nil)[0].InstanceId)
		c.await(t, id, types.InstanceStateNameRunning, time.Minute)
		line := ""
		for deadline := time.Now().Add(60 * time.Second); line == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			for l := range strings.Lines(c.LogTail(1 << 20)) {
				if strings.Contains(l, `msg="an instance runs"`) && strings.Contains(l, "instance="+id) {
					line = l
				}
			}
		}
		took := map[string]time.Duration{}
		for _, m := range regexp.MustCompile(`(\w+)=([0-9.]+[mµ]?s)\b`).FindAllStringSubmatch(line, -1) {
			d, err := time.ParseDuration(m[2])
			if err != nil {
				t.Fatal(err)
			}
			took[m[1]] = d
		}
		var sum time.Duration
		for _, step := range []string{"waited", "disks", "network", "define", "start", "plug", "resume", "report"} {
			if took[step] <= 0 {
				t.Errorf("%s took %v in %q", step, took[step], line)
			}
			sum += took[step]
		}
		if all := took["all"]; sum != all {
			t.Errorf("the parts make up %v, not %v", sum, all)
		}
		t.Log(line)
	}
}
