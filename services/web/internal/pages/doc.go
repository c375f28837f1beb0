// Package pages renders the gallery's HTML: templates, their view models,
// translations, and the static assets with their fingerprints.
//
// It is given complete views and asks nobody for data; it knows no other
// service, no store and no session.
package pages
