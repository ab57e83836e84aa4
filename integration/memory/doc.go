// Package memory holds the server to its bounds of memory and of start-up time: on an empty store, under many large
// uploads and downloads at once, and while a long listing is read. The same with a million objects is measured by
// the benchmark (go run ./integration/bench -scale), which takes minutes. The package has no code of its own outside
// of tests.
package memory
