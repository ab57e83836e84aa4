package s3api

import "github.com/aureole-cloud/aureole/core/object"

// logLifecycle adds a record of what a lifecycle rule did to the log of its bucket. Nobody sent a request: the requester is AmazonS3, and
// of what a request has there is only the id.
func (s *Server) logLifecycle(a object.LifecycleAct) {
	to := s.objects.LoggingOf(s.ctx, a.Bucket)
	if to == nil {
		return
	}
	b := beginLine(to, a.At)
	b.word("") // from nowhere
	b.word("AmazonS3")
	b.word(s.ids.next())
	b.word(lifecycleOperation(&a))
	b.word(string(appendPathEscaped(nil, a.Key)))
	b.quote("")
	for range 3 { // status, error, bytes sent
		b.word("")
	}
	b.number(a.Size)
	b.word("") // times
	b.word("")
	b.quote("") // referrer and user agent
	b.quote("")
	b.word(a.VersionID)
	b.word(s.ids.hostID)
	for range 7 { // signature, cipher, authentication, host, TLS, access point, whether a list was needed
		b.word("")
	}
	s.accessLog.Add(to, a.At, append(b, '\n'))
}

// lifecycleOperation is how logs call what a rule did:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
func lifecycleOperation(a *object.LifecycleAct) string {
	switch a.What {
	case object.LifecycleMarked:
		return "S3.CREATE.DELETEMARKER"
	case object.LifecycleAborted:
		return "S3.DELETE.UPLOAD"
	case object.LifecycleExpired:
		return "S3.EXPIRE.OBJECT"
	}
	switch a.Class {
	case "STANDARD_IA":
		return "S3.TRANSITION_SIA.OBJECT"
	case "ONEZONE_IA":
		return "S3.TRANSITION_ZIA.OBJECT"
	case "INTELLIGENT_TIERING":
		return "S3.TRANSITION_INT.OBJECT"
	case "GLACIER_IR":
		return "S3.TRANSITION_GIR.OBJECT"
	case "DEEP_ARCHIVE":
		return "S3.TRANSITION_GDA.OBJECT"
	}
	return "S3.TRANSITION.OBJECT"
}
