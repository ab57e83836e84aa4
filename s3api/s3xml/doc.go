// Package s3xml holds the XML of S3's REST protocol: the shapes of requests and answers, a decoder that is safe on
// hostile input, and an appending encoder for the answers that are made thousands of times a second.
//
// It guarantees that a document costs memory in proportion to its length: no document type or entity declarations are
// taken, depth and the number of elements are bounded, and Decode reads at most what it is given. What it encodes
// cannot be broken by a key: characters that XML 1.0 cannot carry are written as S3 writes them, as references (which
// strict parsers refuse: clients ask for encoding-type=url), and bytes that are no UTF-8 as U+FFFD.
//
// It knows no HTTP and no rules of S3 beyond the names of elements.
package s3xml
