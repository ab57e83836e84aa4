package compute

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// MaxRun is how many instances one call makes at most: what fits into one commit with ease.
const MaxRun = 1000

// RunInput says what instances to make.
type RunInput struct {
	Token            idem.Token
	Image            string
	Type             string // empty: DefaultType
	Min, Max         int
	Key              string
	Zone             string
	Interfaces       []InterfaceRequest // at least one; the first is the primary one
	UserData         []byte
	Disks            []DiskRequest
	Metadata         MetadataOptions // empty fields: defaults
	ShutdownBehavior string
	NoTerminate      bool
	NoStop           bool
	Monitoring       bool
	EBSOptimized     bool
	CPUCredits       string

	InstanceTags, VolumeTags, InterfaceTags tags.Set
}

// DefaultType is what EC2 takes when no type is named.
const DefaultType = "m1.small"

// InterfaceRequest is an interface to make, or an existing one to attach.
type InterfaceRequest struct {
	Existing    string // the id of an interface; the rest then only says how it is attached
	DeviceIndex int
	NetworkCard int
	Keep        bool // do not delete it on termination
	Subnet      string
	Groups      []string
	GroupNames  []string
	Private     netip.Addr
	Secondary   []netip.Addr
	SecondaryN  int
	Description string
	AutoPublic  *bool
}

// Reservation is what one RunInstances made.
type Reservation struct {
	ID        string
	Account   string
	Instances []*Instance
}

