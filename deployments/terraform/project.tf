data "google_project" "this" {
  project_id = var.project
}

# What the project must be allowed to use.
resource "google_project_service" "api" {
  for_each = toset(concat([
    "artifactregistry.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
    ],
    var.billing_account == "" ? [] : ["billingbudgets.googleapis.com"],
    var.telemetry ? ["cloudtrace.googleapis.com"] : [],
    var.cluster ? ["container.googleapis.com"] : [],
    local.iap ? ["iap.googleapis.com"] : [],
  ))
  service            = each.key
  disable_on_destroy = false
}

# The network holds the database's private address, and web's calls to the
# other services, which take none from outside.
resource "google_compute_network" "sajin" {
  name                    = "sajin"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "sajin" {
  name                     = "sajin-${var.region}"
  network                  = google_compute_network.sajin.id
  region                   = var.region
  ip_cidr_range            = "10.8.0.0/23" # an address for each instance, and as many while two revisions serve
  private_ip_google_access = true          # without it, web's way to the other services would end here
}

resource "google_compute_global_address" "services" {
  name          = "sajin-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
  network       = google_compute_network.sajin.id
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.sajin.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  deletion_policy         = "ABANDON" # Google's side lets go of it hours later
}

# Where a cluster's load balancer is reached.
resource "google_compute_global_address" "edge" {
  count      = var.cluster ? 1 : 0
  name       = "sajin"
  depends_on = [google_project_service.api]
}

# The images. Releases that nobody runs any more are removed after a while.
resource "google_artifact_registry_repository" "images" {
  repository_id = "sajin"
  location      = var.region
  format        = "DOCKER"
  description   = "Sajin's images"

  cleanup_policies {
    id     = "keep-releases"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }
  depends_on = [google_project_service.api]
}

resource "terraform_data" "images" {
  count            = var.build_images && !var.cluster ? 1 : 0 # for a cluster, skaffold does it
  triggers_replace = [local.images]

  provisioner "local-exec" {
    command = "${path.module}/../cloudrun/deploy.sh images"
    environment = {
      PROJECT = var.project
      REGION  = var.region
      RELEASE = var.release
    }
  }
}
