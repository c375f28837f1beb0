# The topics, and who may publish; a subscription for each that listens, with a
# topic of its own for what could not be handled. The names and deadlines are
# the code's.
locals {
  publishers = merge(
    {
      "sajin-objects" = { storage = "serviceAccount:${data.google_storage_project_service_account.storage.email_address}" }
      "sajin-images"  = { upload = local.member["upload"] }
      "sajin-purges"  = { catalog = local.member["catalog"] }
    },
    # A service sets aside what it has tried often enough; Pub/Sub, what never
    # reached it.
    { for name, s in local.subscriptions : "${name}-dead" => { (s.service) = local.member[s.service], agent = local.pubsub_agent } },
  )
  subscriptions = {
    "upload-objects" = { service = "upload", topic = "sajin-objects", seconds = 120 }
    "upload-purges"  = { service = "upload", topic = "sajin-purges", seconds = 60 }
    "catalog-images" = { service = "catalog", topic = "sajin-images", seconds = 30 }
  }
}

resource "google_pubsub_topic" "topic" {
  for_each = toset(concat(
    ["sajin-objects", "sajin-images", "sajin-purges"],
    [for name in keys(local.subscriptions) : "${name}-dead"],
  ))
  name = each.key
  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = merge([
    for topic, members in local.publishers : { for who, member in members : "${who} publishes ${topic}" => { topic = topic, member = member } }
  ]...)
  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = each.value.member
}

# Pushed to Cloud Run, whose services sleep otherwise, or pulled by the pods of a
# cluster, which has no address that Pub/Sub could call.
resource "google_pubsub_subscription" "subscription" {
  for_each                   = local.subscriptions
  name                       = each.key
  topic                      = google_pubsub_topic.topic[each.value.topic].id
  ack_deadline_seconds       = each.value.seconds
  message_retention_duration = "604800s"

  dynamic "push_config" {
    for_each = local.push ? [1] : []
    content {
      push_endpoint = "${local.origin[each.value.service]}/events/${each.key}"
      oidc_token {
        service_account_email = local.email["push"]
        audience              = local.origin[each.value.service]
      }
    }
  }
  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.topic["${each.key}-dead"].id
    max_delivery_attempts = 100 # the service gives up at 66, and says why
  }
  expiration_policy {
    ttl = "" # never
  }
  # Before the services: what is published to nobody is lost, while what cannot
  # be delivered yet comes again.
  depends_on = [google_service_account_iam_member.push_tokens]
}

# Pub/Sub takes from a subscription what it sets aside; who pulls, takes the rest.
resource "google_pubsub_subscription_iam_member" "subscriber" {
  for_each = merge([
    for name, s in local.subscriptions : {
      for who, member in merge({ agent = local.pubsub_agent }, local.push ? {} : { (s.service) = local.member[s.service] }) :
      "${who} takes ${name}" => { subscription = name, member = member }
    }
  ]...)
  subscription = google_pubsub_subscription.subscription[each.value.subscription].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}

resource "google_pubsub_subscription" "dead" {
  for_each                   = local.subscriptions
  name                       = "${each.key}-dead"
  topic                      = google_pubsub_topic.topic["${each.key}-dead"].id
  message_retention_duration = "2678400s"
  expiration_policy {
    ttl = ""
  }
}
