# Plans and applies without a cloud: `terraform test`, or `tofu test`.
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "424242424242" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "service-424242424242@gs-project-accounts.iam.gserviceaccount.com" }
  }
  mock_data "google_client_openid_userinfo" {
    defaults = { email = "ada@example.org" }
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

  deletion_protection = false # what a run has made is destroyed after it
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
    condition     = google_storage_bucket.media.public_access_prevention == "enforced" && google_storage_bucket.media.uniform_bucket_level_access && google_storage_bucket.static[0].soft_delete_policy[0].retention_duration_seconds == 0
    error_message = "The pictures could be made public."
  }
  assert {
    condition     = google_pubsub_subscription.subscription["upload-objects"].push_config[0].push_endpoint == "https://sajin-upload-424242424242.asia-northeast3.run.app/events/upload-objects"
    error_message = "The bucket's notifications go elsewhere."
  }
  assert {
    condition = alltrue([
      for name, push in google_pubsub_subscription.subscription :
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
    condition     = !google_sql_database_instance.sajin.settings[0].ip_configuration[0].ipv4_enabled
    error_message = "The database is open."
  }
  assert {
    condition     = alltrue([for subscriber in google_pubsub_subscription_iam_member.subscriber : subscriber.member == "serviceAccount:service-424242424242@gcp-sa-pubsub.iam.gserviceaccount.com"])
    error_message = "Somebody may pull what is pushed."
  }
  assert {
    condition     = length(google_service_account_iam_member.workload) == 0 && length(google_compute_global_address.edge) == 0
    error_message = "There is something for a cluster, and no cluster."
  }
  assert {
    condition     = google_sql_user.admin.type == "CLOUD_IAM_USER" && google_sql_user.admin.name == "ada@example.org"
    error_message = "Whoever applies may not make the roles."
  }
  assert {
    condition     = alltrue([for name, user in google_sql_user.account : user.database_roles == tolist(["sajin_${name}"]) && strcontains(google_sql_provision_script.roles.script, "CREATE ROLE IF NOT EXISTS 'sajin_${name}';")])
    error_message = "An account may do more in the database than its role, or has a role that nobody makes."
  }
  assert {
    condition = alltrue([
      for service in google_cloud_run_v2_service.service :
      service.template[0].containers[*].name == tolist([trimprefix(service.name, "sajin-"), "collector"]) &&
      service.template[0].containers[0].depends_on == tolist(["collector"]) &&
      length(service.template[0].containers[1].ports) == 0 && length(service.template[0].containers[1].env) == 0 &&
      service.template[0].volumes[0].secret[0].secret == "sajin-collector" &&
      service.template[0].containers[1].volume_mounts[0].name == service.template[0].volumes[0].name
    ])
    error_message = "A service has no collector, or one that cannot work."
  }
  assert {
    condition = alltrue([
      for pair in setproduct(["upload", "catalog", "web"], ["roles/cloudtrace.agent", "roles/monitoring.metricWriter"]) :
      contains(keys(google_project_iam_member.account), "${pair[0]} ${pair[1]}")
    ])
    error_message = "A collector may not pass on what it gets."
  }
  assert {
    condition     = alltrue([for name in ["upload", "catalog", "web"] : contains(keys(google_secret_manager_secret_iam_member.reader), "${name} reads sajin-collector")]) && google_secret_manager_secret_version.collector[0].secret_data == file("../telemetry/collector.yaml")
    error_message = "A collector may not read what it is to do, or is to do something else."
  }
}

run "kept" {
  command = plan
  variables {
    deletion_protection = true
  }

  assert {
    condition     = google_sql_database_instance.sajin.deletion_protection && google_sql_database_instance.sajin.settings[0].deletion_protection_enabled && !google_storage_bucket.media.force_destroy && terraform_data.protection.input
    error_message = "The database or the pictures are unprotected."
  }
}

run "unmeasured" {
  command = apply
  variables {
    telemetry = false
  }

  assert {
    condition = alltrue([
      for service in google_cloud_run_v2_service.service :
      length(service.template[0].containers) == 1 && length(service.template[0].volumes) == 0 && service.template[0].containers[0].depends_on == null &&
      !contains(service.template[0].containers[0].env[*].name, "OTEL_EXPORTER_OTLP_ENDPOINT")
    ])
    error_message = "Something of the collectors is left."
  }
  assert {
    condition     = !anytrue([for member in google_project_iam_member.account : member.role == "roles/cloudtrace.agent"])
    error_message = "Somebody may write traces and has none."
  }
}

run "cluster" {
  command = apply
  variables {
    delivery      = "pull"
    cluster       = true
    public_origin = "https://photos.example.org"
  }

  assert {
    condition     = alltrue([for subscription in google_pubsub_subscription.subscription : length(subscription.push_config) == 0 && length(subscription.dead_letter_policy) == 1])
    error_message = "A subscription pushes to nobody."
  }
  assert {
    condition = alltrue([
      for name, s in local.subscriptions :
      google_pubsub_subscription_iam_member.subscriber["${s.service} takes ${name}"].member == "serviceAccount:sajin-${s.service}@some-photos.iam.gserviceaccount.com"
    ]) && length(google_pubsub_subscription_iam_member.subscriber) == 6
    error_message = "A service may not pull, or somebody else may."
  }
  assert {
    condition = alltrue([
      for name in ["upload", "catalog", "web", "migrate", "collector"] :
      google_service_account_iam_member.workload[name].member == "serviceAccount:some-photos.svc.id.goog[sajin/${name}]" &&
      google_service_account_iam_member.workload[name].service_account_id == "projects/some-photos/serviceAccounts/sajin-${name}@some-photos.iam.gserviceaccount.com"
    ])
    error_message = "An account of the cluster acts for nobody, or for another."
  }
  assert {
    condition     = length(google_cloud_run_v2_service.service) + length(google_cloud_run_v2_job.job) + length(google_cloud_scheduler_job.clock) + length(google_secret_manager_secret.secret) + length(google_storage_bucket.static) == 0
    error_message = "Something of Cloud Run is left."
  }
  assert {
    condition     = length(google_service_account_iam_member.push_tokens) == 0 && !contains(keys(google_service_account.account), "push")
    error_message = "Pub/Sub may call somebody."
  }
  assert {
    condition     = contains(keys(google_project_iam_member.account), "collector roles/cloudtrace.agent") && !contains(keys(google_project_iam_member.account), "web roles/cloudtrace.agent")
    error_message = "The collector of the cluster may not pass on what it gets."
  }
  assert {
    condition     = length(google_compute_global_address.edge) == 1 && output.gallery == "https://photos.example.org"
    error_message = "The load balancer has no address."
  }
  assert {
    condition     = strcontains(output.settings, "\nWEB_ACCOUNT=sajin-web@some-photos.iam.gserviceaccount.com\n") && strcontains(output.databases, "\nweb=cloudsql://some-photos:asia-northeast3:sajin/web?iam=sajin-web&ip=private\n") && !strcontains(join("", [output.settings, output.databases]), "sajin-example")
    error_message = "The overlay is told of another project."
  }
}

run "app_engine" {
  command = apply
  variables {
    delivery      = "pull"
    public_origin = "https://photos.example.org"
  }

  assert {
    condition     = toset(keys(google_cloud_run_v2_job.job)) == toset(["migrate", "collectstatic"]) && length(google_cloud_run_v2_service.service) + length(google_cloud_scheduler_job.clock) == 0
    error_message = "There is more on Cloud Run than what comes before a release."
  }
  assert {
    condition     = length(google_pubsub_subscription_iam_member.subscriber) == 6 && length(google_service_account_iam_member.workload) == 0
    error_message = "A service may not pull, or there is something for a cluster."
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret.secret)) == toset(["sajin-service-keys", "sajin-setup-token"]) && length(google_storage_bucket.static) == 1
    error_message = "The services lack what they are given."
  }
}

