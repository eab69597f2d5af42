// Package datagram reads and writes UDP datagrams in batches, for programs that
// must cost little beside what they measure. On Linux a batch is one system call,
// elsewhere a batch is one datagram.
package datagram
