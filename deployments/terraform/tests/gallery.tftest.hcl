# Plans and applies without a cloud: `terraform test`, or `tofu test`.
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "424242424242" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "service-424242424242@gs-project-accounts.iam.gserviceaccount.com" }
  }
  mock_resource "google_sql_database_instance" {
    defaults = { connection_name = "some-photos:asia-northeast3:sajin" }
  }
}

variables {
  project      = "some-photos"
  region       = "asia-northeast3"
  release      = "v1.2.3"
  build_images = false
}

run "small" {
  command = apply

  assert {
    condition     = output.gallery == "https://sajin-web-424242424242.asia-northeast3.run.app"
    error_message = "The gallery is at ${output.gallery}."
  }
  assert {
    condition     = google_cloud_run_v2_service.service["web"].template[0].containers[0].image == "asia-northeast3-docker.pkg.dev/some-photos/sajin/web:v1.2.3"
    error_message = "web does not run the release's image."
  }
  assert {
    condition = !anytrue([
      for service in google_cloud_run_v2_service.service : strcontains(jsonencode(service.template), "sajin-example") || strcontains(jsonencode(service.template), "europe-west1") || strcontains(jsonencode(service.template), "123456789012")
    ])
    error_message = "Something of the example project is left in a service."
  }
  assert {
    condition = !anytrue([
      for job in google_cloud_run_v2_job.job : strcontains(jsonencode(job.template), "sajin-example") || strcontains(jsonencode(job.template), "europe-west1")
    ])
    error_message = "Something of the example project is left in a job."
  }
  assert {
    condition     = alltrue([for name in ["upload", "catalog"] : google_cloud_run_v2_service.service[name].ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && !google_cloud_run_v2_service.service[name].invoker_iam_disabled])
    error_message = "upload or catalog can be reached from outside."
  }
  assert {
    condition     = google_cloud_run_v2_service.service["web"].ingress == "INGRESS_TRAFFIC_ALL" && google_cloud_run_v2_service.service["web"].invoker_iam_disabled
    error_message = "Nobody can reach web."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.caller) == 4 && !anytrue([for caller in google_cloud_run_v2_service_iam_member.caller : startswith(caller.member, "all")])
    error_message = "Only web and Pub/Sub's account may call upload and catalog."
  }
  assert {
    condition     = google_cloud_run_v2_job.job["migrate"].run_execution_token != null && google_cloud_run_v2_job.job["sweep"].run_execution_token == null
    error_message = "The schemas are migrated by every release, and nothing is swept by it."
  }
  assert {
    condition     = google_storage_bucket.media.public_access_prevention == "enforced" && google_storage_bucket.media.uniform_bucket_level_access && google_storage_bucket.static.soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "The pictures could be made public."
  }
  assert {
    condition     = google_pubsub_subscription.push["upload-objects"].push_config[0].push_endpoint == "https://sajin-upload-424242424242.asia-northeast3.run.app/events/upload-objects"
    error_message = "The bucket's notifications go elsewhere."
  }
  assert {
    condition = alltrue([
      for name, push in google_pubsub_subscription.push :
      contains([for each in google_cloud_run_v2_service.service[local.subscriptions[name].service].template[0].containers[0].env : each.value if each.name == "SAJIN_EVENTS_PUSH_ACCOUNT"], push.push_config[0].oidc_token[0].service_account_email) &&
      contains([for each in google_cloud_run_v2_service.service[local.subscriptions[name].service].template[0].containers[0].env : each.value if each.name == "SAJIN_EVENTS_PUSH_AUDIENCE"], push.push_config[0].oidc_token[0].audience)
    ])
    error_message = "A service does not believe Pub/Sub's tokens."
  }
  assert {
    condition     = alltrue([for service in google_cloud_run_v2_service.service : contains(values(local.email), service.template[0].service_account)])
    error_message = "A service runs as an account that is not made here."
  }
  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.job : contains(values(local.email), job.template[0].template[0].service_account)])
    error_message = "A job runs as an account that is not made here."
  }
  assert {
    condition     = !google_sql_database_instance.sajin.settings[0].ip_configuration[0].ipv4_enabled && google_sql_database_instance.sajin.deletion_protection
    error_message = "The database is open or unprotected."
  }
}

# What a service may open, twice while two revisions serve, and the jobs beside.
run "connections" {
  command = plan

  assert {
    condition     = alltrue([for size in local.sizes : (size.instances.catalog + size.instances.web) * 10 * 2 + 3 * 10 < size.connections])
    error_message = "The services could open more connections than the database takes."
  }
}

run "large" {
  command = plan
  variables {
    size          = "large"
    public_origin = "https://photos.example.org"
  }

  assert {
    condition     = google_sql_database_instance.sajin.settings[0].availability_type == "REGIONAL"
    error_message = "The large size has no standby."
  }
  assert {
    condition     = google_cloud_run_v2_service.service["upload"].template[0].scaling[0].max_instance_count == 40
    error_message = "The large size is small."
  }
  assert {
    condition     = google_storage_bucket.media.cors[0].origin[0] == "https://photos.example.org"
    error_message = "The bucket takes nothing from the gallery's pages."
  }
  assert {
    condition     = contains([for each in google_cloud_run_v2_service.service["web"].template[0].containers[0].env : each.value if each.name == "SAJIN_PUBLIC_ORIGIN"], "https://photos.example.org")
    error_message = "web does not know its address."
  }
}

run "iap" {
  command = apply
  variables {
    sign_in = "iap"
    viewers = ["user:ada@example.org"]
  }

  assert {
    condition     = google_cloud_run_v2_service.service["web"].iap_enabled && !google_cloud_run_v2_service.service["web"].invoker_iam_disabled
    error_message = "People reach web past Cloud IAP."
  }
  assert {
    condition     = contains([for each in google_cloud_run_v2_service.service["web"].template[0].containers[0].env : each.value if each.name == "SAJIN_IAP_AUDIENCE"], "/projects/424242424242/locations/asia-northeast3/services/sajin-web")
    error_message = "web believes tokens for something else."
  }
  assert {
    condition     = !contains(google_cloud_run_v2_service.service["web"].template[0].containers[0].env[*].name, "SAJIN_SETUP_TOKEN")
    error_message = "web has a set-up token that nobody needs."
  }
}

run "socket" {
  command = apply
  variables {
    database_connection = "socket"
  }

  assert {
    condition     = length(google_cloud_run_v2_service.service["catalog"].template[0].volumes) == 1 && length(google_cloud_run_v2_service.service["upload"].template[0].volumes) == 0
    error_message = "The socket is not where the database is used."
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_service.service["catalog"].template[0].containers[0].env : each.value_source[0].secret_key_ref[0].secret == "sajin-database-url-catalog" if each.name == "SAJIN_DATABASE_URL"])
    error_message = "The password is not in a secret."
  }
}

run "watched" {
  command = plan
  variables {
    alert_email     = "ada@example.org"
    billing_account = "012345-6789AB-CDEF01"
  }

  assert {
    condition     = length(google_monitoring_alert_policy.alert) == 6 && length(google_monitoring_alert_policy.line) == 1 && length(google_billing_budget.month) == 1
    error_message = "Something is not watched."
  }
}

run "a_region_is_no_zone" {
  command = plan
  variables {
    region = "asia-northeast3-a"
  }
  expect_failures = [var.region]
}

run "a_release_is_not_latest" {
  command = plan
  variables {
    release = "latest"
  }
  expect_failures = [var.release]
}
