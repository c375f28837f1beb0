resource "google_sql_database_instance" "sajin" {
  name                = "sajin"
  region              = var.region
  database_version    = "MYSQL_8_4"
  deletion_protection = var.deletion_protection

  settings {
    data_api_access             = "ALLOW_DATA_API" # for the roles, below
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
      name  = "activate_all_roles_on_login" # a user has nothing but a role
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

# What each program may do is a role, which whoever applies makes: by Cloud SQL's
# API, since the database has no public address. It is an administrator for that.
data "google_client_openid_userinfo" "me" {
  count = var.database_admin == "" ? 1 : 0
}

locals {
  admin = var.database_admin == "" ? data.google_client_openid_userinfo.me[0].email : var.database_admin
}

resource "google_sql_user" "admin" {
  name           = local.admin
  instance       = google_sql_database_instance.sajin.name
  type           = endswith(local.admin, ".gserviceaccount.com") ? "CLOUD_IAM_SERVICE_ACCOUNT" : "CLOUD_IAM_USER"
  database_roles = ["cloudsqlsuperuser"]
}

resource "google_sql_provision_script" "roles" {
  instance    = google_sql_database_instance.sajin.name
  script      = file("${path.module}/roles.sql")
  description = "What Sajin's programs may do"
  depends_on  = [google_sql_user.admin, google_sql_database.database]
}

# Signed in by the accounts themselves, or, by the socket, with passwords. None
# has more than its role.
resource "google_sql_user" "account" {
  for_each       = local.users
  name           = local.email[each.key]
  instance       = google_sql_database_instance.sajin.name
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = ["sajin_${each.key}"]
  depends_on     = [google_sql_provision_script.roles, google_project_iam_member.account]
}

resource "google_sql_user" "password" {
  for_each       = local.socket ? local.users : toset([])
  name           = each.key
  instance       = google_sql_database_instance.sajin.name
  password       = sha256("${uuid()}${uuid()}")
  database_roles = ["sajin_${each.key}"]
  depends_on     = [google_sql_provision_script.roles]
  lifecycle {
    ignore_changes = [password]
  }
}

locals {
  users = toset(["catalog", "web", "migrate"])
}
