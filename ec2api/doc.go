// Package ec2api speaks the EC2 Query protocol over HTTP: it decodes and checks requests, finds out who sent them,
// calls the handler of the action and encodes what that returns.
//
// # Guarantees
//
//   - Every action of EC2's API model is known: one that is not built answers UnsupportedOperation, never a false success;
//     one that is not in the model answers InvalidAction.
//   - A handler runs only for a request whose signature was verified, whose parameters have the names, types, enumerations
//     and bounds of the model, and which the principal may make. A dry run is carried out up to the commit, which the store
//     refuses: it hears what the request itself would fail by, and changes nothing.
//   - Errors are EC2's codes, statuses and document. A panic answers InternalError and ends nothing else.
//   - The size, depth and number of parameters are bounded before anything is allocated for them.
//
// # A handler
//
// A handler is a typed function of one action, in a file named after it, and contains no protocol:
//
//	func (s *Server) createVpc(ctx context.Context, c *Call, in *model.CreateVpcRequest) (*model.CreateVpcResult, error)
//
// It is entered in the action table of its area ([networkActions], [computeActions], [basicActions]):
//
//	handle("CreateVpc", s.createVpc),
//
// The types come from package model, generated from the API model: scalars are pointers (nil is absent), lists are slices,
// names are those of the model. new("x") and new(n) make pointers, model.Val reads them. An action whose output has no
// shape returns *model.Done. In an answer a nil list is left out and an empty one is an empty element, except at the top of
// an answer, where AWS always sends the list. What is done for every action before its handler runs: DryRun, required
// parameters, enumerations, bounds of numbers, unknown parameters, authorization as ec2:Action on the resources that
// [aboutResources] names.
//
// What a handler finds ready:
//
//   - [Call]: the principal, the request's id, [Call.Token] for core (package core/idem: client tokens are recorded in the
//     commit that makes the thing).
//   - ids: [checkIDs] refuses malformed ids with the code of the kind; [notFound] makes the error of an absent one.
//   - filters: a [filter.Set] names the values of each documented filter; unknown names are refused, wildcards and tags
//     are understood.
//   - lists: [listing.answer] looks up ids, filters, sorts and cuts pages.
//   - tags: [tagsFor] reads TagSpecifications for a resource type and checks them; [renderTags] writes them.
//   - errors: core returns errs.E whose Reason is EC2's code ("InvalidVpcID.NotFound") and whose Msg is EC2's sentence. A
//     handler returns core's error as it is; its own are made by ec2err.New and its kin.
//
// What of which action is built is shown by docs/ec2-actions.md, which is written from the action table.
//
// # What it may not know
//
// Storage, hypervisor and netfw: what an action does is decided in core. Resources belong to the account of the principal;
// core sees to that.
package ec2api
