// Package keypair keeps the key pairs that instances are reached with: the public halves, that is. A private key made here is
// given out once and not kept.
//
// # Guarantees
//
//   - Names are unique in an account; a pair and its tags are made and removed in one commit.
//   - Fingerprints are what AWS shows: of RSA pairs made here the SHA-1 of the private key as PKCS#8, of imported ones the MD5
//     of the public key, of ED25519 the SHA-256 that OpenSSH shows, in base64.
//   - Imported keys are RSA of 1024, 2048 or 4096 bits or ED25519, in the form of OpenSSH, RFC 4716, PEM or DER; whatever else
//     is refused, so that what is stored can be put into a guest's authorized_keys as it is.
//
// It knows no instance.
//
// # Rows of the control shard
//
//	keypair.n<account><name>    the pair
//	keypair.i<account><id>      its name
package keypair
