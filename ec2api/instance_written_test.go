package ec2api

import (
	"fmt"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
)

// What is kept of written instances is bounded, and goes when nobody asks for it.
func TestWrittenIsBounded(t *testing.T) {
	var k written
	const each = 1 << 20
	write := func(n int) *writtenInstance {
		i := &writtenInstance{from: instanceRecords{core: &compute.Instance{ID: fmt.Sprint(n)}}, xml: make([]byte, each), asked: true}
		k.keep(i)
		return i
	}
	for n := range 5 * writtenSize / each {
		write(n)
		write(n) // again, in its place
		if len(k.byID)*each > writtenSize || k.bytes != len(k.byID)*each {
			t.Fatalf("%d instances of %d bytes are kept, said to be %d", len(k.byID), each, k.bytes)
		}
		if k.byID[fmt.Sprint(n)] == nil {
			t.Fatalf("the last one is not kept")
		}
	}
	now := time.Now()
	k.age(now)
	if len(k.byID) != writtenSize/each {
		t.Errorf("%d are kept of those that were asked for", len(k.byID))
	}
	stays := write(0)
	k.age(now.Add(writtenAge - 1))
	k.age(now.Add(writtenAge))
	if len(k.byID) != 1 || k.byID["0"] != stays || k.bytes != each {
		t.Errorf("%d are kept, %d bytes; want the one that was asked for", len(k.byID), k.bytes)
	}
}
