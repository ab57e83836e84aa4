// Package tags keeps the tags of EC2's resources, of all kinds in one place.
//
// # Guarantees
//
//   - The tags of a new resource are part of the commit that makes it ([Put]), and go with the one that removes it ([Delete]).
//   - [Service.Create] and [Service.Remove] change many resources in one commit or none, and only while all of them exist.
//   - A resource has at most [MaxTags] tags; keys and values keep to AWS's lengths; keys that begin with aws: are refused.
//
// It knows no resource beyond its id: whether one exists is asked of its [Owner]. Reading is by view, so that a list of
// resources and their tags can be of one moment.
//
// # Rows of the control shard
//
//	tag.r<account><id>    the tags of a resource; absent when it has none
package tags
