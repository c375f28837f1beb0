# The secrets are made here, once, and stay as they are: rotating is adding a
# version (docs/operations.md). Terraform's state holds the first version of
# each, so it belongs into a bucket that few may read.
locals {
  # A cluster has secrets of its own.
  readers = merge(
    var.cluster ? {} : {
      "sajin-service-keys" = ["upload", "catalog", "web"]
      "sajin-setup-token"  = ["web"]
    },
    local.push ? { "sajin-collector" = keys(local.names) } : {},
    { for name, address in local.addresses : "sajin-database-url-${name}" => [address.user] if local.socket },
  )
  # Of a database, with the password of a user.
  addresses = {
    catalog         = { database = "catalog", user = "catalog" }
    web             = { database = "web", user = "web" }
    migrate-catalog = { database = "catalog", user = "migrate" }
    migrate-web     = { database = "web", user = "migrate" }
  }
  # Two identifiers of 122 random bits each, made into 32 bytes. They are drawn
  # again by every plan, and kept by none but the first.
  drawn = base64sha256("${uuid()}${uuid()}")
  first = merge(
    {
      "sajin-service-keys" = "k1:${local.drawn}"
      "sajin-setup-token"  = sha256("${uuid()}${uuid()}")
    },
    { for name, address in local.addresses : "sajin-database-url-${name}" =>
      "mysql://${address.user}:${urlencode(google_sql_user.password[address.user].password)}@/${address.database}?socket=/cloudsql/${google_sql_database_instance.sajin.connection_name}"
      if local.socket
    },
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
  for_each    = { for name, accounts in local.readers : name => accounts if name != "sajin-collector" }
  secret      = google_secret_manager_secret.secret[each.key].id
  secret_data = local.first[each.key]
  lifecycle {
    ignore_changes = [secret_data, enabled]
  }
}

# What the collectors do is nothing secret; Cloud Run mounts files from here.
resource "google_secret_manager_secret_version" "collector" {
  count       = local.push ? 1 : 0
  secret      = google_secret_manager_secret.secret["sajin-collector"].id
  secret_data = file("${path.module}/../telemetry/collector.yaml")
  lifecycle {
    create_before_destroy = true # there is a latest one at every moment
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
