# An account for each program, with the least that it needs. What each may do is
# beside the thing that it may be done to.
resource "google_service_account" "account" {
  for_each = {
    upload    = "Sajin: takes pictures in"
    catalog   = "Sajin: knows what pictures there are"
    web       = "Sajin: the pages"
    migrate   = "Sajin: changes the database's schemas"
    static    = "Sajin: fills the static bucket"
    push      = "Sajin: as whom Pub/Sub calls"
    scheduler = "Sajin: starts jobs"
  }
  account_id   = "sajin-${each.key}"
  display_name = each.value
  depends_on   = [google_project_service.api]
}

locals {
  email  = { for name, account in google_service_account.account : name => "${account.account_id}@${var.project}.iam.gserviceaccount.com" }
  member = { for name, email in local.email : name => "serviceAccount:${email}" }

  # Google's own accounts, which act for its products in this project.
  pubsub_agent = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  iap_agent    = "serviceAccount:service-${local.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_project_iam_member" "database" {
  for_each = {
    for pair in setproduct(["catalog", "web", "migrate"], ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) :
    "${pair[0]} ${pair[1]}" => { account = pair[0], role = pair[1] }
  }
  project = var.project
  role    = each.value.role
  member  = local.member[each.value.account]
}

# Who may call which service. Nobody else reaches upload and catalog.
resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = {
    for pair in setproduct(["upload", "catalog"], ["web", "push"]) : "${pair[1]} calls ${pair[0]}" => { service = pair[0], caller = pair[1] }
  }
  location = var.region
  name     = google_cloud_run_v2_service.service[each.value.service].name
  role     = "roles/run.invoker"
  member   = local.member[each.value.caller]
}

resource "google_cloud_run_v2_service_iam_member" "iap" {
  count    = local.iap ? 1 : 0
  location = var.region
  name     = google_cloud_run_v2_service.service["web"].name
  role     = "roles/run.invoker"
  member   = local.iap_agent
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
  service_account_id = "projects/${var.project}/serviceAccounts/${local.email["push"]}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
  depends_on         = [google_pubsub_topic.topic] # makes Pub/Sub's own account
}
