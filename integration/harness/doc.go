// Package harness starts the real binary for whole-system tests: it builds it, gives it data folders, free ports
// and keys, waits until it is ready, and can stop it, kill it and start it again on the same data.
//
// It guarantees that a server it started is gone when the test ends, and it fails the test when the server did not
// exit cleanly on SIGTERM, panicked, or reported a data race; the end of its log is shown with every failure. It
// knows the command line and the admin listener of the binary and nothing else of the project: no package of it is
// imported here, so that what is tested is what users run.
//
// Environment:
//
//	AUREOLE_TEST_BINARY      use this binary instead of building one
//	AUREOLE_TEST_RACE        build with the race detector when not empty
//	AUREOLE_TEST_ENDPOINT    run client tests against this server instead (with AUREOLE_TEST_ACCESS_KEY and
//	                         AUREOLE_TEST_SECRET_KEY; AUREOLE_TEST_TLS_ENDPOINT and AUREOLE_TEST_CA for TLS),
//	                         to learn whether a failure is ours or the client's
//	AUREOLE_TEST_CACHE       folder of the tools that setup.sh installed (default .cache at the top)
package harness
