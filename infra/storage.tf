# The bucket of blobs, the one of what layers are planned by, and the one that the programs come from.

locals {
  # Names of buckets are the world's: a project's id is too.
  blob_bucket     = "${replace(var.project, "/[.:]/", "-")}-${var.name}-blobs"
  snapshot_bucket = "${replace(var.project, "/[.:]/", "-")}-${var.name}-snapshots"
  bundle_bucket   = "${replace(var.project, "/[.:]/", "-")}-${var.name}-bundles"
}

resource "google_storage_bucket" "blobs" {
  name                        = local.blob_bucket
  location                    = var.region
  force_destroy               = !var.deletion_protection
  labels                      = var.labels
  public_access_prevention    = var.public_layers ? "inherited" : "enforced"
  uniform_bucket_level_access = true

  # What is deleted is nobody's any more, and can be made again: by default it would be paid for another week.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  # No rule deletes blobs by their age: that counts from their making, and images that name them may be pulled daily. The janitor
  # does.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  depends_on = [google_project_service.used]
}

# Reads, and does not list.
resource "google_storage_bucket_iam_member" "everyone_reads" {
  count = var.public_layers ? 1 : 0

  bucket = google_storage_bucket.blobs.name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}

# What the registry signs is read in its name: by what is in a manifest, without a list.
resource "google_storage_bucket_iam_member" "registry_reads" {
  count = var.public_layers ? 0 : 1

  bucket = google_storage_bucket.blobs.name
  role   = "roles/storage.legacyObjectReader"
  member = google_service_account.part["registry"].member
}

# Snapshots tell what a package set has, with sizes and hashes: where layers are public, that need not be. A bucket's readers are
# everyone or not (conditions do not go with allUsers), so that they have one of their own in any case, and public_layers moves nothing.
resource "google_storage_bucket" "snapshots" {
  name                        = local.snapshot_bucket
  location                    = var.region
  force_destroy               = !var.deletion_protection
  labels                      = var.labels
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_iam_member" "keeps_snapshots" {
  for_each = toset(["janitor", "worker"])

  bucket = google_storage_bucket.snapshots.name
  role   = "roles/storage.objectUser"
  member = google_service_account.part[each.key].member
}

resource "google_storage_bucket_iam_member" "keeps_blobs" {
  for_each = toset(["janitor", "worker"])

  bucket = google_storage_bucket.blobs.name
  role   = "roles/storage.objectUser"
  member = google_service_account.part[each.key].member
}

# The worker asks at its start whether its buckets are there, which roles of objects do not let it.
resource "google_storage_bucket_iam_member" "worker_sees_bucket" {
  for_each = { blobs = google_storage_bucket.blobs.name, snapshots = google_storage_bucket.snapshots.name }

  bucket = each.value
  role   = "roles/storage.legacyBucketReader"
  member = google_service_account.part["worker"].member
}

resource "google_storage_bucket" "bundles" {
  name                        = local.bundle_bucket
  location                    = var.region
  force_destroy               = true
  labels                      = var.labels
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_iam_member" "worker_fetches_bundle" {
  bucket = google_storage_bucket.bundles.name
  role   = "roles/storage.legacyObjectReader"
  member = google_service_account.part["worker"].member
}
