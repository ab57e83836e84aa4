package compute

import "time"

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file records.go -o zz_generated_records.go -io=false -tests=false -unexported

//msgp:limit arrays:4096 maps:64

// The records below are MessagePack maps with short names. A field that is added later is unknown to older programs,
// which skip it; a change that older programs must not skip raises the schema byte in front of the record.

// State is a state of an instance, by EC2's code.
type State uint8

// Instance is one instance: what its owner asked for, what should be, and what is. The store holds it as one row, so
// that a reader never sees half a transition.
type Instance struct {
	ID          string `msg:"id"`
	Account     string `msg:"ac"`
	Reservation string `msg:"rs"`
	LaunchIndex int    `msg:"li,omitempty"`
	ClientToken string `msg:"ct,omitempty"`

	Image        string `msg:"im"`
	Type         string `msg:"ty"`
	VCPUs        int    `msg:"vc"`
	MemoryMiB    int    `msg:"mm"`
	Architecture string `msg:"ar"`
	Zone         string `msg:"az"`
	VPC          string `msg:"vp,omitempty"`
	Subnet       string `msg:"sn,omitempty"`
	Interface    string `msg:"ni,omitempty"` // the primary network interface
	PrivateIP    string `msg:"ip,omitempty"` // its address, kept for names after it is gone

	KeyName   string `msg:"kn,omitempty"`
	PublicKey string `msg:"pk,omitempty"` // in OpenSSH's form, as it was at launch
	UserData  []byte `msg:"ud,omitempty"`
	RootName  string `msg:"rn"`
	Disks     []Disk `msg:"dk,omitempty"`
	Source    Source `msg:"so"`

	Metadata         MetadataOptions `msg:"mo"`
	ShutdownBehavior string          `msg:"sb,omitempty"` // stop or terminate
	NoTerminate      bool            `msg:"nt,omitempty"` // DisableApiTermination
	NoStop           bool            `msg:"ns,omitempty"` // DisableApiStop
	Monitoring       bool            `msg:"mn,omitempty"`
	EBSOptimized     bool            `msg:"eo,omitempty"`
	CPUCredits       string          `msg:"cc,omitempty"` // standard or unlimited, of burstable types

	Created  int64 `msg:"cr"` // unix milliseconds
	Launched int64 `msg:"la"` // of the last start

	// What should be. Boot counts the starts and Reboots the reboots that were asked for.
	Desired State  `msg:"ds"`
	Force   bool   `msg:"fo,omitempty"` // stop without asking the guest
	Boot    uint32 `msg:"bo"`
	Reboots uint32 `msg:"rb,omitempty"`

	// What is.
	State     State  `msg:"st"`
	Host      string `msg:"ho,omitempty"` // where it runs, chosen with the commit that made it
	Ran       bool   `msg:"rr,omitempty"` // it reached running once: a failed start leaves it stopped, not terminated
	Rebooted  uint32 `msg:"rd,omitempty"` // how many of Reboots were made
	Reason    Reason `msg:"re"`
	Changed   int64  `msg:"ch,omitempty"` // when State changed last, unix milliseconds
	TransText string `msg:"tt,omitempty"` // StateTransitionReason
}

// Disk is a disk of an instance.
type Disk struct {
	Device   string `msg:"d"` // as the API names it: /dev/sda1
	Volume   string `msg:"v"`
	SizeGiB  int    `msg:"s"`
	Type     string `msg:"t,omitempty"`
	Delete   bool   `msg:"x,omitempty"` // delete on termination
	Attached int64  `msg:"a,omitempty"` // unix milliseconds
}

// Volume is a disk of its own: it belongs to an instance, or outlived the one it had. How an instance has it, and as which
// device, is in the instance's Disks.
type Volume struct {
	ID         string `msg:"id"`
	Account    string `msg:"ac"`
	Zone       string `msg:"az"`
	Host       string `msg:"ho"` // where its file is
	SizeGiB    int    `msg:"s"`
	Type       string `msg:"t"`
	IOPS       int    `msg:"io,omitempty"`
	Throughput int    `msg:"th,omitempty"` // MiB/s
	Created    int64  `msg:"cr"`           // unix milliseconds
	Image      string `msg:"im,omitempty"` // what it lies on; empty for one that began empty
	Snapshot   string `msg:"sn,omitempty"` // of that image
	Base       Blob   `msg:"ba"`           // the bytes of it
	Instance   string `msg:"in,omitempty"` // that has it; empty when it is available
	Deleting   bool   `msg:"dl,omitempty"` // the host removes it
}

