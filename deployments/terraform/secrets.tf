# The secrets are made here, once, and stay as they are: rotating is adding a
# version (docs/operations.md). Terraform's state holds the first version of
# each, so it belongs into a bucket that few may read.
locals {
  readers = merge(
    {
      "sajin-service-keys" = ["upload", "catalog", "web"]
      "sajin-setup-token"  = ["web"]
    },
    local.socket ? {
      "sajin-database-url-catalog" = ["catalog", "migrate"]
      "sajin-database-url-web"     = ["web", "migrate"]
    } : {},
  )
  # Two identifiers of 122 random bits each, made into 32 bytes. They are drawn
  # again by every plan, and kept by none but the first.
  drawn = base64sha256("${uuid()}${uuid()}")
  first = merge(
    {
      "sajin-service-keys" = "k1:${local.drawn}"
      "sajin-setup-token"  = sha256("${uuid()}${uuid()}")
    },
    local.socket ? { for database in ["catalog", "web"] : "sajin-database-url-${database}" =>
      "mysql://sajin:${urlencode(google_sql_user.password[0].password)}@/${database}?socket=/cloudsql/${google_sql_database_instance.sajin.connection_name}"
    } : {},
  )
}

resource "google_secret_manager_secret" "secret" {
  for_each  = local.readers
  secret_id = each.key
  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_version" "first" {
  for_each    = local.readers
  secret      = google_secret_manager_secret.secret[each.key].id
  secret_data = local.first[each.key]
  lifecycle {
    ignore_changes = [secret_data, enabled]
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge([
    for secret, accounts in local.readers : { for account in accounts : "${account} reads ${secret}" => { secret = secret, account = account } }
  ]...)
  secret_id = google_secret_manager_secret.secret[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member[each.value.account]
}
