// Package natsevents is the event bus on NATS JetStream: a server in the process
// (package natsserver), or an external one.
//
// It knows nothing of what the events mean. How a delivery is judged, and what
// becomes a dead letter, is package event's.
//
// # Storage
//
// Every topic is a stream of its own. A stream keeps an event until each of the
// topic's subscriptions has acknowledged it (interest retention), so storage
// holds the backlog and nothing else, and what is published to a topic without
// a subscription is not kept, as on Pub/Sub. The backlog of a topic is bounded
// by MaxTopicBytes; beyond it Publish fails with OutOfSpace rather than dropping
// what was promised. A topic of dead letters keeps the newest MaxDeadBytes for
// MaxDeadAge, whoever has read them.
//
// The server in the process syncs every write before it answers: a Publish that
// returned nil survives the power going off, as far as the file system keeps
// its promise about fsync. What a consumer has acknowledged is written within a
// tenth of a second; after a crash the last of it is delivered again. When its
// storage has failed, it starts again; meanwhile Publish waits and Receive pauses.
//
// # Leases
//
// A receiver holds an event under a lease, renewed while its handler runs, so
// the events of a receiver that died come back after Options.Lease however long
// the subscription's deadline is.
package natsevents
