# What depends on the database and on the pictures is destroyed before them: a
# destroy would drop the schemas, take the services away, and be refused only then.
# This depends on everything, so that it is the first that a destroy comes to.
resource "terraform_data" "protection" {
  input = var.deletion_protection

  provisioner "local-exec" {
    when    = destroy
    command = self.input ? "echo 'The gallery is protected: apply with deletion_protection=false before it is destroyed.' >&2; exit 1" : "true"
  }
  depends_on = [
    google_artifact_registry_repository.images,
    google_billing_budget.month,
    google_cloud_run_v2_job.job,
    google_cloud_run_v2_job_iam_member.scheduler,
    google_cloud_run_v2_service.service,
    google_cloud_run_v2_service_iam_member.caller,
    google_cloud_run_v2_service_iam_member.iap,
    google_cloud_scheduler_job.clock,
    google_compute_global_address.edge,
    google_iap_web_cloud_run_service_iam_member.viewer,
    google_monitoring_alert_policy.alert,
    google_monitoring_alert_policy.line,
    google_project_iam_member.account,
    google_pubsub_subscription.dead,
    google_pubsub_subscription_iam_member.subscriber,
    google_pubsub_topic_iam_member.publisher,
    google_secret_manager_secret_iam_member.reader,
    google_secret_manager_secret_version.collector,
    google_secret_manager_secret_version.first,
    google_service_account_iam_member.push_tokens,
    google_service_account_iam_member.workload,
    google_sql_database.database,
    google_sql_user.account,
    google_sql_user.password,
    google_storage_bucket_iam_member.member,
    google_storage_notification.originals,
    terraform_data.iap,
    terraform_data.images,
  ]
}
