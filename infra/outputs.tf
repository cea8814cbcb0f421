# What one wants to know after `terraform apply`.

locals {
  registry_host = var.domain == null ? trimprefix(google_cloudfunctions2_function.registry.service_config[0].uri, "https://") : var.domain
}

output "bucket" {
  description = "The bucket of blobs."
  value       = google_storage_bucket.blobs.name
}

output "database" {
  description = "The database in Firestore."
  value       = google_firestore_database.state.name
}

output "front_address" {
  description = "With domain: the address that the domain has to lead to (an A record), and cdn_domain too. The certificate is made when it does."
  value       = one(values(google_compute_global_address.front)[*].address)
}

output "pull_command" {
  description = "A first pull."
  value       = "docker pull ${local.registry_host}/shell/git"

  depends_on = [google_cloud_run_service_iam_member.everyone_calls_registry]
}

output "registry_host" {
  description = "The host of the registry, whose root is /v2/."
  value       = local.registry_host

  depends_on = [google_cloud_run_service_iam_member.everyone_calls_registry]
}

output "topics" {
  description = "The topics by what they are for. Whoever may publish to `prebuilds` may have images made."
  value       = { for topic, resource in google_pubsub_topic.topic : topic => resource.name }
}

output "worker" {
  description = "The machine that builds, or the group of them."
  value       = local.on_demand ? google_compute_instance.worker[0].id : google_compute_region_instance_group_manager.workers[0].id
}
