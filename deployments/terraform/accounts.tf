# An account for each program, with the least that it needs. What each may do is
# beside the thing that it may be done to.
locals {
  # And where there is something for it to do: where events are pushed (on Cloud
  # Run), or pulled, or pulled in a cluster.
  accounts = {
    upload    = { does = "takes pictures in", with = ["push", "pull", "cluster"] }
    catalog   = { does = "knows what pictures there are", with = ["push", "pull", "cluster"] }
    web       = { does = "the pages", with = ["push", "pull", "cluster"] }
    migrate   = { does = "changes the database's schemas", with = ["push", "pull", "cluster"] }
    static    = { does = "fills the static bucket", with = ["push", "pull"] }
    push      = { does = "as whom Pub/Sub calls", with = ["push"] }
    scheduler = { does = "starts jobs", with = ["push"] }
    collector = { does = "passes traces and measurements on", with = ["cluster"] } # on Cloud Run it is beside each service
  }
}

resource "google_service_account" "account" {
  for_each     = { for name, account in local.accounts : name => account.does if contains(account.with, local.kind) }
  account_id   = "sajin-${each.key}"
  display_name = "Sajin: ${each.value}"
  depends_on   = [google_project_service.api]
}

locals {
  email  = { for name, account in google_service_account.account : name => "${account.account_id}@${var.project}.iam.gserviceaccount.com" }
  member = { for name, email in local.email : name => "serviceAccount:${email}" }

  # Google's own accounts, which act for its products in this project.
  pubsub_agent = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  iap_agent    = "serviceAccount:service-${local.number}@gcp-sa-iap.iam.gserviceaccount.com"

  # What is the project's and nothing smaller: the database's connector, and where
  # traces and measurements go.
  project_roles = {
    "roles/cloudsql.client"         = ["catalog", "web", "migrate"]
    "roles/cloudsql.instanceUser"   = ["catalog", "web", "migrate"]
    "roles/cloudtrace.agent"        = local.measured
    "roles/monitoring.metricWriter" = local.measured
  }
  measured = var.telemetry ? { push = keys(local.names), pull = [], cluster = ["collector"] }[local.kind] : []
}

resource "google_project_iam_member" "account" {
  for_each = merge([
    for role, accounts in local.project_roles : { for account in accounts : "${account} ${role}" => { account = account, role = role } }
  ]...)
  project = var.project
  role    = each.value.role
  member  = local.member[each.value.account]
}

# Who may call which service. Nobody else reaches upload and catalog.
resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = {
    for pair in setproduct(local.push ? ["upload", "catalog"] : [], ["web", "push"]) : "${pair[1]} calls ${pair[0]}" => { service = pair[0], caller = pair[1] }
  }
  location = var.region
  name     = google_cloud_run_v2_service.service[each.value.service].name
  role     = "roles/run.invoker"
  member   = local.member[each.value.caller]
}

resource "google_cloud_run_v2_service_iam_member" "iap" {
  count      = local.iap ? 1 : 0
  location   = var.region
  name       = google_cloud_run_v2_service.service["web"].name
  role       = "roles/run.invoker"
  member     = local.iap_agent
  depends_on = [terraform_data.iap]
}

# Cloud IAP's own account is there when somebody has asked for it, which only
# Google's beta provider and gcloud can.
resource "terraform_data" "iap" {
  count            = local.iap ? 1 : 0
  triggers_replace = [var.project]

  provisioner "local-exec" {
    command     = "gcloud beta services identity create --service=iap.googleapis.com --project=$PROJECT --quiet"
    environment = { PROJECT = var.project }
  }
  depends_on = [google_project_service.api]
}

resource "google_iap_web_cloud_run_service_iam_member" "viewer" {
  for_each               = local.iap ? var.viewers : []
  location               = var.region
  cloud_run_service_name = google_cloud_run_v2_service.service["web"].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}

# Pub/Sub signs its calls as the account for that.
resource "google_service_account_iam_member" "push_tokens" {
  count              = local.push ? 1 : 0
  service_account_id = "projects/${var.project}/serviceAccounts/${local.email["push"]}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
  depends_on         = [google_pubsub_topic.topic] # makes Pub/Sub's own account
}

# The accounts of the cluster, of the same names, act for them. The cluster has
# to be there: with the first of a project Google makes what their names are in.
resource "google_service_account_iam_member" "workload" {
  for_each           = var.cluster ? toset(local.workloads) : toset([])
  service_account_id = "projects/${var.project}/serviceAccounts/${local.email[each.key]}"
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[sajin/${each.key}]"
}

locals {
  workloads = ["upload", "catalog", "web", "migrate", "collector"]
}
