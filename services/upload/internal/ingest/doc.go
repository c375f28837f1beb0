// Package ingest is the core of the upload service: it takes bytes in safely,
// decides whether they are an image that Sajin keeps, makes what the gallery
// shows of it, and says so.
//
// It knows its ports (a blob store, an event publisher, an imager, a metadata
// reader) and nothing of HTTP, SDKs or image codecs. Its state is the bucket:
// an original without a manifest is not processed yet; with one, it is.
package ingest
