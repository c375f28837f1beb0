// Package gallery is the core of the web service: what a visitor or an API
// client can do with pictures, put together from the catalog, the upload
// service and the media store.
//
// It knows no HTTP and no HTML; httpapi and pages do.
package gallery
