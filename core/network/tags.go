package network

import (
	"errors"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

var _ tags.Owner = (*Service)(nil)

// TagRow finds the row of a resource that may have tags.
func (s *Service) TagRow(v kv.View, account, id string) ([]byte, bool, error) {
	k, ok := ids.KindOf(id)
	if !ok {
		return nil, false, nil
	}
	row, owner, mine, err := rowOf(v, k, id)
	switch {
	case !mine:
		return nil, false, nil
	case errors.Is(err, kv.ErrNotFound), err == nil && owner != account:
		return nil, true, notFound(k, id)
	case err != nil:
		return nil, true, rows.Failed("network.TagRow", err)
	}
	return row, true, nil
}

// rowOf finds the row of a resource and the account that owns it.
func rowOf(v kv.View, k ids.Kind, id string) (row []byte, account string, mine bool, err error) {
	switch k {
	case ids.VPC:
		return ownerOf(v, tagVPC, id, func(r *VPC) string { return r.Account })
	case ids.Subnet:
		return ownerOf(v, tagSubnet, id, func(r *Subnet) string { return r.Account })
	case ids.SecurityGroup:
		return ownerOf(v, tagGroup, id, func(r *Group) string { return r.Account })
	case ids.NetworkInterface:
		return ownerOf(v, tagInterface, id, func(r *Interface) string { return r.Account })
	case ids.RouteTable:
		return ownerOf(v, tagTable, id, func(r *RouteTable) string { return r.Account })
	case ids.InternetGateway:
		return ownerOf(v, tagGateway, id, func(r *Gateway) string { return r.Account })
	case ids.NetworkACL:
		return ownerOf(v, tagACL, id, func(r *ACL) string { return r.Account })
	case ids.DHCPOptions:
		return ownerOf(v, tagDHCP, id, func(r *DHCPOptions) string { return r.Account })
	case ids.Allocation:
		return ownerOf(v, tagElasticIP, id, func(r *ElasticIP) string { return r.Account })
	case ids.SecurityGroupRule:
		var group string
		row, group, _, err = ownerOf(v, tagRule, id, func(r *holderRecord) string { return r.ID })
		if err == nil {
			_, account, _, err = ownerOf(v, tagGroup, group, func(r *Group) string { return r.Account })
		}
		return row, account, true, err
	}
	return nil, "", false, nil
}

func ownerOf[T any, P interface {
	*T
	msgp.Unmarshaler
}](v kv.View, tag byte, id string, owner func(*T) string) ([]byte, string, bool, error) {
	row := rowKey(tag, id)
	val, err := v.Get(row)
	if err != nil {
		return nil, "", true, err
	}
	var r T
	if err := schema.Decode(val.Data, P(&r)); err != nil {
		return nil, "", true, err
	}
	return row, owner(&r), true, nil
}

// tag gives a resource that the transaction makes its tags.
func (tx *Tx) tag(id string, s tags.Set) {
	if len(s) > 0 {
		tx.tagged[id] = s
	}
}

// untag takes the tags of a resource that goes.
func (tx *Tx) untag(id string) {
	if _, ok := tx.tagged[id]; ok {
		delete(tx.tagged, id)
		return
	}
	tx.untagged = append(tx.untagged, id)
}

func (tx *Tx) flushTags() {
	for _, id := range tx.untagged {
		tags.Delete(tx.b, tx.account, id)
	}
	for id, s := range tx.tagged {
		tags.Put(tx.b, tx.account, id, s)
	}
}
