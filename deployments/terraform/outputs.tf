output "gallery" {
  description = "Where the gallery is."
  value       = local.public_origin
}

output "set_up" {
  description = "The command that prints the token of the first visit, which makes the owner's account."
  value       = local.iap || var.cluster ? "" : "gcloud secrets versions access latest --secret sajin-setup-token --project ${var.project}"
}

output "buckets" {
  description = "Where the pictures and, unless they come from a cluster, the files of the pages are."
  value       = merge({ media = google_storage_bucket.media.url }, { for bucket in google_storage_bucket.static : "static" => bucket.url })
}

output "registry" {
  description = "Where the images are."
  value       = local.registry
}

output "address" {
  description = "With cluster, the address of the cluster's load balancer, which the gallery's name must lead to."
  value       = one(google_compute_global_address.edge[*].address)
}
