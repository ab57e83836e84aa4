package object

// Settings that no write looks at: background work, websites and answers go by them.
const (
	SettingLifecycle    Setting = 20 // LifecycleConfig, as JSON
	SettingPayment      Setting = 21 // "BucketOwner" or "Requester"
	SettingAcceleration Setting = 22 // "Enabled" or "Suspended"
	SettingWebsite      Setting = 23 // Website, as JSON
	SettingLogging      Setting = 24 // Logging, as JSON
	SettingNotification Setting = 25 // Notifications, as JSON
	SettingReplication  Setting = 26 // Replication, as JSON
)

// findStored is find for them.
func (k Setting) findStored() (settingRule, bool) {
	switch k {
	case SettingLifecycle:
		return settingRule{actGetLifecycle, actPutLifecycle, actPutLifecycle, NoSuchLifecycle,
			"The lifecycle configuration does not exist", maxLifecycle}, true
	case SettingPayment:
		return settingRule{"s3:GetBucketRequestPayment", "s3:PutBucketRequestPayment", "s3:PutBucketRequestPayment", NoSuchConfiguration,
			"The specified configuration does not exist.", maxSetting}, true
	case SettingAcceleration:
		return settingRule{"s3:GetAccelerateConfiguration", "s3:PutAccelerateConfiguration", "s3:PutAccelerateConfiguration", NoSuchConfiguration,
			"The specified configuration does not exist.", maxSetting}, true
	case SettingWebsite:
		return settingRule{"s3:GetBucketWebsite", "s3:PutBucketWebsite", "s3:DeleteBucketWebsite", NoSuchWebsite,
			"The specified bucket does not have a website configuration", maxSetting}, true
	case SettingReplication:
		return settingRule{"s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration", "s3:PutReplicationConfiguration", NoSuchReplication,
			"The replication configuration was not found", maxLifecycle}, true
	case SettingNotification:
		return settingRule{"s3:GetBucketNotification", "s3:PutBucketNotification", "s3:PutBucketNotification", NoSuchConfiguration,
			"The specified configuration does not exist.", maxSetting}, true
	case SettingLogging:
		return settingRule{"s3:GetBucketLogging", "s3:PutBucketLogging", "s3:PutBucketLogging", NoSuchConfiguration,
			"The specified configuration does not exist.", maxSetting}, true
	}
	return settingRule{}, false
}

// stored is what they say, ready for use.
type stored struct {
	lifecycle *LifecycleConfig
	requester bool // others than the owner pay for their requests
	website   *Website
	logging   *Logging
	notify    *Notifications
	replicate *Replication
}

func (st *stored) take(k Setting, data []byte) (err error) {
	switch k {
	case SettingLifecycle:
		st.lifecycle, err = parseLifecycle(data)
	case SettingPayment:
		st.requester = string(data) == "Requester"
	case SettingReplication:
		st.replicate, err = parseReplication(data)
	case SettingNotification:
		st.notify, err = parseNotifications(data)
	case SettingLogging:
		st.logging, err = parseLogging(data)
	case SettingWebsite:
		st.website, err = parseWebsite(data)
	}
	return err
}
