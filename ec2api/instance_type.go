package ec2api

import (
	"strconv"

	"github.com/aureole-cloud/aureole/core/itype"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// renderInstanceType tells of a type what is true here: a virtual machine of KVM with disks of virtio, on one network card.
func renderInstanceType(t *itype.Type) model.InstanceTypeInfo {
	return model.InstanceTypeInfo{
		InstanceType:                 new(t.Name),
		CurrentGeneration:            new(!t.PreviousGeneration),
		FreeTierEligible:             new(t.FreeTier),
		SupportedUsageClasses:        []string{"on-demand"},
		SupportedRootDeviceTypes:     []string{"ebs"},
		SupportedVirtualizationTypes: []string{"hvm"},
		BareMetal:                    new(false),
		Hypervisor:                   new("nitro"), // the one of EC2's two that is KVM
		ProcessorInfo:                &model.ProcessorInfo{SupportedArchitectures: t.Architectures},
		VCpuInfo: &model.VCpuInfo{
			DefaultVCpus: new(t.VCPUs), DefaultCores: new(t.Cores()), DefaultThreadsPerCore: new(t.ThreadsPerCore),
			ValidCores: []int{t.Cores()}, ValidThreadsPerCore: []int{t.ThreadsPerCore}, // CPU options cannot be chosen
		},
		MemoryInfo:               &model.MemoryInfo{SizeInMiB: new(int64(t.MemoryMiB))},
		InstanceStorageSupported: new(false),
		EbsInfo: &model.EbsInfo{
			EbsOptimizedSupport: new("unsupported"), EncryptionSupport: new("unsupported"), NvmeSupport: new("unsupported"),
		},
		NetworkInfo: &model.NetworkInfo{
			NetworkPerformance: new(t.Network), MaximumNetworkInterfaces: new(t.MaxInterfaces),
			MaximumNetworkCards: new(1), DefaultNetworkCardIndex: new(0),
			NetworkCards: []model.NetworkCardInfo{{
				NetworkCardIndex: new(0), NetworkPerformance: new(t.Network), MaximumNetworkInterfaces: new(t.MaxInterfaces),
			}},
			Ipv4AddressesPerInterface: new(t.AddressesEach), Ipv6AddressesPerInterface: new(0), Ipv6Supported: new(false),
			EnaSupport: new("unsupported"), EfaSupported: new(false), EncryptionInTransitSupported: new(false), EnaSrdSupported: new(false),
		},
		PlacementGroupInfo:            &model.PlacementGroupInfo{SupportedStrategies: []string{"cluster", "partition", "spread"}},
		HibernationSupported:          new(false),
		BurstablePerformanceSupported: new(t.Burstable),
		DedicatedHostsSupported:       new(false),
		AutoRecoverySupported:         new(false),
		SupportedBootModes:            []string{"legacy-bios"},
		NitroEnclavesSupport:          new("unsupported"),
		NitroTpmSupport:               new("unsupported"),
		PhcSupport:                    new("unsupported"),
	}
}

type typeField = func(*model.InstanceTypeInfo) []string

func truth(v *bool) []string  { return []string{strconv.FormatBool(model.Val(v))} }
func numeral(v *int) []string { return []string{strconv.Itoa(model.Val(v))} }
func word(v *string) []string {
	if v == nil {
		return nil
	}
	return []string{*v}
}

// instanceTypeFilters are the documented ones; those of what no type here has are nil.
var instanceTypeFilters = filter.Set[model.InstanceTypeInfo]{Fields: map[string]typeField{
	"auto-recovery-supported":                  func(t *model.InstanceTypeInfo) []string { return truth(t.AutoRecoverySupported) },
	"bare-metal":                               func(t *model.InstanceTypeInfo) []string { return truth(t.BareMetal) },
	"burstable-performance-supported":          func(t *model.InstanceTypeInfo) []string { return truth(t.BurstablePerformanceSupported) },
	"current-generation":                       func(t *model.InstanceTypeInfo) []string { return truth(t.CurrentGeneration) },
	"dedicated-hosts-supported":                func(t *model.InstanceTypeInfo) []string { return truth(t.DedicatedHostsSupported) },
	"ebs-info.attachment-limit-type":           nil,
	"ebs-info.maximum-ebs-attachments":         nil,
	"ebs-info.ebs-optimized-support":           func(t *model.InstanceTypeInfo) []string { return word(t.EbsInfo.EbsOptimizedSupport) },
	"ebs-info.encryption-support":              func(t *model.InstanceTypeInfo) []string { return word(t.EbsInfo.EncryptionSupport) },
	"ebs-info.nvme-support":                    func(t *model.InstanceTypeInfo) []string { return word(t.EbsInfo.NvmeSupport) },
	"free-tier-eligible":                       func(t *model.InstanceTypeInfo) []string { return truth(t.FreeTierEligible) },
	"hibernation-supported":                    func(t *model.InstanceTypeInfo) []string { return truth(t.HibernationSupported) },
	"hypervisor":                               func(t *model.InstanceTypeInfo) []string { return word(t.Hypervisor) },
	"instance-storage-info.disk.count":         nil,
	"instance-storage-info.disk.size-in-gb":    nil,
	"instance-storage-info.disk.type":          nil,
	"instance-storage-info.encryption-support": nil,
	"instance-storage-info.nvme-support":       nil,
	"instance-storage-info.total-size-in-gb":   nil,
	"instance-storage-supported":               func(t *model.InstanceTypeInfo) []string { return truth(t.InstanceStorageSupported) },
	"instance-type":                            func(t *model.InstanceTypeInfo) []string { return word(t.InstanceType) },
	"memory-info.size-in-mib": func(t *model.InstanceTypeInfo) []string {
		return []string{strconv.FormatInt(*t.MemoryInfo.SizeInMiB, 10)}
	},
	"network-info.bandwidth-weightings":                       nil,
	"network-info.efa-info.maximum-efa-interfaces":            nil,
	"network-info.efa-supported":                              func(t *model.InstanceTypeInfo) []string { return truth(t.NetworkInfo.EfaSupported) },
	"network-info.ena-support":                                func(t *model.InstanceTypeInfo) []string { return word(t.NetworkInfo.EnaSupport) },
	"network-info.encryption-in-transit-supported":            func(t *model.InstanceTypeInfo) []string { return truth(t.NetworkInfo.EncryptionInTransitSupported) },
	"network-info.flexible-ena-queues-support":                nil,
	"network-info.ipv4-addresses-per-interface":               func(t *model.InstanceTypeInfo) []string { return numeral(t.NetworkInfo.Ipv4AddressesPerInterface) },
	"network-info.ipv6-addresses-per-interface":               func(t *model.InstanceTypeInfo) []string { return numeral(t.NetworkInfo.Ipv6AddressesPerInterface) },
	"network-info.ipv6-supported":                             func(t *model.InstanceTypeInfo) []string { return truth(t.NetworkInfo.Ipv6Supported) },
	"network-info.maximum-network-cards":                      func(t *model.InstanceTypeInfo) []string { return numeral(t.NetworkInfo.MaximumNetworkCards) },
	"network-info.maximum-network-interfaces":                 func(t *model.InstanceTypeInfo) []string { return numeral(t.NetworkInfo.MaximumNetworkInterfaces) },
	"network-info.network-performance":                        func(t *model.InstanceTypeInfo) []string { return word(t.NetworkInfo.NetworkPerformance) },
	"nitro-enclaves-support":                                  func(t *model.InstanceTypeInfo) []string { return word(t.NitroEnclavesSupport) },
	"nitro-tpm-info.supported-versions":                       nil,
	"nitro-tpm-support":                                       func(t *model.InstanceTypeInfo) []string { return word(t.NitroTpmSupport) },
	"processor-info.supported-architecture":                   func(t *model.InstanceTypeInfo) []string { return t.ProcessorInfo.SupportedArchitectures },
	"processor-info.supported-features":                       nil,
	"processor-info.sustained-clock-speed-in-ghz":             nil,
	"reboot-migration-support":                                nil,
	"supported-boot-mode":                                     func(t *model.InstanceTypeInfo) []string { return t.SupportedBootModes },
	"supported-root-device-type":                              func(t *model.InstanceTypeInfo) []string { return t.SupportedRootDeviceTypes },
	"supported-usage-class":                                   func(t *model.InstanceTypeInfo) []string { return t.SupportedUsageClasses },
	"supported-virtualization-type":                           func(t *model.InstanceTypeInfo) []string { return t.SupportedVirtualizationTypes },
	"vcpu-info.default-cores":                                 func(t *model.InstanceTypeInfo) []string { return numeral(t.VCpuInfo.DefaultCores) },
	"vcpu-info.default-threads-per-core":                      func(t *model.InstanceTypeInfo) []string { return numeral(t.VCpuInfo.DefaultThreadsPerCore) },
	"vcpu-info.default-vcpus":                                 func(t *model.InstanceTypeInfo) []string { return numeral(t.VCpuInfo.DefaultVCpus) },
	"vcpu-info.valid-cores":                                   func(t *model.InstanceTypeInfo) []string { return numeral(t.VCpuInfo.DefaultCores) },
	"vcpu-info.valid-threads-per-core":                        func(t *model.InstanceTypeInfo) []string { return numeral(t.VCpuInfo.DefaultThreadsPerCore) },
	"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps":  nil,
	"ebs-info.ebs-optimized-info.baseline-iops":               nil,
	"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps": nil,
	"ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps":   nil,
	"ebs-info.ebs-optimized-info.maximum-iops":                nil,
	"ebs-info.ebs-optimized-info.maximum-throughput-in-mbps":  nil,
}}

// noInstanceType is the error of a type that the catalogue does not have.
func noInstanceType(name string) error {
	return ec2err.New("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", ec2err.Clip(name))
}
