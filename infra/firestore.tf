# The database: a named one, so that the project's default stays the project's.

resource "google_firestore_database" "state" {
  name                              = var.name
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_DISABLED"

  # The provider's own default leaves the database behind.
  deletion_policy         = "DELETE"
  delete_protection_state = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  depends_on = [google_project_service.used]
}

# Documents that are over are removed some time after. An index of the moment would be one more write to one place.
resource "google_firestore_field" "expiry" {
  for_each = toset(["logs", "quotas"])

  database   = google_firestore_database.state.name
  collection = each.key
  field      = "expireAt"

  ttl_config {}
  index_config {}
}

# What no query goes by, and is long or has many elements: each would be an index entry at each write. Every field that a query
# does go by (core/google, functions/janitor) has to stay out of this list: test/infra/terraform holds it.
resource "google_firestore_field" "unindexed" {
  for_each = {
    for path in [
      "images.build.failure",
      "images.build.lastError",
      "images.request.packages",
      "layers.narHashes",
      "logs.text",
      "manifests.bytes",
      "quotas.startedAt",
      "sources.refs.names",
      "sources.resolved.earlier",
    ] : path => regex("^(?P<collection>[^.]+)\\.(?P<field>.+)$", path)
  }

  database   = google_firestore_database.state.name
  collection = each.value.collection
  field      = each.value.field

  index_config {}
}

# This database, and no other of the project.
resource "google_project_iam_member" "database" {
  for_each = toset(["janitor", "prebuild", "registry", "worker"])

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.part[each.key].member

  condition {
    title      = "${var.name}-database"
    expression = "resource.name == \"projects/${var.project}/databases/${google_firestore_database.state.name}\""
  }
}