// MetadataOptions say how the instance may read its metadata.
type MetadataOptions struct {
	Tokens   string `msg:"t"` // optional or required
	HopLimit int    `msg:"h"`
	Endpoint string `msg:"e"` // enabled or disabled
	IPv6     string `msg:"6,omitempty"`
	Tags     string `msg:"g,omitempty"` // enabled or disabled
}

// Reason is a StateReason.
type Reason struct {
	Code    string `msg:"c,omitempty"`
	Message string `msg:"m,omitempty"`
}

// Image is a machine image.
type Image struct {
	ID           string   `msg:"id"`
	Account      string   `msg:"ac"`
	Name         string   `msg:"na"`
	Description  string   `msg:"de,omitempty"`
	Architecture string   `msg:"ar"`
	State        string   `msg:"st"` // pending, available, failed
	Reason       Reason   `msg:"re"`
	Created      int64    `msg:"cr"` // unix milliseconds
	Location     string   `msg:"lo,omitempty"`
	RootName     string   `msg:"rn"`
	Snapshot     string   `msg:"sn"`
	SizeGiB      int      `msg:"sg"` // of the root disk
	BootMode     string   `msg:"bm,omitempty"`
	IMDS         string   `msg:"is,omitempty"` // v2.0 when the image asks for tokens
	ENA          bool     `msg:"en,omitempty"`
	SRIOV        bool     `msg:"sr,omitempty"`
	Public       bool     `msg:"pu,omitempty"`
	Shared       []string `msg:"sh,omitempty"` // accounts that may launch it
	Alias        string   `msg:"al,omitempty"` // of the owner, such as amazon

	Source Source `msg:"so"`
}

// Source is what a machine boots from: objects of the system's bucket. Instances keep a copy, so that they can start
// after their image was deregistered.
type Source struct {
	Disk    Blob   `msg:"d"`
	Format  string `msg:"f,omitempty"` // of Disk: qcow2 or raw
	Kernel  Blob   `msg:"k"`           // with Initrd: boot these instead of what the disk holds
	Initrd  Blob   `msg:"i"`
	Cmdline string `msg:"c,omitempty"`
	UEFI    bool   `msg:"u,omitempty"`
}

// Blob is an object of the system's bucket.
type Blob struct {
	Key    string `msg:"k,omitempty"`
	Size   int64  `msg:"s,omitempty"`
	SHA256 string `msg:"h,omitempty"` // hex
}

// Import is a task of ImportImage.
type Import struct {
	ID           string `msg:"id"`
	Account      string `msg:"ac"`
	Image        string `msg:"im,omitempty"`
	Description  string `msg:"de,omitempty"`
	Architecture string `msg:"ar,omitempty"`
	Platform     string `msg:"pl,omitempty"`
	Format       string `msg:"fm,omitempty"`
	Bucket       string `msg:"bu"`
	Key          string `msg:"ke"`
	Size         int64  `msg:"sz,omitempty"`
	Register     bool   `msg:"rg,omitempty"` // it is the work behind a RegisterImage, and not shown as a task
	Status       string `msg:"st"`           // active, deleted (cancelled or failed), completed
	Message      string `msg:"ms,omitempty"`
	Progress     int    `msg:"pr,omitempty"`
	Created      int64  `msg:"cr"`
	Ended        int64  `msg:"en,omitempty"`
	Principal    string `msg:"pc"` // the access key that asked, whose rights the reading uses
}

// Host is a machine that runs instances.
type Host struct {
	ID           string   `msg:"id"`
	Zones        []string `msg:"az"`
	Architecture string   `msg:"ar"`
	Hypervisor   string   `msg:"hy"` // libvirt, test or off
	State        string   `msg:"st"` // up, or down with Problem
	Problem      string   `msg:"pb,omitempty"`
	VCPUs        int64    `msg:"vc"` // that may be given out, overcommit included
	MemoryMiB    int64    `msg:"mm"`
	BootID       string   `msg:"bi,omitempty"` // of the kernel
}

// binding is the row by which a host learns of an instance. It is written with every change of what should be.
type binding struct {
	Account string `msg:"a"`
	Boot    uint32 `msg:"b,omitempty"`
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// Time undoes the form in which records keep times; 0 is the zero time.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
