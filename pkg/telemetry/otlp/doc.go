// Package otlp exports traces and measurements by OpenTelemetry's protocol, to
// where the standard variables say: a collector beside the service, or any
// backend that speaks it. Nothing set means that nothing is exported, and costs
// nothing.
//
// It is the one place that knows OpenTelemetry's SDK. A build for one machine
// (the tag embedded) leaves that out, for what it adds to the program and to the
// time that building takes.
package otlp
