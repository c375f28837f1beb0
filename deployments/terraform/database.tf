resource "google_sql_database_instance" "sajin" {
  name                = "sajin"
  region              = var.region
  database_version    = "MYSQL_8_4"
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = local.size.tier
    availability_type           = local.size.standby ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = local.size.disk
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      binary_log_enabled             = true # to any second of the last week
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 14
      }
    }

    ip_configuration {
      ipv4_enabled    = false
      private_network = "projects/${var.project}/global/networks/${google_compute_network.sajin.name}"
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    maintenance_window {
      day          = 7
      hour         = 4
      update_track = "stable"
    }

    database_flags {
      name  = "cloudsql_iam_authentication"
      value = "on"
    }
    database_flags {
      name  = "max_connections"
      value = tostring(local.size.connections)
    }
  }

  lifecycle {
    ignore_changes = [settings[0].disk_size] # it grows by itself
  }
  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "database" {
  for_each  = toset(["catalog", "web"])
  name      = each.key
  instance  = google_sql_database_instance.sajin.name
  charset   = "utf8mb4"
  collation = "utf8mb4_unicode_ci"
}

# Signed in by the accounts themselves. A new user may do nothing; this role is
# the one that is there before anybody has signed in. docs/operations.md says
# how to narrow it.
resource "google_sql_user" "account" {
  for_each       = toset(["catalog", "web", "migrate"])
  name           = local.email[each.key]
  instance       = google_sql_database_instance.sajin.name
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = ["cloudsqlsuperuser"]
  depends_on     = [google_project_iam_member.database]
}

resource "google_sql_user" "password" {
  count    = local.socket ? 1 : 0
  name     = "sajin"
  instance = google_sql_database_instance.sajin.name
  password = sha256("${uuid()}${uuid()}")
  lifecycle {
    ignore_changes = [password]
  }
}
