package s3api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

const (
	hdrChecksumType = "x-amz-checksum-type"
	hdrSDKAlgorithm = "x-amz-sdk-checksum-algorithm"
)

// checksumHeader reads the one x-amz-checksum-* header that carries a value; the algorithm is None when there is none.
func (r *request) checksumHeader() (object.ChecksumSpec, error) {
	var spec object.ChecksumSpec
	for i := range r.headers {
		h := &r.headers[i]
		if !hasPrefixFold(h.Name, checksum.HeaderPrefix) {
			continue
		}
		alg := checksum.FromHeader(h.Name)
		if alg == checksum.None {
			switch strings.ToLower(h.Name[len(checksum.HeaderPrefix):]) {
			case "algorithm", "type", "mode":
				continue
			}
			return spec, s3err.Newf(s3err.InvalidRequest, "The algorithm type you specified in x-amz-checksum- header is invalid.")
		}
		if spec.Algorithm != checksum.None {
			return spec, s3err.Newf(s3err.InvalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		spec = object.ChecksumSpec{Algorithm: alg, Value: h.Value}
	}
	if spec.Algorithm != checksum.None {
		if _, err := checksum.Decode(spec.Algorithm, spec.Value); err != nil {
			return spec, r.invalidChecksum(spec.Algorithm, "header")
		}
	}
	return spec, nil
}

// invalidChecksum is the answer to a value that cannot be a checksum of alg.
func (r *request) invalidChecksum(alg checksum.Algorithm, where string) error {
	if r.srv.cfg.Dialect.MalformedChecksumDiffers {
		return s3err.Newf(s3err.BadDigest, "The %v you specified did not match the calculated checksum.", alg)
	}
	return s3err.Newf(s3err.InvalidRequest, "Value for %s %s is invalid.", alg.Header(), where)
}

// sdkAlgorithm reads x-amz-sdk-checksum-algorithm, by which SDKs announce what they send.
func (r *request) sdkAlgorithm() (checksum.Algorithm, error) {
	alg, err := checksum.ParseAlgorithm(r.header(hdrSDKAlgorithm))
	if err != nil {
		return checksum.None, s3err.Newf(s3err.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return alg, nil
}

// uploadChecksum reads what CreateMultipartUpload and CopyObject ask to be computed.
func (r *request) uploadChecksum() (checksum.Algorithm, checksum.Type, error) {
	alg, err := checksum.ParseAlgorithm(r.header("x-amz-checksum-algorithm"))
	if err != nil {
		return 0, 0, s3err.Newf(s3err.InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [%s]", algorithmNames())
	}
	typ, err := checksum.ParseType(r.header(hdrChecksumType))
	if err != nil {
		return 0, 0, s3err.Newf(s3err.InvalidRequest, "Value for x-amz-checksum-type header is invalid.")
	}
	return alg, typ, nil
}

func algorithmNames() string {
	var names []string
	for _, a := range checksum.Algorithms() {
		names = append(names, a.String())
	}
	return strings.Join(names, ", ")
}

// setChecksums adds the checksum headers of an answer.
func (p *response) setChecksums(sums []object.Checksum, withType bool) {
	for i := range sums {
		p.set(sums[i].Algorithm.Header(), sums[i].Value)
	}
	if withType && len(sums) > 0 {
		p.set(hdrChecksumType, sums[0].Type.String())
	}
}

// checksumMode reports whether a read asks for the stored checksums.
func (r *request) checksumMode() bool {
	return strings.EqualFold(r.header("x-amz-checksum-mode"), "ENABLED")
}
