output "gallery" {
  description = "Where the gallery is."
  value       = local.public_origin
}

output "set_up" {
  description = "The command that prints the token of the first visit, which makes the owner's account."
  value       = local.iap ? "" : "gcloud secrets versions access latest --secret sajin-setup-token --project ${var.project}"
}

output "buckets" {
  description = "Where the pictures and the files of the pages are."
  value       = { media = google_storage_bucket.media.url, static = google_storage_bucket.static.url }
}

output "registry" {
  description = "Where the images are."
  value       = local.registry
}