run "pulling_services_have_no_address_of_cloud_run" {
  command = plan
  variables {
    delivery = "pull"
  }
  expect_failures = [google_storage_bucket.media]
}

run "nobody_pushes_to_a_cluster" {
  command = plan
  variables {
    cluster = true
  }
  expect_failures = [google_storage_bucket.media]
}

run "events_are_pushed_or_pulled" {
  command = plan
  variables {
    delivery = "carried"
  }
  expect_failures = [var.delivery]
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
  command = plan # an apply calls gcloud
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
    condition     = contains(google_cloud_run_v2_service.service["catalog"].template[0].volumes[*].name, "cloudsql") && !contains(google_cloud_run_v2_service.service["upload"].template[0].volumes[*].name, "cloudsql")
    error_message = "The socket is not where the database is used."
  }
  assert {
    condition     = alltrue([for each in google_cloud_run_v2_service.service["catalog"].template[0].containers[0].env : each.value_source[0].secret_key_ref[0].secret == "sajin-database-url-catalog" if each.name == "SAJIN_DATABASE_URL"])
    error_message = "The password is not in a secret."
  }
  assert {
    condition = alltrue([
      for name, user in google_sql_user.password :
      user.database_roles == google_sql_user.account[name].database_roles &&
      google_secret_manager_secret_iam_member.reader["${name} reads sajin-database-url-${name == "migrate" ? "migrate-web" : name}"].member == "serviceAccount:sajin-${name}@some-photos.iam.gserviceaccount.com"
    ]) && length(google_sql_user.password) == 3
    error_message = "By the socket, a program may do something else, or nothing."
  }
}

run "applied_by_a_program" {
  command = plan
  variables {
    database_admin = "deployer@some-photos.iam.gserviceaccount.com"
  }

  assert {
    condition     = google_sql_user.admin.type == "CLOUD_IAM_SERVICE_ACCOUNT" && google_sql_user.admin.name == "deployer@some-photos.iam.gserviceaccount.com"
    error_message = "Another account is to make the roles."
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
