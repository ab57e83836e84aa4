package compute

import "github.com/aureole-cloud/aureole/core/errs"

const (
	// MaxUserData is the bytes of user data, before it is coded for the wire.
	MaxUserData = 16 << 10
	// MaxDiskGiB is the size of an image's disk.
	MaxDiskGiB = 16 << 10
)

// check applies the rules that need no look at what exists.
func (in *RunInput) check() error {
	switch {
	case in.Image == "":
		return errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter ImageId")
	case in.Min < 1:
		return invalidValue("Value (%d) for parameter minCount is invalid. Min value must be at least 1.", in.Min)
	case in.Max < in.Min:
		return invalidValue("Value (%d) for parameter maxCount is invalid. It must be at least the minCount of %d.", in.Max, in.Min)
	case in.Max > MaxRun:
		return errs.New(errs.Limit, RequestLimit, "One request makes at most %d instances, not %d.", MaxRun, in.Max)
	case len(in.UserData) > MaxUserData:
		return invalidValue("User data is limited to %d bytes", MaxUserData)
	case len(in.Interfaces) == 0:
		return errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter NetworkInterface")
	}
	switch in.ShutdownBehavior {
	case "", "stop", "terminate":
	default:
		return invalidValue("Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid. Unknown instance initiated shutdown behavior.", in.ShutdownBehavior)
	}
	switch in.CPUCredits {
	case "", "standard", "unlimited":
	default:
		return invalidCredits(in.CPUCredits)
	}
	if err := in.Metadata.check(); err != nil {
		return err
	}
	return in.checkInterfaces()
}

func invalidCredits(value string) error {
	return errs.New(errs.Invalid, InvalidCredits, "The CPU credits '%s' are invalid. Valid values are standard and unlimited.", value)
}

func (in *RunInput) checkInterfaces() error {
	at := map[int]bool{}
	for n := range in.Interfaces {
		r := &in.Interfaces[n]
		if at[r.DeviceIndex] {
			return invalidValue("Each network interface requires a unique device index; %d is given twice.", r.DeviceIndex)
		}
		at[r.DeviceIndex] = true
		if in.Max > 1 && (r.Existing != "" || r.Private.IsValid() || len(r.Secondary) > 0) {
			return invalidCombination("An existing network interface or a private address cannot be specified when more than one instance is launched.")
		}
	}
	if !at[0] {
		return invalidValue("When specifying network interfaces, you must include a device at index 0.")
	}
	if in.Interfaces[0].DeviceIndex != 0 {
		return invalidValue("The first network interface must have the device index 0.")
	}
	if len(in.Interfaces) > maxInterfaces {
		return errs.New(errs.Limit, AttachmentLimit, "An instance has at most %d network interfaces.", maxInterfaces)
	}
	return nil
}

// maxInterfaces is how many interfaces an instance has.
const maxInterfaces = 8

// check refuses what metadata options cannot be. Empty fields are defaults.
func (m MetadataOptions) check() error {
	for _, f := range []struct {
		name, value string
		allowed     [2]string
	}{
		{"HttpTokens", m.Tokens, [2]string{"optional", "required"}},
		{"HttpEndpoint", m.Endpoint, [2]string{"enabled", "disabled"}},
		{"HttpProtocolIpv6", m.IPv6, [2]string{"enabled", "disabled"}},
		{"InstanceMetadataTags", m.Tags, [2]string{"enabled", "disabled"}},
	} {
		if f.value != "" && f.value != f.allowed[0] && f.value != f.allowed[1] {
			return invalidValue("Value (%s) for parameter %s is invalid.", f.value, f.name)
		}
	}
	if m.HopLimit != 0 && (m.HopLimit < 1 || m.HopLimit > 64) {
		return invalidValue("Value (%d) for parameter HttpPutResponseHopLimit is invalid. It must be between 1 and 64.", m.HopLimit)
	}
	if m.IPv6 == "enabled" {
		return unsupported("Metadata over IPv6 is not built.")
	}
	return nil
}

// orDefault fills empty fields.
func (m MetadataOptions) orDefault(img *Image) MetadataOptions {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	if img != nil && img.IMDS == "v2.0" {
		set(&m.Tokens, "required")
		if m.HopLimit == 0 {
			m.HopLimit = 2
		}
	}
	set(&m.Tokens, "optional")
	set(&m.Endpoint, "enabled")
	set(&m.IPv6, "disabled")
	set(&m.Tags, "disabled")
	if m.HopLimit == 0 {
		m.HopLimit = 1
	}
	return m
}