// Run makes instances: all rows of all of them, with their interfaces, addresses, tags and room on a host, in one commit.
// As many as fit are made, but no fewer than in.Min. A repeated call with the same token gets what the first one made.
func (s *Service) Run(ctx context.Context, who iam.Principal, in *RunInput) (*Reservation, error) {
	if err := s.able(); err != nil {
		return nil, err
	}
	account := who.AccountID
	if err := s.cfg.Network.Ensure(ctx, account); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var res *Reservation
	err := s.transact(ctx, "compute.Run", func(v kv.View, b *kv.Batch) error {
		made, seen, err := in.Token.Lookup(v)
		if err != nil {
			return err
		}
		if seen {
			res, err = reservation(v, account, made)
			return err
		}
		res, err = s.run(v, b, account, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// reservation reads what an earlier call made: ids begin with the reservation's. EC2 refuses a token all of whose instances
// have ended.
func reservation(r reader, account string, made []string) (*Reservation, error) {
	if len(made) == 0 {
		return nil, errors.New("compute: a token of no instances")
	}
	res := &Reservation{ID: made[0], Account: account}
	ended := true
	for _, id := range made[1:] {
		i, _, err := getInstance(r, account, id)
		if err == nil {
			res.Instances = append(res.Instances, i)
			ended = ended && i.State == Terminated
		} else if err := ignoreAbsent(err); err != nil { // forgotten since
			return nil, err
		}
	}
	if ended {
		return nil, errs.New(errs.Conflict, TokenOfTerminated, "The client token is that of a request whose instances have been terminated.").On(res.ID)
	}
	return res, nil
}

// run decides on a view.
func (s *Service) run(v kv.View, b *kv.Batch, account string, in *RunInput) (*Reservation, error) {
	model, img, err := s.model(v, account, in)
	if err != nil {
		return nil, err
	}
	if err := checkDisks(img, in.Disks); err != nil {
		return nil, err
	}
	c := s.begin(v, b, account)
	res := &Reservation{ID: ids.New(ids.Reservation), Account: account}
	made := []string{res.ID}
	model.Reservation, model.Created, model.Launched = res.ID, millis(c.now), millis(c.now)
	model.Changed = model.Created
	for n := range in.Max {
		i := *model
		i.ID, i.LaunchIndex = ids.New(ids.Instance), n
		volumes := attachDisks(&i, img, in.Disks)
		// Room is looked for before anything is taken, so that the last instances may be left out. The zone is the subnet's.
		if i.Zone, err = s.zoneOf(account, in); err != nil {
			return nil, err
		}
		if err := c.choose(&i); err != nil {
			if n >= in.Min {
				break
			}
			return nil, err
		}
		if err := c.attach(&i, in); err != nil {
			return nil, err
		}
		if err := c.put(nil, 0, &i); err != nil {
			return nil, err
		}
		tags.Put(b, account, i.ID, in.InstanceTags)
		for _, v := range volumes {
			v.Host, v.Zone = i.Host, i.Zone
			c.putVolume(v)
			tags.Put(b, account, v.ID, in.VolumeTags)
		}
		res.Instances = append(res.Instances, &i)
		made = append(made, i.ID)
	}
	in.Token.Record(b, made...)
	return res, c.finish()
}

// zoneOf is where the instance has to be; empty for anywhere.
func (s *Service) zoneOf(account string, in *RunInput) (string, error) {
	first := &in.Interfaces[0]
	if in.Zone != "" && s.cfg.Network.ZoneID(in.Zone) == "" {
		return "", invalidValue("Invalid availability zone: [%s]", in.Zone)
	}
	if first.Existing != "" {
		if e := s.cfg.Network.Interface(first.Existing); e != nil && e.Account == account {
			return e.Zone, nil
		}
		return "", nil // the network says what is wrong with it
	}
	if first.Subnet == "" {
		return in.Zone, nil
	}
	sub := s.cfg.Network.Subnet(first.Subnet)
	if sub == nil || sub.Account != account {
		return "", nil
	}
	if in.Zone != "" && in.Zone != sub.Zone {
		return "", invalidValue("Subnet '%s' is in the availability zone %s, which is not the requested one, %s.", sub.ID, sub.Zone, in.Zone)
	}
	return sub.Zone, nil
}

// attach makes the interfaces of a new instance.
func (c *change) attach(i *Instance, in *RunInput) error {
	for n := range in.Interfaces {
		r := &in.Interfaces[n]
		at := network.Attach{Instance: i.ID, DeviceIndex: r.DeviceIndex, NetworkCard: r.NetworkCard, DeleteOnTermination: !r.Keep && r.Existing == ""}
		var eni *network.Interface
		var err error
		if r.Existing != "" {
			eni, err = c.network().Attach(r.Existing, at)
		} else {
			eni, err = c.network().CreateInterface(network.InterfaceSpec{
				Subnet: r.Subnet, Zone: i.Zone, Groups: r.Groups, GroupNames: r.GroupNames, Private: r.Private, Secondary: r.Secondary,
				SecondaryN: r.SecondaryN, Description: r.Description, AutoPublic: r.AutoPublic, Attach: &at, Tags: in.InterfaceTags,
			})
		}
		if err != nil {
			return err
		}
		if n == 0 {
			i.Interface, i.VPC, i.Subnet, i.Zone = eni.ID, eni.VPC, eni.Subnet, eni.Zone
			i.PrivateIP = eni.Addresses[0].Private.String()
		}
	}
	return nil
}

// model is what all instances of a call have in common.
func (s *Service) model(v kv.View, account string, in *RunInput) (*Instance, *Image, error) {
	img, err := launchable(v, account, in.Image)
	if err != nil {
		return nil, nil, err
	}
	name := cmp.Or(in.Type, DefaultType)
	t, ok := s.cfg.Types(name)
	if !ok {
		return nil, nil, invalidValue("Invalid value '%s' for InstanceType.", name)
	}
	if !t.supports(img.Architecture) {
		return nil, nil, invalidValue("The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again.", strings.Join(t.Architectures, ", "), img.Architecture)
	}
	i := &Instance{
		Account: account, ClientToken: in.Token.Token, Image: img.ID, Type: t.Name, VCPUs: t.VCPUs, MemoryMiB: t.MemoryMiB,
		Architecture: img.Architecture, RootName: img.RootName, Source: img.Source, UserData: in.UserData, Metadata: in.Metadata.orDefault(img),
		ShutdownBehavior: cmp.Or(in.ShutdownBehavior, "stop"), NoTerminate: in.NoTerminate, NoStop: in.NoStop, Monitoring: in.Monitoring,
		EBSOptimized: in.EBSOptimized, State: Pending, Desired: Running, Boot: 1,
	}
	if t.Credits != "" {
		i.CPUCredits = cmp.Or(in.CPUCredits, t.Credits)
	} else if in.CPUCredits != "" {
		return nil, nil, errs.New(errs.Invalid, InvalidCombination, "The instance type %s does not support CPU credits.", t.Name)
	}
	if in.Key != "" {
		k, err := s.cfg.Keys(v, account, in.Key)
		if err != nil {
			return nil, nil, err
		}
		i.KeyName, i.PublicKey = k.Name, k.OpenSSH
	}
	return i, img, nil
}

// launchable reads an image that an account may launch.
func launchable(r reader, account, id string) (*Image, error) {
	img, _, err := getImage(r, id)
	if errors.Is(err, kv.ErrNotFound) || err == nil && !img.visibleTo(account) {
		return nil, imageNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	if img.State != ImageAvailable {
		return nil, errs.New(errs.Conflict, ImageUnavailable, "The image ID '%s' is not available: it is %s.", id, img.State).On(id)
	}
	return img, nil
}
