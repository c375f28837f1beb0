resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == "" ? 0 : 1
  display_name = "Sajin's operator"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.api]
}

locals {
  tell = google_monitoring_notification_channel.email[*].id

  # What is watched: a filter, how it is summed up, and what is too much for how
  # long. Each says what to do.
  alerts = {
    stuck = {
      name     = "Sajin: pictures are stuck"
      filter   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = one_of(\"upload-objects\", \"upload-purges\") AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.labels.subscription_id"], above = 900, seconds = 300
      document = "Events have waited for upload for more than 15 minutes. Look at the logs of sajin-upload; the sweep, every half hour, makes up for what was missed."
    }
    feed = {
      name     = "Sajin: the catalog lags behind"
      filter   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"catalog-images\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.labels.subscription_id"], above = 300, seconds = 300
      document = "Uploaded pictures have not come into the catalog for more than 5 minutes. Look at the logs of sajin-catalog and at the database."
    }
    dead = {
      name     = "Sajin: events were set aside"
      filter   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = ends_with(\"-dead\") AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.labels.subscription_id"], above = 0, seconds = 0
      document = "An event could not be handled in 66 attempts. Look at it with gcloud pubsub subscriptions pull, mend the cause, and run sajin-sweep-all."
    }
    errors = {
      name     = "Sajin: requests fail"
      filter   = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = starts_with(\"sajin-\") AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["resource.labels.service_name"], above = 20, seconds = 300
      document = "More than 20 requests in 5 minutes ended with 5xx. Look at the logs by request_id; gcloud run services update-traffic goes back to the revision before."
    }
    jobs = {
      name     = "Sajin: a job failed"
      filter   = "resource.type = \"cloud_run_job\" AND resource.labels.job_name = starts_with(\"sajin-\") AND metric.type = \"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result = \"failed\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["resource.labels.job_name"], above = 0, seconds = 0
      document = "Look at the job's last execution. It may be run again at any time."
    }
    disk = {
      name     = "Sajin: the database is nearly full"
      filter   = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.labels.database_id"], above = 0.9, seconds = 900
      document = "The disk grows by itself; when it does not, somebody has set a limit."
    }
  }
}

resource "google_monitoring_alert_policy" "alert" {
  for_each              = { for name, alert in local.alerts : name => alert if local.push || name != "errors" }
  display_name          = each.value.name
  combiner              = "OR"
  notification_channels = local.tell

  conditions {
    display_name = each.value.name
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "${each.value.seconds}s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.by
      }
    }
  }
  alert_strategy {
    auto_close = "86400s"
  }
  documentation {
    content   = each.value.document
    mime_type = "text/markdown"
  }
  depends_on = [google_project_service.api]
}

locals {
  # Lines of the log of which one is too many, by their code.
  lines = {
    event_altered = {
      name     = "Sajin: an event says something else than before"
      document = "An event came again under its id and says something else. It had no effect; the line names it. Nobody but sajin-upload may publish to sajin-images: look at who may, and who did."
    }
    outbox_set_aside = {
      name     = "Sajin: an event could not be published"
      document = "An event of sajin-catalog's outbox was refused, or failed again and again while others got through, and was set aside; the line says why. Nothing is lost, and the files of the purged image stay. Mend the cause, and run: gcloud run jobs execute sajin-purge --args=purge,-retry-failed"
    }
  }
}

resource "google_monitoring_alert_policy" "line" {
  for_each              = local.lines
  display_name          = each.value.name
  combiner              = "OR"
  notification_channels = local.tell

  conditions {
    display_name = each.value.name
    condition_matched_log {
      filter = "resource.type = one_of(\"cloud_run_revision\", \"cloud_run_job\") AND severity >= ERROR AND jsonPayload.code = \"${each.key}\""
    }
  }
  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    content   = each.value.document
    mime_type = "text/markdown"
  }
  depends_on = [google_project_service.api]
}

resource "google_billing_budget" "month" {
  count           = var.billing_account == "" ? 0 : 1
  billing_account = var.billing_account
  display_name    = "Sajin"
  budget_filter {
    projects = ["projects/${local.number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }
  threshold_rules {
    threshold_percent = 0.5
  }
  threshold_rules {
    threshold_percent = 1
  }
  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }
  dynamic "all_updates_rule" {
    for_each = length(local.tell) == 0 ? [] : [1]
    content {
      monitoring_notification_channels = local.tell
    }
  }
  depends_on = [google_project_service.api]
}
