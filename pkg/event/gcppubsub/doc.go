// Package gcppubsub is the event bus on Google Cloud Pub/Sub: pull with
// Bus.Receive, push with Bus.PushHandler.
//
// It knows nothing of what the events mean but for one translation: a bucket's
// own notification becomes a contract.ObjectFinalized event. How a delivery is
// judged, and what becomes a dead letter, is package event's.
//
// # What is on the wire
//
// A message's data is the event in CloudEvents' structured mode; its attributes
// repeat those of the event, with the prefix "ce-", for filters. An attribute
// beyond Pub/Sub's 1024 bytes is not repeated.
//
// # Topics and subscriptions
//
// With Options.Create they are made when they are needed, for development and
// tests. Otherwise they are expected to be there (the service's account need
// not be allowed to make them): the topic, the subscription, the topic
// event.DeadTopic(subscription) and a subscription that keeps what arrives on it.
//
// # Attempts and back-off
//
// Pub/Sub counts attempts only for a subscription with a dead-letter policy;
// for others they are counted here, by message, in this process, for the
// newest maxCounted messages. So n processes may make n times the attempts
// before an event is set aside.
//
// The back-off is the subscription's retry policy, which Options.Create sets
// and which others have to set alike: Pub/Sub has no other way to give a message
// back "not before". An engine without retry policies (the SDK's fake) would
// deliver it again at once, so a pull receiver keeps it for the first second of
// the back-off itself.
package gcppubsub
