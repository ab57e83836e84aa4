package object

import (
	"regexp"
	"strings"

	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// What the policy of a bucket may name, in lower case: actions on objects, actions on buckets, and condition keys.
// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
const (
	objectActions = ` abortmultipartupload bypassgovernanceretention deleteobject deleteobjectannotation deleteobjecttagging
deleteobjectversion deleteobjectversionannotation deleteobjectversiontagging getobject getobjectacl getobjectannotation
getobjectattributes getobjectlegalhold getobjectretention getobjecttagging getobjecttorrent getobjectversion getobjectversionacl
getobjectversionannotation getobjectversionannotationforreplication getobjectversionattributes getobjectversionforreplication
getobjectversiontagging getobjectversiontorrent initiatereplication listmultipartuploadparts listobjectannotations
listobjectversionannotations objectowneroverridetobucketowner putobject putobjectacl putobjectannotation putobjectlegalhold
putobjectretention putobjecttagging putobjectversionacl putobjectversionannotation putobjectversiontagging replicatedelete
replicateobject replicateobjectannotation replicatetags restoreobject updateobjectencryption `

	bucketActions = ` allowvendedlogdeliveryforresource createbucket createbucketmetadatatableconfiguration deletebucket
deletebucketmetadatatableconfiguration deletebucketpolicy deletebucketwebsite getaccelerateconfiguration getanalyticsconfiguration
getbucketabac getbucketacl getbucketcors getbucketlocation getbucketlogging getbucketmetadatatableconfiguration
getbucketnotification getbucketobjectlockconfiguration getbucketownershipcontrols getbucketpolicy getbucketpolicystatus
getbucketpublicaccessblock getbucketrequestpayment getbuckettagging getbucketversioning getbucketwebsite
getencryptionconfiguration getintelligenttieringconfiguration getinventoryconfiguration getlifecycleconfiguration
getmetricsconfiguration getreplicationconfiguration listbucket listbucketmultipartuploads listbucketversions listtagsforresource
pausereplication putaccelerateconfiguration putanalyticsconfiguration putbucketabac putbucketacl putbucketcors putbucketlogging
putbucketnotification putbucketobjectlockconfiguration putbucketownershipcontrols putbucketpolicy putbucketpublicaccessblock
putbucketrequestpayment putbuckettagging putbucketversioning putbucketwebsite putencryptionconfiguration
putintelligenttieringconfiguration putinventoryconfiguration putlifecycleconfiguration putmetricsconfiguration
putreplicationconfiguration tagresource untagresource updatebucketmetadataannotationtableconfiguration
updatebucketmetadatainventorytableconfiguration updatebucketmetadatajournaltableconfiguration `

	conditionKeys = ` accessgrantsinstancearn accessgrantslocationscope accesspointnetworkorigin authtype dataaccesspointaccount
dataaccesspointarn delimiter destinationregion existingjoboperation existingjobpriority if-match if-none-match
inventoryaccessibleoptionalfields isreplicationpauserequest jobsuspendedcause locationconstraint max-keys
object-lock-legal-hold object-lock-mode object-lock-remaining-retention-days object-lock-retain-until-date
objectcreationoperation prefix requestjoboperation requestjobpriority requestobjecttagkeys resourceaccount signatureage
signatureversion tlsversion versionid x-amz-acl x-amz-bucket-namespace x-amz-content-sha256 x-amz-copy-source x-amz-grant-full-control
x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write x-amz-grant-write-acp x-amz-metadata-directive
x-amz-object-ownership x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id
x-amz-server-side-encryption-customer-algorithm x-amz-storage-class x-amz-website-redirect-location `
)

// taggedKeys begin condition keys that end with the key of a tag.
var taggedKeys = [...]string{"accesspointtag/", "buckettag/", "existingobjecttag/", "requestobjecttag/"}

var (
	validCanonical = regexp.MustCompile(`^[0-9a-f]{64}$`)
	validService   = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws|amazon)\.com(\.cn)?$`)
)

// checkStatement refuses what cannot be meant in the policy of a bucket. With unfit, condition keys and services that
// nobody knows are taken, ids that are none, and actions that apply to no resource.
func checkStatement(name string, st *policy.Statement, unfit bool) error {
	if st.NotPrincipal && st.Effect == policy.Allow {
		return malformedPolicy("Allow with NotPrincipal is not allowed.")
	}
	onObjects, onBucket := st.NotResource, st.NotResource
	for _, r := range st.Resources {
		// A wildcard may stand for the name, too: what it means beyond this bucket is nothing.
		pattern, ok := strings.CutPrefix(r, arnPrefix)
		bucket, _, below := strings.Cut(pattern, "/")
		if !ok || !policy.Matches(bucket, name) {
			return malformedPolicy("Policy has invalid resource")
		}
		onObjects = onObjects || below || strings.Contains(bucket, "*")
		onBucket = onBucket || !below
	}
	for _, a := range st.Actions {
		if a == "*" {
			continue
		}
		a, ok := strings.CutPrefix(strings.ToLower(a), "s3:")
		ofObjects, ofBuckets := names(objectActions, a), names(bucketActions, a)
		switch {
		case !ok || !ofObjects && !ofBuckets:
			return malformedPolicy("Policy has invalid action")
		case unfit || st.NotAction:
		case !(ofObjects && onObjects || ofBuckets && onBucket):
			return malformedPolicy("Action does not apply to any resource(s) in statement")
		}
	}
	if unfit {
		return nil
	}
	for i := range st.Conditions {
		if !validKey(st.Conditions[i].Key) {
			return malformedPolicy("Policy has an invalid condition key")
		}
	}
	return checkPrincipals(st.Principal)
}

// names reports whether a pattern is, or stands for, one of the words of a list.
func names(list, pattern string) bool {
	for word := range strings.FieldsSeq(list) {
		if policy.Matches(pattern, word) {
			return true
		}
	}
	return false
}

// validKey takes S3's condition keys, and whatever is of another service.
func validKey(key string) bool {
	key, ours := strings.CutPrefix(key, "s3:")
	if !ours {
		return strings.Contains(key, ":")
	}
	for _, prefix := range taggedKeys {
		if tag, ok := strings.CutPrefix(key, prefix); ok {
			return tag != ""
		}
	}
	return names(conditionKeys, key) && !strings.ContainsAny(key, "*?")
}

func checkPrincipals(ps *policy.PrincipalSet) error {
	for _, c := range ps.Canonical {
		if !validCanonical.MatchString(c) {
			return malformedPolicy("Invalid principal in policy")
		}
	}
	for _, s := range ps.Service {
		if !validService.MatchString(s) {
			return malformedPolicy("Invalid principal in policy")
		}
	}
	return nil
}
