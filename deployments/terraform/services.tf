resource "google_cloud_run_v2_service" "service" {
  for_each             = local.names
  name                 = local.documents[each.key].metadata.name
  location             = var.region
  labels               = local.documents[each.key].metadata.labels
  ingress              = "INGRESS_TRAFFIC_${local.ingress[local.documents[each.key].metadata.annotations["run.googleapis.com/ingress"]]}"
  invoker_iam_disabled = try(local.documents[each.key].metadata.annotations["run.googleapis.com/invoker-iam-disabled"], "false") == "true" && !local.iap
  iap_enabled          = each.key == "web" && local.iap
  deletion_protection  = false # it holds nothing

  template {
    service_account                  = local.revision[each.key].spec.serviceAccountName
    timeout                          = "${local.revision[each.key].spec.timeoutSeconds}s"
    max_instance_request_concurrency = local.revision[each.key].spec.containerConcurrency
    execution_environment            = local.revision[each.key].gen2 ? "EXECUTION_ENVIRONMENT_GEN2" : null

    scaling {
      min_instance_count = tonumber(local.revision[each.key].annotations["autoscaling.knative.dev/minScale"])
      max_instance_count = local.size.instances[each.key]
    }

    dynamic "vpc_access" {
      for_each = local.revision[each.key].interfaces
      content {
        egress = upper(replace(local.revision[each.key].annotations["run.googleapis.com/vpc-access-egress"], "-", "_"))
        network_interfaces {
          network    = google_compute_network.sajin.id
          subnetwork = google_compute_subnetwork.sajin.id
        }
      }
    }

    dynamic "volumes" {
      for_each = contains(keys(local.secret_instead), each.key) ? [1] : []
      content {
        name = "cloudsql"
        cloud_sql_instance {
          instances = [google_sql_database_instance.sajin.connection_name]
        }
      }
    }

    containers {
      name  = local.containers[each.key].name
      image = local.images[local.containers[each.key].image]

      ports {
        name           = local.containers[each.key].ports[0].name
        container_port = local.containers[each.key].ports[0].containerPort
      }
      resources {
        limits            = local.containers[each.key].resources.limits
        cpu_idle          = local.revision[each.key].annotations["run.googleapis.com/cpu-throttling"] == "true"
        startup_cpu_boost = local.revision[each.key].annotations["run.googleapis.com/startup-cpu-boost"] == "true"
      }

      dynamic "env" {
        for_each = local.environment[each.key]
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
        for_each = contains(keys(local.secret_instead), each.key) ? [1] : []
        content {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }
      }

      startup_probe {
        period_seconds    = local.containers[each.key].startupProbe.periodSeconds
        timeout_seconds   = local.containers[each.key].startupProbe.timeoutSeconds
        failure_threshold = local.containers[each.key].startupProbe.failureThreshold
        http_get {
          path = local.containers[each.key].startupProbe.httpGet.path
          port = local.containers[each.key].startupProbe.httpGet.port
        }
      }
      liveness_probe {
        period_seconds    = local.containers[each.key].livenessProbe.periodSeconds
        timeout_seconds   = local.containers[each.key].livenessProbe.timeoutSeconds
        failure_threshold = local.containers[each.key].livenessProbe.failureThreshold
        http_get {
          path = local.containers[each.key].livenessProbe.httpGet.path
          port = local.containers[each.key].livenessProbe.httpGet.port
        }
      }
    }
  }

  # Said outright, so that the next apply ends a roll back.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  # First the images, the schemas, the files of the pages, and everything that a
  # program needs to start; the subscriptions, so that nobody speaks to nobody.
  depends_on = [
    terraform_data.images,
    google_cloud_run_v2_job.job,
    google_pubsub_subscription.push,
    google_pubsub_topic_iam_member.publisher,
    google_project_iam_member.database,
    google_secret_manager_secret_version.first,
    google_secret_manager_secret_iam_member.reader,
    google_storage_bucket_iam_member.member,
  ]
}

locals {
  ingress = { all = "ALL", internal = "INTERNAL_ONLY", internal-and-cloud-load-balancing = "INTERNAL_LOAD_BALANCER" }
  revision = {
    for name in keys(local.names) : name => {
      spec        = local.documents[name].spec.template.spec
      annotations = local.documents[name].spec.template.metadata.annotations
      gen2        = try(local.documents[name].spec.template.metadata.annotations["run.googleapis.com/execution-environment"], "") == "gen2"
      interfaces  = try(jsondecode(local.documents[name].spec.template.metadata.annotations["run.googleapis.com/network-interfaces"]), [])
    }
  }
}
