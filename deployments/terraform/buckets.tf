# The pictures. The bucket is the truth: everything else can be made from it.
resource "google_storage_bucket" "media" {
  name                        = "${var.project}-media"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # Browsers send straight to it.
  cors {
    origin          = [local.public_origin]
    method          = ["PUT", "DELETE"]
    response_header = ["Content-Type", "Content-Range", "Range"]
    max_age_seconds = 3600
  }

  soft_delete_policy {
    retention_duration_seconds = 14 * 24 * 3600
  }

  # What sweeps would leave behind after a very long outage. No rule touches
  # originals/, manifests/ or renditions/.
  lifecycle_rule {
    condition {
      age            = 30
      matches_prefix = ["sessions/", "attempts/"]
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 8
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
  lifecycle {
    precondition {
      condition     = local.push || var.public_origin != ""
      error_message = "With delivery = pull, public_origin must say by which address browsers reach the gallery."
    }
    precondition {
      condition     = !(var.cluster && var.delivery == "push")
      error_message = "Nobody can push to the pods of a cluster: delivery = pull."
    }
  }
  depends_on = [google_project_service.api]
}

# The pages' scripts, styles and symbols, for everybody. They can be put there
# again from any image. In a cluster, web serves them by itself.
resource "google_storage_bucket" "static" {
  count                       = var.cluster ? 0 : 1
  name                        = "${var.project}-static"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "inherited"
  force_destroy               = true

  cors {
    origin          = [local.public_origin]
    method          = ["GET", "HEAD"]
    response_header = ["Content-Type"]
    max_age_seconds = 3600
  }

  soft_delete_policy {
    retention_duration_seconds = 0
  }
  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "member" {
  for_each = merge(
    {
      "upload keeps pictures" = { bucket = google_storage_bucket.media.name, role = "roles/storage.objectUser", member = local.member["upload"] }
      "web shows pictures"    = { bucket = google_storage_bucket.media.name, role = "roles/storage.objectViewer", member = local.member["web"] }
    },
    var.cluster ? {} : {
      "static fills static" = { bucket = google_storage_bucket.static[0].name, role = "roles/storage.objectUser", member = local.member["static"] }
      "all read static"     = { bucket = google_storage_bucket.static[0].name, role = "roles/storage.objectViewer", member = "allUsers" }
    },
  )
  bucket = each.value.bucket
  role   = each.value.role
  member = each.value.member
}

# The bucket itself says when an original is complete.
data "google_storage_project_service_account" "storage" {
  depends_on = [google_project_service.api]
}

resource "google_storage_notification" "originals" {
  bucket             = google_storage_bucket.media.name
  topic              = google_pubsub_topic.topic["sajin-objects"].id
  payload_format     = "JSON_API_V1"
  event_types        = ["OBJECT_FINALIZE"]
  object_name_prefix = "originals/"
  depends_on         = [google_pubsub_topic_iam_member.publisher]
}
