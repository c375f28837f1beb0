// Package apply applies deployments/terraform from nothing, with Terraform and
// the provider for Google Cloud as they are, against a double of Google's APIs.
//
// The double is Google's side as far as the configuration sees it: it keeps what
// it is told, fills in what Google fills in, and refuses what Google refuses,
// which is above all what names a thing that is not there yet. It must not know
// what Sajin is, except where a program of Sajin's is started by it. Nothing
// leaves the machine: Terraform is told of a proxy that answers for Google and
// dials nobody.
//
// It has tests only, and imports nothing of the product's.
package apply
