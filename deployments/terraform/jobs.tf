# An execution is named once and for all: a release that comes again, after another
# one, has a new name for it.
resource "terraform_data" "before" {
  for_each         = setintersection(local.made, local.before)
  triggers_replace = [local.images, local.environment["job-${each.key}"]]
}

# The jobs. Those that come before the services run when they are made and with
# every release, and an apply goes on only when they have ended well.
resource "google_cloud_run_v2_job" "job" {
  for_each            = local.made
  name                = local.documents["job-${each.key}"].metadata.name
  location            = var.region
  labels              = local.documents["job-${each.key}"].metadata.labels
  deletion_protection = false # it holds nothing
  run_execution_token = contains(local.before, each.key) ? "r${substr(terraform_data.before[each.key].id, 0, 8)}" : null

  template {
    task_count = local.task[each.key].job.taskCount
    template {
      service_account       = local.task[each.key].spec.serviceAccountName
      timeout               = "${local.task[each.key].spec.timeoutSeconds}s"
      max_retries           = local.task[each.key].spec.maxRetries
      execution_environment = "EXECUTION_ENVIRONMENT_${upper(local.task[each.key].annotations["run.googleapis.com/execution-environment"])}"

      dynamic "vpc_access" {
        for_each = local.task[each.key].interfaces
        content {
          egress = upper(replace(local.task[each.key].annotations["run.googleapis.com/vpc-access-egress"], "-", "_"))
          network_interfaces {
            network    = google_compute_network.sajin.id
            subnetwork = google_compute_subnetwork.sajin.id
          }
        }
      }

      dynamic "volumes" {
        for_each = contains(keys(local.secret_instead), "job-${each.key}") ? [1] : []
        content {
          name = "cloudsql"
          cloud_sql_instance {
            instances = [google_sql_database_instance.sajin.connection_name]
          }
        }
      }

      containers {
        name  = local.containers["job-${each.key}"][0].name
        image = local.images[local.containers["job-${each.key}"][0].image]
        args  = local.containers["job-${each.key}"][0].args
        resources {
          limits = local.containers["job-${each.key}"][0].resources.limits
        }
        dynamic "env" {
          for_each = local.environment["job-${each.key}"]
          content {
            name  = env.key
            value = env.value.value
            dynamic "value_source" {
              for_each = env.value.secret == null ? [] : [env.value.secret]
              content {
                secret_key_ref {
                  secret  = value_source.value
                  version = "latest"
                }
              }
            }
          }
        }
        dynamic "volume_mounts" {
          for_each = contains(keys(local.secret_instead), "job-${each.key}") ? [1] : []
          content {
            name       = "cloudsql"
            mount_path = "/cloudsql"
          }
        }
      }
    }
  }

  depends_on = [
    terraform_data.images,
    google_sql_database.database,
    google_sql_user.account,
    google_project_iam_member.account,
    google_pubsub_subscription.subscription,
    google_pubsub_topic_iam_member.publisher,
    google_secret_manager_secret_version.first,
    google_secret_manager_secret_iam_member.reader,
    google_storage_bucket_iam_member.member,
  ]
}

locals {
  task = {
    for name in local.jobs : name => {
      job         = local.documents["job-${name}"].spec.template.spec
      spec        = local.documents["job-${name}"].spec.template.spec.template.spec
      annotations = local.documents["job-${name}"].spec.template.metadata.annotations
      interfaces  = try(jsondecode(local.documents["job-${name}"].spec.template.metadata.annotations["run.googleapis.com/network-interfaces"]), [])
    }
  }
}

# The clocks.
resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.scheduled
  location = var.region
  name     = google_cloud_run_v2_job.job[each.key].name
  role     = "roles/run.invoker"
  member   = local.member["scheduler"]
}

resource "google_cloud_scheduler_job" "clock" {
  for_each         = local.scheduled
  name             = google_cloud_run_v2_job.job[each.key].name
  region           = var.region
  schedule         = each.value
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 1
  }
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.job[each.key].id}:run"
    oauth_token {
      service_account_email = local.email["scheduler"]
    }
  }
}
