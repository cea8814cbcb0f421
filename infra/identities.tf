# Whom each part runs as. None has a key: Google's own machines say who they are. What each may do stands beside what it may
# do it to. Cloud Scheduler publishes as its own agent, and needs none.

locals {
  identities = {
    build    = "makes containers of the functions"
    events   = "brings messages to the functions"
    janitor  = "looks after builds and blobs"
    prebuild = "asks for images before anyone pulls"
    registry = "answers pulls"
    worker   = "builds images"
  }
}

resource "google_service_account" "part" {
  for_each = local.identities

  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name}: ${each.value}"

  depends_on = [google_project_service.used]
}

resource "google_project_iam_member" "build" {
  project = var.project
  role    = "roles/cloudbuild.builds.builder"
  member  = google_service_account.part["build"].member
}

# The registry signs the addresses of blobs as itself (signBlob), without a key.
resource "google_service_account_iam_member" "registry_signs" {
  count = var.public_layers ? 0 : 1

  service_account_id = google_service_account.part["registry"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.part["registry"].member
}

resource "google_project_iam_member" "worker_telemetry" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.part["worker"].member
}
