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

output "settings" {
  description = "With cluster, what k8s/overlays/gke/settings/settings.env says for this project: terraform output -raw settings."
  value       = var.cluster ? local.settings["settings.env"] : ""
}

output "databases" {
  description = "With cluster, what k8s/overlays/gke/settings/database.env says for this project."
  value       = var.cluster ? local.settings["database.env"] : ""
}

# They are written for the example, as the files of Cloud Run are.
locals {
  settings = {
    for name in var.cluster ? ["settings.env", "database.env"] : [] : name => replace(replace(replace(file("${path.module}/../../k8s/overlays/gke/settings/${name}"),
      "photos.example.org", trimprefix(local.public_origin, "https://")),
      "sajin-example", var.project),
    "europe-west1", var.region)
  }
}
