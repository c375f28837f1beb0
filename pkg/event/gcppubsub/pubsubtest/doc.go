// Package pubsubtest starts a Pub/Sub for tests and for development: Google's
// emulator where it is installed with the Google Cloud CLI (it needs Java), and
// the SDK's fake, which runs in this process, everywhere.
//
// Both keep what they are given in memory only. The fake keeps an event for ten
// minutes and knows no push and no dead-letter policy; the emulator ignores
// filters and sends no token with a push.
package pubsubtest
