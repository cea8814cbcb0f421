# The Cloud Functions: registry (HTTP), prebuild and janitor (messages), from one bundle.

locals {
  # Node's own defaults keep hundreds of megabytes of what a burst of pulls leaves behind (infra/local/local-environment.ts).
  registry_node_options = "--max-semi-space-size=4 --max-old-space-size=${floor(var.registry.memory_mb / 2)}"
  events_node_options   = "--max-semi-space-size=4 --max-old-space-size=256"

  function_environment = {
    # The service adds it by itself, and would differ from what is here.
    LOG_EXECUTION_ID = "true"
    # Express prints stack traces to clients otherwise.
    NODE_ENV = "production"
  }

  # Functions that messages run.
  event_functions = {
    janitor  = "maintenance"
    prebuild = "prebuilds"
  }
}

# The containers that Cloud Build makes of the bundle. Without rules they are kept, and paid for, for ever.
resource "google_artifact_registry_repository" "functions" {
  repository_id = "${var.name}-functions"
  location      = var.region
  format        = "DOCKER"
  labels        = var.labels

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "604800s"
    }
  }

  cleanup_policies {
    id     = "keep-latest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_cloudfunctions2_function" "registry" {
  name        = "${var.name}-registry"
  location    = var.region
  description = "Answers pulls"
  labels      = var.labels

  build_config {
    docker_repository = google_artifact_registry_repository.functions.id
    entry_point       = "registry"
    runtime           = "nodejs24"
    service_account   = google_service_account.part["build"].id

    automatic_update_policy {}

    source {
      storage_source {
        bucket = google_storage_bucket.bundles.name
        object = google_storage_bucket_object.function.name
      }
    }
  }

  service_config {
    available_cpu                    = "1"
    available_memory                 = "${var.registry.memory_mb}Mi"
    environment_variables            = merge(local.function_environment, { NODE_OPTIONS = local.registry_node_options }, local.environment.registry)
    ingress_settings                 = var.domain == null ? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"
    max_instance_count               = var.registry.max_instances
    max_instance_request_concurrency = var.registry.concurrency
    min_instance_count               = var.registry.min_instances
    service_account_email            = google_service_account.part["registry"].email
    timeout_seconds                  = var.registry.timeout_seconds

    dynamic "secret_environment_variables" {
      for_each = { DERIVERY_HOP_SECRET = local.secrets.hop, DERIVERY_TOKEN_SECRET = local.secrets.token }

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value.id
        version    = secret_environment_variables.value.version
      }
    }

    dynamic "secret_volumes" {
      for_each = var.access.users_secret[*]

      content {
        mount_path = local.users_folder
        project_id = var.project
        secret     = secret_volumes.value

        versions {
          path    = local.users_file
          version = "latest"
        }
      }
    }
  }

  # It reads its secrets as it starts, and what it may is worth nothing before it may.
  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.database,
    google_pubsub_topic_iam_member.publishes,
    google_secret_manager_secret_iam_member.registry,
  ]
}

# Docker and containerd have no identity of Google's to show: the registry asks itself who they are.
resource "google_cloud_run_service_iam_member" "everyone_calls_registry" {
  location = var.region
  service  = google_cloudfunctions2_function.registry.name
  role     = "roles/run.invoker"
  member   = "allUsers"

  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.registry.id]
  }
}

resource "google_cloudfunctions2_function" "event" {
  for_each = local.event_functions

  name        = "${var.name}-${each.key}"
  location    = var.region
  description = local.identities[each.key]
  labels      = var.labels

  build_config {
    docker_repository = google_artifact_registry_repository.functions.id
    entry_point       = each.key
    runtime           = "nodejs24"
    service_account   = google_service_account.part["build"].id

    automatic_update_policy {}

    source {
      storage_source {
        bucket = google_storage_bucket.bundles.name
        object = google_storage_bucket_object.function.name
      }
    }
  }

  service_config {
    available_cpu                    = "1"
    available_memory                 = "512Mi"
    environment_variables            = merge(local.function_environment, { NODE_OPTIONS = local.events_node_options }, local.environment[each.key])
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    max_instance_count               = 1
    max_instance_request_concurrency = 1
    min_instance_count               = 0
    service_account_email            = google_service_account.part[each.key].email
    # As long as the work on an event may take.
    timeout_seconds = 540
  }

  event_trigger {
    event_type            = "google.cloud.pubsub.topic.v1.messagePublished"
    pubsub_topic          = google_pubsub_topic.topic[each.value].id
    retry_policy          = each.key == "prebuild" ? "RETRY_POLICY_RETRY" : "RETRY_POLICY_DO_NOT_RETRY"
    service_account_email = google_service_account.part["events"].email
    trigger_region        = var.region
  }

  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.database,
    google_pubsub_topic_iam_member.publishes,
  ]
}

resource "google_cloud_run_service_iam_member" "events_call" {
  for_each = google_cloudfunctions2_function.event

  location = var.region
  service  = each.value.name
  role     = "roles/run.invoker"
  member   = google_service_account.part["events"].member

  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.event[each.key].id]
  }
}
