resource "google_cloud_run_v2_service" "service" {
  for_each             = local.services
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
    dynamic "volumes" {
      for_each = [for volume in local.revision[each.key].spec.volumes : volume if var.telemetry || volume.name != "collector"]
      content {
        name = volumes.value.name
        secret {
          secret = google_secret_manager_secret.secret[volumes.value.secret.secretName].secret_id
          dynamic "items" {
            for_each = volumes.value.secret.items
            content {
              version = items.value.key
              path    = items.value.path
            }
          }
        }
      }
    }

    # The program, which has the port, and the collector.
    dynamic "containers" {
      for_each = local.containers[each.key]
      content {
        name       = containers.value.name
        image      = lookup(local.images, containers.value.image, containers.value.image)
        args       = try(containers.value.args, null)
        depends_on = var.telemetry ? lookup(local.revision[each.key].after, containers.value.name, null) : null

        dynamic "ports" {
          for_each = try(containers.value.ports, [])
          content {
            name           = ports.value.name
            container_port = ports.value.containerPort
          }
        }
        resources {
          limits            = containers.value.resources.limits
          cpu_idle          = local.revision[each.key].annotations["run.googleapis.com/cpu-throttling"] == "true"
          startup_cpu_boost = local.revision[each.key].annotations["run.googleapis.com/startup-cpu-boost"] == "true"
        }

        dynamic "env" {
          for_each = containers.key == 0 ? local.environment[each.key] : {}
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
          for_each = merge(
            { for each in try(containers.value.volumeMounts, []) : each.name => each.mountPath },
            containers.key == 0 && contains(keys(local.secret_instead), each.key) ? { cloudsql = "/cloudsql" } : {},
          )
          content {
            name       = volume_mounts.key
            mount_path = volume_mounts.value
          }
        }

        startup_probe {
          period_seconds    = containers.value.startupProbe.periodSeconds
          timeout_seconds   = containers.value.startupProbe.timeoutSeconds
          failure_threshold = containers.value.startupProbe.failureThreshold
          http_get {
            path = containers.value.startupProbe.httpGet.path
            port = containers.value.startupProbe.httpGet.port
          }
        }
        liveness_probe {
          period_seconds    = containers.value.livenessProbe.periodSeconds
          timeout_seconds   = containers.value.livenessProbe.timeoutSeconds
          failure_threshold = containers.value.livenessProbe.failureThreshold
          http_get {
            path = containers.value.livenessProbe.httpGet.path
            port = containers.value.livenessProbe.httpGet.port
          }
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
    google_pubsub_subscription.subscription,
    google_pubsub_topic_iam_member.publisher,
    google_project_iam_member.account,
    google_sql_user.account,
    google_secret_manager_secret_version.first,
    google_secret_manager_secret_version.collector,
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
      after       = try(jsondecode(local.documents[name].spec.template.metadata.annotations["run.googleapis.com/container-dependencies"]), {})
      interfaces  = try(jsondecode(local.documents[name].spec.template.metadata.annotations["run.googleapis.com/network-interfaces"]), [])
    }
  }
}
